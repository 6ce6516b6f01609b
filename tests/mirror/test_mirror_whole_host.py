"""One Pinako mirrors another over sockets, by every kind of page; then both answer the same questions alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mirroring import Home, Host, differences

import real_server
from pinako.client import Client


@pytest.fixture(scope="module")
def both(upstream: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    """The host, and a server over its mirror."""
    home = Home(tmp_path_factory.mktemp("whole") / "library")
    with Client(upstream.address, api_key=upstream.key) as client:
        names = {image.author for image in client.image_feed()} | {creator.username for creator in client.creators()}
        pages = [f"{upstream.address}/user/{name}" for name in sorted(filter(None, names))]
        pages += [f"{upstream.address}/models/{model.id}" for model in client.model_feed()]
        pages += [f"{upstream.address}/collections/{one.id}" for one in client.collection_feed()]
    report = home.mirror(*pages, key=upstream.key)
    assert report.missing == []
    with real_server.serving(home.folder) as running:
        yield upstream, Host(running.address)


QUESTIONS = [
    "/api/v1/images?limit=200&sort=Newest&browsingLevel=31",
    "/api/v1/images?limit=200&sort=Most%20Reactions&withMeta=true&withTags=true",
    "/api/v1/models?limit=100&nsfw=true",
    "/api/v1/creators?limit=100",
    "/api/v1/tags?limit=200",
]


@pytest.mark.parametrize("path", QUESTIONS)
def test_both_answer_rest_lists_alike(both: tuple[Host, Host], path: str) -> None:
    upstream, mirrored = both
    assert list(differences(mirrored.ask(path), upstream.ask(path))) == []


TRPC: list[tuple[str, dict[str, Any]]] = [
    ("image.getInfinite", {"limit": 200, "sort": "Newest", "include": ["tags", "metaSelect"]}),
    ("post.getInfinite", {"limit": 200, "sort": "Newest"}),
    ("model.getAll", {"limit": 100, "sort": "Newest"}),
]


@pytest.mark.parametrize(("procedure", "values"), TRPC, ids=[name for name, _ in TRPC])
def test_both_answer_trpc_lists_alike(both: tuple[Host, Host], procedure: str, values: dict[str, Any]) -> None:
    upstream, mirrored = both
    assert list(differences(mirrored.query(procedure, values), upstream.query(procedure, values))) == []
