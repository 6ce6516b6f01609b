"""What import needs to know of a picture, from one decode: size, BlurHash, perceptual hash, hash of the pixels."""

from __future__ import annotations

from pathlib import Path

import msgspec
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
from pinako.media.pixels import hash_pixels, lent_pixels
from pinako.media.slate import Slate

_SMALL = 128
"""Long side, in pixels, of the picture that hashes are taken from. Between this and twice this."""

_ROWS = 3
"""Rows of all pixels in them that are averaged into one of the small picture. More change no hash, and take time."""

_SAMPLES = 6
"""Pixels in each direction that are averaged where the memory cannot be read in place."""


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


def read_facts(
    source: bytes | Path, *, pixel_hash: bool = True, pixel_limit: int = PIXEL_LIMIT, slate: Slate | None = None
) -> PictureFacts:
    """Decode a file once and measure it. Without `pixel_hash` a JPEG is decoded at an eighth of its size, far faster.

    `slate` serves who reads many pictures.
    Raises UnreadableFile for what is no picture, is damaged, or is larger than `pixel_limit` pixels.
    """
    with open_picture(source, pixel_limit=pixel_limit) as image, decoding():
        mime, animated, full = mime_of(image), is_animated(image), image.size
        if not pixel_hash:
            image.draft("RGB", (_SMALL, _SMALL))
        elif slate is not None and not animated:
            slate.lend(image)
        load(image)
        facts = measure_image(image, mime=mime, animated=animated, full=full, pixel_hash=pixel_hash)
        if slate is not None and not animated:
            slate.take_back(image)
        return facts


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


def _shrink(image: Image.Image) -> Image.Image:
    """A small picture of the whole; of a large one not all rows are looked at, which changes next to nothing."""
    factor = max(image.size) // _SMALL
    step = factor // _ROWS
    if step > 1 and image.mode == "RGB" and (few := _from_few_rows(image, factor, step)) is not None:
        return few
    if factor // _SAMPLES > 1:
        step = factor // _SAMPLES
        size = max(1, image.width // step), max(1, image.height // step)
        image, factor = image.resize(size, Image.Resampling.NEAREST), max(size) // _SMALL
    return image.reduce(factor) if factor > 1 else image


def _from_few_rows(image: Image.Image, factor: int, step: int) -> Image.Image | None:
    """The mean of every `factor` columns over the middle one of every `step` rows.

    The memory is read as a picture of so many times the width, in which the wanted rows lie below one another. Nothing
    is copied. None where the memory cannot be had in place.
    """
    width, rows = image.width, image.height // step
    with lent_pixels(image.im, image.size) as lent:
        if lent is None or width < factor or rows < factor // step:
            return None
        # Any buffer will do, whatever the stubs say.
        wide = Image.frombuffer("RGBX", (width * step, rows), lent, "raw", "RGBX", 0, 1)  # type: ignore[arg-type]
        left = step // 2 * width
        small = wide.reduce((factor, factor // step), box=(left, 0, left + width, rows))
    return small.convert("RGB")
