"""The index of one entity: pages, counts and writes over bitmaps and tiers. It knows ordinals, not images.

The database is the truth; this answers which ids a list holds and in what order (engine.md). One lock: pages and
counts hold it for at most a few milliseconds, and a batch of writes lets readers in between its shares.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
from pyroaring import BitMap

from pinako.errors import BadRequest
from pinako.feed.bits import bitmap_of
from pinako.feed.orders import Order, Place
from pinako.feed.parts import Avoiding, Either, Holding, Part, Seen
from pinako.feed.postings import Postings
from pinako.feed.ranges import Ranges
from pinako.feed.rows import Rows
from pinako.feed.search import Search
from pinako.feed.shuffle import build_cells, cells_of, deal, dealt
from pinako.feed.spec import (
    AnyOf,
    Between,
    Change,
    Drop,
    Ids,
    Mark,
    Move,
    NoneOf,
    Page,
    Put,
    Row,
    Show,
    Sight,
    Spec,
    Term,
)
from pinako.feed.tiers import LOWEST, Tiers
from pinako.feed.unions import Unions
from pinako.feed.visibility import Visibility
from pinako.feed.walk import Walk

V = TypeVar("V", bound=Hashable)

Filing = Drop | Move | Mark | Show
_RUN = 63  # new rows that are filed together with the first of them
_SHARE = 0.001  # seconds that a batch of writes holds the lock at a stretch
_ANSWERS = 16  # full answers kept until the next write


class Index:
    """Rows, postings, tiers and visibility of one entity, under one lock.

    `log` is the change-log position that the contents stand at: the feed writes it, a snapshot carries it.
    """

    def __init__(
        self,
        spec: Spec,
        rows: Rows,
        fields: dict[str, Postings],
        visibility: Visibility,
        cells: Postings | None = None,
        log: tuple[int, int] = (0, 0),
    ) -> None:
        self.spec = spec
        self.rows = rows
        self.fields = fields
        self.visibility = visibility
        self.cells = cells or build_cells(rows.ids[: rows.count])
        self.log = log
        self.orders = {sort.name: Order(rows, sort) for sort in spec.sorts}
        self.tiers: dict[str, Tiers] = {}
        self.unions = Unions(fields)
        self.ranges = Ranges(self._rows_between)
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.version = 0  # another one after every write
        self._myself = object()  # stands for this index where holding it would keep its memory
        self._answers: OrderedDict[tuple[Sight, tuple[Term, ...]], BitMap] = OrderedDict()

    def hang(self, tiers: dict[str, Tiers]) -> Index:
        """Give the sorts their tiers. A sort that mirrors an earlier one walks that one's tiers backwards."""
        self.tiers = tiers
        self._trees = list({id(tree): tree for tree in self.tiers.values()}.values())
        return self

    def __len__(self) -> int:
        return len(self.visibility.alive)

    @property
    def dead(self) -> int:
        """Ordinals of replaced and dropped rows: worth a rebuild once they are a good share of `rows.count`."""
        return self.rows.count - len(self)

    # Questions

    def page(
        self,
        sight: Sight,
        terms: Sequence[Term],
        sort: str,
        limit: int,
        *,
        start: Sequence[int] | None = None,
        offset: int = 0,
    ) -> Page:
        """Up to `limit` ids, in the order of `sort`, from the position `start` (inclusive) on.

        A position is `Page.next`: the keys as they are, then the id; for the random sort the seed, then the id, where
        a first page gives the seed alone. `offset` rows are passed over, for page numbers: keep it shallow.
        """
        with self.lock:
            search = self._search(sight, terms)
            need = offset + limit + 1
            if sort == self.spec.random and sort:
                return self._random(search, start or (0,), need, offset)
            order = self._order(sort)
            found = self._walk(search, sort, terms, start, need)
            last = order.position(found[-1]) if len(found) == need else None
            return self._page(found, need, offset, last)

    def count(self, sight: Sight, terms: Sequence[Term]) -> int:
        """How many rows hold, exactly."""
        with self.lock:
            return len(self._search(sight, terms).answer())

    def answer(self, sight: Sight, terms: Sequence[Term]) -> BitMap:
        """Every row that holds, as ordinals in a bitmap of the caller's own."""
        with self.lock:
            return self._search(sight, terms).answer().copy()

    def holds(self, sight: Sight, terms: Sequence[Term], id: int) -> bool:
        """Whether one row is alive, seen and passes."""
        with self.lock:
            ordinal = self.rows.find(id)
            return ordinal >= 0 and bool(self._search(sight, terms).sift([ordinal]))

    def keep(self, sight: Sight, terms: Sequence[Term], ids: Sequence[int]) -> list[int]:
        """Those of the ids that are seen and pass, in the order given."""
        with self.lock:
            found = list(zip(self.rows.known(ids), ids, strict=True))
            held = self._search(sight, terms).sift([ordinal for ordinal, _ in found if ordinal >= 0])
            kept = set(held)
            return [id for ordinal, id in found if ordinal in kept]

    def position(self, sort: str, id: int) -> tuple[int, ...] | None:
        """Where an id stands in a sort, alive or not; None for an id never seen."""
        with self.lock:
            ordinal = self.rows.find(id)
            order = self._order(sort)
            return order.position(ordinal) if ordinal >= 0 else None

    def _order(self, sort: str) -> Order:
        order = self.orders.get(sort)
        if order is None:
            raise BadRequest(f"Unknown sort: {sort}")
        return order

    def _page(self, found: list[int], need: int, offset: int, next: tuple[int, ...] | None) -> Page:
        return Page(ids=[*map(self.rows.ids.item, found[offset : need - 1])], next=next)

    def _random(self, search: Search, start: Sequence[int], need: int, offset: int) -> Page:
        seed = start[0] if len(start) > 1 else dealt(start[0], search)
        found = deal(seed).rows(search, self.cells, self.rows, start[1] if len(start) > 1 else None, need)
        last = (seed, self.rows.ids.item(found[-1])) if len(found) == need else None
        return self._page(found, need, offset, last)

    def _walk(
        self, search: Search, sort: str, terms: Sequence[Term], start: Sequence[int] | None, need: int
    ) -> list[int]:
        order = self.orders[sort]
        place = order.signed(tuple(start)) if start is not None else None
        stop: Place | None = None
        for term in terms:
            if isinstance(term, Between) and term.column == order.names[0]:
                low, high = _signed_range(term, order.ways[0])
                if low is not None and (place is None or place[0] < low):
                    place = (low, *[LOWEST] * len(order.names))
                if high is not None:
                    stop = (high,) if stop is None else min(stop, (high,))
        return Walk(self.tiers[sort], order, search, stop).rows(place, need)

    def _search(self, sight: Sight, terms: Sequence[Term]) -> Search:
        asked = (sight, tuple(terms))

        def keep(answer: BitMap) -> None:
            if len(self._answers) >= _ANSWERS:
                self._answers.popitem(last=False)
            self._answers[asked] = answer

        parts = [self._seen(sight), *(self._part(term) for term in terms)]
        return Search(parts, self.rows.count, keep, self._answers.get(asked))

    def _seen(self, sight: Sight) -> Part:
        public = self.visibility.public(sight.mask)
        private = self.visibility.private(sight, self.fields.get(self.spec.owner))
        return Seen(public, private) if private else Holding(public)

    def _part(self, term: Term) -> Part:
        if isinstance(term, AnyOf):
            if len(term.pairs) == 1:
                field, value = term.pairs[0]
                return Holding(self.fields[field].get(value))
            return Either(self.unions.parts(term.pairs, self.rows.count)[0], partial(self.unions.whole, term.pairs))
        if isinstance(term, NoneOf):
            spare = [self.fields[field].get(value) for field, value in term.spare]
            bitmaps, left = self.unions.parts(term.pairs, self.rows.count, few=False)
            return Avoiding(bitmaps, spare, self.rows.count, left, partial(self._fewer, term.pairs))
        if isinstance(term, Between):
            return Holding(self.ranges.get(term))
        named = self._named(term.ids)
        return Holding(named) if term.inside else Avoiding([named], [], self.rows.count)

    def _fewer(self, pairs: tuple[tuple[str, int], ...]) -> list[BitMap]:
        return self.unions.parts(pairs, self.rows.count)[0]

    def look_up(self, ids: Ids) -> None:
        """Find the rows of many ids now, so that nobody's first page waits for it."""
        with self.lock:
            self._named(ids)

    def _named(self, ids: tuple[int, ...] | Ids) -> BitMap:
        if not isinstance(ids, Ids):
            return bitmap_of(self.rows.find_all(ids))
        whose, count, named = ids.looked_up or (None, 0, BitMap())
        if whose is not self._myself:
            named = bitmap_of(self.rows.find_all(ids.values))
        elif count < self.rows.count:
            named = named | bitmap_of(self.rows.filed_since(count, ids.values))
        ids.looked_up = (self._myself, self.rows.count, named)
        return named

    def _rows_between(self, term: Between) -> BitMap:
        tree = next((tree for tree in self._trees if tree.order.names[0] == term.column), None)
        if tree is None:
            return self._scan(term)
        low, high = _signed_range(term, tree.order.ways[0])
        return tree.between((low,) if low is not None else None, (high,) if high is not None else None)

    def _scan(self, term: Between) -> BitMap:
        """A column that no sort begins with is read whole: for small entities and rare questions."""
        column = self.rows.columns[term.column][: self.rows.count]
        kept = np.ones(len(column), bool)
        if term.low is not None:
            kept &= column >= term.low
        if term.high is not None:
            kept &= column < term.high
        return bitmap_of(np.flatnonzero(kept).astype(np.uint32))

    # Writes

    def apply(self, changes: Iterable[Change], log: tuple[int, int] | None = None) -> None:
        """File changes in order, letting readers in between. Applying a batch again changes nothing."""
        with self.writing:
            waiting = iter(changes)
            while self._share(waiting):
                pass
            if log is not None:
                self.log = log

    def _share(self, changes: Iterator[Change]) -> bool:
        """As many changes as fit in a moment of the lock; whether there may be more."""
        with self.lock:
            self._answers.clear()
            self.version += 1
            until = time.perf_counter() + _SHARE
            for change in changes:
                following = self._put_run(change, changes) if isinstance(change, Put) else change
                if following is not None:
                    self._file(following)
                if time.perf_counter() > until:
                    return True
            return False

    def _put_run(self, first: Put, changes: Iterator[Change]) -> Filing | None:
        """File a new row and those that follow it, together; what came next and is none."""
        rows = {first.row.id: first.row}
        for following in islice(changes, _RUN):
            if not isinstance(following, Put):
                self._put(list(rows.values()))
                return following
            rows[following.row.id] = following.row
        self._put(list(rows.values()))
        return None

    def _file(self, change: Filing) -> None:
        ordinal = self.rows.find(change.id)
        if ordinal < 0 or ordinal not in self.visibility.alive:
            return
        if isinstance(change, Move):
            self._move(ordinal, change.column, change.value)
        elif isinstance(change, Mark):
            self._mark(ordinal, change)
        elif isinstance(change, Show):
            self.visibility.hide(ordinal)
            self.visibility.show((ordinal,), change.level, change.room)
        elif isinstance(change, Drop):
            self._drop(ordinal, change.id)

    def _put(self, rows: Sequence[Row]) -> None:
        ids, keys = [row.id for row in rows], [row.keys for row in rows]
        for old, id in zip(self.rows.known(ids), ids, strict=True):
            if old >= 0 and old in self.visibility.alive:
                self._drop(old, id)
        filed = self.rows.extend(ids, keys)
        ordinals = filed.tolist()
        for at, field in enumerate(self.spec.fields):
            postings = self.fields[field]
            by_value = _by_value([row.values[at] for row in rows], ordinals)
            for value, held in by_value.items():
                postings.extend(value, held)
            self.unions.arrived(field, by_value)
        for cell, held in _by_value(([cell] for cell in cells_of(self.rows.ids[filed]).tolist()), ordinals).items():
            self.cells.extend(cell, held)
        for tree in self._trees:
            tree.insert(list(zip(tree.order.places(filed), ordinals, strict=True)))
        self.ranges.arrived(self.spec.columns, ordinals, keys)
        for (level, room), held in _by_value(([(row.level, row.room)] for row in rows), ordinals).items():
            self.visibility.show(held, level, room)

    def _move(self, ordinal: int, column: str, key: int) -> None:
        trees = [tree for tree in self._trees if column in tree.order.names]
        places = [tree.order.place(ordinal) for tree in trees]
        self.rows.set_key(column, ordinal, key)
        for tree, old in zip(trees, places, strict=True):
            tree.move(old, tree.order.place(ordinal), ordinal)
        self.ranges.moved(column, ordinal, key)

    def _mark(self, ordinal: int, change: Mark) -> None:
        self.fields[change.field].mark(change.value, ordinal, change.present)
        if change.present:
            self.unions.given(change.field, change.value, (ordinal,))
        else:
            self.unions.taken(change.field, change.value)
        if change.field == self.spec.owner:
            self.visibility.forget_private()

    def _drop(self, ordinal: int, id: int) -> None:
        for tree in self._trees:
            tree.remove(tree.order.place(ordinal), ordinal)
        self.visibility.hide(ordinal)
        self.rows.forget(id)


def _by_value(values: Iterable[Iterable[V]], ordinals: Sequence[int]) -> dict[V, list[int]]:
    """The rows that hold each value, rising, from what each row holds."""
    held: dict[V, list[int]] = {}
    for ordinal, own in zip(ordinals, values, strict=True):
        for value in own:
            rows = held.get(value)
            if rows is None:
                held[value] = [ordinal]
            elif rows[-1] != ordinal:  # a row may name a value twice
                rows.append(ordinal)
    return held


def _signed_range(term: Between, way: int) -> tuple[int | None, int | None]:
    """The half-open range of a term, in a column whose signs are turned by `way`."""
    if way > 0:
        return term.low, term.high
    return (1 - term.high if term.high is not None else None), (1 - term.low if term.low is not None else None)
