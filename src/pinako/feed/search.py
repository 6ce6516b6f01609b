"""One question under way: its filters, how dense an answer they promise, and the full answer once somebody needs it."""

from __future__ import annotations

from collections.abc import Callable

from pyroaring import BitMap

from pinako.feed.parts import Part

SMALL = 6000
"""Rows that are sorted at once rather than walked to: about a quarter of a millisecond."""


class Search:
    """The parts, most selective first."""

    def __init__(self, parts: list[Part], total: int, keep: Callable[[BitMap], None], known: BitMap | None) -> None:
        self.parts = sorted(parts, key=_size)
        self.total = max(total, 1)
        self._keep = keep
        self._known = known

    @property
    def at_most(self) -> int:
        """No more rows than this can hold."""
        return len(self._known) if self._known is not None else self.parts[0].size

    def density(self) -> float:
        """The share of rows expected to hold: exact once the answer is known, else as if the parts were independent."""
        if self._known is not None:
            return len(self._known) / self.total
        share = 1.0
        for part in self.parts:
            share *= min(part.likely / self.total, 1.0)
        return share

    def answer(self) -> BitMap:
        """All rows that hold. Not to be changed."""
        if self._known is None:
            self._known = self._narrow()
            self._keep(self._known)
        return self._known

    def _narrow(self) -> BitMap:
        wholes = [(part, whole) for part in self.parts if (whole := part.whole()) is not None]
        first, rows = wholes[0]  # visibility is always among them
        for part in self.parts:
            if part is not first and rows:
                rows = part.cut(rows)
        return rows

    def sift(self, candidates: list[int]) -> list[int]:
        """Those of the candidates that hold, in their order."""
        if self._known is not None:
            known = self._known
            return [ordinal for ordinal in candidates if ordinal in known]
        for part in self.parts:
            if not candidates:
                break
            candidates = part.sift(candidates)
        return candidates


def _size(part: Part) -> int:
    return part.size
