"""Media by their address, `/{account}/{key}[/{params}][/{name}]`: originals as they came in, and renderings of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pinako.catalog.derivative import Derivative
from pinako.media.blobs import CHUNK
from pinako.services import media
from pinako.services.library import Library
from pinako.services.media import Medium
from pinako.web.answers import Answer, Header
from pinako.web.ask import Ask
from pinako.web.routes import Route
from pinako.web.sending import FileTraits, answer_file, is_plain
from pinako.web.threads import Threads
from pinako.wire.delivery import DEFAULT_ACCOUNT, parse_delivery

if TYPE_CHECKING:
    from pinako.media.derive import Darkroom, Delivered

PUBLIC_FOREVER = b"public, max-age=31536000, immutable"
PRIVATE_FOREVER = b"private, max-age=31536000, immutable"

TRASHED = b"trash=1"
"""How the page of the trash asks: everywhere else what was deleted is gone, for its owner too."""

INLINE = frozenset(
    {"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/tiff", "image/bmp", "image/apng"}
    | {"video/mp4", "video/webm", "video/quicktime", "video/x-matroska"}
    | {"audio/mpeg", "audio/wav", "audio/vnd.wave", "audio/ogg", "audio/flac", "audio/mp4"}
)
"""Types that a browser may show. Anything else (SVG, HTML: they can hold scripts) is saved, as plain bytes."""

_SEALED: Header = (b"content-security-policy", b"default-src 'none'; sandbox")
_SAVED: Header = (b"content-disposition", b"attachment")


def open_darkroom(library: Library) -> Darkroom:
    """What makes renderings, for one serving process: its cache's lock and its workers are its own.

    Imported only now, because the imaging library is half of what a start would load.
    """
    from pinako.media.cache import DerivativeCache
    from pinako.media.derive import Darkroom
    from pinako.media.workshop import WorkLimits, Workshop

    settings = library.settings
    cache = DerivativeCache(settings.derivatives, settings.derivative_cache_bytes)
    limits = WorkLimits(pixels=settings.pixel_limit, seconds=settings.derive_timeout_seconds)
    return Darkroom(library.media, cache, Workshop(settings.derive_workers, limits))


def routes(library: Library, media: Media) -> tuple[Route, ...]:
    """The media doors: under our own account segment and under the original's."""
    accounts = dict.fromkeys((library.settings.media_account, DEFAULT_ACCOUNT))
    return tuple(Route(path=f"/{account}/{{*}}", handler=media.send, limited=False) for account in accounts)


class Media:
    """Media for their callers. The darkroom is opened by the first of them: it must be of the process that serves."""

    def __init__(self, library: Library, threads: Threads) -> None:
        self._library = library
        self._threads = threads
        self._darkroom: Darkroom | None = None
        self._opening = threading.Lock()

    async def send(self, ask: Ask) -> Answer:
        """The asked rendering, if the caller may see it."""
        delivery = parse_delivery(ask.path)
        trashed = ask.query == TRASHED and ask.viewer.known
        medium = media.find_medium(self._library, ask.viewer, delivery.key, trashed=trashed)
        delivered, whole = await self._threads.run(self._render, medium, delivery.derivative, is_plain(ask))
        read = lambda start, stop: self.darkroom().read(delivered, start, stop)  # noqa: E731
        return answer_file(ask, self._threads, traits_of(medium, delivered), read, whole)

    def close(self) -> None:
        """End the processes that make renderings."""
        if self._darkroom is not None:
            self._darkroom.workshop.close()
            self._darkroom.cache.close()

    def _render(self, medium: Medium, derivative: Derivative, plain: bool) -> tuple[Delivered, bytes | None]:
        """With its bytes where they are few and all wanted: each further step on a thread costs as much as reading them."""
        darkroom = self.darkroom()
        delivered = media.render(darkroom, medium, derivative)
        return delivered, b"".join(darkroom.read(delivered)) if plain and delivered.size <= CHUNK else None

    def darkroom(self) -> Darkroom:
        """What makes renderings, opened by who needs it first."""
        with self._opening:
            if self._darkroom is None:
                self._darkroom = open_darkroom(self._library)
            return self._darkroom


def traits_of(medium: Medium, delivered: Delivered) -> FileTraits:
    """How bytes of a medium are presented: never as a document that could run something."""
    shown = delivered.mime.partition(";")[0].strip().lower()
    inline = shown in INLINE
    return FileTraits(
        size=delivered.size,
        etag=f'"{delivered.tag}"',
        mime=shown if inline else "application/octet-stream",
        cache=PUBLIC_FOREVER if medium.public else PRIVATE_FOREVER,
        headers=(_SEALED,) if inline else (_SEALED, _SAVED),
    )
