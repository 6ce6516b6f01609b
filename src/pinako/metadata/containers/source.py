"""Bounded random access to a file or to bytes: what the container readers walk over without reading everything."""

from __future__ import annotations

import os
from io import BytesIO
from typing import BinaryIO

HEAD = 1 << 13
"""Bytes read at once when a file is opened: the headers and most texts are in them; more would only push out caches."""

MAX_PIECE = 1 << 26
"""The most that one read may ask for (64 MiB): a length field of a hostile file never becomes an allocation."""

MAX_TEXT = 1 << 24
"""The most text kept of one field and, inflated, of all fields of one file (16 MiB)."""

MAX_FIELDS = 1000
"""The most named texts of one file."""

_HAS_PREAD = hasattr(os, "pread")


class Source:
    """Bytes at offsets. Reads past the end answer short, as files do."""

    __slots__ = ("_handle", "head", "size")

    def __init__(self, head: bytes, *, size: int, handle: int | None = None) -> None:
        self.head = head
        self.size = size
        self._handle = handle

    @classmethod
    def of_bytes(cls, data: bytes) -> Source:
        """All of it is already here."""
        return cls(data, size=len(data))

    @classmethod
    def of_handle(cls, handle: int) -> Source:
        """An open file, by the number that `os.open` gave; it must stay open while the source is used."""
        head = os.read(handle, HEAD)
        if len(head) < HEAD:
            return cls(head, size=len(head))
        return cls(head, size=os.lseek(handle, 0, os.SEEK_END), handle=handle)

    def at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes at `offset`; shorter at the end of the file and never more than MAX_PIECE."""
        length = min(length, MAX_PIECE, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        end = offset + length
        if end <= len(self.head):
            return self.head[offset:end]
        if self._handle is None:
            return self.head[offset:]
        return _read_at(self._handle, length, offset)

    def reader(self) -> BinaryIO:
        """The whole as a file at its start, for what wants to decode it."""
        if self._handle is None:
            return BytesIO(self.head)
        os.lseek(self._handle, 0, os.SEEK_SET)
        return open(self._handle, "rb", closefd=False)

    def tail(self, length: int) -> bytes:
        """The last bytes."""
        return self.at(max(0, self.size - length), length)


def _read_at(handle: int, length: int, offset: int) -> bytes:
    if _HAS_PREAD:
        return os.pread(handle, length, offset)
    os.lseek(handle, offset, os.SEEK_SET)  # Windows has no pread
    return os.read(handle, length)


class Notes:
    """What a container reader gathers on its way: named texts within the bound of MAX_TEXT, first of a name first."""

    __slots__ = ("fields", "room")

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.room = MAX_TEXT

    def add(self, name: str, text: str) -> None:
        """Keep a text. A second text of the same name is kept beside the first, an identical one is not."""
        if not text or len(text) > self.room or len(self.fields) >= MAX_FIELDS:
            return
        self.room -= len(text)
        if name in self.fields and not (name := self._second_name(name, text)):
            return
        self.fields[name] = text

    def _second_name(self, name: str, text: str) -> str:
        for number in range(1, 50):
            candidate = name if number == 1 else f"{name} ({number})"
            if candidate not in self.fields:
                return candidate
            if self.fields[candidate] == text:
                return ""
        return ""
