"""The derivative cache: made once, whole, checked, bounded, and fast to say no again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pinako.errors import NotImplementedHere, UnreadableFile
from pinako.media.cache import Cached, DerivativeCache


class Clock:
    """Wall time that a test sets."""

    def __init__(self) -> None:
        self.now = 2_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[DerivativeCache]:
    made = DerivativeCache(tmp_path / "cache", 1 << 20, clock=clock)
    yield made
    made.close()


def maker(data: bytes, calls: list[str] | None = None, mime: str = "image/jpeg") -> Callable[[Path], str]:
    """Writes fixed bytes and notes that it was asked."""

    def make(target: Path) -> str:
        if calls is not None:
            calls.append("made")
        target.write_bytes(data)
        return mime

    return make


def test_a_derivative_is_made_once(cache: DerivativeCache, tmp_path: Path) -> None:
    """The second caller, and the next process, find it."""
    calls: list[str] = []
    first = cache.fetch("a/width=450", maker(b"pixels", calls))
    assert (first.read(), first.size, first.mime) == (b"pixels", 6, "image/jpeg")
    assert first.read(1, 3) == b"ix"
    assert first.read(4, 99) == b"ls"
    assert cache.fetch("a/width=450", maker(b"other", calls)) == first
    again = DerivativeCache(tmp_path / "cache", 1 << 20)
    assert again.fetch("a/width=450", maker(b"other", calls)) == first
    again.close()
    assert calls == ["made"]
    assert cache.fetch("b/width=450", maker(b"other", calls)).tag != first.tag


def test_many_callers_wait_for_one_maker(cache: DerivativeCache) -> None:
    """Single flight: twenty threads, one making."""
    calls: list[str] = []
    started, found = threading.Barrier(20), []

    def ask() -> None:
        started.wait()
        found.append(cache.fetch("a", maker(b"pixels" * 1000, calls)))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["made"]
    assert len({item.tag for item in found}) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-3]),
        lambda path: path.write_bytes(path.read_bytes() + b"x"),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"X"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"?" * 200),
        lambda path: path.write_bytes(b"PNKO1\nimage/jpeg \xff 12\n".ljust(134)),
    ],
)
def test_damaged_entries_are_made_again(cache: DerivativeCache, damage: Callable[[Path], object]) -> None:
    """Cut, lengthened, flipped, emptied, overwritten."""
    path = cache.fetch("a", maker(b"pixels")).path
    damage(path)
    calls: list[str] = []
    assert cache.fetch("a", maker(b"pixels", calls)).read() == b"pixels"
    assert calls == ["made"]


def test_refusals_are_remembered_for_a_minute(cache: DerivativeCache, clock: Clock) -> None:
    """A hostile file costs its time limit once a minute, not once a request."""
    calls: list[str] = []

    def refuse(target: Path) -> str:
        calls.append("tried")
        target.write_bytes(b"half")
        raise UnreadableFile("too slow")

    for _ in range(5):
        with pytest.raises(UnreadableFile, match="too slow"):
            cache.fetch("a", refuse)
    assert calls == ["tried"]
    clock.now += 61
    assert cache.fetch("a", maker(b"pixels")).read() == b"pixels"


def test_other_errors_are_not_remembered(cache: DerivativeCache) -> None:
    """Once ffmpeg is installed, or the disk has room, the next request succeeds."""

    def refuse(target: Path) -> str:
        raise NotImplementedHere("no ffmpeg")

    with pytest.raises(NotImplementedHere):
        cache.fetch("a", refuse)
    assert cache.fetch("a", maker(b"pixels")).size == 6


def test_the_longest_unused_go_first(tmp_path: Path, clock: Clock) -> None:
    """Within the bound always, and what was used lately stays."""
    cache = DerivativeCache(tmp_path / "cache", 100_000, clock=clock)
    for number in range(30):
        cache.fetch(f"old {number}", maker(os.urandom(3000)))
    entries = [cache.fetch(f"old {number}", maker(b"")) for number in range(30)]
    for number, entry in enumerate(entries):
        os.utime(entry.path, (clock.now - 90_000 + number, clock.now - 90_000 + number))
    cache.fetch("old 0", maker(b"not asked"))  # used: young again
    for number in range(20):
        cache.fetch(f"new {number}", maker(os.urandom(3000)))
        assert cache.used() <= 100_000 + 100_000 // 20
    calls: list[str] = []
    cache.fetch("old 0", maker(b"", calls))
    assert calls == []
    cache.fetch("old 1", maker(b"", calls))
    assert calls == ["made"]
    cache.close()


def test_what_was_just_made_can_be_read_under_any_bound(tmp_path: Path, clock: Clock) -> None:
    """A bound smaller than one derivative keeps nothing for long, but still serves."""
    cache = DerivativeCache(tmp_path / "cache", 10, clock=clock)
    for number in range(5):
        assert cache.fetch(str(number), maker(b"pixels" * 9)).read() == b"pixels" * 9
        clock.now += 6
    assert cache.used() < 2 * 200
    cache.close()


def test_a_removed_entry_is_made_again(cache: DerivativeCache) -> None:
    """Forgotten by name, or the whole directory emptied by hand."""
    entry = cache.fetch("a", maker(b"one"))
    cache.forget("a")
    cache.forget("a")
    assert cache.fetch("a", maker(b"two")).read() == b"two"
    for path in cache.root.glob("??/*"):
        path.unlink()
    assert cache.fetch("a", maker(b"three")).read() == b"three"
    assert isinstance(entry, Cached)


def test_a_killed_process_leaves_no_half_entry(tmp_path: Path) -> None:
    """What it was writing is swept at the next opening, and never served."""
    script = (
        "import sys, time; from pathlib import Path; from pinako.media.cache import DerivativeCache\n"
        "def make(target):\n    target.write_bytes(b'half'); print('ready', flush=True); time.sleep(60)\n"
        "DerivativeCache(Path(sys.argv[1]), 1000).fetch('a', make)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    cache = DerivativeCache(tmp_path, 1000)
    assert cache.fetch("a", maker(b"whole")).read() == b"whole"
    cache.close()
    assert not [path for path in (tmp_path / "incoming").rglob("*") if path.is_file()]
