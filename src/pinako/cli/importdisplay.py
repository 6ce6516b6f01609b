"""What is seen while an import runs: files, bytes, rate, what is slow, what was refused last and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pinako.cli.progress import LiveBar

if TYPE_CHECKING:
    from pinako.intake.folder import Run

SLOW_S = 2.0
"""Seconds after which a file is shown by name."""


class ImportDisplay(LiveBar):
    """The live display of one import."""

    def __init__(self) -> None:
        super().__init__("files")

    def watch(self, run: Run) -> None:
        """The state of a run; cheap to call often."""
        if not self.is_due:
            return
        report = run.report
        rate = f"{report.done_bytes / 1e6 / max(report.seconds, 0.1):,.0f} MB/s"
        total = report.found if run.walked or report.found > report.done else None
        self.show(total=total, done=report.done, rate=rate, lines=_lines(run))


def _lines(run: Run) -> list[Text]:
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
