"""WebM and Matroska: tags, duration and picture size, with the clusters of media stepped over."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pinako.metadata.containers.source import Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.reading import Facts

_SEGMENT, _INFO, _TRACKS, _TAGS, _SEEK_HEAD, _CLUSTER = (
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1254C367,
    0x114D9B74,
    0x1F43B675,
)
_SCALE, _DURATION, _TITLE, _WRITER = 0x2AD7B1, 0x4489, 0x7BA9, 0x5741
_ENTRY, _KIND, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0x83, 0xE0, 0xB0, 0xBA
_TAG, _SIMPLE, _NAME, _STRING = 0x7373, 0x67C8, 0x45A3, 0x4487
_SEEK, _SEEK_ID, _SEEK_PLACE = 0x4DBB, 0x53AB, 0x53AC
_MAX_ELEMENTS = 100_000
_MAX_BODY = 1 << 25
_MAX_DEPTH = 4

Element = tuple[int, int, int]
"""(id, where the body begins, where it ends)."""


def read_matroska(source: Source, notes: Notes) -> Facts:
    """Facts and texts. Tags behind the media are found through the index of the file, where it has one."""
    mime = "video/webm" if b"webm" in source.head[:64] else "video/x-matroska"
    segment = next((one for one in _elements(source, 0, source.size) if one[0] == _SEGMENT), None)
    if segment is None:
        return Facts(kind="video", mime=mime, animated=True, complete=False)
    found = _Found(notes)
    later: list[int] = []
    done: set[int] = set()
    for kind, start, end in _elements(source, segment[1], min(segment[2], source.size)):
        if kind == _SEEK_HEAD:
            later = _seek_places(source.at(start, min(end - start, 65536)), segment[1])
        elif kind in (_INFO, _TRACKS, _TAGS):
            done.add(start)
            found.read(kind, source.at(start, min(end - start, found.room)))
        elif kind == _CLUSTER and later:
            break  # the index knows the rest
    for place in later[:50]:
        for kind, start, end in _elements(source, place, source.size):
            if kind in (_INFO, _TRACKS, _TAGS) and start not in done:
                done.add(start)
                found.read(kind, source.at(start, min(end - start, found.room)))
            break
    pictured = found.pictured or found.width is not None
    return Facts(
        kind="video" if pictured else "audio", mime=mime if pictured else mime.replace("video", "audio"),
        width=found.width, height=found.height, animated=pictured, duration=found.duration,
        complete=segment[2] <= source.size,
    )  # fmt: skip


class _Found:
    """What the elements said."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.width: int | None = None
        self.height: int | None = None
        self.duration: float | None = None
        self.pictured = False
        self.room = _MAX_BODY

    def read(self, kind: int, body: bytes) -> None:
        self.room = max(0, self.room - len(body))
        if kind == _INFO:
            self._info(body)
        elif kind == _TRACKS:
            for entry, start, end in _inner(body):
                if entry == _ENTRY:
                    self._track(body[start:end])
        else:
            for tag, start, end in _inner(body):
                if tag == _TAG:
                    self._tags(body[start:end], 0)

    def _info(self, body: bytes) -> None:
        values = {kind: body[start:end] for kind, start, end in _inner(body)}
        scale = int.from_bytes(values.get(_SCALE, b"")[:8], "big") or 1_000_000
        stated = values.get(_DURATION, b"")
        if len(stated) in (4, 8):
            seconds = struct.unpack(">f" if len(stated) == 4 else ">d", stated)[0] * scale / 1e9
            self.duration = seconds if 0 <= seconds < 1e9 else None
        if _TITLE in values:
            self.notes.add("title", decode_loose(values[_TITLE]))

    def _track(self, body: bytes) -> None:
        for kind, start, end in _inner(body):
            if kind == _KIND:
                self.pictured = self.pictured or body[start:end] == b"\1"
            elif kind == _VIDEO and self.width is None:
                sides = {inner: body[start + at : start + stop] for inner, at, stop in _inner(body[start:end])}
                self.width = int.from_bytes(sides.get(_WIDTH, b"")[:4], "big") or None
                self.height = int.from_bytes(sides.get(_HEIGHT, b"")[:4], "big") or None

    def _tags(self, body: bytes, depth: int) -> None:
        for kind, start, end in _inner(body):
            if kind == _SIMPLE:
                part = body[start:end]
                values = {inner: part[at:stop] for inner, at, stop in _inner(part)}
                if _NAME in values and _STRING in values:
                    self._note(decode_loose(values[_NAME]), decode_loose(values[_STRING]))
                if depth < _MAX_DEPTH and _SIMPLE in values:
                    self._tags(part, depth + 1)

    def _note(self, name: str, text: str) -> None:
        # Muxers put names in capitals; the readers of generators know them small.
        self.notes.add(name.lower() if name.isupper() else name, text)


def _elements(source: Source, position: int, end: int) -> Iterator[Element]:
    for _ in range(_MAX_ELEMENTS):
        head = source.at(position, 12)
        kind, first = _number(head, 0, keep_mark=True)
        size, length = _number(head, first, keep_mark=False)
        if position >= end or not first or not length:
            return
        start = position + first + length
        unknown = size == (1 << 7 * length) - 1
        stop = end if unknown else start + size
        yield kind, start, stop
        position = stop


def _inner(body: bytes) -> Iterator[Element]:
    yield from _elements(Source.of_bytes(body), 0, len(body))


def _number(head: bytes, at: int, *, keep_mark: bool) -> tuple[int, int]:
    """(value, its length in bytes); length 0 where there is none. The leading zeros of the first byte say the length."""
    if at >= len(head) or head[at] == 0:
        return 0, 0
    length = 9 - head[at].bit_length()
    piece = head[at : at + length]
    if len(piece) < length:
        return 0, 0
    value = int.from_bytes(piece, "big")
    return (value if keep_mark else value & (1 << 7 * length) - 1), length


def _seek_places(body: bytes, base: int) -> list[int]:
    places = []
    for kind, start, end in _inner(body):
        if kind == _SEEK:
            values = {inner: body[start + at : start + stop] for inner, at, stop in _inner(body[start:end])}
            if int.from_bytes(values.get(_SEEK_ID, b"")[:4], "big") in (_INFO, _TRACKS, _TAGS):
                places.append(base + int.from_bytes(values.get(_SEEK_PLACE, b"")[:8], "big"))
    return places
