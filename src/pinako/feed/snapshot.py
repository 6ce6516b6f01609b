"""An index in one file: arrays laid out to be mapped, bitmaps serialised, everything summed. Replaced atomically.

Flat arrays are mapped copy-on-write, so a start reads little and pages that no request touches stay on disk; a hole
behind each growing array is its room to grow. A file that is damaged, of another library or of another declaration is
refused: the caller rebuilds from the database.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
from isal.isal_zlib import crc32
from pyroaring import BitMap

from pinako.feed.build import leaf_size
from pinako.feed.index import Index
from pinako.feed.postings import Postings
from pinako.feed.rows import Rows, room_for
from pinako.feed.spec import Spec
from pinako.feed.tiers import Node, Tiers
from pinako.feed.visibility import Visibility

_MAGIC = b"PINAKO\x00FEED\x00\x00\x01\x00\x00"
_HEAD = struct.Struct("<16sQQI")  # magic, place and length of the table of contents, its checksum
_PAGE = 4096
_STRETCH = 1 << 24


class Unusable(Exception):
    """The snapshot cannot be used; the message says why. Rebuild."""


class _Section(msgspec.Struct, frozen=True, array_like=True):
    name: str
    dtype: str  # "" for bitmaps
    place: int
    length: int  # bytes
    crc: int
    room: int = 0  # elements that fit before the next section; 0 for arrays that do not grow


class _Contents(msgspec.Struct, frozen=True, kw_only=True):
    fingerprint: str
    library: str
    log: tuple[int, int]
    count: int
    sections: tuple[_Section, ...]


def save(index: Index, path: Path, library: str) -> None:
    """Write the whole index. Readers go on; writes wait. Raises OSError; an older snapshot stays until the end."""
    with index.writing:
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with temporary.open("wb") as file:
                _write(index, file, library)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(path.parent)


def load(spec: Spec, path: Path, library: str) -> Index:
    """The index as saved. Raises Unusable for a missing, damaged or foreign file."""
    try:
        with path.open("rb") as file:
            return _Reader(file, spec, library).index()
    except (OSError, ValueError, KeyError, EOFError, struct.error, msgspec.MsgspecError) as error:
        raise Unusable(f"{path.name}: {error}") from error


# Writing


def _write(index: Index, file: BinaryIO, library: str) -> None:
    file.seek(_PAGE)
    sections = [_write_array(file, *array) for array in _arrays(index)]
    sections += [_write_bitmaps(file, name, bitmaps) for name, bitmaps in _bitmaps(index)]
    contents = _Contents(
        fingerprint=index.spec.fingerprint(),
        library=library,
        log=index.log,
        count=index.rows.count,
        sections=tuple(sections),
    )
    table = msgspec.msgpack.encode(contents)
    place = file.tell()
    file.write(table)
    file.seek(0)
    file.write(_HEAD.pack(_MAGIC, place, len(table), crc32(table)))


def _arrays(index: Index) -> Iterator[tuple[str, npt.NDArray[Any], int]]:
    """Name, contents, and elements of room (0: does not grow)."""
    rows = index.rows
    room = room_for(rows.count)
    yield "ids", rows.ids[: rows.count], room
    for name, column in rows.columns.items():
        yield f"column {name}", column[: rows.count], room
    for name, postings in (*index.fields.items(), ("", index.cells)):
        yield f"values {name}", postings.values, 0
        yield f"starts {name}", postings.starts, 0
        yield f"rows {name}", postings.rows, 0
        late = list(postings.late.items())
        yield f"late values {name}", np.array([value for value, _ in late], np.int64), 0
        yield f"late lengths {name}", np.array([len(held) for _, held in late], np.int64), 0
        flat = [np.array(held, np.uint32) for _, held in late]
        yield f"late rows {name}", np.concatenate(flat) if flat else np.empty(0, np.uint32), 0
        yield f"heads {name}", np.fromiter(postings.heads, np.int64, len(postings.heads)), 0
    for sort, tiers in _trees(index):
        yield f"lows {sort}", np.array([leaf.low for leaf in tiers.leaves()], np.int64), 0
    for room_number, shelves in index.visibility.rooms.items():
        yield f"bits {room_number}", np.fromiter(shelves, np.int64, len(shelves)), 0


def _bitmaps(index: Index) -> Iterator[tuple[str, Iterator[BitMap]]]:
    yield "alive", iter([index.visibility.alive])
    for name, postings in (*index.fields.items(), ("", index.cells)):
        yield f"head bitmaps {name}", iter(postings.heads.values())
    for sort, tiers in _trees(index):
        yield f"leaves {sort}", (leaf.rows for leaf in tiers.leaves())
    for room_number, shelves in index.visibility.rooms.items():
        yield f"shelves {room_number}", iter(shelves.values())


def _trees(index: Index) -> Iterator[tuple[str, Tiers]]:
    """Each tree once, under the first sort that walks it."""
    seen: set[int] = set()
    for name, tiers in index.tiers.items():
        if id(tiers) not in seen:
            seen.add(id(tiers))
            yield name, tiers


def _write_array(file: BinaryIO, name: str, array: npt.NDArray[Any], room: int) -> _Section:
    place = file.tell()
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    crc = 0
    for at in range(0, len(data), _STRETCH):
        stretch = data[at : at + _STRETCH]
        file.write(stretch)
        crc = crc32(stretch, crc)
    end = place + max(len(data), room * array.itemsize)
    file.seek(-(-end // _PAGE) * _PAGE)
    return _Section(name, array.dtype.str, place, len(data), crc, room)


def _write_bitmaps(file: BinaryIO, name: str, bitmaps: Iterator[BitMap]) -> _Section:
    place = file.tell()
    crc = 0
    for bitmap in bitmaps:
        data = bitmap.serialize()
        data = len(data).to_bytes(8, "little") + data
        file.write(data)
        crc = crc32(data, crc)
    length = file.tell() - place
    file.seek(-(-file.tell() // _PAGE) * _PAGE)
    return _Section(name, "", place, length, crc)


def _sync_directory(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a directory cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# Reading


class _Reader:
    def __init__(self, file: BinaryIO, spec: Spec, library: str) -> None:
        self.file = file
        self.spec = spec
        magic, place, length, crc = _HEAD.unpack(file.read(_HEAD.size))
        if magic != _MAGIC:
            raise ValueError("not a snapshot of this version")
        file.seek(place)
        table = file.read(length)
        if len(table) != length or crc32(table) != crc:
            raise ValueError("damaged table of contents")
        self.contents = msgspec.msgpack.decode(table, type=_Contents)
        if self.contents.library != library:
            raise ValueError("of another library")
        if self.contents.fingerprint != spec.fingerprint():
            raise ValueError("of another declaration")
        self.sections = {section.name: section for section in self.contents.sections}

    def index(self) -> Index:
        rows = self._rows()
        fields = {name: self._postings(name) for name in self.spec.fields}
        rooms = {
            int(name.split()[1]): dict(
                zip(self._array(name).tolist(), self._bitmaps(f"shelves {name[5:]}"), strict=True)
            )
            for name in self.sections
            if name.startswith("bits ")
        }
        (alive,) = self._bitmaps("alive")
        index = Index(self.spec, rows, fields, Visibility(rooms, alive), self._postings(""), self.contents.log)
        trees: dict[str, Tiers] = {}
        for name, order in index.orders.items():
            shared = next((tree for tree in trees.values() if order.shares(tree.order)), None)
            trees[name] = shared or Tiers(order, leaf_size(len(alive)), self._leaves(name))
        return index.hang(trees)

    def _rows(self) -> Rows:
        columns = {name: self._array(f"column {name}", mapped=True) for name in self.spec.columns}
        for name in {name for sort in self.spec.sorts for name, _ in sort.by}:
            _touch(columns[name][: self.contents.count])
        return Rows(self._array("ids", mapped=True), columns, self.contents.count)

    def _postings(self, name: str) -> Postings:
        heads = dict(zip(self._array(f"heads {name}").tolist(), self._bitmaps(f"head bitmaps {name}"), strict=True))
        postings = Postings(
            heads,
            self._array(f"values {name}", mapped=True),
            self._array(f"starts {name}", mapped=True),
            self._array(f"rows {name}", mapped=True),
        )
        ends = np.cumsum(self._array(f"late lengths {name}"))
        flat = self._array(f"late rows {name}")
        for value, held in zip(self._array(f"late values {name}").tolist(), np.split(flat, ends[:-1]), strict=False):
            postings.extend(value, held.tolist())
        return postings

    def _leaves(self, sort: str) -> list[Node]:
        bitmaps = self._bitmaps(f"leaves {sort}")
        lows = self._array(f"lows {sort}").tolist()
        return [Node(tuple(low), bitmap) for low, bitmap in zip(lows, bitmaps, strict=True)]

    def _array(self, name: str, mapped: bool = False) -> npt.NDArray[Any]:
        section = self.sections[name]
        dtype = np.dtype(section.dtype)
        data = self._read(section, keep=not mapped)
        if not mapped:
            return np.frombuffer(data, dtype).reshape(self._shape(name, len(data) // dtype.itemsize))
        length = section.room or section.length // dtype.itemsize
        if not length:
            return np.empty(0, dtype)
        self._reach(section.place + length * dtype.itemsize)
        return np.asarray(np.memmap(self.file, dtype, "c", section.place, length))

    def _shape(self, name: str, length: int) -> tuple[int, ...]:
        if not name.startswith("lows "):
            return (length,)
        order = next(sort for sort in self.spec.sorts if sort.name == name[5:])
        return (-1, len(order.by) + 1)

    def _bitmaps(self, name: str) -> list[BitMap]:
        data = self._read(self.sections[name])
        bitmaps = []
        at = 0
        while at < len(data):
            end = at + 8 + int.from_bytes(data[at : at + 8], "little")
            bitmaps.append(BitMap.deserialize(data[at + 8 : end]))
            at = end
        return bitmaps

    def _read(self, section: _Section, keep: bool = True) -> bytes:
        """The checked bytes of a section; only checked where they will be mapped."""
        self.file.seek(section.place)
        kept, crc, left = [], 0, section.length
        while left:
            stretch = self.file.read(min(left, _STRETCH))
            if not stretch:
                raise EOFError("cut short")
            crc = crc32(stretch, crc)
            left -= len(stretch)
            if keep:
                kept.append(stretch)
        if crc != section.crc:
            raise ValueError(f"damaged: {section.name}")
        return b"".join(kept)

    def _reach(self, end: int) -> None:
        if os.fstat(self.file.fileno()).st_size < end:
            raise EOFError("cut short")


def _touch(column: npt.NDArray[Any]) -> None:
    """Bring a mapped column into this process. Whoever first sorts ten thousand rows that lie anywhere would else meet ten
    thousand page faults, 5 ms and more; the check has just read the file, so nothing waits for the disk here."""
    column[:: max(_PAGE // column.itemsize, 1)].copy()
