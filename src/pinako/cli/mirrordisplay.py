"""What is seen while a mirror runs: things, bytes, rate, what is under way, what was missing last and why."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from pinako.intake.mirror.run import Run

EVERY_S = 0.1


class MirrorDisplay:
    """The live display of one run of the mirror, on standard error."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", total=None, rate="")
        self._live = Live(self._bar, console=console, refresh_per_second=8, transient=True)
        self._shown_at = 0.0

    def __enter__(self) -> MirrorDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, run: Run) -> None:
        """The state of a run; cheap to call often."""
        if time.monotonic() - self._shown_at < EVERY_S:
            return
        self._shown_at = time.monotonic()
        report = run.report
        seconds = max(report.seconds, 0.1)
        rate = f"{report.bytes / 1e6:,.0f} MB, {report.bytes / 1e6 / seconds:,.1f} MB/s"
        done = report.images + report.changed + report.already + report.withheld
        self._bar.update(self._task, description=run.target, total=max(report.found, done), completed=done, rate=rate)
        self._live.update(Group(self._bar, *self._lines(run)))

    def _lines(self, run: Run) -> list[Text]:
        lines = [Text(f"  {run.report.sentence()}", style="dim")]
        if run.report.missing:
            last = run.report.missing[-1]
            lines.append(Text(f"  last missing: {last.entity} {last.id or ''}: {last.reason}"[:200], style="yellow"))
        if run.stopping.is_set():
            lines.append(Text("  finishing what is under way", style="bold"))
        return lines
