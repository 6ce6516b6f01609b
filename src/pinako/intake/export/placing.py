"""Files of an export onto the disk: written aside and renamed, so that a name never stands for half a file.

What is there already is compared and left alone. Half-written files of runs that were killed lie in `.pinako-export`, and
the next run sweeps them.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import msgspec

from pinako.errors import Conflict, NotFound, StorageError, UnreadableFile
from pinako.media.blobs import hash_file
from pinako.media.session import Session, sweep_sessions
from pinako.media.store import MediaStore

MARK_FOLDER = ".pinako-export"
MARK_FILE = "export.json"
FORMAT = "pinako-export"
BLOCK = 1 << 20

_IN_THE_WAY = {
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENOTEMPTY,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.EINVAL,
    errno.ELOOP,
}


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What an export's folder says of itself: which library it came out of."""

    format: str = FORMAT
    version: int = 1
    library: str = ""


class Outcome(Enum):
    """What became of one file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


def read_mark(root: Path) -> Mark | None:
    """The mark of an export's folder; None where there is none."""
    try:
        mark = msgspec.json.decode((root / MARK_FOLDER / MARK_FILE).read_bytes(), type=Mark)
    except (OSError, msgspec.MsgspecError):
        return None
    return mark if mark.format == FORMAT else None


class Place:
    """A folder that an export writes into. One process at a time writes a file; several may write beside one another."""

    def __init__(self, root: Path, *, library: str = "", force: bool = False) -> None:
        """Refuses (Conflict) a folder that holds other things and is no export's, unless `force`."""
        self.root = root
        with _disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            strange = not force and read_mark(root) is None
            if strange and any(name != MARK_FOLDER for name in os.listdir(root)):
                raise Conflict(f"{root} holds other files; choose an empty folder, or write among them with --force")
            sweep_sessions(root / MARK_FOLDER)
            self._session = Session(root / MARK_FOLDER)
        self.put_bytes(f"{MARK_FOLDER}/{MARK_FILE}", msgspec.json.encode(Mark(library=library)))

    @classmethod
    def looked_at(cls, root: Path) -> Place:
        """A folder that is only looked at: `would` alone works, and nothing is made."""
        place = cls.__new__(cls)
        place.root = root
        return place

    def close(self) -> None:
        """Let go of the folder."""
        self._session.close()

    def put_bytes(self, path: str, data: bytes, at: int | None = None) -> Outcome:
        """Write a small file unless it has these bytes already. `at`: its time, milliseconds."""
        target = self.root / path
        with _disk_errors(target):
            old = _status(target)
            if old is not None and old.st_size == len(data) and target.read_bytes() == data:
                return Outcome.SAME
            aside = self._session.new_path()
            aside.write_bytes(data)
            self._settle(aside, target, at)
        return Outcome.NEW if old is None else Outcome.CHANGED

    def put_blob(self, path: str, store: MediaStore, sha256: str, size: int, *, at: int, link: bool = False) -> Outcome:
        """Write a stored content unless it is there. NotFound where the store lost it, UnreadableFile where it is damaged.

        `link`: a second name for the stored file where the disk can do that; one file then, so it must not be changed.
        """
        target = self.root / path
        blob = store.stat(sha256)
        if blob is None or blob.size != size:
            raise NotFound("its bytes are not in the library")
        with _disk_errors(target):
            old = _status(target)
            if old is not None and self._is_there(target, old, store, sha256, size, at, link=link):
                return Outcome.SAME
            with store.borrow(sha256) as source:
                aside = self._linked(source) if link and store.locate(sha256) is not None else None
                linked = aside is not None
                aside = aside or self._copied(source, sha256)
            self._settle(aside, target, None if linked else at)
        return Outcome.NEW if old is None else Outcome.CHANGED

    def would(self, path: str, size: int | None = None) -> Outcome:
        """What writing a file of this size would be, as far as a look at the folder tells."""
        with _disk_errors(self.root / path):
            old = _status(self.root / path)
        if old is None:
            return Outcome.NEW
        return Outcome.SAME if size is None or old.st_size == size else Outcome.CHANGED

    def _is_there(
        self, target: Path, old: os.stat_result, store: MediaStore, sha256: str, size: int, at: int, *, link: bool
    ) -> bool:
        """Size and time tell; where only the time differs (somebody copied the folder), the content does."""
        if old.st_size != size:
            return False
        kept = store.locate(sha256)
        if kept is not None and os.path.samefile(kept, target):
            return link  # a copy was asked for where a link lies
        if link and kept is not None and kept.stat().st_dev == old.st_dev:
            return False
        if old.st_mtime_ns == _nanoseconds(at):
            return True
        if hash_file(target) != sha256:
            return False
        os.utime(target, ns=(_nanoseconds(at),) * 2)
        return True

    def _linked(self, source: Path) -> Path | None:
        aside = self._session.new_path()
        try:
            os.link(source, aside)
        except OSError:  # another disk, or one without links
            return None
        return aside

    def _copied(self, source: Path, sha256: str) -> Path:
        aside, digest = self._session.new_path(), hashlib.sha256()
        with _open_stored(source) as reading, aside.open("xb", buffering=0) as writing:
            while block := reading.read(BLOCK):
                digest.update(block)
                writing.write(block)
        if digest.hexdigest() != sha256:
            aside.unlink()
            raise UnreadableFile("its stored bytes are damaged (pinako check tells more)")
        return aside

    def _settle(self, aside: Path, target: Path, at: int | None) -> None:
        if at is not None:
            os.utime(aside, ns=(_nanoseconds(at),) * 2)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(aside, target)
        if aside.exists():  # renaming one name of a file over another name of it does nothing
            aside.unlink()

    def aside(self) -> Path:
        """A fresh name for a file that grows; `settle` gives it its own."""
        return self._session.new_path()

    def settle(self, aside: Path, path: str) -> Outcome:
        """Give a finished file its name, unless one with the same content has it."""
        target = self.root / path
        with _disk_errors(target):
            old = _status(target)
            if old is not None and old.st_size == aside.stat().st_size and hash_file(target) == hash_file(aside):
                aside.unlink()
                return Outcome.SAME
            self._settle(aside, target, None)
        return Outcome.NEW if old is None else Outcome.CHANGED


def _nanoseconds(at: int) -> int:
    return max(at, 0) * 1_000_000


def _status(path: Path) -> os.stat_result | None:
    """A regular file's status; None where there is none, or something that a rename replaces (a symbolic link)."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder has this name", str(path))
    return found if stat.S_ISREG(found.st_mode) else None


def _open_stored(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path, "rb")
    except OSError as error:
        raise NotFound("its bytes are not in the library") from error


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """What only this name cannot be is a Conflict; what the whole disk refuses ends the run."""
    try:
        yield
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            raise Conflict(f"something else is in the way ({(error.strerror or str(error)).lower()})") from error
        raise StorageError(f"{path}: {error.strerror or error}") from error
