"""Tags of an image say the same at every door: in list items, by id, and as votable tags."""

from __future__ import annotations

from typing import Any

from asking import Doors

TOLD = ("id", "name", "type", "nsfwLevel", "score", "upVotes", "downVotes", "automated", "needsReview", "lastUpvote")


def _told(tags: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(tag[key] for key in TOLD) for tag in tags)


def test_items_and_votable_tags_agree(doors: Doors) -> None:
    voted = doors.sql(
        "SELECT DISTINCT v.image_id FROM image_tag_votes v JOIN images i ON i.id = v.image_id "
        "WHERE v.vote > 0 AND i.level = 1 AND i.published_at IS NOT NULL AND i.needs_review IS NULL ORDER BY 1 LIMIT 5"
    )
    ids = [row[0] for row in voted]
    whole = doors.call_whole("image.getInfinite", {"ids": ids, "include": ["tags"]})["result"]["data"]
    assert len(whole["json"]["items"]) == len(ids) == 5
    for place, item in enumerate(whole["json"]["items"]):
        votable = doors.call("tag.getVotableTags", {"id": item["id"], "type": "image"})
        assert _told(item["tags"]) == _told(votable)
        assert _told(doors.call("image.get", {"id": item["id"]})["tags"]) == _told(votable)
        marked = {path for path in whole["meta"]["values"] if path.startswith(f"items.{place}.tags.")}
        dated = [at for at, tag in enumerate(item["tags"]) if tag["lastUpvote"] is not None]
        assert dated
        assert marked == {f"items.{place}.tags.{at}.lastUpvote" for at in dated}
        assert {tag["source"] for tag in item["tags"]} == {
            row[0] for row in doors.sql("SELECT source FROM image_tags WHERE disabled = 0 AND image_id = ?", item["id"])
        }


def test_items_say_what_the_caller_voted(doors: Doors) -> None:
    image, name = doors.sql(
        "SELECT v.image_id, u.username FROM image_tag_votes v JOIN users u ON u.id = v.user_id "
        "JOIN images i ON i.id = v.image_id JOIN image_tags t ON t.image_id = v.image_id AND t.tag_id = v.tag_id "
        "WHERE i.level = 1 AND i.published_at IS NOT NULL AND i.needs_review IS NULL AND t.disabled = 0 ORDER BY 1, 2"
    )[0]
    key = doors.key_for(name)

    def votes(tags: list[dict[str, Any]]) -> dict[int, int]:
        return {tag["id"]: tag["vote"] for tag in tags if "vote" in tag}

    asked = {"ids": [image], "include": ["tags"]}
    [item] = doors.call("image.getInfinite", asked, key=key)["items"]
    assert votes(item["tags"]) == votes(doors.call("tag.getVotableTags", {"id": image, "type": "image"}, key=key)) != {}
    assert votes(doors.call("image.getInfinite", asked)["items"][0]["tags"]) == {}


def test_users_without_a_question_are_the_first_ones(doors: Doors) -> None:
    first = doors.sql("SELECT id FROM users WHERE id > 0 ORDER BY id LIMIT 5")
    assert doors.json("/api/v1/users")["items"] == doors.json("/api/v1/users?query=&limit=50")["items"]
    assert [item["id"] for item in doors.json("/api/v1/users")["items"]] == [row[0] for row in first]


def test_counts_of_a_tag_are_those_of_every_entity(doors: Doors) -> None:
    by_entity = {}
    for entity in ("Model", "Image", "Post"):
        page = doors.call("tag.getAll", {"entityType": [entity], "limit": 200})
        by_entity[entity] = {item["id"]: item["stats"] for item in page["items"]}
        assert all(stats[f"{entity.lower()}Count"] > 0 for stats in by_entity[entity].values())
    common = by_entity["Model"].keys() & by_entity["Image"].keys()
    assert common
    for id in common:
        assert by_entity["Model"][id] == by_entity["Image"][id]
    assert all(stats["imageCount"] == 0 for id, stats in by_entity["Model"].items() if id not in by_entity["Image"])
