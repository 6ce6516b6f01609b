"""WebP: RIFF chunks with EXIF and XMP after the picture data."""

from __future__ import annotations

import struct

from pinako import errors
from pinako.metadata.containers.exif import read_exif
from pinako.metadata.containers.source import Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.containers.xmp import read_xmp
from pinako.metadata.reading import Facts

_MAX_CHUNKS = 1 << 16


def read_webp(source: Source, notes: Notes) -> Facts:
    """Facts and texts. Dimensions come from VP8X where present, else from the bitstream's own header."""
    size: tuple[int, int] | None = None
    animated = c2pa = alpha = pictured = False
    for kind, position, length in riff_chunks(source):
        if kind == b"VP8X":
            body = source.at(position, 10)
            size, alpha = _canvas(body), bool(body[:1]) and bool(body[0] & 0x10)
        elif kind in (b"VP8 ", b"VP8L"):
            pictured = True
            body = source.at(position, 10)
            size = size or _bitstream_size(kind, body)
            alpha = alpha or (kind == b"VP8L" and len(body) > 4 and bool(body[4] & 0x10))
        elif kind == b"ANMF":
            pictured = True
        elif kind == b"ANIM":
            animated = True
        elif kind == b"C2PA":
            c2pa = True
        elif kind == b"EXIF":
            read_exif(source.at(position, length), notes)
        elif kind == b"XMP ":
            text = decode_loose(source.at(position, length))
            read_xmp(text, notes)
            notes.add("XMP", text)
    if size is None:
        raise errors.UnreadableFile("a WebP without a picture")
    return Facts(
        kind="image", mime="image/webp", width=size[0], height=size[1], animated=animated, c2pa=c2pa, alpha=alpha,
        complete=pictured and int.from_bytes(source.head[4:8], "little") + 8 <= source.size,
    )  # fmt: skip


def riff_chunks(source: Source) -> list[tuple[bytes, int, int]]:
    """(kind, offset of the body, length) of a RIFF file's chunks, as far as they go."""
    found: list[tuple[bytes, int, int]] = []
    position = 12
    while len(found) < _MAX_CHUNKS:
        piece = source.at(position, 8)
        if len(piece) < 8:
            break
        kind, length = struct.unpack("<4sI", piece)
        found.append((kind, position + 8, length))
        position += 8 + length + (length & 1)
    return found


def _canvas(body: bytes) -> tuple[int, int] | None:
    if len(body) < 10:
        return None
    return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1


def _bitstream_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if len(body) < 10:
        return None
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
