"""The importer's worker processes: a few jobs each at a time, so that a huge folder waits on disk and not in memory.

A file that kills its reader, or keeps it longer than is bearable, costs that worker; a fresh one goes on with the rest.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from pinako.intake.guard import guarded
from pinako.intake.jobs import Bench, Job, Outcome, Picture, Refused, Weights

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

    from pinako.intake.work import Workplace

AHEAD = 2
"""Jobs that a worker holds: one in work and the next, so that it never waits for the main process."""
PICTURE_SECONDS = 120.0
TELL_SECONDS = 0.2
MEMORY = 6 << 30
"""Address space of a worker: enough for the largest picture that is opened, too little to take the machine down."""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A job and what came of it."""

    job: Job
    outcome: Outcome
    seconds: float


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A job in work: seconds so far, and bytes done where it says."""

    job: Job
    seconds: float
    done: int


def path_of(job: Job) -> Path | None:
    """The file that a small job is about; None for a job that carries many files, or bytes."""
    if isinstance(job, Weights) or (isinstance(job, Picture) and job.data is None):
        return job.source.path
    return None


def keep_to_one_thread() -> None:
    """Have processes that are started from now on do their sums in one thread each.

    OpenBLAS starts one for each core in every process, and these wait by spinning: small sums take three times as long.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _context() -> ForkServerContext | SpawnContext:
    """How workers are started: by a server that has imported all they need, so that a fresh one is there at once."""
    keep_to_one_thread()
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pinako.intake.work"])
    return context


class Workers:
    """Processes that do jobs. For one thread; close it, or use it as a context manager."""

    def __init__(self, count: int, bench: Bench) -> None:
        self._bench = bench
        self._limit = max(1, count)
        self._workers: list[_Worker] = []
        self._context = _context()
        self._finished: deque[Finished] = deque()

    def has_room_for(self, job: Job) -> bool:
        """Whether a job can be handed over without waiting.

        One that may not fit a pipe needs a worker that listens: two processes that both send would wait for ever.
        """
        most = AHEAD if path_of(job) is not None else 1
        return len(self._workers) < self._limit or any(len(worker.jobs) < most for worker in self._workers)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in work and nothing waits to be collected."""
        return not self._finished and not any(worker.jobs for worker in self._workers)

    def submit(self, job: Job) -> None:
        """Hand a job to the worker with the least to do. Call it when there is room."""
        idle = [worker for worker in self._workers if not worker.jobs]
        if not idle and len(self._workers) < self._limit:
            idle = [self._start()]
        chosen = idle[0] if idle else min(self._workers, key=lambda worker: len(worker.jobs))
        chosen.give(job)

    def collect(self, seconds: float) -> Iterator[Finished]:
        """What is finished, waiting up to so long for the first."""
        self._listen(0 if self._finished else seconds)
        while self._finished:
            yield self._finished.popleft()

    def running(self) -> list[Running]:
        """What is in work now, the longest first."""
        now = time.monotonic()
        found = [
            Running(job=worker.jobs[0], seconds=now - worker.since, done=worker.done)
            for worker in self._workers
            if worker.jobs
        ]
        return sorted(found, key=lambda each: -each.seconds)

    def close(self) -> None:
        """End the processes; jobs in work are lost, and nothing half-done stays behind."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._bench), daemon=True, name="import-worker")
        process.start()
        theirs.close()
        worker = _Worker(process, mine)
        self._workers.append(worker)
        return worker

    def _listen(self, seconds: float) -> None:
        by_pipe = {worker.pipe: worker for worker in self._workers if worker.jobs}
        if by_pipe:
            for pipe in wait(list(by_pipe), seconds):
                self._hear(by_pipe[pipe])  # type: ignore[index]
        for worker in list(self._workers):
            if worker.is_overdue():
                self._replace(worker, "it takes longer to read than is bearable")

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(worker, "its reader broke down over it")
            return
        if isinstance(message, int):
            worker.done = message
            return
        job, seconds = worker.finish()
        self._finished.append(Finished(job=job, outcome=message, seconds=seconds))

    def _replace(self, worker: _Worker, reason: str) -> None:
        """Give up the job in work; those that waited behind it go to a fresh worker."""
        self._workers.remove(worker)
        worker.close()
        job, *waiting = worker.jobs
        self._finished.append(
            Finished(job=job, outcome=Refused(reason=reason), seconds=time.monotonic() - worker.since)
        )
        if waiting:
            fresh = self._start()
            for each in waiting:
                fresh.give(each)


class _Worker:
    """One process, its pipe, and the jobs it holds, the one in work first."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe
        self.jobs: deque[Job] = deque()
        self.since = time.monotonic()
        self.done = 0

    def give(self, job: Job) -> None:
        if not self.jobs:
            self.since = time.monotonic()
        self.jobs.append(job)
        with suppress(OSError):  # it died just now: listening finds that out
            self.pipe.send(job)

    def finish(self) -> tuple[Job, float]:
        now = time.monotonic()
        seconds, self.since, self.done = now - self.since, now, 0
        return self.jobs.popleft(), seconds

    def is_overdue(self) -> bool:
        return bool(self.jobs) and isinstance(self.jobs[0], Picture) and time.monotonic() - self.since > PICTURE_SECONDS

    def close(self) -> None:
        self.pipe.close()
        if self.process.is_alive():
            self.process.join(0.5 if not self.jobs else 0)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.process.close()


def serve(pipe: Connection, bench: Bench) -> None:
    """The life of a worker: jobs in, outcomes out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to handle
    confine()
    from pinako.intake.work import Workplace  # heavy: only the workers need what it imports

    place = Workplace(bench)
    try:
        while True:
            job: Job = pipe.recv()
            pipe.send(_do(place, job, pipe))
    except (EOFError, OSError):
        pass  # the main process has closed the pipe, or is gone
    finally:
        place.close()


def _do(place: Workplace, job: Job, pipe: Connection) -> Outcome:
    said = time.monotonic()

    def progress(done: int) -> None:
        nonlocal said
        if time.monotonic() - said > TELL_SECONDS:
            said = time.monotonic()
            pipe.send(done)

    return guarded(lambda: place.do(job, progress))


def confine() -> None:
    """Limit the address space, where the system can: a decompression bomb ends its worker and nothing else."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    if soft == resource.RLIM_INFINITY or soft > limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
