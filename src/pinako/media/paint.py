"""Pictures for the demo library: harmless procedural art, the same for the same seed, a few milliseconds each."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from isal import isal_zlib
from PIL import Image, PngImagePlugin

from pinako.media import landscapes, patterns
from pinako.media.canvas import Canvas, Chance

PictureFormat = Literal["png", "jpeg", "webp"]

SCENES: Final[Mapping[str, Callable[[Canvas], None]]] = {
    "mountains": landscapes.mountains,
    "currents": patterns.currents,
    "lighthouse": landscapes.lighthouse,
    "glass": patterns.glass,
    "dunes": landscapes.dunes,
    "orbits": patterns.orbits,
    "forest": landscapes.forest,
    "bloom": patterns.bloom,
    "skyline": landscapes.skyline,
    "contours": patterns.contours,
    "aurora": landscapes.aurora,
    "ripples": patterns.ripples,
    "planet": patterns.planet,
    "tiles": patterns.tiles,
    "marble": patterns.marble,
}
"""Every scene by its name, which may serve as a tag or a word of a prompt."""

PALETTES: Final[Mapping[str, tuple[str, ...]]] = {
    "ember": ("0b0a14", "2a1230", "6b1d3d", "c23b2e", "f0883e", "ffd27a", "fff6dc"),
    "dusk": ("0d1024", "1f2a52", "4a4a86", "9a6a9a", "e39a94", "f8d1a5", "fff4e0"),
    "fjord": ("06121c", "0e2f44", "1f5c73", "4f93a1", "98c4c4", "dbe9df", "fffdf2"),
    "moss": ("0a120c", "1b3323", "3c5e35", "7a8f4a", "bdbd6e", "e8dfa8", "fffbe4"),
    "orchid": ("120818", "37134a", "73267a", "b94a92", "e98aa6", "f9c7bf", "fff2ea"),
    "glacier": ("070d1f", "12305e", "2367a0", "4ba3cf", "95d3e4", "d3eff0", "ffffff"),
    "copper": ("120b08", "3a1c12", "74391f", "b0653a", "d99a63", "f0cd9c", "fff3dd"),
    "mint": ("06161a", "0d3f43", "1b7a70", "56b192", "a2d9b3", "dff2d1", "fffef0"),
    "plum": ("0f0a1e", "2b1b4d", "57347f", "8f5aa8", "c98fc0", "ecc7d6", "fff3f3"),
    "harbor": ("0a0f18", "1c2f45", "3d5f78", "83909a", "d0a27c", "f2cf94", "fff5da"),
    "citrus": ("13120a", "3b3a12", "7a6a15", "c39a1c", "f0c53c", "fbe58e", "fffbe3"),
    "rose": ("170a10", "45172c", "86304c", "c75b6e", "ea9a94", "f8cfbf", "fff4ec"),
    "midnight": ("04050d", "0d1533", "1d2f6b", "3c5cae", "7f93dc", "c3c8f2", "fbf8ff"),
    "lagoon": ("04141c", "073b4c", "0b7285", "22a3a3", "6fd0b2", "c6eec0", "fffce0"),
    "ink": ("0b0c0f", "23262c", "464a52", "777b80", "aeb0ae", "dcdad2", "fbf8ef"),
    "autumn": ("140a06", "42180c", "83300f", "c0581a", "df9136", "eec574", "fbf0cd"),
}
"""Dark to light. A scene is a field of light; its palette gives the colours."""

_PALETTE_COLOUR: Final = 3

_FINEST: Final = 50_000
"""Pixels that are computed; a larger picture is enlarged smoothly from about as many."""


def paint(seed: int, width: int, height: int, *, scene: str = "", palette: str = "") -> Image.Image:
    """A picture of `width` x `height` pixels, decided by the seed alone; scene and palette by name where given.

    The image has a palette (mode P): 256 shades are enough for it, and encode three times as fast as full colour.
    """
    chance = Chance(seed)
    scene = scene or scene_of(seed)
    palette = palette or chance.pick(tuple(PALETTES))
    scale = max(1.0, (width * height / _FINEST) ** 0.5)
    canvas = Canvas(max(8, round(width / scale)), max(8, round(height / scale)), chance)
    SCENES[scene](canvas)
    shades = np.clip(canvas.light * 255 + 0.5, 0, 255).astype(np.uint8)
    image = Image.fromarray(shades)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    image.putpalette(_colours(palette))
    return image


def scene_of(seed: int) -> str:
    """The name of the scene that a seed shows; neighbouring seeds show different ones."""
    return tuple(SCENES)[seed % len(SCENES)]


def encode(
    image: Image.Image, format: PictureFormat, *, text: Mapping[str, str] | None = None, exif: bytes = b""
) -> bytes:
    """File bytes with fixed settings: the same image gives the same bytes.

    Those of `paint` are quickest. `text` goes into PNG chunks (`tEXt`, or `iTXt` beyond Latin-1), `exif` into JPEG and WebP.
    """
    out = io.BytesIO()
    if format == "png" and image.mode == "P":
        return _png(image, text or {})
    if format == "png":
        image.save(out, "PNG", compress_level=1, pnginfo=_texts(text or {}))
    elif format == "jpeg":
        image.convert("RGB").save(out, "JPEG", quality=88, subsampling=2, exif=exif)
    else:
        image.convert("RGB").save(out, "WEBP", quality=80, method=0, exif=exif)
    return out.getvalue()


def _png(image: Image.Image, text: Mapping[str, str]) -> bytes:
    """Pillow's encoder needs four times as long for a file of this size: most of it goes into deflating."""
    width, height = image.size
    rows = np.zeros((height, width + 1), np.uint8)  # before each row stands how it is filtered: not at all
    rows[:, 1:] = np.asarray(image)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _PALETTE_COLOUR, 0, 0, 0)),
        (b"PLTE", bytes(image.getpalette() or [])),
        *((kind, data) for kind, data, *_ in _texts(text).chunks),
        (b"IDAT", isal_zlib.compress(rows.data, 2)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_framed(kind, data) for kind, data in chunks)


def _texts(text: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_text(keyword, value)
    return chunks


def _framed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))


@lru_cache(maxsize=32)
def _colours(palette: str) -> bytes:
    stops = np.array([list(bytes.fromhex(stop)) for stop in PALETTES[palette]], dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8).tobytes()
