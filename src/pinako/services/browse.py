"""Lists, as one caller may see them: the one place where a viewer's levels clamp a query (style.md 8.3).

Both doors ask here, so that the same question lists the same ids. A Listed page is ids and a cursor; the doors fetch the
fragments of its ids and join them in their own shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from pinako.catalog import levels
from pinako.catalog.collections import Collection, FullCollection
from pinako.catalog.images import ImageSight
from pinako.catalog.people import Creator, Profile, User, Viewer
from pinako.catalog.queries import CollectionQuery, CreatorQuery, ImageQuery, ModelQuery, PostQuery, TagQuery, UserQuery
from pinako.catalog.tags import CountedTag, Tag
from pinako.catalog.visibility import sees_image
from pinako.errors import BadRequest, NotFound
from pinako.services import access, collections, seeing
from pinako.services.library import Library
from pinako.storage import text
from pinako.storage.records import columns, fetch, find, records

CUT_HEADER = "X-Pinako-Level"
MAX_ID = 2**31 - 1


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One page. `mask` is the effective level mask; `cut` it again where the caller had asked for more (else None).

    `viewer` is who looks at its things: the caller, as a share link lets them look where it opens the list.
    """

    ids: Sequence[int]
    next_cursor: str | None
    viewer: Viewer
    mask: int
    cut: int | None = None
    total: int = 0


def _cut(viewer: Viewer, asked: int | None) -> int | None:
    return viewer.mask(asked) if viewer.was_cut(asked) else None


Q = TypeVar("Q", ImageQuery, PostQuery, ModelQuery)


def _through(library: Library, query: Q, viewer: Viewer, post_ids: tuple[int, ...] = ()) -> tuple[Q, Viewer]:
    """A list of what a share link opens, as its bearer sees it. Who asks for all they may see gets all that the link shows."""
    eye = seeing.list_seer(library.database.read(), viewer, query.collection_id, post_ids)
    if eye is not viewer and query.level == viewer.cap:
        query = msgspec.structs.replace(query, level=eye.cap)
    return query, eye


def images(library: Library, query: ImageQuery, viewer: Viewer) -> Listed:
    """A page of images. NotFound for an unknown user name, BadRequest for a foreign cursor, Unauthorized for `hidden`."""
    if viewer.shared is not None:
        query, viewer = _through(library, query, viewer, query.post_ids)
    if query.collection_id is not None and not collections.may_read(
        library.database.read(), query.collection_id, viewer
    ):
        return Listed(
            ids=(), next_cursor=None, viewer=viewer, mask=viewer.mask(query.level), cut=_cut(viewer, query.level)
        )
    page = library.feeds.images(query, viewer)
    mask = viewer.mask(query.level)
    cut = mask if viewer.was_cut(query.level) else None
    return Listed(ids=page.ids, next_cursor=page.next_cursor, viewer=viewer, mask=mask, cut=cut)


def posts(library: Library, query: PostQuery, viewer: Viewer) -> Listed:
    """A page of posts."""
    if viewer.shared is not None:
        query, viewer = _through(library, query, viewer)
    if query.collection_id is not None and not collections.may_read(
        library.database.read(), query.collection_id, viewer
    ):
        return Listed(
            ids=(), next_cursor=None, viewer=viewer, mask=viewer.mask(query.level), cut=_cut(viewer, query.level)
        )
    page = library.feeds.posts(query, viewer)
    mask, cut = viewer.mask(query.level), _cut(viewer, query.level)
    return Listed(ids=page.ids, next_cursor=page.next_cursor, viewer=viewer, mask=mask, cut=cut)


def models(library: Library, query: ModelQuery, viewer: Viewer, *, counted: bool = False) -> Listed:
    """A page of models; `counted`: with the number of all that match (rest.md 20.5)."""
    if viewer.shared is not None:
        query, viewer = _through(library, query, viewer)
    mask, cut = viewer.mask(query.level), _cut(viewer, query.level)
    if query.collection_id is not None and not collections.may_read(
        library.database.read(), query.collection_id, viewer
    ):
        return Listed(ids=(), next_cursor=None, viewer=viewer, mask=mask, cut=cut)
    if query.tag and library.settings.unknown_tag_returns_all and not _knows_tag(library, query.tag):
        query = msgspec.structs.replace(query, tag=None)
    page = library.feeds.models(query, viewer)
    total = library.feeds.count_models(query, viewer) if counted else 0
    return Listed(ids=page.ids, next_cursor=page.next_cursor, viewer=viewer, mask=mask, cut=cut, total=total)


def _knows_tag(library: Library, name: str) -> bool:
    key = text.fold(name.strip())
    return library.database.read().row("SELECT 1 FROM tags WHERE name_key = ?", (key,)) is not None


_POSTED = f"SELECT {columns(ImageSight)} FROM images WHERE post_id IN (?*) ORDER BY post_id, idx, id"


def visible_post_images(
    library: Library,
    post_ids: Sequence[int],
    viewer: Viewer,
    mask: int,
    *,
    hide_minor: bool,
    hide_poi: bool,
    pending: bool = False,
) -> dict[int, list[int]]:
    """The images of each post that the caller may see under `mask`, in their order.

    `pending`: own unrated ones need no mature bit in the mask, as in lists of images that ask for it.
    """
    now = library.now()
    wide = mask | viewer.cap & levels.MATURE_BITS if pending else mask
    found: dict[int, list[int]] = defaultdict(list)
    for image in records(ImageSight, library.database.read().by_ids(_POSTED, list(dict.fromkeys(post_ids)))):
        if (hide_minor and image.minor) or (hide_poi and image.poi):
            continue
        within = wide if image.level == levels.UNRATED and image.user_id == viewer.user_id else mask
        if image.post_id is not None and sees_image(image, viewer, now, within):
            found[image.post_id].append(image.id)
    return found


class ListedCreators(msgspec.Struct, frozen=True, kw_only=True):
    """A page of creators with the number of all of them."""

    items: Sequence[Creator]
    total: int


def creators(library: Library, query: CreatorQuery, viewer: Viewer) -> ListedCreators:
    """Who owns models, by name, with how many of them the caller may see (rest.md 9, 20.13). `limit` 0 is everybody."""
    page = library.feeds.creators(query, viewer)
    users = fetch(library.database.read(), User, page.ids)
    items = [Creator(user=users[id], model_count=page.counts[id]) for id in page.ids if id in users]
    return ListedCreators(items=items, total=page.total)


class ListedTags(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tags with the number of all of them."""

    items: Sequence[CountedTag]
    total: int


def tags(library: Library, query: TagQuery, viewer: Viewer, *, all_counts: bool = False) -> ListedTags:
    """Tags of things that the caller may see, most used first; with a prefix the shortest names first (rest.md 10).

    The counts are those of `query.entity`; `all_counts`: those of the other entities too, which a short page may ask for.
    """
    page = library.feeds.tags(query, viewer)
    found = fetch(library.database.read(), Tag, page.ids)
    counts = {query.entity.lower(): page.counts}
    for entity in ("model", "image", "post") if all_counts else ():
        if entity not in counts:
            counts[entity] = library.feeds.count_tags(entity, page.ids, viewer, query.level)
    items = [
        CountedTag(tag=found[id], **{f"{entity}_count": by_id[id] for entity, by_id in counts.items()})
        for id in page.ids
        if id in found
    ]
    return ListedTags(items=items, total=page.total)


def users(library: Library, query: UserQuery) -> list[User]:
    """Users by id in the order asked, or the best matches of a name (rest.md 14)."""
    ids = library.feeds.users(query)
    found = fetch(library.database.read(), User, ids)
    return [found[id] for id in ids if id in found and found[id].deleted_at is None]


def user(library: Library, id: int | None, username: str | None) -> User:
    """One account by id or name. NotFound for unknown and deleted ones, BadRequest where neither is given."""
    read = library.database.read()
    if id is None and not username:
        raise BadRequest("Must provide username or id")
    found = find(read, User, id) if id is not None else access.find_user(read, username or "")
    if found is None or found.deleted_at is not None:
        raise NotFound("Could not find user")
    return found


_SUMS = (
    "SELECT coalesce(sum(download_count), 0), coalesce(sum(thumbs_up_count), 0), coalesce(sum(generation_count), 0) "
    "FROM models WHERE user_id = ? AND status = 'Published' AND withheld = 0 AND deleted_at IS NULL AND (level & ?) <> 0"
)


_REACTIONS = (
    "SELECT coalesce(sum(reaction_count), 0) FROM images WHERE user_id = ? AND withheld = 0 AND deleted_at IS NULL "
    "AND needs_review IS NULL AND blocked_for IS NULL AND published_at <= ? AND (level & ?) <> 0"
)


def profile(library: Library, viewer: Viewer, id: int | None, username: str | None) -> Profile | None:
    """`user.getCreator`; None for the system account. Counts are cut to what the caller may see."""
    if id == -1:
        return None
    found = user(library, id, username)
    mine = ModelQuery(user_id=found.id, level=viewer.cap, archived=True)
    pictures = ImageQuery(user_id=found.id, level=viewer.cap)
    downloads, thumbs, generations = library.database.read().row(_SUMS, (found.id, viewer.cap)) or (0, 0, 0)
    return Profile(
        user=found,
        model_count=library.feeds.count_models(mine, viewer),
        download_count=int(downloads),
        thumbs_up_count=int(thumbs),
        generation_count=int(generations),
        reaction_count=int(library.database.read().value(_REACTIONS, (found.id, library.now(), viewer.cap))),
        upload_count=library.feeds.count_images(pictures, viewer),
    )


class ListedCollections(msgspec.Struct, frozen=True, kw_only=True):
    """A page of collections and the id of the next page's first."""

    items: Sequence[FullCollection]
    next_cursor: int | None
    cut: int | None = None


def public_collections(
    library: Library, query: CollectionQuery, viewer: Viewer, *, covers: bool = False
) -> ListedCollections:
    """Public collections, newest first; the cursor is an id and inclusive (rest.md 18.1)."""
    mask = viewer.mask(query.level)
    page = library.feeds.collections(query, viewer, _collection_cursor(query.cursor))
    with library.database.read() as read:
        found = fetch(read, Collection, page.ids)
        ordered = [found[id] for id in page.ids if id in found]
        items = collections.complete(library, read, ordered, viewer, mask, covers=covers)
    return ListedCollections(items=items, next_cursor=page.next_id, cut=_cut(viewer, query.level))


def _collection_cursor(cursor: str | None) -> int | None:
    """The id that a collection cursor is; clients send it back as a number or as text."""
    if not cursor:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 10 or int(cursor) > MAX_ID:
        raise BadRequest(f"Invalid cursor: {cursor[:50]}")
    return int(cursor)


def default_images_level(library: Library, viewer: Viewer) -> int | None:
    """The level of REST image lists that name none: PG, or by setting all that the caller may see (rest.md 20.20)."""
    return viewer.cap if library.settings.images_nsfw_default == "account" else None


def level_named(mask: int) -> str:
    """A mask in words, for people."""
    return " ".join(levels.NAMES[bit] for bit in levels.BITS if mask & bit) or "nothing"
