"""Which of many 64-bit hashes may lie within a few bits of one: those that agree nearly in one quarter of the bits.

Of two hashes that differ in at most seven bits, at least one of four quarters differs in at most one bit, so that 68
short runs of sorted entries hold all of them: a few thousand of a million, where looking at all takes milliseconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_QUARTERS = 4
_WIDTH = 16
REACH = 2 * _QUARTERS - 1
"""Bits of difference up to which a question is answered."""

_NEIGHBOURS = {
    0: np.zeros(1, dtype=np.int64),
    1: np.array([0, *(1 << bit for bit in range(_WIDTH))], dtype=np.int64),
}
"""What to flip in a quarter, by the bits of it that may differ."""


class Bands:
    """Places of hashes, sorted by each quarter; 16 bytes an entry and 2 MB. Made once, for hashes that stay as they are."""

    def __init__(self, hashes: npt.NDArray[np.uint64]) -> None:
        self.count = len(hashes)
        self._orders: list[npt.NDArray[np.uint32]] = []
        self._starts: list[npt.NDArray[np.int64]] = []
        for quarter in range(_QUARTERS):
            keys = (hashes >> np.uint64(_WIDTH * quarter)).astype(np.uint16)
            self._orders.append(np.argsort(keys, kind="stable").astype(np.uint32))
            counts = np.bincount(keys, minlength=1 << _WIDTH)
            self._starts.append(np.concatenate(([0], np.cumsum(counts))))

    def near(self, wanted: int, distance: int, most: int) -> npt.NDArray[np.uint32] | None:
        """Places that may be within `distance` bits, some of them twice; None if there are more than `most`."""
        flips = _NEIGHBOURS[distance // _QUARTERS]
        runs, total = [], 0
        for quarter, (order, starts) in enumerate(zip(self._orders, self._starts, strict=True)):
            keys = (wanted >> (_WIDTH * quarter) & 0xFFFF) ^ flips
            begins, ends = starts[keys], starts[keys + 1]
            total += int((ends - begins).sum())
            if total > most:
                return None
            runs += [order[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        return np.concatenate(runs)
