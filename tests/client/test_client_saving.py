"""Many images into a folder, each with everything that is known of it: `Client.save_images`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pinako.client import AsyncClient, Client
from pinako.client.reading import read_records
from pinako.client.records.images import Image
from pinako.errors import UpstreamFault
from scripted_upstream import Reply, Request, Upstream, as_json

PICTURE = Reply(200, b"\x89PNG\r\n\x1a\n" + bytes(300), {"content-type": "image/png"})


@pytest.fixture
def owner(demo: tuple[str, str]) -> Iterator[Client]:
    with Client(demo[0], api_key=demo[1]) as client:
        yield client


def rows(count: int) -> list[Image]:
    given = [
        {"id": n, "url": f"00000000-0000-4000-8000-{n:012d}", "mimeType": "image/png"} for n in range(1, count + 1)
    ]
    return read_records(Image, given)


def generation_of(request: Request) -> Reply:
    """A batch's answer; every seventh image has no generation data that this caller may see."""
    asked = [request.input[str(at)]["json"]["id"] for at in range(request.path.count(",") + 1)]
    lost = {"error": {"json": {"message": "No", "code": -32004, "data": {"code": "NOT_FOUND", "httpStatus": 404}}}}
    return as_json(
        [lost if n % 7 == 0 else {"result": {"data": {"json": {"meta": {"seed": n}}}}} for n in asked], status=207
    )


@pytest.fixture
def host(upstream: Upstream) -> Upstream:
    """Answers any batch of generation data and any picture."""
    for count in range(1, 41):
        upstream.on("/api/trpc/" + ",".join(["image.getGenerationData"] * count), generation_of)
    for image in rows(100):
        upstream.on(f"/media/{image.url}/original=true/{image.url}.jpeg", PICTURE)
    return upstream


def sidecar(folder: Path, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{number}.png.json").read_bytes())
    return found


def test_a_list_lies_in_the_folder_with_everything_that_the_host_tells(owner: Client, tmp_path: Path) -> None:
    listing = owner.image_feed(types=["image"], limit=30)
    saved = list(owner.save_images(listing.page().items, tmp_path, tags=True))
    assert [one.error for one in saved] == [None] * 30
    for image in listing.page().items:
        [record] = [json.loads(path.read_bytes()) for path in tmp_path.glob(f"{image.id}.*.json")]
        assert record["basic"] == image.raw
        assert record["generation"] == owner.fetch_generation_data(image.id).raw
        assert record["tags"] == [tag.raw for tag in owner.votable_tags(image.id)]
    assert len(list(tmp_path.iterdir())) == 60


def test_details_are_asked_forty_at_a_time_and_each_is_its_own_image_s(
    host: Upstream, open_client: Callable[..., Client], tmp_path: Path
) -> None:
    client = open_client(media_base=f"{host.url}/media")
    assert [one.error for one in client.save_images(iter(rows(95)), tmp_path)] == [None] * 95
    asked = [request.path.count(",") + 1 for request in host.requests if request.path.startswith("/api/")]
    assert sorted(asked) == [15, 40, 40]
    for number in range(1, 96):
        record = sidecar(tmp_path, number)
        if number % 7:
            assert record["generation"]["meta"] == {"seed": number}
            assert "missing" not in record
        else:
            assert record["missing"] == ["generation"]
    assert {request.method for request in host.requests} == {"GET"}  # not every host takes a query as POST


def test_without_details_nothing_is_asked_but_the_files(
    host: Upstream, open_client: Callable[..., Client], tmp_path: Path
) -> None:
    client = open_client(media_base=f"{host.url}/media")
    assert len(list(client.save_images(rows(50), tmp_path, generation=False))) == 50
    assert not any(request.path.startswith("/api/") for request in host.requests)
    assert sidecar(tmp_path, 50) == {"basic": {"id": 50, "url": rows(50)[49].url, "mimeType": "image/png"}}


def test_a_request_for_details_that_fails_is_raised_and_not_passed_over(
    host: Upstream, open_client: Callable[..., Client], tmp_path: Path
) -> None:
    host.on("/api/trpc/" + ",".join(["image.getGenerationData"] * 5), as_json({"error": "No"}, 500))
    client = open_client(media_base=f"{host.url}/media")
    with pytest.raises(UpstreamFault):
        list(client.save_images(rows(45), tmp_path))


def test_who_stops_early_is_not_kept_waiting(
    host: Upstream, open_client: Callable[..., Client], tmp_path: Path
) -> None:
    client = open_client(media_base=f"{host.url}/media")
    saved = client.save_images(rows(100), tmp_path)
    assert next(saved).error is None
    saved.close()  # type: ignore[attr-defined]  # a generator, as its callers may know
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".json.part")]


def test_the_asynchronous_client_saves_the_same(host: Upstream, tmp_path: Path) -> None:
    async def save() -> int:
        async def images() -> Any:
            for image in rows(50):
                yield image

        async with AsyncClient(host.url, media_base=f"{host.url}/media") as client:
            return len([one async for one in client.save_images(images(), tmp_path) if one.download])

    assert asyncio.run(save()) == 50
    assert sidecar(tmp_path, 50)["generation"]["meta"] == {"seed": 50}
