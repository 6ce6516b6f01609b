"""Worker processes: right answers, and no file that takes the server with it."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pictures_of import encoded, png_declaring, scene

from pinako.catalog.derivative import Derivative
from pinako.errors import Unavailable, UnreadableFile
from pinako.media.facts import read_facts
from pinako.media.render import render
from pinako.media.workshop import WorkLimits, Workshop

SMALL = Derivative(width=96)
PATIENCE_S = 100.0


def workers() -> list[psutil.Process]:
    """The worker processes of this one, and none of its other children (a test database may be one)."""
    return [child for child in psutil.Process().children() if _is_worker(child)]


def _is_worker(child: psutil.Process) -> bool:
    try:
        return "pinako.media.worker" in " ".join(child.cmdline())
    except psutil.Error:  # it has just ended
        return False


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with Workshop(1) as made:
        yield made


def test_a_worker_answers_as_the_functions_do(workshop: Workshop, tmp_path: Path) -> None:
    """From files with any name and from bytes; thumbnails come with the facts."""
    data = encoded(scene(640, 480), "PNG")
    path = tmp_path / os.fsdecode(b"sc\xe8ne\xff.png")
    path.write_bytes(data)
    assert workshop.render(path, SMALL) == render(data, SMALL)
    assert workshop.render(data, SMALL) == render(data, SMALL)
    measured = workshop.measure(path, thumbnails=(SMALL, Derivative(width=320, optimized=True)))
    assert measured.facts == read_facts(data)
    assert [(t.mime, t.width) for t in measured.thumbnails] == [("image/jpeg", 96), ("image/webp", 320)]


@pytest.mark.parametrize("data", [b"", b"nothing", png_declaring(60000, 60000), encoded(scene(), "JPEG")[:900]])
def test_a_refused_file_costs_no_worker(workshop: Workshop, data: bytes) -> None:
    """The error comes back, and the same process does the next one."""
    good = encoded(scene(), "PNG")
    workshop.render(good, SMALL)
    before = workers()
    with pytest.raises(UnreadableFile):
        workshop.render(data, SMALL)
    assert workshop.render(good, SMALL).width == 96
    assert workers() == before


def test_memory_is_bounded_by_the_worker(tmp_path: Path) -> None:
    """A file within the pixel limit that needs too much memory is refused; the next one is served."""
    rows = zlib.compress(bytes(12001 * 3000), 9)
    bomb = png_declaring(12000, 9000, rows)
    with Workshop(1, WorkLimits(memory=400 << 20)) as workshop:
        assert workshop.render(encoded(scene(), "PNG"), SMALL).width == 96
        with pytest.raises(UnreadableFile, match="memory"):
            workshop.render(bomb, SMALL)
        assert workshop.render(encoded(scene(), "PNG"), SMALL).width == 96


def test_a_slow_file_is_given_up_and_its_worker_replaced(tmp_path: Path) -> None:
    """A named pipe that never delivers stands in for a file that takes for ever."""
    pipe = tmp_path / "slow.png"
    os.mkfifo(pipe)
    with Workshop(1, WorkLimits(seconds=8.0)) as workshop:
        workshop.render(encoded(scene(), "PNG"), SMALL)
        with pytest.raises(UnreadableFile, match="longer"):
            workshop.render(pipe, SMALL)
        assert workshop.render(encoded(scene(), "PNG"), SMALL).width == 96


def test_a_worker_that_dies_is_replaced(workshop: Workshop) -> None:
    """Killed from outside between two jobs."""
    workshop.render(encoded(scene(), "PNG"), SMALL)
    for child in workers():
        child.kill()
        child.wait(PATIENCE_S)
    assert workshop.render(encoded(scene(), "PNG"), SMALL).width == 96


def test_busy_workers_turn_the_next_one_away(tmp_path: Path) -> None:
    """With one worker stuck, a second caller hears so instead of waiting for ever."""
    pipe = tmp_path / "slow.png"
    os.mkfifo(pipe)
    with Workshop(1, WorkLimits(seconds=PATIENCE_S, patience=0.2)) as workshop:
        stuck = threading.Thread(target=_expect_refusal, args=(workshop, pipe))
        stuck.start()
        _wait_for_child()
        with pytest.raises(Unavailable):
            workshop.render(encoded(scene(), "PNG"), SMALL)
        workshop.close()
        stuck.join(PATIENCE_S)
        assert not stuck.is_alive()


def _expect_refusal(workshop: Workshop, path: Path) -> None:
    with pytest.raises(UnreadableFile):
        workshop.render(path, SMALL)


def _wait_for_child() -> None:
    end = time.monotonic() + PATIENCE_S
    while not workers():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_closing_leaves_no_process() -> None:
    """After the end nothing runs, and later calls say so."""
    before = set(workers())
    workshop = Workshop(2)
    workshop.render(encoded(scene(), "PNG"), SMALL)
    assert set(workers()) > before
    workshop.close()
    assert set(workers()) <= before
    with pytest.raises(Unavailable):
        workshop.render(encoded(scene(), "PNG"), SMALL)


def test_many_threads_share_few_workers() -> None:
    """Every caller gets its own answer."""
    sizes = [(100 + 10 * i, 80) for i in range(12)]
    found: dict[int, int] = {}
    with Workshop(2) as workshop:

        def ask(number: int) -> None:
            found[number] = workshop.render(encoded(scene(*sizes[number]), "PNG"), Derivative(original=False)).width

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: size[0] for number, size in enumerate(sizes)}
