"""Which of many 64-bit hashes may lie within a few bits of one: those that agree nearly in one quarter of the bits.

Of two hashes that differ in at most seven bits, at least one of four quarters differs in at most one bit, so that 68
short runs of sorted entries hold all of them: a thousand of a million. Up to eleven bits it is 548 runs with eight
thousand entries. Beyond, looking at all is as quick.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

_QUARTERS = 4
_WIDTH = 16
_MOST = 2
"""Bits of one quarter that may differ."""
REACH = (_MOST + 1) * _QUARTERS - 1
"""Bits of difference up to which a question is answered."""


def _flips(most: int) -> npt.NDArray[np.int64]:
    chosen = (bits for count in range(most + 1) for bits in combinations(range(_WIDTH), count))
    return np.array([sum(1 << bit for bit in bits) for bits in chosen], dtype=np.int64)


_NEIGHBOURS = [_flips(most) for most in range(_MOST + 1)]
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
            lengths = ends - begins
            count = int(lengths.sum())
            total += count
            if total > most:
                return None
            # All runs in one look: each place counts on from its run's beginning.
            firsts = np.repeat(begins - np.cumsum(lengths) + lengths, lengths)
            runs.append(order[firsts + np.arange(count)])
        return np.concatenate(runs)
