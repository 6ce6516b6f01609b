"""No door ever answers with something that the rules hide from its caller: random libraries, every caller, every door."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asking import Doors, bearer, opened
from worlds import CHILD_TAG, PERSON_TAG, Oracle, Who, World, make_world

ACCOUNT = "xG1nkqKTMzGDvpLrqFT7WA"
MASKS = (1, 3, 28, 31)
MORE = range(1, 4)


def seeds() -> Iterator[Any]:
    """A quick one, and slow ones on each engine."""
    yield pytest.param(0, "sqlite", id="sqlite-0")
    yield pytest.param(1, "postgres", id="postgres-1", marks=pytest.mark.slow)
    yield from (pytest.param(seed, "sqlite", id=f"sqlite-{seed}", marks=pytest.mark.slow) for seed in MORE)


@pytest.fixture
def world_of(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[int, str], tuple[Doors, World, Oracle]]]:
    """Makes a random library of a seed, with its doors and its oracle."""
    from contextlib import ExitStack

    import postgres_server

    with ExitStack() as stack:

        def make(seed: int, engine: str) -> tuple[Doors, World, Oracle]:
            given: dict[str, Any] = {"public_level": (1, 3, 31, 7)[seed % 4]}
            if engine == "postgres":
                lender: postgres_server.Lender = request.getfixturevalue("postgres")
                given["database_url"] = stack.enter_context(lender.lent())
            doors = stack.enter_context(opened(tmp_path / "library", **given))
            world = make_world(doors.library, seed)
            return doors, world, Oracle(doors.library)

        yield make


def rest_lists(oracle: Oracle) -> Iterator[str]:
    """Every REST list, at every mask, by everything that narrows."""
    for mask in MASKS:
        level = f"browsingLevel={mask}&limit=200"
        yield f"/api/v1/images?{level}&withMeta=true&withTags=true"
        yield f"/api/v1/images?{level}&sort=Newest"
        yield f"/api/v1/models?{level}&archived=true"
        yield f"/api/v1/models?{level}&sort=Newest&query=zqmodel"
    yield "/api/v1/images?nsfw=X&limit=200&sort=Random"
    yield "/api/v1/models?nsfw=true&limit=200"
    yield from (f"/api/v1/models?nsfw=true&limit=200&archived=true&{flag}=true" for flag in ("minorOnly", "poiOnly"))
    yield "/api/v1/models?nsfw=true&limit=200&status=Draft&status=Deleted&status=UnpublishedViolation"
    yield from ("/api/v1/images", "/api/v1/models", "/api/v1/creators?limit=0", "/api/v1/tags?limit=0")
    yield from ("/api/v1/tags?limit=0&query=zq", "/api/v1/tags?limit=0&sort=Most%20Images", "/api/v1/enums")
    yield from ("/api/v1/collections?nsfw=true", "/api/v1/collections?query=zqset", "/api/v1/collections")
    for user in ("alice", "bob", "carol"):
        yield f"/api/v1/images?username={user}&browsingLevel=31"
        yield f"/api/v1/models?username={user}&nsfw=true&archived=true"
        yield f"/api/v1/users?query={user}"
    for id in oracle.posts:
        yield f"/api/v1/images?postId={id}&browsingLevel=31&withMeta=true"
    for id in oracle.models:
        yield f"/api/v1/images?modelId={id}&browsingLevel=31"
        yield f"/api/v1/models?ids={id}&nsfw=true"
    for id in oracle.versions:
        yield f"/api/v1/images?modelVersionId={id}&browsingLevel=31"
        yield f"/api/v1/models?modelVersionIds={id}&nsfw=true"


def rest_by_id(oracle: Oracle) -> Iterator[str]:
    """Every REST door that takes an id or hash."""
    for id in oracle.images:
        yield f"/api/v1/images?imageId={id}&browsingLevel=31&withMeta=true"
        yield f"/api/v1/pinako/history/image/{id}"
    for id in oracle.models:
        yield f"/api/v1/models/{id}"
        yield f"/api/v1/pinako/history/model/{id}"
    for id, sha256 in oracle.hashes.items():
        yield f"/api/v1/model-versions/{id}"
        yield f"/api/v1/model-versions/mini/{id}"
        yield f"/api/v1/model-versions/by-hash/{sha256}"
        yield f"/api/v1/model-versions/by-hash/{sha256[:10]}"
        yield f"/api/download/models/{id}"
    for id in oracle.collections:
        yield f"/api/v1/collections/{id}"


def trpc_lists(oracle: Oracle) -> Iterator[tuple[str, Any]]:
    """Every list procedure, at every mask, by everything that narrows."""
    for mask in MASKS:
        level = {"browsingLevel": mask, "limit": 200}
        yield "image.getInfinite", {**level, "include": ["tags", "metaSelect"], "pending": True}
        yield "image.getInfinite", {**level, "sort": "Most Reactions"}
        yield "image.getImagesAsPostsInfinite", {**level, "pending": True}
        yield "post.getInfinite", level
        yield "model.getAll", {**level, "archived": True}
        yield "collection.getInfinite", {"browsingLevel": mask}
    for flag in ("minorOnly", "poiOnly", "pendingReviewOnly", "notPublished", "scheduled", "nonRemixesOnly"):
        for mask in (1, 31):
            yield "image.getInfinite", {flag: True, "pending": True, "browsingLevel": mask, "include": ["metaSelect"]}
    for flag in ("draftOnly", "scheduled", "pending"):
        yield "post.getInfinite", {flag: True, "browsingLevel": 31}
    for flag in ("minorOnly", "poiOnly"):
        yield "model.getAll", {flag: True, "browsingLevel": 31, "archived": True}
    yield "hiddenPreferences.getHidden", {}
    yield from (("image.getInfinite", {}), ("post.getInfinite", {}), ("model.getAll", {}))
    for entity in ("Model", "Image", "Post"):
        yield "tag.getAll", {"limit": 200, "entityType": entity, "nsfwLevel": 31}
        yield "tag.getAll", {"limit": 200, "entityType": entity, "query": "zq", "nsfwLevel": 31}
    for user in ("alice", "bob", "carol"):
        yield "post.getInfinite", {"username": user, "browsingLevel": 31}
        yield "model.getAll", {"username": user, "browsingLevel": 31, "archived": True}
        yield "image.getInfinite", {"username": user, "browsingLevel": 31, "pending": True}
        yield "user.getCreator", {"username": user}
    for id in oracle.posts:
        yield "image.getInfinite", {"postId": id, "pending": True, "browsingLevel": 31}
    for id in oracle.collections:
        for kind in ("image.getInfinite", "post.getInfinite", "model.getAll"):
            yield kind, {"collectionId": id, "browsingLevel": 31}
        yield "collection.getAllCollectionItems", {"collectionId": id, "statuses": ["ACCEPTED", "REVIEW", "REJECTED"]}


def trpc_by_id(oracle: Oracle) -> Iterator[tuple[str, Any]]:
    """Every procedure that takes an id."""
    for id in oracle.images:
        yield "image.get", {"id": id}
        yield "image.getGenerationData", {"id": id}
        yield "tag.getVotableTags", {"id": id, "type": "image"}
        yield "collection.getUserCollectionItemsByItem", {"imageId": id}
        yield (
            "image.getInfinite",
            {"ids": [id], "browsingLevel": 31, "pending": True, "include": ["tags", "metaSelect"]},
        )
    for id in oracle.posts:
        yield "post.get", {"id": id}
    for id in oracle.models:
        yield "model.getById", {"id": id}
        yield "tag.getVotableTags", {"id": id, "type": "model"}
    for id in oracle.versions:
        yield "modelVersion.getById", {"id": id}
    for id in oracle.collections:
        yield "collection.getById", {"id": id}
    for id in (*oracle.images, *oracle.posts):
        yield "collection.getUserCollectionItemsByItem", {"imageId" if id in oracle.images else "postId": id}
    yield from (("hiddenPreferences.getHidden", None), ("user.getSettings", None))


NAMES_THE_GONE = ("modelVersion.getById", "image.getGenerationData")
"""Doors that still name deleted and unpublished models, by design of the wire."""


def leaks(text: str, hidden: dict[str, str]) -> list[str]:
    """What of the hidden an answer holds."""
    found = set(re.findall(r"zq[a-z]+\d+qz|[0-9a-fA-F]{64}|[0-9a-f-]{36}|\"id\":\d+,", text))
    return [f"{hidden[word]} by {word}" for word in found & hidden.keys()]


def every_answer(doors: Doors, oracle: Oracle, who: Who) -> Iterator[tuple[str, str]]:
    """Each question that this caller can ask, with its answer."""
    headers = bearer(who.key)
    for path in (*rest_lists(oracle), *rest_by_id(oracle)):
        yield path, _text(doors.get(path, headers=headers), path)
    for procedure, value in (*trpc_lists(oracle), *trpc_by_id(oracle)):
        path = f"/api/trpc/{procedure}?input={quote(json.dumps({'json': value}))}"
        yield f"{procedure} {value}", _text(doors.get(path, headers=headers), path)
    body = list(oracle.hashes.values())
    for path in ("/api/v1/model-versions/by-hash", "/api/v1/model-versions/by-hash/ids"):
        yield path, _text(doors.client.post(path, json=body, headers=headers), path)
    if who.user_id is not None:
        value = {"permissions": ["VIEW", "ADD"], "contributingOnly": False}
        yield "collection.getAllUser", doors.post("collection.getAllUser", {"json": value}, key=who.key).text


def _text(answer: Any, path: str) -> str:
    assert answer.status_code < 500, f"{path}: {answer.text[:300]}"
    return str(answer.text) + str(answer.headers.get("location", ""))


@pytest.mark.parametrize(("seed", "engine"), [*seeds()])
def test_no_door_answers_with_what_is_hidden(world_of: Any, seed: int, engine: str) -> None:
    doors, world, oracle = world_of(seed, engine)
    found: list[str] = []
    for who in world.callers:
        hidden = {gone: oracle.hidden_marks(who, gone=gone) for gone in (False, True)}
        for question, text in every_answer(doors, oracle, who):
            gone = question.startswith(NAMES_THE_GONE)
            found += [f"{who.name}: {question}: {leak}" for leak in leaks(text, hidden[gone])]
    assert found == []


@pytest.mark.parametrize(("seed", "engine"), [*seeds()])
def test_lists_hold_all_that_is_open_and_nothing_else(world_of: Any, seed: int, engine: str) -> None:
    doors, world, oracle = world_of(seed, engine)
    for who in world.callers:
        for asked in (*MASKS, None):
            mask = who.mask(asked)
            level = {} if asked is None else {"browsingLevel": asked}
            listed = {item["id"] for item in doors.every_call("image.getInfinite", {**level, "limit": 7}, key=who.key)}
            assert {id for id in oracle.images if oracle.is_open(id, mask)} <= listed
            assert listed <= {id for id in oracle.images if oracle.sees_image(id, who, mask)}
            query = "" if asked is None else f"browsingLevel={asked}&"
            rested = set(doors.every_id(f"/api/v1/images?{query}limit=5", who.key))
            assert {id for id in oracle.images if oracle.is_open(id, mask)} <= rested <= listed
            assert not any(oracle.images[id]["minor"] or oracle.images[id]["poi"] for id in rested)


@pytest.mark.parametrize(("seed", "engine"), [*seeds()])
def test_by_id_hidden_is_the_same_as_unknown(world_of: Any, seed: int, engine: str) -> None:
    doors, world, oracle = world_of(seed, engine)
    unknown = 999_999_999
    for who in world.callers:
        for id in oracle.images:
            seen = oracle.sees_image(id, who)
            for procedure in ("image.get", "image.getGenerationData"):
                status = 200 if seen else 404
                answer = doors.call(procedure, {"id": id}, key=who.key, status=status)
                if not seen:
                    never = doors.call(procedure, {"id": unknown}, key=who.key, status=404)
                    assert answer == json.loads(json.dumps(never).replace(str(unknown), str(id)))
            tags = doors.call("tag.getVotableTags", {"id": id, "type": "image"}, key=who.key)
            assert bool(tags) is seen
        for id in oracle.models:
            if not oracle.sees_model(id, who):
                assert doors.json(f"/api/v1/models/{id}", status=404, key=who.key) == {
                    "error": f"No model with id {id}"
                }
                assert doors.call("tag.getVotableTags", {"id": id, "type": "model"}, key=who.key) == []
        for id in oracle.versions:
            if not oracle.sees_version(id, who):
                answer = doors.get(f"/api/download/models/{id}", headers=bearer(who.key))
                if oracle.versions[id]["availability"] == "Private" and answer.status_code in (401, 403):
                    continue  # that somebody may not have a private version is told so, as upstream (rest.md 19)
                assert (answer.status_code, answer.text) == (404, '{"error":"File not found"}'), (
                    who.name,
                    oracle.versions[id],
                    oracle.models[oracle.versions[id]["model_id"]],
                )


@pytest.mark.parametrize(("seed", "engine"), [*seeds()])
def test_bytes_are_given_to_whom_the_image_is(world_of: Any, seed: int, engine: str) -> None:
    doors, world, oracle = world_of(seed, engine)
    unknown = doors.get(f"/{ACCOUNT}/00000000-0000-0000-0000-000000000000/original=true/x.jpeg")
    for who in world.callers:
        for id, image in oracle.images.items():
            address = f"/{ACCOUNT}/{image['media_key']}/original=true/x.jpeg"
            answer = doors.get(f"{address}?trash=1", headers=bearer(who.key))
            assert (answer.status_code == 200) is oracle.sees_bytes(id, who), (who.name, image)
            answer = doors.get(address, headers=bearer(who.key))
            assert (answer.status_code == 200) is oracle.sees_image(id, who), (who.name, image)
            if answer.status_code != 200:
                assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content)
                small = doors.get(f"/{ACCOUNT}/{image['media_key']}/width=96/x.jpeg", headers=bearer(who.key))
                assert (small.status_code, small.content) == (unknown.status_code, unknown.content)
            elif who.key is None:
                assert answer.headers["cache-control"].startswith("public")


@pytest.mark.parametrize(("seed", "engine"), [*seeds()])
def test_counts_are_of_what_is_seen(world_of: Any, seed: int, engine: str) -> None:
    doors, world, oracle = world_of(seed, engine)
    for who in world.callers:
        models = doors.json("/api/v1/models?nsfw=true&limit=200&archived=true", key=who.key)
        assert models["metadata"]["totalItems"] == len(models["items"])
        for item in doors.call("post.getInfinite", {"browsingLevel": 31}, key=who.key)["items"]:
            seen = [id for id, image in oracle.images.items() if image["post_id"] == item["id"]]
            assert item["imageCount"] == sum(oracle.sees_image(id, who, who.mask(31)) for id in seen), item["id"]
        for item in doors.call("collection.getInfinite", {"browsingLevel": 31, "limit": 100}, key=who.key)["items"]:
            if item["type"] == "Image":
                held = {
                    one["entity_id"]
                    for one in oracle.items
                    if one["collection_id"] == item["id"] and one["status"] == "ACCEPTED"
                }
                least = sum(oracle.is_open(id, who.mask(31)) for id in held)
                most = sum(oracle.sees_image(id, who, who.mask(31)) for id in held)
                assert least <= item["_count"]["items"] <= most
            for cover in (item["image"], *item["images"]):
                assert cover is None or oracle.sees_image(cover["id"], who, who.mask(31))


def test_creators_are_all_whose_models_somebody_may_see(world_of: Any) -> None:
    doors, world, oracle = world_of(1, "sqlite")
    names = dict(doors.sql("SELECT id, username FROM users"))
    for who in world.callers:
        listed = {
            item["username"]: item.get("modelCount", 0)
            for item in doors.json("/api/v1/creators?limit=0", key=who.key)["items"]
        }
        every = doors.json("/api/v1/models?limit=200&archived=true", key=who.key)["items"]
        assert set(listed) == {
            names[model["user_id"]]
            for id, model in oracle.models.items()
            if any(oracle.sees_model(id, other) for other in world.callers)
        }
        for name, count in listed.items():
            assert count == sum(model["creator"]["username"] == name for model in every)


def test_the_worlds_hold_something_of_each_kind(world_of: Any) -> None:
    doors, world, oracle = world_of(1, "sqlite")
    assert {CHILD_TAG, PERSON_TAG} & {row[0] for row in doors.sql("SELECT tag_id FROM image_tags")}
    for who in world.callers:
        seen = sum(oracle.sees_image(id, who) for id in oracle.images)
        assert 0 < seen < len(oracle.images)
