"""One multi-valued field: which rows hold a value. Common values are bitmaps, the long tail shares one flat array.

A roaring container costs some 60 bytes however few rows are in it, so a value with a handful of scattered rows is far
cheaper as 4 bytes a row in a sorted array. Rows filed since the build are added to `heads` or, for the tail, to small
arrays beside it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from pinako.feed.bits import Longs, Ordinals, bitmap_of, ordinals_of, settled

_CONTAINER = 64  # bytes that a roaring container costs beside its members, measured
_PROMOTE = 256  # late rows of a tail value before it gets a bitmap of its own
_WARM = 256  # tail values kept as bitmaps after a use

NOTHING = BitMap()


class Postings:
    """Rows by value. Bitmaps handed out must not be changed by the caller."""

    def __init__(self, heads: dict[int, BitMap], values: Longs, starts: Longs, rows: Ordinals) -> None:
        self.heads = heads
        self.values = values  # tail values, rising
        self.starts = starts  # len(values) + 1 offsets into rows
        self.rows = rows
        self.late: dict[int, array[int]] = {}
        self._warm: dict[int, BitMap] = {}

    @classmethod
    def empty(cls) -> Postings:
        """No rows yet."""
        return cls({}, np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.uint32))

    def early(self, value: int) -> Ordinals:
        """The built rows of a tail value, rising."""
        place = int(self.values.searchsorted(value))
        if place == len(self.values) or self.values[place] != value:
            return self.rows[:0]
        return self.rows[int(self.starts[place]) : int(self.starts[place + 1])]

    def tail(self, value: int) -> Ordinals:
        """All rows of a value that has no bitmap of its own, rising."""
        late = self.late.get(value)
        early = self.early(value)
        return early if late is None else np.concatenate([early, np.array(late, np.uint32)])

    def ordinals(self, value: int) -> Ordinals:
        """All rows of a value, rising."""
        head = self.heads.get(value)
        return ordinals_of(head) if head is not None else self.tail(value)

    def get(self, value: int) -> BitMap:
        """The rows of a value; stale ones may be among them."""
        head = self.heads.get(value)
        if head is not None:
            return head
        warm = self._warm.get(value)
        if warm is None:
            rows = self.tail(value)
            if not len(rows):
                return NOTHING
            if len(self._warm) >= _WARM:
                del self._warm[next(iter(self._warm))]
            warm = self._warm[value] = bitmap_of(rows)
        return warm

    def size(self, value: int) -> int:
        """How many rows hold a value, stale ones counted."""
        head = self.heads.get(value)
        return len(head) if head is not None else len(self.early(value)) + len(self.late.get(value, b""))

    def extend(self, value: int, ordinals: Sequence[int]) -> None:
        """New rows, rising and with ordinals above all others, hold the value."""
        head = self.heads.get(value)
        if head is not None:
            head.update(ordinals)
            return
        late = self.late.get(value)
        if late is None:
            late = self.late[value] = array("I")
        if self._warm:
            self._warm.pop(value, None)
        late.extend(ordinals)
        if len(late) >= _PROMOTE:
            self._promote(value)

    def mark(self, value: int, ordinal: int, present: bool) -> None:
        """Give or take a value of a row of any age."""
        head = self.heads.get(value)
        if head is None:
            head = self._promote(value)
        if present:
            head.add(ordinal)
        else:
            head.discard(ordinal)

    def _promote(self, value: int) -> BitMap:
        head = self.heads[value] = bitmap_of(self.tail(value))
        self.late.pop(value, None)
        self._warm.pop(value, None)
        return head

    def pairs(self) -> Iterator[tuple[Longs, Ordinals]]:
        """Everything held, as (values, rows) of equal length: what a rebuild starts from."""
        lengths = np.diff(self.starts)
        kept = np.repeat(~np.isin(self.values, np.fromiter(self.heads, np.int64, len(self.heads))), lengths)
        yield np.repeat(self.values, lengths)[kept], self.rows[kept]
        for value, late in self.late.items():
            yield np.full(len(late), value, np.int64), np.array(late, np.uint32)
        for value, head in self.heads.items():
            yield np.full(len(head), value, np.int64), ordinals_of(head)


def build_postings(values: npt.NDArray[np.integer], rows: Ordinals) -> Postings:
    """Postings from pairs in any order; repeated pairs count once."""
    if not len(values):
        return Postings.empty()
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high < 1 << 31:
        return _build_coded(values.astype(np.uint64), rows, None)
    names = np.unique(values.astype(np.int64))
    return _build_coded(names.searchsorted(values).astype(np.uint64), rows, names)


def _build_coded(codes: npt.NDArray[np.uint64], rows: Ordinals, names: Longs | None) -> Postings:
    packed = codes << np.uint64(32)
    packed |= rows.astype(np.uint64)
    packed.sort()
    fresh = np.ones(len(packed), bool)
    np.not_equal(packed[1:], packed[:-1], out=fresh[1:])
    if not fresh.all():
        packed = packed[fresh]
    return _split(packed, names)


def _split(packed: npt.NDArray[np.uint64], names: Longs | None) -> Postings:
    """Sorted value << 32 | row into bitmaps for the values that are cheaper so, and one array for the rest."""
    rows = packed.astype(np.uint32)
    codes = (packed >> np.uint64(32)).astype(np.uint32)
    firsts = _firsts(codes)
    ends = np.append(firsts[1:], len(rows))
    values = codes[firsts].astype(np.int64)
    containers = np.diff(np.searchsorted(_firsts(packed >> np.uint64(16)), np.append(firsts, len(rows))))
    counts = ends - firsts
    as_bitmap = containers * _CONTAINER + np.minimum(counts * 2, containers * 8192)
    head = as_bitmap < counts * 4
    names_of = values if names is None else names[values]
    heads = {
        int(name): settled(bitmap_of(rows[first:end]))
        for name, first, end in zip(names_of[head].tolist(), firsts[head].tolist(), ends[head].tolist(), strict=True)
    }
    tail = rows[np.repeat(~head, counts)]
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[~head])])
    return Postings(heads, names_of[~head], starts, tail)


def _firsts(sorted_values: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """Where each run of equal values begins."""
    return np.concatenate([np.zeros(1, np.intp), np.flatnonzero(sorted_values[1:] != sorted_values[:-1]) + 1])
