"""Look-alikes: 64-bit perceptual hashes, and which of a million are within a few bits of one.

Once an index is prepared, a question of up to eleven bits looks at the few entries that nearly agree in a quarter of the
bits: half a millisecond at a million. Beyond that, or where too many agree, it is one pass of XOR and popcount over a
packed array, in blocks that stay in the processor's cache: some milliseconds, whatever the distance. Groups of look-alikes
over the whole library use bands as well: two hashes within `k` bits agree entirely in at least one of `k + 1` bands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pinako.errors import BadRequest
from pinako.metadata.hammingbands import REACH, Bands

_BLOCK = 1 << 15
_PAIRS_AT_ONCE = 1 << 20
_MASK = (1 << 64) - 1
MAX_DISTANCE = 16
_FEW = 8
"""Looking up one of so many entries, here and there, takes as long as looking at all in their order."""

Hashes = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.int64]


class Near(NamedTuple):
    """One look-alike: its id and by how many of the 64 bits it differs."""

    id: int
    distance: int


def distance_between(one: int, other: int) -> int:
    """The bits in which two hashes differ. Signed spellings (a database's int64) are the same hashes."""
    return ((one ^ other) & _MASK).bit_count()


class NearIndex:
    """Ids by perceptual hash, answering 'near this'. 16 bytes an entry, 32 once prepared.

    Not for several writing threads at once.
    """

    def __init__(self) -> None:
        self._ids: Ids = np.empty(1024, dtype=np.int64)
        self._hashes: Hashes = np.empty(1024, dtype=np.uint64)
        self._count = 0
        self._largest = -(1 << 63)
        self._bands: Bands | None = None
        self._differing: Hashes = np.empty(_BLOCK, dtype=np.uint64)

    @classmethod
    def build(cls, pairs: Iterable[tuple[int, int]]) -> NearIndex:
        """The prepared index of (id, hash) pairs; of a repeated id the last counts."""
        index = cls()
        index.add_many(pairs)
        index.prepare()
        return index

    def prepare(self) -> None:
        """Sort, so that questions are quick: a tenth of a second at a million. What is added later is looked at whole."""
        self._bands = Bands(self._hashes[: self._count])

    def __len__(self) -> int:
        return self._count

    def add(self, id: int, phash: int) -> None:
        """Keep one entry, in place of an earlier one of this id."""
        self.add_many([(id, phash)])

    def add_many(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Keep many entries; far quicker than one at a time, and quickest in rising order. 0 is a hash like any other."""
        latest = dict(pairs)
        if not latest:
            return
        ids = np.fromiter(latest.keys(), dtype=np.int64, count=len(latest))
        hashes = np.fromiter((phash & _MASK for phash in latest.values()), dtype=np.uint64, count=len(latest))
        if ids.min() <= self._largest:
            self.remove_many(ids)
        self._largest = max(self._largest, int(ids.max()))
        self._reserve(self._count + len(ids))
        self._ids[self._count : self._count + len(ids)] = ids
        self._hashes[self._count : self._count + len(ids)] = hashes
        self._count += len(ids)

    def remove(self, id: int) -> None:
        """Forget an id; unknown ones are ignored."""
        self.remove_many(np.array([id], dtype=np.int64))

    def remove_many(self, ids: Iterable[int] | Ids) -> None:
        """Forget many ids at once."""
        gone = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, dtype=np.int64)
        held = self._ids[: self._count]
        hit = held == gone[0] if len(gone) == 1 else np.isin(held, gone)
        if not hit.any():
            return
        self._bands = None  # entries change their places
        kept = ~hit
        count = int(kept.sum())
        self._ids[:count] = held[kept]
        self._hashes[:count] = self._hashes[: self._count][kept]
        self._count = count

    def _reserve(self, wanted: int) -> None:
        if wanted > len(self._ids):
            room = max(wanted, len(self._ids) * 3 // 2)
            self._ids = np.resize(self._ids, room)
            self._hashes = np.resize(self._hashes, room)

    def near(self, phash: int, *, distance: int = 6, limit: int | None = None) -> list[Near]:
        """Entries within `distance` bits, the nearest first, then by id. BadRequest beyond 16 bits: no longer alike."""
        _check(distance)
        wanted = np.uint64(phash & _MASK)
        found = self._near_in_bands(wanted, distance)
        begin = 0 if found is None or self._bands is None else self._bands.count
        found = [
            *(found or ()),
            *(near for block in self._blocks(begin) for near in self._near_in(block, wanted, distance)),
        ]
        found.sort(key=lambda near: (near.distance, near.id))
        return found[:limit]

    def _near_in_bands(self, wanted: np.uint64, distance: int) -> list[Near] | None:
        """Those among the prepared entries; None where they must all be looked at."""
        if self._bands is None or distance > REACH:
            return None
        places = self._bands.near(int(wanted), distance, max(_BLOCK, self._bands.count // _FEW))
        if places is None:
            return None
        bits = _popcount(self._hashes[places] ^ wanted)
        hits = np.array(sorted(set(places[bits <= distance].tolist())), dtype=np.int64)
        return [
            Near(id, distance_between(phash, int(wanted)))
            for id, phash in zip(self._ids[hits].tolist(), self._hashes[hits].tolist(), strict=True)
        ]

    def _blocks(self, first: int) -> Iterator[slice]:
        for begin in range(first, self._count, _BLOCK):
            yield slice(begin, min(begin + _BLOCK, self._count))

    def _near_in(self, block: slice, wanted: np.uint64, distance: int) -> list[Near]:
        differing = self._differing[: block.stop - block.start]
        np.bitwise_xor(self._hashes[block], wanted, out=differing)
        bits = _popcount(differing)
        hits = np.flatnonzero(bits <= distance)
        if not len(hits):
            return []
        ids = self._ids[block][hits]
        return [Near(id, bit) for id, bit in zip(ids.tolist(), bits[hits].tolist(), strict=True)]

    def groups(self, *, distance: int = 4) -> list[tuple[int, ...]]:
        """Ids that are look-alikes of one another, directly or in a chain; each group and the list sorted by id.

        Only groups of two and more. Some seconds at a million entries and distance 4; the cost grows steeply with the
        distance (a minute at 6), because fewer bits must agree.
        """
        _check(distance)
        hashes, member_of = np.unique(self._hashes[: self._count], return_inverse=True)
        roots = _joined(hashes, distance)
        return _collected(self._ids[: self._count], roots[member_of.reshape(-1)])


def _check(distance: int) -> None:
    if not 0 <= distance <= MAX_DISTANCE:
        raise BadRequest(f"a distance of {distance} bits: from 0 to {MAX_DISTANCE}")


def _popcount(values: Hashes) -> npt.NDArray[np.uint8]:
    if not hasattr(np, "bitwise_count"):
        return _counted(values)
    counted: npt.NDArray[np.uint8] = np.bitwise_count(values)
    return counted


def _counted(values: Hashes) -> npt.NDArray[np.uint8]:
    # numpy before 2 has no popcount: the sum of neighbours, doubled in width step by step.
    pairs = values - ((values >> np.uint64(1)) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + ((pairs >> np.uint64(2)) & np.uint64(0x3333333333333333))
    eights = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    with np.errstate(over="ignore"):
        total = (eights * np.uint64(0x0101010101010101)) >> np.uint64(56)
    counted: npt.NDArray[np.uint8] = total.astype(np.uint8)
    return counted


# --- groups -------------------------------------------------------------------------------------------------------


def _joined(hashes: Hashes, distance: int) -> Ids:
    """For each of the distinct hashes the smallest index of its group."""
    parents = np.arange(len(hashes), dtype=np.int64)
    for shift, mask in _bands(distance + 1):
        keys = (hashes >> np.uint64(shift)) & np.uint64(mask)
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order])) + 1
        for begin, end in _runs(edges, len(hashes)):
            _join_run(hashes, order[begin:end], distance, parents)
    return _flattened(parents)


def _bands(count: int) -> Iterator[tuple[int, int]]:
    for at in range(count):
        begin, end = 64 * at // count, 64 * (at + 1) // count
        yield begin, (1 << (end - begin)) - 1


def _runs(edges: npt.NDArray[np.intp], total: int) -> Iterator[tuple[int, int]]:
    begins = [0, *edges.tolist()]
    ends = [*edges.tolist(), total]
    return ((begin, end) for begin, end in zip(begins, ends, strict=True) if end - begin > 1)


def _join_run(hashes: Hashes, members: npt.NDArray[np.intp], distance: int, parents: Ids) -> None:
    values = hashes[members]
    rows_at_once = max(1, _PAIRS_AT_ONCE // len(values))
    for begin in range(0, len(values), rows_at_once):
        rows = values[begin : begin + rows_at_once]
        alike = _popcount(rows[:, None] ^ values[None, begin:]) <= distance
        if np.count_nonzero(alike) == len(rows):
            continue  # each is like itself and no other: by far the most common case
        for row in np.flatnonzero(alike.sum(axis=1) > 1).tolist():
            _unite_all(parents, members[begin:][alike[row]])


def _unite_all(parents: Ids, members: npt.NDArray[np.intp]) -> None:
    # By their parents, not one by one: in a crowd of look-alikes almost all have the same parent already.
    first, *others = np.unique(parents[members]).tolist()
    for other in others:
        _unite(parents, first, other)


def _unite(parents: Ids, one: int, other: int) -> None:
    first, second = _root(parents, one), _root(parents, other)
    if first != second:
        parents[max(first, second)] = min(first, second)


def _root(parents: Ids, at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = int(parents[at])
    return at


def _flattened(parents: Ids) -> Ids:
    while True:
        above = parents[parents]
        if np.array_equal(above, parents):
            return parents
        parents = above


def _collected(ids: Ids, roots: Ids) -> list[tuple[int, ...]]:
    order = np.lexsort((ids, roots))
    edges = np.flatnonzero(np.diff(roots[order])) + 1
    sorted_ids = ids[order]
    return sorted(tuple(sorted_ids[begin:end].tolist()) for begin, end in _runs(edges, len(ids)))
