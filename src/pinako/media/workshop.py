"""Worker processes that decode pictures for this one: a few, started when needed, killed when slow, replaced."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, cast

import msgspec

from pinako.catalog.derivative import Derivative
from pinako.errors import Unavailable, UnreadableFile
from pinako.media.jobs import Answer, Job, Made, Measure, Measured, Refused, Render, receive_answer, send
from pinako.media.pictures import PIXEL_LIMIT
from pinako.media.render import Rendered

_SLOW: Final = "The picture takes longer to open than this instance allows"
_FATAL: Final = "The picture made its reader fail"


class WorkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one picture may cost: pixels, memory of its worker in bytes, seconds; and seconds to wait for a free worker."""

    pixels: int = PIXEL_LIMIT
    memory: int = 2 << 30
    seconds: float = 30.0
    patience: float = 60.0


class Workshop:
    """Decodes, measures and renders in processes of their own. Safe for many threads; a call blocks its thread.

    A file that is hostile, too large or too slow raises UnreadableFile, costs at most one worker and nothing else.
    Unavailable where all workers stay busy.
    """

    def __init__(self, workers: int = 2, limits: WorkLimits | None = None) -> None:
        self.limits = limits or WorkLimits()
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._workers: set[_Worker] = set()
        self._guard = threading.Lock()
        self._closed = False
        for _ in range(max(1, workers)):
            self._idle.put(None)  # started by its first job

    def render(self, source: Path | bytes, derivative: Derivative) -> Rendered:
        """One derivative of a picture file."""
        path, data = (b"", source) if isinstance(source, bytes) else (os.fsencode(source), b"")
        job = Render(path=path, data=data, derivative=derivative, pixel_limit=self.limits.pixels)
        answer = self._ask(job)
        if isinstance(answer, Made):
            return answer.rendered
        raise UnreadableFile(_FATAL)

    def measure(self, path: Path, *, pixel_hash: bool = True, thumbnails: tuple[Derivative, ...] = ()) -> Measured:
        """The facts of a picture file, and thumbnails of it, from one decode."""
        answer = self._ask(
            Measure(
                path=os.fsencode(path),
                pixel_hash=pixel_hash,
                pixel_limit=self.limits.pixels,
                thumbnails=thumbnails,
            )
        )
        if isinstance(answer, Measured):
            return answer
        raise UnreadableFile(_FATAL)

    def close(self) -> None:
        """End the workers; jobs under way end with UnreadableFile, later ones with Unavailable."""
        self._closed = True
        with self._guard:
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.close()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, job: Job) -> Answer:
        """One job. Memory that earlier jobs used up is no verdict on this one: then a fresh worker tries again."""
        answer, fresh = self._try(job)
        if isinstance(answer, Refused) and answer.exhausted and not fresh:
            answer, _ = self._try(job)
        if isinstance(answer, Refused):
            raise UnreadableFile(answer.message)
        return answer

    def _try(self, job: Job) -> tuple[Answer, bool]:
        worker = self._take()
        fresh, usable = worker.jobs == 0, False
        try:
            answer = worker.ask(job, self.limits.seconds)
            usable = not (isinstance(answer, Refused) and answer.exhausted)
        finally:
            if not usable:
                self._end(worker)
            self._idle.put(worker if usable else None)
        return answer, fresh

    def _take(self) -> _Worker:
        try:
            worker = self._idle.get(timeout=self.limits.patience)
        except queue.Empty:
            raise Unavailable("All picture workers are busy: try again shortly") from None
        if self._closed:
            self._idle.put(worker)
            raise Unavailable("This instance is closing")
        if worker is not None:
            if worker.is_alive():
                return worker
            self._end(worker)
        return self._start()

    def _start(self) -> _Worker:
        try:
            worker = _Worker(self.limits.memory)
        except OSError as error:
            self._idle.put(None)
            raise Unavailable("No picture worker can be started: try again shortly") from error
        with self._guard:
            self._workers.add(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        with self._guard:
            self._workers.discard(worker)
        worker.close()


class _Worker:
    """One process and its two pipes, used by one thread at a time."""

    def __init__(self, memory: int) -> None:
        self.jobs = 0
        self._asking = threading.Lock()
        # -P: the directory that the server was started in must not lend modules to the worker.
        command = [sys.executable, "-P", "-m", "pinako.media.worker", str(memory)]
        self._process = subprocess.Popen(  # noqa: S603 - this Python, our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is the server's to handle
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: Job, seconds: float) -> Answer:
        """Hand over a job and wait; UnreadableFile where the worker is too slow or ends over it."""
        late = threading.Event()
        watch = threading.Timer(seconds, self._kill, args=(late,))
        watch.daemon = True
        watch.start()
        try:
            with self._asking:
                send(cast(BinaryIO, self._process.stdin), job)
                answer = receive_answer(cast(BinaryIO, self._process.stdout))
        except (OSError, ValueError, msgspec.DecodeError):  # ValueError: the pipe was closed meanwhile
            answer = None
        finally:
            watch.cancel()
        self.jobs += 1
        if answer is None:
            raise UnreadableFile(_SLOW if late.is_set() else _FATAL)
        return answer

    def close(self) -> None:
        """End the process. A thread that waits in `ask` gets its end of file before the pipes are closed under it."""
        self._process.kill()
        self._process.wait()
        with self._asking:
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):
                    cast(BinaryIO, pipe).close()

    def _kill(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()
