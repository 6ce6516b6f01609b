"""The importer's worker processes: a few jobs each at a time, so that a huge folder waits on disk and not in memory.

A file that kills its reader, or keeps it longer than is bearable, costs that worker; a fresh one goes on with the rest.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from pinako.errors import Unavailable
from pinako.intake.guard import guarded
from pinako.intake.jobs import (
    Begun,
    Bench,
    Done,
    Job,
    Message,
    Outcome,
    Picture,
    Progressed,
    Refused,
    Weights,
)

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

    from pinako.intake.work import Pending, Workplace

STORED_AT_ONCE = 3
AHEAD = STORED_AT_ONCE + 3
"""Jobs that a worker holds: some being stored, one in work, two to come, so that it never waits for the main process."""
PICTURE_SECONDS = 120.0
TELL_SECONDS = 0.2
MOST_STILLBORN = 3
MOST_BROKEN = 12
"""Workers lost one after the other without a single file done in between: then it is not the files."""
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


STARTED_WITH = {
    # OpenBLAS starts a thread for each core in every process, and these wait by spinning: small sums take three times as long.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Buffers of megabytes come and go with every picture. Kept instead of given back, their pages need not be cleared anew.
    "PILLOW_BLOCKS_MAX": "16",
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}


def prepare_environment() -> None:
    """Have processes that are started from now on work in one thread each, and keep their buffers."""
    for name, value in STARTED_WITH.items():
        os.environ.setdefault(name, value)


def _context() -> ForkServerContext | SpawnContext:
    """How workers are started: by a server that has imported all they need, so that a fresh one is there at once."""
    prepare_environment()
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
        self._lost = self._stillborn = 0

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
        """Hand a job to the worker with the least to do. Call it when there is room. Raises Unavailable: see `collect`."""
        idle = [worker for worker in self._workers if not worker.jobs]
        if not idle and len(self._workers) < self._limit:
            idle = [self._start()]
        chosen = idle[0] if idle else min(self._workers, key=lambda worker: len(worker.jobs))
        chosen.give(job)

    def collect(self, seconds: float) -> Iterator[Finished]:
        """What is finished, waiting up to so long for the first.

        Raises Unavailable when workers cannot be started, or end one after the other whatever they are given.
        """
        self._listen(0 if self._finished else seconds)
        while self._finished:
            yield self._finished.popleft()

    def running(self) -> list[Running]:
        """What is in work now, the longest first."""
        now = time.monotonic()
        found = [
            Running(job=job, seconds=now - worker.begun[job.number], done=worker.done)
            for worker in self._workers
            if (job := worker.in_work()) is not None
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
        try:
            process.start()
        except (OSError, EOFError) as error:
            mine.close()
            raise Unavailable(f"No process can be started to read files: {error or type(error).__name__}.") from error
        finally:
            theirs.close()
        worker = _Worker(process, mine)
        self._workers.append(worker)
        return worker

    def _listen(self, seconds: float) -> None:
        by_pipe = {worker.pipe: worker for worker in self._workers if worker.jobs}
        if by_pipe:
            for pipe in speaking(list(by_pipe), seconds):
                self._hear(by_pipe[pipe])
        for worker in list(self._workers):
            if worker.is_overdue():
                self._replace(worker, "it takes longer to read than is bearable")

    def _hear(self, worker: _Worker) -> None:
        """Take what a worker has said at once."""
        try:
            messages: tuple[Message, ...] = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(worker, "its reader broke down over it")
            return
        self._stillborn = 0
        for finished in filter(None, map(worker.take, messages)):
            self._lost = 0
            self._finished.append(finished)

    def _replace(self, worker: _Worker, reason: str) -> None:
        """Give up the job in work; those around it go to a fresh worker. One that never spoke died of no file."""
        self._workers.remove(worker)
        worker.close()
        self._count_lost(worker)
        blamed = worker.blame(reason) if worker.spoke else None
        if blamed is not None:
            self._finished.append(blamed)
        if worker.jobs:
            fresh = self._start()
            for each in worker.jobs.values():
                fresh.give(each)

    def _count_lost(self, worker: _Worker) -> None:
        self._lost += 1
        self._stillborn += not worker.spoke
        if self._stillborn >= MOST_STILLBORN or self._lost >= MOST_BROKEN:
            raise Unavailable(
                "The processes that read files end one after the other, whatever they are given. What is finished is kept; "
                "there may be too little memory."
            )


def speaking(pipes: list[Connection], seconds: float) -> list[Connection]:
    """The pipes in which something waits, within so many seconds."""
    if sys.platform == "win32":
        return [pipe for pipe in wait(pipes, seconds) if isinstance(pipe, Connection)]
    # As `wait` does it, which however builds a selector anew, twenty times as dear: it is asked for every picture.
    poll = select.poll()
    for pipe in pipes:
        poll.register(pipe.fileno(), select.POLLIN)
    ready = {handle for handle, _ in poll.poll(seconds * 1000)}
    return [pipe for pipe in pipes if pipe.fileno() in ready]


class _Worker:
    """One process, its pipe, and the jobs it holds by number: one in work, others before it being stored or waiting."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe
        self.jobs: dict[int, Job] = {}
        self.begun: dict[int, float] = {}
        self.current: int | None = None
        self.done = 0
        self.heard = time.monotonic()
        self.spoke = False

    def give(self, job: Job) -> None:
        if not self.jobs:
            self.heard = time.monotonic()
        self.jobs[job.number] = job
        with suppress(OSError):  # it died just now: listening finds that out
            self.pipe.send(job)

    def take(self, message: Message) -> Finished | None:
        self.heard, self.spoke = time.monotonic(), True
        if isinstance(message, Done):
            return self._finish(message.number, message.outcome)
        if isinstance(message, Progressed):
            self.done = message.done
        else:
            self.current, self.done = message.number, 0
            self.begun[message.number] = time.monotonic()
        return None

    def _finish(self, number: int, outcome: Outcome) -> Finished:
        seconds = time.monotonic() - self.begun.pop(number, time.monotonic())
        return Finished(job=self.jobs.pop(number), outcome=outcome, seconds=seconds)

    def in_work(self) -> Job | None:
        """The job whose reading has begun last and is not over."""
        return self.jobs.get(self.current) if self.current is not None else None

    def blame(self, reason: str) -> Finished | None:
        """Give up the job in work, or, where it was between two, the first: it must not be tried for ever."""
        number = self.current if self.in_work() is not None else next(iter(self.jobs), None)
        return None if number is None else self._finish(number, Refused(reason=reason))

    def is_overdue(self) -> bool:
        """Whether a picture takes too long, or nothing is heard at all. Hashing takes as long as a file is large."""
        job = self.in_work()
        if job is not None and not isinstance(job, Picture):
            return False
        since = self.heard if job is None else self.begun[job.number]
        return bool(self.jobs) and time.monotonic() - since > PICTURE_SECONDS

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

    gc.freeze()  # what is imported stays: looking through it again and again finds nothing
    place = Workplace(bench)
    try:
        _Desk(pipe, place).work()
    except (EOFError, OSError):
        pass  # the main process has closed the pipe, or is gone
    finally:
        place.close()


class _Desk:
    """Reads one file after another, while up to a few others are being stored: the disk's answers take their time.

    What has become of files is said together with the beginning of the next, or at once where none waits: every message
    wakes the main process.
    """

    def __init__(self, pipe: Connection, place: Workplace) -> None:
        self._pipe, self._place = pipe, place
        self._unsaid: list[Message] = []
        self._idle = False
        self._speaking = threading.Lock()
        self._room = threading.Semaphore(STORED_AT_ONCE)
        self._said = time.monotonic()

    def work(self) -> None:
        """Do jobs until there are no more."""
        from pinako.intake.work import Pending

        with ThreadPoolExecutor(STORED_AT_ONCE) as storers:
            while True:
                job = self._next()
                found = guarded(partial(self._place.do, job, self._progress))
                if isinstance(found, Pending):
                    self._room.acquire()
                    storers.submit(self._store, job.number, found)
                else:
                    self._note(Done(number=job.number, outcome=found))

    def _next(self) -> Job:
        """The next job; that it is begun is said before it can break anything."""
        if not speaking([self._pipe], 0):
            with self._speaking:
                self._idle = True
                self._say()
        job: Job = self._pipe.recv()
        with self._speaking:
            self._idle = False
            self._unsaid.append(Begun(number=job.number))
            self._say()
        return job

    def _store(self, number: int, pending: Pending) -> None:
        try:
            self._note(Done(number=number, outcome=guarded(pending.finish)))
        finally:
            self._room.release()

    def _note(self, message: Message) -> None:
        with self._speaking:
            self._unsaid.append(message)
            if self._idle:
                self._say()

    def _say(self) -> None:
        if self._unsaid:
            self._pipe.send(tuple(self._unsaid))
            self._unsaid.clear()

    def _progress(self, done: int) -> None:
        if time.monotonic() - self._said > TELL_SECONDS:
            self._said = time.monotonic()
            with self._speaking:
                self._unsaid.append(Progressed(done=done))
                self._say()


def confine() -> None:
    """Limit the address space, where the system can: a decompression bomb ends its worker and nothing else."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    if soft == resource.RLIM_INFINITY or soft > limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
