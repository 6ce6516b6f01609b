"""The rows of an index: ordinal -> id and keys in flat arrays, id -> ordinal by search. Ordinals are dense from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pinako.feed.bits import Longs, Ordinals

Column = npt.NDArray[Any]

_WIDTHS = (np.int8, np.int16, np.int32, np.int64)
_BOUNDS = {np.dtype(width).itemsize: (int(np.iinfo(width).min), int(np.iinfo(width).max)) for width in _WIDTHS}
"""The smallest and largest key by the bytes of a column: numpy's own answer takes longer than the write."""


def room_for(rows: int) -> int:
    """How many rows to make room for: growth without copying for a while. Untouched pages cost no memory."""
    return rows + rows // 4 + 65_536


def narrowest(low: int, high: int) -> type[np.signedinteger[Any]]:
    """The smallest integer type for keys from low to high: most counters are small, and ten million times 4 bytes."""
    for width in _WIDTHS:
        info = np.iinfo(width)
        if info.min <= low and high <= info.max:
            return width
    raise OverflowError(f"key beyond 64 bits: {low}..{high}")


def grown(array: Column, capacity: int) -> Column:
    """A copy with more room."""
    larger = np.empty(capacity, array.dtype)
    larger[: len(array)] = array
    return larger


class Rows:
    """Arrays with room to grow. A replaced or dropped row keeps its ordinal and its keys: others must not see it."""

    def __init__(self, ids: Column, columns: dict[str, Column], count: int) -> None:
        self.ids = ids
        self.columns = columns
        self.count = count
        self.rising = self._rising()  # ordinals below this have rising ids: found by search, the others in `late`
        self.late: dict[int, int] = dict(
            zip(self.ids[self.rising : count].tolist(), range(self.rising, count), strict=True)
        )

    @classmethod
    def empty(cls, names: Sequence[str]) -> Rows:
        """No rows yet."""
        room = room_for(0)
        return cls(np.empty(room, np.int32), {name: np.empty(room, np.int8) for name in names}, 0)

    def _rising(self) -> int:
        ids = self.ids[: self.count]
        falls = np.flatnonzero(ids[1:] <= ids[:-1])
        return int(falls[0]) + 1 if len(falls) else self.count

    def find(self, id: int) -> int:
        """The newest ordinal of an id, also of a dropped one; -1 for an id never seen."""
        late = self.late.get(id)
        if late is not None:
            return late
        if not 0 <= id <= 0x7FFF_FFFF:
            return -1
        place = int(self.ids[: self.rising].searchsorted(np.int32(id)))
        return place if place < self.rising and self.ids[place] == id else -1

    def find_all(self, ids: Sequence[int] | npt.NDArray[Any]) -> Ordinals:
        """Ordinals of the ids that are known, in no order."""
        asked = np.asarray(ids, dtype=np.int64)
        asked = np.sort(asked[(asked >= 0) & (asked <= 0x7FFF_FFFF)].astype(np.int32))
        asked = asked[
            np.append(True, asked[1:] != asked[:-1])[: len(asked)]
        ]  # np.unique would import numpy.ma first, 90 ms
        places = self.ids[: self.rising].searchsorted(asked)
        inside = places < self.rising
        known = inside & (self.ids[np.where(inside, places, 0)] == asked)
        found: Ordinals = places[known].astype(np.uint32)
        if not self.late:
            return found
        late = [self.late[id] for id in asked.tolist() if id in self.late]
        shadowed = np.fromiter((id in self.late for id in asked[known].tolist()), bool, len(found))
        return np.concatenate([found[~shadowed], np.array(late, np.uint32)])

    def filed_since(self, count: int, ids: npt.NDArray[np.int64]) -> Ordinals:
        """The rows that were filed when there were `count` already and that some of these ids, which rise, name."""
        fresh = self.ids[count : self.count] if len(ids) else self.ids[:0]
        places = np.minimum(ids.searchsorted(fresh), len(ids) - 1)
        named: Ordinals = (np.flatnonzero(ids[places] == fresh) + count).astype(np.uint32)
        return named

    def known(self, ids: Sequence[int]) -> list[int]:
        """`find` for each of many ids."""
        if len(ids) < 8 or not self.rising:
            return [self.find(id) for id in ids]
        asked = np.array(ids, np.int64)
        places = np.minimum(
            self.ids[: self.rising].searchsorted(asked.clip(0, 0x7FFF_FFFF).astype(np.int32)), self.rising - 1
        )
        found: list[int] = np.where(self.ids[places] == asked, places, -1).tolist()
        return [self.late.get(id, at) for id, at in zip(ids, found, strict=True)] if self.late else found

    def extend(self, ids: Sequence[int], keys: Sequence[tuple[int, ...]]) -> Ordinals:
        """File new rows, each with a key for every column; their ordinals."""
        first, count = self.count, self.count + len(ids)
        if count > len(self.ids):
            self._grow(room_for(count))
        self.ids[first:count] = ids
        for at, name in enumerate(self.columns):
            values = [row[at] for row in keys]
            self._fit(name, min(values), max(values))[first:count] = values
        for ordinal, id in enumerate(ids, first):
            if self.rising == ordinal and (ordinal == 0 or id > self.ids[ordinal - 1]):
                self.rising += 1
            else:
                self.late[id] = ordinal
        self.count = count
        return np.arange(first, count, dtype=np.uint32)

    def forget(self, id: int) -> None:
        """Let go of a late id. A dropped early one stays findable: the caller knows that it is dead."""
        self.late.pop(id, None)

    def set_key(self, name: str, ordinal: int, key: int) -> None:
        """Write one key, widening the column when it no longer fits."""
        self._fit(name, key, key)[ordinal] = key

    def _fit(self, name: str, low: int, high: int) -> Column:
        """The column, wide enough for these keys."""
        column = self.columns[name]
        least, most = _BOUNDS[column.dtype.itemsize]
        if low < least or high > most:
            column = self.columns[name] = column.astype(narrowest(min(low, least), max(high, most)))
        return column

    def _grow(self, capacity: int) -> None:
        self.ids = grown(self.ids, capacity)
        self.columns = {name: grown(column, capacity) for name, column in self.columns.items()}


def hash_ids(ids: npt.NDArray[Any], seed: int) -> Longs:
    """A one-to-one scramble of 32-bit ids, different for each seed (murmur3's finaliser over id XOR seed)."""
    h = ids.astype(np.uint32) ^ np.uint32(seed & 0xFFFF_FFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EB_CA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2_AE35)
    h ^= h >> np.uint32(16)
    return h.astype(np.int64)
