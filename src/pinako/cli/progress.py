"""What is seen while something takes longer than a second: bars and the files that are slow, on standard error."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from pinako.intake.folder import Run
    from pinako.intake.report import Report

SLOW_S = 2.0
"""Seconds after which a file is shown by name."""
EVERY_S = 0.1


class ImportDisplay:
    """The live display of one import: files, bytes, rate, what is slow, what was refused last and why."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._files = Progress(
            TextColumn("{task.description:>7}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._files.add_task("files", total=None, rate="")
        self._live = Live(self._files, console=console, refresh_per_second=8, transient=True)
        self._shown_at = 0.0

    def __enter__(self) -> ImportDisplay:
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
        rate = f"{_amount(report)}, {report.done_bytes / 1e6 / max(report.seconds, 0.1):,.0f} MB/s"
        total = report.found if run.walked or report.found > report.done else None
        self._files.update(self._task, total=total, completed=report.done, rate=rate)
        self._live.update(Group(self._files, *self._lines(run)))

    def _lines(self, run: Run) -> list[Text]:
        from pinako.intake.walk import shown
        from pinako.intake.workers import path_of

        lines = []
        for each in run.running():
            path = path_of(each.job)
            if path is not None and each.seconds > SLOW_S:
                share = f", {each.done / 1e6:,.0f} MB" if each.done else ""
                lines.append(Text(f"  {shown(path.name)}  {each.seconds:.0f} s{share}", style="dim"))
        if run.report.refused:
            last = run.report.refused[-1]
            count = f"{run.report.refused_count:,} not read, last: "
            lines.append(Text(f"  {count}{shown(last.path.name)}: {last.reason}", style="yellow"))
        return lines


def _amount(report: Report) -> str:
    """Bytes that are dealt with, of those found so far."""
    unit, name = (1e9, "GB") if report.found_bytes >= 1e10 else (1e6, "MB")
    return f"{report.done_bytes / unit:,.0f} of {report.found_bytes / unit:,.0f} {name}"


def counting_bar(description: str) -> Progress:
    """A plain bar over a known number of things."""
    return Progress(
        TextColumn(escape(description)),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
