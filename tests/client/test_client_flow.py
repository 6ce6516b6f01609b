"""The seeds' data flow as methods, with the documents' own shapes and neutral contents."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pinako.client import AsyncClient, Client
from pinako.client.calls.flow import extension_for, media_base_of
from pinako.errors import UpstreamError, UpstreamNotFound
from scripted_upstream import Reply, Request, Upstream, as_json, superjson, trpc_error

KEY = "95f49958-6194-495d-a49c-6344453df726"
BASIC = {
    "id": 117165031,
    "name": "SSG1WJ9110B8W7X7T3G69VSK00.jpg",
    "url": KEY,
    "height": 1536,
    "width": 1536,
    "hash": "U9G[4%0e0KoeKjE2wJNa00$*~CnhI=NukC^k",
    "createdAt": "2026-01-11T23:49:44.272Z",
    "mimeType": "image/jpeg",
    "nsfwLevel": 1,
    "postId": 25815673,
    "user": {"id": 3319660, "username": "paper_fox", "image": "https://pictures.example/a=s96-c"},
    "stats": {"likeCountAllTime": 5, "collectedCountAllTime": 3},
    "type": "image",
    "onSite": True,
}
GENERATION = {
    "type": "image",
    "onSite": True,
    "process": "txt2img",
    "engine": "comfyui",
    "meta": {
        "prompt": "lighthouse at dawn",
        "negativePrompt": "blurry",
        "cfgScale": 3,
        "steps": 34,
        "seed": 1339988861,
    },
    "resources": [
        {
            "modelType": "lora",
            "modelName": "Soft Watercolour",
            "strength": 0.7,
            "modelVersionId": 1725302,
            "baseModel": "Illustrious",
        },
        {"modelType": "Checkpoint", "modelName": "Harbour Mix", "versionId": 77, "modelId": 7, "versionName": "v2"},
    ],
}
TAGS = [
    {"score": 8, "id": 5228, "type": "UserGenerated", "nsfwLevel": 1, "name": "sea", "automated": True},
    {"score": 9, "id": 1465, "type": "Label", "nsfwLevel": 1, "name": "lighthouse"},
    {"score": 8, "id": 9, "type": "UserGenerated", "nsfwLevel": 1, "name": "calm"},
]
THREE = "image.get,image.getGenerationData,tag.getVotableTags"


def result(value: Any) -> dict[str, Any]:
    return {"result": {"data": {"json": value}}}


def failure(status: int, word: str) -> dict[str, Any]:
    return {"error": {"json": {"message": "No", "data": {"code": word, "httpStatus": status}}}}


def test_one_object_has_it_all_in_one_request(client: Client, upstream: Upstream) -> None:
    upstream.on(f"/api/trpc/{THREE}", as_json([result(BASIC), result(GENERATION), result(TAGS)]))
    image = client.fetch_image(117165031)
    assert image.author == "paper_fox"
    assert image.image_url == f"{upstream.url}/xG1nkqKTMzGDvpLrqFT7WA/{KEY}/original=true/{KEY}.jpeg"
    assert image.tags == ("lighthouse", "sea", "calm")
    assert [(lora.name, lora.strength, lora.version_id) for lora in image.loras] == [("Soft Watercolour", 0.7, 1725302)]
    assert image.checkpoint is not None
    assert (image.checkpoint.name, image.checkpoint.version_id) == ("Harbour Mix", 77)
    assert (image.parameters["steps"], image.prompt, image.negative_prompt) == (34, "lighthouse at dawn", "blurry")
    assert (image.generation.engine, image.extension, image.post_id, image.missing) == (
        "comfyui",
        ".jpeg",
        25815673,
        (),
    )
    assert image.raw["basic"] == BASIC
    assert len(upstream.requests) == 1


def test_the_three_steps_stand_alone(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson(BASIC))
    upstream.on("/api/trpc/image.getGenerationData", superjson(GENERATION))
    upstream.on("/api/trpc/tag.getVotableTags", superjson(TAGS))
    assert client.fetch_basic_info(117165031).mime_type == "image/jpeg"
    assert client.fetch_generation_data(117165031).meta["seed"] == 1339988861
    assert client.fetch_image_tags(117165031) == ["lighthouse", "sea", "calm"]
    assert upstream.requests[-1].input == {"json": {"id": 117165031, "type": "image", "take": 100}}
    assert client.fetch_image(117165031).tags == ("lighthouse", "sea", "calm")  # this host knows no batches


def test_hidden_generation_data_does_not_fail_the_image(client: Client, upstream: Upstream) -> None:
    upstream.on(f"/api/trpc/{THREE}", as_json([result(BASIC), failure(404, "NOT_FOUND"), result([])], 207))
    image = client.fetch_image(117165031)
    assert (image.missing, image.loras, image.parameters, image.tags) == (("generation",), (), {}, ())


def test_an_image_that_is_not_there_is_an_error(client: Client, upstream: Upstream) -> None:
    failed = [failure(404, "NOT_FOUND"), failure(404, "NOT_FOUND"), result([])]
    upstream.on(f"/api/trpc/{THREE}", as_json(failed, 207))
    with pytest.raises(UpstreamNotFound):
        client.fetch_image(5)


def test_many_images_come_ten_to_a_request(client: Client, upstream: Upstream) -> None:
    def answer(request: Request) -> Reply:
        names = request.path.removeprefix("/api/trpc/").split(",")
        ids = [request.input[str(at)]["json"]["id"] for at in range(len(names))]
        made = {
            "image.get": lambda one: failure(404, "NOT_FOUND") if one == 7 else result({**BASIC, "id": one}),
            "image.getGenerationData": lambda one: result({"meta": {"seed": one}}),
            "tag.getVotableTags": lambda one: result([{"id": 1, "name": f"tag {one}"}]),
        }
        return as_json([made[name](one) for name, one in zip(names, ids, strict=True)], 207)

    upstream.on("*", answer)
    outcomes = client.fetch_images(range(1, 26))
    assert len(upstream.requests) == 3
    assert isinstance(outcomes[6], UpstreamNotFound)
    for number, image in enumerate(outcomes, start=1):
        if not isinstance(image, UpstreamError):
            assert (image.id, image.parameters, image.tags) == (number, {"seed": number}, (f"tag {number}",))


VERSION = {
    "id": 1498821,
    "name": "IXL",
    "baseModel": "Illustrious",
    "status": "Published",
    "createdAt": "2025-03-06T10:39:08.487Z",
    "model": {"id": 871004, "name": "Harbour slider", "type": "LORA", "status": "Deleted", "user": {"id": 827028}},
    "files": None,
}


def test_a_deleted_model_comes_with_its_address_on_the_archive(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/modelVersion.getById", superjson(VERSION, files=["undefined"]))
    found = client.model_availability(1498821)
    assert (found.available, found.status, found.model_name) == (False, "Deleted", "Harbour slider")
    assert found.archive_url == "https://civitaiarchive.com/models/871004"
    assert found.page_url == f"{upstream.url}/models/871004?modelVersionId=1498821"


@pytest.mark.parametrize(
    ("status", "available"),
    [("Published", True), ("Unpublished", False), ("UnpublishedViolation", False), ("Archived", True)],
)
def test_other_states_have_no_archive(client: Client, upstream: Upstream, status: str, available: bool) -> None:
    upstream.on(
        "/api/trpc/modelVersion.getById", superjson({**VERSION, "model": {**VERSION["model"], "status": status}})
    )  # type: ignore[dict-item]
    found = client.model_availability(1498821)
    assert (found.available, found.status, found.archive_url) == (available, status, None)


def test_a_version_that_never_was_is_not_there(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/modelVersion.getById", trpc_error(404, "NOT_FOUND"))
    found = client.model_availability(5, model_id=6)
    assert (found.available, found.status, found.archive_url) == (False, "Not found", None)


def test_the_async_client_has_the_flow_too(upstream: Upstream) -> None:
    upstream.on(f"/api/trpc/{THREE}", as_json([result(BASIC), result(GENERATION), result(TAGS)]))
    upstream.on("/api/trpc/modelVersion.getById", superjson(VERSION))

    async def ask() -> tuple[str | None, bool]:
        async with AsyncClient(upstream.url) as client:
            image, model = await asyncio.gather(client.fetch_image(117165031), client.model_availability(1498821))
            return image.author, model.available

    assert asyncio.run(ask()) == ("paper_fox", False)


@pytest.mark.parametrize(
    ("mime", "extension"),
    [
        ("image/jpeg", ".jpeg"),
        ("image/jpg", ".jpeg"),
        ("image/png", ".png"),
        ("image/webp", ".webp"),
        ("image/tiff", ".tif"),
        ("video/mp4", ".mp4"),
        ("Video/WebM; codecs=vp9", ".webm"),
        (None, ".jpeg"),
        ("application/x-odd", ".jpeg"),
    ],
)
def test_extensions_are_as_documented(mime: str | None, extension: str) -> None:
    assert extension_for(mime) == extension


def test_media_lie_where_the_host_keeps_them() -> None:
    assert media_base_of("https://www.civitai.com") == "https://image.civitai.com/xG1nkqKTMzGDvpLrqFT7WA"
    assert media_base_of("http://127.0.0.1:8765") == "http://127.0.0.1:8765/xG1nkqKTMzGDvpLrqFT7WA"


def test_a_full_address_passes_through(client: Client, upstream: Upstream) -> None:
    from pinako.client.calls.flow import original_url

    upstream.on(
        "/api/v1/images", as_json({"items": [{"id": 1, "url": "https://media.example/a/b.png"}], "metadata": {}})
    )
    [image] = client.images()
    assert original_url(image, client.media_base) == "https://media.example/a/b.png"
