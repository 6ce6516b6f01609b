"""Text hidden in the lowest bits of pixels, column by column: NovelAI's alpha channel and the extensions that copied it.

A PNG is looked at cheaply first: the mark lies in its first column, and the bytes of a first column depend on no other.
"""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from pinako.metadata.containers.png import SIGNATURE
from pinako.metadata.containers.source import MAX_TEXT, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.reading import Facts

_MARKS = {"stealth_pngcomp": ("A", True), "stealth_pnginfo": ("A", False), "stealth_rgbcomp": ("RGB", True),
          "stealth_rgbinfo": ("RGB", False)}  # fmt: skip
_MARK_BITS = 15 * 8
_MAX_PIXELS = 50_000_000
_MAX_PEEK = 1 << 23
_SMALL = 1 << 18
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error)
"""What Pillow raises for pictures that are not whole."""

_LOWEST = bytes(48 + (value & 1) for value in range(256))
"""A byte to the digit of its lowest bit."""


def find_stealth(source: Source, facts: Facts) -> str:
    """The hidden text, empty where there is none. Costs an unpacking of a few rows unless the mark is there."""
    if not facts.width or not facts.height or facts.width * facts.height > _MAX_PIXELS or facts.animated:
        return ""
    if source.head.startswith(SIGNATURE):
        if source.head[24] != 8 or source.head[25] not in (2, 6) or source.head[28]:
            return ""
        if facts.height >= _MARK_BITS and not _peek(source, facts.width, 4 if source.head[25] == 6 else 3):
            return ""
        if facts.height < _MARK_BITS and facts.width * facts.height > _SMALL:
            return ""
    elif not (facts.mime == "image/webp" and facts.alpha and b"VP8L" in source.head[:64]):
        return ""
    try:
        with Image.open(source.reader()) as picture:
            return _read_pixels(picture)
    except _DAMAGE:
        return ""


def hide(picture: Image.Image, text: str) -> Image.Image:
    """A copy of the picture with the text in its alpha, packed, as NovelAI hides it (for the demo and for tests)."""
    packer = zlib.compressobj(wbits=31)
    data = packer.compress(text.encode()) + packer.flush()
    payload = b"stealth_pngcomp" + (8 * len(data)).to_bytes(4, "big") + data
    bits = f"{int.from_bytes(payload, 'big'):0{8 * len(payload)}b}"
    turned = picture.convert("RGBA").transpose(Image.Transpose.TRANSPOSE)
    if len(bits) > turned.width * turned.height:
        raise ValueError("the text is too long for the picture")
    alpha = bytearray(turned.getchannel("A").tobytes())
    for place, bit in enumerate(bits):
        alpha[place] = alpha[place] & 0xFE | (bit == "1")
    turned.putalpha(Image.frombytes("L", turned.size, bytes(alpha)))
    return turned.transpose(Image.Transpose.TRANSPOSE)


def _peek(source: Source, width: int, channels: int) -> bool:
    """Whether the first column of a PNG begins with one of the marks."""
    stride = 1 + width * channels
    # Eight rows show the first letter in alpha and more in the colours: nearly every picture ends here.
    if not any(text.startswith("s") for text in _first_column(_unpack(source, stride * 8), stride, channels)):
        return False
    rows = _unpack(source, min(stride * _MARK_BITS, _MAX_PEEK))
    return any(mark[:15] in _MARKS for mark in _first_column(rows, stride, channels))


def _first_column(rows: bytes, stride: int, channels: int) -> list[str]:
    """What the lowest bits of the first column spell: in the colours, and in alpha where there is one."""
    column, alphas, colours = [0] * channels, [], []
    for start in range(0, len(rows) - channels, stride):
        kind = rows[start]
        for channel in range(channels):
            value = rows[start + 1 + channel]
            if kind in (2, 4):  # with nothing to the left, Paeth predicts what is above, as Up does
                value += column[channel]
            elif kind == 3:
                value += column[channel] >> 1
            column[channel] = value & 255
        colours += [48 + (value & 1) for value in column[:3]]
        alphas.append(48 + (column[-1] & 1))
    return [_text_of(bytes(bits[:_MARK_BITS])) for bits in ((alphas, colours) if channels == 4 else (colours,))]


def _unpack(source: Source, wanted: int) -> bytes:
    """The beginning of the picture data, with filters still on."""
    engine, rows, position = zlib.decompressobj(), b"", 8
    for _ in range(4096):
        head = source.at(position, 8)
        if len(head) < 8 or len(rows) >= wanted:
            break
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            try:
                rows += engine.decompress(source.at(position + 8, min(length, 1 << 22)), wanted - len(rows))
            except zlib.error:
                break
        elif rows:
            break
        position += length + 12
    return rows


def _text_of(digits: bytes) -> str:
    size = len(digits) // 8
    return int(digits[: size * 8] or b"0", 2).to_bytes(size, "big").decode("latin-1")


def _read_pixels(picture: Image.Image) -> str:
    turned = picture.transpose(Image.Transpose.TRANSPOSE)
    for channels in ("A", "RGB"):
        if channels == "A" and "A" not in turned.getbands():
            continue
        plane = turned.getchannel("A") if channels == "A" else turned.convert("RGB")
        digits = plane.tobytes().translate(_LOWEST)
        wanted, packed = _MARKS.get(_text_of(digits[:_MARK_BITS]), ("", False))
        if wanted == channels:
            return _payload(digits[_MARK_BITS:], packed)
    return ""


def _payload(digits: bytes, packed: bool) -> str:
    length = int(digits[:32] or b"0", 2)
    data = _text_of(digits[32 : 32 + min(length, 8 * MAX_TEXT)]).encode("latin-1")
    if packed:
        try:
            data = zlib.decompressobj(31).decompress(data, MAX_TEXT)
        except zlib.error:
            return ""
    return decode_loose(data)
