"""A watched folder: what appears in it comes in once it is whole."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest
from importing_files import picture_bytes, write_lora, write_pictures
from importing_home import Home

from pinako.intake.folder import Options, Run
from pinako.intake.watch import QUIET_S, Arriving, follow, is_visible

pytestmark = pytest.mark.timeout(120)


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


def test_what_appears_comes_in(sqlite_home: Home, outputs: Path, tmp_path: Path) -> None:
    run = Run(
        sqlite_home.settings,
        sqlite_home.database,
        sqlite_home.store,
        Options(user_id=sqlite_home.owner_id, processes=1),
    )
    failures = []

    def watch() -> None:
        try:
            follow(run, [outputs])
            run.close()
        except BaseException as error:
            failures.append(error)
            raise

    write_pictures(outputs, 1)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        time.sleep(0.5)  # the watch is set up by another program; without waiting, its first event may be missed
        (outputs / "whole.png").write_bytes(picture_bytes(50))
        (outputs / "half.png").write_bytes(picture_bytes(51)[:-500])
        write_lora(tmp_path / "model.safetensors").rename(outputs / "model.safetensors")
        write_pictures(tmp_path / "made elsewhere", 2, first=60)
        shutil.move(tmp_path / "made elsewhere", outputs / "moved in")
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM images") >= 3 and run.report.refused_count == 1)
        (outputs / "half.png").write_bytes(picture_bytes(51))
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM images") >= 4)
        wait_for(lambda: sqlite_home.value("SELECT COUNT(*) FROM model_files") >= 1)
    finally:
        run.stop()
        thread.join(30)
    assert failures == []
    assert (run.report.refused_count, run.report.refused, run.report.done) == (0, [], run.report.found)
    assert {row[0] for row in sqlite_home.rows("SELECT name FROM images")} >= {"whole.png", "half.png"}


def wait_for(come: object) -> None:
    end = time.monotonic() + 60
    while not come():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)
