"""Where the documents of different ages disagree: one behaviour that serves them all, row by row (rest.md 20, trpc.md 11)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from asking import Doors, bearer

from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.people import User
from pinako.services import access, publish
from pinako.services.settle import Touched


def version_id(doors: Doors) -> int:
    """A version that everybody may see."""
    return int(doors.json("/api/v1/models?limit=1")["items"][0]["modelVersions"][0]["id"])


# --- rest.md 20 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["creators", "tags"])
def test_row_1_limit_0_is_everything(doors: Doors, name: str) -> None:
    body = doors.json(f"/api/v1/{name}?limit=0")
    total = body["metadata"]["totalItems"]
    assert body["metadata"] == {"totalItems": total, "currentPage": 1, "pageSize": total, "totalPages": 1}
    assert len(body["items"]) == total > 0


def test_row_2_limits_of_models(doors: Doors) -> None:
    everything = doors.ids("/api/v1/models")
    assert doors.ids("/api/v1/models?limit=0") == doors.ids("/api/v1/models?limit=") == everything
    assert doors.ids("/api/v1/models?limit=200") == everything
    assert doors.json("/api/v1/models?limit=0")["metadata"]["pageSize"] == 100
    doors.json("/api/v1/models?limit=201", status=400)
    for procedure in ("model.getAll", "image.getInfinite", "post.getInfinite"):
        first = doors.call(procedure, {"limit": 0})["items"]
        assert [item["id"] for item in first] == [item["id"] for item in doors.call(procedure, {})["items"]]
        doors.call(procedure, {"limit": 200})
        doors.call(procedure, {"limit": 201}, status=400)


def test_row_3_limits_of_images(doors: Doors) -> None:
    everything = doors.ids("/api/v1/images?limit=200")
    assert doors.ids("/api/v1/images?limit=0") == doors.ids("/api/v1/images") == everything[:100]
    doors.json("/api/v1/images?limit=201", status=400)


def test_row_4_pages_of_models_move(doors: Doors) -> None:
    everything = doors.ids("/api/v1/models")
    paged = [doors.ids(f"/api/v1/models?limit=2&page={page}") for page in range(1, len(everything) // 2 + 2)]
    assert [id for page in paged for id in page] == everything


def test_row_5_metadata_of_models_in_both_modes(doors: Doors) -> None:
    by_page = doors.json("/api/v1/models?limit=2&page=2")["metadata"]
    assert {"totalItems", "currentPage", "pageSize", "totalPages", "nextPage", "prevPage", "nextCursor"} <= set(by_page)
    assert (by_page["currentPage"], by_page["pageSize"]) == (2, 2)
    assert parse_qs(urlsplit(by_page["nextPage"]).query) == {"limit": ["2"], "page": ["3"]}
    by_cursor = doors.json("/api/v1/models?limit=2")["metadata"]
    assert {"totalItems", "currentPage", "pageSize", "totalPages", "nextPage", "nextCursor"} <= set(by_cursor)
    assert parse_qs(urlsplit(by_cursor["nextPage"]).query)["cursor"] == [by_cursor["nextCursor"]]


def test_row_6_pages_of_images_move(doors: Doors) -> None:
    everything = doors.ids("/api/v1/images?limit=200")
    first, second = doors.json("/api/v1/images?limit=5&page=1"), doors.json("/api/v1/images?limit=5&page=2")
    assert [item["id"] for body in (first, second) for item in body["items"]] == everything[:10]
    assert (second["metadata"]["currentPage"], second["metadata"]["pageSize"]) == (2, 5)
    assert second["metadata"]["nextCursor"]
    assert doors.every_id("/api/v1/images?limit=7&page=1") == doors.every_id("/api/v1/images?limit=7") == everything


def test_row_7_types_of_cursors(doors: Doors) -> None:
    assert isinstance(doors.json("/api/v1/images?limit=1")["metadata"]["nextCursor"], str)
    assert isinstance(doors.json("/api/v1/models?limit=1")["metadata"]["nextCursor"], str)
    assert isinstance(doors.json("/api/v1/collections?limit=1")["metadata"]["nextCursor"], int)
    assert isinstance(doors.call("image.getInfinite", {"limit": 1})["nextCursor"], str)


@pytest.mark.parametrize("sort", ["Newest", "Oldest", "Most Reactions", "Most Comments", "Most Collected", "Random"])
@pytest.mark.parametrize("limit", [1, 7])
def test_row_8_no_image_is_lost_at_a_page_border(doors: Doors, sort: str, limit: int) -> None:
    walked = doors.every_id(f"/api/v1/images?sort={sort}&limit={limit}")
    assert len(walked) == len(set(walked))
    assert set(walked) == set(doors.ids("/api/v1/images?limit=200"))


@pytest.mark.parametrize("sort", ["Newest", "Oldest", "Highest Rated", "Most Downloaded", "Most Liked", "Most Discussed",
                                  "Most Collected", "Most Images"])  # fmt: skip
def test_row_8_no_model_is_lost_at_a_page_border(doors: Doors, sort: str) -> None:
    walked = doors.every_id(f"/api/v1/models?sort={sort}&limit=1")
    assert walked == doors.ids(f"/api/v1/models?sort={sort}&limit=200")
    assert len(walked) == len(set(walked)) > 3


@pytest.mark.parametrize("path", ["creators?limit=1", "tags?limit=1", "models?limit=1", "images?limit=1&page=1"])
def test_row_9_metadata_has_numbers(doors: Doors, path: str) -> None:
    metadata = doors.json(f"/api/v1/{path}")["metadata"]
    for name in ("totalItems", "currentPage", "pageSize", "totalPages"):
        assert isinstance(metadata.get(name, 0), int)


@pytest.mark.parametrize("path", ["images", "models"])
def test_row_10_deep_pages_are_refused_and_links_never_lead_there(open_demo: Any, path: str) -> None:
    doors = open_demo(public_level=31)
    told = doors.json(f"/api/v1/{path}?limit=100&page=11", status=429)
    assert told == {"error": "You've requested too many pages, please use cursors instead"}
    doors.json(f"/api/v1/{path}?limit=100&page=10")
    doors.json(f"/api/v1/{path}?limit=100&page=999&cursor=", status=429)
    level = "browsingLevel=31"
    # The last page that is allowed links to a cursor: 14 pages of 70 are 980, the next would be 1050.
    last = doors.json(f"/api/v1/{path}?{level}&limit=1&page=3")["metadata"]
    assert "page" in parse_qs(urlsplit(last["nextPage"]).query)


def test_row_10_the_link_of_the_last_page_is_a_cursor() -> None:
    from pinako.wire import links

    asked = links.Asked(origin="http://h", path="/api/v1/images", pairs=(("limit", "200"), ("page", "5")))
    link = links.images_metadata(asked, next_cursor="newest.1|2", limit=200, page=5).next_page
    assert parse_qs(urlsplit(str(link)).query) == {"limit": ["200"], "cursor": ["newest.1|2"]}


def test_rows_11_and_12_tags_are_paged_and_counted(doors: Doors) -> None:
    body = doors.json("/api/v1/tags?limit=2&page=2")
    assert {"nextPage", "prevPage"} <= set(body["metadata"])
    assert body["metadata"]["totalItems"] > 4
    assert all(item["modelCount"] > 0 for item in body["items"])


def test_row_13_creators(doors: Doors) -> None:
    items = doors.json("/api/v1/creators?limit=0")["items"]
    names = [item["username"] for item in items]
    assert names == sorted(names, key=str.lower)
    assert all(item.get("modelCount") != 0 and item.get("image", "x") is not None for item in items)
    owners = doors.sql(
        "SELECT DISTINCT u.username FROM models m JOIN users u ON u.id = m.user_id "
        "WHERE m.withheld = 0 AND m.status <> 'Deleted' AND m.deleted_at IS NULL"
    )
    assert {row[0] for row in owners} == set(names)


def test_row_14_a_rating_is_read_and_without_effect(doors: Doors) -> None:
    assert doors.ids("/api/v1/models?rating=4.5") == doors.ids("/api/v1/models?rating=") == doors.ids("/api/v1/models")
    doors.json("/api/v1/models?rating=good", status=400)


def test_row_15_types_repeated_or_with_commas(doors: Doors) -> None:
    by_type = {item["id"]: item["type"] for item in doors.json("/api/v1/models?limit=200")["items"]}
    first, second = sorted(set(by_type.values()))[:2]
    wanted = {id for id, kind in by_type.items() if kind in (first, second)}
    for query in (f"types={first}&types={second}", f"types={first},{second}", f"types={first}%2C%20{second}"):
        assert set(doors.ids(f"/api/v1/models?limit=200&{query}")) == wanted
    body = doors.json(f"/api/v1/models?limit=1&type={first}")
    assert body["metadata"]["totalItems"] == len(by_type)
    assert f"type={first}" in body["metadata"]["nextPage"]


@pytest.mark.parametrize("path", ["models", "images"])
def test_row_16_base_models(doors: Doors, path: str) -> None:
    for query in ("baseModels=SDXL 1.0&baseModels=SD 1.5", "baseModels=SDXL 1.0,SD 1.5"):
        for item in doors.json(f"/api/v1/{path}?limit=200&{query}")["items"]:
            found = item["baseModels"] if path == "models" else [item["baseModel"]]
            assert set(found) & {"SDXL 1.0", "SD 1.5"}
    error = doors.json(f"/api/v1/{path}?baseModels=GetModels", status=400)["error"]
    (issue,) = json.loads(error["message"])
    assert (issue["code"], issue["path"]) == ("invalid_union", ["baseModels"])
    values = next(one["values"] for branch in issue["errors"] for one in branch if one["code"] == "invalid_value")
    assert values[: len(BASE_MODELS)] == [*BASE_MODELS]
    # One popular tool reads its list from the form of 2023, deep inside.
    older = error["issues"][0]["unionErrors"][0]["issues"][0]["options"]
    assert older == values


@pytest.mark.parametrize("path", ["models", "images"])
def test_row_16_base_models_that_only_this_library_has(open_demo: Any, path: str) -> None:
    doors = open_demo()
    doors.library.base_models()  # read, so that it has to be read anew: within a second of what changed
    with doors.library.database.write() as w:
        w.run("UPDATE model_versions SET base_model = 'House Blend' WHERE id = ?", (version_id(doors),))
        w.note("model", w.value("SELECT model_id FROM model_versions WHERE id = ?", (version_id(doors),)), "u")
        w.run("UPDATE images SET base_model = 'House Blend' WHERE id = (SELECT min(id) FROM images)")
    assert doors.get(f"/api/v1/{path}?baseModels=House+Blend").status_code in (200, 400)
    import time

    until = time.monotonic() + 3
    while doors.get(f"/api/v1/{path}?baseModels=House+Blend").status_code != 200:
        assert time.monotonic() < until
    assert "House Blend" in doors.json("/api/v1/enums")["BaseModel"]


FLAGS = ("supportsGeneration", "fromPlatform", "earlyAccess", "archived", "primaryFileOnly", "allowNoCredit",
         "allowDerivatives", "allowDifferentLicense", "followed", "nsfw", "disablePoi", "disableMinor")  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_row_17_booleans(doors: Doors, flag: str) -> None:
    for word in ("true", "True", "1", "yes", "ON", "y", "enabled"):
        assert doors.ids(f"/api/v1/models?{flag}={word}") == doors.ids(f"/api/v1/models?{flag}=true")
    for word in ("false", "False", "0", "no", "off", "N", "disabled"):
        assert doors.ids(f"/api/v1/models?{flag}={word}") == doors.ids(f"/api/v1/models?{flag}=false")


@pytest.mark.parametrize("flag", ["supportsGeneration", "fromPlatform", "earlyAccess", "archived", "followed", "nsfw"])
def test_row_17_false_is_false(doors: Doors, flag: str) -> None:
    assert doors.ids(f"/api/v1/models?{flag}=false") == doors.ids("/api/v1/models")


def test_row_18_standard_is_no_checkpoint_type(doors: Doors) -> None:
    doors.json("/api/v1/models?checkpointType=Standard")
    doors.json("/api/v1/models?checkpointType=Trained")
    doors.json("/api/v1/models?checkpointType=Merge")
    doors.json("/api/v1/models?checkpointType=Other", status=400)


def test_rows_19_and_20_no_level_asked_is_pg_for_everybody(doors: Doors) -> None:
    for key in (None, doors.owner_key):
        assert {item["browsingLevel"] for item in doors.json("/api/v1/images?limit=200", key=key)["items"]} == {1}
        models = doors.json("/api/v1/models?limit=200", key=key)["items"]
        assert all(item["nsfwLevel"] & 1 for item in models)
        assert all(image["nsfwLevel"] == 1 for item in models for v in item["modelVersions"] for image in v["images"])


def test_row_20_by_setting_it_is_all_that_the_caller_may_see(open_demo: Any) -> None:
    doors = open_demo(images_nsfw_default="account", public_level=3)
    levels = {item["browsingLevel"] for item in doors.json("/api/v1/images?limit=200")["items"]}
    assert levels == {1, 2}
    assert {4, 8} <= {
        item["browsingLevel"] for item in doors.json("/api/v1/images?limit=200", key=doors.owner_key)["items"]
    }


@pytest.mark.parametrize(
    ("word", "mask"),
    [
        ("true", 28),
        ("True", 28),
        ("false", 1),
        ("None", 1),
        ("Safe", 1),
        ("Soft", 3),
        ("Mature", 7),
        ("X", 31),
        ("1", 28),
    ],
)
def test_row_21_nsfw_of_images(doors: Doors, word: str, mask: int) -> None:
    items = doors.json(f"/api/v1/images?limit=200&nsfw={word}", key=doors.owner_key)["items"]
    asked = doors.json(f"/api/v1/images?limit=200&browsingLevel={mask}", key=doors.owner_key)["items"]
    assert [item["id"] for item in items] == [item["id"] for item in asked]
    assert {item["browsingLevel"] for item in items} == {bit for bit in (1, 2, 4, 8, 16) if bit & mask}
    both = doors.ids(f"/api/v1/images?limit=200&nsfw={word}&browsingLevel=2", doors.owner_key)
    assert both == doors.ids("/api/v1/images?limit=200&browsingLevel=2", doors.owner_key)


def test_row_22_three_words_for_a_level(doors: Doors) -> None:
    names = {1: "None", 2: "Soft", 4: "Mature", 8: "X", 16: "X"}
    for item in doors.json("/api/v1/images?limit=200&nsfw=X", key=doors.owner_key)["items"]:
        assert item["nsfwLevel"] == names[item["browsingLevel"]]
        assert item["nsfw"] is (item["browsingLevel"] > 1)


def previews(doors: Doors) -> list[Any]:
    """Previews of every listed version."""
    found = [
        image
        for item in doors.json("/api/v1/models?nsfw=true&limit=200", key=doors.owner_key)["items"]
        for version in item["modelVersions"]
        for image in version["images"]
    ]
    assert found
    return found


def test_rows_23_24_and_56_previews(doors: Doors) -> None:
    for image in previews(doors):
        assert isinstance(image["nsfwLevel"], int)
        assert image["nsfw"] is (image["nsfwLevel"] > 1)
        assert re.fullmatch(
            r"http://pics\.example:8765/[\w-]+/[0-9a-f-]{36}/original=true/\d+\.(jpeg|mp4)", image["url"]
        )
        assert image["meta"] is None
    found = doors.json(f"/api/v1/model-versions/{version_id(doors)}")
    assert all("meta" in image and "metadata" in image for image in found["images"])


def test_rows_25_and_26_files(doors: Doors) -> None:
    for item in doors.json("/api/v1/models?limit=200")["items"]:
        for version in item["modelVersions"]:
            assert sum(file.get("primary", False) for file in version["files"]) == 1
            for file in version["files"]:
                size = doors.one(
                    "SELECT b.size FROM blobs b JOIN model_files f ON f.blob = b.sha256 WHERE f.id = ?", file["id"]
                )
                assert file["sizeKB"] * 1024 == size
                assert file["format"] == file["metadata"]["format"] in ("SafeTensor", "PickleTensor", "Other")
                assert all(value == value.upper() for value in file["hashes"].values())


@pytest.mark.parametrize("word", ["PrunedModel", "Pruned Model", "TrainingData", "Training Data", "Model"])
def test_row_27_file_types_of_every_age(doors: Doors, word: str) -> None:
    assert doors.get(f"/api/download/models/{version_id(doors)}?type={word}").status_code in (307, 404)
    assert doors.get(f"/api/download/models/{version_id(doors)}?type=Nothing").status_code == 400


@pytest.mark.parametrize("name", ["model-versions", "models-versions", "modelVersions"])
def test_row_28_three_spellings_of_versions(doors: Doors, name: str) -> None:
    id = version_id(doors)
    found = doors.json(f"/api/v1/{name}/{id}")
    sha256 = found["files"][0]["hashes"]["SHA256"]
    assert doors.json(f"/api/v1/{name}/by-hash/{sha256.lower()}")["id"] == id
    assert doors.client.post(f"/api/v1/{name}/by-hash", json=[sha256]).json()[0]["id"] == id
    assert doors.client.post(f"/api/v1/{name}/by-hash/ids", json=[sha256]).json()[0]["modelVersionId"] == id
    assert doors.json(f"/api/v1/{name}/mini/{id}")["versionName"] == found["name"]


def test_row_29_version_bodies_of_every_age(doors: Doors) -> None:
    found = doors.json(f"/api/v1/model-versions/{version_id(doors)}")
    assert found["model"]["name"] == found["modelName"]
    assert {"availability", "earlyAccessEndsAt", "paidAccess", "licensingFee", "air", "stats"} <= set(found)


def test_row_30_previews_are_cut_to_the_cap(doors: Doors) -> None:
    mature = doors.one(
        "SELECT v.id FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.status = 'Published' AND "
        "m.mode IS NULL AND v.status = 'Published' AND v.level IN (8, 16)"
    )
    doors.json(f"/api/v1/model-versions/{mature}", status=404)
    shown = doors.json(f"/api/v1/model-versions/{mature}", key=doors.owner_key)
    assert {image["nsfwLevel"] for image in shown["images"]} <= {8, 16}


def test_rows_31_and_57_by_id_is_the_list_form(doors: Doors) -> None:
    item = doors.json("/api/v1/models?limit=1")["items"][0]
    alone = doors.json(f"/api/v1/models/{item['id']}")
    assert set(item) == set(alone)
    listed, by_id = item["modelVersions"][0], alone["modelVersions"][0]
    assert set(listed) == set(by_id)
    assert {"status", "createdAt", "covered", "supportsGeneration", "description", "vaeId", "paidAccess"} <= set(by_id)
    assert isinstance(by_id["trainedWords"], list)
    for key in ("id", "name", "baseModel", "publishedAt", "downloadUrl"):
        assert listed[key] == by_id[key]
    assert set(listed["stats"]) == set(by_id["stats"])  # a download of another test may be counted in between


def test_row_32_counts_of_every_age(doors: Doors) -> None:
    stats = doors.json("/api/v1/models?limit=1")["items"][0]["stats"]
    assert {"downloadCount", "thumbsUpCount", "thumbsDownCount", "commentCount", "tippedAmountCount", "favoriteCount",
            "ratingCount", "rating"} == set(stats)  # fmt: skip


def test_row_33_commercial_use_is_brace_text(doors: Doors) -> None:
    for item in doors.json("/api/v1/models")["items"]:
        assert re.fullmatch(r"\{(None|Image|RentCivit|Rent|Sell|,)*\}", item["allowCommercialUse"])


def test_row_34_an_unknown_tag_lists_nothing(doors: Doors, open_demo: Any) -> None:
    assert doors.ids("/api/v1/models?tag=no+such+tag") == []
    older = open_demo(unknown_tag_returns_all=True)
    assert older.ids("/api/v1/models?tag=no+such+tag") == older.ids("/api/v1/models")


def test_row_35_user_names_are_slugified(doors: Doors) -> None:
    name = doors.one(
        "SELECT u.username FROM users u JOIN images i ON i.user_id = u.id WHERE u.username LIKE '%!_%' ESCAPE '!'"
    )
    wanted = doors.ids(f"/api/v1/images?username={name}")
    assert wanted
    for spelling in (name.upper(), name.replace("_", " "), f"{name}!", f" {name} "):
        assert doors.ids(f"/api/v1/images?username={quote(spelling)}") == wanted
        assert doors.ids(f"/api/v1/models?username={quote(spelling)}") == doors.ids(f"/api/v1/models?username={name}")


def test_row_36_tags_are_all_on_rest_and_any_on_trpc(doors: Doors) -> None:
    items = doors.json("/api/v1/images?limit=200&withTags=true")["items"]
    first, second = (tag["id"] for tag in next(item["tags"] for item in items if len(item["tags"]) > 2)[:2])
    carried = {item["id"]: {tag["id"] for tag in item["tags"]} for item in items}
    both = {id for id, tags in carried.items() if {first, second} <= tags}
    either = {id for id, tags in carried.items() if {first, second} & tags}
    assert set(doors.ids(f"/api/v1/images?limit=200&tags={first},{second}")) == both
    assert set(doors.ids(f"/api/v1/images?limit=200&tags={first}&tags={second}")) == both
    found = doors.call("image.getInfinite", {"limit": 200, "tags": [first, second]})["items"]
    assert {item["id"] for item in found} == either > both


def test_row_37_forms_of_meta(doors: Doors) -> None:
    assert all(item["meta"] is None for item in doors.json("/api/v1/images")["items"])
    flat = doors.json("/api/v1/images?limit=200&withMeta=true")["items"]
    nested = doors.json("/api/v1/images?limit=200&withMeta=true&flatMeta=false")["items"]
    assert [one["id"] for one in flat] == [one["id"] for one in nested]
    for one, other in zip(flat, nested, strict=True):
        assert other["meta"] == {"id": one["id"], "meta": one["meta"]}
    assert any(item["meta"] and item["meta"]["prompt"] for item in flat)
    post = flat[0]["postId"]
    assert "id" not in (doors.json(f"/api/v1/images?postId={post}&withMeta=true")["items"][0]["meta"] or {})


def test_row_38_an_image_is_as_old_as_its_post(doors: Doors) -> None:
    for item in doors.json("/api/v1/images?limit=50")["items"]:
        at = doors.one("SELECT published_at FROM posts WHERE id = ?", item["postId"])
        assert datetime.fromisoformat(item["createdAt"]).timestamp() * 1000 == pytest.approx(at, abs=1)
        shown = doors.call("image.get", {"id": item["id"]})
        assert shown["sortAt"] == shown["publishedAt"] == item["createdAt"]


def test_row_39_versions_of_an_image_are_what_filters_match(doors: Doors) -> None:
    items = doors.json("/api/v1/images?limit=200&withMeta=true")["items"]
    for item in items:
        versions = item["modelVersionIds"]
        assert len(versions) == len(set(versions))
        named = {one["modelVersionId"] for one in (item["meta"] or {}).get("civitaiResources", ())}
        assert named <= set(versions)
    wanted = next(item["modelVersionIds"][0] for item in items if item["modelVersionIds"])
    expected = {item["id"] for item in items if wanted in item["modelVersionIds"]}
    assert set(doors.ids(f"/api/v1/images?limit=200&modelVersionId={wanted}")) == expected
    model = doors.one("SELECT model_id FROM model_versions WHERE id = ?", wanted)
    versions = {row[0] for row in doors.sql("SELECT id FROM model_versions WHERE model_id = ?", model)}
    expected = {item["id"] for item in items if versions & set(item["modelVersionIds"])}
    assert set(doors.ids(f"/api/v1/images?limit=200&modelId={model}")) == expected
    both = doors.ids(f"/api/v1/images?limit=200&modelId=1&modelVersionId={wanted}")
    assert both == doors.ids(f"/api/v1/images?limit=200&modelVersionId={wanted}")


def total(item: Any) -> int:
    """Reactions of a REST item."""
    stats = item["stats"]
    return int(stats["likeCount"] + stats["heartCount"] + stats["laughCount"] + stats["cryCount"])


def test_row_40_sorts_hold_with_a_model(doors: Doors) -> None:
    model = doors.one(
        "SELECT v.model_id FROM image_resources r JOIN model_versions v ON v.id = r.version_id JOIN images i ON "
        "i.id = r.image_id WHERE i.level = 1 GROUP BY v.model_id ORDER BY count(*) DESC LIMIT 1"
    )
    ranked = doors.json(f"/api/v1/images?limit=200&modelId={model}&sort=Most+Reactions")["items"]
    keys = [(-total(item), -item["id"]) for item in ranked]
    assert keys == sorted(keys)
    assert len(keys) > 3
    dated = doors.json(f"/api/v1/images?limit=200&modelId={model}&sort=Oldest")["items"]
    assert [item["createdAt"] for item in dated] == sorted(item["createdAt"] for item in dated)
    assert {item["id"] for item in dated} == {item["id"] for item in ranked}


def test_row_41_random_is_complete_and_stable(doors: Doors) -> None:
    first = doors.json("/api/v1/images?sort=Random&limit=4")
    again = doors.get(first["metadata"]["nextPage"]).json()
    assert again == doors.get(first["metadata"]["nextPage"]).json()
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in again["items"]}
    everything = doors.every_id("/api/v1/images?limit=50")
    for begun in ("", "&page=1"):
        walked = doors.every_id(f"/api/v1/images?sort=Random&limit=50{begun}")
        assert sorted(walked) == sorted(everything)


def test_row_42_hashes_in_batches(doors: Doors) -> None:
    version = doors.json(f"/api/v1/model-versions/{version_id(doors)}")
    sha256 = version["files"][0]["hashes"]["SHA256"]
    answer = doors.client.post("/api/v1/model-versions/by-hash", json=[sha256.lower(), "0" * 64, sha256])
    assert None not in answer.json()
    assert all(one["downloadUrl"].startswith("http://pics.example:8765/") for one in answer.json())
    pairs = doors.client.post("/api/v1/model-versions/by-hash/ids", json=[sha256]).json()
    assert pairs[0] == {"modelVersionId": version["id"], "modelId": version["modelId"], "hash": sha256}


def test_rows_43_and_44_the_small_body(doors: Doors) -> None:
    found = doors.json(f"/api/v1/model-versions/mini/{version_id(doors)}?epoch=3")
    assert {"air", "versionName", "modelName", "baseModel", "userId", "availability", "publishedAt", "size", "fileType",
            "fileName", "hashes", "downloadUrls", "format", "canGenerate", "isFeatured", "requireAuth", "checkPermission",
            "minor", "sfwOnly", "payoutEnabled", "additionalResourceCharge", "fees"} == set(found)  # fmt: skip
    file = doors.json(f"/api/v1/model-versions/{version_id(doors)}")["files"][0]["id"]
    one = doors.json(f"/api/v1/model-versions/mini/{version_id(doors)}?modelFileId={file}")
    assert one["air"].endswith(f"+{file}")
    doors.json(f"/api/v1/model-versions/mini/{version_id(doors)}?modelFileId=5", status=404)


def test_row_45_users(doors: Doors) -> None:
    id, name = doors.sql("SELECT id, username FROM users WHERE username <> 'owner' ORDER BY id")[0]
    item = doors.json(f"/api/v1/users?ids={id}")["items"][0]
    assert (item["id"], item["username"], item["meta"]) == (id, name, None)
    assert isinstance(item["avatarNsfw"], int)
    assert doors.ids(f"/api/v1/users?query={name[2:7].upper()}")[0] == id
    assert len(doors.ids("/api/v1/users")) == 5
    assert doors.ids(f"/api/v1/users?ids={id},999999999&ids={id}") == [id]


@pytest.mark.parametrize("key", ["favorites", "hidden"])
@pytest.mark.parametrize("value", ["true", "false", "", "0"])
def test_row_46_what_is_ones_own_needs_a_login(doors: Doors, key: str, value: str) -> None:
    assert doors.json(f"/api/v1/models?{key}={value}", status=401) == {"error": "Unauthorized"}
    if value:
        doors.json(f"/api/v1/models?{key}={value}", key=doors.owner_key)


def test_row_47_airs(doors: Doors) -> None:
    for item in doors.json("/api/v1/models?limit=200")["items"]:
        for version in item["modelVersions"]:
            air = doors.json(f"/api/v1/model-versions/{version['id']}")["air"]
            assert re.fullmatch(rf"urn:air:[a-z0-9-]+:[a-z]+:civitai:{item['id']}@{version['id']}", air)
            family = {"SDXL 1.0": "sdxl", "Pony": "sdxl", "Illustrious": "sdxl", "SD 1.5": "sd1", "Flux.1 D": "flux1"}
            assert air.split(":")[2] == family[version["baseModel"]]


def test_row_48_enums(doors: Doors) -> None:
    found = doors.json("/api/v1/enums")
    assert {name: len(found[name]) for name in ("ModelType", "ModelFileType", "ActiveBaseModel", "BaseModelType")} == {
        "ModelType": 23, "ModelFileType": 17, "ActiveBaseModel": 69, "BaseModelType": 4,
    }  # fmt: skip
    assert len(found["BaseModel"]) >= 99
    assert doors.client.post("/api/v1/enums").json() == found


def test_row_49_downloads(doors: Doors, open_demo: Any) -> None:
    answer = doors.get(f"/api/download/models/{version_id(doors)}")
    assert answer.status_code == 307
    target = answer.headers["location"]
    assert target == answer.text
    assert target.startswith("http://pics.example:8765/")
    assert "response-content-disposition" in parse_qs(urlsplit(target).query)
    got = doors.get(target, headers={"Authorization": "Bearer whatever"})
    assert got.status_code == 200
    assert re.fullmatch(r'attachment; filename="[ !#-~]+"', got.headers["content-disposition"])
    direct = open_demo(download_redirect=False)
    answer = direct.get(f"/api/download/models/{version_id(direct)}")
    assert (answer.status_code, answer.content) == (200, got.content)
    direct = open_demo(download_needs_login=True)
    path = f"/api/download/models/{version_id(direct)}"
    assert direct.json(path, status=401)["error"] == "Unauthorized"
    assert direct.get(f"{path}?token={direct.owner_key}").status_code == 307


def test_row_52_retry_after(open_demo: Any) -> None:
    doors = open_demo(rate_limit_per_minute=3)
    answers = [doors.get("/api/v1/enums") for _ in range(7)]  # three in a minute of the clock, which may end among them
    assert [answer.status_code for answer in answers[:3]] == [200, 200, 200]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert doors.get("/api/health").status_code == 200


def test_somebody_whose_name_ends_in_a_host_can_be_asked_for(house: Doors) -> None:
    """Mirrored people whose name somebody else has here are called NAME_HOST: every door knows them by it."""
    with house.library.database.write() as w:
        here = access.add_user(w, "owl", house.library.now())
        there = User(
            id=here.id + 1000, username="Owl", source="civitai.com", source_id=7, created_at=house.library.now()
        )
        publish.keep_user(w, Touched(), there)
    for path in ("images", "models"):
        assert house.get(f"/api/v1/{path}?username=owl_Civitai.com").status_code == 200
    for procedure in ("image.getInfinite", "model.getAll", "post.getInfinite"):
        house.call(procedure, {"username": "owl_civitai.com"})
    assert house.call("user.getCreator", {"username": "Owl_civitai.com"})["id"] == there.id


def test_collections_link_only_to_pages_that_answer(doors: Doors) -> None:
    """A cursor with Most Followers is refused (rest.md 18.1), so that order gives none out."""
    assert "cursor=" in doors.json("/api/v1/collections?limit=1&sort=Newest")["metadata"]["nextPage"]
    assert doors.json("/api/v1/collections?limit=1&sort=Most%20Followers")["metadata"] == {}


def test_row_52_collections_have_a_limiter_of_their_own(open_demo: Any) -> None:
    doors = open_demo()
    # Sixty in a minute of the clock: one of more than twice as many is refused, also where a minute ends among them.
    asked = (doors.get("/api/v1/collections?limit=1") for _ in range(130))
    answer = next(answer for answer in asked if answer.status_code == 429)
    assert answer.json() == {"error": "Rate limit exceeded, please retry shortly."}
    assert "no-store" in answer.headers["cache-control"]
    assert int(answer.headers["retry-after"]) > 0
    assert doors.get("/api/v1/collections", headers=bearer(doors.owner_key)).status_code == 200


def test_row_53_nothing_depends_on_the_host(doors: Doors) -> None:
    for host in ("civitai.green", "civitai.com", "pics.example:8765"):
        answer = doors.get(
            "/api/v1/images?limit=200&browsingLevel=31", headers={"host": host, **bearer(doors.owner_key)}
        )
        assert {4, 8} <= {item["browsingLevel"] for item in answer.json()["items"]}


def test_row_54_answers_to_somebody_are_for_no_shared_cache(doors: Doors) -> None:
    for path in ("/api/v1/images", "/api/v1/models", "/api/v1/creators", "/api/trpc/image.getInfinite"):
        assert doors.get(path).headers["cache-control"].startswith("public")
        assert "authorization" in doors.get(path).headers["vary"].lower()
        for shown in (bearer(doors.owner_key), bearer("wrong"), {"cookie": "__Secure-civ-token=x"}):
            assert "private" in doors.get(path, headers=shown).headers["cache-control"]
        assert "private" in doors.get(f"{path}?token=x").headers["cache-control"]


# --- the paragraph over all lines: caps, masks, the header ------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/images", "/api/v1/models", "/api/trpc/image.getInfinite", "/api/trpc/post.getInfinite",
                                  "/api/trpc/model.getAll"])  # fmt: skip
def test_a_mask_that_was_cut_is_told_of(doors: Doors, path: str) -> None:
    def ask(mask: int, key: str | None = None) -> Any:
        query = f"?browsingLevel={mask}"
        if "trpc" in path:
            query = "?input=" + quote(json.dumps({"json": {"browsingLevel": mask}}))
        return doors.get(path + query, headers=bearer(key))

    def listed(answer: Any) -> list[Any]:
        body = answer.json()
        return list(body["items"] if "items" in body else body["result"]["data"]["json"]["items"])

    assert ask(31).headers["x-pinako-level"] == "1"
    assert ask(16).headers["x-pinako-level"] == "0"
    assert (ask(16).status_code, listed(ask(16))) == (200, [])
    assert "x-pinako-level" not in ask(1).headers
    assert "x-pinako-level" not in ask(0).headers
    assert listed(ask(0)) == listed(doors.get(path))
    assert "x-pinako-level" not in ask(31, doors.owner_key).headers
    low = doors.key_for("lowly", level=3)
    assert ask(31, low).headers["x-pinako-level"] == "3"
    assert ask(28, low).headers["x-pinako-level"] == "0"
    assert listed(ask(28, low)) == []


def test_an_account_has_a_level_of_its_own(open_demo: Any) -> None:
    doors = open_demo(public_level=3)
    assert doors.get("/api/v1/images?browsingLevel=31").headers["x-pinako-level"] == "3"
    key = doors.key_for("browser")
    with doors.library.database.write() as w:
        w.run("UPDATE users SET browsing_level = 6 WHERE username = 'browser'")
    levels = {item["browsingLevel"] for item in doors.json("/api/v1/images?limit=200", key=key)["items"]}
    assert levels == {2, 4}


# --- real callers' spellings (issue 2, section 5) ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "plain"),
    [
        ("/api/v1/models?nsfw=True&query=&tag=&username=", "/api/v1/models?nsfw=true"),
        ("//api/v1/models?", "/api/v1/models"),
        ("/api//v1///models/", "/api/v1/models"),
        ("/api/v1/models?limit=5&", "/api/v1/models?limit=5"),
        ("/api/v1/models?ids[]=5", "/api/v1/models"),
        ("/api/v1/images?token=None", "/api/v1/images"),
        ("/api/v1/images?cursor=", "/api/v1/images"),
        ("/api/v1/images?limit=+5", "/api/v1/images?limit=5"),
        ("/api/v1/models?favorites", "/api/v1/models?hidden"),
    ],
)
def test_real_callers_spellings(doors: Doors, spelling: str, plain: str) -> None:
    def body(path: str) -> Any:
        return re.sub(r'"nextPage":"[^"]*"', "", doors.client.get(f"http://pics.example:8765{path}").text)

    assert body(spelling) == body(plain)


@pytest.mark.parametrize(
    "word", ["Bearer None", "Bearer null", "Bearer undefined", "Bearer ", "Bearer", "None", "Bearer x" * 500]
)
def test_a_key_that_is_none_is_nobody(doors: Doors, word: str) -> None:
    answer = doors.get("/api/v1/images?browsingLevel=31", headers={"Authorization": word})
    assert (answer.status_code, answer.headers["x-pinako-level"]) == (200, "1")
    assert doors.get("/api/v1/me", headers={"Authorization": word}).json() == {"error": "Unauthorized"}


def test_ids_repeated_or_with_commas(doors: Doors) -> None:
    wanted = doors.ids("/api/v1/models?limit=3")
    commas, repeated = ",".join(map(str, wanted)), "&".join(f"ids={id}" for id in wanted)
    assert set(doors.ids(f"/api/v1/models?ids={commas}")) == set(doors.ids(f"/api/v1/models?{repeated}")) == set(wanted)


def test_the_scheme_word_is_not_looked_at_and_a_bad_key_hides_the_cookie(doors: Doors) -> None:
    me = "/api/v1/me"
    for scheme in ("Bearer", "bearer", "Token", "anything"):
        assert doors.json(me, headers={"Authorization": f"{scheme} {doors.owner_key}"})["username"] == "owner"
    assert doors.json(f"{me}?token={doors.owner_key}")["username"] == "owner"
    answer = doors.get(f"{me}?token={doors.owner_key}", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
