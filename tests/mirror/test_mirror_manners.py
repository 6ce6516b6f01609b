"""How a mirror behaves towards a host that says no, a day's budget, somebody who stops it, and credentials."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hostile import Hostile
from mirroring import PATIENCE_S, Home, Host
from test_mirror_hostile import before

import demo_library
from pinako.client import Client
from pinako.testing import start_server
from scripted_upstream import Reply, Request, as_json

REFUSALS: list[tuple[Reply, str]] = [
    (as_json({"error": "Unauthorized"}, 401), "needs login"),
    (as_json({"error": "Early Access", "message": "This asset is in Early Access"}, 403), "early access"),
    (as_json({"error": "You may not download this"}, 403), "private"),
    (as_json({"error": "Archived"}, 410), "taken down"),
    (as_json({"error": "File not found"}, 404), "not found"),
]


@pytest.fixture
def clock() -> Any:
    class Clock:
        now = datetime(2026, 3, 1, 12, tzinfo=UTC)

        def __call__(self) -> datetime:
            return self.now

    return Clock()


@pytest.mark.parametrize(("refusal", "state"), REFUSALS, ids=[state for _, state in REFUSALS])
def test_what_a_host_refuses_is_noted_with_its_reason_and_asked_again_rarely(
    upstream: Host, tmp_path: Path, clock: Any, refusal: Reply, state: str
) -> None:
    home = Home(tmp_path / "home", clock=clock)
    with Client(upstream.address) as client:
        id = client.model_feed().page().items[0].id
    behind = Hostile(upstream)
    with before(behind) as host:
        page, words = f"{host.url}/models/{id}", {"parts": frozenset({"models"})}

        def refuse(request: Request) -> Reply:
            return refusal if request.path.startswith("/api/download/") else behind(request)

        def asked() -> int:
            return sum(request.path.startswith("/api/download/") for request in host.requests)

        host.on("*", refuse)
        first = home.mirror(page, **words)
        once = asked()
        assert {(one.entity, one.state) for one in first.missing} == {("file", state)}
        assert all(one.reason for one in first.missing)
        clock.now += timedelta(days=1)
        again = home.mirror(page, **words)
        assert (asked(), again.files) == (once, 0)
        home.mirror(page, key="a-key", **words)  # whoever has a login is asked for one again
        assert (asked() > once) is (state == "needs login")
        host.on("*", behind)
        clock.now += timedelta(days=60)
        assert home.mirror(page, **words).files == once


@pytest.mark.parametrize("kind", ["images", "posts", "collections", "models", "model-versions"])
def test_what_is_not_there_is_asked_for_rarely_by_a_refresh(
    upstream: Host, tmp_path: Path, clock: Any, kind: str
) -> None:
    home = Home(tmp_path / "home", clock=clock)
    with before(Hostile(upstream)) as host:
        page = f"{host.url}/{kind}/17"
        [first] = home.mirror(page).missing
        asked = len(host.requests)
        clock.now += timedelta(days=1)
        assert home.mirror(page, again=True).missing == [first]
        assert len(host.requests) == asked
        home.mirror(page)  # whoever asks for it by name is told what is so now
        assert len(host.requests) > asked
        asked = len(host.requests)
        clock.now += timedelta(days=60)
        assert home.mirror(page, again=True).missing == [first]
        assert len(host.requests) > asked


def test_details_that_the_host_fails_to_give_are_told_and_asked_for_again(upstream: Host, home: Home) -> None:
    [image] = upstream.ask("/api/v1/images?limit=1")["items"]
    behind = Hostile(upstream)
    with before(behind) as host:

        def fail(request: Request) -> Reply:
            return as_json({"error": "oops"}, 500) if "getGenerationData" in request.path else behind(request)

        host.on("*", fail)
        page = f"{host.url}/images/{image['id']}"
        first = home.mirror(page)
        assert first.images == 1
        assert {(one.entity, one.id, one.state) for one in first.missing} == {("image", image["id"], "incomplete")}
        assert any("generation" in one.reason for one in first.missing)
        host.on("*", behind)
        again = home.mirror(page)
        assert (again.missing_count, again.changed, again.fetched) == (0, 1, 0)
        assert home.mirror(page).already == 1


def test_a_days_budget_is_kept_and_the_next_day_goes_on(upstream: Host, tmp_path: Path, clock: Any) -> None:
    whole = Home(tmp_path / "whole")
    given = {"mirror_loopback_paced": True, "mirror_requests_per_second": 0, "mirror_requests_per_day": 25}
    home = Home(tmp_path / "home", clock=clock, given=given)
    with Client(upstream.address) as client:
        name = client.image_feed().page().items[0].author
    with before(Hostile(upstream)) as host:
        page = f"{host.url}/user/{name}"
        assert whole.mirror(page).missing == []
        host.requests.clear()
        for _ in range(60):
            report = home.mirror(page)
            assert len(host.requests) <= 25
            if report.whole and not report.missing:
                break
            assert "requests of today" in report.missing[0].reason
            assert home.mirror(page).bytes == 0  # nothing more that day
            clock.now += timedelta(days=1)
            host.requests.clear()
    for sql in ("SELECT id, blob FROM images ORDER BY id", "SELECT id, blob FROM model_files ORDER BY id"):
        assert home.rows(sql) == whole.rows(sql)


def test_whoever_stops_it_gets_a_report_and_the_next_run_goes_on(shared: Path, tmp_path: Path) -> None:
    library = demo_library.copy_of(demo_library.pristine(shared), tmp_path / "host")
    home = Home(tmp_path / "home")
    with start_server(library) as host:
        host.faults.slow(0.3, times=None)  # what is left takes far longer than it takes to be stopped
        command = [
            sys.executable,
            "-m",
            "pinako",
            "mirror",
            *home.options,
            "--json",
            f"{host.url}/images",
            "--limit",
            "60",
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **home.private}, text=True
        )
        until = time.monotonic() + PATIENCE_S
        while len(host.faults.requests) < 6 and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=PATIENCE_S)
        report = json.loads(out.splitlines()[-1])
        assert (process.returncode, report["interrupted"]) == (130, True), said
        assert "finishing what is under way" in said
        assert home.rows("SELECT COUNT(*) FROM images") == [(report["images"],)]
        host.faults.clear()
        code, [*_, rest], said = home.program("mirror", f"{host.url}/images", "--limit", "60")
    assert (code, rest["missing"]) == (0, 0), said
    [(images, whole)] = home.rows("SELECT COUNT(*), COUNT(blob) FROM images")
    assert images == whole >= 60


def test_login_keeps_checks_and_forgets(upstream: Host, home: Home) -> None:
    assert home.program("login", upstream.address, "--check")[0] == 1
    code, _, said = home.program("login", upstream.address, said="not-the-key\n")
    assert (code, "does not know" in said) == (1, True)
    code, lines, said = home.program("login", upstream.address, said=f"{upstream.key}\n")
    assert (code, upstream.key in f"{lines}{said}") == (0, False)
    [file] = Path(home.private["XDG_CONFIG_HOME"]).rglob("credentials.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert home.program("login", upstream.address, "--check")[0] == 0
    assert home.program("login", upstream.address, "--forget")[0] == 0
    assert upstream.key not in file.read_text()
    assert home.program("login", upstream.address, "--check")[0] == 1
