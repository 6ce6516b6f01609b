"""A run that is killed at any moment has lost nothing that was acknowledged, leaves nothing behind, and can be gone on with."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from importing_files import picture_bytes, write_lora, write_pictures
from importing_home import Home

from pinako.services import sweep
from pinako.services.check import check_contents


def start_import(home: Home, *arguments: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pinako", "import", "--library", str(home.settings.folder), "--jobs", "2"]
    return subprocess.Popen(
        [*command, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


PATIENCE_S = 240.0


def wait_for(home: Home, count: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while home.value("SELECT COUNT(*) FROM images") < count and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.01)


def kill(process: subprocess.Popen[bytes], *, workers_too: bool) -> None:
    """End the import as the system's memory guard would: the main process, or all of them. It may be over by then."""
    if workers_too and process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def wait_until_quiet(home: Home) -> None:
    """Orphaned workers end once they notice that nobody listens."""
    end = time.monotonic() + PATIENCE_S
    while not home.store.is_quiet():
        home.store.sweep()
        assert time.monotonic() < end
        time.sleep(0.05)


def assert_clean(home: Home) -> None:
    """As at the next open: swept, and then nothing is stored that no row names, nor named and not stored."""
    sweep.sweep(home.database, home.store, home.settings.derivatives, thorough=True)
    assert sweep.unknown_contents(home.database, home.store) == []
    assert list(check_contents(home.database, home.store, hashes=True)) == []
    assert list((home.settings.folder / "media" / "incoming").glob("*/*")) == []


@pytest.mark.parametrize("in_place", [False, True], ids=["copied", "linked"])
def test_killed_runs_are_gone_on_with(sqlite_home: Home, outputs: Path, in_place: bool) -> None:
    write_pictures(outputs, 90)
    write_lora(outputs / "harbor.safetensors")
    (outputs / "harbor.preview.png").write_bytes(picture_bytes(999))
    chance, held = random.Random(7), 0
    for at in (1, 25, 60):
        process = start_import(sqlite_home, outputs, *(["--in-place"] if in_place else []))
        wait_for(sqlite_home, at, process)
        time.sleep(chance.random() * 0.1)
        kill(process, workers_too=at != 25)
        wait_until_quiet(sqlite_home)
        now_held = sqlite_home.value("SELECT COUNT(*) FROM images")
        assert now_held >= max(held, at)
        held = now_held
        assert_clean(sqlite_home)
    report = sqlite_home.bring(outputs, in_place=in_place)
    assert report.refused_count == 0
    assert sqlite_home.value("SELECT COUNT(*) FROM images") == 91
    assert sqlite_home.value("SELECT COUNT(*) FROM model_files") == 1
    assert sqlite_home.value("SELECT COUNT(DISTINCT blob) FROM images") == 91
    assert sqlite_home.bring(outputs, in_place=in_place).already == 92
    assert_clean(sqlite_home)


def test_an_interrupted_run_keeps_what_is_finished(sqlite_home: Home, outputs: Path) -> None:
    write_pictures(outputs, 120)
    process = start_import(sqlite_home, outputs, "--json")
    wait_for(sqlite_home, 1, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) in (0, 130)
    assert_clean(sqlite_home)
    assert sqlite_home.bring(outputs).done == 120


def test_two_imports_at_once_make_one_image_of_each(sqlite_home: Home, outputs: Path) -> None:
    write_pictures(outputs, 40)
    processes = [start_import(sqlite_home, outputs) for _ in range(2)]
    assert [process.wait(PATIENCE_S) for process in processes] == [0, 0]
    assert sqlite_home.value("SELECT COUNT(*) FROM images") == 40
    assert sqlite_home.value("SELECT COUNT(*) FROM imported_files") == 40
    assert_clean(sqlite_home)


def test_a_writer_beside_it_waits_its_turn(sqlite_home: Home, outputs: Path) -> None:
    write_pictures(outputs, 60)
    process = start_import(sqlite_home, outputs)
    writes, longest = 0, 0.0
    while process.poll() is None:
        began = time.monotonic()
        with sqlite_home.database.write() as w:
            w.run("UPDATE users SET follower_count = follower_count + 1")
        longest = max(longest, time.monotonic() - began)
        writes += 1
        time.sleep(0.005)
    assert process.returncode == 0
    assert sqlite_home.value("SELECT COUNT(*) FROM images") == 60
    assert sqlite_home.value("SELECT MAX(follower_count) FROM users") == writes
    assert longest < 60  # on a machine that does nothing else, a tenth of a second


def test_orphans_of_somebody_who_lives_stay(sqlite_home: Home) -> None:
    """A content whose row is about to come is not swept away under its writer."""
    blob = sqlite_home.store.put_bytes(b"about to be recorded")
    swept = sweep.sweep(sqlite_home.database, sqlite_home.store, sqlite_home.settings.derivatives, thorough=True)
    assert (swept.unknown, sqlite_home.store.stat(blob.sha256)) == (0, blob)
    sqlite_home.store.close()
    assert (
        sweep.sweep(sqlite_home.database, sqlite_home.store, sqlite_home.settings.derivatives, thorough=True).unknown
        == 1
    )


@pytest.mark.slow
def test_a_tenth_of_the_whole_trial() -> None:
    """`scripts/soak kill-import` with five of its fifty rounds."""
    script = Path(__file__).parents[2] / "scripts" / "soak"
    done = subprocess.run(
        [sys.executable, script, "kill-import", "--rounds", "5", "--seed", "11"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
