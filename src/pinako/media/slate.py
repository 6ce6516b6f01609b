"""Memory for pixels, kept from one picture to the next: fresh memory is cleared before a decoder fills it, for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import ImageFile

if TYPE_CHECKING:
    from PIL._imaging import ImagingCore

_FORMATS: Final = ("PNG", "JPEG")
"""Their decoders write every pixel, or say that they could not."""
_MODES: Final = ("RGB", "RGBA", "L")


class Slate:
    """What who reads many pictures decodes them into, where they are of one size. For one thread."""

    def __init__(self) -> None:
        self._memory: ImagingCore | None = None

    def lend(self, image: ImageFile.ImageFile) -> None:
        """Have a picture of one frame, opened and not loaded, decoded into this memory, if it fits."""
        memory, self._memory = self._memory, None
        if memory is None or image.format not in _FORMATS or image.mode not in _MODES or not image.tile:
            return
        if (memory.mode, memory.size) == (image.mode, image.size):
            image.im = memory

    def take_back(self, image: ImageFile.ImageFile) -> None:
        """Keep a picture's memory for the next one; this one must not be looked at any more."""
        if image.format in _FORMATS and image.mode in _MODES:
            self._memory = image.im
