"""A picture's pixels where they lie, and their hash: copying them out would cost as much as hashing them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFile
from xxhash import xxh3_128

if TYPE_CHECKING:
    from PIL._imaging import ImagingCore

_BAND: Final = 1 << 22
"""Pixels copied at a time where they cannot be read in place, so that a large picture is not copied whole."""
_WIDTH: Final = 4
"""Bytes of a pixel in memory. Pillow gives an RGB one a fourth byte, which means nothing."""


def hash_pixels(colour: Image.Image) -> str:
    """XXH3 of 128 bits, lower-case hex, of size and pixels (RGB and 255, or RGBA) row by row, before any turning.

    It tells what may be thrown into the trash and nothing more, so it need not withstand a forger; a cryptographic hash of the
    pixels of a JPEG takes a third of their decoding (BLAKE3) or all of it (SHA-256), this one a fiftieth.
    """
    plain = colour if _is_as_decoded(colour) else colour.convert("RGBA").convert("RGB")
    digest = xxh3_128(f"{colour.width}x{colour.height} {colour.mode}\n".encode())
    with lent_pixels(plain.im, plain.size) as lent:
        for piece in _copied(plain) if lent is None else (lent,):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def lent_pixels(memory: ImagingCore, size: tuple[int, int]) -> Iterator[memoryview | None]:
    """A picture's own memory, four bytes a pixel row by row, to be used within the block; None where it must be copied."""
    held = _exported(memory, size[0] * size[1])
    yield None if held is None else _pixels_of(held, size[0] * size[1] * _WIDTH)


def _is_as_decoded(colour: Image.Image) -> bool:
    """Whether the fourth byte of RGB pixels is 255: decoders set it, TIFF's may leave the file's own, merged bands 0."""
    if colour.mode != "RGB" or (isinstance(colour, ImageFile.ImageFile) and colour.format != "TIFF"):
        return True
    with lent_pixels(colour.im, colour.size) as lent:
        return lent is not None and bool((np.frombuffer(lent, np.uint8)[_WIDTH - 1 :: _WIDTH] == 255).all())


def _copied(image: Image.Image) -> Iterator[bytes]:
    width, height = image.size
    rows, mode = max(1, _BAND // width), "RGBX" if image.mode == "RGB" else image.mode
    for top in range(0, height, rows):
        band = image if rows >= height else image.crop((0, top, width, min(top + rows, height)))
        yield band.tobytes("raw", mode)


# --- Arrow's C data interface, by which a picture lends its memory --------------------------------------------------


class _Array(ctypes.Structure):
    """ArrowArray of the published interface (arrow.apache.org/docs/format/CDataInterface)."""


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _exported(memory: ImagingCore, pixels: int) -> object | None:
    """The capsule that holds the picture's memory while it lives; None where it is not in one piece, or Pillow is old."""
    export = getattr(memory, "__arrow_c_array__", None)
    if export is None:
        return None
    try:
        capsule: object = export()
    except (ValueError, MemoryError):  # a large picture lies in several blocks
        return None
    array = _Array.from_address(_pointer_of(capsule, b"arrow_array"))
    # A list of four bytes for each pixel. Anything else is copied: other versions may lend it otherwise.
    lent = array.n_children == 1 and array.length == pixels and array.offset == 0
    return capsule if lent and array.children[0].contents.length == array.length * _WIDTH else None


def _pixels_of(capsule: object, size: int) -> memoryview:
    """The lent bytes; to be used while the capsule is held."""
    child = _Array.from_address(_pointer_of(capsule, b"arrow_array")).children[0].contents
    lent = (ctypes.c_ubyte * size).from_address(child.buffers[1])
    return memoryview(lent).cast("B")
