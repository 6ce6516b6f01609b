"""Puts EXIF or XMP into an AVIF as an item of its own: boxes move and places are counted anew, the picture's bytes stay."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec

from pinako.errors import UnreadableFile

EXIF, XMP = b"Exif", b"mime"
_XMP_TYPE = b"application/rdf+xml\0"


class _Place(msgspec.Struct, frozen=True):
    """Where an item's bytes lie, piece by piece as (offset, length): in the file (method 0) or in the box `idat` (1)."""

    method: int
    pieces: list[tuple[int, int]]


class Avif:
    """An AVIF taken apart. Raises UnreadableFile where it is damaged, or of a form that is rare and not moved here."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            top = _boxes(data, 0, len(data))
            self._start, self._end = next((start, end) for kind, start, _, end in top if kind == b"meta")
            inside = next(body for kind, _, body, _ in top if kind == b"meta") + 4
            parts = _boxes(data, inside, self._end)
            self._parts = {kind: data[body:end] for kind, _, body, end in parts}
            self._places = _read_places(self._parts[b"iloc"])
            numbers = _read_items(self._parts[b"iinf"])
            self._items = {kind: number for number, kind in numbers.items() if kind in (EXIF, XMP)}
            self._fresh = max((*numbers, *self._places)) + 1
            primary = self._parts[b"pitm"]
            self._primary = int.from_bytes(primary[4 : 8 if primary[0] else 6], "big")
        except (struct.error, IndexError, KeyError, ValueError, StopIteration) as error:
            raise UnreadableFile("the AVIF is damaged") from error
        if len(parts) != len(self._parts) or any(kind == b"moov" for kind, *_ in top):
            raise UnreadableFile("the AVIF moves, or is of a form that is not rewritten")

    @property
    def has_xmp(self) -> bool:
        """Whether it has an XMP packet, wherever that lies."""
        return XMP in self._items

    def item(self, kind: bytes) -> bytes | None:
        """The bytes of the EXIF or XMP item, None where there is none."""
        place = self._places.get(self._items.get(kind, 0))
        if place is None:
            return None
        source = self._parts.get(b"idat", b"") if place.method else self._data
        return b"".join(source[at : at + length] for at, length in place.pieces)

    def with_item(self, kind: bytes, body: bytes) -> bytes:
        """The file with this item, in the place of one of its kind, whose old bytes are blanked."""
        data, places, parts = self._data, dict(self._places), dict(self._parts)
        number = self._items.get(kind)
        if number is None:
            number = self._fresh
            parts[b"iinf"] = _with_entry(parts[b"iinf"], number, kind)
            parts[b"iref"] = _with_reference(parts.get(b"iref", bytes(4)), number, self._primary)
        elif (old := places.get(number)) is not None and not old.method:
            data = _blanked(data, old.pieces)
        places[number] = _Place(0, [(len(data), len(body))])
        try:
            growth = len(self._meta(parts, places, 0)) - (self._end - self._start)
            # Behind the last byte of all that was there: 8 for the head of the box that holds it.
            places[number] = _Place(0, [(len(data) + 8, len(body))])
            meta = self._meta(parts, places, growth)
        except struct.error as error:
            raise UnreadableFile("the AVIF has no room for it") from error
        return data[: self._start] + meta + data[self._end :] + _box(b"mdat", body)

    def _meta(self, parts: Mapping[bytes, bytes], places: Mapping[int, _Place], growth: int) -> bytes:
        found = {**parts, b"iloc": _write_places(places, self._end, growth)}
        return _box(b"meta", bytes(4) + b"".join(_box(kind, body) for kind, body in found.items()))


def _boxes(data: bytes, start: int, end: int) -> list[tuple[bytes, int, int, int]]:
    """Kind, begin, begin of the body, and end of each box."""
    found = []
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        size = size or end - start
        if size < body - start or start + size > end:
            raise UnreadableFile("the AVIF is cut short")
        found.append((kind, start, body, start + size))
        start += size
    return found


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _read_places(body: bytes) -> dict[int, _Place]:
    at = 6

    def take(size: int) -> int:
        nonlocal at
        at += size
        if at > len(body):
            raise UnreadableFile("the AVIF is damaged")
        return int.from_bytes(body[at - size : at], "big")

    version, (sizes,) = body[0], struct.unpack_from(">H", body, 4)
    wide = 4 if version == 2 else 2
    found = {}
    for _ in range(take(wide)):
        item = take(wide)
        method = take(2) & 15 if version else 0
        elsewhere = take(2)
        base = take(sizes >> 4 & 15)
        pieces = []
        for _piece in range(take(2)):
            take(sizes & 15 if version else 0)
            pieces.append((base + take(sizes >> 12), take(sizes >> 8 & 15)))
        if elsewhere or method > 1 or not all(length for _, length in pieces):
            raise UnreadableFile("the AVIF keeps its items in a way that is not moved")
        found[item] = _Place(method, pieces)
    return found


def _write_places(places: Mapping[int, _Place], behind: int, growth: int) -> bytes:
    """An `iloc` of version 1; what lies in the file from `behind` on has moved by `growth`."""
    parts = [struct.pack(">IHH", 1 << 24, 0x4400, len(places))]
    for item, place in places.items():
        parts.append(struct.pack(">HHHH", item, place.method, 0, len(place.pieces)))
        moved = growth if not place.method else 0
        parts += [struct.pack(">II", at + (moved if at >= behind else 0), length) for at, length in place.pieces]
    return b"".join(parts)


def _read_items(body: bytes) -> dict[int, bytes]:
    """Number → kind of each item; `mime` is XMP alone."""
    found = {}
    for kind, _, start, end in _boxes(body, 8 if body[0] else 6, len(body)):
        entry = body[start:end]
        wide = 4 if entry[:1] == b"\3" else 2
        name = entry[6 + wide : 10 + wide]
        if kind == b"infe":
            found[int.from_bytes(entry[4 : 4 + wide], "big")] = name if name != XMP or _XMP_TYPE in entry else b""
    return found


def _with_entry(body: bytes, number: int, kind: bytes) -> bytes:
    wide = 4 if body[0] else 2
    count = int.from_bytes(body[4 : 4 + wide], "big") + 1
    entry = struct.pack(">IHH4s", 2 << 24, number, 0, kind) + b"\0" + (_XMP_TYPE if kind == XMP else b"")
    return body[:4] + count.to_bytes(wide, "big") + body[4 + wide :] + _box(b"infe", entry)


def _with_reference(body: bytes, number: int, primary: int) -> bytes:
    """That the item describes the primary picture."""
    form = ">IHI" if body[0] else ">HHH"
    return body + _box(b"cdsc", struct.pack(form, number, 1, primary))


def _blanked(data: bytes, pieces: list[tuple[int, int]]) -> bytes:
    blank = bytearray(data)
    for at, length in pieces:
        blank[at : at + length] = bytes(len(blank[at : at + length]))
    return bytes(blank)
