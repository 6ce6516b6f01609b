"""Unions of many values (excluded tags, followed users), kept between requests and moved along by the writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from pyroaring import BitMap

from pinako.feed.bits import united
from pinako.feed.postings import Postings

Pairs = tuple[tuple[str, int], ...]

_KEPT = 32
_AT_ONCE = 1_500_000  # rows united in one go, where values are small: about two milliseconds of the lock
_MOST, _LEAST, _FEW = 64, 4, 16


class Union:
    """The rows of some pairs: `done` united already, `waiting` (how many rows, field, value) not yet, the smallest first."""

    __slots__ = ("done", "pairs", "waiting")

    def __init__(self, pairs: Pairs, waiting: list[tuple[int, str, int]]) -> None:
        self.pairs = pairs
        self.done = BitMap()
        self.waiting = waiting

    def share_left(self, total: int) -> float:
        """The share of all rows that are not in it, as if its values were independent."""
        left = 1.0 - len(self.done) / total
        for size, _, _ in self.waiting:
            left *= 1.0 - size / total
        return max(left, 0.0)


class Unions:
    """Unions by what they unite. A write that gives a row a value adds it; one that takes a value drops the union."""

    def __init__(self, fields: Mapping[str, Postings]) -> None:
        self._fields = fields
        self._kept: OrderedDict[Pairs, Union] = OrderedDict()
        self._watched: dict[tuple[str, int], list[Union]] = {}

    def whole(self, pairs: Pairs) -> BitMap:
        """The union, complete."""
        union = self._find(pairs)
        if union.waiting:
            self._unite(union, len(union.waiting))
        return union.done

    def parts(self, pairs: Pairs, total: int, *, few: bool = True) -> tuple[list[BitMap], float]:
        """Bitmaps that together are the union, the largest first, and about which share of `total` rows is not in it.

        A cold one grows by a share with every use, so that nobody waits. The small values first, which are most of them:
        large ones leave few candidates, while each candidate that stays is looked for in every small one. `few` False:
        so many bitmaps as a filter commonly names may stay apart; to unite them costs more than a page of tests.
        """
        union = self._find(pairs)
        if union.waiting and (few or len(union.waiting) > _MOST):
            rows = take = 0
            for size, _, _ in union.waiting[:_MOST]:
                rows += size
                if rows > _AT_ONCE and take >= _LEAST:
                    break
                take += 1
            self._unite(union, take)
        bitmaps = [self._fields[field].get(value) for _, field, value in reversed(union.waiting)]
        bitmaps += [union.done] if union.done else []
        return bitmaps, union.share_left(max(total, 1))

    def given(self, field: str, value: int, ordinals: Iterable[int]) -> None:
        """Rows hold a value from now on."""
        for union in self._watched.get((field, value), ()):
            union.done.update(ordinals)

    def arrived(self, field: str, held: Mapping[int, Iterable[int]]) -> None:
        """New rows hold these values."""
        if self._watched:
            for value, ordinals in held.items():
                self.given(field, value, ordinals)

    def taken(self, field: str, value: int) -> None:
        """A row holds a value no longer."""
        for union in list(self._watched.get((field, value), ())):
            self._forget(self._kept.pop(union.pairs))

    def _unite(self, union: Union, take: int) -> None:
        """A few are added one by one: to unite them anew makes room for all rows first, which takes as long as twenty."""
        now, union.waiting = union.waiting[:take], union.waiting[take:]
        bitmaps = [self._fields[field].get(value) for _, field, value in now]
        if take > _FEW:
            union.done |= united(bitmaps)
        else:
            for bitmap in bitmaps:
                union.done |= bitmap

    def _find(self, pairs: Pairs) -> Union:
        union = self._kept.get(pairs)
        if union is not None:
            self._kept.move_to_end(pairs)
            return union
        if len(self._kept) >= _KEPT:
            self._forget(self._kept.popitem(last=False)[1])
        waiting = sorted(((self._fields[field].size(value), field, value) for field, value in pairs))
        union = self._kept[pairs] = Union(pairs, waiting)
        for pair in pairs:
            self._watched.setdefault(pair, []).append(union)
        return union

    def _forget(self, union: Union) -> None:
        for pair in union.pairs:
            watching = self._watched[pair]
            watching.remove(union)
            if not watching:
                del self._watched[pair]
