"""Files against a host that cuts, lies, redirects and shows pages: at the end the whole file, once, or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from pinako.client import AsyncClient, Client, Politeness, Retries, Timeouts
from pinako.client.filenames import file_name_of, safe_name
from pinako.client.reading import read_record
from pinako.client.records.images import Image
from pinako.client.records.models import ModelVersion
from pinako.client.wanted import Download, Wanted
from pinako.errors import (
    BadRequest,
    DamagedDownload,
    UpstreamError,
    UpstreamFault,
    UpstreamNonsense,
    UpstreamNotFound,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from scripted_upstream import Reply, Request, Upstream, as_json, page

CONTENT = random.Random(7).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TAG = '"v1"'


def ranged(content: bytes = CONTENT, *, tag: str = TAG, cuts: Any = (), **headers: str) -> Callable[[Request], Reply]:
    """A host that knows ranges and closes its connections at the given body bytes, one after the other."""
    positions = iter(cuts)

    def answer(request: Request) -> Reply:
        given = {"content-type": "application/octet-stream", "etag": tag, **headers}
        cut = next(positions, None)
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if found and request.headers.get("if-range", tag) == tag:
            start = int(found[1])
            if start >= len(content):
                return Reply(416, b"", {"content-range": f"bytes */{len(content)}"})
            given["content-range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return Reply(206, content[start:], given, cut=cut)
        return Reply(200, content, given, cut=cut)

    return answer


class Fetch(Protocol):
    """Fetches one file in one of the three ways that the client has."""

    def __call__(
        self, url: str, to: Path, *, size: int | None = None, sha256: str | None = None, **options: Any
    ) -> Download: ...


@pytest.fixture(params=["alone", "in the loop", "over the library"])
def fetch(request: pytest.FixtureRequest, open_client: Callable[..., Client]) -> Fetch:
    opened: dict[str, Client] = {}

    def fetch_one(
        url: str, to: Path, *, size: int | None = None, sha256: str | None = None, **options: Any
    ) -> Download:
        client = opened.get(repr(options))
        if client is None:
            transport = {"transport": httpx2.HTTPTransport()} if request.param == "over the library" else {}
            client = opened[repr(options)] = open_client(**options, **transport)
        wanted = Wanted(url=url, to=to, size=size, sha256=sha256)
        if request.param == "alone":
            return client.downloads.fetch(wanted)
        [outcome] = client.download_all([wanted])
        if outcome.download is None:
            assert outcome.error is not None
            raise outcome.error
        return outcome.download

    return fetch_one


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_under_its_name(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", ranged())
    download = fetch(f"{upstream.url}/file", tmp_path / "a" / "file.bin", size=len(CONTENT), sha256=SHA256.upper())
    assert download.path.read_bytes() == CONTENT
    assert (download.sha256, download.size, download.etag, download.fetched) == (SHA256, len(CONTENT), TAG, True)
    assert left_over(tmp_path / "a") == ["file.bin"]


def test_what_is_there_and_fits_is_not_fetched_again(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", ranged())
    for _ in range(2):
        download = fetch(f"{upstream.url}/file", tmp_path / "file.bin", sha256=SHA256)
    assert (download.fetched, len(upstream.requests)) == (False, 1)
    (tmp_path / "file.bin").write_bytes(b"something else")
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin", sha256=SHA256).fetched
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_cut_connection_is_gone_on_with_where_it_broke(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", ranged(cuts=[100_000, 70_000]))
    download = fetch(f"{upstream.url}/file", tmp_path / "file.bin", sha256=SHA256)
    assert download.path.read_bytes() == CONTENT
    assert [request.headers.get("range") for request in upstream.requests] == [None, "bytes=100000-", "bytes=170000-"]
    assert upstream.requests[1].headers["if-range"] == TAG


def test_a_host_that_cuts_at_every_byte_still_gives_the_whole_file(
    fetch: Fetch, upstream: Upstream, tmp_path: Path
) -> None:
    content = bytes(range(97))
    for first in range(len(content)):
        upstream.on("/file", ranged(content, cuts=[first]))
        download = fetch(f"{upstream.url}/file", tmp_path / f"{first}.bin")
        assert download.path.read_bytes() == content
    upstream.on("/every", ranged(content, cuts=itertools.repeat(1, len(content) - 1)))
    every = fetch(f"{upstream.url}/every", tmp_path / "every.bin", retries=Retries(attempts=200))
    assert every.path.read_bytes() == content


def test_without_ranges_the_file_begins_anew(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    plain = Reply(200, CONTENT, {"content-type": "image/png"})
    upstream.on("/file", [Reply(200, CONTENT, plain.headers, cut=1000), plain])
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin").path.read_bytes() == CONTENT
    assert all("range" not in request.headers for request in upstream.requests)


def test_a_file_that_changed_in_between_is_fetched_whole(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    later = b"L" * 200_000
    first, second = ranged(cuts=[100_000]), ranged(later, tag='"v2"')
    answers = iter([first])
    upstream.on("/file", lambda request: next(answers, second)(request))
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin").path.read_bytes() == later


def test_a_killed_run_is_gone_on_with_by_the_next(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    content = random.Random(8).randbytes(3_000_000)
    upstream.on("/file", ranged(content, cuts=[2_000_000]))
    with pytest.raises(UpstreamUnreachable):
        fetch(f"{upstream.url}/file", tmp_path / "file.bin", retries=Retries(attempts=1))
    assert not (tmp_path / "file.bin").exists()
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin").path.read_bytes() == content
    assert upstream.requests[-1].headers["range"] == "bytes=2000000-"
    assert left_over(tmp_path) == ["file.bin"]


def interrupted(fetch: Fetch, upstream: Upstream, folder: Path) -> Path:
    """A download that broke off after 100,000 bytes; its temporary file."""
    upstream.on("/file", ranged(cuts=[100_000]))
    with pytest.raises(UpstreamUnreachable):
        fetch(f"{upstream.url}/file", folder / "file.bin", sha256=SHA256, retries=Retries(attempts=1))
    [part] = folder.glob(".*.part")
    assert part.read_bytes() == CONTENT[:100_000]
    return part


def test_a_run_killed_before_the_renaming_fetches_nothing_again(
    fetch: Fetch, upstream: Upstream, tmp_path: Path
) -> None:
    interrupted(fetch, upstream, tmp_path).write_bytes(CONTENT)
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin", sha256=SHA256).path.read_bytes() == CONTENT
    assert upstream.requests[-1].headers["range"] == f"bytes={len(CONTENT)}-"
    assert len(upstream.requests) == 2


def test_a_rotten_beginning_is_found_by_the_hash_and_replaced(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    interrupted(fetch, upstream, tmp_path).write_bytes(b"rotten" * 1000)
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin", sha256=SHA256).path.read_bytes() == CONTENT
    assert left_over(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("expected", [{"sha256": "0" * 64}, {"size": 10}, {"size": 300_001}])
def test_a_wrong_file_leaves_nothing(
    fetch: Fetch, upstream: Upstream, tmp_path: Path, expected: dict[str, Any]
) -> None:
    upstream.on("/file", ranged())
    with pytest.raises(DamagedDownload):
        fetch(f"{upstream.url}/file", tmp_path / "file.bin", **expected)
    assert not (tmp_path / "file.bin").exists()


def test_a_wrong_length_header_never_makes_a_file(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", Reply(200, CONTENT, {"content-type": "image/png"}, length=len(CONTENT) + 5, close=True))
    with pytest.raises(UpstreamUnreachable):
        fetch(f"{upstream.url}/file", tmp_path / "file.bin", retries=Retries(attempts=2))
    assert not (tmp_path / "file.bin").exists()


@pytest.mark.parametrize("chunked", [True, False])
def test_bodies_without_a_length_arrive_or_fail_whole(
    fetch: Fetch, upstream: Upstream, tmp_path: Path, chunked: bool
) -> None:
    kind = {"content-type": "image/png"}
    if chunked:
        upstream.on(
            "/file", [Reply(200, CONTENT, kind, chunked=True, cut=5000), Reply(200, CONTENT, kind, chunked=True)]
        )
    else:
        upstream.on("/file", Reply(200, CONTENT, {**kind, "connection": "close"}, close=True))
    assert fetch(f"{upstream.url}/file", tmp_path / "file.bin").path.read_bytes() == CONTENT


PAGES = [
    page(200),
    Reply(200, b"  <html>Sign in", {"content-type": "application/octet-stream"}),
    Reply(200, b"<!doctype html>", {"content-type": "image/png"}),
    as_json({"error": "File not found"}),
    Reply(200, b'{"error":"Unauthorized"}', {"content-type": "application/octet-stream"}),
    Reply(200, b"", {"content-type": "image/png"}),
]


@pytest.mark.parametrize("reply", PAGES)
def test_a_page_or_message_is_never_taken_for_a_file(
    fetch: Fetch, upstream: Upstream, tmp_path: Path, reply: Reply
) -> None:
    upstream.on("/file", reply)
    with pytest.raises((UpstreamNonsense, DamagedDownload)):
        fetch(f"{upstream.url}/file", tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


def test_a_config_file_that_is_json_by_right_is_taken(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", as_json({"steps": 20}))
    assert fetch(f"{upstream.url}/file", tmp_path / "workflow.json").size == len(b'{"steps": 20}')


@pytest.mark.parametrize(
    ("reply", "kind", "requests"),
    [
        (as_json({"error": "File not found"}, 404), UpstreamNotFound, 1),
        (as_json({"error": "Unauthorized", "message": "Log in"}, 401), UpstreamUnauthorized, 1),
        (Reply(307, b"", {"location": "/login?returnUrl=x"}), UpstreamUnauthorized, 1),
        (page(500), UpstreamFault, 4),
        (Reply(307, b"", {"location": "/file"}), UpstreamNonsense, 6),
    ],
)
def test_refusals_are_typed_and_only_faults_are_asked_again(
    fetch: Fetch, upstream: Upstream, tmp_path: Path, reply: Reply, kind: type[UpstreamError], requests: int
) -> None:
    upstream.on("/file", reply)
    with pytest.raises(kind):
        fetch(f"{upstream.url}/file", tmp_path / "file.bin")
    assert len(upstream.requests) == requests
    assert left_over(tmp_path) == []


def test_the_key_stays_with_its_own_host(
    open_client: Callable[..., Client], upstream: Upstream, tmp_path: Path
) -> None:
    with Upstream() as storage:
        upstream.on("/api/download/models/9", Reply(307, b"", {"location": f"{storage.url}/bucket/file?sig=1"}))
        disposition = {"content-disposition": 'attachment; filename="harborLights_v10.safetensors"'}
        storage.on("/bucket/file", ranged(**disposition))
        client = open_client(api_key="s" * 32)
        download = client.download(f"{upstream.url}/api/download/models/9", tmp_path, sha256=SHA256)
        assert download.path == tmp_path / "harborLights_v10.safetensors"
        assert upstream.requests[0].headers["authorization"] == f"Bearer {'s' * 32}"
        assert not {"authorization", "cookie", "referer"} & set(storage.requests[0].headers)


def test_many_files_come_with_their_sidecars_and_errors(
    open_client: Callable[..., Client], upstream: Upstream, tmp_path: Path
) -> None:
    for number in range(50):
        upstream.on(f"/{number}", Reply(200, b"%d" % number * 1000, {"content-type": "image/png"}))
    client = open_client(politeness=Politeness(requests_per_second=None, requests_per_day=None, transfers_at_once=4))
    wanted = (Wanted(url=f"{upstream.url}/{n}", to=tmp_path / f"{n}.png", sidecar=b'{"id":%d}' % n) for n in range(51))
    outcomes = list(client.download_all(wanted))
    errors = [one for one in outcomes if one.error]
    assert [(one.wanted.to.name, type(one.error)) for one in errors] == [("50.png", UpstreamNotFound)]
    assert len(left_over(tmp_path)) == 100
    assert (tmp_path / "7.png").read_bytes() == b"7" * 1000
    assert (tmp_path / "7.png.json").read_bytes() == b'{"id":7}'
    assert upstream.connections <= 4


def test_what_the_list_of_files_raises_is_raised(client: Client, upstream: Upstream, tmp_path: Path) -> None:
    def wanted() -> Any:
        yield Wanted(url=f"{upstream.url}/1", to=tmp_path / "1.png")
        raise UpstreamNotFound("the list broke")

    upstream.on("/1", Reply(200, b"x", {"content-type": "image/png"}))
    with pytest.raises(UpstreamNotFound, match="the list broke"):
        list(client.download_all(wanted()))


def test_no_more_connections_are_opened_than_transfers_allowed(
    open_client: Callable[..., Client], upstream: Upstream, tmp_path: Path
) -> None:
    upstream.on("*", Reply(200, b"x", {"content-type": "image/png"}, close=False))
    client = open_client(politeness=Politeness(requests_per_second=None, requests_per_day=None, transfers_at_once=3))
    wanted = [Wanted(url=f"{upstream.url}/{n}", to=tmp_path / f"{n}.png") for n in range(60)]
    assert all(one.download for one in client.download_all(wanted))
    assert 1 <= upstream.connections <= 3


def test_the_same_file_twice_at_once_is_fetched_once(client: Client, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", ranged())
    wanted = [Wanted(url=f"{upstream.url}/file", to=tmp_path / "file.bin", sha256=SHA256) for _ in range(4)]
    outcomes = [one.download for one in client.download_all(wanted) if one.download]
    assert sorted(one.fetched for one in outcomes) == [False, False, False, True]
    assert len(upstream.requests) == 1


def test_an_idle_connection_that_died_costs_nothing(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    kept = Reply(200, b"x", {"content-type": "image/png"})
    upstream.on("/1", kept)
    upstream.on("/2", [Reply(200, b"", cut=0, length=0, close=True), kept])  # answers, then hangs up
    assert fetch(f"{upstream.url}/1", tmp_path / "1.png").size == 1
    with pytest.raises(DamagedDownload):
        fetch(f"{upstream.url}/2", tmp_path / "2.png")
    assert fetch(f"{upstream.url}/2", tmp_path / "2.png").size == 1


def test_stopping_in_the_middle_ends_everything(client: Client, upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("*", Reply(200, CONTENT, {"content-type": "image/png"}))
    outcomes = client.download_all(
        Wanted(url=f"{upstream.url}/{n}", to=tmp_path / f"{n}.png") for n in itertools.count()
    )
    assert next(outcomes).download
    outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pinako-")]


def test_a_slow_host_is_given_up_on(fetch: Fetch, upstream: Upstream, tmp_path: Path) -> None:
    held = threading.Event()
    upstream.on("/file", Reply(200, b"x", wait=held))
    with pytest.raises(UpstreamUnreachable, match=r"too long|ReadTimeout"):
        fetch(
            f"{upstream.url}/file",
            tmp_path / "file.bin",
            timeouts=Timeouts(connect=1, read=0.5),
            retries=Retries(attempts=2),
        )
    held.set()
    until = time.monotonic() + 60
    while len(upstream.requests) < 2:  # whoever asked has given up, maybe before the host had read what
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(upstream.requests) == 2


def test_nobody_there_is_said(fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(UpstreamUnreachable):
        fetch("http://127.0.0.1:9/file", tmp_path / "file.bin")


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://", "http://[bad/x", "ftp://h/x"])
def test_what_is_no_web_address_is_refused(client: Client, tmp_path: Path, url: str) -> None:
    with pytest.raises(BadRequest):
        client.download(url, tmp_path / "x")


def test_an_address_cannot_smuggle_a_request(client: Client, upstream: Upstream, tmp_path: Path) -> None:
    with pytest.raises(UpstreamNonsense):
        client.download(f"{upstream.url}/a HTTP/1.1\r\nx: y\r\n\r\nGET /b", tmp_path / "x")
    assert upstream.requests == []


def test_the_async_client_fetches_too(upstream: Upstream, tmp_path: Path) -> None:
    upstream.on("/file", ranged())

    async def fetch() -> list[Path]:
        async with AsyncClient(upstream.url) as client:
            await client.download(f"{upstream.url}/file", tmp_path / "one.bin", sha256=SHA256)
            wanted = [Wanted(url=f"{upstream.url}/file", to=tmp_path / f"{n}.bin") for n in range(5)]
            return [one.download.path async for one in client.download_all(wanted) if one.download]

    assert sorted(path.name for path in asyncio.run(fetch())) == [f"{n}.bin" for n in range(5)]
    assert (tmp_path / "one.bin").read_bytes() == CONTENT


def test_records_know_what_to_fetch(client: Client, upstream: Upstream, tmp_path: Path) -> None:
    key = "1f0c9a52-6d3b-4c0e-9b7a-3f1f5a2c7d10"
    upstream.on("*", ranged())
    image = read_record(Image, {"id": 5, "url": key, "mimeType": "image/png", "type": "image"})
    assert client.download_image(image, tmp_path).path == tmp_path / "5.png"
    assert upstream.requests[-1].path == f"/xG1nkqKTMzGDvpLrqFT7WA/{key}/original=true/{key}.jpeg"
    file = {"id": 1, "name": "a_v1.safetensors", "primary": True, "hashes": {"SHA256": SHA256}}
    version = read_record(ModelVersion, {"id": 9, "files": [file]})
    assert client.download_version(version, tmp_path).path == tmp_path / "a_v1.safetensors"
    assert upstream.requests[-1].path == "/api/download/models/9"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="harborLights_v10.safetensors"', "harborLights_v10.safetensors"),
        ("attachment; filename=plain.pt", "plain.pt"),
        ("attachment; filename*=UTF-8''m%C3%A5ne%20lys.zip; filename=\"x.zip\"", "måne lys.zip"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\..\\\\boot.ini"', "boot.ini"),
        ('attachment; filename=".hidden"', "hidden"),
        ('attachment; filename="nul.txt"', "_nul.txt"),
        ('attachment; filename="a:b?c.png"', "a_b_c.png"),
        ("", "from%20the address.bin".replace("%20", " ")),
    ],
)
def test_proposed_names_become_harmless(disposition: str, name: str) -> None:
    assert file_name_of(disposition, "https://host.example/a/from%20the%20address.bin") == name


def test_long_names_keep_their_ending() -> None:
    name = safe_name("å" * 400 + ".safetensors")
    assert name.endswith("å.safetensors")
    assert len(name.encode()) <= 200
