"""What a collection holds, of every kind at once: `collection.getAllCollectionItems` (trpc.md 6.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from pinako.catalog.collections import Collection, CollectionItem
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ContentsQuery, ImageQuery, ModelQuery, PostQuery
from pinako.errors import Unauthorized
from pinako.feed.cursor import read_cursor, write_cursor
from pinako.services import browse
from pinako.services.collections import permissions
from pinako.services.library import Library
from pinako.storage.records import columns, find, records

_SORT = "Contents"
_END_OF_TIME = (1 << 60, 0)
_NEXT = (
    f"SELECT {columns(CollectionItem)} FROM collection_items "
    "WHERE collection_id = ? AND (created_at, id) <= (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?"
)
_ROWS = 200


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """One page; the cursor names the next page's first row, itself among it."""

    items: Sequence[CollectionItem] = ()
    next_cursor: str | None = None


def page(library: Library, viewer: Viewer, query: ContentsQuery) -> Contents:
    """What the caller may see of a collection, the latest first. Unauthorized without a login; empty without read."""
    if viewer.user_id is None:
        raise Unauthorized("UNAUTHORIZED")
    start = read_cursor(_SORT, query.cursor, 2) if query.cursor else _END_OF_TIME
    read = library.database.read()
    may = permissions(read, find(read, Collection, query.collection_id), viewer, query.collection_id)
    found: list[CollectionItem] = []
    more = may.read
    while more and len(found) <= query.limit:
        rows = records(CollectionItem, read.rows(_NEXT, (query.collection_id, *start, _ROWS)))
        wanted = [row for row in rows if row.status in query.statuses]
        told = [row for row in wanted if row.status == "ACCEPTED" or may.manage or row.added_by_id == viewer.user_id]
        found += _listed(library, viewer, told)
        more = len(rows) == _ROWS
        start = (rows[-1].created_at, rows[-1].id - 1) if rows else start
    following = found[query.limit :][:1]
    return Contents(
        items=found[: query.limit],
        next_cursor=write_cursor(_SORT, (following[0].created_at, following[0].id)) if following else None,
    )


def _listed(library: Library, viewer: Viewer, rows: Sequence[CollectionItem]) -> list[CollectionItem]:
    """Those of these rows whose things lists show to the caller."""
    ids: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        ids[row.entity_type].append(row.entity_id)
    seen = {kind: frozenset(_shown(library, viewer, kind, tuple(of_kind))) for kind, of_kind in ids.items()}
    return [row for row in rows if row.entity_id in seen[row.entity_type]]


def _shown(library: Library, viewer: Viewer, kind: str, ids: tuple[int, ...]) -> Sequence[int]:
    if kind == "Image":
        return browse.images(library, ImageQuery(ids=ids, level=viewer.cap, limit=_ROWS), viewer).ids
    if kind == "Post":
        return browse.posts(library, PostQuery(ids=ids, level=viewer.cap, limit=_ROWS), viewer).ids
    if kind == "Model":
        return browse.models(library, ModelQuery(ids=ids, level=viewer.cap, limit=_ROWS), viewer).ids
    return ()
