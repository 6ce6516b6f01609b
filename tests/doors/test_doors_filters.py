"""The less common filters of lists each narrow them by what they say."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Doors

ALL: dict[str, Any] = {"limit": 50, "browsingLevel": 31, "sort": "Newest"}


def _ids(doors: Doors, procedure: str = "image.getInfinite", **filters: Any) -> set[int]:
    return {item["id"] for item in doors.every_call(procedure, ALL | filters, key=doors.owner_key)}


@pytest.mark.parametrize("process", ["txt2img", "img2img"])
def test_generation_is_how_an_image_was_made(doors: Doors, process: str) -> None:
    rows = doors.sql("SELECT id FROM images WHERE process = ?", process)
    assert _ids(doors, generation=[process]) == _ids(doors) & {row[0] for row in rows}


def test_remixes_and_others_are_all(doors: Doors) -> None:
    assert _ids(doors, remixesOnly=True) == set()
    assert _ids(doors, nonRemixesOnly=True) == _ids(doors)


def test_without_recognised_resources_a_version_has_the_images_of_its_posts(doors: Doors) -> None:
    version, model = doors.sql(
        "SELECT v.id, v.model_id FROM model_versions v JOIN posts p ON p.version_id = v.id JOIN images i "
        "ON i.post_id = p.id WHERE i.level = 1 AND EXISTS (SELECT 1 FROM image_resources r JOIN images j "
        "ON j.id = r.image_id WHERE r.version_id = v.id AND j.level = 1 AND j.post_id <> p.id AND r.detected = 1)"
    )[0]
    shown = {row[0] for row in doors.sql(
        "SELECT i.id FROM images i JOIN posts p ON p.id = i.post_id WHERE p.version_id = ?", version
    )}  # fmt: skip
    assert _ids(doors, modelVersionId=version, hideAutoResources=True) == _ids(doors) & shown != set()
    assert _ids(doors, modelVersionId=version) > _ids(doors, modelVersionId=version, hideAutoResources=True)
    assert _ids(doors, modelId=model, hideAutoResources=True) >= _ids(doors) & shown


def test_only_flagged_ones(doors: Doors) -> None:
    assert _ids(doors, minorOnly=True) == _ids(doors, poiOnly=True) == set()


def test_rows_may_be_passed_over(doors: Doors) -> None:
    found = [doors.call("image.getInfinite", ALL | given)["items"] for given in ({}, {"skip": 7, "limit": 5})]
    assert [item["id"] for item in found[1]] == [item["id"] for item in found[0]][7:12]


def test_what_is_not_published_is_for_its_owner(doors: Doors) -> None:
    drafts = {row[0] for row in doors.sql("SELECT id FROM posts WHERE published_at IS NULL AND image_count > 0")}
    assert drafts
    owners = {id: doors.one("SELECT user_id FROM posts WHERE id = ?", id) for id in drafts}
    owner = doors.one("SELECT id FROM users WHERE is_owner = 1")
    mine = {id for id in drafts if owners[id] == owner}
    assert _ids(doors, "post.getInfinite", draftOnly=True) == mine
    assert drafts & _ids(doors, "post.getInfinite") == set()
    assert drafts == _ids(doors, "post.getInfinite", pending=True) & drafts  # the owner is a moderator
    unposted = {row[0] for row in doors.sql("SELECT id FROM images WHERE published_at IS NULL AND level > 0")}
    assert unposted
    assert _ids(doors, notPublished=True) == unposted == _ids(doors, pending=True) & unposted
    assert _ids(doors, pending=True, publishedOnly=True) == _ids(doors)
    assert doors.call("image.getInfinite", {"notPublished": True, "scheduled": True})["items"] == []


@pytest.mark.parametrize("word", ["isFeatured", "newCreators", "poiOnly", "minorOnly"])
def test_models_that_there_are_none_of(doors: Doors, word: str) -> None:
    assert doors.ids(f"/api/v1/models?{word}=true") == []
    assert doors.ids(f"/api/v1/models?{word}=false") == doors.ids("/api/v1/models") != []
    assert _ids(doors, "model.getAll", **{word: True}) == set()


def test_plain_lists_show_public_versions_alone(doors: Doors) -> None:
    """rest.md 11: whoever names models or their maker, or asks for early access, is shown the others too. Both doors agree."""
    early = {row[0] for row in doors.sql("SELECT id FROM model_versions WHERE availability = 'EarlyAccess'")}
    model = doors.one("SELECT model_id FROM model_versions WHERE availability = 'EarlyAccess'")
    maker = doors.one("SELECT u.username FROM users u JOIN models m ON m.user_id = u.id WHERE m.id = ?", model)
    assert early

    def versions(words: str) -> set[int]:
        items = doors.json(f"/api/v1/models?nsfw=true{words}", key=doors.owner_key)["items"]
        return {version["id"] for item in items for version in item["modelVersions"]}

    def newest(**words: Any) -> set[int]:
        items = doors.call("model.getAll", {"browsingLevel": 31, **words}, key=doors.owner_key)["items"]
        return {item["version"]["id"] for item in items}

    assert early & versions("") == set() == early & newest()
    assert early <= versions("&earlyAccess=true") & versions(f"&ids={model}") & versions(f"&username={maker}")
    assert early <= newest(earlyAccess=True) & newest(ids=[model]) & newest(username=maker)
    body = doors.json("/api/v1/models?nsfw=true", key=doors.owner_key)
    assert len(body["items"]) == body["metadata"]["totalItems"]
