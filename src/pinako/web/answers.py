"""What a handler gives back, and how it becomes bytes on the wire: head and body, or a head and a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

Header = tuple[bytes, bytes]

JSON_TYPE = b"application/json; charset=utf-8"
TEXT_TYPE = b"text/plain; charset=utf-8"
HTML_TYPE = b"text/html; charset=utf-8"

NO_STORE = b"no-store, max-age=0"
"""For what holds a secret or a moment: signed links, refusals of a rate."""
PRIVATE = b"max-age=0, private, no-cache"
"""For everything that was asked with a credential (rest.md 4)."""
PUBLIC = b"public, max-age=0, s-maxage=60, stale-while-revalidate=30"
"""For JSON that anybody gets: short, since a thing that becomes withheld must leave shared caches too (domain.md d)."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is sent in pieces: how many bytes there will be (None: nobody knows), and the pieces (not on HEAD)."""

    length: int | None
    pieces: AsyncIterator[bytes]


class Answer:
    """A status, a content type, a body or stream, and headers beyond those that every answer has.

    `cache` None: decided by who asked. `tagged`: an ETag is made of the body, and `If-None-Match` answered with 304.
    """

    __slots__ = ("body", "cache", "content_type", "headers", "status", "stream", "tagged")

    def __init__(
        self,
        body: bytes = b"",
        *,
        status: int = 200,
        content_type: bytes = JSON_TYPE,
        headers: Iterable[Header] = (),
        cache: bytes | None = None,
        tagged: bool = True,
        stream: Stream | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.content_type = content_type
        self.headers: Sequence[Header] = tuple(headers)
        self.cache = cache
        self.tagged = tagged and status == 200 and stream is None
        self.stream = stream


def json_answer(value: Any, **options: Any) -> Answer:
    """A record or plain value as JSON."""
    return Answer(msgspec.json.encode(value), **options)


def text_answer(text: str, **options: Any) -> Answer:
    """Plain text."""
    return Answer(text.encode(), content_type=TEXT_TYPE, **options)


def redirect_answer(address: str, status: int = 307, *, cache: bytes = NO_STORE, body: str = "") -> Answer:
    """A redirect; the address must be ASCII and percent-encoded already."""
    return text_answer(body, status=status, headers=[(b"location", header_value(address))], cache=cache)


def header_value(text: str) -> bytes:
    """Text as a header's value: nothing in it can end the header."""
    return "".join(c if c.isprintable() and ord(c) < 256 else "_" for c in text).encode("latin-1", "replace")
