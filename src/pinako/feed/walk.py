"""Pages: the first rows of an order, from a place on, that a search holds."""

from __future__ import annotations

from collections.abc import Iterator

from pyroaring import BitMap

from pinako.feed.bits import Ordinals, ordinals_of
from pinako.feed.orders import Order, Place
from pinako.feed.search import SMALL, Search
from pinako.feed.tiers import Node, Tiers

_PROBES = 4096  # candidates worth trying one by one before the filters are intersected as a whole


class Walk:
    """One page's way through the tiers. `order` is the tiers' own or its mirror; places are those of `order`."""

    def __init__(self, tiers: Tiers, order: Order, search: Search, stop: Place | None) -> None:
        self.tiers = tiers
        self.order = order
        self.search = search
        self.stop = stop  # nothing from here on can hold; may name the first components only
        self.backward = order.mirrors(tiers.order)

    def rows(self, start: Place | None, need: int) -> list[int]:
        """Up to `need` ordinals, in order, from `start` (inclusive) on."""
        found: list[int] = []
        tries = need / max(self.search.density(), 1e-9)
        if tries <= _PROBES and (self.search.at_most > SMALL or tries * 4 < self.search.at_most):
            start, found, done = self._probe(start, need, int(tries))
            if done:
                return found
        answer = self.search.answer()
        self._descend(self.tiers.root, answer, self._turn(start), start, found, need)
        return found

    def _turn(self, place: Place | None) -> Place | None:
        return tuple(-key for key in place) if place is not None and self.backward else place

    def _probe(self, start: Place | None, need: int, tries: int) -> tuple[Place | None, list[int], bool]:
        """Try candidates in order. Where matches are rarer than expected: where to go on, what was found, False."""
        found: list[int] = []
        budget = 4 * tries + 1024 if self.search.at_most > SMALL else 2 * tries + 64
        step = min(max(tries + tries // 4 + 8, 64), 1024)
        for leaf in _leaves_from(self.tiers.root, self._turn(start), self.backward):
            if self._beyond(leaf):
                return start, found, True
            ordered = self._candidates(leaf, start)
            for at in range(0, len(ordered), step):
                if budget <= 0:
                    return self.order.place(int(ordered[at])), found, False
                chunk = ordered[at : at + step]
                found += self.search.sift(chunk.tolist())
                budget -= len(chunk)
                if len(found) >= need:
                    return start, found[:need], True
            start = None
        return start, found, True

    def _beyond(self, leaf: Node) -> bool:
        return self.stop is not None and not self.backward and leaf.low >= self.stop

    def _candidates(self, leaf: Node, start: Place | None) -> Ordinals:
        ordered = self.tiers.in_order(leaf)
        canonical = self._turn(start)
        if canonical is None:
            return ordered[::-1] if self.backward else ordered
        if self.backward:
            return ordered[: self.tiers.order.before(ordered, canonical, inclusive=True)][::-1]
        return ordered[self.tiers.order.before(ordered, canonical) :]

    def _descend(
        self, node: Node, rows: BitMap, canonical: Place | None, start: Place | None, found: list[int], need: int
    ) -> None:
        """Follow the answer down the tree until few enough rows are left to sort."""
        if node.kids is None or len(rows) <= SMALL:
            found += self.order.sorted(ordinals_of(rows), start, need - len(found)).tolist()
            return
        for kid, entry in _kids_from(node, canonical, self.backward):
            if self._beyond(kid):
                return
            below = rows & kid.rows
            if below:
                self._descend(kid, below, entry, start, found, need)
                if len(found) >= need:
                    return


def _kids_from(node: Node, place: Place | None, backward: bool) -> Iterator[tuple[Node, Place | None]]:
    """The children from a place on; the place itself goes along into the first of them."""
    kids = node.kids or []
    first = len(kids) - 1 if backward else 0
    if place is not None:
        first = node.index(place)
        yield kids[first], place
        first += -1 if backward else 1
    for at in range(first, -1 if backward else len(kids), -1 if backward else 1):
        yield kids[at], None


def _leaves_from(node: Node, place: Place | None, backward: bool) -> Iterator[Node]:
    if node.kids is None:
        yield node
        return
    for kid, entry in _kids_from(node, place, backward):
        yield from _leaves_from(kid, entry, backward)
