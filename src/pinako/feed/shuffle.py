"""Random order: stable for a seed, complete, and independent of ordinals, so that it holds across processes.

Ids fall into 4096 cells by a hash; a seed orders the cells and, within a cell, the ids. A page opens the cells one
after another, which costs the same at any depth and any size.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

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
        first, second = _drawn(self.seed ^ 0x9E37_79B9), _drawn(self.seed ^ 0x7F4A_7C15)
        self._steps = tuple(((drawn >> 13) | 1, drawn & (CELLS - 1)) for drawn in (first, second, first ^ second))

    def cell(self, turn: int) -> int:
        """Which cell comes at a turn: steps that can be taken back, so that nothing is drawn and sorted for a seed."""
        for factor, summand in self._steps:
            turn = (turn * factor + summand) & (CELLS - 1)
            turn ^= turn >> 6
        return turn

    def turns(self, cells: Longs) -> Longs:
        """When each cell comes: the same steps, back."""
        for factor, summand in reversed(self._steps):
            cells = cells ^ (cells >> 6)
            cells = ((cells - summand) * pow(factor, -1, CELLS)) & (CELLS - 1)
        return cells

    def keys(self, ids: npt.NDArray[np.int32]) -> Longs:
        """Where each id stands in this order."""
        keys = hash_ids(ids, self.seed)
        return keys if not self.seed & 1 else (self.turns(cells_of(ids)) << 32) | keys

    def rows(self, search: Search, cells: Postings, rows: Rows, start: int | None, need: int) -> list[int]:
        """Up to `need` ordinals from the id `start` on (inclusive; it may be gone by now)."""
        floor = 0 if start is None else int(self.keys(np.array([start], np.int32))[0])
        density = search.density()
        if not self.seed & 1 or density * rows.count <= directly(rows.count):
            direct: list[int] = self._sorted(ordinals_of(search.answer()), rows, floor, need).tolist()
            return direct
        found: list[int] = []
        tries = int(need / density * 1.25) + 8
        together = min(tries * CELLS // rows.count + 1, 64)
        for turn in range(floor >> 32, CELLS, together):
            runs = [cells.ordinals(self.cell(at)) for at in range(turn, min(turn + together, CELLS))]
            ordered = self._in_turn(runs, turn, rows, floor)
            for at in range(0, len(ordered), tries):
                found += search.sift(ordered[at : at + tries].tolist())
                if len(found) >= need:
                    return found[:need]
        return found

    def _in_turn(self, runs: list[Ordinals], turn: int, rows: Rows, floor: int) -> Ordinals:
        """The rows of cells that come one after the other, from `turn` on."""
        ordinals = np.concatenate(runs)
        keys = hash_ids(rows.ids[ordinals], self.seed)
        keys |= np.repeat(np.arange(turn, turn + len(runs)), [len(run) for run in runs]) << 32
        order = np.argsort(keys)
        if turn == floor >> 32:
            order = order[np.searchsorted(keys, floor, sorter=order) :]
        inorder: Ordinals = ordinals[order]
        return inorder

    def _sorted(self, ordinals: Ordinals, rows: Rows, floor: int, first: int) -> Ordinals:
        keys = self.keys(rows.ids[ordinals])
        kept = keys >= floor
        ordinals, keys = ordinals[kept], keys[kept]
        if first and len(keys) > 4 * first:
            best = np.argpartition(keys, first)[:first]
            return ordinals[best[np.argsort(keys[best])]]
        return ordinals[np.argsort(keys)[: first or None]]


def _drawn(seed: int) -> int:
    """32 bits that follow from a seed (murmur3's finaliser)."""
    seed = ((seed ^ (seed >> 16)) * 0x85EB_CA6B) & 0xFFFF_FFFF
    seed = ((seed ^ (seed >> 13)) * 0xC2B2_AE35) & 0xFFFF_FFFF
    return seed ^ (seed >> 16)


def dealt(seed: int, search: Search) -> int:
    """The seed of a first page: even or odd by the size of the answer."""
    return (seed & 0xFFFF_FFFE) | (search.density() * search.total > directly(search.total))


def directly(total: int) -> int:
    """Answers up to this size are hashed whole: larger ones are cheaper looked for among all rows, cell by cell."""
    return min(DIRECT, max(CELLS, isqrt(160 * total)))


@lru_cache(maxsize=64)
def deal(seed: int) -> Deal:
    """The order of a seed; a walk asks for the same one page after page."""
    return Deal(seed)
