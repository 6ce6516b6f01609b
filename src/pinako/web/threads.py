"""Worker threads for what would hold up the event loop: disk, imaging, password hashes, text search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8
"""Each has a database connection of its own, so few are better than many."""


class Threads:
    """A pool that is made at its first use: a forked worker must not inherit its parent's."""

    def __init__(self, name: str = "pinako", most: int = THREADS) -> None:
        self._name = name
        self._most = most
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a blocking call, made on a thread."""
        future = self._executor().submit(work, *args, **kwargs)
        return await asyncio.wrap_future(future)

    def start(self, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Begin a call whose result nobody waits for; it must deal with its own errors."""
        self._executor().submit(work, *args, **kwargs)

    def close(self) -> None:
        """Wait for what is under way and end the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._most, thread_name_prefix=self._name)
        return self._pool
