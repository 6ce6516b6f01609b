"""Bringing a database to the present: fresh ones from tables.py, older ones by the numbered files of this folder.

`0001.sql` is the first release's whole database, `0002.sql` and so on what each later release changed; a released file is never
edited. tables.py is always the present whole, and a test proves that all files together lead to it. `scripts/freeze` writes the
first file anew as long as nothing is released.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from importlib.resources import files

from pinako.errors import StorageError
from pinako.storage import tables
from pinako.storage.database import Database
from pinako.storage.engine import Engine, spell
from pinako.storage.scopes import Write

FIRST_ID_FROM, FIRST_ID_TO = 1_500_000_000, 2_100_000_000
CREATE_TABLE = "CREATE TABLE "


def steps() -> tuple[str, ...]:
    """The text of every numbered file, in order; a database that has had them all is of version len(steps())."""
    found = sorted(file.name for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    if found != [f"{number:04}.sql" for number in range(1, len(found) + 1)]:
        raise StorageError(f"the migrations of this installation are incomplete: {', '.join(found)}")
    return tuple(files(__name__).joinpath(name).read_text("utf-8") for name in found)


def statements(step: str) -> list[str]:
    """The statements of one file. They end in `;` at a line's end; lines that begin with `--` are remarks."""
    lines = "".join(line + "\n" for line in step.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in lines.split(";\n") if statement.strip()]


def whole() -> list[str]:
    """The statements that make every table and index of tables.py, in the dialect's words still to be spelled."""
    made = [f"{CREATE_TABLE}{name} ({' '.join(columns.split())})" for name, columns in tables.TABLES.items()]
    made += [f"CREATE INDEX {index_name(index)} ON {index}" for index in tables.INDEXES]
    made += [f"CREATE INDEX {name} ON {index}" for name, index in tables.PARTIAL.items()]
    origin = "CREATE UNIQUE INDEX {0}_origin ON {0} (source, source_id) WHERE source_id IS NOT NULL"
    return made + [origin.format(table) for table in tables.SOURCED]


def index_name(index: str) -> str:
    """`images (post_id, idx)` is called images_by_post_id_idx; cut where PostgreSQL would cut it."""
    table, _, columns = index.partition(" (")
    return f"{table}_by_{columns.rstrip(')').replace(', ', '_')}"[:63]


def run(write: Write, engine: Engine, made: Sequence[str]) -> None:
    """Run statements of a file in the engine's dialect."""
    for statement in made:
        if statement.startswith(CREATE_TABLE):
            name, _, columns = statement.removeprefix(CREATE_TABLE).partition(" (")
            write.run(spell(engine.create_table(name, columns.removesuffix(")")), engine.words))
        else:
            write.run(spell(statement, engine.words))


def prepare(database: Database, *, first_id: int | None, path: Sequence[str] | None = None) -> None:
    """Make or upgrade the database. `path`: the files to follow, other than this installation's (for tests)."""
    path = steps() if path is None else path
    version = version_of(database)
    if version is None:
        make(database, version=len(path), first_id=first_id)
        version = version_of(database)
    if version is None or version > len(path):
        raise StorageError(
            f"this library was made by a newer Pinako (its format is {version}, this program knows {len(path)}): upgrade Pinako"
        )
    for number in range(version + 1, len(path) + 1):
        take_step(database, number, path[number - 1], keep_copy=number == version + 1)


def version_of(database: Database) -> int | None:
    """The format of the database; None when it holds no library yet."""
    read = database.read()
    if not read.connection.has_table("library"):
        return None
    value = read.value("SELECT value FROM library WHERE name = 'schema_version'")
    return int(value) if value is not None else None


def make(database: Database, *, version: int, first_id: int | None) -> None:
    """Make every table, unless another process was quicker."""
    with database.write() as write:
        if write.connection.has_table("library"):
            return
        run(write, database.engine, whole())
        for name, value in first_facts(database.now(), version, first_id).items():
            write.insert("library", {"name": name, "value": value})


def first_facts(now: int, version: int, first_id: int | None) -> Mapping[str, str]:
    """The rows of `library`, as text."""
    drawn = FIRST_ID_FROM + secrets.randbelow(FIRST_ID_TO - FIRST_ID_FROM)
    return {
        "library_id": str(uuid.uuid4()),
        "schema_version": str(version),
        "created_at": str(now),
        "link_secret": secrets.token_hex(32),
        "first_id": str(drawn if first_id is None else first_id),
    }


def take_step(database: Database, number: int, step: str, *, keep_copy: bool) -> None:
    """Run one file and note its number, in one transaction; nothing when another process has done so.

    The copy is made within, when nobody else can write: it holds exactly what the older program left.
    """
    with database.write() as write:
        kept = write.value("SELECT value FROM library WHERE name = 'schema_version'")
        if int(kept) >= number:
            return
        if keep_copy:
            database.engine.copy_aside(f"v{kept}")
        run(write, database.engine, statements(step))
        write.run("UPDATE library SET value = ? WHERE name = 'schema_version'", (str(number),))
