"""Between numpy and roaring: arrays of ordinals to bitmaps and back, without a Python object per element."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

Ordinals = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]


def bitmap_of(ordinals: Ordinals) -> BitMap:
    """A bitmap of the ordinals, in any order (rising ones are several times faster)."""
    return BitMap(array("I", np.ascontiguousarray(ordinals, dtype=np.uint32).tobytes()))


def ordinals_of(bitmap: BitMap) -> Ordinals:
    """The members, rising."""
    return np.frombuffer(bitmap.to_array(), dtype=np.uint32)


def united(bitmaps: Sequence[BitMap]) -> BitMap:
    """The union as a bitmap of its own, never one of the operands."""
    return BitMap.union(*bitmaps) if len(bitmaps) > 1 else bitmaps[0].copy() if bitmaps else BitMap()


def settled(bitmap: BitMap) -> BitMap:
    """The same bitmap in as little memory as it takes."""
    bitmap.run_optimize()
    bitmap.shrink_to_fit()
    return bitmap
