"""The painter's tools: one field of light between 0 and 1, and brushes with soft edges that change it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Real: Final = np.float32
"""Ten times finer than 256 shades need, and half the work of doubles."""

Field: TypeAlias = NDArray[np.floating[Any]]
Light: TypeAlias = "float | Field"
T = TypeVar("T")

_TAU: Final = 2 * math.pi


class Chance:
    """Drawn numbers that a seed decides alone, on every machine and Python version."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - pictures, not secrets

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * self._random.random()

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, things: Sequence[T]) -> T:
        """One of several."""
        return things[int(self._random.random() * len(things))]

    def sign(self) -> float:
        """-1 or 1."""
        return 1.0 if self._random.random() < 0.5 else -1.0

    def grid(self, rows: int, columns: int) -> Field:
        """A table of numbers in [0, 1) with 16 bits each."""
        raw = self._random.randbytes(rows * columns * 2)
        return (np.frombuffer(raw, dtype="<u2").astype(Real) / 65536).reshape(rows, columns)


class Canvas:
    """A field of light, `height` x `width`. Lengths are in short sides: `x` runs 0..`right`, `y` 0..`bottom` downwards."""

    def __init__(self, width: int, height: int, chance: Chance) -> None:
        self.width, self.height = width, height
        self.chance = chance
        side = min(width, height)
        self.pixel = 1 / side
        self.right, self.bottom = width / side, height / side
        self.x: Field = ((np.arange(width, dtype=Real) + 0.5) / side)[None, :]
        self.y: Field = ((np.arange(height, dtype=Real) + 0.5) / side)[:, None]
        self.light: Field = np.zeros((height, width), Real)

    def noise(self, across: float, down: float, octaves: int = 4, fade: float = 0.5) -> Field:
        """Smooth noise in about 0..1, with `across` x `down` hills over the canvas in its coarsest octave."""
        total = np.zeros((self.height, self.width), Real)
        weight, norm = 1.0, 0.0
        for _ in range(octaves):
            rows, columns = max(1, round(down)) + 3, max(1, round(across)) + 3
            grid = self.chance.grid(rows, columns) * weight
            total += _spread(self.height, rows) @ grid @ _spread(self.width, columns).T
            norm += weight
            across, down, weight = across * 2, down * 2, weight * fade
        total /= norm
        return total

    def outline(self, hills: float, octaves: int = 5, fade: float = 0.5) -> Field:
        """A line of noise over the width, in about 0..1: where a ridge runs."""
        total = np.zeros(self.width, Real)
        weight, norm = 1.0, 0.0
        for _ in range(octaves):
            columns = max(1, round(hills)) + 3
            total += _spread(self.width, columns) @ self.chance.grid(1, columns)[0] * weight
            norm += weight
            hills, weight = hills * 2, weight * fade
        total /= norm
        return total

    def fill(self, light: Light) -> None:
        """Cover everything."""
        self.light[:] = light

    def lay(self, cover: Field, light: Light) -> None:
        """Cover by share: 1 covers, 0 leaves."""
        self.light += cover * (light - self.light)

    def below(self, outline: Field, light: Light, *, sharp: bool = False) -> None:
        """Cover what lies under a line given as one `y` for each column; `sharp` keeps upright walls upright."""
        depth = self.y - outline[None, :]
        if not sharp:  # a steep edge crosses a column over several rows, and is as many rows soft
            steep = np.gradient(outline) * (1 / self.pixel)
            depth /= np.sqrt(1 + np.minimum(steep * steep, 20))[None, :]
        self.lay(soft(depth, self.pixel), light)

    def around(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """The rows and columns within `reach` of a point: what a small shape has to touch."""
        rows = _span((y - reach) / self.pixel, (y + reach) / self.pixel, self.height)
        columns = _span((x - reach) / self.pixel, (x + reach) / self.pixel, self.width)
        return rows, columns

    def disc(self, x: float, y: float, radius: float, light: float) -> None:
        """Cover a circle evenly."""
        rows, columns = self.around(x, y, radius + 2 * self.pixel)
        away = np.sqrt((self.x[:, columns] - x) ** 2 + (self.y[rows] - y) ** 2)
        part = self.light[rows, columns]
        part += soft(radius - away, self.pixel) * (light - part)

    def ball(self, x: float, y: float, radius: float, lamp: tuple[float, float], tone: float) -> None:
        """A small sphere, lit from a point."""
        rows, columns = self.around(x, y, radius + 2 * self.pixel)
        right, down = self.x[:, columns] - x, self.y[rows] - y
        far = math.hypot(lamp[0] - x, lamp[1] - y) or 1.0
        side = (right * (lamp[0] - x) + down * (lamp[1] - y)) * (1 / (far * radius))
        part = self.light[rows, columns]
        cover = soft(radius - np.sqrt(right**2 + down**2), self.pixel)
        part += cover * (tone * np.clip(0.6 + 0.55 * side, 0.06, 1.25) - part)

    def glow(self, x: float, y: float, reach: float, strength: float) -> None:
        """Brighten around a point, halved at `reach`."""
        away = ((self.x - x) ** 2 + (self.y - y) ** 2) * (1 / reach**2)
        self.light += strength / (1 + away)

    def distance(self, x: float, y: float) -> Field:
        """How far each pixel is from a point."""
        return np.sqrt((self.x - x) ** 2 + (self.y - y) ** 2)

    def strip(self, x1: float, y1: float, x2: float, y2: float, light: float) -> None:
        """Cover an upright box evenly."""
        across = np.minimum(soft(self.x - x1, self.pixel), soft(x2 - self.x, self.pixel))
        down = np.minimum(soft(self.y - y1, self.pixel), soft(y2 - self.y, self.pixel))
        rows = _span(y1 / self.pixel - 2, y2 / self.pixel + 2, self.height)
        part = self.light[rows]
        part += down[rows] * across * (light - part)


def soft(depth: Field, pixel: float) -> Field:
    """Cover of an edge: 0 outside, 1 inside, a pixel's width between, for a signed distance into the shape."""
    cover = depth * (1 / pixel) + 0.5
    return np.clip(cover, 0.0, 1.0, out=cover)


def wave(phase: Field) -> Field:
    """A sine of whole turns, brought to 0..1. From a table: a third of the time, and no machine's own sine."""
    return along(_SINE, phase)


def along(table: Field, phase: Field) -> Field:
    """A repeating curve read at `phase` in whole turns; the table has a power of two of values."""
    steps = np.floor(phase * len(table)).astype(np.int64)
    steps &= len(table) - 1
    return table.take(steps)


def turns(count: int) -> Field:
    """`count` places over one turn: what a table for `along` is computed from."""
    return np.arange(count, dtype=Real) / count


def part_of(value: Field) -> Field:
    """The fraction above the whole number below. Quicker than a remainder by one."""
    return value - np.floor(value)


def _span(low: float, high: float, length: int) -> slice:
    return slice(max(0, math.floor(low)), max(0, min(length, math.ceil(high))))


def _spread(length: int, knots: int) -> Field:
    """Weights of a quadratic B-spline: `length` points over `knots` values, smooth and without overshoot."""
    known = _SPREADS.get((length, knots))
    if known is None:
        known = _SPREADS[length, knots] = _make_spread(length, knots)
        if len(_SPREADS) > _SPREADS_KEPT:
            _SPREADS.pop(next(iter(_SPREADS)))
    return known


def _make_spread(length: int, knots: int) -> Field:
    place = (np.arange(length) + 0.5) / length * (knots - 3) + 1.0
    left = np.floor(place).astype(np.int64)
    part = place - left
    weights = np.zeros((length, knots), Real)
    rows = np.arange(length)
    weights[rows, left - 1] = 0.5 * (1 - part) ** 2
    weights[rows, left] = 0.5 + part * (1 - part)
    weights[rows, left + 1] = 0.5 * part**2
    return weights


_SINE: Final = np.sin(turns(4096) * _TAU) * 0.5 + 0.5
_SPREADS: dict[tuple[int, int], Field] = {}
_SPREADS_KEPT: Final = 256
