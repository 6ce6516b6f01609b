"""Many small writes of many threads in few transactions: whoever comes first commits for all who came meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from pinako.errors import PinakoError, StorageError
from pinako.storage.scopes import Write

T = TypeVar("T")

LARGEST = 256
"""Pieces of work in one transaction: bounds how long the first of them waits."""


class Piece(Generic[T]):
    """One caller's work and what became of it."""

    def __init__(self, work: Callable[[Write], T]) -> None:
        self._work = work
        self._answer: list[T] = []
        self._error: PinakoError | None = None
        self.turn = threading.Event()
        self.leads = False
        self.kept = False
        self.cause: PinakoError | None = None

    def run(self, write: Write) -> None:
        """Do the work; when it is refused, its own part is undone and the others' stays."""
        try:
            with write.attempt():
                self._answer.append(self._work(write))
        except PinakoError as error:
            self._error = error

    def answer(self) -> T:
        """What the work returned; raises what it raised, or that the transaction was not kept."""
        if self._error is not None:
            raise self._error
        if not self.kept:
            raise StorageError("nothing was kept, since a write in the same transaction broke off") from self.cause
        return self._answer[0]


class Batches:
    """The queue of one database."""

    def __init__(self, write: Callable[[], AbstractContextManager[Write]]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._queue: deque[Piece[Any]] = deque()
        self._led = False

    def run(self, piece: Piece[T]) -> T:
        """Have the piece done, by this thread or by another's transaction; returns when it is kept."""
        with self._lock:
            self._queue.append(piece)
            piece.leads, self._led = not self._led, True
        if not piece.leads:
            piece.turn.wait()
        if piece.leads:
            self._lead()
        return piece.answer()

    def _lead(self) -> None:
        """Commit what is queued, this thread's piece among it, then hand the lead to the next in line."""
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST))]
        try:
            self._commit(batch)
        finally:
            with self._lock:
                self._led = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].turn.set()
            for piece in batch:
                piece.turn.set()

    def _commit(self, batch: list[Piece[Any]]) -> None:
        """A mistake in a piece's code (no PinakoError) breaks all of it off, and is raised here, in the leader's thread."""
        try:
            with self._write() as write:
                for piece in batch:
                    piece.run(write)
        except PinakoError as error:
            for piece in batch:
                piece.cause = error
        else:
            for piece in batch:
                piece.kept = True
