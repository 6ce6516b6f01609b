"""What is seen while a mirror runs: things, bytes, rate, what is under way, what was missing last and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.text import Text

from pinako.cli.progress import LiveBar

if TYPE_CHECKING:
    from pinako.intake.mirror.run import Run


class MirrorDisplay(LiveBar):
    """The live display of one run of the mirror."""

    def watch(self, run: Run) -> None:
        """The state of a run; cheap to call often."""
        if not self.is_due:
            return
        report = run.report
        rate = f"{report.bytes / 1e6:,.0f} MB, {report.bytes / 1e6 / max(report.seconds, 0.1):,.1f} MB/s"
        done = report.images + report.changed + report.already + report.withheld
        total = max(report.found, done)
        self.show(total=total, done=done, rate=rate, lines=_lines(run), description=escape(run.target))


def _lines(run: Run) -> list[Text]:
    lines = [Text(f"  {run.report.sentence()}", style="dim")]
    if run.report.missing:
        last = run.report.missing[-1]
        lines.append(Text(f"  last missing: {last.entity} {last.id or ''}: {last.reason}"[:200], style="yellow"))
    if run.stopping.is_set():
        lines.append(Text("  finishing what is under way", style="bold"))
    return lines
