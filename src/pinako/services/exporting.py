"""What an export asks of a library: which images a caller's wish names, page by page, and what is told of each.

Pages are keyset cursors of the feed engine, so that an export of a million images holds one page. Whatever leaves here has
passed the one visibility predicate twice: in the list, and again row by row just before its bytes are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pinako.catalog import levels
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User, Viewer
from pinako.catalog.queries import ImageQuery, ImageSort, ModelQuery, Period, PostQuery, Sought
from pinako.catalog.searching import Span
from pinako.catalog.visibility import sees_image
from pinako.errors import NotFound
from pinako.feed import gather
from pinako.services import browse, collections
from pinako.services.access import Caps
from pinako.services.items import image_items
from pinako.services.library import Library
from pinako.services.searching import narrow_images, tags_named
from pinako.storage.records import fetch
from pinako.wire import fragments

PAGE = 200


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which images: a text of the query language, narrowed by the other fields. `since` in milliseconds."""

    text: str = ""
    username: str | None = None
    model_id: int | None = None
    version_id: int | None = None
    collection_id: int | None = None
    tags: tuple[str, ...] = ()
    level: int | None = None
    types: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    period: Period = Period.ALL_TIME
    since: int | None = None
    sort: ImageSort | None = None
    drafts: bool = False


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """One image on its way out. `meta` (JSON text) and `generation` are None where there are none or this viewer may not
    read them; `bare`: its bytes tell how it was made, and its owner hides that from this viewer."""

    image: Image
    user: User
    post: Post | None = None
    item: bytes = b""
    """The item of `GET /api/v1/images?withMeta=true&withTags=true`."""
    meta: str | None = None
    site_meta: bool = False
    generation: str | None = None
    tags: tuple[str, ...] = ()
    bare: bool = False


def viewer_as(user: User, caps: Caps) -> Viewer:
    """The viewer that this account is when it asks with a key of its own."""
    return Viewer(
        cap=user.max_level & caps.account_level & levels.ALL,
        user_id=user.id,
        username=user.username,
        moderator=user.is_moderator,
        browsing=user.browsing_level,
    )


def image_query(library: Library, viewer: Viewer, wanted: Selection) -> ImageQuery:
    """A selection as the feed takes it. Without a level everything that the viewer may see.

    BadRequest for a text that cannot be read; NotFound for a tag, user or collection that is unknown to this viewer.
    """
    if wanted.collection_id is not None and not collections.may_read(
        library.database.read(), wanted.collection_id, viewer
    ):
        raise NotFound(f"No collection with id {wanted.collection_id}")
    query = ImageQuery(
        limit=PAGE,
        level=wanted.level or viewer.cap,
        username=wanted.username,
        model_id=wanted.model_id,
        version_id=wanted.version_id,
        collection_id=wanted.collection_id,
        all_tags=_tag_ids(library, wanted.tags),
        types=wanted.types,
        base_models=wanted.base_models,
        period=wanted.period,
        drafts=wanted.drafts,
    )
    if wanted.text.strip():
        query = narrow_images(library, viewer, query, wanted.text)
    if wanted.since is not None:
        sought = query.sought or Sought()
        date = Span(wanted.since) & (sought.date or Span())
        query = msgspec.structs.replace(query, sought=msgspec.structs.replace(sought, date=date))
    return msgspec.structs.replace(query, sort=wanted.sort or _own_order(query))


def _own_order(query: ImageQuery) -> ImageSort | None:
    """A collection has an order of its own; all else comes as it was posted."""
    return None if query.collection_id is not None else ImageSort.OLDEST


def _tag_ids(library: Library, names: Sequence[str]) -> tuple[int, ...]:
    found = {tag.name.casefold(): tag.id for tag in tags_named(library, names)}
    for name in names:
        if name.strip().casefold() not in found:
            raise NotFound(f"No tag named {name}")
    return tuple(found.values())


def image_queries(library: Library, viewer: Viewer, wanted: Selection) -> Iterator[ImageQuery]:
    """The lists that a selection comes to: one, or for a collection of posts one for each page of its posts."""
    query = image_query(library, viewer, wanted)
    yield query
    if query.collection_id is None or not _holds_posts(library, query.collection_id):
        return
    posts = PostQuery(collection_id=query.collection_id, level=query.level, limit=100)
    while True:
        page = browse.posts(library, posts, viewer)
        if page.ids:
            yield msgspec.structs.replace(query, collection_id=None, post_ids=tuple(page.ids), sort=wanted.sort)
        if page.next_cursor is None:
            return
        posts = msgspec.structs.replace(posts, cursor=page.next_cursor)


def _holds_posts(library: Library, collection_id: int) -> bool:
    sql = "SELECT 1 FROM collection_items WHERE collection_id = ? AND entity_type = 'Post' LIMIT 1"
    return library.database.read().row(sql, (collection_id,)) is not None


def is_of_models(library: Library, wanted: Selection) -> bool:
    """Whether a selection names a collection of models."""
    sql = "SELECT 1 FROM collections WHERE id = ? AND type = 'Model'"
    return library.database.read().row(sql, (wanted.collection_id,)) is not None


def count(library: Library, viewer: Viewer, query: ImageQuery) -> int:
    """How many images the whole list has."""
    return library.feeds.count_images(query, viewer)


def pages(library: Library, viewer: Viewer, query: ImageQuery) -> Iterator[Sequence[int]]:
    """The ids of a list, page by page."""
    cursor: str | None = None
    while True:
        page = browse.images(library, msgspec.structs.replace(query, cursor=cursor), viewer)
        if page.ids:
            yield page.ids
        cursor = page.next_cursor
        if cursor is None:
            return


def leaving(library: Library, viewer: Viewer, ids: Sequence[int], to: fragments.Bases) -> list[Leaving]:
    """What is told of these images to this viewer, in their order; those that went meanwhile are left out."""
    now = library.now()
    with library.database.read() as read:
        images = fetch(read, Image, ids)
        seen = [images[id] for id in ids if id in images and sees_image(images[id], viewer, now)]
        users = fetch(read, User, (image.user_id for image in seen))
        posts = fetch(read, Post, (image.post_id for image in seen if image.post_id is not None))
        tags = gather.tags_of(read, "image_tags", "image_id", [image.id for image in seen])
        made = {row[0]: row for row in read.by_ids(_MADE, [image.id for image in seen])}
    items = image_items(library, [image.id for image in seen], viewer, meta=True, tags=True)
    return [
        Leaving(
            image=image,
            user=users.get(image.user_id, gather.UNKNOWN_USER),
            post=posts.get(image.post_id) if image.post_id is not None else None,
            item=fragments.splice(items.get(image.id, b""), to),
            tags=tuple(tag.name for tag in tags.get(image.id, ())),
            **_making(image, viewer, made.get(image.id)),
        )
        for image in seen
    ]


_MADE = "SELECT image_id, site_meta, file_meta, generation FROM image_meta WHERE image_id IN (?*)"


def _making(image: Image, viewer: Viewer, row: Sequence[str | None] | None) -> dict[str, Any]:
    """How an image was made, as far as this viewer may know: what its owner hides only the owner reads (media: moderators)."""
    hidden = image.hide_meta and image.user_id != viewer.user_id
    if row is None or hidden:
        return {"bare": hidden and not viewer.moderator}
    return {"meta": row[1] or row[2], "site_meta": row[1] is not None, "generation": row[3]}


def bases_of(library: Library) -> fragments.Bases:
    """What addresses in exported records begin with: where this library's server answers by its settings."""
    settings = library.settings
    origin = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return fragments.bases(origin, f"{origin}/{settings.media_account}")


def model_pages(library: Library, viewer: Viewer, query: ModelQuery) -> Iterator[Sequence[int]]:
    """The ids of a list of models, page by page."""
    cursor: str | None = None
    while True:
        page = browse.models(library, msgspec.structs.replace(query, cursor=cursor), viewer)
        if page.ids:
            yield page.ids
        cursor = page.next_cursor
        if cursor is None:
            return
