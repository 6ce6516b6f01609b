"""Originals in a directory: files named by their hash, written aside and renamed, links to a user's files beside them."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from pinako.errors import NotFound, StorageError, UnreadableFile
from pinako.media.blobs import (
    CHUNK,
    Blob,
    BlobWriter,
    check_hash,
    follow_link,
    hash_bytes,
    hash_file,
    read_pieces,
    split_link,
    write_link,
)
from pinako.media.session import Session, disk_errors, has_sessions, sweep_sessions, sync_directory

_LINK_SUFFIX: Final = ".link"

_NAME = re.compile(r"[0-9a-f]{64}(?:\.link)?")


class DirectoryStore:
    """A MediaStore in one directory: `ab/abcd…` for contents and links, `incoming/` for what is being written.

    Safe for many threads and processes at once. A content is complete and on disk before its name appears.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._front = f"{root}/"
        """Paths as texts: every medium that is sent is looked for, and a `Path` costs more than the look."""
        self._session: Session | None = None
        self._opening = threading.Lock()
        with disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)

    def writer(self) -> BlobWriter:
        return _FileWriter(self)

    def put_bytes(self, data: bytes, *, sha256: str | None = None) -> Blob:
        known = check_hash(sha256) if sha256 else hash_bytes(data)
        if self.has_copy(known, len(data)):
            return Blob(sha256=known, size=len(data))
        with _FileWriter(self) as writer:
            writer.write(data)
            return writer.keep(known)

    def put_file(self, path: Path, *, sha256: str | None = None) -> Blob:
        with _open_foreign(path) as source, _FileWriter(self) as writer:
            size = os.fstat(source.fileno()).st_size
            if sha256 and self.has_copy(check_hash(sha256), size):
                return Blob(sha256=check_hash(sha256), size=size)
            writer.copy(source, size)
            return writer.keep_checked(sha256)

    def link(self, sha256: str, path: Path) -> Blob:
        known = check_hash(sha256)
        try:
            note = write_link(path)
        except OSError as error:
            raise NotFound(f"{path.name} cannot be read in place") from error
        with _FileWriter(self) as writer:
            writer.write(note)
            writer.settle(self.place(known, _LINK_SUFFIX))
        blob = self.stat(known)
        if blob is None:
            raise NotFound(f"{path.name} changed while it was linked")
        return blob

    def stat(self, sha256: str) -> Blob | None:
        known = check_hash(sha256)
        try:
            return Blob(sha256=known, size=os.stat(f"{self._front}{known[:2]}/{known}").st_size)
        except FileNotFoundError:
            return self._linked(known)
        except OSError as error:
            raise StorageError(f"media store: {error}") from error

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        known = check_hash(sha256)
        try:
            file = open(f"{self._front}{known[:2]}/{known}", "rb", buffering=0)  # noqa: SIM115
        except OSError:
            path = self._found(known)
            with disk_errors(path):
                file = path.open("rb", buffering=0)
        return read_pieces(file, start, stop)

    def locate(self, sha256: str) -> Path | None:
        blob = self.stat(sha256)
        if blob is None:
            return None
        return blob.linked_to or self.place(blob.sha256)

    @contextmanager
    def borrow(self, sha256: str) -> Iterator[Path]:
        yield self._found(sha256)

    def delete(self, sha256: str) -> bool:
        known, removed = check_hash(sha256), False
        with disk_errors(self.root):
            for suffix in ("", _LINK_SUFFIX):
                with suppress(FileNotFoundError):
                    self.place(known, suffix).unlink()
                    removed = True
        return removed

    def blobs(self) -> Iterator[Blob]:
        for name in self._names():
            blob = self.stat(name.removesuffix(_LINK_SUFFIX))
            linked_name = name.endswith(_LINK_SUFFIX)
            if blob is not None and linked_name == (blob.linked_to is not None):
                yield blob

    def dangling(self) -> Iterator[tuple[str, Path]]:
        """Links whose file is gone or changed, where no copy of ours exists: (hash, path)."""
        for name in self._names():
            sha256 = name.removesuffix(_LINK_SUFFIX)
            if name != sha256 and self.stat(sha256) is None:
                note = self.place(sha256, _LINK_SUFFIX).read_bytes()
                yield sha256, split_link(note)[2]

    def sweep(self) -> int:
        return sweep_sessions(self.root / "incoming")

    def is_quiet(self) -> bool:
        return not has_sessions(self.root / "incoming")

    def close(self) -> None:
        with self._opening:
            if self._session is not None:
                self._session.close()
                self._session = None

    def new_path(self) -> Path:
        """A fresh name for a file being written. Another process's sweep leaves it alone while this one lives."""
        with self._opening, disk_errors(self.root):
            if self._session is None or self._session.owner != os.getpid():
                self._session = Session(self.root / "incoming")
            return self._session.new_path()

    def place(self, sha256: str, suffix: str = "") -> Path:
        """Where a content lies, or would."""
        return self.root / sha256[:2] / (sha256 + suffix)

    def has_copy(self, sha256: str, size: int) -> bool:
        """Whether a copy of ours is there already; a file of another size under that name is replaced.

        One that is there counts as new from now on: it may be an orphan that a sweep would take before its row is written.
        """
        place = self.place(sha256)
        try:
            if place.stat().st_size != size:
                return False
            os.utime(place)
        except OSError:
            return False
        return True

    def _names(self) -> Iterator[str]:
        for shard in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            with disk_errors(shard):
                names = sorted(os.listdir(shard))
            yield from (name for name in names if _NAME.fullmatch(name))

    def _linked(self, sha256: str) -> Blob | None:
        try:
            note = self.place(sha256, _LINK_SUFFIX).read_bytes()
        except OSError:
            return None
        return follow_link(sha256, note)

    def _found(self, sha256: str) -> Path:
        path = self.locate(sha256)
        if path is None:
            raise NotFound("Not found")
        return path


class _FileWriter:
    """One content being written aside. Its hash is taken from the file as it lies there, so it is of what is kept."""

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store
        self._path = store.new_path()
        with disk_errors(self._path):
            self._file = self._path.open("xb", buffering=0)
        self._size = 0

    def __enter__(self) -> _FileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        with suppress(FileNotFoundError):
            self._path.unlink()

    def write(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        with disk_errors(self._path):
            while left:
                left = left[self._file.write(left) :]
        self._size += len(data)

    def copy(self, source: BinaryIO, size: int) -> None:
        """Everything of an open file; the kernel copies (or shares the blocks) where it can."""
        self._size += _copy_in_kernel(source, self._file.fileno(), size)
        while piece := _read_foreign(source):
            self.write(piece)

    def keep(self, sha256: str | None = None) -> Blob:
        known = check_hash(sha256) if sha256 else hash_file(self._path)
        if not self._store.has_copy(known, self._size):
            self.settle(self._store.place(known))
        return Blob(sha256=known, size=self._size)

    def keep_checked(self, sha256: str | None) -> Blob:
        """Keep, but only if the content is the one that was announced."""
        found = hash_file(self._path)
        if sha256 and found != check_hash(sha256):
            raise UnreadableFile("The file changed while it was read")
        return self.keep(found)

    def settle(self, place: Path) -> None:
        """Give the finished file its name: bytes to disk, rename, directory to disk, in this order."""
        with disk_errors(place):
            os.fsync(self._file.fileno())
            place.parent.mkdir(exist_ok=True)
            os.replace(self._path, place)
            sync_directory(place.parent)


def _open_foreign(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise UnreadableFile(f"{path.name}: {error.strerror}") from error


def _read_foreign(source: BinaryIO) -> bytes:
    try:
        return source.read(CHUNK)
    except OSError as error:
        raise UnreadableFile(f"{source.name}: {error.strerror}") from error


def _copy_in_kernel(source: BinaryIO, target: int, size: int) -> int:
    """How many bytes the kernel copied; the rest (all, where it cannot) is left to the caller."""
    copied = 0
    with suppress(AttributeError, OSError):  # not this system, not between these file systems, or not this kind
        while copied < size:
            moved = os.copy_file_range(source.fileno(), target, min(size - copied, 1 << 30))
            if moved == 0:
                break
            copied += moved
    return copied
