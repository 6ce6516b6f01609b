"""A demo library for tests: made once per session of pytest, whichever process asks first, and lent as cheap copies.

`pristine(shared)` is never opened, so its database is one whole file; `copy_of` gives each user a library of its own. Files
of the store are hard links: nobody changes an original in place.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pinako.intake.demo import DemoInfo, ensure_demo
from pinako.settings import Settings

IMAGES = 150
SEED = 7


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Hold a lock among the session's processes."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pristine(shared: Path) -> Path:
    """The demo library that copies are made of."""
    with alone(shared):
        folder = shared / "demo"
        ensure_demo(folder, images=IMAGES, seed=SEED)
        for leftover in ("library.db-wal", "library.db-shm"):
            assert not (folder / leftover).exists(), "somebody has the pristine demo open"
        return folder


def copy_of(library: Path, to: Path) -> Path:
    """A library of one's own: the database copied, originals linked."""
    shutil.copytree(library, to, copy_function=_link)
    for path in to.glob("library.db*"):
        own = path.with_name(path.name + ".own")
        shutil.copy2(path, own)
        own.replace(path)
    return to


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
    return target


def on_postgres(shared: Path, database_url: str) -> tuple[Path, DemoInfo]:
    """The same demo in a PostgreSQL database; originals in a folder of their own."""
    folder = shared / "demo-postgres"
    return folder, ensure_demo(folder, images=IMAGES, seed=SEED, settings=Settings(database_url=database_url))


def info_of(library: Path) -> DemoInfo:
    """What a demo was made of, its owner's key among it."""
    return ensure_demo(library)
