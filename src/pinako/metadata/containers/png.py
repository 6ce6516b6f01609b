"""PNG: text chunks before and after the picture data, at the cost of one header read per chunk."""

from __future__ import annotations

import struct
import zlib

from pinako import errors
from pinako.metadata.containers.exif import read_exif
from pinako.metadata.containers.source import MAX_TEXT, Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.containers.xmp import read_xmp
from pinako.metadata.reading import Facts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 1 << 17
_MAX_TEXTS = 1000
_header = struct.Struct(">I4s").unpack
_header_from = struct.Struct(">I4s").unpack_from
_size_from = struct.Struct(">II").unpack_from


def read_png(source: Source, notes: Notes) -> Facts:
    """Facts and texts. Checksums are not looked at: editors break them and the text is none the worse.

    A file cut in the middle of its data gives what came before, `complete` False. No IHDR: UnreadableFile.
    """
    head = source.head
    if head[12:16] != b"IHDR" or len(head) < 29:
        raise errors.UnreadableFile("a PNG without its header chunk")
    width, height = _size_from(head, 16)
    animated = c2pa = ended = False
    transparent = head[25] in (4, 6)
    position, known, texts = 20 + int.from_bytes(head[8:12], "big"), len(head), 0
    for _ in range(_MAX_CHUNKS):
        if position + 8 <= known:
            length, kind = _header_from(head, position)
        else:
            piece = source.at(position, 8)
            if len(piece) < 8:
                break
            length, kind = _header(piece)
        if kind == b"IDAT":
            pass
        elif kind in _TEXT and notes.room > 0 and texts < _MAX_TEXTS:
            texts += 1
            end = position + 8 + length
            body = head[position + 8 : end] if end <= known else source.at(position + 8, min(length, MAX_TEXT))
            _TEXT[kind](body, notes)
        elif kind == b"IEND":
            ended = True
            break
        elif kind == b"acTL":
            animated = True
        elif kind == b"caBX":
            c2pa = True
        elif kind == b"tRNS":
            transparent = True
        elif not kind.isalpha():
            break  # not a chunk: the rest is damaged
        position += length + 12
    return Facts(
        kind="image", mime="image/png", width=width, height=height, animated=animated, c2pa=c2pa, alpha=transparent,
        complete=ended,
    )  # fmt: skip


def inflate(data: bytes, room: int) -> bytes:
    """Inflated bytes, at most `room`; a stream that is damaged or longer gives nothing or its beginning."""
    engine = zlib.decompressobj()
    try:
        return engine.decompress(data, max(1, min(room, MAX_TEXT)))
    except zlib.error:
        return b""


def _read_text(body: bytes, notes: Notes) -> None:
    name, _, text = body.partition(b"\0")
    notes.add(name.decode("latin-1"), decode_loose(text))


def _read_ztext(body: bytes, notes: Notes) -> None:
    name, _, rest = body.partition(b"\0")
    notes.add(name.decode("latin-1"), decode_loose(inflate(rest[1:], notes.room)))


def _read_itext(body: bytes, notes: Notes) -> None:
    name, _, rest = body.partition(b"\0")
    packed, rest = rest[:1] == b"\1", rest[2:]
    _language, _, rest = rest.partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    decoded = decode_loose(inflate(text, notes.room) if packed else text)
    keyword = name.decode("latin-1")
    if keyword == "XML:com.adobe.xmp":
        read_xmp(decoded, notes)
    notes.add(keyword, decoded)


_TEXT = {b"tEXt": _read_text, b"zTXt": _read_ztext, b"iTXt": _read_itext, b"eXIf": read_exif}
