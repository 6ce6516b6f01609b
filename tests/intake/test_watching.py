"""A watched folder: what appears in it comes in once it is whole."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from importing_files import picture_bytes, write_lora, write_pictures
from importing_home import Home

from pinako.intake.folder import Options, Run
from pinako.intake.watch import QUIET_S, Arriving, follow, is_visible

PATIENCE_S = 100.0


class Seconds:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_file_counts_once_it_is_quiet(outputs: Path) -> None:
    clock = Seconds()
    arriving, path = Arriving(clock), outputs / "slow.png"
    path.write_bytes(b"half")
    arriving.note([path])
    assert arriving.take_whole() == []
    clock.now += QUIET_S
    path.write_bytes(b"half and more")
    assert arriving.take_whole() == []
    clock.now += QUIET_S / 2
    assert arriving.take_whole() == []
    clock.now += QUIET_S / 2
    assert arriving.take_whole() == [path]
    assert len(arriving) == 0
    arriving.note([path, outputs])
    path.unlink()
    assert arriving.take_whole() == [outputs]


@pytest.mark.parametrize(
    ("name", "seen"), [("/o/a.png", True), ("/o/.tmp/a.png", False), ("/o/b/.a.png", False), ("/elsewhere/a.png", True)]
)
def test_hidden_names_are_left_alone(name: str, seen: bool) -> None:
    assert is_visible(name, [Path("/o")]) is seen


@contextmanager
def following(home: Home, folder: Path, watcher: Callable[[Run], None] = lambda run: None) -> Iterator[Run]:
    """A run that follows a folder; what lies in it when this begins is in, and the watch stands."""
    options = Options(user_id=home.owner_id, processes=1)
    run, begun = Run(home.settings, home.database, home.store, options, watcher), threading.Event()
    failures = []

    def watch() -> None:
        try:
            follow(run, [folder], begun.set)
            run.close()
        except BaseException as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        assert begun.wait(PATIENCE_S)
        yield run
    finally:
        run.stop()
        thread.join(PATIENCE_S)
    assert failures == []


def test_what_appears_comes_in(sqlite_home: Home, outputs: Path, tmp_path: Path) -> None:
    write_pictures(outputs, 1)
    with following(sqlite_home, outputs) as run:
        assert sqlite_home.value("SELECT COUNT(*) FROM images") == 1
        (outputs / "whole.png").write_bytes(picture_bytes(50))
        (outputs / "half.png").write_bytes(picture_bytes(51)[:-500])
        write_lora(tmp_path / "model.safetensors").rename(outputs / "model.safetensors")
        write_pictures(tmp_path / "made elsewhere", 2, first=60)
        shutil.move(tmp_path / "made elsewhere", outputs / "moved in")
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM images") >= 4 and run.report.refused_count == 1)
        (outputs / "half.png").write_bytes(picture_bytes(51))
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM images") >= 5)
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM model_files") >= 1)
    assert (run.report.refused_count, run.report.refused, run.report.done) == (0, [], run.report.found)
    assert {row[0] for row in sqlite_home.rows("SELECT name FROM images")} >= {"whole.png", "half.png"}


def test_what_appears_while_the_first_are_brought_in_is_not_missed(sqlite_home: Home, outputs: Path) -> None:
    write_pictures(outputs, 1)

    def add(run: Run) -> None:
        if run.walked and not (outputs / "late.png").exists():
            (outputs / "late.png").write_bytes(picture_bytes(50))

    with following(sqlite_home, outputs, add):
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM images") == 2)


def wait_for(come: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not come():
        assert time.monotonic() < end
        time.sleep(0.05)
