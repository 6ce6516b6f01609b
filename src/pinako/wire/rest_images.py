"""Items of `GET /api/v1/images`: a fragment made when the image changes, joined with its counts when it is read.

Stored: a mark of this form and the head of the item. Counts, generation metadata and tags follow the head on joining. Tags are
not stored a second time: they were half of every fragment, for the few who ask for them.
"""

from __future__ import annotations

import msgspec

from pinako.catalog import levels
from pinako.catalog.images import FullImage
from pinako.catalog.people import User
from pinako.wire.delivery import avatar_url, item_url
from pinako.wire.fragments import MEDIA, address, encode, head_of, marked
from pinako.wire.times import iso

_FORM = b"\x03"
"""The first byte of a stored fragment: a control character, so that no JSON and no fragment of another form begins so."""


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
    return _FORM + head_of(head)


def write_tag(id: int, name: str) -> bytes:
    """One of the tags that `with_more` takes as a list."""
    return encode(RestTag(id=id, name=name))


def read_head(body: bytes) -> bytes:
    """The head within a stored fragment. ValueError for one that was written in another form."""
    if not body.startswith(_FORM):
        raise ValueError("a fragment of another form")
    return body[1:]


_PLAIN = (
    b'%b,"stats":{"cryCount":%d,"laughCount":%d,"likeCount":%d,"dislikeCount":0,"heartCount":%d,"commentCount":%d}'
    b',"meta":null}'
)
_PLAIN_END = len(b"null}")


def join_image(head: bytes, like: int, heart: int, laugh: int, cry: int, comment: int) -> bytes:
    """One item as nearly everybody asks for it: without metadata, without tags. Dislikes are never told (domain.md e)."""
    return _PLAIN % (head, cry, laugh, like, heart, comment)


def with_more(
    item: bytes, *, meta: bytes | None = None, nested_id: int | None = None, tags: bytes | None = None
) -> bytes:
    """A joined item with its metadata (JSON; None: there is none to show) and its tags (JSON; None: they were not asked).

    `nested_id`: the image's id where the caller asked for the nested form `{"id", "meta"}` (`flatMeta=false`).
    """
    shown = meta or b"null"
    if nested_id is not None:
        shown = b'{"id":%d,"meta":%b}' % (nested_id, shown)
    tail = b"}" if tags is None else b',"tags":%b}' % tags
    return b"".join((item[:-_PLAIN_END], shown, tail))
