"""One rendering of a picture or video as the delivery address asks for it (domain.md f): size, still, quality, blur."""

from __future__ import annotations

from typing import Literal

import msgspec

LADDER = (96, 320, 450, 512, 800, 1200, 1600, 2200)
"""Widths that are made. An asked width snaps up to the next step, so that a library holds few sizes of each picture."""

MAX_HEIGHT = 1000
MAX_BLUR = 250

Fit = Literal["scale-down", "contain", "cover", "crop", "pad"]
Gravity = Literal["center", "auto", "side", "left", "right", "top", "bottom"]
Retention = Literal["none", "copyright", "keep"]
Container = Literal["", "jpeg", "webp", "mp4", "webm", "mp3"]
"""What the file name's extension asks for. It matters for videos only: a picture is named `.jpeg` whatever it is."""


def snap_width(width: int) -> int:
    """The step of the ladder at or above `width` pixels; the top step for anything larger."""
    return next((step for step in LADDER if step >= width), LADDER[-1])


class Derivative(msgspec.Struct, frozen=True, kw_only=True):
    """What to make of a source. The defaults are those of an address without parameters: the source's own bytes.

    `original` is None where the address does not say; see `wants_source`.
    `skip` is the second of a video at which the still is taken. `gamma` 1.0 and `blur` 0 change nothing.
    """

    anim: bool = True
    transcode: bool = False
    width: int | None = None
    height: int | None = None
    original: bool | None = None
    fit: Fit = "scale-down"
    blur: int = 0
    quality: int | None = None
    gravity: Gravity = "center"
    metadata: Retention = "none"
    background: str | None = None
    gamma: float = 1.0
    optimized: bool = False
    skip: float = 0.0
    container: Container = ""

    def snapped(self) -> Derivative:
        """The same with its width on the ladder and height and blur within their caps."""
        return msgspec.structs.replace(
            self,
            width=snap_width(self.width) if self.width else None,
            height=min(self.height, MAX_HEIGHT) if self.height else None,
            blur=min(self.blur, MAX_BLUR),
        )

    @property
    def has_size(self) -> bool:
        """Whether a width or height binds: `original=true` overrules both."""
        return self.original is not True and (self.width is not None or self.height is not None)

    @property
    def full_size(self) -> bool:
        """Whether the source's own size is asked for, said or implied by leaving out both width and height."""
        return self.original is True or (self.width is None and self.height is None)

    @property
    def changes_pixels(self) -> bool:
        """Whether something other than the size asks for a new encoding."""
        return self.blur > 0 or self.gamma != 1.0 or not self.anim or self.transcode

    @property
    def wants_source(self) -> bool:
        """Whether the untouched source bytes answer this.

        `original=true` alone means exactly that. Without it, leaving out the size implies it too, unless another
        parameter (a blur, a still) would silently be dropped by doing so; `original=false` never means it.
        """
        if self.original is True:
            return not self.transcode and self.anim
        return self.original is None and self.full_size and not self.changes_pixels

    def cache_key(self) -> str:
        """A short stable text of ASCII letters, digits and `=,.-#`: equal exactly for equal renderings."""
        return ",".join(f"{name}={_spell(value)}" for name, value in self._said())

    def _said(self) -> list[tuple[str, object]]:
        return [
            (field.name, value)
            for field in msgspec.structs.fields(type(self))
            if (value := getattr(self, field.name)) != field.default
        ]


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
