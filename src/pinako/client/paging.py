"""Walks through a list that a host hands out in pages: to the end, each row once, never in a circle."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

import msgspec

from pinako.client.asks import Call, without_token
from pinako.errors import UpstreamNonsense

T = TypeVar("T")

Mark: TypeAlias = str | int
"""Where a list goes on: a cursor as the host typed it, or `?` and the query of a `nextPage`. Keep it to resume later."""

MOST_EMPTY = 200
MOST_REPEATED = 3


class Ending(StrEnum):
    """Why a walk stopped. All but COMPLETE mean that the host went in circles; the list may be incomplete."""

    COMPLETE = "complete"
    REPEATED_CURSOR = "repeated cursor"
    REPEATED_ROWS = "repeated rows"
    EMPTY_PAGES = "empty pages"


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page. `link` and `cursor` are both of the next page and both may be None at the end.

    `items` as received, before rows seen earlier are taken out. `total` where the host counts. `level` is the effective
    mask of a host that cut the asked one (`X-Pinako-Level`). `call` is the request that it answered, for errors.
    """

    items: tuple[T, ...]
    cursor: Mark | None = None
    link: str | None = None
    total: int | None = None
    level: int | None = None
    call: str = ""

    @property
    def next(self) -> Mark | None:
        """The mark of the next page: the link where there is one, as rest.md 21.2 asks."""
        return self.link if self.link is not None else self.cursor


class Listed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A question whose answer is a list: how to ask for a page, what tells rows apart, and what every row must fit.

    `fits` is the filter that was asked, as far as a row shows it; a first page of which nothing fits is refused, because
    some hosts drop a filter whose value they do not know and answer with everything.
    """

    page: Callable[[Mark | None], Call[Page[T]]]
    key: Callable[[T], Hashable]
    fits: Callable[[T], bool] | None = None
    what: str = "list"


class Walk(Generic[T]):
    """The state of one walk. Ask `call()`, run it, give the page to `take()`; until `call()` gives None."""

    def __init__(self, listed: Listed[T], start: Mark | None = None) -> None:
        self._listed = listed
        self._next: Mark | None = start
        self._asked: set[Mark] = set() if start is None else {start}
        self._seen: set[Hashable] = set()
        self._empty = 0
        self._repeated = 0
        self._checked = listed.fits is None
        self.ending: Ending | None = None

    @property
    def next(self) -> Mark | None:
        """The mark of the page that is asked next; None before the first page and after the last."""
        return self._next

    def call(self) -> Call[Page[T]] | None:
        """The next page's call, None at the end."""
        return None if self.ending else self._listed.page(self._next)

    def take(self, page: Page[T]) -> Page[T]:
        """The page with only the rows that are new. Raises UpstreamNonsense where the host ignored the filter."""
        self._check(page)
        fresh = []
        for row in page.items:
            key = self._listed.key(row)
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(row)
        self._move(page, bool(fresh))
        return msgspec.structs.replace(page, items=tuple(fresh))

    def _check(self, page: Page[T]) -> None:
        fits = self._listed.fits
        if self._checked or fits is None or not page.items:
            return
        if not any(fits(row) for row in page.items):
            raise UpstreamNonsense(
                f"The host ignored the filter of this {self._listed.what}: none of its rows fits.",
                call=page.call,
                advice="What was asked for may be gone; nothing of the answer was used.",
            )
        self._checked = True

    def _move(self, page: Page[T], fresh: bool) -> None:
        self._empty = 0 if page.items else self._empty + 1
        self._repeated = self._repeated + 1 if page.items and not fresh else 0
        mark = page.next
        if self._repeated and page.link and page.cursor is not None:
            mark = page.cursor  # today's page numbers repeat the first page for ever; its cursors do advance
        if mark is None or mark == "":
            self._end(Ending.COMPLETE)
        elif mark in self._asked:
            self._end(Ending.REPEATED_CURSOR)
        elif self._repeated >= MOST_REPEATED:
            self._end(Ending.REPEATED_ROWS)
        elif self._empty >= MOST_EMPTY:
            self._end(Ending.EMPTY_PAGES)
        else:
            self._asked.add(mark)
            self._next = mark

    def _end(self, ending: Ending) -> None:
        self.ending = ending
        self._next = None


def link_mark(link: object) -> str | None:
    """The mark of a `nextPage`. Only its query counts: the walk stays on its own host and path, with its own key."""
    if not isinstance(link, str) or not link:
        return None
    query = without_token(link.partition("?")[2].partition("#")[0])
    return f"?{query}" if query else None


def cursor_mark(cursor: object) -> Mark | None:
    """A cursor as the host typed it. Null, missing and empty all mean the end (trpc.md 1.4)."""
    if isinstance(cursor, bool) or cursor is None or cursor == "":
        return None
    return cursor if isinstance(cursor, str | int) else str(cursor)
