"""Makes a synthetic library of any size: real rows and real documents, written straight into the database file.

Everything that `pinako serve` reads for REST is there (tRPC fragments of images are made when they are first asked), made by
the program's own records and fragment writers; only the path is short: no settling, no change log, one transaction without a
journal, indexes made afterwards. Cached by size in the bench folder.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pinako.app import open_catalogue
from pinako.catalog.collections import Collection
from pinako.catalog.people import User
from pinako.catalog.resources import FileHash, Model, ModelFile, ModelVersion
from pinako.catalog.tags import Tag
from pinako.feed import documents
from pinako.settings import Settings, load_settings
from pinako.storage import migrations
from pinako.storage.engine import Engine, spell
from pinako.storage.records import TABLE_OF, columns
from speed.bodies import Bodies
from speed.images import Makers, make_images
from speed.shape import (
    BASES,
    DAY,
    FIRST_COLLECTION,
    FIRST_FILE,
    FIRST_IMAGE,
    FIRST_MODEL,
    FIRST_TAG,
    FIRST_USER,
    FIRST_VERSION,
    KINDS,
    TAGS,
    YEAR,
    Posts,
    Shape,
    posts_of,
    shape_of,
    zipf,
)

VERSION = 6
"""Raised when the libraries made here change: cached ones are made anew."""
FIRST_LOCAL_ID = 1_500_000_000
Say = Callable[[str], None]


def settings_of(folder: Path, **given: object) -> Settings:
    """The settings that everything here is measured with: the defaults, but strangers see every level."""
    return load_settings({}, given={"library": str(folder), "public_level": 31, **given})


def ensure_library(bench: Path, images: int, say: Say) -> Path:
    """The folder of the library of so many images; made if it is not there, or half made, or of an older form."""
    folder = bench / f"library-{images}"
    mark = folder / "made"
    if not mark.exists() or mark.read_text() != str(VERSION):
        began = time.perf_counter()
        _make(folder, shape_of(images), say)
        mark.write_text(str(VERSION))
        say(f"library of {images:,} images made in {time.perf_counter() - began:.0f} s")
    _bring_up(settings_of(folder))
    return folder


def _bring_up(settings: Settings) -> None:
    """Tables and indexes that the program has got or given up since a cached library was made, or shaped otherwise.

    Other columns need a new VERSION.
    """
    named = {statement.split(" ON ")[0].split(" (")[0].split()[-1]: statement for statement in migrations.whole()}
    with open_catalogue(settings) as database, database.write() as w:
        tables = w.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        older = [name for name, sql in tables if name in named and sql != _spelled(database.engine, named[name])]
        for name in older:
            columns = ", ".join(row[1] for row in w.rows(f"PRAGMA table_info({name})"))
            w.run(f"ALTER TABLE {name} RENAME TO older")
            migrations.run(w, database.engine, [named[name]])
            w.run(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM older ORDER BY 1")
            w.run("DROP TABLE older")
        there = dict(w.rows("SELECT name, type FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"))
        for name in [name for name, kind in there.items() if kind == "index" and name not in named]:
            w.run(f"DROP INDEX {name}")
        migrations.run(w, database.engine, [made for name, made in named.items() if name not in there])
        if older:
            w.run("PRAGMA analysis_limit = 1000")
            w.run("ANALYZE")


def _spelled(engine: Engine, statement: str) -> str:
    name, _, columns = statement.removeprefix(migrations.CREATE_TABLE).partition(" (")
    return spell(engine.create_table(name, columns.removesuffix(")")), engine.words)


def _make(folder: Path, shape: Shape, say: Say) -> None:
    if folder.exists():
        for file in (*folder.glob("library.db*"), *folder.glob("*/*.feed"), folder / "made"):
            file.unlink(missing_ok=True)
    settings = settings_of(folder)
    with open_catalogue(settings, first_id=FIRST_LOCAL_ID) as database:
        now = database.now()
    path = folder / "library.db"
    rng = np.random.default_rng(shape.images)
    posts = posts_of(shape, now, rng)
    with closing(sqlite3.connect(path, isolation_level=None, cached_statements=512)) as db:
        _hurry(db)
        later = _drop_indexes(db)
        db.execute("BEGIN")
        makers = _make_people_and_models(db, shape, posts, now, rng)
        make_images(db, shape, posts, makers, now, rng, say)
        _make_collections(db, shape, now, rng)
        db.execute("COMMIT")
        say("rows written; indexes")
        for statement in later:
            db.execute(statement)
        db.execute("PRAGMA analysis_limit = 1000")
        db.execute("ANALYZE")
        db.execute("PRAGMA locking_mode = NORMAL")
        db.execute("PRAGMA journal_mode = WAL")
    _make_model_documents(settings, shape, say)


def _hurry(db: sqlite3.Connection) -> None:
    """A file that is thrown away when this is interrupted needs no journal."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -400000"):
        db.execute(f"PRAGMA {pragma}").fetchall()


_BULK = ("images", "image_tags", "image_resources", "image_meta", "posts", "collection_items")


def _drop_indexes(db: sqlite3.Connection) -> list[str]:
    marks = ", ".join("?" * len(_BULK))
    found = db.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})", _BULK
    ).fetchall()
    for name, _ in found:
        db.execute(f"DROP INDEX {name}")
    return [sql for _, sql in found]


def add(db: sqlite3.Connection, noun: type[msgspec.Struct], items: Iterable[msgspec.Struct]) -> None:
    """Many records of one kind as rows."""
    marks = ", ".join("?" * len(noun.__struct_fields__))
    sql = f"INSERT INTO {TABLE_OF[noun]} ({columns(noun)}) VALUES ({marks})"
    db.executemany(sql, map(msgspec.structs.astuple, items))


def _make_people_and_models(
    db: sqlite3.Connection, shape: Shape, posts: Posts, now: int, rng: np.random.Generator
) -> Makers:
    users = [_user(at, now) for at in range(shape.users)]
    add(db, User, users)
    tags = [_tag(at) for at in range(TAGS + 2)]
    add(db, Tag, tags)
    # A version's own posts are its creator's: two of them each, of which a few are its previews.
    chosen = rng.choice(len(posts.size), min(shape.models * 2, len(posts.size) // 2), replace=False)
    owner = posts.user[chosen[: shape.models]]
    bases = [BASES[at] for at in zipf(rng, shape.versions, len(BASES), 0.8)]
    models = [_model(at, int(owner[at]), now, rng) for at in range(shape.models)]
    add(db, Model, models)
    versions = [_version(at, models[at // 2], bases[at], now) for at in range(shape.models * 2)]
    add(db, ModelVersion, versions)
    files = [_file(at, version) for at, version in enumerate(versions)]
    add(db, ModelFile, files)
    add(db, FileHash, sorted((h for file in files for h in _hashes(file)), key=lambda h: (h.file_id, h.type)))
    pairs = {(FIRST_MODEL + at, FIRST_TAG + int(tag)) for at in range(shape.models) for tag in zipf(rng, 4, 400, 0.8)}
    db.executemany("INSERT INTO model_tags (model_id, tag_id) VALUES (?, ?)", sorted(pairs))
    credited = {}
    by_user: dict[int, list[int]] = {}
    for at, model in enumerate(models):
        by_user.setdefault(model.user_id, []).append(at)
    for post in chosen.tolist():
        for at in by_user.get(int(posts.user[post]), ())[:1]:
            credited[post] = FIRST_VERSION + at * 2 + post % 2
    return Makers(
        users=users,
        tags=tags,
        bodies=Bodies(users),
        credited=credited,
        bases=[version.base_model for version in versions],
        checkpoint=np.array([models[at // 2].type == "Checkpoint" for at in range(len(versions))]),
    )


def _user(at: int, now: int) -> User:
    name = f"maker_{at:07d}"
    return User(
        id=FIRST_USER + at,
        created_at=now - 3 * YEAR,
        username=name,
        username_key=name,
        image=f"{at:08x}-0000-4000-8000-{at:012x}" if at % 3 else None,
    )


def _tag(at: int) -> Tag:
    name = f"tag word {at:05d}"
    return Tag(id=FIRST_TAG + at, name=name, name_key=name, target='["Image","Model","Post"]')


def _model(at: int, owner: int, now: int, rng: np.random.Generator) -> Model:
    published = now - int(rng.integers(DAY, 2 * YEAR))
    return Model(
        id=FIRST_MODEL + at,
        user_id=owner,
        name=f"Harbor Lights {at:05d}",
        type=KINDS[at % len(KINDS)],
        status="Published",
        created_at=published - DAY,
        updated_at=published,
        published_at=published,
        last_version_at=published,
        sort_at=published,
        description="<p>Lights of a harbour at night, in many weathers.</p>",
        level=(1, 3, 1, 31, 7)[at % 5],
        allow_commercial_use='["Image"]',
        download_count=int(min(rng.pareto(0.8) * 40, 2_000_000)),
        thumbs_up_count=int(min(rng.pareto(0.9) * 10, 100_000)),
    )


def _version(at: int, model: Model, base: str, now: int) -> ModelVersion:
    return ModelVersion(
        id=FIRST_VERSION + at,
        model_id=model.id,
        name=f"v{at % 2 + 1}.0",
        idx=at % 2,
        status="Published",
        base_model=base,
        trained_words='["harbor lights"]',
        level=model.level,
        created_at=model.created_at,
        updated_at=model.updated_at,
        published_at=model.published_at,
        download_count=model.download_count // 2,
    )


def _file(at: int, version: ModelVersion) -> ModelFile:
    return ModelFile(
        id=FIRST_FILE + at,
        version_id=version.id,
        name=f"harbor_lights_{at:05d}.safetensors",
        stem=f"harbor_lights_{at:05d}",
        created_at=version.created_at,
        size_kb=221_000.5 + at,
        format="SafeTensor",
        size_word="pruned",
        fp="fp16",
        pickle_scan_result="Success",
        virus_scan_result="Success",
        scanned_at=version.created_at,
    )


def _hashes(file: ModelFile) -> Iterator[FileHash]:
    yield FileHash(file_id=file.id, type="SHA256", hash=f"{file.id * 0x9E3779B97F4A7C15:064X}"[-64:])
    yield FileHash(file_id=file.id, type="AutoV2", hash=f"{file.id * 0x9E3779B1:010X}"[-10:])


def _make_collections(db: sqlite3.Connection, shape: Shape, now: int, rng: np.random.Generator) -> None:
    most = min(20_000, shape.images // 20)
    items: list[Sequence[Any]] = []
    for at in range(shape.collections):
        add(db, Collection, [_collection(at, now)])
        size = max(int(most / (at + 1)), 30)
        picks = rng.choice(shape.images, size, replace=False) + FIRST_IMAGE
        items += [
            (len(items) + place, FIRST_COLLECTION + at, "Image", int(pick), FIRST_USER, now - YEAR // 2 + place * 1000)
            for place, pick in enumerate(picks, start=1)
        ]
    db.executemany(
        "INSERT INTO collection_items (id, collection_id, entity_type, entity_id, added_by_id, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        items,
    )


def _collection(at: int, now: int) -> Collection:
    return Collection(
        id=FIRST_COLLECTION + at,
        name=f"Shelf {at:03d}",
        user_id=FIRST_USER + at % 50,
        type="Image",
        read="Public",
        level=29,
        created_at=now - YEAR // 2,
        updated_at=now - YEAR // 2,
    )


def _make_model_documents(settings: Settings, shape: Shape, say: Say) -> None:
    """These come by the program's own way: they are few."""
    with open_catalogue(settings) as database:
        ids = range(FIRST_MODEL, FIRST_MODEL + shape.models)
        for at in range(0, shape.models, 500):
            with database.write() as w:
                documents.remake(w, "model", ids[at : at + 500], database.now())
    say("documents of models written")
