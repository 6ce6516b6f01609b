"""The demo library: real pictures and models, decided by a seed, so that a new user has something to look at."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pinako.catalog.people import Scope
from pinako.errors import BadRequest
from pinako.intake.demo.make import Progress, fill
from pinako.media.store import open_store
from pinako.services import access
from pinako.settings import FILE_NAME, Settings
from pinako.storage.database import utc_now
from pinako.storage.opening import open_database

NOTE = "demo.json"
LOWEST_ID = 1_500_000_000
ID_ROOM = 600_000_000


class DemoInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo library was made of. `owner_key` is kept beside it, readable by its user alone."""

    images: int
    seed: int
    owner_key: str


def ensure_demo(
    library: Path,
    *,
    images: int = 500,
    seed: int = 1,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> DemoInfo:
    """The demo library in this folder: made once, then used again. BadRequest for a folder that holds something else.

    It is made aside and renamed when it is whole, so that a killed run leaves no half of one; who comes meanwhile waits
    for it.
    """
    library.parent.mkdir(parents=True, exist_ok=True)
    with _alone(library.parent):
        return _made_before(library) or _make_aside(library, images, seed, settings, progress)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else makes a demo in this folder meanwhile. The folder itself is locked, which leaves no file behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _made_before(library: Path) -> DemoInfo | None:
    try:
        return msgspec.json.decode((library / NOTE).read_bytes(), type=DemoInfo)
    except FileNotFoundError:
        return None


def _make_aside(
    library: Path, images: int, seed: int, settings: Settings | None, progress: Progress | None
) -> DemoInfo:
    found = {path.name for path in library.iterdir()} if library.exists() else set()
    if not found <= {FILE_NAME}:
        raise BadRequest(f"{library} is not empty and no demo library: choose another folder")
    aside = library.with_name(f".{library.name}.making")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        info = _make(aside, images, seed, settings, progress)
        _take_place(aside, library, found)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return info


def _take_place(aside: Path, library: Path, found: set[str]) -> None:
    """The finished library in place of a folder that is empty, or has the user's settings, which come along."""
    for name in found:
        shutil.copy2(library / name, aside / name)
    if found:
        before = library.with_name(f".{library.name}.before")
        library.rename(before)
        aside.rename(library)
        shutil.rmtree(before)
        return
    if library.exists():
        library.rmdir()
    aside.rename(library)


def _make(folder: Path, images: int, seed: int, settings: Settings | None, progress: Progress | None) -> DemoInfo:
    at = msgspec.structs.replace(settings or Settings(), library=str(folder), media_url="")
    store = open_store(at.media_address)
    first = LOWEST_ID + (seed * 2_654_435_761) % ID_ROOM
    database = open_database(at.database_address, clock=utc_now, first_id=first)
    try:
        fill(database, store, at.media_address, images=images, seed=seed, progress=progress)
        key = secrets.token_hex(16)
        with database.write() as w:
            owner = access.owner_of(w)
            if owner is not None:
                access.add_key(w, owner.id, "demo", Scope.WRITE, database.now(), key)
    finally:
        database.close()
    info = DemoInfo(images=images, seed=seed, owner_key=key)
    with os.fdopen(os.open(folder / NOTE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(info)))
    return info
