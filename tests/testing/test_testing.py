"""`pinako.testing` as a tool author uses it: a real server, and every switch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pinako.client import Client, Retries, Timeouts
from pinako.errors import UpstreamBusy, UpstreamFault, UpstreamNonsense, UpstreamUnauthorized, UpstreamUnreachable
from pinako.testing import TestServer, make_library


def tool(server: TestServer, **options: object) -> Client:
    return Client(server.url, api_key=server.owner_key, sleep=lambda _: None, **options)  # type: ignore[arg-type]


ONCE = Retries(attempts=1)


def test_a_seeded_server_answers(pinako_server: TestServer) -> None:
    with tool(pinako_server) as client:
        assert client.me().username == "owner"
        assert len(list(client.images(level=31))) > 50
    assert pinako_server.faults.requests[0].path == "/api/v1/me"
    assert "authorization" in pinako_server.faults.requests[0].headers


def test_each_test_writes_in_a_library_of_its_own(start_pinako: Callable[..., TestServer]) -> None:
    first, second = start_pinako(), start_pinako()
    with tool(first) as one, tool(second) as two:
        user = one.creator(one.images().page().items[0].author).id
        before = two.creator(user_id=user).stats["followerCountAllTime"]
        following = one.toggle_follow(user)
        after = [client.creator(user_id=user).stats["followerCountAllTime"] for client in (one, two)]
    assert after == [before + (1 if following else -1), before]


def test_refusals_come_as_often_as_ordered(pinako_server: TestServer) -> None:
    pinako_server.faults.answer(429, times=2, retry_after=1)
    with tool(pinako_server) as client:
        assert client.me().username == "owner"
        assert len(pinako_server.faults.requests) == 3
        pinako_server.faults.answer(500, times=None, path="/api/v1/models")
        assert client.me()
        with pytest.raises(UpstreamFault):
            client.models().page()
        pinako_server.faults.clear()
        assert client.models().page().items
        pinako_server.faults.answer(503, times=None, retry_after=2)
        with pytest.raises(UpstreamBusy) as caught:
            client.me()
        assert caught.value.retry_after == 2


def test_a_page_in_place_of_json(pinako_server: TestServer) -> None:
    pinako_server.faults.answer(200, body=b"<html>moment</html>", content_type="text/html")
    with tool(pinako_server) as client, pytest.raises(UpstreamNonsense):
        client.me()


def test_a_slow_answer(pinako_server: TestServer) -> None:
    pinako_server.faults.slow(3)
    with tool(pinako_server, timeouts=Timeouts(read=1)) as client:
        assert client.me().username == "owner"
    assert len(pinako_server.faults.requests) >= 2  # more where a busy machine is slow by itself


@pytest.mark.parametrize("after", [0, 10, 10_000_000])
def test_a_cut_connection(pinako_server: TestServer, after: int) -> None:
    pinako_server.faults.cut(after)
    with tool(pinako_server, retries=ONCE) as client:
        with pytest.raises(UpstreamUnreachable):
            client.me()
        assert client.me().username == "owner"


def test_a_download_that_is_cut_is_finished(pinako_server: TestServer, tmp_path: Path) -> None:
    with tool(pinako_server) as client:
        image = client.images().page().items[0]
        whole = client.download_image(image, tmp_path / "whole")
        pinako_server.faults.cut(1000, path="/xG1nk")
        assert client.download_image(image, tmp_path / "again").resumed_at == 1000
    assert (tmp_path / "again").read_bytes() == whole.path.read_bytes()


def test_lost_metadata(pinako_server: TestServer) -> None:
    with tool(pinako_server) as client:
        image = next(image for image in client.images() if image.meta)
        pinako_server.faults.null_meta(times=None)
        assert all(row.meta is None for row in client.images())
        assert client.generation_data(image.id).meta == {}
        assert client.image(image.id).post_id == image.post_id


def test_an_expired_key_is_nobody(pinako_server: TestServer) -> None:
    with tool(pinako_server) as client:
        seen = len(list(client.images(level=31)))
        pinako_server.faults.expire()
        assert 0 < len(list(client.images(level=31))) < seen
        with pytest.raises(UpstreamUnauthorized):
            client.me()


def test_a_frozen_clock_decides_what_is_recent(pinako_server: TestServer) -> None:
    with tool(pinako_server) as client:
        pinako_server.clock.freeze()
        assert list(client.images(level=31, period="Month"))
        pinako_server.clock.advance(days=800)
        assert list(client.images(level=31, period="Month")) == []
        pinako_server.clock.freeze(datetime(2020, 1, 1, tzinfo=UTC))
        assert pinako_server.clock() == datetime(2020, 1, 1, tzinfo=UTC)


def test_settings_are_those_of_the_server(start_pinako: Callable[..., TestServer]) -> None:
    wide, narrow = start_pinako(public_level=31), start_pinako()
    with Client(wide.url) as everything, Client(narrow.url) as little:
        assert len(list(everything.images(level=31))) > len(list(little.images(level=31)))


def test_nothing_stays_behind(pinako_server: TestServer) -> None:
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("pinako-test-server") == 1


@pytest.mark.slow
def test_a_library_is_made_from_its_seed(tmp_path: Path) -> None:
    assert make_library(tmp_path / "a", images=12, seed=3).images == 12
