"""Worker processes: a file that ends its reader, or holds it for ever, costs itself and nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from importing_files import write_lora, write_pictures

from pinako.errors import Unavailable
from pinako.intake import workers as room
from pinako.intake.jobs import Bench, HeadersRead, Job, Kept, Picture, Refused, WeightsKept
from pinako.intake.walk import look_at
from pinako.intake.work import Workplace
from pinako.intake.workers import Finished, Workers


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Workers]:
    """A single worker."""
    with Workers(1, Bench(media_url=str(tmp_path / "media"))) as workers:
        yield workers


def jobs_for(paths: list[Path]) -> list[Job]:
    return [Picture(number=number, source=look_at(path)) for number, path in enumerate(paths)]  # type: ignore[arg-type]


def finish(workers: Workers, count: int) -> list[Finished]:
    done: list[Finished] = []
    end = time.monotonic() + 240
    while len(done) < count:
        assert time.monotonic() < end
        done += workers.collect(0.05)
    return done


def test_every_job_has_an_outcome_and_room_is_bounded(one: Workers, outputs: Path) -> None:
    waiting, done = jobs_for(write_pictures(outputs, 30)), list[Finished]()
    while waiting or not one.is_idle:
        handed = 0
        while waiting and one.has_room_for(waiting[0]):
            one.submit(waiting.pop(0))
            handed += 1
        assert handed <= room.AHEAD
        done += one.collect(0.05)
    assert sorted(each.job.number for each in done) == list(range(30))
    assert all(isinstance(each.outcome, Kept) for each in done)


def test_a_worker_that_dies_costs_the_file_in_hand(one: Workers, outputs: Path) -> None:
    for job in jobs_for(write_pictures(outputs, 6)):
        one.submit(job)
    [first, *done] = finish(one, 1)
    one._workers[0].process.kill()
    done = [first, *done, *finish(one, 5 - len(done))]
    assert sorted(each.job.number for each in done) == list(range(6))
    refused = [each.outcome for each in done if isinstance(each.outcome, Refused)]
    assert [each.reason for each in refused] in ([], ["its reader broke down over it"])
    assert one.is_idle


def test_workers_that_cannot_live_are_nobodys_fault(
    tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that ends every worker at once must not have every file noted as damaged."""
    monkeypatch.setattr(room, "serve", die)
    with Workers(1, Bench(media_url=str(tmp_path / "media"))) as workers:
        workers.submit(jobs_for(write_pictures(outputs, 1))[0])
        with pytest.raises(Unavailable, match="end one after the other"):
            finish(workers, 1)


def die(*_: object) -> None:
    """A worker's life, as a machine without memory allows it."""
    os._exit(1)


def test_a_reader_that_hangs_is_ended(one: Workers, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_pictures(outputs, 4)
    one.submit(jobs_for(paths)[0])
    finish(one, 1)
    pid = one._workers[0].process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(room, "PICTURE_SECONDS", 0.5)
    for job in jobs_for(paths)[1:]:
        one.submit(job)
    [first, *done] = finish(one, 1)
    monkeypatch.undo()  # a fresh worker on a busy machine may take its time to start
    done = [first, *done, *finish(one, 2 - len(done))]
    assert first.outcome == Refused(reason="it takes longer to read than is bearable")
    assert [type(each.outcome) for each in done[1:]] == [Kept, Kept]
    assert one.running() == []


def test_a_job_too_large_for_a_pipe_waits_for_a_listener(one: Workers, outputs: Path) -> None:
    paths = write_pictures(outputs, 2)
    small, large = jobs_for(paths)
    large = Picture(number=1, source=small.source, data=paths[1].read_bytes())  # type: ignore[union-attr]
    assert one.has_room_for(large)
    one.submit(small)
    assert one.has_room_for(small)
    assert not one.has_room_for(large)


def test_a_workplace_reads_what_it_is_given(tmp_path: Path, outputs: Path) -> None:
    """Without processes: each kind of job, and files that change under the reader."""
    place = Workplace(Bench(media_url=str(tmp_path / "media")))
    [path] = write_pictures(outputs, 1)
    lora = write_lora(outputs / "harbor.safetensors")
    source, model = look_at(path), look_at(lora)
    [picture] = jobs_for([path])
    assert isinstance(place.do(picture, print).finish(), Kept)  # type: ignore[union-attr]
    heads = place.do(room_headers(model), print)
    assert isinstance(heads, HeadersRead)
    assert heads.heads[0].reading is not None
    assert isinstance(place.do(room_weights(model), print), WeightsKept)
    path.write_bytes(path.read_bytes() + b"more")
    assert room.guarded(lambda: place.do(picture, print)) == Refused(
        reason="it changed while it was read: it may still be being written"
    )
    path.unlink()
    assert room.guarded(lambda: place.do(picture, print)) == Refused(reason="no such file or directory")
    assert source is not None
    place.close()


def room_headers(source: object) -> Job:
    from pinako.intake.jobs import Headers

    return Headers(number=5, sources=(source,), names=((),))  # type: ignore[arg-type]


def room_weights(source: object) -> Job:
    from pinako.intake.jobs import Weights

    return Weights(number=6, source=source)  # type: ignore[arg-type]
