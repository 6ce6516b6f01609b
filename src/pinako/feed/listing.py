"""One page of any list: from a query's paging and the engine's answer to ids and the next cursor."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from pinako.catalog.queries import Paging
from pinako.errors import BadRequest
from pinako.feed.cursor import LAST_ID, Position, bare_value, read_cursor, write_cursor
from pinako.feed.index import Index
from pinako.feed.spec import Sight, Term

NOTHING: tuple[int, ...] = ()


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of a page, in order, and the cursor of the row that follows (None at the end)."""

    ids: list[int]
    next_cursor: str | None = None


EMPTY = Listing(ids=[])


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for, as the engine takes it."""

    sight: Sight
    terms: tuple[Term, ...]
    sort: str
    dated: bool = False
    """The first key is a time, and cursors show it as a date."""
    seed: int | None = None
    """Of a first page in random order; None: by chance."""


Bare = Callable[[Index, str, int], Position | None]
"""What the one number of an old client's cursor means in a sort."""


def ask(index: Index, question: Question, paging: Paging, bare: Bare | None = None) -> Listing:
    """Answer one page. BadRequest for a cursor that is none of this sort's."""
    if not question.sight.mask and not question.sight.own:
        return EMPTY
    start = _start(index, question, paging.cursor, bare)
    offset = _offset(paging)
    page = index.page(question.sight, question.terms, question.sort, paging.limit, start=start, offset=offset)
    cursor = None if page.next is None else write_cursor(question.sort, page.next, dated=question.dated)
    return Listing(ids=page.ids, next_cursor=cursor)


def _offset(paging: Paging) -> int:
    """How many rows lie before a page that no cursor finds."""
    if paging.cursor:
        return 0
    return paging.skip + ((paging.page - 1) * paging.limit if paging.page else 0)


def _start(index: Index, question: Question, cursor: str | None, bare: Bare | None) -> Position | None:
    chance = question.sort == index.spec.random
    if not cursor:
        drawn = random.SystemRandom().getrandbits(31) if question.seed is None else question.seed
        return (drawn,) if chance else None
    if chance:
        return read_cursor(question.sort, cursor, 2)
    number = bare_value(cursor) if bare else None
    if number is not None and bare is not None:
        place = bare(index, question.sort, number)
        if place is None:
            raise BadRequest(f"Invalid cursor: {number} names nothing in this list")
        return place
    return read_cursor(question.sort, cursor, len(index.orders[question.sort].ways))


def from_id(index: Index, sort: str, id: int) -> Position | None:
    """A bare number is the id of the next page's first row (2023's images)."""
    return index.position(sort, id) if 0 < id <= LAST_ID else None


def below_value(index: Index, sort: str, value: int) -> Position:
    """A bare number is the first key of the last page's last row: go on strictly below it (2025's posts)."""
    return (value - 1, LAST_ID)


Spot = tuple[int, ...]


class OwnOrder(Protocol):
    """A list in an order that the database keeps: rising places (tuples that end in an id), and the thing at each.

    `way` -1: the places are negative, and cursors show them the right way round.
    """

    @property
    def name(self) -> str: ...

    @property
    def way(self) -> int: ...

    def run(self, start: Spot | None, take: int) -> Sequence[tuple[Spot, int]]:
        """So many places from `start` (inclusive) on, with the thing at each."""
        ...

    def place_of(self, id: int) -> Spot | None:
        """Where a thing stands; None where it is not in the list."""
        ...


class KnownOrder:
    """A short list, read whole."""

    way = 1

    def __init__(self, name: str, spots: Sequence[tuple[Spot, int]]) -> None:
        self.name = name
        self._spots = spots

    def run(self, start: Spot | None, take: int) -> Sequence[tuple[Spot, int]]:
        at = 0 if start is None else bisect_left(self._spots, (start,))
        return self._spots[at : at + take]

    def place_of(self, id: int) -> Spot | None:
        return next((place for place, held in self._spots if held == id), None)


def ask_in_order(index: Index, question: Question, paging: Paging, own: OwnOrder) -> Listing:
    """Answer one page in an order of the database's. Cursors name the place of the next row, also if it goes."""
    if not question.sight.mask and not question.sight.own:
        return EMPTY
    need = _offset(paging) + paging.limit + 1
    start = _place(own, paging.cursor) if paging.cursor else None
    kept: list[tuple[Spot, int]] = []
    seen, step = 0, max(paging.limit * 2, 64)
    while len(kept) < need and (spots := own.run(start, step + 1)):
        held = set(index.keep(question.sight, question.terms, [id for _, id in spots[:step]]))
        kept += [spot for spot in spots[:step] if spot[1] in held]
        if len(spots) <= step:
            break
        start, seen = spots[step][0], seen + step
        step = min(max((need - len(kept)) * seen // max(len(kept), 1) * 5 // 4, 64), 4096)
    rest = kept[_offset(paging) :]
    cursor = _cursor(own, rest[paging.limit][0]) if len(rest) > paging.limit else None
    return Listing(ids=[id for _, id in rest[: paging.limit]], next_cursor=cursor)


def _cursor(own: OwnOrder, place: Spot) -> str:
    return write_cursor(own.name, [value * own.way for value in place])


def _place(own: OwnOrder, cursor: str) -> Spot:
    """Where a cursor goes on. A bare number is the id of a thing in the list, or else its first value (trpc.md 3.3)."""
    number = bare_value(cursor)
    if number is None:
        return tuple(value * own.way for value in read_cursor(own.name, cursor, 2))
    return own.place_of(number) or (number * own.way,)
