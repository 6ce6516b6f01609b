"""Media by their address, `/{account}/{key}[/{params}][/{name}]`: originals as they came in, and renderings of them."""

from __future__ import annotations

from pinako.services import media
from pinako.services.library import Library
from pinako.services.media import Medium
from pinako.web.answers import Answer, Header
from pinako.web.ask import Ask
from pinako.web.routes import Route
from pinako.web.sending import FileTraits, Stored, answer_file
from pinako.web.threads import Threads
from pinako.wire.delivery import DEFAULT_ACCOUNT, parse_delivery

PUBLIC_FOREVER = b"public, max-age=31536000, immutable"
PRIVATE_FOREVER = b"private, max-age=31536000, immutable"

INLINE = frozenset(
    {"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/tiff", "image/bmp", "image/apng"}
    | {"video/mp4", "video/webm", "video/quicktime", "video/x-matroska"}
    | {"audio/mpeg", "audio/wav", "audio/vnd.wave", "audio/ogg", "audio/flac", "audio/mp4"}
)
"""Types that a browser may show. Anything else (SVG, HTML: they can hold scripts) is saved, as plain bytes."""

_SEALED: Header = (b"content-security-policy", b"default-src 'none'; sandbox")
_SAVED: Header = (b"content-disposition", b"attachment")


def routes(library: Library, threads: Threads) -> tuple[Route, ...]:
    """The media doors: under our own account segment and under the original's."""
    door = Media(library, threads)
    accounts = dict.fromkeys((library.settings.media_account, DEFAULT_ACCOUNT))
    return tuple(Route(path=f"/{account}/{{*}}", handler=door.send) for account in accounts)


class Media:
    """Handlers that need the worker threads."""

    def __init__(self, library: Library, threads: Threads) -> None:
        self._library = library
        self._threads = threads

    async def send(self, ask: Ask) -> Answer:
        """The asked rendering, if the caller may see it."""
        delivery = parse_delivery(ask.path)
        medium = media.find_medium(self._library, ask.viewer, delivery.key)
        return await self._original(ask, medium)

    async def _original(self, ask: Ask, medium: Medium) -> Answer:
        source = Stored(self._library.media, medium.sha256)
        return await answer_file(ask, self._threads, source, traits_of(medium, f'"{medium.sha256}"', medium.mime))


def traits_of(medium: Medium, etag: str, mime: str) -> FileTraits:
    """How bytes of a medium are presented: never as a document that could run something."""
    shown = mime.partition(";")[0].strip().lower()
    headers = (_SEALED,) if shown in INLINE else (_SEALED, _SAVED)
    return FileTraits(
        etag=etag,
        mime=shown if shown in INLINE else "application/octet-stream",
        cache=PUBLIC_FOREVER if medium.public else PRIVATE_FOREVER,
        headers=headers,
    )
