"""Items of AVIF and HEIF: where the EXIF and XMP lie, and how large the main picture is."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pinako.metadata.containers.exif import read_exif
from pinako.metadata.containers.source import Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.containers.xmp import read_xmp

_MAX_META = 1 << 22
_MAX_ITEMS_BYTES = 1 << 25
_MAX_ITEMS = 1000


def read_items(source: Source, start: int, end: int, notes: Notes) -> tuple[int, int] | None:
    """Add the texts of the file's items; returned are the sides of the primary picture."""
    body = source.at(start, min(end - start, _MAX_META))[4:]
    boxes = dict(_boxes(body))
    places = _locations(boxes.get(b"iloc", b""), start + 4 + _offset_of(body, b"idat"))
    room = _MAX_ITEMS_BYTES
    for item, kind in _items(boxes.get(b"iinf", b"")):
        if kind in (b"Exif", b"mime") and item in places:
            data = b""
            for at, length in places[item]:
                data += source.at(at, min(length, room))
                room = max(0, room - length)
            if kind == b"Exif":
                skip = int.from_bytes(data[:4], "big")  # to the TIFF head
                read_exif(data[4 + skip :] if skip < len(data) else data[4:], notes)
            elif b"xmpmeta" in data[:4096] or b"rdf:RDF" in data[:4096]:
                text = decode_loose(data)
                read_xmp(text, notes)
                notes.add("XMP", text)
    return _sides(boxes)


def _boxes(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    for _ in range(_MAX_ITEMS):
        if position + 8 > len(body):
            return
        size = int.from_bytes(body[position : position + 4], "big")
        if size < 8:
            return
        yield body[position + 4 : position + 8], body[position + 8 : position + size]
        position += size


def _offset_of(body: bytes, kind: bytes) -> int:
    position = 0
    for found, inner in _boxes(body):
        if found == kind:
            return position + 8
        position += 8 + len(inner)
    return 0


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    """(id, type) of each item."""
    wide = body[:1] != b"\0"
    for kind, entry in _boxes(body[8 if wide else 6 :]):
        version = entry[:1]
        if kind == b"infe" and version in (b"\2", b"\3"):
            size = 2 if version == b"\2" else 4
            yield int.from_bytes(entry[4 : 4 + size], "big"), entry[6 + size : 10 + size]


def _locations(body: bytes, inside: int) -> dict[int, list[tuple[int, int]]]:
    """(item id) → pieces as (offset in the file, length). `inside` is where an `idat` in the same box begins."""
    found: dict[int, list[tuple[int, int]]] = {}
    reader = _Reader(body)
    version = reader.take(4) >> 24
    sizes = reader.take(2)
    offset_size, length_size, base_size, index_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    for _ in range(min(reader.take(4 if version == 2 else 2), _MAX_ITEMS)):
        item = reader.take(4 if version == 2 else 2)
        method = reader.take(2) & 15 if version else 0
        reader.take(2)
        base = reader.take(base_size)
        pieces = []
        for _piece in range(min(reader.take(2), 64)):
            reader.take(index_size if version else 0)
            offset, length = reader.take(offset_size), reader.take(length_size)
            pieces.append((base + offset + (inside if method == 1 else 0), length))
        if reader.ended:
            break
        found[item] = pieces
    return found


class _Reader:
    """Big-endian numbers one after the other; past the end they are 0 and `ended` is set."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self.ended = data, 0, False

    def take(self, size: int) -> int:
        piece = self._data[self._at : self._at + size]
        self._at += size
        self.ended = self.ended or len(piece) < size
        return int.from_bytes(piece, "big")


def _sides(boxes: dict[bytes, bytes]) -> tuple[int, int] | None:
    """The primary item's `ispe`, or the largest where nothing says which is whose."""
    inner = dict(_boxes(boxes.get(b"iprp", b"")))
    properties = list(_boxes(inner.get(b"ipco", b"")))
    sizes = {
        place: struct.unpack_from(">II", body, 4)
        for place, (kind, body) in enumerate(properties, 1)
        if kind == b"ispe" and len(body) >= 12
    }
    primary = boxes.get(b"pitm", b"")
    item = int.from_bytes(primary[4 : 6 if primary[:1] == b"\0" else 8], "big")
    own = [sizes[place] for place in _associated(inner.get(b"ipma", b""), item) if place in sizes]
    chosen = own[:1] or sorted(sizes.values(), key=lambda sides: sides[0] * sides[1])[-1:]
    return chosen[0] if chosen else None


def _associated(body: bytes, item: int) -> list[int]:
    reader = _Reader(body)
    head = reader.take(4)
    version, wide = head >> 24, bool(head & 1)
    for _ in range(min(reader.take(4), _MAX_ITEMS)):
        found = reader.take(4 if version else 2)
        places = [reader.take(2 if wide else 1) & (0x7FFF if wide else 0x7F) for _ in range(reader.take(1))]
        if found == item:
            return places
        if reader.ended:
            break
    return []
