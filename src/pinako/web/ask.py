"""One request as the handlers see it: path, query pairs, caller, origin, body. Nothing is read before somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from pinako.catalog.people import ANONYMOUS, Viewer
from pinako.errors import BadRequest, TooLarge
from pinako.services.library import Library
from pinako.wire.coerce import Pair

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MEGABYTE = 1024 * 1024
STALLED_S = 60
"""How long the next part of a body may take to arrive."""
DRAINED_BYTES = 64 * MEGABYTE
DRAINED_S = 20
"""How much of a refused body is let through, and for how long."""


class Origins(Protocol):
    """Says where a request was sent to and where it came from."""

    def origin(self, ask: Ask) -> str: ...

    def client(self, ask: Ask) -> str: ...


class Disconnected(Exception):
    """The client went away before its request was whole: there is nobody to answer."""


class Ask:
    """A request. `args` are the path's variable parts, `viewer` is set before the handler runs."""

    __slots__ = (
        "_origin",
        "_origins",
        "_pairs",
        "_receive",
        "args",
        "body_limit",
        "headers",
        "library",
        "method",
        "path",
        "query",
        "scope",
        "secured",
        "viewer",
    )

    def __init__(self, library: Library, scope: Scope, receive: Receive, origins: Origins) -> None:
        self.library = library
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.args: tuple[str, ...] = ()
        self.viewer: Viewer = ANONYMOUS
        self.secured = False
        """Whether a credential was shown, good or bad: such an answer is never for a shared cache."""
        self.body_limit = MEGABYTE
        self._origins = origins
        self._origin = ""
        self._pairs: tuple[Pair, ...] | None = None
        self._receive = receive

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The query's pairs in their order, blank values kept. BadRequest for text that is not UTF-8."""
        if self._pairs is None:
            self._pairs = read_pairs(self.query)
        return self._pairs

    @property
    def origin(self) -> str:
        """`http://host:port` as asked, or the public address of the settings."""
        if not self._origin:
            self._origin = self._origins.origin(self)
        return self._origin

    @property
    def client(self) -> str:
        """The caller's network address, seen through trusted proxies."""
        return self._origins.client(self)

    def header(self, name: str) -> str:
        """A request header by its lower-case name; empty where absent."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    def is_json(self) -> bool:
        """Whether the body claims to be JSON."""
        media_type = self.header("content-type").partition(";")[0].strip().lower()
        return media_type in {"application/json", "application/ld+json"}

    async def body(self, limit: int | None = None) -> bytes:
        """The whole body. TooLarge beyond `limit` bytes (default: the route's), without reading on."""
        return b"".join([piece async for piece in self.pieces(self.body_limit if limit is None else limit)])

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """The body as it arrives. TooLarge as soon as it is over `limit` bytes, Disconnected where its end never comes."""
        announced = self.headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            raise too_large(limit)
        size = 0
        while True:
            message = await self._next_message()
            if message["type"] != "http.request":
                raise Disconnected
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            yield piece
            if not message.get("more_body", False):
                return

    async def drain(self) -> None:
        """Let the rest of a refused body arrive and drop it, within bounds. A client that sends it all before it reads
        would meet a reset connection instead of the answer; one that waits for `100 Continue` sends nothing.
        """
        announced = self.headers.get(b"content-length", b"0")
        if b"expect" in self.headers or (announced.isdigit() and int(announced) > DRAINED_BYTES):
            return
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_S):
                while size <= DRAINED_BYTES:
                    message = await self._receive()
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return

    async def _next_message(self) -> Message:
        try:
            async with asyncio.timeout(STALLED_S):
                return await self._receive()
        except TimeoutError:
            raise BadRequest("The body did not arrive in time") from None

    async def gone(self) -> None:
        """Return when the client has gone away (or was answered); what it still sends is dropped."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def too_large(limit: int) -> TooLarge:
    """The refusal of a body, in the original's words."""
    return TooLarge(f"Body exceeded {max(limit // MEGABYTE, 1)}mb limit")


def read_id(text: str) -> int:
    """An id in an address of ours. BadRequest for what is none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and 0 < int(text) < 2**31):
        raise BadRequest(f"{text!r} is no id")
    return int(text)


def read_pairs(query: bytes) -> tuple[Pair, ...]:
    """A query string's pairs: `+` is a blank, empty parts vanish, a key without `=` has a blank value."""
    if not query:
        return ()
    try:
        pairs = [part.partition("=") for part in query.decode().split("&") if part]
        if b"%" not in query and b"+" not in query:
            return tuple([(key, value) for key, _, value in pairs])
        return tuple([(_decoded(key), _decoded(value)) for key, _, value in pairs])
    except UnicodeDecodeError:
        raise BadRequest("The query is not valid UTF-8") from None


def _decoded(text: str) -> str:
    """Few have anything to replace, and looking costs a tenth of replacing."""
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text
