"""Random order: stable for a seed, complete, and independent of ordinals, so that it holds across processes.

Ids fall into 4096 cells by a hash; a seed orders the cells and, within a cell, the ids. A page opens the cells one
after another, which costs the same at any depth and any size.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pinako.feed.bits import Longs, Ordinals, ordinals_of
from pinako.feed.postings import Postings
from pinako.feed.rows import Rows, hash_ids
from pinako.feed.search import Search

CELLS = 4096
DIRECT = 20_000
"""Rows that are hashed and sorted at once: about a millisecond."""


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
    """One seed's order. An even seed scrambles ids alone; an odd one by cells, for answers too large to sort at once.

    Cells keep some ids next to each other in every order, which only the larger answers hide; so the first page
    decides by the size of its answer (`dealt`), and the seed in the cursor remembers.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed & 0xFFFF_FFFF
        if self.seed & 1:
            drawn = hash_ids(np.arange(CELLS), self.seed ^ 0x9E37_79B9) << 12 | np.arange(CELLS)
            self.turns = np.sort(drawn) & (CELLS - 1)  # which cell comes when
            self.ranks = np.empty(CELLS, np.int64)  # when a cell comes
            self.ranks[self.turns] = np.arange(CELLS)

    def keys(self, ids: npt.NDArray[np.int32]) -> Longs:
        """Where each id stands in this order."""
        keys = hash_ids(ids, self.seed)
        return keys if not self.seed & 1 else (self.ranks[cells_of(ids)] << 32) | keys

    def rows(self, search: Search, cells: Postings, rows: Rows, start: int | None, need: int) -> list[int]:
        """Up to `need` ordinals from the id `start` on (inclusive; it may be gone by now)."""
        floor = 0 if start is None else int(self.keys(np.array([start], np.int32))[0])
        density = search.density()
        if not self.seed & 1 or density * rows.count <= DIRECT:
            direct: list[int] = self._sorted(ordinals_of(search.answer()), rows, floor, need).tolist()
            return direct
        found: list[int] = []
        together = min(max(int(need / density * CELLS / rows.count), 1), 64)
        for turn in range(floor >> 32, CELLS, together):
            candidates = np.concatenate([cells.ordinals(cell) for cell in self.turns[turn : turn + together].tolist()])
            found += search.sift(self._sorted(candidates, rows, floor, 0).tolist())
            if len(found) >= need:
                break
        return found[:need]

    def _sorted(self, ordinals: Ordinals, rows: Rows, floor: int, first: int) -> Ordinals:
        keys = self.keys(rows.ids[ordinals])
        kept = keys >= floor
        ordinals, keys = ordinals[kept], keys[kept]
        if first and len(keys) > 4 * first:
            best = np.argpartition(keys, first)[:first]
            return ordinals[best[np.argsort(keys[best])]]
        return ordinals[np.argsort(keys)[: first or None]]


def dealt(seed: int, search: Search) -> int:
    """The seed of a first page: even or odd by the size of the answer."""
    return (seed & 0xFFFF_FFFE) | (search.density() * search.total > DIRECT)


@lru_cache(maxsize=64)
def deal(seed: int) -> Deal:
    """The order of a seed; a walk asks for the same one page after page."""
    return Deal(seed)
