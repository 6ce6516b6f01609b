"""Calls over our own connections: a tenth of what the HTTP library takes for each, and nothing to load for it."""

from __future__ import annotations

import re
import zlib
from urllib.parse import quote

from pinako.client.asks import Answer
from pinako.client.connections import Connection, reason, request_for
from pinako.client.exchange import Failed, Send
from pinako.client.sending import LONGEST_ANSWER
from pinako.client.transfers import SocketTransfers
from pinako.errors import UpstreamNonsense, UpstreamUnreachable

_PACKED = "gzip, deflate"
_KINDS = {"": 0, "identity": 0, "gzip": 31, "x-gzip": 31, "deflate": 47}
"""Encodings by what zlib calls them."""
_RAW = re.compile(r"[^\x21\x23-\x3b\x3d\x3f-\x7e]")
_KEPT = "".join(map(chr, range(0x21, 0x7F))).translate({ord(raw): "" for raw in '"<>'})
_BROKEN = Failed(reason="the connection was cut or the answer broken")
_ENDLESS = Failed(reason="the answer has no end")


def send(sockets: SocketTransfers, what: Send) -> Answer | Failed:
    """Do one request and read its whole answer. A write always has a connection that was not idle before."""
    url = quote(what.url, safe=_KEPT) if _RAW.search(what.url) else what.url  # a followed link may have any text in it
    place, request = request_for(url, what.headers, method=what.method, body=what.body, packed=_PACKED)
    connection = sockets.take(place) if what.method == "GET" else None
    while connection is not None:
        found = _ask(sockets, connection, url, request)
        if found is not None:
            return found
        connection = sockets.take(place)
    try:
        connection = Connection(place, sockets.timeouts)
    except TimeoutError:
        return Failed(reason="connecting took too long", unsent=True)
    except OSError as error:
        return Failed(reason=reason(error), unsent=True)
    return _ask(sockets, connection, url, request) or Failed(reason="the host hung up")


def _ask(sockets: SocketTransfers, connection: Connection, url: str, request: bytes) -> Answer | Failed | None:
    """The answer on a connection; None where the host had hung up on it."""
    try:
        connection.ask(url, request)
    except (OSError, EOFError, UpstreamNonsense) as error:
        connection.close()
        if isinstance(error, TimeoutError):
            return Failed(reason=reason(error))
        return _BROKEN if isinstance(error, UpstreamNonsense) else None
    return _read(sockets, connection)


def _read(sockets: SocketTransfers, connection: Connection) -> Answer | Failed:
    try:
        body = _body(connection)
        if isinstance(body, Failed):
            return body
        return Answer(status=connection.status, headers=connection.headers, body=body)
    except UpstreamUnreachable:
        return _BROKEN
    finally:
        sockets.leave(connection)  # last: from here on another thread's answer may be in it


def _body(connection: Connection) -> bytes | Failed:
    """The body as it was before it was packed, if it has an end."""
    kind = _KINDS.get(connection.headers.get("content-encoding", "").strip().lower())
    if kind is None:
        return Failed(reason="the answer is packed in a way that was not asked for")
    body = bytearray()
    while piece := connection.read():
        body += piece
        if len(body) > LONGEST_ANSWER:
            return _ENDLESS
    return _unpacked(body, kind) if kind and body else bytes(body)


def _unpacked(body: bytearray, kind: int) -> bytes | Failed:
    """`deflate` is sent with and without the frame that it should have."""
    for bits in (kind, -zlib.MAX_WBITS) if kind == _KINDS["deflate"] else (kind,):
        unpacker = zlib.decompressobj(bits)
        try:
            found = unpacker.decompress(body, LONGEST_ANSWER + 1)
        except zlib.error:
            continue
        if len(found) > LONGEST_ANSWER:
            return _ENDLESS
        if unpacker.eof:
            return found
    return _BROKEN
