"""Filling an index from columns: fast for millions of rows, in chunks as they come from the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from pinako.feed.bits import bitmap_of, ordinals_of, settled
from pinako.feed.index import Index
from pinako.feed.postings import build_postings
from pinako.feed.rows import Column, Rows, narrowest, room_for
from pinako.feed.spec import UNRATED_BIT, Spec
from pinako.feed.tiers import Tiers
from pinako.feed.visibility import Visibility

_BITS = (1, 2, 4, 8, 16, 32)

Numbers = Sequence[int] | npt.NDArray[Any]


class Builder:
    """Takes rows and their values in any order and makes the index. Ids must not repeat; one use."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._rows: dict[str, list[npt.NDArray[Any]]] = {
            name: [] for name in ("id", "level", "room", *(f"key {column}" for column in spec.columns))
        }
        self._pairs: dict[str, list[tuple[npt.NDArray[np.int32], npt.NDArray[Any]]]] = {
            field: [] for field in spec.fields
        }

    def add_rows(self, ids: Numbers, keys: Sequence[Numbers], levels: Numbers, rooms: Numbers | int = 0) -> None:
        """A chunk of rows; `keys` has one array for each of the spec's columns."""
        given = np.asarray(ids, np.int32)
        self._rows["id"].append(given)
        self._rows["level"].append(np.asarray(levels, np.uint8))
        self._rows["room"].append(np.broadcast_to(np.asarray(rooms, np.uint8), given.shape))
        for column, values in zip(self.spec.columns, keys, strict=True):
            self._rows[f"key {column}"].append(np.asarray(values, np.int64))

    def add_values(self, field: str, ids: Numbers, values: Numbers) -> None:
        """A chunk of (row id, value) pairs of one field; pairs of ids that were never added are dropped."""
        self._pairs[field].append((np.asarray(ids, np.int32), np.asarray(values)))

    def index(self, log: tuple[int, int] = (0, 0)) -> Index:
        """The finished index."""
        ids = _joined(self._rows["id"], np.int32)
        turn = None if bool(np.all(ids[1:] > ids[:-1])) else np.argsort(ids, kind="stable")
        ids = ids if turn is None else ids[turn]
        columns = {column: _column(self._turned(f"key {column}", turn)) for column in self.spec.columns}
        rows = Rows(_roomy(ids), columns, len(ids))
        fields = {field: build_postings(*self._ordinals(field, ids)) for field in self.spec.fields}
        visibility = _shelve(self._turned("level", turn), self._turned("room", turn), len(ids))
        return build_tiers(Index(self.spec, rows, fields, visibility, log=log))

    def _turned(self, name: str, turn: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        joined = _joined(self._rows.pop(name), np.int64)
        return joined if turn is None else joined[turn]

    def _ordinals(self, field: str, ids: npt.NDArray[np.int32]) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint32]]:
        chunks = self._pairs.pop(field)
        if not chunks or not len(ids):
            return np.empty(0, np.int64), np.empty(0, np.uint32)
        rows = []
        values = []
        for owners, held in chunks:
            at = np.minimum(ids.searchsorted(owners), len(ids) - 1)
            known = ids[at] == owners
            rows.append(at[known].astype(np.uint32))
            values.append(held[known])
        return np.concatenate(values), np.concatenate(rows)


def build_tiers(index: Index) -> Index:
    """Sort the living rows once for every order that is not another one or its mirror."""
    alive = ordinals_of(index.visibility.alive)
    trees: dict[str, Tiers] = {}
    for name, order in index.orders.items():
        shared = next((tree for tree in trees.values() if order.shares(tree.order)), None)
        trees[name] = shared or Tiers.build(order, order.sorted(alive), leaf_size(len(alive)))
    return index.hang(trees)


def leaf_size(rows: int) -> int:
    """Leaves grow with the index: small ones are quicker to sort, large ones pack better when rows lie scattered."""
    return 4096 if rows > 2_000_000 else 2048


def rebuilt(index: Index) -> Index:
    """The same contents without the dead ordinals. The caller keeps writes away meanwhile and swaps the two."""
    builder = Builder(index.spec)
    alive = ordinals_of(index.visibility.alive)
    ids = index.rows.ids[: index.rows.count]
    levels, rooms = _shelved(index.visibility, index.rows.count)
    keys = [index.rows.columns[column][alive] for column in index.spec.columns]
    builder.add_rows(ids[alive], keys, levels[alive], rooms[alive])
    living = np.zeros(index.rows.count, bool)
    living[alive] = True
    for field, postings in index.fields.items():
        for values, rows in postings.pairs():
            kept = living[rows]
            builder.add_values(field, ids[rows[kept]], values[kept])
    return builder.index(index.log)


def _joined(chunks: list[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(chunks) if chunks else np.empty(0, dtype)


def _roomy(values: npt.NDArray[Any]) -> Column:
    """The values with room to grow behind them."""
    roomy = np.empty(room_for(len(values)), values.dtype)
    roomy[: len(values)] = values
    return roomy


def _column(values: npt.NDArray[Any]) -> Column:
    width = narrowest(int(values.min()), int(values.max())) if len(values) else np.int8
    return _roomy(values.astype(width))


def _shelve(levels: npt.NDArray[Any], rooms: npt.NDArray[Any], count: int) -> Visibility:
    shelves: dict[int, dict[int, BitMap]] = {}
    for room in np.unique(rooms).tolist():
        inside = rooms == room
        shelves[room] = {bit: _where(inside & (levels & bit != 0)) for bit in _BITS}
        shelves[room][UNRATED_BIT] = _where(inside & (levels == 0))
    return Visibility(shelves, settled(BitMap(range(count))))


def _shelved(visibility: Visibility, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Level and room of every ordinal, read back from the bitmaps."""
    levels, rooms = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    for room, shelves in visibility.rooms.items():
        for bit, bitmap in shelves.items():
            ordinals = ordinals_of(bitmap)
            rooms[ordinals] = room
            levels[ordinals] |= 0 if bit == UNRATED_BIT else bit
    return levels, rooms


def _where(condition: npt.NDArray[np.bool_]) -> BitMap:
    return settled(bitmap_of(np.flatnonzero(condition).astype(np.uint32)))
