"""A PNG made quick to decode: its pixel data inflated by a faster library and put back unpacked, all else left as it is.

Most of the time that a PNG's decoding takes goes into inflating, and Pillow's library needs twice as long for it as Intel's
does. Pillow then copies what it would have inflated, and still does all that needs knowledge of the format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, cast

from isal import isal_zlib

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOST: Final = 128 << 20
"""Bytes of unpacked pixel data up to which this is done: it holds them twice."""
_STORED: Final = 65_535
"""Bytes of one stored block of a deflate stream, at most."""
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BROKEN: Final = cast("type[Exception]", isal_zlib.error)
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")


def unpack_png(data: bytes) -> bytes | None:
    """The same picture with unpacked pixels and without texts; None for anything that is not a plain, whole PNG.

    Then the file is to be decoded as it is, and refused where it is damaged. The pixels' chunk has no checksum, which no
    decoder here looks at: this is for a decoder in this process, not for a disk.
    """
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        return None
    packed = [whole[8:-4] for kind, whole in chunks if kind == b"IDAT"]
    size = _unpacked_size(bytes(chunks[0][1][8:-4]))
    pixels = _inflate(packed, size) if packed and size is not None else None
    return None if pixels is None else b"".join([_SIGNATURE, *_written(chunks, pixels)])


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk's kind and all its bytes; ends early at the first that is cut short, and before anything behind the end."""
    if not data.startswith(_SIGNATURE):
        return
    view, at, kind = memoryview(data), len(_SIGNATURE), b""
    while kind != b"IEND" and at + 12 <= len(data):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        if end > len(data):
            return
        yield kind, view[at:end]
        at = end


def _unpacked_size(header: bytes) -> int | None:
    """Bytes of all rows with their filter bytes; None for what is not handled: interlaced, empty, too large, nonsense."""
    if len(header) != 13:
        return None
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    channels = _CHANNELS.get(colour)
    if channels is None or interlace or depth not in (1, 2, 4, 8, 16):
        return None
    size: int = height * (1 + (width * channels * depth + 7) // 8)
    return size if width and height and size <= _MOST else None


def _inflate(packed: list[memoryview], size: int) -> bytes | None:
    """The rows, if they are there whole and there is no more of them."""
    inflater = isal_zlib.decompressobj()
    try:
        pixels: bytes = inflater.decompress(packed[0] if len(packed) == 1 else b"".join(packed), size + 1)
    except _BROKEN:
        return None
    return pixels if len(pixels) == size and inflater.eof else None


def _written(chunks: list[tuple[bytes, memoryview]], pixels: bytes) -> Iterator[bytes | memoryview]:
    done = False
    for kind, whole in chunks:
        if kind not in _TEXTS and kind != b"IDAT":
            yield whole
        elif kind == b"IDAT" and not done:
            done = True
            parts = list(_stored(pixels))
            yield struct.pack(">I4s", sum(len(part) for part in parts), kind)
            yield from parts
            yield bytes(4)


def _stored(pixels: bytes) -> Iterator[bytes | memoryview]:
    """A zlib stream that holds bytes as they are."""
    view = memoryview(pixels)
    yield b"\x78\x01"
    for start in range(0, len(view), _STORED):
        piece = view[start : start + _STORED]
        last = start + _STORED >= len(view)
        yield struct.pack("<BHH", last, len(piece), len(piece) ^ 0xFFFF)
        yield piece
    yield isal_zlib.adler32(pixels).to_bytes(4, "big")
