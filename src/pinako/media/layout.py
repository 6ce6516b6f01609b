"""Where a picture's pixels go in a derivative: how far it is scaled, what is cut off, what is padded. Sizes only."""

from __future__ import annotations

from typing import Final

import msgspec

from pinako.catalog.derivative import Derivative

Size = tuple[int, int]

_ANCHORS: Final = {"left": (0.0, 0.5), "right": (1.0, 0.5), "top": (0.5, 0.0), "bottom": (0.5, 1.0)}
_FILLS: Final = frozenset({"cover", "crop"})


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """`scaled`: the whole picture at its new size. `canvas`: what remains after cutting to it, or padding up to it."""

    scaled: Size
    canvas: Size

    @property
    def crops(self) -> bool:
        """Whether something is cut off."""
        return self.canvas[0] < self.scaled[0] or self.canvas[1] < self.scaled[1]

    @property
    def pads(self) -> bool:
        """Whether there is a border to be filled."""
        return self.canvas[0] > self.scaled[0] or self.canvas[1] > self.scaled[1]

    def box(self, focus: tuple[float, float]) -> tuple[int, int, int, int]:
        """The part to keep, as left, top, right, bottom, with 0..1 of what is cut away lying left of and above it."""
        left = round((self.scaled[0] - self.canvas[0]) * focus[0])
        top = round((self.scaled[1] - self.canvas[1]) * focus[1])
        return left, top, left + self.canvas[0], top + self.canvas[1]


def lay_out(size: Size, derivative: Derivative) -> Layout:
    """The layout of a picture shown at `size` pixels. Nothing is ever enlarged, only padded."""
    width, height = size
    if not derivative.has_size:
        return Layout(scaled=size, canvas=size)
    wide, high = derivative.width, derivative.height
    if wide is None or high is None:
        scale = min(1.0, (wide or width) / width, (high or height) / height)
        return _whole(size, scale)
    if derivative.fit in _FILLS:
        return _filled(size, (wide, high))
    fitted = _whole(size, min(1.0, wide / width, high / height))
    if derivative.fit == "pad":
        return Layout(scaled=fitted.scaled, canvas=(wide, high))
    return fitted


def anchor(derivative: Derivative) -> tuple[float, float] | None:
    """Which side stays when something is cut off, as shares; None where the picture's own contents decide."""
    if derivative.gravity in {"auto", "side"}:
        return None
    return _ANCHORS.get(derivative.gravity, (0.5, 0.5))


def _whole(size: Size, scale: float) -> Layout:
    scaled = _times(size, scale)
    return Layout(scaled=scaled, canvas=scaled)


def _filled(size: Size, box: Size) -> Layout:
    """Fill the box; where that would enlarge the picture, a smaller box of the same shape."""
    shrink = min(1.0, size[0] / box[0], size[1] / box[1])
    canvas = _times(box, shrink)
    scaled = _times(size, max(canvas[0] / size[0], canvas[1] / size[1]))
    return Layout(scaled=(max(scaled[0], canvas[0]), max(scaled[1], canvas[1])), canvas=canvas)


def _times(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
