"""Each example of the documents, of every age: the request as it stands there works, and the answer has all that is shown."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from acting import Actor, picture
from asking import Doors, bearer

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(Path(__file__).parents[1] / "wire"))

from shapes import missing  # noqa: E402 - beside the tests of the wire

EXAMPLES = [
    pytest.param(example, id=f"{path.stem}: {example['about']}")
    for path in sorted(GOLDEN.glob("*.json"))
    for example in json.loads(path.read_text())
]

PUBLIC = "i.level = 1 AND i.published_at IS NOT NULL AND i.needs_review IS NULL AND i.minor = 0 AND i.hide_meta = 0"
LISTED = "m.status = 'Published' AND m.level = 1 AND m.mode IS NULL AND v.status = 'Published' AND v.level = 1"
QUESTIONS = {
    "image": f"SELECT i.id FROM images i WHERE {PUBLIC} AND i.type = 'image' ORDER BY i.id",
    "imageWithAddOn": (
        f"SELECT i.id FROM images i JOIN image_resources r ON r.image_id = i.id JOIN model_versions v ON v.id = r.version_id "
        f"JOIN models m ON m.id = v.model_id WHERE {PUBLIC} AND {LISTED} AND m.type <> 'Checkpoint'"
    ),
    "imageOfComfy": (
        f"SELECT i.id FROM images i JOIN image_resources r ON r.image_id = i.id JOIN model_versions v ON v.id = r.version_id "
        f"JOIN models m ON m.id = v.model_id WHERE {PUBLIC} AND {LISTED} AND i.generator = 'comfyui'"
    ),
    "imageOnSite": f"SELECT i.id FROM images i WHERE {PUBLIC} AND i.on_site = 1",
    "post": f"SELECT i.post_id FROM images i WHERE {PUBLIC} ORDER BY i.id",
    "imageCollection": "SELECT id FROM collections WHERE read = 'Public' AND type = 'Image' ORDER BY id",
    "postCollection": "SELECT id FROM collections WHERE read = 'Public' AND type = 'Post' ORDER BY id",
    "tag": f"SELECT t.tag_id FROM image_tags t JOIN images i ON i.id = t.image_id WHERE {PUBLIC}",
    "version": f"SELECT v.id FROM model_versions v JOIN models m ON m.id = v.model_id WHERE {LISTED} ORDER BY v.id",
    "versionWithPreviews": (
        f"SELECT v.id FROM model_versions v JOIN models m ON m.id = v.model_id JOIN posts p ON p.version_id = v.id "
        f"JOIN images i ON i.post_id = p.id WHERE {LISTED} AND {PUBLIC} AND p.user_id = m.user_id ORDER BY v.id"
    ),
    "deletedVersion": "SELECT v.id FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.status = 'Deleted'",
    "model": (
        f"SELECT m.id FROM models m JOIN model_versions v ON v.model_id = m.id JOIN image_resources r ON r.version_id = v.id "
        f"JOIN images i ON i.id = r.image_id WHERE {LISTED} AND {PUBLIC}"
    ),
    "modelTag": (
        f"SELECT t.name FROM tags t JOIN model_tags j ON j.tag_id = t.id JOIN models m ON m.id = j.model_id "
        f"JOIN model_versions v ON v.model_id = m.id WHERE {LISTED} ORDER BY t.name"
    ),
}


def facts(doors: Doors) -> dict[str, Any]:
    """What stands for each placeholder in this library."""
    found = {name: doors.one(sql) for name, sql in QUESTIONS.items()}
    used = doors.sql(
        "SELECT i.id, r.version_id, u.username, u.id, t.tag_id FROM images i JOIN image_resources r ON r.image_id = i.id "
        f"JOIN users u ON u.id = i.user_id JOIN image_tags t ON t.image_id = i.id WHERE {PUBLIC} AND i.type = 'image'"
    )[0]
    return found | dict(zip(("usedImage", "usedVersion", "usedName", "usedUser", "usedTag"), used, strict=True))


def filled(value: Any, known: dict[str, Any]) -> Any:
    """An example with this library's ids in place of its placeholders."""
    if isinstance(value, dict):
        return {key: filled(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known) for inner in value]
    if isinstance(value, str) and value[:1] == "{" and value[1:-1] in known:
        return known[value[1:-1]]
    return value


def key_of(doors: Doors, who: str | None) -> str | None:
    """The key of whom an example speaks for: nobody, the library's owner, or somebody who has collections."""
    if who == "owner":
        return doors.owner_key
    if who is None:
        return None
    return doors.key_for(
        doors.one("SELECT u.username FROM users u JOIN collections c ON c.user_id = u.id ORDER BY c.id")
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_works_as_it_is_written(doors: Doors, example: dict[str, Any]) -> None:
    known = facts(doors)
    path = example["path"]
    for name, value in known.items():
        path = path.replace("{" + name + "}", quote(str(value)))
    if "input" in example:
        path += f"?input={quote(json.dumps(filled(example['input'], known)))}"
    headers = {**example.get("headers", {}), **bearer(key_of(doors, example.get("as")))}
    body = {"json": filled(example["body"], known)} if "body" in example else {}
    answer = doors.client.request(example["method"], path, headers=headers, **body)
    assert answer.status_code == 200, answer.text[:500]
    told = answer.json()
    if "some" in example:
        lacks = [list(missing(item, example["answer"])) for item in told[example["some"]]]
        assert [] in lacks, min(lacks, key=len)
    elif "every" in example:
        assert told[example["every"]]
        assert [lack for item in told[example["every"]] for lack in missing(item, example["answer"])] == []
    else:
        assert list(missing(told, example["answer"])) == []


METADATA: dict[str, dict[str, Any]] = {
    "2023": {
        "Size": "512x768", "seed": 234871805, "Model": "Harbour", "steps": 35, "prompt": "<lora:ink:0.6>, harbour",
        "sampler": "DPM++ SDE Karras", "cfgScale": 7, "Clip skip": "2", "Hires upscale": "2", "Hires upscaler": "4x-Inks",
        "negativePrompt": "blurry", "Denoising strength": "0.4",
    },
    "2026, REST": {
        "Size": "832x1216", "seed": 1938345220, "steps": 45, "sampler": "DPM++ 2M", "cfgScale": 5, "clipSkip": 2,
        "prompt": "harbour", "negativePrompt": "blurry", "resources": [],
        "civitaiResources": [
            {"type": "checkpoint", "modelVersionId": 345685}, {"type": "lora", "weight": 0.65, "modelVersionId": 249861},
        ],
    },
    "2026, tRPC": {
        "baseModel": "Illustrious", "prompt": "harbour", "negativePrompt": "blurry", "cfgScale": 3, "steps": 34,
        "sampler": "Euler a", "seed": 1339988861, "engine": "comfyui", "workflow": "img2img-hires", "clipSkip": 2,
        "width": 1024, "height": 1024, "Model": "Harbour Mix - 2.5D", "extra": {},
        "civitaiResources": [{"type": "checkpoint", "modelVersionId": 345685}], "models": ["harbour"],
        "images": [{"url": "https://x/1.png"}],
    },
}  # fmt: skip
"""What each document shows as `meta`, whole."""


@pytest.mark.parametrize("age", METADATA)
def test_metadata_of_every_age_comes_back_as_it_was_given(owl: Actor, age: str) -> None:
    meta = METADATA[age]
    post = owl.do("post.create", {})["id"]
    key = owl.upload(picture())["id"]
    image = owl.do("post.addImage", {"postId": post, "url": key, "nsfwLevel": 1, "meta": meta})["id"]
    owl.do("post.update", {"id": post, "publishedAt": "2020-01-01T00:00:00.000Z"})
    (item,) = owl.doors.json(f"/api/v1/images?imageId={image}&withMeta=true")["items"]
    assert item["meta"] == meta
    assert set(item["modelVersionIds"]) == {one["modelVersionId"] for one in meta.get("civitaiResources", ())}
    made = owl.see("image.getGenerationData", {"id": image})
    folded = {"clipSkip": 2} | {name: value for name, value in meta.items() if name != "Clip skip" and value != []}
    assert made["meta"] == folded
    assert made["engine"] == meta.get("engine")


# --- the code that the documents print ------------------------------------------------------------------------------


class Scraper:
    """Behaves as the helper class of the procedures' document: it quotes its input, and then the HTTP library quotes again.

    It also says on every call that `cursor` is undefined, whatever the cursor.
    """

    def __init__(self, doors: Doors, token: str) -> None:
        self.doors = doors
        self.token = token

    def ask(self, endpoint: str, payload: dict[str, Any]) -> Any:
        """`result.data.json`, or None where the answer is no 200."""
        inner = json.dumps({"json": payload, "meta": {"values": {"cursor": ["undefined"]}}})
        headers = {
            "User-Agent": "Mozilla/5.0...",
            "Cookie": f"__Secure-civitai-token={self.token}",
            "Referer": "https://pics.example/",
        }
        answer = self.doors.get(f"/api/trpc/{endpoint}", params={"input": quote(inner)}, headers=headers)
        return answer.json()["result"]["data"]["json"] if answer.status_code == 200 else None


def test_the_printed_request_function_works(doors: Doors) -> None:
    known = facts(doors)
    scraper = Scraper(doors, "eyJhbGciOiJIUzI1NiJ9.nobody.here")
    image = scraper.ask("image.get", {"id": known["image"], "authed": True})
    assert image["id"] == known["image"]
    made = scraper.ask("image.getGenerationData", {"id": known["image"], "authed": True})
    assert made["meta"]["prompt"]
    tags = scraper.ask("tag.getVotableTags", {"id": known["image"], "type": "image", "authed": True})
    assert [tag["score"] for tag in tags] == sorted((tag["score"] for tag in tags), reverse=True)
    assert scraper.ask("image.get", {"id": 999_999_999}) is None


def test_the_printed_paging_loop_ends(doors: Doors) -> None:
    scraper = Scraper(doors, "nobody")
    collection = facts(doors)["imageCollection"]
    asked = {"collectionId": collection, "period": "AllTime", "sort": "Newest", "browsingLevel": 31, "limit": 3}
    seen: list[int] = []
    cursor = None
    for _ in range(200):
        page = scraper.ask("image.getInfinite", {**asked, "cursor": cursor})
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if not cursor:
            break
    else:
        pytest.fail("page 1 for ever")
    assert len(seen) == len(set(seen)) > 3
    assert seen == [item["id"] for item in doors.every_call("image.getInfinite", asked)]


def test_the_printed_check_of_a_model_tells_gone_from_there_from_never(doors: Doors) -> None:
    def status(version: int) -> str | None:
        found = Scraper(doors, "x").ask("modelVersion.getById", {"id": version, "authed": True})
        return found["model"]["status"] if found else None

    known = facts(doors)
    assert status(known["version"]) == "Published"
    assert status(known["deletedVersion"]) == "Deleted"
    assert status(999_999_999) is None


def test_the_navigation_by_searching_finds_the_images(doors: Doors) -> None:
    def deep(value: Any) -> Any:
        """The first list of objects with an id and a url, wherever it is."""
        if isinstance(value, list) and value and isinstance(value[0], dict) and {"id", "url"} <= set(value[0]):
            return value
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return next((found for one in inner if (found := deep(one))), None)

    assert deep(doors.call_whole("image.getInfinite", {"limit": 5}))


def test_the_links_of_2022_are_followed_to_their_end(doors: Doors) -> None:
    for path in ("/api/v1/creators?limit=2", "/api/v1/tags?limit=5", "/api/v1/models?limit=3&type=TextualInversion"):
        total, count, pages = None, 0, 0
        address = path
        while address:
            body = doors.json(address)
            total = body["metadata"]["totalItems"]
            count += len(body["items"])
            pages += 1
            assert body["metadata"]["currentPage"] in (pages, 1)
            address = body["metadata"].get("nextPage", "")
        assert (count, pages) == (total, body["metadata"]["totalPages"])


def test_links_keep_what_was_asked_in_its_order_and_never_the_key(doors: Doors) -> None:
    path = f"/api/v1/models?limit=2&token={doors.owner_key}&types=Checkpoint&types=LORA&type=TextualInversion&query="
    link = doors.json(path)["metadata"]["nextPage"]
    assert doors.owner_key not in link
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "pics.example:8765", "/api/v1/models")
    asked = parse_qs(parts.query)
    assert asked.pop("cursor")
    assert asked == {"limit": ["2"], "types": ["Checkpoint", "LORA"], "type": ["TextualInversion"]}
    assert parts.query.startswith(urlencode({"limit": 2, "types": "Checkpoint"}))


def test_addresses_of_tags_and_creators_lead_to_their_models(doors: Doors) -> None:
    for item in doors.json("/api/v1/tags?limit=0")["items"]:
        models = doors.json(quote(item["link"], safe=":/?=&"))["items"]
        assert len(models) == item["modelCount"], item
        assert all(item["name"] in model["tags"] for model in models)
    for item in doors.json("/api/v1/creators?limit=0")["items"]:
        models = doors.json(item["link"])["items"]
        assert len(models) == item.get("modelCount", 0), item
        assert all(model["creator"]["username"] == item["username"] for model in models)
