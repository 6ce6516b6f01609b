"""PostgreSQL by psycopg 3: a connection for each thread, statements prepared, writers one after the other.

Every write takes one advisory lock first. So writers are serial across processes and nodes, as they are on SQLite: a service may
look and then write without races, nothing deadlocks, and the order of the change log is the order of the commits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache, wraps
from itertools import count
from typing import ParamSpec, TypeVar, cast

import psycopg
from psycopg.abc import Buffer
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader, NumericLoader
from psycopg.types.string import StrDumper

from pinako.errors import BadRequest, Conflict, PinakoError, StorageError
from pinako.storage import arrays
from pinako.storage.engine import CHUNK, IDS, PATIENCE_S, Connection, Params, Row, cut_ids

P = ParamSpec("P")
T = TypeVar("T")

SCHEMES = ("postgresql://", "postgres://")
IDLE_MS = 60_000  # a program that froze within a write does not lock the others out for ever
WRITER_LOCK = 0x70696E61  # any fixed number; locks are the database's own
QUOTED_OR_MARK = re.compile(r"'(?:[^']|'')*'|\?|%")
TEXT_COLUMN = re.compile(r"\bTEXT\b")
DOCUMENT = "id {rowid}, body {blob} NOT NULL"
WHOLE_ROWS = " WITH (toast_tuple_target = 8160)"
UNICODE_COLLATIONS = ("pg_unicode_fast", "pg_c_utf8", "und-x-icu")
INT64 = range(-(2**63), 2**63)


class PlainStrDumper(StrDumper):
    """Text without NUL, which PostgreSQL cannot hold: U+FFFD takes its place, so that a hostile name is no failure."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\x00", "\ufffd") if "\x00" in obj else obj)


class WideIntDumper(Int8BinaryDumper):
    """Every number and flag as BIGINT: one prepared statement for all sizes, and True fits a SMALLINT column."""

    def dump(self, obj: int) -> Buffer | None:
        if obj not in INT64:
            raise OverflowError
        return super().dump(obj)


def plain(number: Decimal) -> int | float:
    """A sum of BIGINTs as the int that SQLite gives."""
    return int(number) if number == number.to_integral_value() else float(number)


class PlainNumericLoader(NumericLoader):
    def load(self, data: Buffer) -> int | float:  # type: ignore[override]
        return plain(super().load(data))


class PlainNumericBinaryLoader(NumericBinaryLoader):
    def load(self, data: Buffer) -> int | float:  # type: ignore[override]
        return plain(super().load(data))


@lru_cache(maxsize=4096)
def translate(sql: str) -> str:
    """psycopg's marks for ours: `?` becomes `%s` and a percent sign is doubled, string literals' included."""

    def mark(match: re.Match[str]) -> str:
        return "%s" if match[0] == "?" else match[0].replace("%", "%%")

    return QUOTED_OR_MARK.sub(mark, sql)


def say(error: psycopg.Error) -> PinakoError:
    """The house's error for one of PostgreSQL's. Never the address: it may hold a password."""
    match error:
        case psycopg.errors.UniqueViolation():
            return Conflict(f"already there: {error.diag.message_detail or error}")
        case psycopg.errors.DiskFull():
            return StorageError(f"PostgreSQL: the disk is full ({error})")
        case psycopg.errors.ReadOnlySqlTransaction():
            return StorageError(f"PostgreSQL: this server is read-only ({error})")
        case psycopg.errors.LockNotAvailable():
            return StorageError(f"PostgreSQL: another program has kept it locked for {PATIENCE_S:.0f} seconds")
        case psycopg.OperationalError() if error.sqlstate is None or error.sqlstate[:2] in ("08", "57"):
            return StorageError(f"PostgreSQL: the connection failed ({error})")
        case _:
            return StorageError(f"PostgreSQL: {error}")


def guarded(call: Callable[P, T]) -> Callable[P, T]:
    """Let no error of the driver out."""

    @wraps(call)
    def guard(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except psycopg.Error as error:
            raise say(error) from error
        except UnicodeEncodeError as error:
            raise BadRequest("text that is not valid Unicode") from error
        except OverflowError as error:
            raise BadRequest("a number beyond 64 bits") from error

    return guard


def connect(url: str, *, writing: bool) -> psycopg.Connection[Row]:
    """A connection that commits each statement by itself unless a transaction is opened."""
    raw = psycopg.connect(url, autocommit=True, prepare_threshold=2, connect_timeout=10, application_name="pinako")
    raw.prepared_max = 500
    raw.adapters.register_dumper(str, PlainStrDumper)
    for kind in (int, bool):
        raw.adapters.register_dumper(kind, WideIntDumper)
    arrays.teach(raw)
    raw.adapters.register_loader("numeric", PlainNumericLoader)
    raw.adapters.register_loader("numeric", PlainNumericBinaryLoader)
    raw.execute(
        f"SET lock_timeout = {PATIENCE_S * 1000:.0f}; SET idle_in_transaction_session_timeout = {IDLE_MS}; SET timezone = 'UTC';"
        f"SET client_min_messages = warning; SET default_transaction_read_only = {'off' if writing else 'on'}"
    )
    return raw


class PostgresConnection:
    """One connection; used by one thread at a time. One that was lost is opened again by its next use."""

    def __init__(self, url: str, *, writing: bool) -> None:
        self._url = url
        self._writing = writing
        self._raw: psycopg.Connection[Row] | None = None
        self._cursor: psycopg.Cursor[Row] | None = None
        self._within = False
        self._ended = False
        self._streams = count(1)
        self._open()

    @guarded
    def _open(self) -> psycopg.Cursor[Row]:
        self._raw = connect(self._url, writing=self._writing)
        self._cursor = self._raw.cursor(binary=True)
        return self._cursor

    def _ready(self) -> psycopg.Cursor[Row]:
        if self._cursor is not None and not self._cursor.connection.closed:
            return self._cursor
        if self._ended:
            raise StorageError("the database is closed")
        if self._within:
            raise StorageError("PostgreSQL: the connection was lost within a transaction; nothing of it was kept")
        return self._open()

    def _execute(self, sql: str, params: Params) -> psycopg.Cursor[Row]:
        """Run it; a connection that turns out to be dead (the server was restarted) is replaced once."""
        try:
            return self._ready().execute(translate(sql), params)
        except psycopg.OperationalError:
            if self._within or self._raw is None or not self._raw.closed:
                raise
        return self._open().execute(translate(sql), params)

    @guarded
    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        cursor = self._execute(sql, params)
        return cursor.fetchall() if cursor.description is not None else []

    @guarded
    def run(self, sql: str, params: Params = ()) -> int:
        return self._execute(sql, params).rowcount

    @guarded
    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        """As arrays where that can be; a statement that meets a row twice goes row by row."""
        given = list(rows)
        statements = arrays.together(sql, given)
        if statements is None:
            self._ready().executemany(translate(sql), given)
            return
        for statement, columns in statements:
            self._execute(statement, cast("Params", columns))

    def by_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params = ()) -> list[Row]:
        if len(ids) <= CHUNK:
            return self._ask_ids(sql, ids, params) if ids else []
        return [row for piece in cut_ids(ids) for row in self._ask_ids(sql, piece, params)]

    @guarded
    def _ask_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params) -> list[Row]:
        """One array, so that lists of every length share a prepared statement.

        With its type, for a text that is cast to one would be read anew for every row that is looked at.
        """
        array = arrays.longs(ids) if isinstance(ids[0], int) else arrays.texts(ids)
        return self._execute(sql.replace(IDS, "= ANY(?)"), [*params, array]).fetchall()

    def stream(self, sql: str, params: Params, size: int) -> Iterator[list[Row]]:
        raw = self._ready().connection
        name = f"stream_{next(self._streams)}"  # its own: a caller may ask for another while it walks this one
        try:
            with raw.cursor(name=name, binary=True, withhold=not self._within) as cursor:
                cursor.execute(translate(sql), params)
                while rows := cursor.fetchmany(size):
                    yield rows
        except psycopg.Error as error:
            raise say(error) from error

    @guarded
    def begin_read(self) -> None:
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())
        self._within = True

    @guarded
    def begin_write(self) -> None:
        statement = f"BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})"
        try:
            self._begin(statement)
        except psycopg.OperationalError:
            if self._raw is None or not self._raw.closed:
                self._abandon()
                raise
            self._open()
            self._begin(statement)
        self._within = True

    def _begin(self, statement: str) -> None:
        raw = self._ready().connection
        raw.execute(statement)

    @guarded
    def commit(self) -> None:
        cursor = self._ready()
        self._within = False
        done = cursor.execute("COMMIT").statusmessage
        if done != "COMMIT":  # PostgreSQL answers ROLLBACK, without an error, when a statement had failed
            raise StorageError("PostgreSQL: a statement had failed, the transaction was not kept")

    def rollback(self) -> None:
        self._within = False
        self._abandon()

    def _abandon(self) -> None:
        """End the transaction; a connection that cannot even do that is thrown away, which ends it too."""
        raw = self._raw
        if raw is None or raw.closed:
            return
        try:
            raw.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def has_table(self, name: str) -> bool:
        return self.rows("SELECT to_regclass(?)", (name,)) != [(None,)]

    def close(self) -> None:
        self._ended = True
        self._within = False
        self._drop()

    def _drop(self) -> None:
        if self._raw is not None:
            with suppress(psycopg.Error):
                self._raw.close()

    @guarded
    def vacuum(self) -> None:
        """VACUUM cannot share a message with a transaction."""
        self._ready().connection.execute("VACUUM (ANALYZE)")


class Postgres:
    """The engine of `postgresql://user@host/name`. Server 15 or later, encoding UTF-8."""

    name = "postgres"
    words: Mapping[str, str] = {
        "{rowid}": "BIGINT NOT NULL PRIMARY KEY",
        "{serial}": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "{blob}": "BYTEA",
        "{real}": "DOUBLE PRECISION",
    }

    def __init__(self, url: str) -> None:
        self._url = url
        self._collation: str | None = None

    def connect(self, *, writing: bool) -> PostgresConnection:
        connection = PostgresConnection(self._url, writing=writing)
        if self._collation is None:
            self._collation = choose_collation(connection)
        return connection

    def contains(self, column: str) -> str:
        return f'strpos(lower({column} COLLATE "{self._collation}"), ?) > 0'

    def create_table(self, name: str, columns: str) -> str:
        """Text sorts by its bytes, as on SQLite, and an index on it serves prefixes.

        Documents stay in their rows as they are: to compress one takes as long as all else that a write does with it.
        """
        whole = WHOLE_ROWS if columns == DOCUMENT else ""
        columns = TEXT_COLUMN.sub('TEXT COLLATE "C"', columns)
        return f"CREATE TABLE {name} ({columns}){whole}"

    def copy_aside(self, label: str) -> str | None:
        """None: a server's database is backed up by its keeper (pg_dump); the upgrade itself is one transaction."""
        return None

    def compact(self, connection: Connection) -> None:
        cast("PostgresConnection", connection).vacuum()

    def faults(self, connection: Connection) -> list[str]:
        """None that we could find: the server checks its own pages as it reads them."""
        return []

    def size(self, connection: Connection) -> int:
        return int(connection.rows("SELECT pg_database_size(current_database())")[0][0])


def choose_collation(connection: PostgresConnection) -> str:
    """The collation whose lower() knows every script: the first that this server has."""
    rows = connection.rows("SELECT collname FROM pg_collation")
    there = {name for (name,) in rows}
    return next((name for name in UNICODE_COLLATIONS if name in there), "default")
