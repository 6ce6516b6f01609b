"""Faults to order, in front of a real server: refused, failing, slow, cut, emptied answers, credentials that expired."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class _Fault(msgspec.Struct, kw_only=True):
    """One order: which requests it is for, how many of them, and what becomes of them."""

    path: str
    left: int | None
    status: int | None = None
    retry_after: int | None = None
    body: bytes = b""
    content_type: str = "application/json"
    seconds: float = 0.0
    cut: int | None = None
    null_meta: bool = False


class Faults:
    """The switches. Each order holds for the next `times` requests whose path begins with `path` (None: until `clear`).

    Orders of different kinds add up; of several refusals the oldest comes first.
    """

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        """Everything that was asked, in order, faults included."""
        self.expired = False
        """Whether keys and cookies count for nothing, as after they expired: the caller is anonymous, no error by itself."""
        self._orders: list[_Fault] = []
        self._lock = threading.Lock()

    def answer(
        self,
        status: int,
        *,
        times: int | None = 1,
        path: str = "/",
        retry_after: int | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> None:
        """Refuse with a status (429, 500, 503, …). `body` None is a plain error body; an HTML page is `content_type` away."""
        given = body if body is not None else msgspec.json.encode({"error": f"Ordered to fail with {status}"})
        order = _Fault(
            path=path, left=times, status=status, retry_after=retry_after, body=given, content_type=content_type
        )
        self._order(order)

    def slow(self, seconds: float, *, times: int | None = 1, path: str = "/") -> None:
        """Begin to answer only after so many seconds."""
        self._order(_Fault(path=path, left=times, seconds=seconds))

    def cut(self, after: int, *, times: int | None = 1, path: str = "/") -> None:
        """Close the connection after so many bytes of the body, whatever its length was said to be."""
        self._order(_Fault(path=path, left=times, cut=after))

    def null_meta(self, *, times: int | None = 1, path: str = "/api/") -> None:
        """Make every `meta` of image rows and generation data null, as hosts do for hidden or lost metadata."""
        self._order(_Fault(path=path, left=times, null_meta=True))

    def expire(self) -> None:
        """Let every key, token and cookie be worth nothing from now on."""
        self.expired = True

    def clear(self) -> None:
        """No faults any more; what was asked stays in `requests`."""
        with self._lock:
            self._orders.clear()
            self.expired = False

    def _order(self, order: _Fault) -> None:
        with self._lock:
            self._orders.append(order)

    def take(self, path: str) -> _Fault:
        """What befalls a request: each kind's oldest order that fits, counted down and folded into one."""
        found = _Fault(path=path, left=None)
        with self._lock:
            for order in self._orders:
                if path.startswith(order.path) and order.left != 0 and _adds(found, order):
                    order.left = None if order.left is None else order.left - 1
            self._orders = [order for order in self._orders if order.left != 0]
        return found


def _adds(found: _Fault, order: _Fault) -> bool:
    """Fold an order into what is found so far; False where an older one of its kind is there already."""
    if order.status is not None and found.status is None:
        found.status, found.retry_after = order.status, order.retry_after
        found.body, found.content_type = order.body, order.content_type
    elif order.seconds and not found.seconds:
        found.seconds = order.seconds
    elif order.cut is not None and found.cut is None:
        found.cut = order.cut
    elif order.null_meta and not found.null_meta:
        found.null_meta = True
    else:
        return False
    return True


def with_faults(app: App, faults: Faults) -> App:
    """The application behind its faults."""

    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        faults.requests.append(_seen(scope))
        fault = faults.take(scope["path"])
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        if faults.expired:
            scope = _anonymous(scope)
        if fault.cut is not None:
            send = _cutting(send, fault.cut)
        if fault.status is not None:
            await _refuse(send, fault)
        elif fault.null_meta:
            await _without_meta(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    return faulty


def _seen(scope: Scope) -> Seen:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return Seen(method=scope["method"], path=scope["path"], query=query, headers=headers)


def _anonymous(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name.lower() not in {b"authorization", b"cookie"}]
    query = b"&".join(part for part in scope["query_string"].split(b"&") if not part.startswith(b"token="))
    return {**scope, "headers": kept, "query_string": query}


async def _refuse(send: Send, fault: _Fault) -> None:
    headers = [(b"content-type", fault.content_type.encode()), (b"content-length", str(len(fault.body)).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": fault.body})


def _cutting(send: Send, after: int) -> Send:
    """Once `after` bytes are out, the connection ends: the server closes what is shorter than it announced."""
    left = after

    async def cut(message: MutableMapping[str, Any]) -> None:
        nonlocal left
        if message["type"] == "http.response.start":
            await send({**message, "headers": _longer(message.get("headers", []))})
            return
        if message["type"] != "http.response.body" or left < 0:
            return
        piece = message.get("body", b"")[:left]
        left = left - len(piece) if message.get("more_body") and len(piece) < left else -1
        await send({**message, "body": piece, "more_body": True})

    return cut


def _longer(headers: Any) -> list[tuple[bytes, bytes]]:
    """Announce at least one byte more than will come, so that even a cut behind the last byte is one."""
    found = [(name, value) for name, value in headers if name.lower() not in {b"content-length", b"transfer-encoding"}]
    length = next((int(value) for name, value in headers if name.lower() == b"content-length"), 0)
    return [*found, (b"content-length", str(length + 1).encode())]


async def _without_meta(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    start: MutableMapping[str, Any] = {}
    body = bytearray()

    async def collect(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, collect)
    changed = _nulled(bytes(body))
    headers = [(name, value) for name, value in start["headers"] if name.lower() not in {b"content-length", b"etag"}]
    await send({**start, "headers": [*headers, (b"content-length", str(len(changed)).encode())]})
    await send({"type": "http.response.body", "body": changed})


def _nulled(body: bytes) -> bytes:
    try:
        return msgspec.json.encode(_walk(msgspec.json.decode(body)))
    except msgspec.DecodeError:
        return body


def _walk(value: Any) -> Any:
    """The `meta` of a superjson envelope (`json` stands beside it) is its annotations and stays."""
    if isinstance(value, list):
        return [_walk(one) for one in value]
    if isinstance(value, dict):
        return {name: None if name == "meta" and "json" not in value else _walk(one) for name, one in value.items()}
    return value
