"""One stored content: what is told of it, how it is hashed, written and read, and the notes that refer to a user's own files."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol

import msgspec

from pinako.errors import BadRequest

CHUNK: Final = 1 << 20
"""Bytes moved at a time: large enough that Python's share of the copying disappears."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """One stored content. `sha256` is lower-case hex, `size` bytes; `linked_to` a user's own file, never ours."""

    sha256: str
    size: int
    linked_to: Path | None = None


class BlobWriter(Protocol):
    """A content on its way in. Leaving the scope without `keep` leaves nothing behind."""

    def write(self, data: bytes | memoryview) -> None: ...

    def keep(self, sha256: str | None = None) -> Blob:
        """Make what was written permanent. `sha256` given: trusted where the caller hashed the same bytes."""
        ...

    def __enter__(self) -> BlobWriter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def check_hash(sha256: str) -> str:
    """The hash in lower case. BadRequest for anything that is no SHA-256: it becomes part of a path."""
    lower = sha256.lower()
    if not _SHA256.fullmatch(lower):
        raise BadRequest("Not a SHA-256")
    return lower


def write_link(path: Path) -> bytes:
    """The note that refers to a user's file: size, modification time, then the path's own bytes. OSError if it is gone.

    Bytes, because names need not be UTF-8.
    """
    absolute = Path(os.path.abspath(path))
    status = absolute.stat()
    return b"%d %d\n%b" % (status.st_size, status.st_mtime_ns, os.fsencode(absolute))


def follow_link(sha256: str, note: bytes) -> Blob | None:
    """The user's file that a note refers to, as long as it is the one that was linked."""
    try:
        size, changed, path = split_link(note)
        status = path.stat()
    except (OSError, ValueError):
        return None
    if (status.st_size, status.st_mtime_ns) != (size, changed):
        return None
    return Blob(sha256=sha256, size=size, linked_to=path)


def split_link(note: bytes) -> tuple[int, int, Path]:
    """Size, modification time in nanoseconds, and path of a link. ValueError where the note is damaged."""
    head, _, name = note.partition(b"\n")
    size, changed = head.split(b" ")
    return int(size), int(changed), Path(os.fsdecode(name))


def read_pieces(file: BinaryIO, start: int, stop: int | None) -> Iterator[bytes]:
    """Bytes `start` to `stop` of an open file, in pieces; closes it at the end."""
    with file:
        file.seek(start)
        left = None if stop is None else stop - start
        while left is None or left > 0:
            piece = file.read(CHUNK if left is None else min(CHUNK, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece


def hash_bytes(data: bytes) -> str:
    """SHA-256 of bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
