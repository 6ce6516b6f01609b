"""Fresh, older and newer databases: made whole, upgraded with a copy kept, or refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from pinako.errors import StorageError
from pinako.storage import migrations
from pinako.storage.database import Database, utc_now
from pinako.storage.opening import engine_of, has_library, open_database
from pinako.storage.sqlite import path_of

COLOURS = """-- a later release gives tags a colour
ALTER TABLE tags ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey; plain';
CREATE INDEX tags_by_colour ON tags (colour);
UPDATE tags SET colour = 'red' WHERE name = 'old';
CREATE TABLE palettes (id {serial}, body {blob}, share {real}, name TEXT);
"""
BROKEN = "ALTER TABLE tags ADD COLUMN shade TEXT;\nUPDATE tags SET no_such_column = 1;\n"


def shape(database: Database) -> set[tuple[object, ...]]:
    """Every column and index of a database, in no order."""
    read = database.read()
    if database.engine.name == "sqlite":
        columns = (
            "SELECT m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, m.sql LIKE '%WITHOUT ROWID'"
            " FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        )
        indexes = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'"
    else:
        columns = (
            "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, collation_name"
            " FROM information_schema.columns WHERE table_schema = 'public'"
        )
        indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    return {*read.rows(columns), *read.rows(indexes)}


def of_the_first_release(url: str) -> Database:
    """A database as the first release made it, with one tag in it."""
    database = Database(engine_of(url), clock=utc_now)
    with database.write() as write:
        migrations.run(write, database.engine, migrations.statements(migrations.steps()[0]))
        for name, value in migrations.first_facts(database.now(), 1, 1_600_000_000).items():
            write.insert("library", {"name": name, "value": value})
        write.insert("tags", {"id": 1, "name": "old", "name_key": "old"})
    return database


def test_all_files_together_lead_to_the_tables(empty_database_url: str, database: Database) -> None:
    with of_the_first_release(empty_database_url) as old:
        migrations.prepare(old, first_id=None)
        assert shape(old) == shape(database)
        assert old.library.schema_version == database.library.schema_version == len(migrations.steps())


def test_a_fresh_library_knows_itself(empty_database_url: str) -> None:
    with open_database(empty_database_url, clock=utc_now, first_id=1_777_000_000) as database:
        library = database.library
        assert library.first_id == 1_777_000_000
        assert len(library.link_secret) == 64
    with open_database(empty_database_url, clock=utc_now, first_id=5) as again:
        assert again.library == library


def test_asking_for_a_library_makes_none(empty_database_url: str) -> None:
    assert [has_library(empty_database_url) for _ in range(2)] == [False, False]
    open_database(empty_database_url, clock=utc_now).close()
    assert has_library(empty_database_url)


def test_two_libraries_are_never_the_same(new_database_url: Callable[[], str]) -> None:
    with (
        open_database(new_database_url(), clock=utc_now) as one,
        open_database(new_database_url(), clock=utc_now) as two,
    ):
        assert one.library.library_id != two.library.library_id
        assert one.library.link_secret != two.library.link_secret
        assert all(1_500_000_000 <= each.library.first_id < 2_100_000_000 for each in (one, two))


def test_an_older_library_is_upgraded_and_a_copy_kept(empty_database_url: str, engine_name: str) -> None:
    with of_the_first_release(empty_database_url) as old:
        path = (*migrations.steps()[:1], COLOURS)
        migrations.prepare(old, first_id=None, path=path)
        assert old.read().rows("SELECT name, colour FROM tags") == [("old", "red")]
        with old.write() as write:
            write.insert("palettes", {"body": b"\x00", "share": 0.5, "name": "p"})
            write.insert("tags", {"id": 2, "name": "new", "name_key": "new"})
        assert old.read().rows("SELECT id, body, share FROM palettes") == [(1, b"\x00", 0.5)]
        assert old.read().value("SELECT colour FROM tags WHERE id = 2") == "grey; plain"
        migrations.prepare(old, first_id=None, path=path)
        assert migrations.version_of(old) == 2
    if engine_name == "sqlite":
        copy = Path(f"{path_of(empty_database_url)}.v1.backup")
        with closing(sqlite3.connect(copy)) as backup:
            assert backup.execute("SELECT name FROM tags").fetchall() == [("old",)]
            assert backup.execute("SELECT value FROM library WHERE name = 'schema_version'").fetchone() == ("1",)
            assert backup.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_upgrade_that_fails_changes_nothing(empty_database_url: str) -> None:
    with of_the_first_release(empty_database_url) as old:
        before = shape(old)
        with pytest.raises(StorageError, match="no_such_column"):
            migrations.prepare(
                old, first_id=None, path=(*migrations.steps()[:1], COLOURS.replace("'red'", "no_such_column"))
            )
        assert shape(old) == before
        with pytest.raises(StorageError, match="no_such_column"):
            migrations.prepare(old, first_id=None, path=(*migrations.steps()[:1], COLOURS, BROKEN))
        assert migrations.version_of(old) == 2
        assert old.read().value("SELECT colour FROM tags") == "red"


def test_a_newer_library_is_refused_and_left_alone(database: Database, database_url: str) -> None:
    with database.write() as write:
        write.run("UPDATE library SET value = '99' WHERE name = 'schema_version'")
    with pytest.raises(StorageError, match=r"newer Pinako.*99.*upgrade Pinako"):
        open_database(database_url, clock=utc_now)
    assert database.read().value("SELECT value FROM library WHERE name = 'schema_version'") == "99"


def test_many_may_open_a_new_library_at_once(empty_database_url: str) -> None:
    found: list[str] = []

    def open_it() -> None:
        with open_database(empty_database_url, clock=utc_now) as database:
            found.append(database.library.library_id)

    threads = [Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_many_may_upgrade_at_once(empty_database_url: str) -> None:
    of_the_first_release(empty_database_url).close()
    versions: list[int | None] = []

    def upgrade() -> None:
        with Database(engine_of(empty_database_url), clock=utc_now) as database:
            migrations.prepare(database, first_id=None, path=(*migrations.steps()[:1], COLOURS))
            versions.append(migrations.version_of(database))

    threads = [Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [2, 2, 2]
