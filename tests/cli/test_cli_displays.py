"""What is seen while things take long: the bar, and what is said below it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
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


WAITING = """
from pinako.cli.waiting import waiting
with waiting("reading [it]", after={after}) as show:
    show(3, 8)
    print("a line", flush=True)
    input()
"""


def wait_on_a_terminal(*, after: float, until: bytes) -> tuple[bytes, bytes]:
    """What a program that waits says to standard output, and to the terminal that is its standard error."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", WAITING.format(after=after)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        assert process.stdin is not None
        assert process.stdout is not None
        said, seen = process.stdout.readline(), b""
        while until not in seen:
            seen += os.read(ours, 65536)
        process.stdin.write(b"\n")
        process.stdin.flush()
        try:
            while more := os.read(ours, 65536):
                seen += more
        except OSError:  # how Linux says that nobody holds the other side any more
            pass
        said += process.stdout.read()
    os.close(ours)
    assert process.returncode == 0, seen
    return said, seen


def test_what_takes_long_has_a_bar_and_what_is_printed_meanwhile_stays_on_standard_output() -> None:
    said, seen = wait_on_a_terminal(after=0, until=b"3/8")
    assert said == b"a line\n"
    assert b"reading [it]" in seen


def test_what_is_done_soon_has_no_bar() -> None:
    assert wait_on_a_terminal(after=3600, until=b"") == (b"a line\n", b"")


def test_no_bar_where_standard_error_is_no_terminal() -> None:
    command = [sys.executable, "-c", WAITING.format(after=0)]
    done = subprocess.run(command, input=b"\n", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"a line\n", b"")
