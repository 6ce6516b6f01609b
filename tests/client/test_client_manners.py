"""Pace, retries, redirects, credentials on the wire: how the client behaves towards a host and with a secret."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pinako.client import AsyncClient, Client, Pace, Politeness, Retries, Timeouts, options
from pinako.errors import (
    BadRequest,
    BudgetSpent,
    UpstreamBusy,
    UpstreamFault,
    UpstreamNonsense,
    UpstreamNotFound,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from scripted_upstream import Reply, Request, Upstream, as_json, page, superjson, trpc_error

ME = as_json({"id": 77, "username": "inkharbor"})
KEY = "0123456789abcdef0123456789abcdef"


class Moment:
    """A monotonic clock and a calendar that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def pace(self, **limits: Any) -> Pace:
        return Pace(Politeness(**limits), clock=lambda: self.seconds, today=lambda: self.now)


def test_requests_are_spread_over_the_second() -> None:
    moment = Moment()
    pace = moment.pace(requests_per_second=2.0)
    assert [pace.take() for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    moment.seconds += 60
    assert pace.take() == 0.0
    assert pace.take(api=False) == 0.0


def test_a_hold_binds_everybody() -> None:
    moment = Moment()
    pace = moment.pace(requests_per_second=None)
    pace.hold(30)
    assert (pace.take(), pace.take(api=False)) == (30.0, 30.0)
    moment.seconds += 31
    assert pace.take() == 0.0


def test_the_budget_of_a_day_is_kept_counted_and_renewed_at_midnight() -> None:
    moment = Moment()
    saved: list[Any] = []
    pace = Pace(
        Politeness(requests_per_second=None, requests_per_day=30),
        spent=(moment.now.date(), 10),
        save=saved.append,
        clock=lambda: moment.seconds,
        today=lambda: moment.now,
    )
    for _ in range(20):
        pace.take()
    with pytest.raises(BudgetSpent) as caught:
        pace.take(api=False)
    assert caught.value.retry_after == 12 * 3600
    pace.flush()
    assert saved[-1] == (moment.now.date(), 30)
    moment.now += timedelta(hours=13)
    pace.take()
    assert pace.spent == (moment.now.date(), 1)


def test_this_machine_is_not_paced_and_others_are() -> None:
    for origin, rate in [("http://127.0.0.1:1", None), ("http://localhost:1", None), ("https://civitai.com", 2.0)]:
        given = options.Options(base_url=origin)
        pace = options.pace_for(given, options.host_for(given))
        assert pace.politeness.requests_per_second == rate


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again_with_growing_delays(
    client: Client, upstream: Upstream, waits: list[float], status: int
) -> None:
    upstream.on("/api/v1/me", [as_json({"error": "x"}, status), as_json({"error": "x"}, status), ME])
    assert client.me().id == 77
    assert [round(wait) for wait in waits] == [1, 2]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 410, 422, 501])
def test_what_will_not_pass_is_asked_once(client: Client, upstream: Upstream, status: int) -> None:
    upstream.on("/api/v1/me", as_json({"error": "x"}, status))
    with pytest.raises(Exception, match=str(status)):
        client.me()
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("cut", [0, 5])
def test_a_cut_answer_is_asked_again(client: Client, upstream: Upstream, cut: int) -> None:
    upstream.on("/api/v1/me", [Reply(200, ME.body, ME.headers, cut=cut), ME])
    assert client.me().id == 77


def test_retry_after_is_honoured_in_both_forms(client: Client, upstream: Upstream, waits: list[float]) -> None:
    upstream.on("/api/v1/me", [as_json({"error": "x"}, 429, retry_after="7"), ME])
    client.me()
    assert len(waits) == 1
    assert 4 < waits[0] <= 8.0  # and what it took to get there is no part of the wait
    later = (datetime.now(UTC) + timedelta(seconds=40)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    upstream.on("/api/v1/me", [as_json({"error": "x"}, 503, retry_after=later), ME])
    waits.clear()
    client.me()
    assert any(30 <= wait <= 42 for wait in waits)


def test_a_wait_beyond_patience_is_the_callers_to_decide(
    client: Client, upstream: Upstream, waits: list[float]
) -> None:
    upstream.on("/api/v1/me", as_json({"error": "x"}, 429, retry_after="86400"))
    with pytest.raises(UpstreamBusy) as caught:
        client.me()
    assert caught.value.retry_after == 86400
    assert (len(upstream.requests), waits) == (1, [])


def test_a_nonsense_retry_after_is_ignored(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/v1/me", [as_json({"error": "x"}, 503, retry_after="soon"), ME])
    assert client.me().id == 77


def test_a_write_that_may_have_happened_is_not_done_twice(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/post.create", [page(500), superjson({"id": 1})])
    with pytest.raises(UpstreamFault):
        client.create_post(title="Harbour study")
    upstream.on("/api/trpc/post.create", [Reply(200, b"{}", cut=0), superjson({"id": 1})])
    with pytest.raises(UpstreamUnreachable):
        client.create_post(title="Harbour study")
    assert len(upstream.requests) == 2


def test_a_write_that_was_refused_for_now_is_done_again(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/post.create", [trpc_error(429, "TOO_MANY_REQUESTS"), superjson({"id": 1})])
    assert client.create_post(title="Harbour study").id == 1


def test_nobody_there_is_said_plainly(waits: list[float]) -> None:
    with (
        Client("http://127.0.0.1:9", sleep=waits.append) as client,
        pytest.raises(UpstreamUnreachable, match="no connection"),
    ):
        client.me()
    assert len(waits) == 4


def test_a_slow_answer_runs_out_of_time(open_client: Callable[..., Client], upstream: Upstream) -> None:
    held = threading.Event()
    upstream.on("/api/v1/me", Reply(200, b"{}", wait=held))
    with pytest.raises(UpstreamUnreachable, match="too long"):
        open_client(timeouts=Timeouts(read=0.05), retries=Retries(attempts=2)).me()
    held.set()


def credentials_of(request: Request) -> dict[str, str]:
    return {name: request.headers[name] for name in ("authorization", "cookie") if name in request.headers}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"api_key": KEY}, {"authorization": f"Bearer {KEY}"}),
        ({"session": "eyJhbGciOi.abc"}, {"cookie": "__Secure-civitai-token=eyJhbGciOi.abc"}),
        ({"session": "__Secure-civ-token=eyJ.new"}, {"cookie": "__Secure-civ-token=eyJ.new"}),
    ],
)
def test_a_credential_travels_in_its_own_place(
    open_client: Callable[..., Client], upstream: Upstream, given: dict[str, str], sent: dict[str, str]
) -> None:
    upstream.on(
        "/api/v1/me", Reply(200, ME.body, {**ME.headers, "set-cookie": "__Secure-civitai-token=theirs; Path=/"})
    )
    client = open_client(**given)
    client.me()
    client.me()
    assert [credentials_of(request) for request in upstream.requests] == [sent, sent]
    assert upstream.requests[0].headers["referer"] == f"{upstream.url}/"
    assert upstream.requests[0].headers["user-agent"].startswith("pinako/")


def test_a_token_in_the_address_stays_out_of_sight(
    open_client: Callable[..., Client], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.on("/api/v1/models/5", as_json({"error": "No model with id 5"}, 404))
    client = open_client(token=KEY)
    with pytest.raises(UpstreamNotFound) as caught:
        client.model(5)
    assert upstream.requests[0].params == {"token": KEY}
    shown = f"{caught.value!s} {caught.value!r} {caught.value.call} {client.options!r} {client.host!r}"
    assert KEY not in shown
    assert f"{upstream.url}/api/v1/models/5" in caught.value.call


@pytest.mark.parametrize("given", [{"api_key": KEY}, {"session": f"eyJ{KEY}"}, {"token": KEY}])
def test_no_secret_in_anything_printed(
    open_client: Callable[..., Client], upstream: Upstream, given: dict[str, str]
) -> None:
    client = open_client(**given)
    assert KEY not in f"{client.options!r}{client.host!r}{client.options.credential!r}{client.host.credential}"


def test_two_credentials_are_refused() -> None:
    with pytest.raises(BadRequest, match="one credential"):
        Client(api_key=KEY, session="eyJ.x")


def test_redirects_keep_the_key_at_home(open_client: Callable[..., Client], upstream: Upstream) -> None:
    with Upstream() as other:
        other.on("/api/v1/me", ME)
        upstream.on("/api/v1/me", Reply(308, b"", {"location": "/api/v1/whoami"}))
        upstream.on("/api/v1/whoami", Reply(302, b"", {"location": f"{other.url}/api/v1/me"}))
        client = open_client(api_key=KEY)
        assert client.me().id == 77
        assert [credentials_of(request) for request in upstream.requests] == [{"authorization": f"Bearer {KEY}"}] * 2
        assert credentials_of(other.requests[0]) == {}
        upstream.on("/api/trpc/image.delete", Reply(307, b"", {"location": f"{other.url}/api/trpc/image.delete"}))
        with pytest.raises(UpstreamNonsense, match="redirects a write"):
            client.delete_image(5)
        assert len(other.requests) == 1


@pytest.mark.parametrize(
    ("location", "kind"),
    [("/api/v1/me", UpstreamNonsense), ("ftp://x/", UpstreamNonsense), ("http://[bad", UpstreamNonsense),
     ("/login?returnUrl=%2F", UpstreamUnauthorized)],
)  # fmt: skip
def test_bad_redirects_end(client: Client, upstream: Upstream, location: str, kind: type[Exception]) -> None:
    upstream.on("/api/v1/me", Reply(302, b"", {"location": location}))
    with pytest.raises(kind):
        client.me()
    assert len(upstream.requests) <= 6


def test_the_async_client_has_the_same_manners(upstream: Upstream) -> None:
    waits: list[float] = []

    async def nap(seconds: float) -> None:
        waits.append(seconds)

    async def ask() -> None:
        async with AsyncClient(upstream.url, api_key=KEY, sleep=nap, draw=lambda: 1.0) as client:
            assert (await client.me()).id == 77

    upstream.on("/api/v1/me", [page(502), as_json({}, 429, retry_after="3"), ME])
    asyncio.run(ask())
    assert [round(wait) for wait in waits] == [1, 4]
    assert {request.headers["authorization"] for request in upstream.requests} == {f"Bearer {KEY}"}


def test_one_client_serves_many_threads(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/v1/me", ME)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(client.me().id)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [77] * 20


def test_nothing_is_logged_that_holds_a_secret(
    open_client: Callable[..., Client], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.on("/api/v1/me", ME)

    async def ask() -> None:
        async with AsyncClient(upstream.url, token=KEY) as client:
            await client.me()

    with caplog.at_level(logging.DEBUG):
        open_client(token=KEY).me()
        open_client(api_key=KEY).me()
        asyncio.run(ask())
    assert "/api/v1/me" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("proxy", ["nonsense://me:secret@x", "no address"])
def test_a_proxy_that_cannot_be_used_is_said_and_not_shown(open_client: Callable[..., Client], proxy: str) -> None:
    with pytest.raises(BadRequest, match="proxy") as caught:
        open_client(proxy=proxy).me()
    assert proxy not in str(caught.value)
    with pytest.raises(BadRequest, match="proxy"):
        AsyncClient("http://127.0.0.1:9", proxy=proxy)


def test_the_client_loads_nothing_of_the_server() -> None:
    program = """
import sys, pinako.client
heavy = {"starlette", "uvicorn", "numpy", "PIL", "pyroaring", "keyring", "argon2", "jinja2", "psycopg", "click", "rich"}
own = {name.split(".")[1] for name in sys.modules if name.startswith("pinako.")}
print(sorted(heavy & set(sys.modules)), sorted(own - {"client", "catalog", "wire", "errors", "settings"}))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[0] == "[] []"
