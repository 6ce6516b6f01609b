"""Lists as iterators: over rows, or page by page with the mark at which to go on another day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, TypeVar

from pinako.client.asks import Call
from pinako.client.paging import Ending, Listed, Mark, Page, Walk

T = TypeVar("T")


class Listing(Generic[T]):
    """A list on a host. Iterating asks for pages as they are needed and gives each row once; do it again to start anew.

    Errors: those of the call, at the page where they happen; UpstreamNonsense where the host ignores the filter.
    """

    def __init__(self, run: Callable[[Call[Any]], Any], listed: Listed[T]) -> None:
        self._run = run
        self._listed = listed
        self.ending: Ending | None = None
        """How the last walk ended; None while it has not. Anything but COMPLETE may mean that rows are missing."""

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self, start: Mark | None = None) -> Iterator[Page[T]]:
        """Page by page, with only the rows not seen before. `start` is a page's `next`, kept from an earlier walk."""
        self.ending = None
        walk = Walk(self._listed, start)
        while (call := walk.call()) is not None:
            yield walk.take(self._run(call))
        self.ending = walk.ending

    def page(self, start: Mark | None = None) -> Page[T]:
        """One page as the host gives it."""
        found: Page[T] = self._run(self._listed.page(start))
        return found


class AsyncListing(Generic[T]):
    """The asynchronous twin of `Listing`: `async for row in …`."""

    def __init__(self, run: Callable[[Call[Any]], Awaitable[Any]], listed: Listed[T]) -> None:
        self._run = run
        self._listed = listed
        self.ending: Ending | None = None

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for row in page.items:
                yield row

    async def pages(self, start: Mark | None = None) -> AsyncIterator[Page[T]]:
        """Page by page, with only the rows not seen before. `start` is a page's `next`, kept from an earlier walk."""
        self.ending = None
        walk = Walk(self._listed, start)
        while (call := walk.call()) is not None:
            yield walk.take(await self._run(call))
        self.ending = walk.ending

    async def page(self, start: Mark | None = None) -> Page[T]:
        """One page as the host gives it."""
        found: Page[T] = await self._run(self._listed.page(start))
        return found
