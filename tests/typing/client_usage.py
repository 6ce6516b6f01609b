"""Typical uses of the client. This file is never run; it only has to type-check."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import assert_type

from pinako.client import (
    AsyncClient,
    AsyncListing,
    Client,
    Credential,
    Ending,
    Listing,
    Pace,
    Page,
    Politeness,
    Retries,
    Timeouts,
)
from pinako.client.calls import entities
from pinako.client.hosts import Kind, Target, read_address
from pinako.client.records.images import GenerationData, Image, ImageDetails, Post
from pinako.client.records.models import Availability, HashMatch, Model, ModelVersion
from pinako.client.records.people import Collection, CollectionDetail, Me, Tag, VotableTag
from pinako.client.wanted import Download, Fetched, Wanted
from pinako.errors import UpstreamError, UpstreamNotFound


def open_clients() -> None:
    Client()
    Client("http://127.0.0.1:8765", api_key="key")
    Client(session="cookie", proxy="http://proxy.example:3128", timeouts=Timeouts(read=120.0))
    Client(credential=Credential(kind="query", secret="key"), retries=Retries(attempts=2))
    Client(pace=Pace(Politeness(requests_per_second=0.5, requests_per_day=1000), save=print))


def ask(client: Client) -> None:
    assert_type(client.image(5), Image)
    assert_type(client.generation_data(5), GenerationData)
    assert_type(client.votable_tags(5, type="model"), list[VotableTag])
    assert_type(client.tag(4), Tag | None)
    assert_type(client.post(5), Post)
    assert_type(client.model(4411), Model)
    assert_type(client.version(9001), ModelVersion)
    assert_type(client.find_version_ids(["0" * 64]), list[HashMatch])
    assert_type(client.collection(3001), CollectionDetail)
    assert_type(client.my_collections(), list[Collection])
    assert_type(client.me(), Me)
    assert_type(client.toggle_follow(5), bool | None)
    assert_type(client.keep_collection(name="Quiet harbours", type="Image"), Collection)
    assert_type(client.save_item([3001], image_id=5).status, str | None)
    assert_type([kept.collection_id for kept in client.collections_of_item(image_id=5)], list[int])
    assert_type(client.settings().blur_nsfw, bool | None)
    assert_type(client.add_post_tag(7, "sea"), Tag)
    assert_type(client.reorder_images(7, [5, 6]), list[Image])
    client.create_post(title="Harbour study", published_at=datetime(2026, 1, 1, tzinfo=UTC))
    client.vote_tags(5, ["lighthouse"], 1)


def walk(client: Client) -> None:
    listing = client.images(username="paper_fox", with_meta=True)
    assert_type(listing, Listing[Image])
    for image in listing:
        assert_type(image.level, int)
        assert_type(image.created_at, datetime | None)
    for page in client.models(types=["LORA"]).pages(start="5120|88031|4412"):
        assert_type(page, Page[Model])
        assert_type(page.next, str | int | None)
    assert_type(listing.ending, Ending | None)


def flow(client: Client) -> None:
    image = client.fetch_image(117165031)
    assert_type(image, ImageDetails)
    assert_type(image.author, str | None)
    assert_type(", ".join(image.tags), str)
    assert_type([lora.name for lora in image.loras], list[str | None])
    assert_type(client.model_availability(9001), Availability)
    assert_type(client.fetch_image_tags(5), list[str])
    for outcome in client.fetch_images([1, 2]):
        if isinstance(outcome, UpstreamError):
            assert_type(outcome.advice, str)
        else:
            assert_type(outcome, ImageDetails)
    assert_type(client.batch([entities.get_image(1)]), list[Image | UpstreamError])


def fetch(client: Client, folder: Path) -> None:
    assert_type(client.download("https://civitai.com/api/download/models/9001", folder), Download)
    for fetched in client.download_all(Wanted(url=f"https://h.example/{n}", to=folder / f"{n}.png") for n in range(3)):
        assert_type(fetched, Fetched)
    for fetched in client.save_images(client.image_feed(username="paper_fox"), folder, tags=True):
        assert_type(fetched, Fetched)


def addresses() -> Kind:
    target = read_address("https://civitai.com/images/5")
    assert_type(target, Target)
    return target.kind


async def ask_later(client: AsyncClient) -> None:
    assert_type(await client.image(5), Image)
    listing = client.image_feed(collection_id=3001)
    assert_type(listing, AsyncListing[Image])
    async for image in listing:
        assert_type(image, Image)
    try:
        await client.model(1)
    except UpstreamNotFound as error:
        assert_type(error.retry_after, float | None)
    async for saved in client.save_images(listing, Path("folder")):
        assert_type(saved, Fetched)
    async for fetched in client.download_all([Wanted(url="https://h.example/1", to=Path("1.png"))]):
        assert_type(fetched, Fetched)
