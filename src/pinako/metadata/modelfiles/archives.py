"""Zip archives that hold models: torch's own container, and what a plain archive contains. Bounded before it is opened."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from io import FileIO
from typing import BinaryIO, cast

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.pickles import MAX_PICKLE_BYTES, PickleScanner
from pinako.metadata.modelfiles.records import PickleScan

_MAX_DIRECTORY_BYTES = 4_000_000
_MAX_PICKLE_MEMBERS = 50
_TAIL_BYTES = 65_557
_PICKLE_NAMES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin", ".joblib")


def open_archive(file: FileIO) -> zipfile.ZipFile:
    """The archive in an open file. UnreadableFile when it is none or its directory would cost too much to read."""
    _check_directory(file)
    file.seek(0)
    try:
        return zipfile.ZipFile(cast(BinaryIO, file))
    except (zipfile.BadZipFile, ValueError, RuntimeError, OverflowError, struct.error, EOFError) as cause:
        raise UnreadableFile(f"a damaged zip archive: {str(cause)[:120]}") from cause


def _check_directory(file: FileIO) -> None:
    # The standard library reads the whole directory into memory, so its size is looked at first.
    size_bytes = os.fstat(file.fileno()).st_size
    file.seek(max(0, size_bytes - _TAIL_BYTES))
    tail = file.read(_TAIL_BYTES)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise UnreadableFile("a zip archive without its directory: cut short, or none")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory_bytes == 0xFFFFFFFF:
        wide = tail.rfind(b"PK\x06\x06", 0, at)
        directory_bytes = int.from_bytes(tail[wide + 40 : wide + 48], "little") if wide >= 0 else 1 << 62
    if directory_bytes > _MAX_DIRECTORY_BYTES:
        raise UnreadableFile("a zip archive whose directory is too large to read")


def member_names(archive: zipfile.ZipFile) -> list[str]:
    """The names in the archive, in its order."""
    return [info.filename for info in archive.infolist()]


def is_torch(names: list[str]) -> bool:
    """Whether the names are those of torch's container: a `data.pkl` beside numbered storages."""
    return any(name == "data.pkl" or name.endswith("/data.pkl") for name in names)


def scan_archive(archive: zipfile.ZipFile) -> PickleScan:
    """Scan every member that torch or anything else could unpickle; bombs and damaged members end in `Error`."""
    scanner = PickleScanner()
    members = [info for info in archive.infolist() if info.filename.lower().endswith(_PICKLE_NAMES)]
    for info in members[:_MAX_PICKLE_MEMBERS]:
        data = _member_bytes(archive, info)
        if data is None:
            scanner.problem = f"{info.filename[:80]} cannot be read"
        elif not data.startswith(b"PK"):
            scanner.scan(data)
    if len(members) > _MAX_PICKLE_MEMBERS:
        scanner.problem = f"over {_MAX_PICKLE_MEMBERS} pickles"
    return scanner.finish()


def _member_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    try:
        with archive.open(info) as member:
            data = member.read(MAX_PICKLE_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError):
        return None  # damaged, encrypted, or of a method that nobody has
    return data if len(data) <= MAX_PICKLE_BYTES else None
