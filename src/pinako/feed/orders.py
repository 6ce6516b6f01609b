"""Total orders over rows: key columns, each up or down, then the id. Never null, never tied."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pinako.feed.bits import Longs, Ordinals
from pinako.feed.rows import Rows
from pinako.feed.spec import Sort

_FEW = 256  # rows that are sorted by one component after the other: packing them costs more than it saves

Place = tuple[int, ...]
"""A row's keys and id with signs turned so that the order rises. Compares as a tuple."""


class Order:
    """One sort over one set of rows. A place is signed; a position is what a cursor carries: the keys as they are."""

    def __init__(self, rows: Rows, sort: Sort) -> None:
        self.rows = rows
        self.names = tuple(name for name, _ in sort.by)
        self.ways = (*(way for _, way in sort.by), sort.id_way)

    def shares(self, other: Order) -> bool:
        """Whether both can walk the same tiers."""
        return self.mirrors(other) or (self.names == other.names and self.ways == other.ways)

    def mirrors(self, other: Order) -> bool:
        """Whether the other is this order backwards."""
        return self.names == other.names and self.ways == tuple(-way for way in other.ways)

    def place(self, ordinal: int) -> Place:
        """Where a row stands."""
        rows = self.rows
        keys = [rows.columns[name].item(ordinal) * way for name, way in zip(self.names, self.ways, strict=False)]
        return (*keys, rows.ids.item(ordinal) * self.ways[-1])

    def position(self, ordinal: int) -> tuple[int, ...]:
        """Where a row stands, as a cursor says it."""
        rows = self.rows
        return (*[rows.columns[name].item(ordinal) for name in self.names], rows.ids.item(ordinal))

    def places(self, ordinals: Ordinals) -> list[Place]:
        """Where many rows stand."""
        return list(zip(*(keys.tolist() for keys in self.keys(ordinals)), strict=True))

    def before(self, ordered: Ordinals, place: Place, *, inclusive: bool = False) -> int:
        """How many of these rows, which are in order, stand before a place (`inclusive`: or at it).

        By hand: a bisection that makes a tuple of each row it meets costs as much as the whole page.
        """
        at, key_of, id_of = ordered.item, self.rows.columns[self.names[0]].item, self.rows.ids.item
        way, id_way, goal, plain = self.ways[0], self.ways[-1], place[0], len(place) == 2
        last = place[1] + inclusive if plain else 0
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            ordinal = at(middle)
            key = key_of(ordinal) * way
            if key != goal:
                below = key < goal
            elif plain:
                below = id_of(ordinal) * id_way < last
            else:
                own = self.place(ordinal)
                below = own < place or (inclusive and own == place)
            if below:
                low = middle + 1
            else:
                high = middle
        return low

    def signed(self, position: tuple[int, ...]) -> Place:
        """Position to place, and back: the same turn of signs."""
        return tuple(key * way for key, way in zip(position, self.ways, strict=True))

    def keys(self, ordinals: Ordinals) -> list[Longs]:
        """The signed keys of many rows, one array a component, the id last."""
        rows = self.rows
        arrays = [rows.columns[name][ordinals] for name in self.names]
        arrays.append(rows.ids[ordinals])
        return [
            np.negative(keys, dtype=np.int64) if way < 0 else keys.astype(np.int64)
            for keys, way in zip(arrays, self.ways, strict=True)
        ]

    def sorted(self, ordinals: Ordinals, start: Place | None = None, first: int = 0) -> Ordinals:
        """The rows in order, from `start` on, only the `first` ones when that is not 0."""
        if not len(ordinals):
            return ordinals
        if first and start is None and len(ordinals) > 4 * first:
            ordinals = self._foremost(ordinals, first)
        keys = self.keys(ordinals)
        if start is not None:
            kept = from_place(keys, start)
            ordinals, keys = ordinals[kept], [array[kept] for array in keys]
            if not len(ordinals):
                return ordinals
        packed = pack(keys) if len(ordinals) > _FEW else None
        if packed is None:
            return ordinals[np.lexsort(keys[::-1])[: first or None]]
        if first and len(packed) > 4 * first:
            best = np.argpartition(packed, first)[:first]
            return ordinals[best[np.argsort(packed[best])]]
        return ordinals[np.argsort(packed)[: first or None]]

    def _foremost(self, ordinals: Ordinals, first: int) -> Ordinals:
        """Those among which the `first` ones are, by the first component alone: a handful more, unless many are alike."""
        keys = self.rows.columns[self.names[0]][ordinals]
        parted, last = keys.copy(), -first if self.ways[0] < 0 else first - 1
        parted.partition(last)
        kept = keys >= parted[last] if self.ways[0] < 0 else keys <= parted[last]
        foremost: Ordinals = ordinals[kept]
        return foremost


def from_place(keys: list[Longs], start: Place) -> npt.NDArray[np.bool_]:
    """Which rows stand at `start` or after it."""
    kept = keys[-1] >= start[-1]
    for array, key in zip(keys[-2::-1], start[-2::-1], strict=True):
        kept = (array > key) | ((array == key) & kept)
    return kept


def pack(keys: list[Longs]) -> Longs | None:
    """All components in one integer that sorts alike; None when they need more than 63 bits."""
    packed: Longs | None = None
    used = 0
    for array in keys:
        low = array.min()
        width = int(array.max() - low).bit_length()
        used += width
        if used > 63:
            return None
        packed = array - low if packed is None else (packed << width) | (array - low)
    return packed
