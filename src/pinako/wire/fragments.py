"""Ready-made JSON: made when a thing changes, stored as bytes, joined when it is read.

A fragment holds two kinds of marks that JSON text cannot contain, because JSON escapes control characters: one for the
origin that was asked and one for the base of media addresses. `splice` sets both in one pass over a whole answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

ORIGIN = "\x01"
"""Stands for `https://host` at the start of an address inside a fragment."""
MEDIA = "\x02"
"""Stands for `https://host/account`, the base of media addresses."""
_ORIGIN_BYTES = ORIGIN.encode()
_MEDIA_BYTES = MEDIA.encode()

_encoder = msgspec.json.Encoder()


class Bases(msgspec.Struct, frozen=True, kw_only=True):
    """What the two marks become, as JSON string content."""

    origin: bytes
    media: bytes


@lru_cache(maxsize=256)
def bases(origin: str, media: str) -> Bases:
    """The bases of one request: its origin, and the base of media addresses (account segment included)."""
    return Bases(origin=_encoder.encode(origin)[1:-1], media=_encoder.encode(media)[1:-1])


def splice(body: bytes, to: Bases) -> bytes:
    """An answer with both marks replaced."""
    return body.replace(_MEDIA_BYTES, to.media).replace(_ORIGIN_BYTES, to.origin)


def address(text: str) -> msgspec.Raw:
    """An address that may begin with a mark, as JSON text: the mark stays a bare control character."""
    if text[:1] in (ORIGIN, MEDIA):
        return msgspec.Raw(b'"' + text[:1].encode() + _encoder.encode(text[1:])[1:])
    return msgspec.Raw(_encoder.encode(text))


def marked(text: str | None) -> msgspec.Raw | None:
    """`address` that lets None through."""
    return None if text is None else address(text)


PUBLIC = b'"availability":"Public"'
"""In a version's fragment as it stands here, this is its own member: within texts JSON escapes the quotes."""
NULL = b"null"
EMPTY_OBJECT = msgspec.Raw(b"{}")
EMPTY_LIST = msgspec.Raw(b"[]")


def raw(text: str | bytes | None) -> msgspec.Raw:
    """Stored JSON text as it is; None and blank become null."""
    if not text:
        return msgspec.Raw(NULL)
    return msgspec.Raw(text if isinstance(text, bytes) else text.encode())


def encode(noun: Any) -> bytes:
    """JSON of a wire body."""
    return _encoder.encode(noun)


def head_of(noun: Any) -> bytes:
    """JSON of an object without its closing brace: more members follow when it is joined."""
    return _encoder.encode(noun)[:-1]


class Gate:
    """What decides whether a viewer sees one preview: its level bit in the low bits, and two flags."""

    MINOR = 64
    POI = 128


def gate_of(*, level: int, minor: bool, poi: bool) -> int:
    """The gate of an image, 0 to 255."""
    return (level & 63) | (Gate.MINOR if minor else 0) | (Gate.POI if poi else 0)


@lru_cache(maxsize=512)
def sight(mask: int, *, minor: bool = False, poi: bool = False) -> bytes:
    """For each gate, 1 if a viewer with this mask sees it. `minor`, `poi`: flagged images are shown too.

    Unrated (level 0) previews are seen by nobody here: a list that shows them asks the predicate per image.
    """
    return bytes(_seen(gate, mask, minor=minor, poi=poi) for gate in range(256))


def _seen(gate: int, mask: int, *, minor: bool, poi: bool) -> bool:
    if (gate & Gate.MINOR and not minor) or (gate & Gate.POI and not poi):
        return False
    return bool(gate & mask & 31)


def sight_of(mask: int, habit: int, *, moderator: bool, owner: bool) -> bytes:
    """The sight of one viewer on one owner's images (domain.md d): `habit` is the viewer's standing mask.

    Flagged minors at PG are hidden from whoever's mask has a mature bit, the owner included; real persons from
    everybody but the owner; moderators meet both.
    """
    return sight(mask, minor=moderator or not habit & 28, poi=moderator or owner)
