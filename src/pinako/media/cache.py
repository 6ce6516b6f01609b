"""Derivatives on disk: each made once, whole or not there, checked when read, the longest unused removed first."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from blake3 import blake3

from pinako.errors import PinakoError, StorageError, UnreadableFile
from pinako.media.session import Session, disk_errors, sweep_sessions

_MAGIC: Final = b"PNKO1\n"
_HEAD: Final = 128
"""Every entry begins with this many bytes: magic, MIME type, length, BLAKE3 of the content. Then the content."""

_PIECE: Final = 1 << 20
_GRACE_SECONDS: Final = 5.0
_TOUCH_SECONDS: Final = 3600
_REFUSAL_SECONDS: Final = 60.0
_REFUSALS_KEPT: Final = 1000
_KEPT_SHARE: Final = 0.9
_CHECKED_WHOLE: Final = 8 << 20
"""Contents up to this size are compared with their hash at every opening; larger ones once in a process."""

Maker = Callable[[Path], str]
"""Writes a derivative to the path it is given and answers its MIME type."""


class Cached(msgspec.Struct, frozen=True, kw_only=True):
    """A derivative on disk: `size` bytes of type `mime`, from byte `offset` of `path`. `tag` changes with the content."""

    path: Path
    offset: int
    size: int
    mime: str
    tag: str

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes `start` to `stop` (not included) of the derivative."""
        end = self.size if stop is None else min(stop, self.size)
        with disk_errors(self.path), self.path.open("rb", buffering=0) as file:
            file.seek(self.offset + start)
            return file.read(max(0, end - start))


def forget_source(root: Path, source: str) -> int:
    """Remove every derivative of one source from a cache's directory, whoever has it open; how many went."""
    stem, gone = _stem(source), 0
    for path in (root / stem[:2]).glob(f"{stem}*"):
        with suppress(FileNotFoundError):  # another process may have removed it
            path.unlink()
            gone += 1
    return gone


def _stem(source: str) -> str:
    """What the names of all entries of one source begin with."""
    return hashlib.sha256(source.encode()).hexdigest()[:20]


def _name(key: str) -> str:
    """The file of a key, whose source is what stands before its first slash."""
    return _stem(key.partition("/")[0]) + hashlib.sha256(key.encode()).hexdigest()[:20]


class DerivativeCache:
    """A directory of derivatives under a size bound. Safe for threads; several processes may share it.

    In one process each derivative is made once, however many callers wait for it. What could not be made is not tried
    again for a minute, so that a hostile file costs its time limit once. `clock` is wall time in seconds.
    """

    def __init__(self, root: Path, limit: int, *, clock: Callable[[], float] = time.time) -> None:
        self.root, self.limit = root, limit
        self._clock = clock
        self._guard = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._waiting: dict[str, int] = {}
        self._refused: dict[str, tuple[float, PinakoError]] = {}
        self._checked: set[str] = set()
        self._added = limit  # nothing is known of what lies here: measure after the first addition
        with disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            sweep_sessions(root / "incoming")
            self._session = Session(root / "incoming")

    def fetch(self, key: str, make: Maker) -> Cached:
        """The derivative of that key, made now if it is not there or damaged. Raises what `make` raises."""
        name = _name(key)
        found = self._open(name)
        if found is not None:
            return found
        with self._alone(name):
            found = self._open(name)  # another thread may have made it while this one waited
            if found is not None:
                return found
            self._raise_known_refusal(name)
            return self._make(name, make)

    def forget(self, key: str) -> None:
        """Remove one derivative."""
        with suppress(FileNotFoundError):
            self._place(_name(key)).unlink()

    def used(self) -> int:
        """Bytes on disk."""
        return sum(status.st_size for _, status in self._entries())

    def trim(self) -> int:
        """Remove the longest unused entries until nine tenths of the bound are left. Answers how many went.

        One made in the last seconds stays, even over the bound: somebody is about to send it.
        """
        fresh = self._clock() - _GRACE_SECONDS
        entries = sorted(self._entries(), key=lambda entry: entry[1].st_mtime)
        total = sum(status.st_size for _, status in entries)
        self._added = 0
        if total <= self.limit:
            return 0
        removed = 0
        for path, status in entries:
            if total <= self.limit * _KEPT_SHARE or status.st_mtime > fresh:
                break
            with suppress(OSError):  # another process may have removed it
                os.unlink(path)
            total -= status.st_size
            removed += 1
        return removed

    def close(self) -> None:
        """Let go of the directory."""
        self._session.close()

    def _make(self, name: str, make: Maker) -> Cached:
        temporary = self._session.new_path()
        try:
            mime = make(temporary)
            return self._keep(name, temporary, mime)
        except UnreadableFile as error:
            self._remember_refusal(name, error)
            raise
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()

    def _keep(self, name: str, made: Path, mime: str) -> Cached:
        """Put the head before the content and the result in its place. Not forced to disk: a lost one is made again."""
        place = self._place(name)
        entry = self._session.new_path()
        with disk_errors(place), suppress(FileNotFoundError):
            try:
                size = _write_entry(made, entry, mime)
                os.utime(entry, (self._clock(), self._clock()))
                place.parent.mkdir(exist_ok=True)
                os.replace(entry, place)
                self._count(size)
            finally:
                entry.unlink(missing_ok=True)
        found = self._open(name)
        if found is None:
            raise StorageError("The derivative could not be kept")
        return found

    def _count(self, size: int) -> None:
        self._added += size
        if self._added > self.limit // 20:
            self.trim()

    def _open(self, name: str) -> Cached | None:
        path = self._place(name)
        try:
            with path.open("rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                head = file.read(_HEAD)
                cached = _read_head(head, path, status.st_size)
                intact = cached is not None and self._is_intact(name, cached, file)
        except OSError:
            return None
        if cached is None or not intact:
            with suppress(OSError):
                path.unlink()
            return None
        self._touch(path, status)
        return cached

    def _is_intact(self, name: str, cached: Cached, file: BinaryIO) -> bool:
        if cached.size > _CHECKED_WHOLE and name in self._checked:
            return True
        intact = _tag(file) == cached.tag
        if intact and cached.size > _CHECKED_WHOLE:
            self._checked.add(name)
        return intact

    def _touch(self, path: Path, status: os.stat_result) -> None:
        """Note the use, at most once an hour: the order of removal needs no more, and the disk is spared."""
        now = self._clock()
        if now - status.st_mtime > _TOUCH_SECONDS:
            with suppress(OSError):
                os.utime(path, (now, now))

    def _entries(self) -> Iterator[tuple[str, os.stat_result]]:
        for shard in self.root.glob("[0-9a-f][0-9a-f]"):
            with suppress(FileNotFoundError), os.scandir(shard) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        yield entry.path, entry.stat()

    def _place(self, name: str) -> Path:
        return self.root / name[:2] / name

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One thread at a time for one name."""
        with self._guard:
            lock = self._making.setdefault(name, threading.Lock())
            self._waiting[name] = self._waiting.get(name, 0) + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                self._waiting[name] -= 1
                if self._waiting[name] == 0:
                    del self._waiting[name], self._making[name]

    def _remember_refusal(self, name: str, error: PinakoError) -> None:
        with self._guard:
            while len(self._refused) >= _REFUSALS_KEPT:
                del self._refused[next(iter(self._refused))]
            self._refused[name] = (self._clock() + _REFUSAL_SECONDS, error)

    def _raise_known_refusal(self, name: str) -> None:
        with self._guard:
            until, error = self._refused.get(name, (0.0, None))
            if error is not None and until < self._clock():
                del self._refused[name]
                error = None
        if error is not None:
            raise UnreadableFile(error.message)


def _write_entry(made: Path, entry: Path, mime: str) -> int:
    """Head and content into one file; answers its size."""
    with made.open("rb") as source, entry.open("xb") as target:
        tag = _tag(source)
        size = source.tell()
        target.write((_MAGIC + f"{mime} {size} {tag}\n".encode()).ljust(_HEAD, b" "))
        source.seek(0)
        shutil.copyfileobj(source, target, _PIECE)
    return size + _HEAD


def _tag(source: BinaryIO) -> str:
    """The hash of everything from here to the end of a file."""
    digest = blake3()
    while piece := source.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()[:32]


def _read_head(head: bytes, path: Path, file_size: int) -> Cached | None:
    words = head.removeprefix(_MAGIC).split()
    if len(head) != _HEAD or not head.startswith(_MAGIC) or len(words) != 3 or not words[1].isdigit():
        return None
    size = int(words[1])
    if file_size != _HEAD + size:
        return None
    mime, tag = words[0].decode("ascii", "replace"), words[2].decode("ascii", "replace")
    return Cached(path=path, offset=_HEAD, size=size, mime=mime, tag=tag)
