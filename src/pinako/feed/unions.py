"""Unions of many values (excluded tags, followed users), kept between requests and moved along by the writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from pyroaring import BitMap

from pinako.feed.bits import united
from pinako.feed.postings import Postings

Pairs = tuple[tuple[str, int], ...]

_KEPT = 32
_AT_ONCE = 800_000  # rows united in one go: about half a millisecond of the lock


class Union:
    """The rows of some pairs: `done` united already, `waiting` not yet."""

    __slots__ = ("done", "pairs", "waiting")

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.done = BitMap()
        self.waiting = list(pairs)


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

    def parts(self, pairs: Pairs) -> list[BitMap]:
        """Bitmaps that together are the union. A cold one grows by a share with every use, so that nobody waits."""
        union = self._find(pairs)
        if union.waiting:
            rows = take = 0
            while take < len(union.waiting) and (take == 0 or rows < _AT_ONCE):
                field, value = union.waiting[take]
                rows += self._fields[field].size(value) + 1000
                take += 1
            self._unite(union, take)
        return [
            *([union.done] if union.done else []),
            *(self._fields[field].get(value) for field, value in union.waiting),
        ]

    def given(self, field: str, value: int, ordinals: Iterable[int]) -> None:
        """Rows hold a value from now on."""
        for union in self._watched.get((field, value), ()) if self._watched else ():
            union.done.update(ordinals)

    def taken(self, field: str, value: int) -> None:
        """A row holds a value no longer."""
        for union in list(self._watched.get((field, value), ())):
            self._forget(self._kept.pop(union.pairs))

    def _unite(self, union: Union, take: int) -> None:
        now, union.waiting = union.waiting[:take], union.waiting[take:]
        union.done |= united([self._fields[field].get(value) for field, value in now])

    def _find(self, pairs: Pairs) -> Union:
        union = self._kept.get(pairs)
        if union is not None:
            self._kept.move_to_end(pairs)
            return union
        if len(self._kept) >= _KEPT:
            self._forget(self._kept.popitem(last=False)[1])
        union = self._kept[pairs] = Union(pairs)
        for pair in pairs:
            self._watched.setdefault(pair, []).append(union)
        return union

    def _forget(self, union: Union) -> None:
        for pair in union.pairs:
            watching = self._watched[pair]
            watching.remove(union)
            if not watching:
                del self._watched[pair]
