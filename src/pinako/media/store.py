"""Where originals lie: the MediaStore contract, by content hash, and `open_store(url)` that picks the side."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from pinako.errors import BadRequest, SettingsError

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


class MediaStore(Protocol):
    """Contents by their SHA-256. Keeping one twice keeps it once; nothing is ever overwritten.

    Reading, linking or asking for an unknown hash raises NotFound; a full or broken disk raises StorageError.
    """

    def writer(self) -> BlobWriter:
        """A content to be streamed in."""
        ...

    def put_bytes(self, data: bytes, *, sha256: str | None = None) -> Blob:
        """Keep `data`; durable when this returns."""
        ...

    def put_file(self, path: Path, *, sha256: str | None = None) -> Blob:
        """Keep a copy of a file. With `sha256`, raises UnreadableFile if the file no longer has that content."""
        ...

    def link(self, sha256: str, path: Path) -> Blob:
        """Refer to a user's own file in place. The file is never written, moved or removed.

        Once it changes or goes, the content counts as missing. A copy of ours is preferred where both exist.
        """
        ...

    def stat(self, sha256: str) -> Blob | None:
        """The stored content, or None; does not read it."""
        ...

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Bytes `start` to `stop` (not included) in pieces. The file is open before the first piece is asked."""
        ...

    def locate(self, sha256: str) -> Path | None:
        """A local file that may be read directly, or None where this store has none."""
        ...

    def borrow(self, sha256: str) -> AbstractContextManager[Path]:
        """A local file with this content for the length of a scope."""
        ...

    def delete(self, sha256: str) -> bool:
        """Forget a content (for a linked one: only the reference). False where it was not stored."""
        ...

    def blobs(self) -> Iterator[Blob]:
        """Every stored content, in no particular order."""
        ...

    def dangling(self) -> Iterator[tuple[str, Path]]:
        """Links whose file is gone or changed, where no copy of ours exists: (hash, path)."""
        ...

    def sweep(self) -> int:
        """Remove what interrupted processes left half-written. Answers how many; live processes are not touched."""
        ...

    def is_quiet(self) -> bool:
        """Whether no living process writes here, this one included. False where the store cannot tell."""
        ...

    def close(self) -> None:
        """Let go of what this process holds."""
        ...


def open_store(url: str) -> MediaStore:
    """Open `file:/a/directory`, a plain path, or `s3://bucket/prefix?endpoint=…&region=…`.

    Keys of a bucket come from the query (`access_key_id`, `secret_access_key`) or from where the cloud's own tools look.
    SettingsError for a scheme that no store speaks.
    """
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        from pinako.media.s3 import open_bucket  # the library is an extra: only who has a bucket needs it

        return open_bucket(url)
    if scheme in {"", "file"} or len(scheme) == 1:
        from pinako.media.local import DirectoryStore

        return DirectoryStore(_directory(url))
    raise SettingsError(f"media store: no store speaks {scheme!r}; known: file, s3")


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


def _directory(url: str) -> Path:
    if not url.startswith("file:"):
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.netloc + parts.path))
