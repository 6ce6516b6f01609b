"""SQLite: one file in WAL mode. Many readers, each on its own snapshot; one writer, by immediate transactions.

`synchronous=NORMAL`: an acknowledged write lies in the WAL file when `write()` ends, so it survives the death of any process
(kill -9); a power cut may take back the last moments but never damages the file, and every rule of the house (file, row, note)
stands repeating them. FULL would cost a disk flush for each write: a tenth of the speed on a fast disk, a hundredth on a slow.
`mmap_size` stays 0: 11-17 times slower on a cold file that is larger than memory (engine.md 3).
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import quote, unquote

from pinako.errors import BadRequest, Conflict, PinakoError, StorageError
from pinako.storage import tables
from pinako.storage.engine import CHUNK, IDS, PATIENCE_S, Connection, Params, Row, Value, cut_ids, gathered

P = ParamSpec("P")
T = TypeVar("T")

SCHEME = "sqlite://"
READ_CACHE_KIB = 32 * 1024
WRITE_CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 8000
WAL_LIMIT_BYTES = 64 * 1024 * 1024
EXACT_IDS = 20

TAKEN = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}

REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
    sqlite3.SQLITE_BUSY: f"another program has kept it locked for {PATIENCE_S:.0f} seconds",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked",
    sqlite3.SQLITE_IOERR: "the disk refused to read or write",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; is its folder there and writable?",
    sqlite3.SQLITE_TOOBIG: "a value is too large",
    sqlite3.SQLITE_NOMEM: "memory has run out",
}


def sqlite_url(path: Path) -> str:
    """The address of a database file."""
    return SCHEME + quote(str(path.absolute()))


def path_of(url: str) -> Path:
    """The file of a `sqlite:///path` address. Three slashes or four: the path is always absolute."""
    path = unquote(url.removeprefix(SCHEME))
    if not path.startswith("/") or path.strip("/") == "":
        raise StorageError(f"{url} names no file; write sqlite:///absolute/path/library.db")
    windows = re.match(r"/+([A-Za-z]:[\\/].*)", path)
    return Path(windows[1] if windows else "/" + path.lstrip("/"))


def say(error: sqlite3.Error, path: Path) -> PinakoError:
    """The house's error for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    if code in TAKEN:
        return Conflict(f"already there: {error}")
    reason = REASONS.get(code & 0xFF) if code is not None else None
    return StorageError(f"database {path}: {reason} ({error})" if reason else f"database {path}: {error}")


def guarded(call: Callable[P, T]) -> Callable[P, T]:
    """Let no error of the driver out of a method of SqliteConnection."""

    @wraps(call)
    def guard(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except sqlite3.Error as error:
            connection = args[0]
            assert isinstance(connection, SqliteConnection)  # noqa: S101 - only its methods are wrapped
            raise say(error, connection.path) from error
        except UnicodeEncodeError as error:
            raise BadRequest("text that is not valid Unicode") from error
        except OverflowError as error:
            raise BadRequest("a number beyond 64 bits") from error

    return guard


class SqliteConnection:
    """One connection; used by one thread at a time."""

    def __init__(self, path: Path, *, writing: bool) -> None:
        self.path = path
        try:
            self._raw = sqlite3.connect(
                path, timeout=PATIENCE_S, isolation_level=None, cached_statements=512, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise say(error, path) from error
        try:
            self._set_up(writing)
        except PinakoError:
            self._raw.close()
            raise

    @guarded
    def _set_up(self, writing: bool) -> None:
        self._use_wal(time.monotonic() + PATIENCE_S)
        self._raw.execute("PRAGMA synchronous = NORMAL")
        self._raw.execute(f"PRAGMA cache_size = -{WRITE_CACHE_KIB if writing else READ_CACHE_KIB}")
        self._raw.execute(f"PRAGMA query_only = {int(not writing)}")
        self._raw.execute("PRAGMA temp_store = MEMORY")
        self._raw.execute("PRAGMA mmap_size = 0")
        self._raw.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self._raw.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        self._raw.create_function("fold", 1, fold_value, deterministic=True)

    def _use_wal(self, limit: float) -> None:
        """The busy timeout does not cover this switch: two programs that open a new file together must ask again."""
        while self._raw.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                if self._raw.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                    raise StorageError(
                        f"database {self.path}: SQLite needs a local file system here (WAL is not possible)"
                    )
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > limit:
                    raise
                time.sleep(0.005)

    @guarded
    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        return self._raw.execute(sql, params).fetchall()

    @guarded
    def run(self, sql: str, params: Params = ()) -> int:
        return self._raw.execute(sql, params).rowcount

    @guarded
    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        for statement, values in gathered(sql, list(rows)):
            self._raw.executemany(statement, values)

    @guarded
    def by_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params = ()) -> list[Row]:
        if len(ids) <= CHUNK:
            return self._ask_ids(sql, ids, params) if ids else []
        return [row for piece in cut_ids(ids) for row in self._ask_ids(sql, piece, params)]

    def _ask_ids(self, sql: str, ids: Sequence[int] | Sequence[str], params: Params) -> list[Row]:
        """Lists are filled up with their last id to few different lengths, so that prepared statements are found again."""
        count = len(ids)
        if count > EXACT_IDS:
            count = -(-count // EXACT_IDS) * EXACT_IDS
        marks = f"IN ({'?,' * (count - 1)}?)"
        return self._raw.execute(sql.replace(IDS, marks), [*params, *ids, *[ids[-1]] * (count - len(ids))]).fetchall()

    def stream(self, sql: str, params: Params, size: int) -> Iterator[list[Row]]:
        with closing(self._raw.cursor()) as cursor:
            try:
                cursor.execute(sql, params)
                while rows := cursor.fetchmany(size):
                    yield rows
            except sqlite3.Error as error:
                raise say(error, self.path) from error

    @guarded
    def begin_read(self) -> None:
        self._raw.execute("BEGIN")

    @guarded
    def begin_write(self) -> None:
        self._raw.execute("BEGIN IMMEDIATE")

    @guarded
    def commit(self) -> None:
        self._raw.execute("COMMIT")

    @guarded
    def rollback(self) -> None:
        if self._raw.in_transaction:  # a full disk rolls back by itself
            self._raw.execute("ROLLBACK")

    def has_table(self, name: str) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def close(self) -> None:
        self._raw.close()

    @guarded
    def copy_to(self, target: Path) -> None:
        """A whole, consistent copy, the WAL included, while others go on working."""
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            self._raw.backup(copy)


class Sqlite:
    """The engine of `sqlite:///path`."""

    name = "sqlite"
    words: Mapping[str, str] = {
        "{rowid}": "INTEGER PRIMARY KEY",
        "{serial}": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "{blob}": "BLOB",
        "{real}": "REAL",
    }

    def __init__(self, url: str) -> None:
        self.path = path_of(url)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"database {self.path}: its folder cannot be made ({error.strerror})") from error

    def connect(self, *, writing: bool) -> SqliteConnection:
        return SqliteConnection(self.path, writing=writing)

    def contains(self, column: str) -> str:
        return f"instr(fold({column}), ?) > 0"

    def create_table(self, name: str, columns: str) -> str:
        """Small rows under a key of several columns are kept in the key's own order: half the space, one search."""
        return f"CREATE TABLE {name} ({columns})" + (" WITHOUT ROWID" if name in tables.CLUSTERED else "")

    def copy_aside(self, label: str) -> str | None:
        """Copy the whole database beside itself; the copy's path."""
        target = self.path.with_name(f"{self.path.name}.{label}.backup")
        partial = target.with_name(target.name + ".part")
        try:
            partial.unlink(missing_ok=True)
            with closing(self.connect(writing=True)) as connection:
                connection.copy_to(partial)
            os.replace(partial, target)
        except OSError as error:
            raise StorageError(f"{target}: the copy could not be made ({error.strerror})") from error
        return str(target)

    def compact(self, connection: Connection) -> None:
        """Give free space back and fold the WAL into the file."""
        connection.rows("PRAGMA optimize")
        connection.rows("VACUUM")
        connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def faults(self, connection: Connection) -> list[str]:
        return [str(row[0]) for row in connection.rows("PRAGMA integrity_check") if row[0] != "ok"]

    def size(self, connection: Connection) -> int:
        return int(connection.rows("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")[0][0])


def fold_value(value: Value) -> Value:
    """The SQL function `fold`: text without regard to case, other values as they are."""
    return value.lower() if isinstance(value, str) else value
