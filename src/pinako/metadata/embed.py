"""Puts texts into encoded pictures as the generators do, by moving bytes: no pixel is decoded or changed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from pinako import errors
from pinako.metadata.containers.png import SIGNATURE

_MAX_SEGMENT = 65_533


def embed_png(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A PNG with text chunks before its picture data: `tEXt` for what Latin-1 holds, else `iTXt`. No PNG: UnreadableFile."""
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        raise errors.UnreadableFile("not a PNG")
    chunks = b"".join(_text_chunk(keyword, text) for keyword, text in texts.items())
    return data[:33] + chunks + data[33:]


def embed_jpeg(data: bytes, user_comment: str) -> bytes:
    """A JPEG whose first segment is EXIF with this UserComment. Over 64 KB (about 32,000 letters): TooLarge."""
    if not data.startswith(b"\xff\xd8\xff"):
        raise errors.UnreadableFile("not a JPEG")
    body = b"Exif\0\0" + exif_block(user_comment)
    if len(body) > _MAX_SEGMENT:
        raise errors.TooLarge("a JPEG segment holds 64 KB")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def embed_webp(data: bytes, user_comment: str) -> bytes:
    """A WebP with an EXIF chunk of this UserComment, made extended (VP8X) where it is a simple one."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise errors.UnreadableFile("not a WebP")
    chunks = [chunk for chunk in _chunks(data) if chunk[0] != b"EXIF"]
    if not chunks:
        raise errors.UnreadableFile("a WebP without a picture")
    head, body = chunks[0]
    if head == b"VP8X":
        chunks[0] = (head, bytes([body[0] | 0x08]) + body[1:])
    else:
        chunks.insert(0, (b"VP8X", _canvas(head, body)))
    chunks.append((b"EXIF", exif_block(user_comment)))
    packed = b"WEBP" + b"".join(_packed(kind, part) for kind, part in chunks)
    return b"RIFF" + struct.pack("<I", len(packed)) + packed


def exif_block(user_comment: str) -> bytes:
    """A TIFF tree with one UserComment in UTF-16BE without a mark, as A1111 and Civitai write it."""
    text = b"UNICODE\0" + user_comment.encode("utf-16-be", "surrogatepass")
    head = b"MM\0*" + struct.pack(">I", 8)
    first = struct.pack(">HHHII", 1, 0x8769, 4, 1, 26) + struct.pack(">I", 0)
    second = struct.pack(">HHHII", 1, 0x9286, 7, len(text), 44) + struct.pack(">I", 0)
    return head + first + second + text


def _text_chunk(keyword: str, text: str) -> bytes:
    name = keyword.encode("latin-1")[:79]
    try:
        return _chunk(b"tEXt", name + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", name + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        found.append((kind, data[position + 8 : position + 8 + length]))
        position += 8 + length + (length & 1)
    return found


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def _canvas(kind: bytes, body: bytes) -> bytes:
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1
    else:
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        alpha = 0
    flags = 0x08 | (0x10 if alpha else 0)
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
