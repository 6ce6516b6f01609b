"""Opening a library's database by its address: which engine, made when it is new, brought to the present when it is older.

database = open_database("sqlite:///var/lib/pinako/library.db", clock=utc_now)
"""

from __future__ import annotations

from contextlib import ExitStack

from pinako.errors import StorageError
from pinako.storage import migrations
from pinako.storage.database import Clock, Database, utc_now
from pinako.storage.engine import Engine
from pinako.storage.sqlite import SCHEME, Sqlite, path_of


def engine_of(url: str) -> Engine:
    """The engine for an address, by its scheme. StorageError for one that is not known."""
    if url.startswith(SCHEME):
        return Sqlite(url)
    if url.startswith(("postgresql://", "postgres://")):
        try:
            from pinako.storage.postgres import Postgres
        except ImportError as error:
            raise StorageError("PostgreSQL needs the 'postgres' extra: pip install 'pinako[postgres]'") from error
        return Postgres(url)
    scheme = url.partition(":")[0] if ":" in url else url
    raise StorageError(f"database address '{scheme}:…' is not known; use sqlite:///path or postgresql://…")


def open_database(url: str, *, clock: Clock, first_id: int | None = None) -> Database:
    """Open a library's database; make it when it is new, upgrade it when it is older (a copy is kept aside).

    `first_id`: where local ids begin in a library that is made now; drawn between 1.5 and 2.1 thousand million when None.
    StorageError when it cannot be opened, is damaged, or was made by a newer version.
    """
    with ExitStack() as undo:
        database = undo.enter_context(Database(engine_of(url), clock=clock))
        migrations.prepare(database, first_id=first_id)
        undo.pop_all()
    return database


def has_library(url: str) -> bool:
    """Whether there is a library at an address; asking makes none.

    A file that was begun and never written in counts: whoever opens it next makes it whole.
    """
    if url.startswith(SCHEME):
        return path_of(url).exists()
    with Database(engine_of(url), clock=utc_now) as database:
        return migrations.version_of(database) is not None
