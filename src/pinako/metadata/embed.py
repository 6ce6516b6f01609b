"""Puts texts into encoded pictures as the generators do, by moving bytes: no pixel is decoded or changed."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Mapping

from pinako import errors
from pinako.metadata.containers.png import SIGNATURE
from pinako.metadata.embed_avif import EXIF, XMP, Avif

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
    if not width or not height or len(body) < 5:
        raise errors.UnreadableFile("a WebP without a size")
    flags = 0x08 | (0x10 if alpha else 0)
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


# --- copies that say how they were made, for files that may hold other texts already ------------------------------

A1111_KEYWORD = "parameters"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_USER_COMMENT, _EXIF_POINTER = 0x9286, 0x8769


def carry_a1111(data: bytes, text: str) -> bytes:
    """A copy of a PNG, JPEG, WebP or AVIF with this text where A1111 writes it, in the place of one that is there; its other
    texts and tags stay. UnreadableFile for any other file, TooLarge where a JPEG has no room."""
    if data.startswith(SIGNATURE):
        kept = b"".join(raw for kind, raw in _png_chunks(data) if not _is_text(kind, raw, A1111_KEYWORD.encode()))
        return embed_png(SIGNATURE + kept, {A1111_KEYWORD: text})
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        old = next((body for kind, body in _chunks(data) if kind == b"EXIF"), b"")
        return _webp_with(data, b"EXIF", _exif_with(old, text), 0x08)
    if data[4:8] == b"ftyp":
        avif = Avif(data)
        tree = avif.item(EXIF) or bytes(4)
        old = tree[4 + int.from_bytes(tree[:4], "big") :]
        return avif.with_item(EXIF, bytes(4) + _exif_with(old, text))
    segments, picture = _jpeg_segments(data)
    old = next((body[6:] for marker, body in segments if marker == 0xE1 and body.startswith(b"Exif\0\0")), b"")
    others = [(marker, body) for marker, body in segments if not (marker == 0xE1 and body.startswith(b"Exif\0\0"))]
    return _jpeg_of([(0xE1, b"Exif\0\0" + _exif_with(old, text)), *others], picture)


def carry_xmp(data: bytes, packet: str) -> bytes:
    """A copy with this XMP packet. Conflict where the file has one, which is left as it is."""
    body = packet.encode()
    if data.startswith(SIGNATURE):
        if any(_is_text(kind, raw, _XMP_KEYWORD) for kind, raw in _png_chunks(data)):
            raise errors.Conflict("it has an XMP packet of its own")
        chunk = _chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + body)
        return data[:33] + chunk + data[33:]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        if any(kind == b"XMP " for kind, _ in _chunks(data)):
            raise errors.Conflict("it has an XMP packet of its own")
        return _webp_with(data, b"XMP ", body, 0x04)
    if data[4:8] == b"ftyp":
        avif = Avif(data)
        if avif.has_xmp:
            raise errors.Conflict("it has an XMP packet of its own")
        return avif.with_item(XMP, body)
    segments, picture = _jpeg_segments(data)
    if any(marker == 0xE1 and part.startswith(_XMP_SEGMENT) for marker, part in segments):
        raise errors.Conflict("it has an XMP packet of its own")
    exif = [one for one in segments if one[0] == 0xE1 and one[1].startswith(b"Exif\0\0")]
    others = [one for one in segments if one not in exif]
    return _jpeg_of([*exif, (0xE1, _XMP_SEGMENT + body), *others], picture)


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and whole chunk of each, in order; what follows IEND stays with the last."""
    found: list[tuple[bytes, bytes]] = []
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            raise errors.UnreadableFile("the PNG is cut short")
        end = len(data) if kind == b"IEND" else end
        found.append((kind, data[at:end]))
        at = end
    return found


def _is_text(kind: bytes, raw: bytes, keyword: bytes) -> bool:
    return kind in (b"tEXt", b"zTXt", b"iTXt") and raw[8:].startswith(keyword + b"\0")


def _jpeg_segments(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The segments before the picture, and everything from there on."""
    if not data.startswith(b"\xff\xd8\xff"):
        raise errors.UnreadableFile("not a PNG, JPEG, WebP or AVIF")
    found: list[tuple[int, bytes]] = []
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA or marker not in range(0xC0, 0xFF) or 0xD0 <= marker <= 0xD9:
            return found, data[at:]
        if at + 2 + length > len(data) or length < 2:
            break
        found.append((marker, data[at + 4 : at + 2 + length]))
        at += 2 + length
    raise errors.UnreadableFile("the JPEG is cut short")


def _jpeg_of(segments: list[tuple[int, bytes]], picture: bytes) -> bytes:
    # A JFIF segment is the first where there is one.
    ordered = sorted(segments, key=lambda one: one[0] != 0xE0)
    for _, body in ordered:
        if len(body) > _MAX_SEGMENT:
            raise errors.TooLarge("a JPEG segment holds 64 KB")
    parts = [bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body for marker, body in ordered]
    return b"\xff\xd8" + b"".join(parts) + picture


def _exif_with(old: bytes, user_comment: str) -> bytes:
    """A TIFF tree with this comment: the old one's with its other tags (orientation!), or a new one where it has none."""
    from PIL import Image

    tree = old.removeprefix(b"Exif\0\0")
    if not tree:
        return exif_block(user_comment)
    exif = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of, a damaged tree, is dealt with here
        try:
            exif.load(tree)
            inner = exif.get_ifd(_EXIF_POINTER)
            inner[_USER_COMMENT] = b"UNICODE\0" + user_comment.encode("utf-16-be", "surrogatepass")
            exif[_EXIF_POINTER] = inner
            return _as_undefined(exif.tobytes().removeprefix(b"Exif\0\0"))
        except (SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error, OSError, OverflowError):
            return exif_block(user_comment)  # a damaged tree has nothing to keep


def _as_undefined(tree: bytes) -> bytes:
    """The comment's type is UNDEFINED, by the standard; the library that wrote the tree makes it BYTE, of the same length."""
    order = "<" if tree[:2] == b"II" else ">"
    found = _entry(tree, order, struct.unpack_from(f"{order}I", tree, 4)[0], _EXIF_POINTER)
    place = _entry(tree, order, struct.unpack_from(f"{order}I", tree, found + 8)[0], _USER_COMMENT)
    return tree[: place + 2] + struct.pack(f"{order}H", 7) + tree[place + 4 :]


def _entry(tree: bytes, order: str, at: int, tag: int) -> int:
    """Where the entry of a tag begins in the directory at `at`. ValueError where it has none."""
    (count,) = struct.unpack_from(f"{order}H", tree, at)
    for place in range(at + 2, at + 2 + 12 * count, 12):
        if struct.unpack_from(f"{order}H", tree, place)[0] == tag:
            return place
    raise ValueError("no such tag")


def _webp_with(data: bytes, kind: bytes, body: bytes, flag: int) -> bytes:
    chunks = [one for one in _chunks(data) if one[0] != kind]
    if not chunks:
        raise errors.UnreadableFile("a WebP without a picture")
    head, first = chunks[0]
    if head == b"VP8X" and first:
        chunks[0] = (head, bytes([first[0] | flag]) + first[1:])
    else:
        canvas = _canvas(head, first)
        chunks.insert(0, (b"VP8X", bytes([(canvas[0] & ~0x08) | flag]) + canvas[1:]))
    chunks.append((kind, body))
    packed = b"WEBP" + b"".join(_packed(name, part) for name, part in chunks)
    return b"RIFF" + struct.pack("<I", len(packed)) + packed
