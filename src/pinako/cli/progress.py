"""What is seen while an import or a mirror runs, on standard error: a bar, and lines below it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

EVERY_S = 0.1


class LiveBar:
    """A bar that is always there, and lines that come and go below it. Gone when its block ends."""

    def __init__(self, description: str = "") -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description:>7}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(description, total=None, rate="")
        self._live = Live(self._bar, console=console, refresh_per_second=8, transient=True)
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    @property
    def is_due(self) -> bool:
        """Whether it is time to show something new: a watcher is called far more often than anybody can read."""
        return time.monotonic() - self._shown_at >= EVERY_S

    def show(
        self, *, total: int | None, done: int, rate: str, lines: Sequence[Text], description: str | None = None
    ) -> None:
        """The bar's state (`total` None: nobody knows yet) and what is below it."""
        self._shown_at = time.monotonic()
        self._bar.update(self._task, total=total, completed=done, rate=rate, description=description)
        self._live.update(Group(self._bar, *lines))
