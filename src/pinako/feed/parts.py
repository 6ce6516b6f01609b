"""Filters at work: each part can narrow a bitmap, drop candidates one by one, and say how many rows it may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pyroaring import BitMap

from pinako.feed.bits import united

_AT_FIRST = 4  # bitmaps that are asked one by one: the largest leave little for the others
_MANY = 50  # candidates of which a whole bitmap is sooner taken than each is asked for, where
_RARE = 64  # only one row in so many has the value: what is taken is read from end to end


class Part(Protocol):
    """One condition. `size` is an upper bound of its rows, `likely` about how many there are."""

    size: int

    @property
    def likely(self) -> float: ...

    def cut(self, rows: BitMap) -> BitMap:
        """Those of the rows that hold."""
        ...

    def sift(self, candidates: list[int]) -> list[int]:
        """Those of the candidates that hold, in their order."""
        ...

    def whole(self) -> BitMap | None:
        """All rows that hold; None where that would be nearly everything. Not to be changed."""
        ...


class Holding:
    """Rows of one bitmap."""

    def __init__(self, bitmap: BitMap) -> None:
        self.bitmap = bitmap
        self.size = len(bitmap)
        self.likely = self.size

    def cut(self, rows: BitMap) -> BitMap:
        return rows & self.bitmap

    def sift(self, candidates: list[int]) -> list[int]:
        bitmap = self.bitmap
        return [ordinal for ordinal in candidates if ordinal in bitmap]

    def whole(self) -> BitMap | None:
        return self.bitmap


class Seen:
    """Public rows and the viewer's own private ones, kept apart: uniting them for every viewer would cost memory."""

    def __init__(self, public: BitMap, private: BitMap) -> None:
        self.public = public
        self.private = private
        self.size = len(public) + len(private)
        self.likely = self.size

    def cut(self, rows: BitMap) -> BitMap:
        seen = rows & self.public
        seen |= rows & self.private
        return seen

    def sift(self, candidates: list[int]) -> list[int]:
        public, private = self.public, self.private
        return [ordinal for ordinal in candidates if ordinal in public or ordinal in private]

    def whole(self) -> BitMap | None:
        return self.public | self.private if self.private else self.public


class Either:
    """Rows of any of the bitmaps; `unite` makes the union, for those who need it whole."""

    def __init__(self, bitmaps: Sequence[BitMap], unite: Callable[[], BitMap]) -> None:
        self.bitmaps = bitmaps
        self.unite = unite
        self.size = sum(map(len, bitmaps))
        self.likely = self.size

    def cut(self, rows: BitMap) -> BitMap:
        return rows & self.unite()

    def sift(self, candidates: list[int]) -> list[int]:
        if len(self.bitmaps) == 1:
            return Holding(self.bitmaps[0]).sift(candidates)
        return [ordinal for ordinal in candidates if any(ordinal in bitmap for bitmap in self.bitmaps)]

    def whole(self) -> BitMap | None:
        return self.unite()


class Avoiding:
    """Rows of none of the bitmaps, save those in one of `spare`. `left` is about the share of all rows that stays.

    The largest bitmaps come first. `together` gives fewer ones that hold the same rows, for those who test all rows.
    """

    def __init__(
        self,
        bitmaps: Sequence[BitMap],
        spare: Sequence[BitMap],
        rows: int,
        left: float = 1.0,
        together: Callable[[], Sequence[BitMap]] | None = None,
    ) -> None:
        self.bitmaps = bitmaps
        self.spare = spare
        self.size = rows
        self.likely = rows * left
        self.together = together

    def cut(self, rows: BitMap) -> BitMap:
        if self.together is not None:
            self.bitmaps = self.together()
        spared = united([rows & bitmap for bitmap in self.spare]) if self.spare else None
        for bitmap in self.bitmaps:
            rows = rows - bitmap
        return rows if spared is None else rows | spared

    def sift(self, candidates: list[int]) -> list[int]:
        if not self.spare:
            return self._sift(candidates)
        spared = {ordinal for ordinal in candidates if any(ordinal in bitmap for bitmap in self.spare)}
        kept = set(self._sift([ordinal for ordinal in candidates if ordinal not in spared])) | spared
        return [ordinal for ordinal in candidates if ordinal in kept]

    def _sift(self, candidates: list[int]) -> list[int]:
        """Common values one by one, since each leaves fewer for the others; then rare ones, from all that is left."""
        for at, bitmap in enumerate(self.bitmaps):
            if at >= _AT_FIRST and len(candidates) > _MANY and len(bitmap) * _RARE < self.size:
                return _sift_together(candidates, self.bitmaps[at:])
            candidates = [ordinal for ordinal in candidates if ordinal not in bitmap]
        return candidates

    def whole(self) -> BitMap | None:
        return None


def _sift_together(candidates: list[int], bitmaps: Sequence[BitMap]) -> list[int]:
    rows = BitMap(candidates)
    for bitmap in bitmaps:
        rows -= bitmap
    return [ordinal for ordinal in candidates if ordinal in rows]
