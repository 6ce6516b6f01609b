"""Files on the wire: whole or in part, resumable, read in pieces on threads so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

import msgspec

from pinako.errors import NotFound, RangeNotSatisfiable
from pinako.media.store import MediaStore
from pinako.web.answers import Answer, Header, Stream, json_answer
from pinako.web.ask import Ask, Send
from pinako.web.headers import matches
from pinako.web.ranges import wanted_span
from pinako.web.threads import Threads


class Source(Protocol):
    """Bytes at rest."""

    def size(self) -> int:
        """How many bytes; NotFound where they are gone."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes `start` to `stop` (not included), opened when this returns or at the first piece."""
        ...


class Stored(msgspec.Struct, frozen=True):
    """An original in the media store."""

    store: MediaStore
    sha256: str

    def size(self) -> int:
        blob = self.store.stat(self.sha256)
        if blob is None:
            raise NotFound("Not found")
        return blob.size

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        return self.store.read(self.sha256, start, stop)


class FileTraits(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is presented: its strong tag (in quotes), media type, cache rule and further headers."""

    etag: str
    mime: str
    cache: bytes
    headers: tuple[Header, ...] = ()


async def answer_file(ask: Ask, threads: Threads, source: Source, traits: FileTraits) -> Answer:
    """The file, the asked part of it, 304 or 416."""
    headers = [(b"etag", traits.etag.encode()), (b"accept-ranges", b"bytes"), *traits.headers]
    held = ask.headers.get(b"if-none-match")
    if held is not None and matches(held, traits.etag.encode()):
        return Answer(status=304, headers=headers, cache=traits.cache, content_type=b"")
    size = await threads.run(source.size)
    try:
        span = wanted_span(size, ask.header("range"), ask.header("if-range"), traits.etag)
    except RangeNotSatisfiable as error:
        refused = [*headers, (b"content-range", b"bytes */%d" % size)]
        return json_answer({"error": error.message}, status=416, headers=refused, cache=traits.cache)
    start, stop = span or (0, size)
    if span is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, size)))
    return Answer(
        status=200 if span is None else 206,
        content_type=traits.mime.encode("latin-1", "replace"),
        headers=headers,
        cache=traits.cache,
        stream=Stream(length=stop - start, pieces=_pieces(threads, lambda: source.read(start, stop))),
    )


async def _pieces(threads: Threads, begin: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
    pieces = await threads.run(begin)
    while piece := await threads.run(next, pieces, b""):
        yield piece


async def pour(ask: Ask, stream: Stream, send: Send) -> None:
    """Send a stream to its end, or until the client goes away: then nothing more is read."""
    gone: asyncio.Task[None] | None = None
    left = stream.length
    try:
        async for piece in stream.pieces:
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            if left <= 0:
                return
            gone = gone or asyncio.ensure_future(ask.gone())
            if gone.done():
                return
        if left:
            raise NotFound("the file became shorter while it was sent")
        await send({"type": "http.response.body", "body": b""})
    finally:
        if gone is not None:
            gone.cancel()
