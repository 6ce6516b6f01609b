"""Collections by id and by user, what a caller may do with one, and its cover and counts (trpc.md 6, rest.md 18)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from pinako.catalog import levels
from pinako.catalog.collections import Collection, CollectionTag, FullCollection, Permissions
from pinako.catalog.images import FullImage, ImageSight
from pinako.catalog.people import User, Viewer
from pinako.catalog.tags import Tag
from pinako.catalog.visibility import sees_image
from pinako.errors import NotFound, Unauthorized
from pinako.feed import gather
from pinako.services.library import Library
from pinako.storage.records import columns, fetch, find, record, records, select
from pinako.storage.scopes import Statements

READABLE = frozenset({"Public", "Unlisted"})
FALLBACK_COVERS = 10


def permissions(read: Statements, collection: Collection | None, viewer: Viewer, id: int) -> Permissions:
    """What this caller may do. One that does not exist permits nothing and has no type (trpc.md 6.1)."""
    if collection is None or collection.deleted_at is not None:
        return Permissions(collection_id=id)
    public = collection.read in READABLE
    follows = [word for word, given in _FOLLOW if given(collection)]
    own = viewer.known and viewer.user_id == collection.user_id
    granted = _granted(read, id, viewer)
    rights = granted or frozenset()
    shown = viewer.shared is not None and viewer.shared.collection_id == id
    return Permissions(
        collection_id=id,
        read=shown or public or own or viewer.moderator or bool(rights),
        write=own or collection.write == "Public" or "ADD" in rights,
        write_review=collection.write == "Review" or "ADD_REVIEW" in rights,
        manage=own or viewer.moderator or "MANAGE" in rights,
        follow=bool(follows),
        is_contributor=granted is not None,
        is_owner=own,
        follow_permissions=tuple(follows),
        public_collection=public,
        collection_type=collection.type,
        collection_mode=collection.mode,
    )


_FOLLOW = (
    ("VIEW", lambda c: c.read in READABLE),
    ("ADD", lambda c: c.write == "Public"),
    ("ADD_REVIEW", lambda c: c.write == "Review"),
)


def _granted(read: Statements, id: int, viewer: Viewer) -> frozenset[str] | None:
    if viewer.user_id is None:
        return None
    row = read.row(
        "SELECT permissions FROM collection_contributors WHERE collection_id = ? AND user_id = ?", (id, viewer.user_id)
    )
    return None if row is None else frozenset(msgspec.json.decode(row[0], type=list[str]))


def may_read(read: Statements, id: int, viewer: Viewer) -> bool:
    """Whether a list of this collection's items may show anything."""
    return permissions(read, find(read, Collection, id), viewer, id).read


def by_id(library: Library, viewer: Viewer, id: int) -> tuple[FullCollection | None, Permissions]:
    """A collection and the caller's permissions. None without read: missing and private answer alike."""
    with library.database.read() as read:
        collection = find(read, Collection, id)
        may = permissions(read, collection, viewer, id)
        if collection is None or not may.read:
            nothing = Permissions(collection_id=id)
            return None, nothing
        if viewer.shared is not None and viewer.shared.collection_id == id:
            viewer = viewer.through()
        return complete(library, read, [collection], viewer, viewer.cap)[0], may


def listed_by_id(library: Library, viewer: Viewer, id: int) -> FullCollection:
    """A public or unlisted collection, for REST, which looks with nobody's eyes. NotFound otherwise."""
    with library.database.read() as read:
        collection = find(read, Collection, id)
        if collection is None or collection.deleted_at is not None or collection.read not in READABLE:
            raise NotFound(f"No collection with id {id}")
        return complete(library, read, [collection], viewer, levels.cut(levels.PUBLIC, viewer.cap))[0]


def complete(
    library: Library, read: Statements, found: Sequence[Collection], viewer: Viewer, mask: int, *, covers: bool = False
) -> list[FullCollection]:
    """Collections with owner, cover, tags and counts, cut to what the caller may see under `mask`.

    `covers`: also look for up to ten images to stand in where there is no cover.
    """
    ids = [collection.id for collection in found]
    users = fetch(read, User, (collection.user_id for collection in found))
    shown = _covers(library, read, found, viewer, mask)
    tags = _tags(read, ids)
    contributors: dict[int, int] = dict(
        read.by_ids(
            "SELECT collection_id, COUNT(*) FROM collection_contributors WHERE collection_id IN (?*) GROUP BY collection_id",
            ids,
        )
    )
    return [
        FullCollection(
            collection=collection,
            user=users.get(collection.user_id, gather.UNKNOWN_USER),
            cover=shown.get(collection.image_id or 0),
            fallbacks=_fallbacks(library, read, collection.id, viewer, mask)
            if covers and not shown.get(collection.image_id or 0)
            else (),
            tags=tuple(tags.get(collection.id, ())),
            item_count=library.feeds.count_collection(collection.id, viewer, mask),
            contributor_count=contributors.get(collection.id, 0),
        )
        for collection in found
    ]


def _covers(
    library: Library, read: Statements, found: Iterable[Collection], viewer: Viewer, mask: int
) -> dict[int, FullImage]:
    full = gather.full_images(read, {c.image_id for c in found if c.image_id is not None})
    now = library.now()
    return {id: item for id, item in full.items() if sees_image(item.image, viewer, now, mask)}


def _fallbacks(library: Library, read: Statements, id: int, viewer: Viewer, mask: int) -> tuple[FullImage, ...]:
    ids = newest_seen(library, read, id, viewer, mask, most=FALLBACK_COVERS)
    full = gather.full_images(read, ids)
    return tuple(full[id] for id in ids if id in full)


_NEWEST = (
    f"SELECT {columns(ImageSight, 'i.')} FROM collection_items c JOIN images i ON i.id = c.entity_id "
    "WHERE c.collection_id = ? AND c.entity_type = 'Image' AND c.status = 'ACCEPTED' "
    "ORDER BY c.created_at DESC, c.id DESC LIMIT ?"
)
_LOOKED_AT = 60
"""Things of a collection among which its cover is sought."""


def newest_seen(library: Library, read: Statements, id: int, viewer: Viewer, mask: int, *, most: int) -> list[int]:
    """The images that stand for a collection without a cover: the last that came, of those that the caller may see."""
    now, seen = library.now(), list[int]()
    for take in (2 * most, _LOOKED_AT):  # mostly the first few are enough
        rows = records(ImageSight, read.rows(_NEWEST, (id, take)))
        seen = [image.id for image in rows if sees_image(image, viewer, now, mask)]
        if len(seen) >= most or len(rows) < take:
            break
    return seen[:most]


def standings(library: Library, id: int, kind: str, ids: Sequence[int]) -> dict[int, str]:
    """How each of these things stands in a collection: ACCEPTED, REVIEW or REJECTED. Those that are not in it are left out."""
    sql = "SELECT entity_id, status FROM collection_items WHERE collection_id = ? AND entity_type = ? AND entity_id IN (?*)"
    return dict(library.database.read().by_ids(sql, ids, (id, kind)))


def _tags(read: Statements, ids: Sequence[int]) -> dict[int, list[CollectionTag]]:
    sql = (
        f"SELECT c.collection_id, c.filterable_only, {columns(Tag, 't.')} FROM collection_tags c "
        "JOIN tags t ON t.id = c.tag_id WHERE c.collection_id IN (?*) ORDER BY c.tag_id"
    )
    found: dict[int, list[CollectionTag]] = defaultdict(list)
    for row in read.by_ids(sql, ids):
        found[row[0]].append(CollectionTag(tag=record(Tag, row[2:]), filterable_only=bool(row[1])))
    return found


def of_user(
    library: Library,
    viewer: Viewer,
    *,
    wanted: frozenset[str] = frozenset(),
    type: str | None = None,
    contributing_only: bool = True,
) -> list[FullCollection]:
    """`collection.getAllUser`: the caller's own first, then those where a right in `wanted` is held (trpc.md 6.3)."""
    if viewer.user_id is None:
        raise Unauthorized("UNAUTHORIZED")
    with library.database.read() as read:
        found = {
            c.id: c
            for c in select(read, Collection, "user_id = ? AND deleted_at IS NULL ORDER BY id", (viewer.user_id,))
        }
        if wanted:
            found |= {c.id: c for c in _contributed(read, viewer.user_id, wanted)}
        if wanted and not contributing_only:
            found |= {c.id: c for c in _open_to_all(read, wanted) if c.id not in found}
        fitting = [c for c in found.values() if type is None or c.type in (None, type)]
        return complete(library, read, fitting, viewer, viewer.cap)


def _contributed(read: Statements, user_id: int, wanted: frozenset[str]) -> list[Collection]:
    rows = read.rows("SELECT collection_id, permissions FROM collection_contributors WHERE user_id = ?", (user_id,))
    ids = [row[0] for row in rows if wanted & set(msgspec.json.decode(row[1], type=list[str]))]
    alive = fetch(read, Collection, ids)
    return [alive[id] for id in sorted(alive) if alive[id].deleted_at is None]


def _open_to_all(read: Statements, wanted: frozenset[str]) -> list[Collection]:
    conditions = [sql for word, sql in (("ADD", "write = 'Public'"), ("VIEW", "read = 'Public'")) if word in wanted]
    if not conditions:
        return []
    return select(read, Collection, f"deleted_at IS NULL AND ({' OR '.join(conditions)}) ORDER BY id")
