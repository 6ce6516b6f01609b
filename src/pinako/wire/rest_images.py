"""Items of `GET /api/v1/images`: a fragment made when the image changes, joined with its counts when it is read.

Stored: the head of the item, a separator, its tags. Counts, generation metadata and tags follow the head on joining.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from pinako.catalog import levels
from pinako.catalog.images import FullImage
from pinako.catalog.people import User
from pinako.wire.delivery import avatar_url, item_url
from pinako.wire.fragments import MEDIA, address, encode, head_of, marked
from pinako.wire.times import iso

_BREAK = b"\x03"
"""Between the parts of a stored fragment: a control character, so never inside JSON."""


class RestUser(msgspec.Struct, frozen=True, kw_only=True):
    """The uploader of an item. The original's `username` beside it stays for programs of every age."""

    id: int
    username: str | None
    image: msgspec.Raw | None


class RestImage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item without what is spliced: stats, meta, tags."""

    id: int
    url: msgspec.Raw
    hash: str | None
    width: int | None
    height: int | None
    nsfw_level: str
    type: str
    nsfw: bool
    browsing_level: int
    created_at: str
    post_id: int | None
    username: str | None
    user: RestUser
    base_model: str | None
    model_version_ids: tuple[int, ...]


class RestTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag as `withTags` shows it."""

    id: int
    name: str


class ImageParts(NamedTuple):
    """A fragment split once, when it is cached."""

    head: bytes
    tags: bytes


def avatar(user: User) -> msgspec.Raw | None:
    """The address of a user's picture, 96 wide, or None."""
    return marked(avatar_url(MEDIA, user.image, user.username or str(user.id)) if user.image else None)


def version_ids(full: FullImage) -> tuple[int, ...]:
    """All versions that an image was made with, detected ones first, each once (rest.md 20.39)."""
    ordered = sorted(full.used, key=lambda used: not used.detected)
    return tuple(dict.fromkeys(used.version_id for used in ordered))


def write_image(full: FullImage) -> bytes:
    """The fragment of one image."""
    image, user = full.image, full.user
    name = levels.legacy_name(image.level)
    head = RestImage(
        id=image.id,
        url=address(item_url(MEDIA, image.media_key, image.type)),
        hash=image.blurhash,
        width=image.width,
        height=image.height,
        nsfw_level=name,
        type=image.type,
        nsfw=name != "None",
        browsing_level=image.level,
        created_at=iso(image.sort_at),
        post_id=image.post_id,
        username=user.username,
        user=RestUser(id=user.id, username=user.username, image=avatar(user)),
        base_model=image.base_model,
        model_version_ids=version_ids(full),
    )
    tags = [RestTag(id=tag.id, name=tag.name) for tag in full.tags]
    return head_of(head) + _BREAK + encode(tags)


def split_image(body: bytes) -> ImageParts:
    """A stored fragment in its parts."""
    head, _, tags = body.partition(_BREAK)
    return ImageParts(head, tags)


def stats_text(like: int, dislike: int, heart: int, laugh: int, cry: int, comment: int) -> bytes:
    """The counts of an item. Written anew each time: a cache of texts that are seldom met twice costs four times as much."""
    return (
        f',"stats":{{"cryCount":{cry},"laughCount":{laugh},"likeCount":{like},"dislikeCount":{dislike},'
        f'"heartCount":{heart},"commentCount":{comment}}}'
    ).encode()


def join_image(
    parts: ImageParts,
    counts: Sequence[int],
    *,
    meta: bytes | None = None,
    nested_id: int | None = None,
    tags: bool = False,
) -> bytes:
    """One item. `counts` are likes, dislikes, hearts, laughs, cries, comments; what follows them is ignored.

    `meta` is the metadata to show, as JSON.

    `nested_id`: the image's id where the caller asked for the nested form `{"id", "meta"}` (`flatMeta=false`).
    """
    like, dislike, heart, laugh, cry, comment, *_ = counts
    stats = stats_text(like, dislike, heart, laugh, cry, comment)
    if meta is None and nested_id is None and not tags:
        return b"".join((parts.head, stats, b',"meta":null}'))
    shown = meta or b"null"
    if nested_id is not None:
        shown = b'{"id":%d,"meta":%s}' % (nested_id, shown)
    tail = b',"tags":' + parts.tags if tags else b""
    return b"".join((parts.head, stats, b',"meta":', shown, tail, b"}"))
