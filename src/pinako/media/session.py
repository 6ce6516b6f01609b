"""Half-written files of living processes, kept apart so that a sweep removes only what dead ones left."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pinako.errors import StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCK_SUFFIX = ".lock"


class Session:
    """A directory that belongs to one living process, marked by a lock that the system drops when the process ends.

    A lock rather than a process id: ids are reused, and mean nothing across containers that share a library.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self.owner = os.getpid()
        self.path, lock = _claim(parent)
        self._release = weakref.finalize(self, _release, self.path, lock, self.owner)

    def new_path(self) -> Path:
        """A name in this session that nothing has yet."""
        return self.path / secrets.token_hex(8)

    def close(self) -> None:
        """Remove the directory with whatever is left in it. Happens by itself when nobody holds the session any more."""
        self._release()


def sweep_sessions(parent: Path) -> int:
    """Remove the sessions of processes that are gone. Answers how many half-written files went.

    A process that was killed between two files counts as one: its last whole file may have no row yet.
    """
    swept = 0
    for lock in sorted(parent.glob(f"*{_LOCK_SUFFIX}")):
        handle = _take(lock)
        if handle is None:
            continue
        with suppress(FileNotFoundError):
            swept += max(1, len(os.listdir(lock.with_suffix(""))))
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        with suppress(OSError):
            lock.unlink()
        os.close(handle)
    return swept


def has_sessions(parent: Path) -> bool:
    """Whether a living process may be writing. Ask after a sweep, which removes those of dead ones."""
    return any(parent.glob(f"*{_LOCK_SUFFIX}"))


def sync_directory(path: Path) -> None:
    """Bring a directory's names to the disk. Without it a power cut may undo a rename."""
    if sys.platform == "win32":  # directories cannot be opened there, and NTFS journals its names
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def disk_errors(what: Path) -> Iterator[None]:
    """Turn the system's refusals (disk full, read-only, gone) into StorageError, which says what was being touched."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"media store: {error.strerror or error}: {error.filename or what}") from error


def _release(path: Path, lock: int, owner: int) -> None:
    os.close(lock)
    if os.getpid() == owner:  # a forked child holds a copy of the lock, but the directory is not its own
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.with_suffix(_LOCK_SUFFIX).unlink()


def _claim(parent: Path) -> tuple[Path, int]:
    """A fresh directory and the handle that holds its lock.

    The lock exists before the directory. A sweep may take the lock in between; then its file is gone and we try again.
    """
    while True:
        path = parent / secrets.token_hex(8)
        lock = path.with_suffix(_LOCK_SUFFIX)
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        if _try_lock(handle) and lock.exists():
            path.mkdir()
            return path, handle
        os.close(handle)


def _take(lock: Path) -> int | None:
    """The handle of a lock that nobody holds any more."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return None
    if _try_lock(handle):
        return handle
    os.close(handle)
    return None


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
