"""Files on the wire: whole or in part, resumable, read in pieces on threads so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from pinako.errors import NotFound, RangeNotSatisfiable, Unavailable
from pinako.media import ranges
from pinako.web.answers import NO_STORE, Answer, Header, Stream, json_answer
from pinako.web.ask import Ask, Send
from pinako.web.threads import Threads

STALLED_S = 120
"""How long a client may take to accept the next piece."""

Read = Callable[[int, int], Iterator[bytes]]
"""Bytes from the first number to the second (not included), in pieces."""


class FileTraits(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is presented: its size, strong tag (in quotes), media type, cache rule and further headers."""

    size: int
    etag: str
    mime: str
    cache: bytes
    headers: tuple[Header, ...] = ()


def is_plain(ask: Ask) -> bool:
    """Whether a request is for all the bytes of a file, whatever the client has already."""
    return ask.method == "GET" and b"if-none-match" not in ask.headers and b"range" not in ask.headers


def answer_file(ask: Ask, threads: Threads, traits: FileTraits, read: Read, whole: bytes | None = None) -> Answer:
    """The file, the asked part of it, 304 or 416. `whole`: all its bytes, where they were read for a plain request."""
    headers = [(b"etag", traits.etag.encode()), (b"accept-ranges", b"bytes"), *traits.headers]
    if ranges.matches(_header(ask, b"if-none-match"), traits.etag):
        return Answer(status=304, headers=headers, cache=traits.cache, content_type=b"")
    if whole is not None:
        kind = traits.mime.encode("latin-1", "replace")
        return Answer(whole, content_type=kind, headers=headers, cache=traits.cache, tagged=False)
    size = traits.size
    try:
        asked = _header(ask, b"range") if ask.method == "GET" else None  # RFC 9110: of no meaning with any other
        part = ranges.read_range(asked, size, if_range=_header(ask, b"if-range"), etag=traits.etag)
    except RangeNotSatisfiable as error:
        refused = [*headers, (b"content-range", ranges.unsatisfied(size).encode())]
        return json_answer({"error": error.message}, status=416, headers=refused, cache=NO_STORE)
    start, stop = (0, size) if part is None else (part.start, part.stop)
    if part is not None:
        headers.append((b"content-range", part.content_range.encode()))
    return Answer(
        status=200 if part is None else 206,
        content_type=traits.mime.encode("latin-1", "replace"),
        headers=headers,
        cache=traits.cache,
        stream=Stream(length=stop - start, pieces=_pieces(threads, lambda: read(start, stop))),
    )


def _header(ask: Ask, name: bytes) -> str | None:
    value = ask.headers.get(name)
    return None if value is None else value.decode("latin-1")


async def _pieces(threads: Threads, begin: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
    pieces, piece = await threads.run(_first, begin)
    while piece:
        yield piece
        piece = await threads.run(next, pieces, b"")


def _first(begin: Callable[[], Iterator[bytes]]) -> tuple[Iterator[bytes], bytes]:
    pieces = begin()
    return pieces, next(pieces, b"")


async def pour(ask: Ask, stream: Stream, send: Send) -> None:
    """Send a stream to its end, or until the client goes away: then nothing more is read."""
    gone: asyncio.Task[None] | None = None
    left = stream.length
    try:
        async for piece in stream.pieces:
            left = None if left is None else left - len(piece)
            async with asyncio.timeout(STALLED_S):
                await send({"type": "http.response.body", "body": piece, "more_body": left is None or left > 0})
            if left is not None and left <= 0:
                return
            gone = gone or asyncio.ensure_future(ask.gone())
            if gone.done():
                return
        if left:
            raise NotFound("the file became shorter while it was sent")
        await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        raise Unavailable("the client stopped reading") from None
    finally:
        if gone is not None:
            gone.cancel()
