"""Fetches many files at once, reading the list of them only a little ahead."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from pinako.client.loop import TransferLoop
from pinako.client.transfers import SocketTransfers, Steps, Transfers, run
from pinako.client.wanted import Download, Fetched, Wanted
from pinako.errors import PinakoError

_AHEAD = 16
"""Files in hand per connection: enough to go on while the next page of a list is asked for, few enough to stay small."""


def fetch_together(
    steps: Callable[[Wanted], Steps[Download]],
    wanted: Iterable[Wanted],
    transfers: Transfers,
    *,
    at_once: int,
    sleep: Callable[[float], None],
) -> Generator[Fetched, None, None]:
    """Outcomes as they come. Stopping the iteration drops what has not begun and gives up what has.

    Over sockets one thread serves all connections, which costs half of what a thread for each does; the library blocks,
    so there each has its own.
    """
    if isinstance(transfers, SocketTransfers):
        return _on_one_thread(TransferLoop(steps, transfers, at_once, sleep), wanted, at_once)
    return _on_threads(lambda one: run(steps(one), transfers, sleep), wanted, at_once)


def _on_one_thread(loop: TransferLoop, wanted: Iterable[Wanted], at_once: int) -> Generator[Fetched, None, None]:
    source = iter(wanted)
    running = 0
    with ThreadPoolExecutor(1, thread_name_prefix="pinako-transfers") as pool:
        try:
            life = pool.submit(loop.run)
            life.add_done_callback(lambda _: loop.outcomes.put([]))
            while True:
                while running < at_once * _AHEAD and (one := next(source, None)) is not None:
                    loop.add(one)
                    running += 1
                if not running:
                    return
                outcomes = loop.outcomes.get()
                if not outcomes:
                    life.result()  # raises what ended the thread before its time
                    return
                running -= len(outcomes)
                yield from outcomes
        finally:
            loop.stop()


def _on_threads(
    fetch: Callable[[Wanted], Download], wanted: Iterable[Wanted], at_once: int
) -> Generator[Fetched, None, None]:
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
