"""Thumbnails of imported pictures, made from the decode that measures them and put where the server looks for them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pinako.catalog.derivative import Derivative
from pinako.media.cache import DerivativeCache, Maker
from pinako.media.facts import PictureFacts, measure_image
from pinako.media.pictures import decoding, is_animated, load, mime_of, open_picture
from pinako.media.plan import plan
from pinako.media.render import Rendered, render_image
from pinako.media.session import disk_errors

WISHES = tuple(Derivative(width=width) for width in (320, 450, 800))
"""What galleries ask for first: the widths of covers and grids, on screens of every density."""


class Thumbnails:
    """The cache of derivatives of one library, as one worker writes it."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._cache = DerivativeCache(folder, limit)

    def keep(self, sha256: str, mime: str, made: tuple[Rendered, ...]) -> None:
        """Put the thumbnails of an original away; those of a video are stills of it."""
        moves = not mime.startswith("video/")
        for wish, rendered in zip(WISHES, made, strict=False):
            wish = msgspec.structs.replace(wish, anim=moves)
            self._cache.fetch(plan(wish, mime).cache_key(sha256), _writer(rendered))

    def close(self) -> None:
        """Let go of the folder."""
        self._cache.close()


def _writer(rendered: Rendered) -> Maker:
    def write(target: Path) -> str:
        with disk_errors(target):
            target.write_bytes(rendered.data)
        return rendered.mime

    return write


def measure_with_thumbnails(
    data: bytes, pixel_limit: int, *, pixel_hash: bool = True
) -> tuple[PictureFacts, tuple[Rendered, ...]]:
    """A picture's facts and its thumbnails, from one decode. UnreadableFile for what cannot be read.

    An animation gets none: they would stand still, and the server makes moving ones when they are asked for.
    """
    with open_picture(data, pixel_limit=pixel_limit) as image, decoding():
        mime, animated, full = mime_of(image), is_animated(image), image.size
        load(image)
        facts = measure_image(image, mime=mime, animated=animated, full=full, pixel_hash=pixel_hash)
        return facts, () if animated else tuple(render_image(image, wish) for wish in WISHES)
