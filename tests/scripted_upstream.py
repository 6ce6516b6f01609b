"""A host on a real socket that answers what a test tells it to, faults included: cut, slow, wrong, repeated."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def params(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def input(self) -> Any:
        """The tRPC envelope, from the address or the body."""
        return json.loads(self.params.get("input", self.body))


@dataclass(frozen=True)
class Reply:
    """What to answer. `cut` closes the connection after so many body bytes; `wait` holds the answer until it is set."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    wait: threading.Event | None = None
    chunked: bool = False
    length: int | None = None
    close: bool = False


Handler = Callable[[Request], Reply]


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json", **given})


def superjson(value: Any, **values: list[str]) -> Reply:
    meta = {"meta": {"values": values, "v": 1}} if values else {}
    return as_json({"result": {"data": {"json": value, **meta}}})


def trpc_error(status: int, word: str, message: str = "No") -> Reply:
    data = {"code": word, "httpStatus": status}
    return as_json({"error": {"json": {"message": message, "code": -32000, "data": data}}}, status)


def page(status: int = 200) -> Reply:
    return Reply(status, b"<!DOCTYPE html><html><body>Just a moment</body></html>", {"content-type": "text/html"})


class Upstream:
    """The host. `answer` maps a path to a handler, a reply, or a list of replies given in turn (the last one stays)."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: dict[str, Handler | Reply | list[Reply]] = {}
        self.requests: list[Request] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}"

    def on(self, path: str, answer: Handler | Reply | list[Reply]) -> None:
        self.answers[path] = answer

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()  # from here on nobody comes in any more
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        except OSError:  # whom it shows its certificate does not trust it
            connection.close()
            return
        stream = connection.makefile("rb")
        try:
            while (request := _read(stream)) is not None:
                if not self._answer(connection, request):
                    break
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            stream.close()
            connection.close()

    def _answer(self, connection: socket.socket, request: Request) -> bool:
        with self._lock:
            self.requests.append(request)
            reply = self._reply(request)
        if reply.wait is not None:
            reply.wait.wait(10)
        connection.sendall(_bytes(request, reply))
        return reply.cut is None and not reply.close

    def _reply(self, request: Request) -> Reply:
        answer = self.answers.get(request.path) or self.answers.get("*")
        if answer is None:
            return page(404)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer if isinstance(answer, Reply) else answer(request)


def _read(stream: Any) -> Request | None:
    line = stream.readline()
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Request(method, parts.path, parts.query, headers, body)


def _bytes(request: Request, reply: Reply) -> bytes:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    body = reply.body if reply.cut is None else reply.body[: reply.cut]
    if reply.chunked:
        headers["transfer-encoding"] = "chunked"
        size = f"{len(reply.body):x}".encode()
        body = size + b"\r\n" + body + (b"\r\n0\r\n\r\n" if reply.cut is None else b"")
    else:
        headers.setdefault("content-length", str(len(reply.body) if reply.length is None else reply.length))
    if reply.close:
        headers["connection"] = "close"
    head = f"HTTP/1.1 {reply.status} Status\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
    return head.encode("latin-1") + (b"" if request.method == "HEAD" else body)
