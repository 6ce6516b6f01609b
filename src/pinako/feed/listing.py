"""One page of any list: from a query's paging and the engine's answer to ids and the next cursor."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence

import msgspec

from pinako.catalog.queries import Paging
from pinako.errors import BadRequest
from pinako.feed.cursor import LAST_ID, Position, bare_value, read_cursor, write_cursor
from pinako.feed.index import Index
from pinako.feed.lookups import Shelf
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
        return (random.SystemRandom().getrandbits(31),) if chance else None
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


class OwnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A list in an order that the database keeps: rising places (a tuple that ends in an id), and the thing at each.

    `way` -1: the places are negative, and cursors show them the right way round.
    """

    name: str
    places: Sequence[tuple[int, ...]]
    ids: Sequence[int]
    way: int = 1


def on_shelf(shelf: Shelf) -> OwnOrder:
    """A collection's own order: the newest first."""
    return OwnOrder(name="collection", places=shelf.places, ids=shelf.ids.values, way=-1)


def ask_in_order(index: Index, question: Question, paging: Paging, own: OwnOrder) -> Listing:
    """Answer one page in an order of the database's. Cursors name the place of the next row, also if it goes."""
    if not question.sight.mask and not question.sight.own:
        return EMPTY
    at = 0
    if paging.cursor:
        at = bisect_left(own.places, _place(own, paging.cursor))
    skip = _offset(paging)
    kept: list[tuple[int, int]] = []
    step = max(paging.limit * 4, 256)
    while at < len(own.ids) and len(kept) <= paging.limit + skip:
        held = set(index.keep(question.sight, question.terms, own.ids[at : at + step]))
        kept += [(own.ids[i], i) for i in range(at, min(at + step, len(own.ids))) if own.ids[i] in held]
        at += step
    rest = kept[skip:]
    cursor = _cursor(own, rest[paging.limit][1]) if len(rest) > paging.limit else None
    return Listing(ids=[id for id, _ in rest[: paging.limit]], next_cursor=cursor)


def _cursor(own: OwnOrder, at: int) -> str:
    return write_cursor(own.name, [value * own.way for value in own.places[at]])


def _place(own: OwnOrder, cursor: str) -> tuple[int, ...]:
    """Where a cursor goes on. A bare number is the id of a thing in the list, or else its first value (trpc.md 3.3)."""
    number = bare_value(cursor)
    if number is None:
        return tuple(value * own.way for value in read_cursor(own.name, cursor, 2))
    return own.places[own.ids.index(number)] if number in own.ids else (number * own.way,)
