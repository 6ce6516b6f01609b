"""A bar for whatever takes longer than a second, on standard error; nothing where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

AFTER_S = 1.0

Show = Callable[[int, int | None], None]
"""Told how much is done, and of how much; None: nobody knows."""


@contextmanager
def waiting(description: str, *, in_bytes: bool = False, quiet: bool = False, after: float = AFTER_S) -> Iterator[Show]:
    """The bar of a block that may take long: seen `after` so many seconds, gone when the block ends.

    Until somebody says how much there is to do, it runs to and fro. `in_bytes`: what is told is bytes, not things. `quiet`:
    never seen, because standard output is busy.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = _bar(description, in_bytes)
    task = bar.add_task(description, total=None)
    late = Timer(after, bar.start)
    late.daemon = True
    late.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        late.cancel()
        late.join()  # the servers that are forked next must not inherit a thread that holds the terminal's lock
        if bar.live.is_started:
            bar.stop()


def _bar(description: str, in_bytes: bool) -> Progress:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn(escape(description)),
        BarColumn(),
        DownloadColumn() if in_bytes else MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # rich would send what is printed meanwhile to standard error
    )
