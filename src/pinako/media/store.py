"""Where originals lie: the MediaStore contract, by content hash, and `open_store(url)` that picks the side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from pinako.errors import SettingsError
from pinako.media.blobs import Blob, BlobWriter


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


def _directory(url: str) -> Path:
    if not url.startswith("file:"):
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.netloc + parts.path))
