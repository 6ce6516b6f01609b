"""The HTTP/1.1 protocol of our server: uvicorn's, with a bound on the head of a request, addresses as people type them, and
answers in one write."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote_from_bytes

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024
HEAD_SECONDS = 30
"""How long a client may take to send the head of a request."""
_ASCII = bytes(range(128))
_STATUS_LINE = b"HTTP/1.1 "


class Joining:
    """A transport that sends the head of an answer together with the first piece of its body.

    uvicorn writes them one after the other, which makes two packets and two wake-ups of the client.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Hold a head back until its body comes, or until the event loop goes on."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.writelines((head, data))
        elif data.startswith(_STATUS_LINE):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """The parser itself takes addresses and headers of any length: without a bound one caller could fill the memory."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._in_line = True
        self._waiting_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self.transport = Joining(transport)  # type: ignore[assignment]
        self._waiting_since = self.loop.time()
        self.loop.call_later(HEAD_SECONDS, self._look_at_head)

    def _look_at_head(self) -> None:
        """Let go of a client that has begun a request, or not even that, and sends nothing more."""
        if self.transport.is_closing():
            return
        if self._in_head and self.loop.time() - self._waiting_since >= HEAD_SECONDS:
            self.transport.close()
        else:
            self.loop.call_later(HEAD_SECONDS, self._look_at_head)

    def data_received(self, data: bytes) -> None:
        """Parse; what has arrived without ending the head counts against the limit."""
        self._head_bytes += len(data)
        if self._in_line:
            self._in_line = b"\n" not in data
            data = data if data.isascii() else _escape_line(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse("431 Request Header Fields Too Large", "Request head is too large")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of all our errors: uvicorn's own is bare text."""
        self._refuse("400 Bad Request", msg)

    def _refuse(self, status: str, text: str) -> None:
        body = f'{{"error":"{text}"}}'
        self.transport.write(
            f"HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode()
        )
        self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._waiting_since = True, self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is another request."""
        self._in_line = True
        super().on_message_complete()


def _escape_line(data: bytes) -> bytes:
    """The first line's bytes beyond ASCII as percent escapes: curl sends an address as it was typed (`?query=café`), the
    original's parser takes it, and ours does not."""
    line, end, rest = data.partition(b"\n")
    return quote_from_bytes(line, safe=_ASCII).encode() + end + rest
