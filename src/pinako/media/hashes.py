"""Two short hashes of what a picture looks like: BlurHash, a placeholder to show, and a perceptual hash, to compare."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_COMPONENTS: Final = 4
_BLUR_SIDE: Final = 64
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

_SIDE: Final = 32
_LOW: Final = 11
"""Frequencies looked at in each direction; the 64 lowest of their pairs make the bits."""

_TRIPLE: Final = np.array([361, 19, 1])
"""What the three colours of a factor, each one of 19 steps, count for in its two digits."""

Floats = NDArray[np.float64]


def blurhash(image: Image.Image) -> str:
    """The BlurHash of an RGB image with 4x4 components: 36 characters that begin with `U`.

    The image is brought to 64 pixels first: more detail would cost time and change nothing that can be seen.
    """
    small = image if max(image.size) <= _BLUR_SIDE else _fit(image)
    width, height = small.size
    pixels = _linear().take(np.frombuffer(small.tobytes(), dtype=np.uint8)).reshape(height, width * 3)
    columns = _cosines(width) @ (_cosines(height) @ pixels).reshape(_COMPONENTS, width, 3)
    factors = columns.reshape(-1, 3) * (2.0 / (width * height))
    factors[0] *= 0.5
    return _spell(factors)


def perceptual_hash(image: Image.Image) -> int:
    """A signed 64-bit hash; pictures that look alike (resized, re-encoded, slightly retouched) differ in few bits.

    Each bit says whether one of the 64 lowest frequencies (besides the mean) of a 32x32 grey picture lies above their
    median. Values are rounded first, so that a flat picture is 0 and no machine's last digit decides.
    """
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    basis = _dct_basis()
    spectrum = basis @ np.asarray(grey, dtype=np.float64) @ basis.T
    lowest = np.round(spectrum[_lowest()], 3)
    ordered = np.sort(lowest)
    bits = lowest > (ordered[31] + ordered[32]) / 2  # np.median would import a tenth of a second's worth of numpy
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def hamming(one: int, other: int) -> int:
    """In how many of 64 bits two perceptual hashes differ."""
    return ((one ^ other) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def _fit(image: Image.Image) -> Image.Image:
    scale = _BLUR_SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _spell(factors: Floats) -> str:
    """The text form of the published algorithm: size, largest value, mean colour, then the other 15 factors."""
    size = (_COMPONENTS - 1) + (_COMPONENTS - 1) * 9
    waves = factors[1:]
    largest = float(np.abs(waves).max())
    step = max(0, min(82, math.floor(largest * 166 - 0.5))) if largest > 0 else 0
    share = waves * (166 / (step + 1))
    steps = np.floor(np.copysign(np.sqrt(np.abs(share)), share) * 9 + 9.5).astype(np.int64)
    digits = (np.minimum(np.maximum(steps, 0), 18) @ _TRIPLE).tolist()
    ac = "".join(_DIGITS[value // 83] + _DIGITS[value % 83] for value in digits)
    return _base83(size, 1) + _base83(step, 1) + _base83(_mean_colour(factors[0]), 4) + ac


def _mean_colour(linear: Floats) -> int:
    red, green, blue = (_to_srgb(float(value)) for value in linear)
    return red << 16 | green << 8 | blue


def _to_srgb(value: float) -> int:
    value = max(0.0, min(1.0, value))
    if value <= 0.0031308:
        return int(value * 12.92 * 255 + 0.5)
    return int((1.055 * value ** (1 / 2.4) - 0.055) * 255 + 0.5)


def _base83(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in range(length - 1, -1, -1))


@lru_cache(maxsize=1)
def _linear() -> Floats:
    share = np.arange(256, dtype=np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, np.power((share + 0.055) / 1.055, 2.4))


@lru_cache(maxsize=256)
def _cosines(length: int) -> Floats:
    places = np.arange(length, dtype=np.float64)
    return np.cos(np.pi / length * np.outer(np.arange(_COMPONENTS), places))


@lru_cache(maxsize=1)
def _dct_basis() -> Floats:
    places = np.arange(_SIDE, dtype=np.float64) + 0.5
    return np.cos(np.pi / _SIDE * np.outer(np.arange(_LOW), places))


@lru_cache(maxsize=1)
def _lowest() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = sorted(((u, v) for u in range(_LOW) for v in range(_LOW) if u or v), key=lambda pair: (sum(pair), pair))
    rows, columns = zip(*pairs[:64], strict=True)
    return np.array(rows), np.array(columns)
