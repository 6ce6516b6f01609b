"""From a stored original to what an address asks for, made once and kept in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from pinako.catalog.derivative import Derivative
from pinako.errors import NotFound
from pinako.media.blobs import read_pieces
from pinako.media.cache import Cached, DerivativeCache
from pinako.media.plan import Plan, plan
from pinako.media.render import Rendered
from pinako.media.session import disk_errors
from pinako.media.store import MediaStore
from pinako.media.video import has_ffmpeg, take_still, transcode
from pinako.media.workshop import Workshop


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: `size` bytes of type `mime`, from byte `offset` of `path`.

    `tag` is equal exactly for equal bytes and serves as ETag; `source` tells the untouched original, which the store reads.
    """

    sha256: str
    mime: str
    size: int
    tag: str
    source: bool
    path: Path | None = None
    offset: int = 0


class Darkroom:
    """Originals, their derivatives and the processes that make them. Safe for threads; making one blocks its caller."""

    def __init__(self, store: MediaStore, cache: DerivativeCache, workshop: Workshop) -> None:
        self.store, self.cache, self.workshop = store, cache, workshop

    def deliver(self, sha256: str, mime: str, derivative: Derivative) -> Delivered:
        """The rendering of a stored original of type `mime`.

        Raises NotFound for an unknown hash, UnreadableFile for an original that cannot be opened within the limits,
        NotImplementedHere for a video without ffmpeg, Unavailable when too busy.
        """
        chosen = plan(derivative, mime)
        if chosen.way == "source" or _stands_in(chosen, mime):
            return self.source(sha256, mime)
        cached = self.cache.fetch(chosen.cache_key(sha256), lambda target: self._make(sha256, chosen, target))
        return _of_cache(sha256, cached)

    def source(self, sha256: str, mime: str) -> Delivered:
        """The original itself."""
        blob = self.store.stat(sha256)
        if blob is None:
            raise NotFound("Not found")
        return Delivered(sha256=blob.sha256, mime=mime, size=blob.size, tag=blob.sha256[:32], source=True)

    def keep(self, sha256: str, mime: str, derivative: Derivative, rendered: Rendered) -> None:
        """Put a derivative that import made already (`Workshop.measure`) where `deliver` will look for it."""

        def write(target: Path) -> str:
            with disk_errors(target):
                target.write_bytes(rendered.data)
            return rendered.mime

        self.cache.fetch(plan(derivative, mime).cache_key(sha256), write)

    def read(self, delivered: Delivered, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Bytes `start` to `stop` (not included) in pieces, wherever they lie."""
        end = delivered.size if stop is None else min(stop, delivered.size)
        if delivered.source:
            return self.store.read(delivered.sha256, start, end)
        return _read_file(delivered, start, end)

    def close(self) -> None:
        """End the workers and let go of the directories."""
        self.workshop.close()
        self.cache.close()
        self.store.close()

    def _make(self, sha256: str, chosen: Plan, target: Path) -> str:
        with self.store.borrow(sha256) as path:
            mime = derive(path, target, chosen, self.workshop)
        if self.store.stat(sha256) is None:
            raise NotFound("Not found")  # purged meanwhile, and its renderings with it: this one must not stay behind
        return mime


def derive(path: Path, target: Path, chosen: Plan, workshop: Workshop) -> str:
    """Make a derivative of the file `path` into `target`, and answer its MIME type."""
    if chosen.way == "video":
        return transcode(path, target, chosen.wish)
    source = take_still(path, chosen.wish.skip) if chosen.way == "still" else path
    rendered = workshop.render(source, chosen.wish)
    with disk_errors(target):
        target.write_bytes(rendered.data)
    return rendered.mime


def _stands_in(chosen: Plan, mime: str) -> bool:
    """Without ffmpeg an MP4 is its own playable copy of full size: better than none. Another size is refused."""
    playable = chosen.way == "video" and chosen.wish.full_size and mime == f"video/{chosen.wish.container}"
    return playable and not has_ffmpeg()


def _of_cache(sha256: str, cached: Cached) -> Delivered:
    return Delivered(
        sha256=sha256,
        mime=cached.mime,
        size=cached.size,
        tag=cached.tag,
        source=False,
        path=cached.path,
        offset=cached.offset,
    )


def _read_file(delivered: Delivered, start: int, end: int) -> Iterator[bytes]:
    if delivered.path is None:
        raise NotFound("Not found")
    with disk_errors(delivered.path):
        file = delivered.path.open("rb", buffering=0)
    return read_pieces(file, delivered.offset + start, delivered.offset + end)
