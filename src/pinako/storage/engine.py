"""What the seam asks of a database engine: connections that speak one dialect and raise one family of errors.

SQL is written once, with `?` for values, in the words that both engines know: `ON CONFLICT`, `coalesce`, `CASE`, `= 1` for
flags (a SMALLINT is no boolean), `IS NOT DISTINCT FROM`; never `OR IGNORE`, `ifnull`, `rowid`, `max(a, b)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

Value = str | bytes | int | float | None
Params = Sequence[Value]
Row = tuple[Any, ...]

IDS = "IN (?*)"
"""The marker of `by_ids`: stands in a statement where the list of ids belongs, after every other `?`."""

CHUNK = 500
"""Ids asked in one statement; longer lists are cut."""

PATIENCE_S = 30.0
"""How long a write waits for the writer before it."""

ROWS_AT_ONCE = 20
VALUES_OF_ROW = re.compile(r"VALUES (\((?:\?, )*\?\))")

WORD = re.compile(r"\{[a-z]+\}")


class Connection(Protocol):
    """One connection of one thread. Errors are StorageError, Conflict (a unique value is taken) or BadRequest (no text)."""

    def rows(self, sql: str, params: Params = ()) -> list[Row]: ...

    def run(self, sql: str, params: Params = ()) -> int: ...

    def run_many(self, sql: str, rows: Iterable[Params]) -> None: ...

    def by_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params = ()) -> list[Row]: ...

    def stream(self, sql: str, params: Params, size: int) -> Iterator[list[Row]]: ...

    def begin_read(self) -> None: ...

    def begin_write(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def has_table(self, name: str) -> bool: ...

    def close(self) -> None: ...


class Engine(Protocol):
    """A kind of database, at one address."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> Mapping[str, str]: ...

    def connect(self, *, writing: bool) -> Connection: ...

    def contains(self, column: str) -> str: ...

    def create_table(self, name: str, columns: str) -> str: ...

    def copy_aside(self, label: str) -> str | None: ...

    def compact(self, connection: Connection) -> None: ...

    def faults(self, connection: Connection) -> list[str]: ...

    def size(self, connection: Connection) -> int: ...


def spell(sql: str, words: Mapping[str, str]) -> str:
    """The statement with the dialect's words for `{rowid}`, `{serial}`, `{blob}`, `{real}`; a literal `'{}'` stays."""
    return WORD.sub(lambda match: words.get(match[0], match[0]), sql)


def cut_ids(ids: Sequence[int] | Sequence[str]) -> Iterator[Sequence[int] | Sequence[str]]:
    """The ids in pieces that one statement takes."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def gathered(sql: str, rows: Sequence[Params]) -> Iterator[tuple[str, Sequence[Params]]]:
    """Many rows for one statement: those that fill statements of ROWS_AT_ONCE rows, as such, and the rest one by one."""
    wide = widened(sql) if len(rows) >= ROWS_AT_ONCE else None
    if wide is None:
        yield sql, rows
        return
    whole = len(rows) // ROWS_AT_ONCE * ROWS_AT_ONCE
    runs = (rows[at : at + ROWS_AT_ONCE] for at in range(0, whole, ROWS_AT_ONCE))
    yield wide, [list(chain.from_iterable(run)) for run in runs]
    yield sql, rows[whole:]


@lru_cache(maxsize=512)
def widened(sql: str) -> str | None:
    """An `INSERT … VALUES (?, …)` for ROWS_AT_ONCE rows; None for any other statement.

    A third of the time of a small row is the statement's own: to begin, to bind and to end it.
    """
    parts = VALUES_OF_ROW.split(sql)
    if len(parts) != 3 or not sql.startswith("INSERT") or "?" in parts[0] + parts[2]:
        return None
    before, row, after = parts
    return f"{before}VALUES {', '.join([row] * ROWS_AT_ONCE)}{after}"
