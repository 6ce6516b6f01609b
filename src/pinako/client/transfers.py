"""Where the bytes of downloads come from, and the steps that ask for them: over our own sockets, or over the library.

A download is a generator of steps that does no I/O itself; `run` does its steps one by one, `loop.py` those of many at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import msgspec

from pinako.client.connections import Connection, Place, cut, reason, request_for
from pinako.client.exchange import Wait
from pinako.client.sending import Timeouts
from pinako.errors import UpstreamError, UpstreamNonsense

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Do a GET; the `Head` of its answer is sent back."""

    url: str
    headers: Mapping[str, str]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of an answer."""

    status: int
    headers: Mapping[str, str]


class Read(msgspec.Struct, frozen=True):
    """Give the next piece of the body; it is sent back, empty at the end, and only good until the next step."""


READ = Read()
Reply: TypeAlias = Head | memoryview | bytes | None
Steps: TypeAlias = Generator[Open | Read | Wait, Reply, T]


class Body(Protocol):
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]

    def read(self) -> memoryview | bytes:
        """The next piece, empty at the end. Raises UpstreamUnreachable where it is cut."""
        ...


class Transfers(Protocol):
    """Where bytes come from."""

    def open(self, url: str, headers: Mapping[str, str]) -> Body:
        """Do one GET. Raises UpstreamUnreachable where no answer begins."""
        ...

    def leave(self, body: Body) -> None:
        """Done with a body, read to its end or not."""
        ...

    def close(self) -> None:
        """Let go of idle connections."""
        ...


class LibraryTransfers:
    """Over the HTTP library: for proxies and for transports that are no sockets."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def open(self, url: str, headers: Mapping[str, str]) -> Body:
        import httpx2

        try:
            request = self._http.build_request("GET", url, headers={**headers, "accept-encoding": "identity"})
            return _LibraryBody(self._http.send(request, stream=True), url)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise cut(url, type(error).__name__) from error

    def leave(self, body: Body) -> None:
        if isinstance(body, _LibraryBody):
            body.response.close()

    def close(self) -> None:
        """The library's client belongs to its own owner."""


class _LibraryBody:
    def __init__(self, response: httpx2.Response, url: str) -> None:
        self.response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._url = url
        self._pieces = response.iter_raw()  # with a size it would hold back, and lose, the piece before a cut

    def read(self) -> bytes:
        import httpx2

        try:
            return next(self._pieces, b"")
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise cut(self._url, type(error).__name__) from error


class SocketTransfers:
    """Over sockets of its own, kept alive between requests. Safe to share between threads."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self._idle: dict[Place, list[Connection]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def open(self, url: str, headers: Mapping[str, str]) -> Body:
        """An idle connection may have been closed by the host meanwhile: then a fresh one is taken."""
        place, request = request_for(url, headers)
        while (idle := self.take(place)) is not None:
            try:
                idle.ask(url, request)
            except (OSError, EOFError):
                idle.close()
            else:
                return idle
        connection = self.connect(place, url)
        try:
            connection.ask(url, request)
        except (OSError, EOFError) as error:
            connection.close()
            raise cut(url, reason(error)) from error
        except UpstreamNonsense:
            connection.close()
            raise
        return connection

    def connect(self, place: Place, url: str) -> Connection:
        """A fresh connection. Raises UpstreamUnreachable."""
        try:
            return Connection(place, self.timeouts)
        except OSError as error:
            raise cut(url, reason(error)) from error

    def leave(self, body: Body) -> None:
        """Keep the connection for the next request if it is at the end of its answer, else hang up."""
        if not isinstance(body, Connection):
            return
        with self._lock:
            if body.reusable and not self._closed:
                self._idle.setdefault(body.place, []).append(body)
                return
        body.close()

    def take(self, place: Place) -> Connection | None:
        """An idle connection to a place, None where there is none."""
        with self._lock:
            idle = self._idle.get(place)
            while idle:
                connection = idle.pop()
                if connection.alive():
                    return connection
                connection.close()
        return None

    def close(self) -> None:
        """Close idle connections; those in use close when they are done."""
        with self._lock:
            self._closed = True
            idle = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()


def run(steps: Steps[T], transfers: Transfers, sleep: Callable[[float], None], body: Body | None = None) -> T:
    """Do the steps of one download, blocking, to its result. `body` is an answer whose head the steps already have."""
    reply: Reply = Head(status=body.status, headers=body.headers) if body is not None else None
    error: UpstreamError | None = None
    try:
        while True:
            step = steps.throw(error) if error is not None else steps.send(reply)
            error, reply = None, None
            try:
                if isinstance(step, Wait):
                    sleep(step.seconds)
                elif isinstance(step, Read):
                    reply = body.read() if body is not None else b""
                else:
                    if body is not None:
                        transfers.leave(body)
                        body = None
                    body = transfers.open(step.url, step.headers)
                    reply = Head(status=body.status, headers=body.headers)
            except UpstreamError as failed:
                error = failed
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        if body is not None:
            transfers.leave(body)
