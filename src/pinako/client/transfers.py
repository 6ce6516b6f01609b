"""Opens one GET and hands out its bytes: over plain sockets, several times as fast as the library, or over the library.

A transfer knows no pace, redirect or retry; `downloads.py` does. Failures are UpstreamUnreachable.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

import httpx2

from pinako.client.asks import without_secrets
from pinako.client.sending import Timeouts
from pinako.errors import UpstreamNonsense, UpstreamUnreachable

_LONGEST_HEAD = 64 * 1024
_NO_BODY = frozenset({204, 304})
CHUNK = 256 * 1024


class Body(Protocol):
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> Iterator[memoryview | bytes]:
        """The body piece by piece; a piece is only good until the next. Raises UpstreamUnreachable where it is cut."""
        ...


class Transfers(Protocol):
    """Where bytes come from."""

    def open(self, url: str, headers: Mapping[str, str]) -> AbstractContextManager[Body]:
        """Do one GET. Raises UpstreamUnreachable where no answer begins."""
        ...

    def close(self) -> None:
        """Let go of idle connections."""
        ...


class LibraryTransfers:
    """Over the HTTP library: for proxies and for transports that are no sockets."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> Iterator[Body]:
        try:
            with self._http.stream("GET", url, headers={**headers, "accept-encoding": "identity"}) as response:
                yield _LibraryBody(response)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise _cut(url, type(error).__name__) from error

    def close(self) -> None:
        """The library's client belongs to its own owner."""


class _LibraryBody:
    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        return self._response.iter_raw()  # with a size it would hold back, and lose, the piece before a cut


class SocketTransfers:
    """Over sockets of its own, kept alive between requests. Safe to share between threads."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._idle: dict[tuple[str, str, int], list[_Connection]] = {}
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str]) -> Iterator[Body]:
        place, target, name = _place(url)
        request = _request(target, name, headers)
        connection = self._begin(place, request, url)
        connection.url = url
        try:
            yield connection
        finally:
            self._return(place, connection) if connection.reusable else connection.close()

    def _begin(self, place: tuple[str, str, int], request: bytes, url: str) -> _Connection:
        """An idle connection may have been closed by the host meanwhile: then a fresh one is taken."""
        while (idle := self._take(place)) is not None:
            try:
                idle.ask(request)
            except (OSError, EOFError):
                idle.close()
            else:
                return idle
        try:
            connection = _Connection(place, self._timeouts)
        except OSError as error:
            raise _cut(url, _reason(error)) from error
        try:
            connection.ask(request)
        except (OSError, EOFError) as error:
            connection.close()
            raise _cut(url, _reason(error)) from error
        except UpstreamNonsense:
            connection.close()
            raise
        return connection

    def _take(self, place: tuple[str, str, int]) -> _Connection | None:
        with self._lock:
            idle = self._idle.get(place)
            while idle:
                connection = idle.pop()
                if connection.alive():
                    return connection
                connection.close()
        return None

    def _return(self, place: tuple[str, str, int], connection: _Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.setdefault(place, []).append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close idle connections; those in use close when they are done."""
        with self._lock:
            self._closed = True
            idle = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()


class _Connection:
    """One socket: a request out, its head and body in. What came beyond the head waits in `_view[_start:_end]`."""

    def __init__(self, place: tuple[str, str, int], timeouts: Timeouts) -> None:
        scheme, host, port = place
        self._socket = socket.create_connection((host, port), timeout=timeouts.connect)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            self._socket = _tls().wrap_socket(self._socket, server_hostname=host)
        self._socket.settimeout(timeouts.read)
        self._view = memoryview(bytearray(CHUNK))
        self._start = self._end = 0
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.reusable = False
        self.url = ""

    def alive(self) -> bool:
        """Whether the host has neither closed it nor sent something unasked."""
        try:
            return not select.select([self._socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def ask(self, request: bytes) -> None:
        """Send a request and read the head of its answer. Raises EOFError where the host hangs up first."""
        self.reusable = False
        self._socket.sendall(request)
        head = self._read_head()
        while head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
            head = self._read_head()
        self._parse(head)

    def _read_head(self) -> bytes:
        head = b""
        while True:
            head += bytes(self._view[self._start : self._end])
            self._start = self._end = 0
            if (at := head.find(b"\r\n\r\n")) >= 0:
                rest = head[at + 4 :]
                self._view[: len(rest)] = rest
                self._end = len(rest)
                return head[:at]
            if len(head) > _LONGEST_HEAD:
                raise UpstreamNonsense("The answer's head has no end.")
            if not self._fill():
                raise EOFError

    def _parse(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
            raise UpstreamNonsense("The host does not speak HTTP.")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self.status, self.headers = int(words[1]), headers
        kept = headers.get("connection", "").lower()
        self._keep = "close" not in kept and (words[0] == "HTTP/1.1" or "keep-alive" in kept)

    def _fill(self) -> int:
        """More bytes into the empty buffer; 0 at the end of the connection."""
        self._start = 0
        self._end = self._socket.recv_into(self._view)
        return self._end

    def chunks(self) -> Iterator[memoryview]:
        try:
            yield from self._body()
        except OSError as error:  # only of the socket: what the reader of the pieces raises does not pass here
            raise _cut(self.url, _reason(error)) from error
        self.reusable = self._keep and self._start == self._end

    def _body(self) -> Iterator[memoryview]:
        if self.status in _NO_BODY:
            return
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            yield from self._chunked()
        elif (length := self.headers.get("content-length", "")).isdecimal():
            yield from self._counted(int(length))
        else:
            self._keep = False
            yield from self._until_closed()

    def _counted(self, left: int) -> Iterator[memoryview]:
        while left:
            if self._start == self._end and not self._fill():
                raise ConnectionResetError("cut")
            piece = self._view[self._start : min(self._end, self._start + left)]
            self._start += len(piece)
            left -= len(piece)
            yield piece

    def _until_closed(self) -> Iterator[memoryview]:
        while self._start < self._end or self._fill():
            piece = self._view[self._start : self._end]
            self._start = self._end
            yield piece

    def _chunked(self) -> Iterator[memoryview]:
        while size := self._size_line():
            yield from self._counted(size)
            self._line()
        while self._line():
            pass

    def _size_line(self) -> int:
        line = self._line().partition(b";")[0].strip()
        try:
            return int(line, 16)
        except ValueError as error:
            raise ConnectionResetError("the chunks are broken") from error

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            if self._start == self._end and not self._fill():
                raise ConnectionResetError("cut")
            line += bytes(self._view[self._start : self._start + 1])
            self._start += 1
            if len(line) > _LONGEST_HEAD:
                raise ConnectionResetError("the chunks are broken")
        return line.rstrip(b"\r\n")

    def close(self) -> None:
        self._socket.close()


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _place(url: str) -> tuple[tuple[str, str, int], str, str]:
    """Where to connect, the request's target, and the value of `Host`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = parts.path or "/"
    name = parts.netloc.rpartition("@")[2]
    return (parts.scheme, host, port), f"{target}?{parts.query}" if parts.query else target, name


def _request(target: str, host: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    text = "\r\n".join([*lines, "Accept-Encoding: identity", "", ""])
    if text.count("\r\n") != len(headers) + 4 or "\n" in text.replace("\r\n", ""):
        raise UpstreamNonsense("An address with a line break cannot be asked for.")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise UpstreamNonsense("An address must be percent-encoded to be asked for.") from error


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the host took too long"
    if isinstance(error, ssl.SSLError):
        return "the host's certificate or encryption was refused"
    return {EOFError: "the host hung up", socket.gaierror: "unknown host name"}.get(
        type(error), "the connection was cut"
    )


def _cut(url: str, reason: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(
        f"No whole answer: {reason}.",
        call=f"GET {without_secrets(url)}",
        advice="What has arrived is kept; the next try goes on from there where the host allows it.",
    )
