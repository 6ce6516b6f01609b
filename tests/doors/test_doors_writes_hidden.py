"""No write touches or tells of what its caller may not see: random libraries, every caller, every hidden thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from asking import Doors, bearer, opened
from worlds import Oracle, Who, make_world

import postgres_server

UNKNOWN = 999_999_999
LOOKED_AT = {
    "images": "id", "posts": "id", "models": "id", "model_versions": "id", "collections": "id", "reactions": "entity_id",
    "image_tag_votes": "image_id", "model_tag_votes": "model_id", "image_tags": "image_id", "post_tags": "post_id",
    "model_tags": "model_id", "image_meta": "image_id", "collection_items": "id", "collection_contributors": "user_id",
    "audit": "id",
}  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Doors, list[Who], Oracle]]:
    """A random library, its callers with keys that write, and the oracle."""
    given: dict[str, Any] = {"public_level": 3}
    with ExitStack() as stack:
        if request.param == "postgres":
            lender: postgres_server.Lender = request.getfixturevalue("postgres")
            given["database_url"] = stack.enter_context(lender.lent())
        doors = stack.enter_context(opened(tmp_path / "library", **given))
        callers = make_world(doors.library, 5 if request.param == "postgres" else 4).callers
        with doors.library.database.write() as w:
            w.run("UPDATE api_keys SET scope = 'write'")
        yield doors, [who for who in callers if who.user_id is not None], Oracle(doors.library)


def on_images(id: int, own: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every write about one image; `own` is a collection of the caller's."""
    yield "reaction.toggle", {"entityId": id, "entityType": "image", "reaction": "Like"}
    yield "tag.addTagVotes", {"type": "image", "id": id, "tags": ["shared tag"], "vote": 1}
    yield "tag.removeTagVotes", {"type": "image", "id": id, "tags": ["shared tag"]}
    yield "collection.saveItem", {"imageId": id, "collections": [{"collectionId": own}]}
    yield "collection.bulkSaveItems", {"collectionId": own, "imageIds": [id]}
    yield "collection.upsert", {"name": "n", "id": own, "image": {"id": id}}
    yield "collection.removeFromCollection", {"collectionId": own, "itemId": id}
    yield "image.delete", {"id": id}
    yield "image.bulkDelete", {"ids": [id]}
    yield "image.updateImageNsfwLevel", {"id": id, "nsfwLevel": 1}
    yield "post.updateImage", {"id": id, "hideMeta": True}


def on_posts(id: int, own: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every write about one post."""
    yield "reaction.toggle", {"entityId": id, "entityType": "post", "reaction": "Like"}
    yield "collection.saveItem", {"postId": id, "collections": [{"collectionId": own}]}
    yield "post.update", {"id": id, "title": "x"}
    yield "post.reorderImages", {"id": id, "imageIds": []}
    yield "post.addTag", {"id": id, "name": "x"}
    yield "post.removeTag", {"id": id, "tagId": 1}
    yield "post.delete", {"id": id}
    yield "post.addImage", {"postId": id, "url": "00000000-0000-4000-8000-000000000000"}


def on_models(id: int, own: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every write about one model."""
    yield "tag.addTagVotes", {"type": "model", "id": id, "tags": ["shared tag"], "vote": 1}
    yield "collection.saveItem", {"modelId": id, "collections": [{"collectionId": own}]}
    yield "model.upsert", {"id": id, "name": "x"}


def on_collections(id: int, image: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every write about one collection; `image` is one that the caller sees."""
    yield "collection.saveItem", {"imageId": image, "collections": [{"collectionId": id}]}
    yield "collection.bulkSaveItems", {"collectionId": id, "imageIds": [image]}
    yield "collection.follow", {"collectionId": id}
    yield "collection.unfollow", {"collectionId": id}
    yield "collection.setContributor", {"collectionId": id, "userId": 1, "permissions": ["VIEW"]}
    yield "collection.upsert", {"id": id, "name": "x"}
    yield "collection.removeFromCollection", {"collectionId": id, "itemId": image}
    yield "collection.delete", {"id": id}


def test_writes_on_hidden_things_do_what_writes_on_unknown_things_do(
    world: tuple[Doors, list[Who], Oracle],
) -> None:
    doors, callers, oracle = world
    shelves = {who.name: _shelf(doors, who) for who in callers}
    before = _rows(doors)
    for who in callers:
        own = shelves[who.name]
        for id, image in oracle.images.items():
            unrated_own = image["user_id"] == who.user_id and image["level"] == 0  # somebody must rate it
            if not oracle.sees_image(id, who) and not unrated_own:
                _compare(doors, who, on_images(id, own), on_images(UNKNOWN, own), id)
        for id, post in oracle.posts.items():
            if not oracle.sees_post(id, who) and post["user_id"] != who.user_id:
                _compare(doors, who, on_posts(id, own), on_posts(UNKNOWN, own), id)
        for id in oracle.models:
            if not oracle.sees_model(id, who) and oracle.models[id]["user_id"] != who.user_id:
                _compare(doors, who, on_models(id, own), on_models(UNKNOWN, own), id)
        seen = next(id for id in oracle.images if oracle.sees_image(id, who))
        for id in oracle.collections:
            if not oracle.sees_collection(id, who):
                _compare(doors, who, on_collections(id, seen), on_collections(UNKNOWN, seen), id)
    assert _rows(doors) == before


def _shelf(doors: Doors, who: Who) -> int:
    """A collection of the caller's own that takes anything."""
    made = doors.post("collection.upsert", {"json": {"name": "n", "type": "Image"}}, key=who.key)
    id = int(made.json()["result"]["data"]["json"]["id"])
    with doors.library.database.write() as w:
        w.update("collections", id, {"type": None})
    return id


def _compare(doors: Doors, who: Who, hidden: Iterator[Any], unknown: Iterator[Any], id: int) -> None:
    for (procedure, value), (_, other) in zip(hidden, unknown, strict=True):
        answers = [
            doors.client.post(f"/api/trpc/{procedure}", json={"json": asked}, headers=bearer(who.key))
            for asked in (value, other)
        ]
        told = [(one.status_code, one.text.replace(str(id), "ID").replace(str(UNKNOWN), "ID")) for one in answers]
        assert told[0] == told[1], (who.name, procedure, value)


def _rows(doors: Doors) -> dict[str, list[Any]]:
    """Everything that writes could have changed, but for what follows the clock."""
    found = {}
    for table, key in LOOKED_AT.items():
        rows = doors.library.database.read().rows(f"SELECT * FROM {table} ORDER BY {key}")
        found[table] = sorted(str(row) for row in rows) if table != "collections" else _without_times(doors)
    return found


def _without_times(doors: Doors) -> list[Any]:
    """An own collection is changed by its owner, whatever it was asked to show itself by."""
    return doors.sql(
        "SELECT id, name, image_id, read, write, level, deleted_at, follower_count FROM collections ORDER BY id"
    )
