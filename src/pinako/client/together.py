"""Fetches many files on a few threads, reading the list of them only a little ahead."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from pinako.client.wanted import Download, Fetched, Wanted
from pinako.errors import PinakoError

_AHEAD = 16
"""Files in hand per thread: enough to go on while the next page of a list is asked for, few enough to stay small."""


def fetch_together(
    fetch: Callable[[Wanted], Download], wanted: Iterable[Wanted], at_once: int
) -> Generator[Fetched, None, None]:
    """Outcomes as they come. Stopping the iteration drops what has not begun and waits for what has."""
    done: queue.SimpleQueue[Future[Fetched]] = queue.SimpleQueue()
    source = iter(wanted)
    running = 0
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="pinako-transfer")
    try:
        while True:
            while running < at_once * _AHEAD and (one := next(source, None)) is not None:
                pool.submit(_outcome, fetch, one).add_done_callback(done.put)
                running += 1
            if not running:
                return
            running -= 1
            yield done.get().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(fetch: Callable[[Wanted], Download], wanted: Wanted) -> Fetched:
    try:
        return Fetched(wanted=wanted, download=fetch(wanted))
    except PinakoError as error:
        return Fetched(wanted=wanted, error=error)
