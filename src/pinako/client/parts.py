"""The unfinished file of a download: where it lies, what is known of it, and how it goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pinako.client.asks import without_secrets
from pinako.errors import StorageError

if TYPE_CHECKING:
    from hashlib import _Hash

_WORTH_A_NOTE = 1 << 20
"""Bytes from which a file is large enough to be resumed by another run; smaller ones begin anew there."""


class Part:
    """A temporary file beside its target, named after the address and target, with the host's own mark of its version.

    The mark (a strong ETag, or else the time of change) is kept in a second file where the download is large, so that a
    run that was killed can be gone on with.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(path.name + ".tag")
        self._mark = ""
        self._noted = False

    @classmethod
    def of(cls, url: str, to: Path) -> Part:
        """The part for an address and its target (a path, or a folder)."""
        folder = to if to.is_dir() else to.parent
        name = hashlib.blake2b(f"{without_secrets(url)} {to}".encode(), digest_size=10).hexdigest()
        return cls(folder / f".{name}.part")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def offset(self, *, trusted: bool) -> int:
        """Where to go on. Without a mark only a file whose hash will be checked may be gone on with."""
        size = self.size
        if size and not self._mark:
            self._mark = self._read_note()
            self._noted = bool(self._mark)
        return size if self._mark or trusted else 0

    def range_headers(self, offset: int) -> Mapping[str, str]:
        """`Range`, on the condition that the host's file is still the same."""
        if not offset:
            return {}
        return {"range": f"bytes={offset}-", **({"if-range": self._mark} if self._mark else {})}

    def begin(self, start: int, headers: Mapping[str, str], total: int | None) -> None:
        """An answer's bytes are about to come: remember its mark."""
        etag = headers.get("etag", "")
        mark = etag if etag and not etag.startswith("W/") else headers.get("last-modified", "")
        changed, self._mark = mark != self._mark, mark
        try:
            if not start:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            if mark and (changed or not start) and (total is None or total > _WORTH_A_NOTE):
                self._noted = True
                self._note.write_bytes(msgspec.json.encode(mark))
        except OSError as error:
            raise StorageError(f"{self.path.parent} cannot be written: {error.strerror}.") from error

    def feed(self, digest: _Hash | None, size: int) -> None:
        """Give a hash the bytes that are there already."""
        if digest is None or not size:
            return
        with self.path.open("rb") as stream:
            while size > 0 and (piece := stream.read(min(size, 1 << 20))):
                digest.update(piece)
                size -= len(piece)

    def drop(self) -> None:
        """Forget it all."""
        self._mark = ""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """Give the file its name."""
        os.replace(self.path, target)
        if self._noted:
            self._note.unlink(missing_ok=True)

    def _read_note(self) -> str:
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=str)
        except (OSError, msgspec.DecodeError):
            return ""
