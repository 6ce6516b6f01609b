"""The HTTP/1.1 protocol of our server: uvicorn's, with a bound on the head of a request, and answers in one write."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024
HEAD_SECONDS = 30
"""How long a client may take to send the head of a request."""
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json; charset=utf-8\r\n"
    b'content-length: 37\r\nconnection: close\r\n\r\n{"error":"Request head is too large"}'
)
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
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT and not self.transport.is_closing():
            self.transport.write(_REFUSAL)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._waiting_since = True, self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()
