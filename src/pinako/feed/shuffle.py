"""Random order: stable for a seed, complete, and independent of ordinals, so that it holds across processes.

Ids fall into 4096 cells by a hash; a seed orders the cells and, within a cell, the ids. A page opens the cells one
after another, which costs the same at any depth and any size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pinako.feed.bits import Longs, Ordinals, ordinals_of
from pinako.feed.postings import Postings
from pinako.feed.rows import Rows, hash_ids
from pinako.feed.search import Search

CELLS = 4096
_DIRECT = 20_000  # rows that are hashed and sorted at once


def cell_of(id: int) -> int:
    """The cell of one id."""
    return int(hash_ids(np.array([id]), 0)[0]) >> 20


def cells_of(ids: npt.NDArray[np.int32]) -> Longs:
    """The cells of many ids."""
    return hash_ids(ids, 0) >> 20


def build_cells(ids: npt.NDArray[np.int32]) -> Postings:
    """The rows of every cell, as one long tail: a bitmap a cell would cost half as much again."""
    cells = cells_of(ids)
    rows = np.argsort(cells, kind="stable").astype(np.uint32)
    starts = np.searchsorted(cells[rows], np.arange(CELLS + 1)).astype(np.int64)
    return Postings({}, np.arange(CELLS, dtype=np.int64), starts, rows)


class Deal:
    """One seed's order."""

    def __init__(self, seed: int) -> None:
        self.seed = seed & 0xFFFF_FFFF
        first, second = hash_ids(np.array([self.seed, self.seed ^ 0x9E37_79B9]), 0x51ED_270B).tolist()
        self.rounds = [(part & 0xFFF, part >> 12 & 0xFFF | 1) for part in (first, second, first >> 8, second >> 8)]

    def rank(self, cells: Longs) -> Longs:
        """Cells to their turns: one to one on 12 bits."""
        turns = cells
        for flip, odd in self.rounds:
            turns = ((turns ^ flip) * odd) & (CELLS - 1)
            turns = turns ^ (turns >> 6)
        return turns

    def unrank(self, turn: int) -> int:
        """The cell whose turn it is."""
        for flip, odd in reversed(self.rounds):
            turn ^= turn >> 6
            turn = (turn * pow(odd, -1, CELLS) % CELLS) ^ flip
        return turn

    def keys(self, ids: npt.NDArray[np.int32]) -> Longs:
        """Where each id stands in this order."""
        return (self.rank(cells_of(ids)) << 32) | hash_ids(ids, self.seed)

    def rows(self, search: Search, cells: Postings, rows: Rows, start: int | None, need: int) -> list[int]:
        """Up to `need` ordinals from the id `start` on (inclusive; it may be gone by now)."""
        floor = 0 if start is None else int(self.keys(np.array([start], np.int32))[0])
        if search.density() * rows.count <= _DIRECT:
            direct: list[int] = self._sorted(ordinals_of(search.answer()), rows, floor, need).tolist()
            return direct
        found: list[int] = []
        for candidates in self._cells(cells, rows, floor):
            found += search.sift(candidates.tolist())
            if len(found) >= need:
                break
        return found[:need]

    def _cells(self, cells: Postings, rows: Rows, floor: int) -> Iterator[Ordinals]:
        for turn in range(floor >> 32, CELLS):
            yield self._sorted(cells.ordinals(self.unrank(turn)), rows, floor, 0)

    def _sorted(self, ordinals: Ordinals, rows: Rows, floor: int, first: int) -> Ordinals:
        keys = self.keys(rows.ids[ordinals])
        kept = keys >= floor
        ordinals, keys = ordinals[kept], keys[kept]
        if first and len(keys) > 4 * first:
            best = np.argpartition(keys, first)[:first]
            return ordinals[best[np.argsort(keys[best])]]
        return ordinals[np.argsort(keys)[: first or None]]
