"""Calls over the client's own connections: packed answers, connections that died while idle, what is no answer."""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from pinako.client import Client, sending
from pinako.client.asking import send
from pinako.client.asks import Answer
from pinako.client.connections import Connection, parse_head
from pinako.client.exchange import Failed, Send
from pinako.client.sending import Timeouts
from pinako.client.transfers import Body, SocketTransfers
from pinako.errors import BadRequest, UpstreamNonsense, UpstreamUnreachable
from scripted_upstream import Reply, Upstream, superjson

BODY = json.dumps({"result": {"data": {"json": {"id": 5, "url": "kept"}}}}).encode()


def bare(body: bytes) -> bytes:
    """Deflate without its frame, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("word", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", bare), ("identity", bytes)]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_may_be_packed(
    client: Client, upstream: Upstream, word: str, pack: Callable[[bytes], bytes], chunked: bool
) -> None:
    upstream.on("/api/trpc/image.get", Reply(200, pack(BODY), {"content-encoding": word}, chunked=chunked))
    assert client.image(5).url == "kept"
    assert upstream.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("word", "body"),
    [("gzip", gzip.compress(BODY, mtime=0)[:-9]), ("gzip", b"no gzip"), ("deflate", b"\xff\xff"), ("br", BODY)],
    ids=["cut short", "no gzip", "no deflate", "not asked for"],
)
def test_a_broken_packing_is_no_answer(client: Client, upstream: Upstream, word: str, body: bytes) -> None:
    upstream.on("/api/trpc/image.get", Reply(200, body, {"content-encoding": word}))
    with pytest.raises(UpstreamUnreachable):
        client.image(5)


def test_a_small_answer_that_unpacks_without_end_is_not_unpacked(
    client: Client, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinako.client.asking.LONGEST_ANSWER", 100_000)
    upstream.on("/api/trpc/image.get", Reply(200, gzip.compress(bytes(200_000)), {"content-encoding": "gzip"}))
    with pytest.raises(UpstreamUnreachable, match="no end"):
        client.image(5)


def test_a_connection_is_used_again_and_one_that_died_is_not_noticed(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson({"id": 5}))
    client.image(5)
    client.image(5)
    assert upstream.connections == 1
    upstream.on("/api/trpc/image.get", [Reply(200, BODY, close=True), superjson({"id": 5})])
    client.image(5)
    client.image(5)
    assert upstream.connections == 2
    assert len(upstream.requests) == 4


def test_a_write_never_goes_where_another_may_have_died(upstream: Upstream) -> None:
    """It cannot be told whether the host has done it, so it is not sent where that question is likely to come up."""
    sockets = SocketTransfers(Timeouts())
    upstream.on("/x", Reply(200, b"{}"))
    write = Send(method="POST", url=f"{upstream.url}/x", headers={"content-type": "application/json"}, body=b'{"a":1}')
    for _ in range(2):
        assert not isinstance(send(sockets, write), Failed)
    sockets.close()
    assert upstream.connections == 2
    assert [request.body for request in upstream.requests] == [b'{"a":1}'] * 2


def test_any_text_in_a_followed_link_is_asked_for(upstream: Upstream) -> None:
    sockets = SocketTransfers(Timeouts())
    upstream.on("/x", Reply(200, b"{}"))
    for query in ("a b", "füchse", "%C3%BC", 'q="<x>"'):
        assert not isinstance(send(sockets, Send(method="GET", url=f"{upstream.url}/x?q={query}", headers={})), Failed)
    sockets.close()
    asked = [request.query for request in upstream.requests]
    assert asked == ["q=a%20b", "q=f%C3%BCchse", "q=%C3%BC", "q=q=%22%3Cx%3E%22"]


@pytest.mark.parametrize("status", ["2" * 5000, "²00", "OK", ""])
def test_a_status_that_is_no_number_is_nonsense(status: str) -> None:
    with pytest.raises(UpstreamNonsense):
        parse_head(f"HTTP/1.1 {status} Fine\r\ncontent-length: 0".encode("latin-1"))


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "²", "1,1"])
def test_a_length_that_is_no_number_is_none(upstream: Upstream, length: str) -> None:
    where = urlsplit(upstream.url)
    connection = Connection((where.scheme, where.hostname or "", where.port or 80), Timeouts())
    connection.begin(upstream.url, f"HTTP/1.1 200 OK\r\ncontent-length: {length}".encode("latin-1"))
    assert connection.length is None
    connection.close()


class Taken(SocketTransfers):
    """Connections that another thread takes, and asks something else of, in the very moment in which they are left."""

    def leave(self, body: Body) -> None:
        super().leave(body)
        assert isinstance(body, Connection)
        body.begin("http://elsewhere/", b"HTTP/1.1 404 Not Found\r\nx-of: another\r\ncontent-length: 0")


def test_an_answer_keeps_its_own_head_when_its_connection_is_taken(upstream: Upstream) -> None:
    sockets = Taken(Timeouts())
    upstream.on("/x", Reply(200, b"{}", {"x-of": "this"}))
    answer = send(sockets, Send(method="GET", url=f"{upstream.url}/x", headers={}))
    sockets.close()
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["x-of"], answer.body) == (200, "this", b"{}")


def test_threads_open_the_library_once_and_it_is_closed(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy all of a client's threads need it at once."""
    opened: list[object] = []
    together, real = threading.Barrier(8), sending.open_http

    def slowly(*given: Any) -> Any:
        opened.append(given)
        threading.Event().wait(0.05)  # long enough for the others to come by
        return real(*given)

    monkeypatch.setattr("pinako.client.sending.open_http", slowly)
    upstream.on("*", superjson({"id": 5, "url": "kept"}))
    with Client("http://host.invalid", proxy=upstream.url) as client:

        def ask(_: int) -> str:
            together.wait(60)
            return client.image(5).url

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == ["kept"] * 8
    assert len(opened) == 1
    with pytest.raises((BadRequest, RuntimeError)):
        client.image(5)
