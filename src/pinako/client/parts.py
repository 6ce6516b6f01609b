"""The unfinished file of a download: where it lies, what is known of it, and how it goes on."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from io import FileIO
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

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = _size_of(path)
        """Bytes that are there."""
        self._note = path + ".tag"
        self._mark = ""
        self._noted = False

    @classmethod
    def of(cls, url: str, to: str, folder: str) -> Part:
        """The part for an address and its target, in the folder where the file will be."""
        public = without_secrets(url) if "?" in url else url
        name = hashlib.blake2b(f"{public} {to}".encode(), digest_size=10).hexdigest()
        return cls(os.path.join(folder, f".{name}.part"))

    def offset(self, *, trusted: bool) -> int:
        """Where to go on. Without a mark only a file whose hash will be checked may be gone on with."""
        if self.size and not self._mark:
            self._mark = self._read_note()
            self._noted = bool(self._mark)
        return self.size if self._mark or trusted else 0

    def range_headers(self, offset: int) -> Mapping[str, str]:
        """`Range`, on the condition that the host's file is still the same."""
        if not offset:
            return {}
        return {"range": f"bytes={offset}-", **({"if-range": self._mark} if self._mark else {})}

    def begin(self, start: int, headers: Mapping[str, str], total: int | None) -> FileIO:
        """The file, open at `start` for an answer's bytes, whose mark is remembered. Raises StorageError."""
        etag = headers.get("etag", "")
        mark = etag if etag and not etag.startswith("W/") else headers.get("last-modified", "")
        changed, self._mark = mark != self._mark, mark
        self.size = start
        try:
            stream = self._open(start)
            if mark and (changed or not start) and (total is None or total > _WORTH_A_NOTE):
                self._noted = True
                with open(self._note, "wb") as note:
                    note.write(msgspec.json.encode(mark))
        except OSError as error:
            raise storage_error(self.path, error) from error
        return stream

    def _open(self, start: int) -> FileIO:
        if start:
            stream = FileIO(self.path, "r+")
            stream.seek(start)
            stream.truncate()
            return stream
        try:
            return FileIO(self.path, "w")
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            return FileIO(self.path, "w")

    def feed(self, digest: _Hash | None, size: int) -> None:
        """Give a hash the bytes that are there already."""
        if digest is None or not size:
            return
        with open(self.path, "rb") as stream:
            while size > 0 and (piece := stream.read(min(size, 1 << 20))):
                digest.update(piece)
                size -= len(piece)

    def drop(self) -> None:
        """Forget it all."""
        self._mark, self.size = "", 0
        _unlink(self.path)
        _unlink(self._note)

    def finish(self, target: str) -> None:
        """Give the file its name. Raises StorageError."""
        try:
            os.replace(self.path, target)
        except OSError as error:
            raise storage_error(target, error) from error
        if self._noted:
            _unlink(self._note)

    def _read_note(self) -> str:
        try:
            with open(self._note, "rb") as note:
                return msgspec.json.decode(note.read(), type=str)
        except (OSError, msgspec.DecodeError):
            return ""


def storage_error(path: str, error: OSError) -> StorageError:
    """The error for a disk that refuses."""
    return StorageError(f"{os.path.dirname(path) or '.'} cannot be written: {error.strerror}.")


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
