"""Both clients against a real Pinako over sockets: every read call, both doors agreeing, files arriving whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pinako.client import AsyncClient, Client, Ending
from pinako.client.hosts import Kind, read_address
from pinako.client.records.images import ImageDetails
from pinako.client.wanted import wanted_image
from pinako.errors import UpstreamNotFound, UpstreamUnauthorized


@pytest.fixture(scope="module")
def owner(demo: tuple[str, str]) -> Iterator[Client]:
    address, key = demo
    with Client(address, api_key=key) as client:
        yield client


@pytest.fixture(scope="module")
def anybody(demo: tuple[str, str]) -> Iterator[Client]:
    with Client(demo[0]) as client:
        yield client


def test_a_key_is_somebody_and_none_is_nobody(owner: Client, anybody: Client) -> None:
    assert owner.me().username == "owner"
    with pytest.raises(UpstreamUnauthorized):
        anybody.me()


@pytest.mark.parametrize("sort", ["Newest", "Oldest", "Most Reactions", "Most Comments"])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_both_doors_list_the_same_images_in_any_pages(owner: Client, sort: str, limit: int) -> None:
    rest = owner.images(limit=limit, sort=sort, level=31)
    trpc = owner.image_feed(limit=limit, sort=sort, level=31)
    ids = [image.id for image in rest]
    assert ids == [image.id for image in trpc]
    assert len(ids) == len(set(ids)) > 100
    assert rest.ending is trpc.ending is Ending.COMPLETE


@pytest.mark.parametrize(
    "name",
    [
        "models",
        "creators",
        "tags",
        "public_collections",
        "posts_of_images",
        "post_feed",
        "model_feed",
        "collection_feed",
        "tag_feed",
    ],
)
def test_every_list_is_the_same_in_small_and_large_pages(owner: Client, name: str) -> None:
    def keys(limit: int) -> list[Any]:
        rows = getattr(owner, name)(limit=limit)
        return [
            next(iter(row.raw.values()))
            if name == "creators"
            else row.raw.get("id", row.raw.get("name", row.raw.get("postId")))
            for row in rows
        ]

    small, large = keys(2), keys(100)
    assert small == large != []


def test_one_image_has_everything(owner: Client) -> None:
    image = next(image for image in owner.images(level=31) if image.generation_meta.get("prompt"))
    details = owner.fetch_image(image.id)
    assert details.missing == ()
    assert details.prompt == image.generation_meta["prompt"]
    assert details.author == image.author == owner.fetch_basic_info(image.id).author
    assert list(details.tags) == owner.fetch_image_tags(image.id)
    assert details.generation.raw == owner.fetch_generation_data(image.id).raw
    assert read_address(f"{owner.host.origin}/images/{image.id}").kind is Kind.IMAGE


def test_many_images_are_each_themselves(owner: Client) -> None:
    ids = [image.id for image in owner.images(limit=25, level=31).page().items]
    outcomes = owner.fetch_images([*ids, 1])
    assert [one.id for one in outcomes if isinstance(one, ImageDetails)] == ids
    assert isinstance(outcomes[-1], UpstreamNotFound)


def test_originals_arrive_as_the_server_keeps_them(owner: Client, anybody: Client, tmp_path: Path) -> None:
    images = anybody.images(limit=20).page().items
    wanted = [wanted_image(image, tmp_path, media_base=anybody.media_base, hashed=True) for image in images]
    outcomes = list(anybody.download_all(wanted))
    assert len(outcomes) == 20
    for one in outcomes:
        assert one.download is not None
        assert hashlib.sha256(one.download.path.read_bytes()).hexdigest() == one.download.sha256
        assert one.download.content_type.split("/")[0] in {"image", "video"}


def test_models_are_found_by_every_hash_and_download_against_it(anybody: Client, tmp_path: Path) -> None:
    model = anybody.models(limit=5).page().items[0]
    version = anybody.version(model.model_versions[0].id)
    file = version.primary_file
    assert file is not None
    assert file.sha256 is not None
    assert {anybody.find_version(value.lower()).id for value in file.hashes.values()} == {version.id}
    assert [found.id for found in anybody.find_versions([file.sha256, "0" * 64])] == [version.id]
    assert anybody.find_version_ids([file.sha256])[0].model_id == model.id
    assert anybody.mini_version(version.id).air == version.air
    download = anybody.download_version(version, tmp_path)
    assert (download.sha256 or "").upper() == file.sha256
    assert download.path.name == file.name
    assert anybody.model_availability(version.id).available


def test_a_deleted_model_is_told_from_one_that_never_was(anybody: Client) -> None:
    """The demo keeps a Deleted model whose version ids lie beside listed ones."""
    listed = {version.id for model in anybody.models() for version in model.model_versions}
    around = {number for one in listed for number in range(one - 3, one + 4)} - listed
    found = [anybody.model_availability(number) for number in sorted(around)]
    deleted = [one for one in found if one.status == "Deleted"]
    assert deleted
    assert all(one.archive_url == f"https://civitaiarchive.com/models/{one.model_id}" for one in deleted)
    assert anybody.model_availability(5).status == "Not found"


def test_collections_are_read_to_their_ends(anybody: Client, owner: Client) -> None:
    collections = {one.type: one for one in anybody.collection_feed()}
    images = list(anybody.collection_items(collections["Image"].id, limit=3))
    assert [image.id for image in images] == [image.id for image in anybody.collection_items(collections["Image"].id)]
    assert images
    mixed = list(owner.mixed_collection_items(collections["Image"].id, limit=2))
    assert {row.data["id"] for row in mixed} >= {image.id for image in images}
    detail = anybody.collection(collections["Image"].id)
    assert detail.collection is not None
    assert detail.permissions.read
    assert anybody.public_collection(collections["Image"].id).name == detail.collection.name
    assert anybody.collection(5).collection is None


def test_people_tags_and_words(owner: Client) -> None:
    image = owner.images().page().items[0]
    assert image.author is not None
    profile = owner.creator(image.author)
    assert owner.user(profile.id).username == image.author
    assert profile.id in {user.id for user in owner.find_users(image.author)}
    tag = next(iter(owner.tag_feed()))
    assert tag.id is not None
    found = owner.tag(tag.id)
    assert found is not None
    assert found.name == tag.name
    assert owner.tag(1) is None
    assert "Checkpoint" in owner.enums().model_type
    assert isinstance(owner.my_collections(), list)


def test_a_user_that_is_not_there_gives_nothing_or_an_error(anybody: Client) -> None:
    assert list(anybody.post_feed(username="nobody_here")) == []
    with pytest.raises(UpstreamNotFound):
        anybody.model(5)


def test_the_async_client_sees_the_same(demo: tuple[str, str], owner: Client) -> None:
    async def ids() -> list[int]:
        async with AsyncClient(demo[0], api_key=demo[1]) as client:
            return [image.id async for image in client.images(limit=20, level=31)]

    assert asyncio.run(ids()) == [image.id for image in owner.images(level=31)]
