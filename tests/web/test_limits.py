"""Rates: each caller's own count, in memory that forked workers share; and clients that stall."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from pinako.errors import TooManyRequests
from pinako.web import protocol
from pinako.web.limits import Rates


def passes(rates: Rates, caller: str) -> bool:
    try:
        rates.count(caller)
    except TooManyRequests:
        return False
    return True


@given(
    limit=st.integers(1, 5),
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=60),
)
def test_no_caller_passes_more_often_in_a_minute_and_none_is_stopped_before(
    limit: int, steps: list[tuple[str, int]]
) -> None:
    now = [1_000_000.0]
    rates = Rates(limit, lambda: now[0])
    counts: dict[tuple[str, int], int] = {}
    for caller, pause in steps:
        now[0] += pause
        slot = (caller, int(now[0]) // 60)
        counts[slot] = counts.get(slot, 0) + 1
        assert passes(rates, caller) == (counts[slot] <= limit)


def test_no_limit_is_no_limit() -> None:
    rates = Rates(0, lambda: 0.0)
    assert all(passes(rates, "a") for _ in range(1000))


def test_a_crowd_is_counted_each_alone() -> None:
    rates = Rates(2, lambda: 0.0)
    assert all(passes(rates, f"from {number}") for number in range(2000))
    assert all(passes(rates, f"from {number}") for number in range(2000))
    assert not any(passes(rates, f"from {number}") for number in range(2000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_workers_count_together() -> None:
    rates = Rates(3, lambda: 0.0)
    assert passes(rates, "a")
    pid = os.fork()
    if pid == 0:
        os._exit(0 if passes(rates, "a") and passes(rates, "a") else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert not passes(rates, "a")


async def _silence(sent: bytes) -> bytes:
    """What a client gets that sends this and then nothing more."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, http=protocol.BoundedProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol.BoundedProtocol(config, state, {}, loop), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        answer = await reader.read()
        writer.close()
    return answer


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_never_ends_its_request_is_let_go(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    assert asyncio.run(_silence(sent)) == b""
