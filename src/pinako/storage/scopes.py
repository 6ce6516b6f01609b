"""What `read()` and `write()` hand out: statements, and for writers ids, notes for the change log, and callbacks."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

from pinako.errors import PinakoError, StorageError
from pinako.storage import tables
from pinako.storage.engine import Connection, Params, Row, Value

LAST_ID = 2**31 - 1
"""Typed clients read ids as 32-bit numbers."""

NOTE = "INSERT INTO changes (seq, entity, id, what, at) VALUES (?, ?, ?, ?, ?)"


class Statements:
    """Questions, on the connection of the scope."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """Every row of the answer."""
        return self.connection.rows(sql, params)

    def row(self, sql: str, params: Params = ()) -> Row | None:
        """The first row, or None."""
        rows = self.rows(sql, params)
        return rows[0] if rows else None

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(sql, params)
        return rows[0][0] if rows else None

    def by_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params = ()) -> list[Row]:
        """Rows for a list of ids of any length. The statement says `IN (?*)` once, after every other `?`.

        The rows come in no particular order; an id that is not there has none.
        """
        return self.connection.by_ids(sql, ids, params)

    def stream(self, sql: str, params: Params = (), *, size: int = 10_000) -> Iterator[list[Row]]:
        """A long answer in lists of `size` rows, without holding it whole in memory."""
        return self.connection.stream(sql, params, size)


class Read(Statements):
    """A reader of one thread. As a context manager: one snapshot until the block ends (nested blocks share the outer's)."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._depth = 0
        self._end = weakref.finalize(self, connection.close)
        self._end.atexit = False

    def __enter__(self) -> Read:
        if self._depth == 0:
            self.connection.begin_read()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.connection.rollback()

    def forget(self) -> None:
        """Leave the connection open when this reader is dropped: it is the parent process's."""
        self._end.detach()

    def close(self) -> None:
        """Close the connection now."""
        self._end()


class Write(Statements):
    """An open transaction. The read methods see what it has written so far."""

    def __init__(self, connection: Connection, *, now: Callable[[], int], first_id: Callable[[], int]) -> None:
        super().__init__(connection)
        self._now = now
        self._first_id = first_id
        self._next_ids: dict[str, int] = {}
        self._notes: dict[tuple[str, int, str], None] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._failed: PinakoError | None = None

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """Every row of the answer; also of `INSERT … RETURNING`."""
        with self._watching():
            return self.connection.rows(sql, params)

    def by_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params = ()) -> list[Row]:
        """As Statements.by_ids; also for `UPDATE` and `DELETE` with `RETURNING`."""
        with self._watching():
            return self.connection.by_ids(sql, ids, params)

    def run(self, sql: str, params: Params = ()) -> int:
        """Run a statement; how many rows it touched."""
        with self._watching():
            return self.connection.run(sql, params)

    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run a statement once for each row of values."""
        with self._watching():
            self.connection.run_many(sql, rows)

    def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """Add a row. Conflict when a unique value is taken."""
        self.run(insert_sql(table, tuple(values)), tuple(values.values()))

    def insert_new(self, table: str, values: Mapping[str, Value]) -> bool:
        """Add a row unless one with the same unique value is there; whether it was added."""
        return self.run(insert_new_sql(table, tuple(values)), tuple(values.values())) > 0

    def upsert(self, table: str, values: Mapping[str, Value], *, key: Sequence[str] = ("id",)) -> None:
        """Add a row, or give the one with the same key these values; its other columns stay."""
        self.run(upsert_sql(table, tuple(values), tuple(key)), tuple(values.values()))

    def upsert_many(
        self, table: str, columns: Sequence[str], rows: Iterable[Params], *, key: Sequence[str] = ("id",)
    ) -> None:
        """`upsert` for rows that have values for the same columns."""
        self.run_many(upsert_sql(table, tuple(columns), tuple(key)), rows)

    def update(self, table: str, id: int, values: Mapping[str, Value]) -> bool:
        """Give the row with this id these values; whether there was one."""
        return self.run(update_sql(table, tuple(values)), (*values.values(), id)) > 0

    def update_many(self, table: str, changes: Iterable[tuple[int, Mapping[str, Value]]]) -> None:
        """`update` for many rows by id: one statement for all that change the same columns; an empty change is none."""
        alike: dict[tuple[str, ...], list[Params]] = {}
        for id, values in changes:
            if values:
                alike.setdefault(tuple(values), []).append((*values.values(), id))
        for columns, rows in alike.items():
            self.run_many(update_sql(table, columns), rows)

    def delete(self, table: str, id: int) -> bool:
        """Remove the row with this id; whether there was one."""
        return self.run(f"DELETE FROM {table} WHERE id = ?", (id,)) > 0

    def next_id(self, table: str) -> int:
        """A local id that no row of this table has. Numbers that mirrored things brought along are skipped."""
        return self.next_ids(table, 1)[0]

    def next_ids(self, table: str, count: int) -> list[int]:
        """So many local ids, rising. Keep rows under all of them before mirrored ids are taken for free."""
        if table not in tables.TABLES:
            raise StorageError(f"no table is called '{table}'")
        free: list[int] = []
        candidate = self._next_ids.get(table) or self._first_free(table)
        while len(free) < count:
            last = candidate + count - len(free)
            taken = {row[0] for row in self.rows(f"SELECT id FROM {table} WHERE id >= ? AND id < ?", (candidate, last))}
            free += [id for id in range(candidate, last) if id not in taken]
            candidate = last
        if candidate > LAST_ID + 1:
            raise StorageError(f"the ids of {table} are used up")
        self._next_ids[table] = candidate
        return free

    def _first_free(self, table: str) -> int:
        kept = self.value("SELECT next_id FROM sequences WHERE entity = ?", (table,))
        return int(kept) if kept is not None else self._first_id()

    def note(self, entity: str, id: int, what: str) -> None:
        """Leave a note in the change log, in this transaction. The same note twice is one."""
        self._notes[entity, id, what] = None

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this once the transaction is kept, and never when it is not."""
        self._callbacks.append(callback)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail alone: what it wrote and noted is undone when its block raises, and the rest goes on.

        The error goes on too; catch it around the block. Not within one another.
        """
        notes, callbacks = list(self._notes), list(self._callbacks)
        self.run("SAVEPOINT attempt")
        with ExitStack() as undo:
            undo.callback(self._undo_attempt, notes, callbacks)
            yield
            if self._failed is not None:
                raise StorageError(f"a statement had failed: {self._failed}") from self._failed
            undo.pop_all()
        self.run("RELEASE SAVEPOINT attempt")

    def _undo_attempt(self, notes: list[tuple[str, int, str]], callbacks: list[Callable[[], None]]) -> None:
        self.connection.run("ROLLBACK TO SAVEPOINT attempt")
        self.connection.run("RELEASE SAVEPOINT attempt")
        self._failed = None
        self._notes, self._callbacks = dict.fromkeys(notes), callbacks

    def finish(self) -> None:
        """Write down ids and notes; called by `write()` just before the commit."""
        if self._failed is not None:
            raise StorageError(f"nothing was kept, since a statement had failed: {self._failed}") from self._failed
        for table, next_id in self._next_ids.items():
            self.upsert("sequences", {"entity": table, "next_id": next_id}, key=("entity",))
        if self._notes:
            seq = int(self.value("SELECT coalesce(max(seq), 0) FROM changes"))
            at = self._now()
            notes = enumerate(self._notes, start=seq + 1)
            self.run_many(NOTE, [(place, entity, id, what, at) for place, (entity, id, what) in notes])

    def tell(self, listeners: Iterable[Callable[[], None]]) -> None:
        """Run the callbacks, and the database's listeners when notes were left; called by `write()` after the commit."""
        for callback in self._callbacks:
            callback()
        if self._notes:
            for listener in tuple(listeners):
                listener()

    def _watching(self) -> _Watch:
        if self._failed is not None:
            raise StorageError(f"a statement of this write had failed: {self._failed}") from self._failed
        return _Watch(self)


class _Watch:
    """Remembers that a statement failed: PostgreSQL keeps nothing after that, so SQLite must not either."""

    __slots__ = ("_write",)

    def __init__(self, write: Write) -> None:
        self._write = write

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PinakoError):
            self._write._failed = error


@lru_cache(maxsize=1024)
def insert_sql(table: str, columns: tuple[str, ...]) -> str:
    """The statement of `insert`."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


@lru_cache(maxsize=1024)
def insert_new_sql(table: str, columns: tuple[str, ...]) -> str:
    """The statement of `insert_new`."""
    return f"{insert_sql(table, columns)} ON CONFLICT DO NOTHING"


@lru_cache(maxsize=1024)
def upsert_sql(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    """The statement of `upsert`."""
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return f"{insert_sql(table, columns)} ON CONFLICT ({', '.join(key)}) DO {'UPDATE SET ' + changes if changes else 'NOTHING'}"


@lru_cache(maxsize=1024)
def update_sql(table: str, columns: tuple[str, ...]) -> str:
    """The statement of `update`."""
    return f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?"
