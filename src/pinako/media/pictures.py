"""Opening pictures that strangers made: known formats only, declared size checked before a pixel is decoded."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from pinako.errors import UnreadableFile

PIXEL_LIMIT: Final = 200_000_000
"""Pixels that are decoded at most, unless a setting says otherwise: about 800 MB in memory."""

FORMATS: Final = tuple(
    reader.format
    for reader in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
        GifImagePlugin.GifImageFile,
        AvifImagePlugin.AvifImageFile,
        TiffImagePlugin.TiffImageFile,
        BmpImagePlugin.BmpImageFile,
    )
)
"""Nothing else is tried: other readers of Pillow start programs or are little tested against hostile files."""

DECODE_FAILURES: Final = (
    OSError,
    SyntaxError,  # Pillow's word for a broken PNG or GIF
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,  # frames of a GIF whose palette is missing
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow's readers raise on files that are not what they claim."""

_MIMES = {"MPO": "image/jpeg"}
_EXIF_ORIENTATION: Final = 0x0112

# Our own limit below replaces Pillow's, which warns at a size that upscaled pictures reach.
Image.MAX_IMAGE_PIXELS = None
# A ComfyUI graph in a compressed chunk may pass Pillow's 1 MB, and then the whole picture would not open.
PngImagePlugin.MAX_TEXT_CHUNK = 16 << 20


def open_picture(source: bytes | Path, *, pixel_limit: int = PIXEL_LIMIT) -> ImageFile.ImageFile:
    """A picture whose header was read and whose size is bearable; pixels follow on `load`. Close it after use.

    Raises UnreadableFile for anything that is no picture of a known format, or is larger than `pixel_limit` pixels.
    """
    with decoding():
        _check_webp_canvas(source, pixel_limit)
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    try:
        check_size(image.size, pixel_limit)
    except UnreadableFile:
        image.close()
        raise
    return image


def check_size(size: tuple[int, int], pixel_limit: int) -> None:
    """Raise UnreadableFile for a declared size that is empty or over the limit."""
    width, height = size
    if width < 1 or height < 1:
        raise UnreadableFile("The picture has no pixels")
    if width * height > pixel_limit:
        raise UnreadableFile(f"The picture declares {width} x {height} pixels, more than this instance opens")


def load(image: Image.Image) -> None:
    """Decode the pixels of the current frame. UnreadableFile where they are cut short or damaged."""
    with decoding():
        image.load()


@contextmanager
def decoding() -> Iterator[None]:
    """Let Pillow work on a stranger's file: its warnings stay unheard, what it raises becomes UnreadableFile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DECODE_FAILURES as error:
        raise _unreadable(error) from error


def _unreadable(error: BaseException) -> UnreadableFile:
    if isinstance(error, MemoryError):
        return UnreadableFile("The picture needs more memory than this instance gives")
    if isinstance(error, UnidentifiedImageError):  # its own words show an address in memory
        return UnreadableFile("The picture is of no format that can be decoded here")
    return UnreadableFile(f"The picture cannot be read: {error}"[:300])


def mime_of(image: Image.Image) -> str:
    """The type of the bytes an image was read from, whatever its file was called."""
    name = image.format or ""
    return _MIMES.get(name) or Image.MIME.get(name, "application/octet-stream")


def is_animated(image: Image.Image) -> bool:
    """Whether there is a second frame. A JPEG's second picture (a phone's depth map) is none."""
    return image.format not in {"MPO", "TIFF"} and bool(getattr(image, "is_animated", False))


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation 1-8; 1 where there is none or it is nonsense. Ask after `load`: it may follow the pixels."""
    if "exif" not in image.info and image.format != "TIFF":
        return 1
    try:
        with decoding():
            value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except UnreadableFile:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as it is meant to be seen."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def as_colour(image: Image.Image) -> Image.Image:
    """The image as RGB, or as RGBA where some pixel is not opaque."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    if image.mode in {"I", "F"}:
        return _from_deep(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    lowest = rgba.getchannel("A").getextrema()[0]
    return rgba.convert("RGB") if lowest == 255 else rgba


def flatten(image: Image.Image, background: str = "#fff") -> Image.Image:
    """An RGB image, with transparent parts over a colour."""
    if image.mode != "RGBA":
        return image
    under = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(under, image).convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """16 and 32 bit grey to 8 by its own range: Pillow's plain conversion would clip it to white."""
    grey = image.convert("F")
    high = grey.getextrema()[1]
    top = 65535.0 if isinstance(high, float) and high > 255 else 255.0
    return grey.point(lambda value: value * (255.0 / top)).convert("L").convert("RGB")


def _check_webp_canvas(source: bytes | Path, pixel_limit: int) -> None:
    """Pillow's WebP reader makes its canvases while opening, so the declared size is looked at before."""
    head = source[:30] if isinstance(source, bytes) else _read_head(source, 30)
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) == 30:
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        check_size((width, height), pixel_limit)


def _read_head(path: Path, length: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(length)


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
