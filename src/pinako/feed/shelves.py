"""Collections as lists read them: in their own order straight from the database, row by row as far as a page goes; and as sets
of ids, kept in memory, where a page has another order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pinako.catalog.people import Viewer
from pinako.feed.spec import Ids
from pinako.storage.scopes import Statements

LARGE = 1000
"""Things in a collection from which on its set is read at the start rather than by the first who asks."""
ROOM = 4_000_000
"""Ids kept for all sets together: 16 MB."""
_OF_KIND = "collection_id = ? AND entity_type || '' = ?"
"""Written so that no engine takes the index of unique things, which knows neither order nor status, for the longer match."""
_OWN = "(status = 'ACCEPTED' OR (added_by_id = ? AND status <> 'REJECTED'))"
NOBODY = -1
"""Whoever has added nothing: sees what is accepted."""


class Shelf(NamedTuple):
    """One collection's things of one kind, as one caller may see them: accepted ones, and the caller's own unless rejected.

    `entity` is the table's word (Image, Post, Model); `tag_id` narrows to what the collection's people filed under it.
    """

    collection_id: int
    entity: str
    user_id: int
    tag_id: int | None = None

    def where(self) -> tuple[str, tuple[int | str, ...]]:
        """The condition of its rows."""
        tagged = "" if self.tag_id is None else " AND tag_id = ?"
        given = (self.collection_id, self.entity, self.user_id, *(() if self.tag_id is None else (self.tag_id,)))
        return f"{_OF_KIND} AND {_OWN}{tagged}", given


def shelf_of(viewer: Viewer, collection_id: int, entity: str, tag_id: int | None = None) -> Shelf:
    """What this caller may see of a collection."""
    return Shelf(collection_id, entity, viewer.user_id if viewer.user_id is not None else NOBODY, tag_id)


class ShelfOrder:
    """A collection's own order: the newest first. A place is (time of adding, item id), both negative, so that it rises."""

    name = "collection"
    way = -1

    def __init__(self, read: Statements, shelf: Shelf) -> None:
        self._read = read
        self._shelf = shelf

    def run(self, start: tuple[int, ...] | None, take: int) -> list[tuple[tuple[int, ...], int]]:
        """So many places from `start` (inclusive) on, with the thing at each. A start may name the time alone."""
        where, given = self._shelf.where()
        bound: tuple[int, ...] = ()
        if start is not None:
            where += " AND created_at <= ? AND (created_at < ? OR id <= ?)"
            bound = (-start[0], -start[0], -start[1] if len(start) > 1 else 2**62)
        sql = (
            f"SELECT created_at, id, entity_id FROM collection_items WHERE {where} "
            "ORDER BY created_at DESC, id DESC LIMIT ?"
        )
        return [((-at, -item), id) for at, item, id in self._read.rows(sql, (*given, *bound, take))]

    def place_of(self, id: int) -> tuple[int, ...] | None:
        """Where one thing stands; None where it is not in the list."""
        where, given = self._shelf.where()
        sql = f"SELECT created_at, id FROM collection_items WHERE {where} AND entity_type = ? AND entity_id = ?"
        row = self._read.row(sql, (*given, self._shelf.entity, id))
        return None if row is None else (-row[0], -row[1])


class _Held(NamedTuple):
    """The accepted things of a collection, and those that wait, with who added them."""

    accepted: Ids
    waiting: tuple[tuple[int, int | None], ...]


class Shelves:
    """The sets of one process's collections, until they change."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], _Held] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._epoch = 0

    def ids(self, read: Statements, shelf: Shelf) -> Ids:
        """The ids of what the caller may see of a collection, in no order."""
        if shelf.tag_id is not None:
            where, given = shelf.where()
            return _ids(read.rows(f"SELECT entity_id FROM collection_items WHERE {where}", given))
        held = self._find(read, (shelf.collection_id, shelf.entity))
        own = [id for id, user_id in held.waiting if user_id == shelf.user_id]
        return held.accepted if not own else Ids(np.concatenate([held.accepted.values, own]))

    def _find(self, read: Statements, asked: tuple[int, str]) -> _Held:
        with self._lock:
            epoch, known = self._epoch, self._kept.get(asked)
            if known is not None:
                self._kept.move_to_end(asked)
                return known
        held = _read_held(read, *asked)
        with self._lock:
            if epoch == self._epoch and asked not in self._kept:
                self._kept[asked] = held
                self._size += len(held.accepted.values) + 100
                while self._size > ROOM:
                    self._drop(next(iter(self._kept)))
        return held

    def warm(self, read: Statements) -> Iterator[tuple[str, Ids]]:
        """Read the large ones, the largest last, so that nobody waits for them; the table's word and the ids of each."""
        sql = (
            "SELECT collection_id, entity_type FROM collection_items GROUP BY collection_id, entity_type "
            "HAVING count(*) >= ? ORDER BY count(*)"
        )
        for collection_id, entity in read.rows(sql, (LARGE,)):
            yield entity, self._find(read, (collection_id, entity)).accepted

    def forget(self, collection_ids: Sequence[int] = ()) -> None:
        """These collections have changed; none named: everything may have."""
        changed = set(collection_ids)
        with self._lock:
            self._epoch += 1
            for asked in [asked for asked in self._kept if not changed or asked[0] in changed]:
                self._drop(asked)

    def _drop(self, asked: tuple[int, str]) -> None:
        self._size -= len(self._kept.pop(asked).accepted.values) + 100


def _read_held(read: Statements, collection_id: int, entity: str) -> _Held:
    sql = f"FROM collection_items WHERE {_OF_KIND} AND status"
    given = (collection_id, entity)
    waiting = read.rows(f"SELECT entity_id, added_by_id {sql} NOT IN ('ACCEPTED', 'REJECTED')", given)
    return _Held(_ids(read.rows(f"SELECT entity_id {sql} = 'ACCEPTED'", given)), tuple(map(tuple, waiting)))


def _ids(rows: Sequence[tuple[int]]) -> Ids:
    return Ids(np.fromiter((row[0] for row in rows), np.int64, len(rows)))
