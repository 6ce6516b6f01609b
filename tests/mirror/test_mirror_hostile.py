"""Hosts that fail, lie, repeat themselves and drop filters: what can be had is had, once and whole, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import kill_mirror
import pytest
from hostile import LIES, PASSING, Hostile, of_lists
from mirroring import Home, Host

from pinako.client import Client
from pinako.errors import BadRequest
from pinako.media.store import open_store
from scripted_upstream import Reply, Request, Upstream, trpc_error

MOST_RUNS = 12
NAMES_ONE = re.compile(r"/(user\.getCreator|image\.get|post\.get)(,|$)")
NOT_FOUND = trpc_error(404, "NOT_FOUND")
VAGUE = {
    "received": "SELECT DISTINCT entity_type, entity_id, door FROM received WHERE door <> 'trpc.bare' ORDER BY 1, 2, 3",
    "journal": "SELECT entity_type, source_id, state, parts FROM mirror_items WHERE entity_type <> 'version' ORDER BY 1, 2",
}
"""Documents have the host's address in them; a version may come by itself before its model, or only with that."""


@contextmanager
def before(hostile: Hostile) -> Iterator[Upstream]:
    with Upstream() as upstream:
        hostile.address = upstream.url
        upstream.on("*", hostile)
        yield upstream


def pages(host: Host, address: str) -> list[str]:
    """A user, a model and a collection."""
    with Client(host.address) as client:
        name = client.image_feed().page().items[0].author
        model = client.model_feed().page().items[0]
        collection = next(one for one in client.collection_feed() if one.type == "Image")
    return [f"{address}/user/{name}", f"{address}/models/{model.id}", f"{address}/collections/{collection.id}"]


def test_what_can_be_had_is_had_once_and_whole(upstream: Host, tmp_path: Path) -> None:
    straight, crooked = Home(tmp_path / "straight"), Home(tmp_path / "crooked")
    assert straight.mirror(*pages(upstream, upstream.address)).missing == []
    again = straight.mirror(*pages(upstream, upstream.address))
    assert (again.images, again.changed, again.missing) == (0, 0, []), (
        "a list says other things of an image than another"
    )
    hostile = Hostile(upstream, seed=113, lies=8, passing=1)
    with before(hostile) as host:
        reports = [crooked.mirror(*pages(upstream, host.url))]
        while not reports[-1].whole or reports[-1].missing:
            assert len(reports) < MOST_RUNS, reports[-1].missing
            reports.append(crooked.mirror(*pages(upstream, host.url)))
    assert reports[0].missing, "it was not hostile"
    assert hostile.met.keys() >= {fault.__name__ for faults in (PASSING, *LIES.values()) for fault in faults}
    [one, other] = [kill_mirror.everything(home) for home in (straight, crooked)]
    for name in one.keys() - VAGUE.keys() - {"finds"}:
        assert other[name] == one[name], name
    for name, sql in VAGUE.items():
        assert crooked.rows(sql) == straight.rows(sql), name
    store = open_store(crooked.settings.media_address)
    assert {blob.sha256 for blob in store.blobs()} == {row[0] for row in one["blobs"]}
    store.close()


@pytest.fixture
def somebody(upstream: Host) -> str:
    with Client(upstream.address) as client:
        return client.image_feed().page().items[0].author or ""


def test_an_image_is_itself_where_the_list_ignores_which(upstream: Host, home: Home) -> None:
    with Client(upstream.address) as client:
        id = client.image_feed().page().items[7].id
    with before(Hostile(upstream, deaf=("imageId", "ids"))) as host:
        report = home.mirror(f"{host.url}/images/{id}")
    assert (report.images, report.missing) == (1, [])
    assert home.rows("SELECT id FROM images") == [(id,)]


def test_of_a_list_that_ignores_the_user_only_the_users_are_taken(upstream: Host, home: Home, somebody: str) -> None:
    with before(Hostile(upstream, deaf=("username",))) as host:
        home.mirror(f"{host.url}/user/{somebody}/images")
    names = home.rows("SELECT DISTINCT u.username FROM images i JOIN users u ON u.id = i.user_id")
    assert names in ([], [(somebody,)])


def test_nothing_is_asked_of_lists_for_a_user_who_is_gone(upstream: Host, home: Home) -> None:
    with before(Hostile(upstream, deaf=("username",))) as host:
        report = home.mirror(f"{host.url}/user/nobody_of_that_name")
        assert not [request for request in host.requests if "getInfinite" in request.path]
    assert ([one.state for one in report.missing], report.found) == (["not found"], 0)


@pytest.mark.parametrize("kind", ["collections", "models"])
def test_a_host_that_ignores_the_whole_is_refused(upstream: Host, home: Home, kind: str) -> None:
    with Client(upstream.address) as client:
        listed = client.collection_feed() if kind == "collections" else client.model_feed()
        id = listed.page().items[0].id
    with before(Hostile(upstream, deaf=("collectionId", "modelId", "modelVersionId", "username"))) as host:
        report = home.mirror(f"{host.url}/{kind}/{id}")
    assert not report.whole
    assert "ignores which" in report.missing[0].reason
    assert report.images == 0


@pytest.mark.parametrize("kind", ["images", "videos", "models", "posts", "collections", "users"])
def test_a_host_that_takes_no_words_is_refused(upstream: Host, home: Home, kind: str) -> None:
    with (
        before(Hostile(upstream, deaf=("q", "query"))) as host,
        pytest.raises(BadRequest, match=f"cannot search {kind} by words"),
    ):
        home.mirror(f"{host.url}/search/{kind}?query=lighthouse")
    assert home.rows("SELECT COUNT(*) FROM mirror_targets") == [(0,)]


def test_what_left_with_its_user_is_noted_once(upstream: Host, home: Home, somebody: str) -> None:
    gone = Hostile(upstream)
    with before(gone) as host:
        page = f"{host.url}/user/{somebody}/images"
        first = home.mirror(page)
        answer = host.answers["*"]
        host.on("*", lambda request: NOT_FOUND if NAMES_ONE.search(request.path) else answer(request))  # type: ignore[operator]
        second, third = home.mirror(page), home.mirror(page)
    assert first.images > 0
    assert (second.gone, second.missing, second.whole) == (first.images + first.posts + 1, [], True)
    assert (third.gone, third.missing, third.whole) == (0, [], True)
    assert home.rows("SELECT COUNT(*) FROM images WHERE blob IS NOT NULL AND deleted_at IS NULL") == [(first.images,)]


@pytest.mark.parametrize("said", [{"minor": True}, {"tagIds": [5351]}], ids=["flag", "tag"])
def test_what_must_be_withheld_is_not_even_fetched(upstream: Host, home: Home, said: dict[str, Any]) -> None:
    id = upstream.ask("/api/v1/images?limit=1")["items"][0]["id"]
    behind, chance = Hostile(upstream), Random(1)

    def rate(found: dict[str, Any]) -> None:
        for row in found["items"]:
            row |= {"nsfwLevel": 4, **said}

    spoil = of_lists("rate", rate)
    with before(behind) as host:

        def answer(request: Request) -> Reply:
            reply = behind(request)
            return spoil(reply, chance) if "image.getInfinite" in request.path else reply

        host.on("*", answer)
        for _ in range(2):
            report = home.mirror(f"{host.url}/images/{id}")
            assert (report.withheld, report.images, report.fetched, report.missing_count) == (1, 0, 0, 0)
        assert all(request.path.startswith("/api/") for request in host.requests)
    for table in ("images", "image_meta", "image_tags", "blobs", "received WHERE entity_type = 'image'"):
        assert home.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)], table
    assert home.rows("SELECT source_id, reason FROM tombstones") == [(id, "withheld")]
