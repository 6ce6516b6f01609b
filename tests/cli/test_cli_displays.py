"""What is seen while things take long: the bar, and what is said below it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pinako.cli.importdisplay import ImportDisplay
from pinako.cli.mirrordisplay import MirrorDisplay
from pinako.intake.mirror.report import Missing, Report


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal wide enough for every line."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")


def test_a_mirror_shows_how_far_it_is_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(images=3, found=10, bytes=5_000_000)
    report.miss(Missing(source="h", entity="image", id=77, state="failed", reason="no answer [from] there"))
    run: Any = SimpleNamespace(report=report, target="user [ink]harbor", stopping=threading.Event())
    run.stopping.set()
    with MirrorDisplay() as display:
        display.watch(run)
        display.watch(run)  # too soon to be shown
    said = capsys.readouterr().err
    for text in ("user [ink]harbor", "3/10", "5 MB", "image 77: no answer [from] there", "finishing what is under way"):
        assert text in said, text


def test_an_import_shows_what_is_slow_and_what_was_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused = SimpleNamespace(path=Path("broken.png"), reason="it is cut short")
    report = SimpleNamespace(done_bytes=9_000_000, seconds=3.0, found=8, done=2, refused=[refused], refused_count=4)
    run: Any = SimpleNamespace(report=report, walked=True, running=list)
    with ImportDisplay() as display:
        display.watch(run)
    said = capsys.readouterr().err
    for text in ("files", "2/8", "3 MB/s", "4 not read, last: broken.png: it is cut short"):
        assert text in said, text
