"""Files of records in a takeout: written line by line and summed up, read back line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from pinako.errors import StorageError, UnreadableFile
from pinako.intake.export.placing import Outcome, Place
from pinako.intake.takeout.records import Sum

R = TypeVar("R", bound=msgspec.Struct)

LONGEST = 64 << 20
"""Bytes of one line; a longer one is not ours."""


class Lines:
    """One file of records being written. It appears under its name when it is whole."""

    def __init__(self, place: Place, name: str) -> None:
        self._place, self.name = place, name
        self._aside = place.aside()
        self._digest = hashlib.sha256()
        self._size = self.rows = 0
        self._encode = msgspec.json.Encoder().encode
        try:
            self._file = self._aside.open("xb")
        except OSError as error:
            raise StorageError(f"{self._aside}: {error.strerror or error}") from error

    def write(self, record: msgspec.Struct) -> None:
        """One record, one line."""
        line = self._encode(record) + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            raise StorageError(f"{self._aside}: {error.strerror or error}") from error
        self._digest.update(line)
        self._size += len(line)
        self.rows += 1

    def settle(self) -> tuple[Sum, Outcome]:
        """Give it its name; what it holds, and whether that is new."""
        self._file.close()
        outcome = self._place.settle(self._aside, self.name)
        return Sum(sha256=self._digest.hexdigest(), size=self._size, rows=self.rows), outcome

    def close(self) -> None:
        """Give up an unfinished one."""
        self._file.close()


def read_lines(path: Path, kind: type[R]) -> Iterator[tuple[R, bytes]]:
    """Each record of a file with its line. UnreadableFile where one cannot be read."""
    decode = msgspec.json.Decoder(kind).decode
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST):
                number += 1
                try:
                    yield decode(line), line
                except (msgspec.MsgspecError, RecursionError) as error:
                    raise UnreadableFile(f"{path.name}, line {number}: {str(error)[:200]}") from error
    except OSError as error:
        raise UnreadableFile(f"{path.name}: {error.strerror or error}") from error


def sum_of(path: Path) -> str:
    """SHA-256 of a file. UnreadableFile where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: {error.strerror or error}") from error
