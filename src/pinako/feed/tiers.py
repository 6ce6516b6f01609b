"""A sort's rows in tiers: a tree of bitmaps cut by fixed bounds, whose leaves hold a few thousand neighbours.

A write moves a row only between the branches where its old and new place part. Upper nodes hold the union of what is
below, so that stretches without a match are passed over at once. Leaves and nodes split when they grow: all new rows
fall into the same one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np
from pyroaring import BitMap

from pinako.feed.bits import Ordinals, bitmap_of, ordinals_of, settled, united
from pinako.feed.orders import Order, Place

FAN = 32
LOWEST = -(1 << 62)
"""Before every id and key."""
_SORTED_LEAVES = 1024  # leaves kept in order after a use: 16 MB at most


class Node:
    """Rows from `low` (inclusive) to the next node's low. The very first node also holds what is below its low."""

    __slots__ = ("kids", "low", "lows", "rows", "size")

    def __init__(self, low: Place, rows: BitMap, kids: list[Node] | None = None) -> None:
        self.low = low
        self.rows = rows
        self.kids = kids
        self.lows = [kid.low for kid in kids] if kids else []
        self.size = 0 if kids else len(rows)

    def index(self, place: Place) -> int:
        """The child that a place belongs to."""
        return max(bisect_right(self.lows, place) - 1, 0)


class Tiers:
    """The tree of one order, kept by the index on every write and walked by its pages in either direction."""

    def __init__(self, order: Order, leaf_size: int, leaves: list[Node]) -> None:
        self.order = order
        self.leaf_size = leaf_size
        self.root = _grow_tree(leaves)
        self._sorted: OrderedDict[int, tuple[Node, Ordinals]] = OrderedDict()

    @classmethod
    def build(cls, order: Order, ordinals: Ordinals, leaf_size: int) -> Tiers:
        """Tiers over rows that are already in order."""
        step = leaf_size + leaf_size // 2
        cuts = [ordinals[at : at + step] for at in range(0, len(ordinals), step)]
        leaves = [Node(order.place(int(cut[0])), settled(bitmap_of(np.sort(cut)))) for cut in cuts]
        return cls(order, leaf_size, leaves or [Node((LOWEST,) * len(order.ways), BitMap())])

    def insert(self, arrivals: Sequence[tuple[Place, int]]) -> None:
        """Rows arrive, with their ordinals. Most that come together belong together: they go down the tree as one."""
        crowded: list[Place] = []
        self._spread(self.root, sorted(arrivals), crowded)
        for low in crowded:
            self._relieve(low)

    def _spread(self, node: Node, arrivals: Sequence[tuple[Place, int]], crowded: list[Place]) -> None:
        node.rows.update([ordinal for _, ordinal in arrivals])
        if node.kids is None:
            node.size += len(arrivals)
            self._sorted.pop(id(node), None)
            if node.size > 2 * self.leaf_size:
                crowded.append(node.low)
            return
        at = 0
        while at < len(arrivals):
            kid = node.index(arrivals[at][0])
            end = len(arrivals)
            if kid < len(node.lows) - 1 and arrivals[-1][0] >= node.lows[kid + 1]:
                end = bisect_left(arrivals, (node.lows[kid + 1],), at)
            self._spread(node.kids[kid], arrivals[at:end], crowded)
            at = end

    def _relieve(self, low: Place) -> None:
        """Split the leaf of this place until it and its new siblings are small enough."""
        node, path = self.root, []
        while node.kids is not None:
            path.append(node)
            node = node.kids[node.index(low)]
        if node.size > 2 * self.leaf_size:
            upper = self._split_leaf(node, path)
            self._relieve(low)
            self._relieve(upper.low)

    def remove(self, place: Place, ordinal: int) -> None:
        """A row leaves."""
        self._discard(self.root, place, ordinal)

    def move(self, old: Place, new: Place, ordinal: int) -> None:
        """A row whose key has been written already goes from its old place to the new one."""
        node, path = self.root, []
        while node.kids is not None:
            was, now = node.index(old), node.index(new)
            if was != now:
                self._discard(node.kids[was], old, ordinal)
                path.append(node)
                self._add(node.kids[now], path, new, ordinal)
                return
            path.append(node)
            node = node.kids[now]
        self._sorted.pop(id(node), None)

    def _discard(self, node: Node, place: Place, ordinal: int) -> None:
        node.rows.discard(ordinal)
        while node.kids is not None:
            node = node.kids[node.index(place)]
            node.rows.discard(ordinal)
        node.size -= 1
        self._sorted.pop(id(node), None)

    def _add(self, node: Node, path: list[Node], place: Place, ordinal: int) -> None:
        node.rows.add(ordinal)
        while node.kids is not None:
            path.append(node)
            node = node.kids[node.index(place)]
            node.rows.add(ordinal)
        node.size += 1
        self._sorted.pop(id(node), None)
        if node.size > 2 * self.leaf_size:
            self._split_leaf(node, path)

    def _split_leaf(self, leaf: Node, path: list[Node]) -> Node:
        ordered = self.order.sorted(ordinals_of(leaf.rows))
        half = len(ordered) // 2
        upper = Node(self.order.place(int(ordered[half])), settled(bitmap_of(np.sort(ordered[half:]))))
        leaf.rows = settled(bitmap_of(np.sort(ordered[:half])))
        leaf.size = half
        self._hang(leaf, upper, path)
        return upper

    def _hang(self, node: Node, after: Node, path: list[Node]) -> None:
        """Put a new node behind its elder sibling, splitting the parent in turn when it has too many."""
        if not path:
            low = Node(node.low, node.rows, node.kids)
            low.size = node.size
            node.kids, node.lows = [low, after], [low.low, after.low]
            node.rows = united([low.rows, after.rows])
            return
        parent = path.pop()
        kids = parent.kids or []  # never none: only inner nodes are on a path
        at = kids.index(node) + 1
        kids.insert(at, after)
        parent.lows.insert(at, after.low)
        if len(kids) > 2 * FAN:
            moved = kids[FAN:]
            elder = Node(moved[0].low, united([kid.rows for kid in moved]), moved)
            del kids[FAN:], parent.lows[FAN:]
            parent.rows = united([kid.rows for kid in kids])
            self._hang(parent, elder, path)

    def in_order(self, leaf: Node) -> Ordinals:
        """A leaf's rows, sorted; kept until a write touches the leaf."""
        known = self._sorted.get(id(leaf))
        if known is not None:
            return known[1]
        ordered = self.order.sorted(ordinals_of(leaf.rows))
        if len(self._sorted) >= _SORTED_LEAVES:
            self._sorted.popitem(last=False)
        self._sorted[id(leaf)] = (leaf, ordered)
        return ordered

    def leaves(self) -> Iterator[Node]:
        """All leaves, rising."""
        return _leaves(self.root)

    def between(self, low: Place | None, high: Place | None) -> BitMap:
        """The rows with low <= place < high, where the bounds may name only the first components."""
        parts: list[BitMap] = []
        self._gather(self.root, None, low, high, parts)
        return united(parts)

    def _gather(
        self, node: Node, ceiling: Place | None, low: Place | None, high: Place | None, parts: list[BitMap]
    ) -> None:
        """`ceiling` is the low of what follows the node; the first node of all has no floor."""
        first = node is self.root or node.low == self.root.low
        if (high is not None and not first and node.low >= high) or (low is not None and ceiling and ceiling <= low):
            return
        floored = low is None or (not first and node.low >= low)
        if floored and (high is None or (ceiling is not None and ceiling <= high)):
            parts.append(node.rows)
        elif node.kids is None:
            parts.append(self._cut(node, low, high))
        else:
            for at, kid in enumerate(node.kids):
                self._gather(kid, node.lows[at + 1] if at + 1 < len(node.lows) else ceiling, low, high, parts)

    def _cut(self, leaf: Node, low: Place | None, high: Place | None) -> BitMap:
        ordinals = ordinals_of(leaf.rows)
        if not len(ordinals):
            return leaf.rows
        key = self.order.keys(ordinals)[0]
        kept = np.ones(len(ordinals), bool)
        if low is not None:
            kept &= key >= low[0]
        if high is not None:
            kept &= key < high[0]
        return bitmap_of(ordinals[kept])


def _grow_tree(leaves: list[Node]) -> Node:
    nodes = leaves
    while len(nodes) > 2 * FAN:
        groups = [nodes[at : at + FAN] for at in range(0, len(nodes), FAN)]
        nodes = [Node(group[0].low, settled(united([kid.rows for kid in group])), group) for group in groups]
    if len(nodes) == 1 and nodes[0].kids is None:
        return nodes[0]
    return Node(nodes[0].low, settled(united([node.rows for node in nodes])), nodes)


def _leaves(node: Node) -> Iterator[Node]:
    if node.kids is None:
        yield node
    else:
        for kid in node.kids:
            yield from _leaves(kid)
