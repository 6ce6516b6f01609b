"""The database as everything above sees it: `read()` and `write()` scopes over either engine.

rows = database.read().rows("SELECT id, name FROM tags WHERE level = ?", (1,))
with database.read() as read:               # one snapshot for several questions
    documents = read.by_ids("SELECT id, body FROM image_rest WHERE id IN (?*)", ids)
with database.write() as write:             # all of it or nothing
    image_id = write.next_id("images")
    write.insert("images", {"id": image_id, ...})
    write.note("image", image_id, "new")
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from pinako.errors import StorageError
from pinako.storage import tables
from pinako.storage.batches import Batches, Piece
from pinako.storage.engine import PATIENCE_S, Connection, Engine
from pinako.storage.facts import Library, facts_of
from pinako.storage.scopes import Read, Write

T = TypeVar("T")

Clock = Callable[[], datetime]

INHERITED: list[object] = []
"""Connections of a parent process, kept so that nothing closes them: that would end the parent's own."""


def utc_now() -> datetime:
    """The clock of a running program."""
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    """A time as the database keeps it."""
    return round(moment.timestamp() * 1000)


class Database:
    """One open library. Safe from any thread; a forked child gets connections of its own."""

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._closed = False
        self._begin_anew()
        myself = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forked(myself))

    def _begin_anew(self) -> None:
        self._mine = threading.local()
        self._reads: weakref.WeakSet[Read] = weakref.WeakSet()
        self._reads_lock = threading.Lock()
        self._turn = threading.Lock()
        self._batches = Batches(self.write)
        self._writing_thread: int | None = None
        self._writer: Connection | None = None
        self._library: Library | None = None

    def _leave_to_parent(self) -> None:
        INHERITED.extend((list(self._reads), self._mine, self._writer))
        for read in list(self._reads):
            read.forget()
        self._begin_anew()

    @property
    def library(self) -> Library:
        """What the database says of itself, read once."""
        if self._library is None:
            self._library = facts_of(self.read())
        return self._library

    def now(self) -> int:
        """The clock, in the database's milliseconds."""
        return milliseconds(self.clock())

    def contains(self, column: str) -> str:
        """The condition that a text column contains something, case apart; its value is `text.fold(asked)`."""
        return self.engine.contains(column)

    def read(self) -> Read:
        """This thread's reader; never waits for writers.

        As it is, each statement sees the newest commit. As a context manager, all statements see one snapshot;
        do not await inside, since the reader is the thread's. Microseconds to get: ask anew each time, do not keep it.
        """
        read: Read | None = getattr(self._mine, "read", None)
        return read if read is not None else self._open_read()

    def _open_read(self) -> Read:
        if self._closed:
            raise StorageError("the database is closed")
        read = Read(self.engine.connect(writing=False))
        with self._reads_lock:
            self._reads.add(read)
        self._mine.read = read
        return read

    @contextmanager
    def write(self) -> Iterator[Write]:
        """A transaction: everything inside is kept when the block ends, nothing of it when anything is raised.

        One at a time, in this process and among all (others wait up to 30 s, then StorageError). Keep it short: no network,
        no hashing inside. A statement that failed spoils the whole: catch nothing inside; Conflict (a unique value is taken)
        can be caught outside. What is acknowledged survives kill -9.
        """
        with self._taking_turn():
            connection = self._writing_connection()
            connection.begin_write()
            write = Write(connection, now=self.now, first_id=lambda: self.library.first_id)
            with ExitStack() as undo:
                undo.callback(connection.rollback)
                yield write
                write.finish()
                connection.commit()
                undo.pop_all()
        write.tell(self._listeners)

    def write_batched(self, work: Callable[[Write], T]) -> T:
        """Do a small piece of work in a transaction that it may share with other threads' pieces; return its answer.

        For many callers at once (reactions, votes): one commit serves all who came meanwhile. A piece that raises a
        PinakoError loses its own part only, and its caller gets the error.
        """
        return self._batches.run(Piece(work))

    @contextmanager
    def _taking_turn(self) -> Iterator[None]:
        me = threading.get_ident()
        if self._writing_thread == me:
            raise StorageError("a write() inside a write(): pass the open one on")
        if not self._turn.acquire(timeout=PATIENCE_S):
            raise StorageError(f"another write of this program has taken more than {PATIENCE_S:.0f} seconds")
        with ExitStack() as leave:
            leave.callback(self._turn.release)
            if self._closed:
                raise StorageError("the database is closed")
            self._writing_thread = me
            leave.callback(self._forget_writing_thread)
            yield

    def _forget_writing_thread(self) -> None:
        self._writing_thread = None

    def _writing_connection(self) -> Connection:
        if self._writer is None:
            self._writer = self.engine.connect(writing=True)
        return self._writer

    def listen(self, callback: Callable[[], None]) -> None:
        """Call this after every commit of this process that left notes, in the thread that wrote."""
        self._listeners.append(callback)

    def compact(self) -> None:
        """Give free space back and refresh the engine's statistics. Takes its time; other writers wait."""
        with self._taking_turn():
            self.engine.compact(self._writing_connection())

    def faults(self) -> list[str]:
        """What is wrong with the database itself, a sentence each: damaged pages, tables that are missing. Reads all of it."""
        there = self.read().connection.has_table
        missing = [f"the table {name} is missing" for name in tables.TABLES if not there(name)]
        return missing + self.engine.faults(self.read().connection)

    def size(self) -> int:
        """Bytes that the database takes."""
        return self.engine.size(self.read().connection)

    def close(self) -> None:
        """Close every connection. Threads that are still at work get StorageError."""
        self._closed = True
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        with self._reads_lock:
            reads = list(self._reads)
        for read in reads:
            read.close()
        self._mine = threading.local()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _forked(database: weakref.ref[Database]) -> None:
    """In a forked child: the parent's connections are not ours."""
    alive = database()
    if alive is not None:
        alive._leave_to_parent()


__all__ = ["Clock", "Database", "Library", "Read", "Write", "milliseconds", "utc_now"]
