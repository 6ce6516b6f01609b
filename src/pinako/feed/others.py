"""Lists of creators, tags, collections and users: few rows, asked of the database and of the model index's counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from pinako.catalog import levels
from pinako.catalog.people import Viewer
from pinako.catalog.queries import CollectionQuery, CollectionSort, CreatorQuery, TagQuery, TagSort, UserQuery
from pinako.catalog.visibility import BLOCKED_TAGS, Standing
from pinako.errors import BadRequest
from pinako.feed import resources
from pinako.feed.counting import count_by_key, count_by_value
from pinako.feed.image_rows import Flag
from pinako.feed.index import Index
from pinako.feed.names import Names
from pinako.feed.shelves import NOBODY, Shelf, Shelves
from pinako.feed.sights import guards, sight_of
from pinako.feed.spec import UNRATED_BIT, Among, AnyOf, Sight, Term
from pinako.storage import text
from pinako.storage.database import Database
from pinako.storage.scopes import Statements

_LARGE = 200_000
_MOST_IDS = 1000
_LASTS_S = 60.0
"""Counts over large entities are kept a minute, as upstream keeps them; smaller ones until the next write."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of a page with a count for each, and how many rows the whole list has."""

    ids: list[int]
    counts: dict[int, int]
    total: int


class Tallies:
    """Counts by owner and by tag, kept while they hold good."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str, Sight, tuple[Term, ...]], tuple[Index, int, float, dict[int, int]]] = {}

    def by_owner(self, index: Index, sight: Sight, terms: tuple[Term, ...]) -> dict[int, int]:
        """Rows of each owner."""
        return self._keep(index, "owner", sight, terms, count_by_key)

    def by_tag(self, index: Index, sight: Sight, terms: tuple[Term, ...]) -> dict[int, int]:
        """Rows of each tag."""
        return self._keep(index, "tag", sight, terms, count_by_value)

    def _keep(
        self,
        index: Index,
        what: str,
        sight: Sight,
        terms: tuple[Term, ...],
        count: Callable[[Index, Sight, Sequence[Term], str], dict[int, int]],
    ) -> dict[int, int]:
        asked = (index.spec.name, what, sight, terms)
        known = self._kept.get(asked)
        if known is not None and known[0] is index and (known[1] == index.version or self._lasts(index, known[2])):
            return known[3]
        if len(self._kept) >= 64:
            self._kept.clear()
        version = index.version
        counts = count(index, sight, terms, what)
        self._kept[asked] = (index, version, self._clock(), counts)
        return counts

    def _lasts(self, index: Index, since: float) -> bool:
        return len(index) > _LARGE and self._clock() - since < _LASTS_S


def page_of(ids: list[int], limit: int, page: int | None) -> list[int]:
    """One page by number; `limit` 0 is everything."""
    if not limit:
        return ids
    first = (max(page or 1, 1) - 1) * limit
    return ids[first : first + limit]


def list_creators(index: Index, names: Names, tallies: Tallies, query: CreatorQuery, viewer: Viewer) -> Counted:
    """Users who own a model, by name; the count is of those that this caller may see.

    Without `every_owner` only those who have some; with it drafts and levels beyond the caller's make an owner too, while
    what exists for nobody (withheld, deleted) makes none.
    """
    counts = tallies.by_owner(index, *resources.listed(viewer, viewer.mask(query.level)))
    owners = tallies.by_owner(index, _ANY_STANDING, ()) if query.every_owner else counts
    known = names.all()
    wanted = text.fold((query.text or "").strip())
    held = sorted((known[id], id) for id in owners if id in known and wanted in known[id])
    shown = page_of([id for _, id in held], query.limit, query.page)
    return Counted(ids=shown, counts={id: counts.get(id, 0) for id in shown}, total=len(held))


_ANY_LEVEL = levels.ALL | levels.BLOCKED | UNRATED_BIT
_ANY_STANDING = Sight(_ANY_LEVEL, all=tuple((int(room), _ANY_LEVEL) for room in Standing if room > Standing.PUBLIC))


TAG_LEVELS = {"Model": "model", "Image": "image", "Post": "post"}
_SORTED_BY = {TagSort.MOST_MODELS: "model", TagSort.MOST_IMAGES: "image", TagSort.MOST_POSTS: "post"}


def list_tags(
    database: Database, indexes: dict[str, Index], tallies: Tallies, query: TagQuery, viewer: Viewer
) -> Counted:
    """Tags that lie on something this caller may see, the most used first; with a prefix the shortest first.

    Never unlisted or admin-only ones; without a prefix only PG and featured ones (rest.md 10). The counts are those of
    `query.entity`.
    """
    if query.entity not in TAG_LEVELS:  # articles, bounties and the like: a library holds none
        return Counted(ids=[], counts={}, total=0)
    mask = viewer.mask(query.level)
    counts = _tag_counts(indexes, tallies, TAG_LEVELS[query.entity], viewer, mask)
    order = counts
    if _SORTED_BY.get(query.sort, TAG_LEVELS[query.entity]) != TAG_LEVELS[query.entity]:
        order = _tag_counts(indexes, tallies, _SORTED_BY[query.sort], viewer, mask)
    prefix = text.fold((query.text or "").strip())
    rows = _tag_rows(database, prefix, query.categories)
    held = [
        (len(name) if prefix else 0, -order.get(id, 0), name, id)
        for id, name in rows
        if id in counts and (viewer.moderator or id not in BLOCKED_TAGS)
    ]
    shown = page_of([row[3] for row in sorted(held)], query.limit, query.page)
    return Counted(ids=shown, counts={id: counts[id] for id in shown}, total=len(held))


def count_tags(
    indexes: dict[str, Index], entity: str, ids: Sequence[int], viewer: Viewer, asked: int | None
) -> dict[int, int]:
    """How many things of `entity` ("model", "image", "post") that this caller may see carry each of these few tags."""
    sight, terms = _shown(entity, viewer, viewer.mask(asked))
    return {id: indexes[entity].count(sight, (*terms, AnyOf((("tag", id),)))) for id in ids}


def _tag_counts(indexes: dict[str, Index], tallies: Tallies, entity: str, viewer: Viewer, mask: int) -> dict[int, int]:
    return tallies.by_tag(indexes[entity], *_shown(entity, viewer, mask))


def _shown(entity: str, viewer: Viewer, mask: int) -> tuple[Sight, tuple[Term, ...]]:
    """The things whose tags count: what anybody with this mask may see."""
    if entity == "model":
        return resources.listed(viewer, mask)
    return Sight(mask), _flags(entity, viewer, mask)


def _flags(entity: str, viewer: Viewer, mask: int) -> tuple[Term, ...]:
    """The guards of flagged things; posts have no flags, their levels are those of what anybody may meet."""
    if entity == "post":
        return ()
    return tuple(guards(viewer, mask, minor=Flag.MINOR, poi=Flag.POI, hide_minor=False, hide_poi=False))


def _tag_rows(database: Database, prefix: str, categories: bool | None) -> list[tuple[int, str]]:
    where = "unlisted = 0 AND admin_only = 0"
    given: tuple[str, ...] = ()
    if prefix:
        where += f" AND {text.starts('name_key')}"
        given = text.prefix(prefix)
    else:
        where += f" AND unfeatured = 0 AND level <= {levels.PG}"
    if categories is not None:
        where += f" AND is_category = {int(categories)}"
    return [(row[0], row[1]) for row in database.read().rows(f"SELECT id, name_key FROM tags WHERE {where}", given)]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of a page, and the id of the first row of the next."""

    ids: list[int]
    next_id: int | None = None


def list_collections(database: Database, query: CollectionQuery, viewer: Viewer, cursor: int | None) -> Found:
    """Public collections, the newest first or the most followed. `cursor` is the id of the first row wanted."""
    mask = viewer.mask(query.level)
    where = "read = 'Public' AND deleted_at IS NULL AND (level = 0 OR (level & ?) <> 0)"
    key = "follower_count" if query.sort is CollectionSort.MOST_FOLLOWERS else "created_at"
    values: list[int | str] = [mask]
    if query.text and query.text.strip():
        where += f" AND {database.contains('name')}"
        values.append(text.fold(query.text.strip()))
    if query.user_id is not None:
        where += " AND user_id = ?"
        values.append(query.user_id)
    if query.types:
        where += f" AND type IN ({', '.join('?' * len(query.types))})"
        values += query.types
    if query.ids:
        if len(query.ids) > _MOST_IDS:
            raise BadRequest(f"At most {_MOST_IDS} ids can be asked for at once")
        where += f" AND id IN ({', '.join('?' * len(query.ids))})"
        values += query.ids
    if cursor is not None:
        floor = database.read().value(f"SELECT {key} FROM collections WHERE id = ?", (cursor,))
        # A row that has gone meanwhile: what is older than it has a lower id, nearly always.
        where += " AND id <= ?" if floor is None else f" AND ({key} < ? OR ({key} = ? AND id <= ?))"
        values += [cursor] if floor is None else [floor, floor, cursor]
    sql = f"SELECT id FROM collections WHERE {where} ORDER BY {key} DESC, id DESC LIMIT ?"
    rows = [row[0] for row in database.read().rows(sql, (*values, query.limit + 1))]
    return Found(ids=rows[: query.limit], next_id=rows[query.limit] if len(rows) > query.limit else None)


def list_users(database: Database, names: Names, query: UserQuery) -> list[int]:
    """Users by id, or the best matches of a name: the exact one, then those that begin with it, then the others.

    Nothing asked is the first ones (rest.md 14).
    """
    if query.ids:
        rows = database.read().by_ids("SELECT id FROM users WHERE id IN (?*) AND deleted_at IS NULL", query.ids)
        known = {row[0] for row in rows}
        return [id for id in dict.fromkeys(query.ids) if id in known]
    wanted = text.fold((query.text or "").strip())
    if not wanted:
        first = "SELECT id FROM users WHERE deleted_at IS NULL AND username IS NOT NULL AND id > 0 ORDER BY id LIMIT ?"
        return [row[0] for row in database.read().rows(first, (query.limit,))]
    held = names.all()
    matches = sorted(
        (held[id] != wanted, not held[id].startswith(wanted), len(held[id]), held[id], id)
        for id in names.holding(wanted)
    )
    return [row[-1] for row in matches][: query.limit]


def visible_items(
    indexes: dict[str, Index], shelves: Shelves, read: Statements, collection_id: int, viewer: Viewer, mask: int
) -> int:
    """How many accepted items of a collection this caller may see under `mask`."""
    sight, count = sight_of(viewer, mask), 0
    for entity, index in indexes.items():
        held = shelves.ids(read, Shelf(collection_id, entity.capitalize(), NOBODY))
        if len(held.values) and (sight.mask or sight.own):
            count += index.count(sight, (*_flags(entity, viewer, mask), Among(held)))
    return count
