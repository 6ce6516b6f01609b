"""Filters at work: each part can narrow a bitmap, drop candidates one by one, and say how many rows it may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pyroaring import BitMap

from pinako.feed.bits import united


class Part(Protocol):
    """One condition. `size` is an upper bound of its rows."""

    size: int

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

    def cut(self, rows: BitMap) -> BitMap:
        return rows & self.unite()

    def sift(self, candidates: list[int]) -> list[int]:
        if len(self.bitmaps) == 1:
            return Holding(self.bitmaps[0]).sift(candidates)
        return [ordinal for ordinal in candidates if any(ordinal in bitmap for bitmap in self.bitmaps)]

    def whole(self) -> BitMap | None:
        return self.unite()


class Avoiding:
    """Rows of none of the bitmaps, save those in one of `spare`."""

    def __init__(self, bitmaps: Sequence[BitMap], spare: Sequence[BitMap], rows: int) -> None:
        self.bitmaps = bitmaps
        self.spare = spare
        self.size = rows

    def cut(self, rows: BitMap) -> BitMap:
        if not self.spare:
            for bitmap in self.bitmaps:
                rows = rows - bitmap
            return rows
        spared = united([rows & bitmap for bitmap in self.spare])
        for bitmap in self.bitmaps:
            rows = rows - bitmap
        return rows | spared

    def sift(self, candidates: list[int]) -> list[int]:
        if self.spare:
            return [ordinal for ordinal in candidates if self._holds(ordinal)]
        for bitmap in self.bitmaps:
            candidates = [ordinal for ordinal in candidates if ordinal not in bitmap]
        return candidates

    def _holds(self, ordinal: int) -> bool:
        return all(ordinal not in bitmap for bitmap in self.bitmaps) or any(ordinal in bitmap for bitmap in self.spare)

    def whole(self) -> BitMap | None:
        return None
