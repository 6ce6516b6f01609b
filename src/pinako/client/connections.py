"""One HTTP/1.1 connection of our own: a GET out, head and body in. Several times as fast as the library for many files."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from pinako.client.asks import without_secrets
from pinako.client.digits import number_of
from pinako.client.sending import Timeouts, tls
from pinako.errors import UpstreamNonsense, UpstreamUnreachable

CHUNK = 256 * 1024
LONGEST_HEAD = 64 * 1024
_NO_BODY = frozenset({204, 304})

Place = tuple[str, str, int]
"""Scheme, host name, port: what a connection can be used for."""


class Connection:
    """A socket that asks and reads, blocking. What came beyond the head waits in `_view[_start:_end]`."""

    def __init__(self, place: Place, timeouts: Timeouts) -> None:
        scheme, host, port = place
        self.place = place
        self.socket = socket.create_connection((host, port), timeout=timeouts.connect)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            try:
                self.socket = tls().wrap_socket(self.socket, server_hostname=host)
            except OSError:
                self.socket.close()
                raise
        self.socket.settimeout(timeouts.read)
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.reusable = False
        self.url = ""
        self._keep = False
        self._view = memoryview(b"")
        self._start = self._end = 0
        self._pieces: Iterator[memoryview] = iter(())

    def alive(self) -> bool:
        """Whether the host has neither closed it nor sent something unasked."""
        try:
            return not select.select([self.socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def ask(self, url: str, request: bytes) -> None:
        """Send a request and read the head of its answer. Raises EOFError where the host hangs up first."""
        self._start = self._end = 0
        self.socket.sendall(request)
        head = self._read_head()
        while is_interim(head):
            head = self._read_head()
        self.begin(url, head)

    def begin(self, url: str, head: bytes, rest: bytes = b"") -> None:
        """Take a head for the answer's; `rest` is what has already come of the body."""
        self.url, self.reusable = url, False
        self.status, self.headers, self._keep = parse_head(head)
        if rest:
            self._view = memoryview(bytearray(max(CHUNK, len(rest))))
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        self._pieces = self._body()

    @property
    def length(self) -> int | None:
        """Bytes of the body where the head says it, None where only the body itself tells its end."""
        if self.status in _NO_BODY:
            return 0
        chunked = "transfer-encoding" in self.headers
        return None if chunked else number_of(self.headers.get("content-length", ""))

    def finish(self) -> None:
        """The whole body was read elsewhere: the connection may be used again if the host keeps it."""
        self.reusable = self._keep

    def read(self) -> memoryview | bytes:
        """The next piece, empty at the end; it is only good until the next. Raises UpstreamUnreachable where it is cut."""
        try:
            return next(self._pieces, b"")
        except OSError as error:
            raise cut(self.url, reason(error)) from error

    def close(self) -> None:
        """Hang up."""
        self.reusable = False
        self.socket.close()

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
            if len(head) > LONGEST_HEAD:
                raise UpstreamNonsense("The answer's head has no end.")
            if not self._fill():
                raise EOFError

    def _fill(self) -> int:
        """More bytes into the empty buffer; 0 at the end of the connection."""
        if not self._view:
            self._view = memoryview(bytearray(CHUNK))
        self._start = 0
        self._end = self.socket.recv_into(self._view)
        return self._end

    def _body(self) -> Iterator[memoryview]:
        length = self.length
        if length is not None:
            yield from self._counted(length)
        elif "chunked" in self.headers.get("transfer-encoding", "").lower():
            yield from self._chunked()
        else:
            self._keep = False
            yield from self._until_closed()
        self.reusable = self._keep and self._start == self._end

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
            size = int(line, 16)
        except ValueError:
            size = -1
        if size < 0:
            raise ConnectionResetError("the chunks are broken")
        return size

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            if self._start == self._end and not self._fill():
                raise ConnectionResetError("cut")
            line += bytes(self._view[self._start : self._start + 1])
            self._start += 1
            if len(line) > LONGEST_HEAD:
                raise ConnectionResetError("the chunks are broken")
        return line.rstrip(b"\r\n")


def is_interim(head: bytes) -> bool:
    """Whether a head is one of those (100, 103) that only precede the answer's own."""
    return head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1"))


def parse_head(head: bytes) -> tuple[int, dict[str, str], bool]:
    """Status, headers in lower case, and whether the connection stays. Raises UpstreamNonsense for what is no HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    status = number_of(words[1]) if len(words) > 1 and words[0].startswith("HTTP/") else None
    if status is None:
        raise UpstreamNonsense("The host does not speak HTTP.")
    headers = dict(map(_header, lines))
    kept = headers.get("connection", "").lower()
    return status, headers, "close" not in kept and (words[0] == "HTTP/1.1" or "keep-alive" in kept)


@lru_cache(maxsize=128)
def _header(line: str) -> tuple[str, str]:
    """One line of a head; a host says most of them with each answer."""
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def request_for(
    url: str, headers: Mapping[str, str], *, method: str = "GET", body: bytes | None = None, packed: str = "identity"
) -> tuple[Place, bytes]:
    """Where to connect and what to send. `packed` names the encodings that the answer may have.

    Raises UpstreamNonsense for an address that would break the request apart.
    """
    origin, target = _split(url)
    place, host = _place(origin)
    shown = target + host
    if not (shown.isascii() and shown.isprintable()):
        raise UpstreamNonsense("An address must be percent-encoded to be asked for.")
    front = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n"
    if body is not None:
        front += f"Content-Length: {len(body)}\r\n"
    return place, f"{front}{_lines(tuple(headers.items()), packed)}".encode() + (body or b"")


@lru_cache(maxsize=64)
def _lines(headers: tuple[tuple[str, str], ...], packed: str) -> str:
    """The lines of a request that are the same for many."""
    text = "".join(f"{name}: {value}\r\n" for name, value in headers) + f"Accept-Encoding: {packed}\r\n\r\n"
    if not text.isascii() or text.count("\n") != len(headers) + 2 or text.count("\r") != len(headers) + 2:
        raise UpstreamNonsense("A header must be plain text on one line.")
    return text


def has_host(url: str) -> bool:
    """Whether an address is one of the web and names a host."""
    try:
        scheme, host, _ = _place(_split(url)[0])[0]
    except ValueError:
        return False
    return scheme in {"http", "https"} and bool(host)


def _split(url: str) -> tuple[str, str]:
    """The part that many addresses share, and the rest: parsing each whole address costs more than asking for it."""
    at = url.find("/", 8)
    return (url, "/") if at < 0 else (url[:at], url[at:].partition("#")[0])


@lru_cache(maxsize=256)
def _place(origin: str) -> tuple[Place, str]:
    parts = urlsplit(origin.partition("?")[0])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return (parts.scheme.lower(), parts.hostname or "", port), parts.netloc.rpartition("@")[2]


def reason(error: Exception) -> str:
    """A few words for a failure, without addresses."""
    if isinstance(error, TimeoutError):
        return "the host took too long"
    if isinstance(error, ssl.SSLError):
        return "the host's certificate or encryption was refused"
    words = {
        EOFError: "the host hung up",
        socket.gaierror: "unknown host name",
        ConnectionRefusedError: "no connection",
    }
    return words.get(type(error), "the connection was cut")


def cut(url: str, why: str) -> UpstreamUnreachable:
    """The error for a body or answer that ends too soon."""
    return UpstreamUnreachable(
        f"No whole answer: {why}.",
        call=f"GET {without_secrets(url)}",
        advice="What has arrived is kept; the next try goes on from there where the host allows it.",
    )
