"""What import needs to know of a picture, from one decode: size, BlurHash, perceptual hash, hash of the pixels."""

from __future__ import annotations

from pathlib import Path

import msgspec
from blake3 import blake3
from PIL import Image

from pinako.media.hashes import blurhash, perceptual_hash
from pinako.media.pictures import (
    PIXEL_LIMIT,
    as_colour,
    decoding,
    flatten,
    is_animated,
    load,
    mime_of,
    open_picture,
    orientation_of,
    upright,
)

_SMALL = 128
"""Long side, in pixels, of the picture that hashes are taken from. Between this and twice this."""

_BAND = 1 << 22
"""Pixels hashed at a time, so that a large picture is not copied whole."""


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Measured, not declared. `width` and `height` are as shown, with the EXIF orientation applied.

    `blurhash` has 4x4 components (36 characters). `perceptual_hash` is a signed 64-bit integer, alike pictures differ
    in few bits. `pixel_hash` is equal exactly for files that decode to the same pixels, whatever their format or
    metadata; None where it was not asked for. Of an animation the first frame counts.
    """

    mime: str
    width: int
    height: int
    animated: bool
    blurhash: str
    perceptual_hash: int
    pixel_hash: str | None


def read_facts(source: bytes | Path, *, pixel_hash: bool = True, pixel_limit: int = PIXEL_LIMIT) -> PictureFacts:
    """Decode a file once and measure it. Without `pixel_hash` a JPEG is decoded at an eighth of its size, far faster.

    Raises UnreadableFile for what is no picture, is damaged, or is larger than `pixel_limit` pixels.
    """
    with open_picture(source, pixel_limit=pixel_limit) as image, decoding():
        mime, animated, full = mime_of(image), is_animated(image), image.size
        if not pixel_hash:
            image.draft("RGB", (_SMALL, _SMALL))
        load(image)
        return measure_image(image, mime=mime, animated=animated, full=full, pixel_hash=pixel_hash)


def measure(image: Image.Image, mime: str, *, pixel_hash: bool = True) -> PictureFacts:
    """The facts of a picture that is in memory already and will be stored without loss as `mime`."""
    return measure_image(image, mime=mime, animated=False, full=image.size, pixel_hash=pixel_hash)


def measure_image(
    image: Image.Image, *, mime: str, animated: bool, full: tuple[int, int], pixel_hash: bool
) -> PictureFacts:
    orientation = orientation_of(image)
    colour = as_colour(image)
    small = upright(flatten(_shrink(colour)), orientation)
    width, height = full if orientation < 5 else (full[1], full[0])
    return PictureFacts(
        mime=mime,
        width=width,
        height=height,
        animated=animated,
        blurhash=blurhash(small),
        perceptual_hash=perceptual_hash(small),
        pixel_hash=hash_pixels(colour) if pixel_hash else None,
    )


def hash_pixels(colour: Image.Image) -> str:
    """BLAKE3, lower-case hex, of size and RGB (or RGBA) bytes row by row, before any turning.

    BLAKE3 because the pixels of a JPEG take as long to hash by SHA-256 as half their decoding.
    """
    width, height = colour.size
    digest = blake3(f"{width}x{height} {colour.mode}\n".encode())
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        whole = rows >= height
        digest.update((colour if whole else colour.crop((0, top, width, min(top + rows, height)))).tobytes())
    return digest.hexdigest()


def _shrink(image: Image.Image) -> Image.Image:
    factor = max(image.size) // _SMALL
    return image.reduce(factor) if factor > 1 else image
