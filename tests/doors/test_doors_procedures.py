"""tRPC at its door: the small vectors, the table of disagreements, what gallery-dl reads, and both doors side by side."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from asking import Doors, bearer

from pinako.web.identity import FRESH_S

MISSING = 999_999_999


def image_id(doors: Doors) -> int:
    """An image that everybody may see."""
    return int(doors.call("image.getInfinite", {"limit": 1})["items"][0]["id"])


def collection_id(doors: Doors, kind: str = "Image") -> int:
    """A public collection."""
    return int(doors.one("SELECT id FROM collections WHERE read = 'Public' AND type = ? ORDER BY id", kind))


def batch(doors: Doors, paths: str, inputs: Any, **options: Any) -> Any:
    """The answer to a batch by GET."""
    return doors.get(f"/api/trpc/{paths}?batch=1&input={quote(json.dumps(inputs))}", **options)


# --- trpc.md 13 -------------------------------------------------------------------------------------------------------


def test_vector_1_an_id_is_no_text(doors: Doors) -> None:
    error = doors.call("image.get", {"id": "5"}, status=400)
    assert (error["data"]["code"], error["code"]) == ("BAD_REQUEST", -32600)
    assert json.loads(error["message"])[0]["path"] == ["id"]


def test_vector_2_an_id_must_be_there(doors: Doors) -> None:
    assert doors.call("image.get", {}, status=400)["data"]["code"] == "BAD_REQUEST"
    assert doors.call("image.get", None, status=400)["data"]["code"] == "BAD_REQUEST"


def test_vector_3_posting_is_getting(doors: Doors) -> None:
    id = image_id(doors)
    posted = doors.post("image.get", {"json": {"id": id}})
    assert (posted.status_code, posted.json()) == (200, doors.call_whole("image.get", {"id": id}))


def test_vector_4_an_unknown_procedure(doors: Doors) -> None:
    error = doors.call("image.nope", {}, status=404)
    assert error["data"] == {"code": "NOT_FOUND", "httpStatus": 404, "path": "image.nope"}


def test_vector_5_getting_a_mutation(doors: Doors) -> None:
    assert doors.call("user.toggleFollow", {}, status=405)["data"]["code"] == "METHOD_NOT_SUPPORTED"


def test_vectors_6_to_8_batches(doors: Doors) -> None:
    id = image_id(doors)
    tag = doors.one("SELECT id FROM tags ORDER BY id")
    both = batch(doors, "image.get,tag.getById", {"0": {"json": {"id": id}}, "1": {"json": {"id": tag}}})
    assert both.status_code == 200
    assert [one["result"]["data"]["json"]["id"] for one in both.json()] == [id, tag]
    mixed = batch(doors, "image.get,tag.getById", {"0": {"json": {"id": MISSING}}, "1": {"json": {"id": tag}}})
    assert mixed.status_code == 207
    assert [next(iter(one)) for one in mixed.json()] == ["error", "result"]
    neither = batch(doors, "image.get,image.get", {"0": {"json": {"id": MISSING}}, "1": {"json": {"id": MISSING}}})
    assert neither.status_code == 404
    assert [one["error"]["json"]["message"] for one in neither.json()] == [f"No image with id {MISSING}"] * 2
    alone = batch(doors, "image.get", {"0": {"json": {"id": MISSING}}})
    assert (alone.status_code, len(alone.json())) == (404, 1)
    comma = doors.get(f"/api/trpc/image.get%2Ctag.getById?batch=1&input={quote(json.dumps({}))}")
    assert (comma.status_code, len(comma.json())) == (400, 2)
    posted = doors.client.post(
        "/api/trpc/image.get,tag.getById?batch=1", json={"0": {"json": {"id": id}}, "1": {"id": tag}}
    )
    assert (posted.status_code, len(posted.json())) == (200, 2)


def test_batches_of_queries_and_mutations_are_refused_as_a_whole(doors: Doors) -> None:
    answer = doors.client.post("/api/trpc/image.get,user.toggleFollow?batch=1", json={"0": {"json": {"id": 1}}})
    assert answer.status_code == 400
    assert answer.json()["error"]["json"]["message"] == "Cannot mix procedure types in call: query, mutation"


def test_vector_9_ones_own_collections_need_a_login(doors: Doors) -> None:
    for body in ({"json": {}}, {}, None):
        answer = doors.post("collection.getAllUser", body)
        assert (answer.status_code, answer.json()["error"]["json"]["data"]["code"]) == (401, "UNAUTHORIZED")
        assert doors.post("collection.getAllUser", body, key=doors.owner_key).status_code == 200


def test_vector_10_a_missing_collection_is_null_and_permits_nothing(doors: Doors) -> None:
    private = doors.one("SELECT id FROM collections WHERE read = 'Private' ORDER BY id")
    for id in (MISSING, private):
        found = doors.call("collection.getById", {"id": id})
        assert found["collection"] is None
        rights = {name: value for name, value in found["permissions"].items() if name != "collectionId"}
        assert not any(rights.values())


def test_a_missing_tag_is_null(doors: Doors) -> None:
    assert doors.call_whole("tag.getById", {"id": MISSING}) == {"result": {"data": {"json": None}}}


def test_vector_11_limits(doors: Doors) -> None:
    error = doors.call("image.getInfinite", {"limit": 201}, status=400)
    assert json.loads(error["message"])[0]["code"] == "too_big"


def test_vector_12_the_last_page(doors: Doors) -> None:
    found = doors.call_whole("image.getInfinite", {"limit": 200})["result"]["data"]
    assert found["json"]["nextCursor"] is None
    assert found["meta"]["values"]["nextCursor"] == ["undefined"]


def test_vector_13_a_cursor_marked_undefined_is_still_a_cursor(doors: Doors) -> None:
    first = doors.call("image.getInfinite", {"limit": 3})
    value = {"json": {"limit": 3, "cursor": first["nextCursor"]}, "meta": {"values": {"cursor": ["undefined"]}}}
    second = doors.get(f"/api/trpc/image.getInfinite?input={quote(json.dumps(value))}").json()["result"]["data"]["json"]
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second["items"]}


def test_vector_14_a_level_beyond_the_cap_is_no_error(doors: Doors) -> None:
    """Ours: nothing is left of the mask, so nothing is listed (the paragraph over all lines)."""
    assert doors.call("image.getInfinite", {"browsingLevel": 16})["items"] == []


def test_vector_15_and_one_mutation(open_demo: Any) -> None:
    doors = open_demo()
    target = doors.one("SELECT id FROM users WHERE username <> 'owner' ORDER BY id")
    body = {"json": {"targetUserId": target}}
    assert doors.post("user.toggleFollow", body).status_code == 401
    follows = [doors.post("user.toggleFollow", body, key=doors.owner_key).json() for _ in range(2)]
    assert [one["result"]["data"]["json"] for one in follows] == [{"following": True}, {"following": False}]
    from pinako.catalog.people import Scope

    reader = doors.key_for("reader", Scope.READ)
    refused = doors.post("user.toggleFollow", body, key=reader)
    assert refused.status_code == 403
    assert refused.json()["error"]["json"]["message"] == "Your API key does not have the required scope for this action"


# --- trpc.md 1, 11 ----------------------------------------------------------------------------------------------------


def test_inputs_of_every_form(doors: Doors) -> None:
    id = image_id(doors)
    wanted = doors.call_whole("image.get", {"id": id})
    plain, wrapped = json.dumps({"id": id}), json.dumps({"json": {"id": id}})
    forms = [
        quote(plain),
        quote(wrapped),
        quote(quote(wrapped)),
        quote(quote(plain)),
        quote(json.dumps(f'[{{"id":1}},{id}]')),
    ]
    for form in forms:
        assert doors.get(f"/api/trpc/image.get?input={form}").json() == wanted
    for body in ({"id": id}, {"json": {"id": id}}, {"json": {"id": id, "authed": True, "useIndex": False}}):
        assert doors.post("image.get", body).json() == wanted
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON"):
        answer = doors.client.post("/api/trpc/image.get", content=wrapped, headers={"content-type": kind})
        assert answer.json() == wanted
    assert doors.client.post(f"/api/trpc/image.get?input={quote(wrapped)}").json() == wanted


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'{"json":{}}', b'{"json":null,"meta":{"values":["undefined"]}}']
)
def test_no_input_where_none_is_needed(doors: Doors, body: bytes) -> None:
    answer = doors.client.post(
        "/api/trpc/image.getInfinite", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200
    assert answer.json() == doors.call_whole("image.getInfinite")
    assert doors.get("/api/trpc/image.getInfinite?input=").json() == answer.json()


def test_null_is_absent(doors: Doors) -> None:
    nulls = dict.fromkeys(("cursor", "postId", "sort", "period", "limit", "tags", "username", "browsingLevel", "types"))
    assert doors.call("image.getInfinite", nulls) == doors.call("image.getInfinite", {})


@pytest.mark.parametrize("spelling", ["MostCollected", "Most Collected", "mostcollected", "MOST COLLECTED"])
def test_sorts_however_they_are_spelled(doors: Doors, spelling: str) -> None:
    wanted = doors.call("image.getInfinite", {"sort": "Most Collected", "limit": 20})
    assert doors.call("image.getInfinite", {"sort": spelling, "limit": 20}) == wanted


def test_defaults(doors: Doors) -> None:
    for procedure in ("image.getInfinite", "post.getInfinite"):
        default = [item["id"] for item in doors.call(procedure, {"limit": 200})["items"]]
        assert default == [item["id"] for item in doors.call(procedure, {"limit": 200, "sort": "Newest"})["items"]]
    silent = list(doors.every_call("post.getInfinite", {"sort": "Most Reactions"}))
    assert len(silent) == len(doors.every_call("post.getInfinite", {}))


def test_the_order_of_images_by_setting(open_demo: Any) -> None:
    doors = open_demo(image_sort="Most Reactions")
    wanted = doors.call("image.getInfinite", {"sort": "Most Reactions", "limit": 50})["items"]
    assert [item["id"] for item in doors.call("image.getInfinite", {"limit": 50})["items"]] == [
        one["id"] for one in wanted
    ]


def test_cursors_as_numbers(doors: Doors) -> None:
    page = doors.call("post.getInfinite", {"limit": 3})
    at = page["items"][-1]["publishedAt"]
    from datetime import datetime

    stamp = round(datetime.fromisoformat(at).timestamp() * 1000)
    for cursor in (stamp, at):
        later = doors.call("post.getInfinite", {"limit": 3, "cursor": cursor})["items"]
        assert all(item["publishedAt"] < at for item in later)
        assert later
    assert doors.call("post.getInfinite", {"limit": 3, "cursor": page["nextCursor"]})["items"]
    assert doors.call("post.getInfinite", {"cursor": "nonsense"}, status=400)["data"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("sort", ["Newest", "Oldest", "Most Reactions", "Most Comments", "Most Collected"])
def test_a_bare_number_names_the_first_image_of_the_next_page(doors: Doors, sort: str) -> None:
    """So the page of 2023 says, and so callers of its time still send it, as a number or a text."""
    listed = doors.ids(f"/api/v1/images?limit=100&sort={sort}")
    for cursor in (listed[7], str(listed[7])):
        later = doors.call("image.getInfinite", {"limit": 20, "sort": sort, "cursor": cursor})["items"]
        assert [item["id"] for item in later] == listed[7:27]
    assert doors.ids(f"/api/v1/images?limit=20&sort={sort}&cursor={listed[7]}") == listed[7:27]


def test_a_bare_number_is_the_count_that_posts_have_less_of(doors: Doors) -> None:
    def total(post: Any) -> int:
        return sum(post["stats"][name] for name in ("likeCount", "heartCount", "laughCount", "cryCount"))

    ranked = doors.every_call("post.getInfinite", {"sort": "Most Reactions"})
    count = total(ranked[len(ranked) // 2])
    for cursor in (count, str(count)):
        later = doors.call("post.getInfinite", {"sort": "Most Reactions", "limit": 5, "cursor": cursor})["items"]
        assert [post["id"] for post in later] == [post["id"] for post in ranked if total(post) < count][:5]
        assert later


@pytest.mark.parametrize("sort", ["Newest", "Oldest"])
@pytest.mark.parametrize("limit", [1, 3])
def test_images_as_posts_by_time_show_each_post_once_and_whole(doors: Doors, sort: str, limit: int) -> None:
    found, cursor = [], None
    while True:
        page = doors.call("image.getImagesAsPostsInfinite", {"limit": limit, "sort": sort, "cursor": cursor})
        assert page["items"]
        found += page["items"]
        if not (cursor := page["nextCursor"]):
            break
    times = [item["sortAt"] for item in found]
    assert times == sorted(times, reverse=sort == "Newest")
    assert len({item["postId"] for item in found}) == len(found)
    listed = [id for item in found for id in (image["id"] for image in item["images"])]
    whole = doors.call("image.getInfinite", {"limit": 200, "sort": sort})["items"]
    assert sorted(listed) == sorted(image["id"] for image in whole)


def test_a_posts_counts_and_images_are_whole(doors: Doors) -> None:
    for item in doors.every_call("post.getInfinite", {"limit": 50}):
        assert item["stats"]["postId"] == item["id"]
        assert len(item["images"]) == min(item["imageCount"], 8) > 0
        listed = doors.call("image.getInfinite", {"postId": item["id"]})["items"]
        assert [image["id"] for image in item["images"]] == [image["id"] for image in listed][:8]
        assert set(item["images"][0]) == set(listed[0])


def test_generation_data_has_both_names_of_an_id(doors: Doors) -> None:
    for item in doors.call("image.getInfinite", {"limit": 30})["items"]:
        for one in doors.call("image.getGenerationData", {"id": item["id"]})["resources"]:
            assert one["versionId"] == one["modelVersionId"]
            assert one["modelType"] in ("Checkpoint", "LORA", "TextualInversion", "LoCon", "DoRA")
            assert one["strength"] is None or one["modelType"] != "Checkpoint"


def test_generation_data_asked_for_many_is_what_each_has_alone(doors: Doors) -> None:
    """Those that the caller may not see, that never were, and odd inputs among them, each with its own answer."""
    ids = [
        row[0] for row in doors.library.database.read().rows("SELECT id FROM images ORDER BY level DESC, id LIMIT 20")
    ]
    ids += [row[0] for row in doors.library.database.read().rows("SELECT id FROM images ORDER BY level, id LIMIT 20")]
    inputs: list[Any] = [{"id": id} for id in (*ids, ids[0], MISSING, -1, 10**12)] + [{}, {"id": "x"}]
    together = batch(
        doors,
        ",".join(["image.getGenerationData"] * len(inputs)),
        {str(at): {"json": value} for at, value in enumerate(inputs)},
    ).json()
    for value, element in zip(inputs, together, strict=True):
        query = quote(json.dumps({"json": value}))
        assert element == doors.get(f"/api/trpc/image.getGenerationData?input={query}").json()
    assert {"result", "error"} == {name for element in together for name in element}
    resources = [element["result"]["data"]["json"]["resources"] for element in together if "result" in element]
    assert len({len(found) for found in resources}) > 1


def test_cookies_of_both_names_and_what_goes_before_them(open_demo: Any) -> None:
    from pinako.services import access

    doors = open_demo()
    with doors.library.database.write() as w:
        owner = access.owner_of(w)
        token = access.open_session(w, owner.id, doors.library.now(), days=1)
    path = "/api/trpc/image.getInfinite?input=" + quote(json.dumps({"json": {"browsingLevel": 16}}))
    for name in ("__Secure-civitai-token", "__Secure-civ-token", "civ-token", "civitai-token"):
        answer = doors.get(path, headers={"cookie": f"{name}={token}"})
        assert answer.json()["result"]["data"]["json"]["items"], name
        assert "cache-control" not in answer.headers or "private" in answer.headers["cache-control"]
    elsewhere = {"origin": "https://elsewhere.example", "referer": "https://elsewhere.example/"}
    for address, shown in (
        (path, {"cookie": f"__Secure-civ-token={token}"}),
        (path, bearer(doors.owner_key)),
        (f"{path}&token={doors.owner_key}", {}),
    ):
        answer = doors.get(address, headers=elsewhere | shown)
        assert answer.json()["result"]["data"]["json"]["items"], shown
    wrong = doors.get(path, headers={"cookie": f"__Secure-civ-token={token}", **bearer("stale")})
    assert wrong.json()["result"]["data"]["json"]["items"] == []
    assert doors.get("/api/v1/me", headers={"cookie": f"__Secure-civ-token={token}"}).json()["username"] == "owner"


def test_a_key_that_is_revoked_is_refused_at_once(open_demo: Any) -> None:
    from pinako.services import access

    doors = open_demo()
    key = doors.key_for("guest")
    assert doors.json("/api/v1/me", key=key)["username"] == "guest"
    with doors.library.database.write() as w:
        access.revoke_key(w, "doors", doors.library.now())
    time.sleep(FRESH_S)  # this is how soon
    assert doors.get("/api/v1/me", headers=bearer(key)).status_code == 401


def test_dates_are_marked_wherever_they_are(doors: Doors) -> None:
    def dates(value: Any, at: str) -> set[str]:
        found: set[str] = set()
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in ("meta", "metadata"):
                    continue
                found |= (
                    {f"{at}{key}"} if key.endswith("At") and isinstance(inner, str) else dates(inner, f"{at}{key}.")
                )
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                found |= dates(inner, f"{at}{place}.")
        return found

    asked = [("image.get", {"id": image_id(doors)}), ("image.getInfinite", {"limit": 5}), ("post.getInfinite", {"limit": 5}),
             ("model.getAll", {"limit": 3}), ("image.getImagesAsPostsInfinite", {"limit": 3}),
             ("collection.getInfinite", {"limit": 3})]  # fmt: skip
    for procedure, value in asked:
        data = doors.call_whole(procedure, value)["result"]["data"]
        marked = {path for path, mark in data["meta"]["values"].items() if mark == ["Date"]}
        assert marked == dates(data["json"], "")


def test_members_that_the_original_leaves_undefined_are_null_and_marked_so(doors: Doors) -> None:
    model = doors.one("SELECT id FROM models WHERE level = 1 AND status = 'Published'")
    data = doors.call_whole("model.getById", {"id": model})["result"]["data"]
    undefined = {path for path, mark in data["meta"]["values"].items() if mark == ["undefined"]}
    assert {"metrics", "modelVersions.0.metrics", "modelVersions.0.flags"} <= undefined
    assert data["json"]["metrics"] is data["json"]["modelVersions"][0]["metrics"] is None
    version = data["json"]["modelVersions"][0]["id"]
    data = doors.call_whole("modelVersion.getById", {"id": version})["result"]["data"]
    assert data["meta"]["values"]["wildcardSetId"] == ["undefined"]


def test_streaming_needs_a_batch_and_is_one_line(doors: Doors) -> None:
    stream = {"trpc-accept": "application/jsonl"}
    id = image_id(doors)
    refused = doors.get(f"/api/trpc/image.get?input={quote(json.dumps({'json': {'id': id}}))}", headers=stream)
    assert refused.status_code == 400
    answer = batch(
        doors, "image.get,image.get", {"0": {"json": {"id": id}}, "1": {"json": {"id": MISSING}}}, headers=stream
    )
    (line,) = answer.text.splitlines()
    found = json.loads(line)
    assert answer.status_code == 200
    assert found["json"]["0"][0][0]["result"]["data"]["id"] == id
    assert found["json"]["1"][0][0]["error"]["data"]["code"] == "NOT_FOUND"
    assert found["meta"]["values"]["0.0.0.result.data.createdAt"] == ["Date"]


# --- trpc.md 12: gallery-dl -------------------------------------------------------------------------------------------


def test_what_gallery_dl_reads(doors: Doors) -> None:
    id = image_id(doors)
    image = doors.call("image.get", {"id": id})
    assert {"id", "url", "name", "mimeType", "type", "createdAt", "user", "postId"} <= set(image)
    listed = doors.call("image.getInfinite", {"limit": 5, "cursor": None})["items"]
    needed = {"id", "url", "type", "createdAt", "user", "name", "mimeType", "postId", "modelVersionId", "modelVersionIds",
              "modelVersionIdsManual"}  # fmt: skip
    assert all(needed <= set(item) for item in listed)
    assert {"id", "title", "user", "publishedAt", "modelVersionId"} <= set(
        doors.call("post.get", {"id": image["postId"]})
    )
    name = image["user"]["username"]
    posts = doors.call("post.getInfinite", {"username": name})["items"]
    assert {item["user"]["username"] for item in posts} == {name}
    assert all({"id", "url", "type", "createdAt"} <= set(one) for item in posts for one in item["images"])
    assert doors.call("post.getInfinite", {"username": "nobody_here"})["items"] == []
    version = doors.one("SELECT v.id FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.status = 'Published' "
                        "AND m.level = 1 AND v.level = 1")  # fmt: skip
    assert {"model", "createdAt", "files"} <= set(doors.call("modelVersion.getById", {"id": version}))
    model = doors.call("modelVersion.getById", {"id": version})["model"]["id"]
    whole = doors.call("model.getById", {"id": model})
    assert {"user", "id", "name", "modelVersions"} <= set(whole)
    assert all({"id", "createdAt", "files"} <= set(one) for one in whole["modelVersions"])
    found = doors.call("collection.getById", {"id": collection_id(doors)})["collection"]
    assert {"id", "name", "user"} <= set(found)
    assert doors.call("user.getCreator", {"username": name})["id"] == image["user"]["id"]
    gallery = doors.call("image.getImagesAsPostsInfinite", {"modelVersionId": version, "modelId": model, "limit": 50,
                         "hidden": False, "period": "AllTime", "sort": "Newest", "browsingLevel": 31})  # fmt: skip
    assert all(item["images"] for item in gallery["items"])
    shown = {"modelVersionId": version, "prioritizedUserIds": [whole["user"]["id"]], "limit": 20, "pending": True,
             "period": "AllTime", "sort": "Newest"}  # fmt: skip
    assert doors.call("image.getInfinite", shown)["nextCursor"] is None
    doors.call("image.getInfinite", {**shown, "cursor": "1|2"}, status=400)


def test_reacted_images(doors: Doors) -> None:
    name = doors.one("SELECT u.username FROM users u JOIN reactions r ON r.user_id = u.id ORDER BY u.id")
    key = doors.key_for(name)
    value = {"reactions": ["Like", "Dislike", "Laugh", "Cry", "Heart"], "types": ["image", "video"], "authed": True,
             "useIndex": False, "browsingLevel": 31}  # fmt: skip
    found = {item["id"] for item in doors.every_call("image.getInfinite", value, key=key)}
    given = {row[0] for row in doors.sql(
        "SELECT r.entity_id FROM reactions r JOIN users u ON u.id = r.user_id WHERE u.username = ? AND "
        "r.entity_type = 'image'", name)}  # fmt: skip
    assert found
    assert found <= given
    for item in doors.call("image.getInfinite", value, key=key)["items"]:
        assert {one["reaction"] for one in item["reactions"]}


# --- both doors ask the same services ---------------------------------------------------------------------------------

SORTS = ("Newest", "Oldest", "Most Reactions", "Most Comments", "Most Collected")
MODEL_SORTS = ("Newest", "Oldest", "Highest Rated", "Most Downloaded", "Most Liked", "Most Discussed", "Most Collected",
               "Most Images")  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_both_doors_list_the_same_images(doors: Doors, seed: int) -> None:
    chance = Random(seed)
    sample = doors.call("image.getInfinite", {"limit": 200, "browsingLevel": 31}, key=doors.owner_key)["items"]
    one = chance.choice(sample)
    tags = chance.sample(one["tagIds"], 1)
    choices: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"userId": one["userId"]},) * 2,
        ({"username": one["user"]["username"]},) * 2,
        ({"modelVersionId": (one["modelVersionIds"] or [1])[0]},) * 2,
        ({"tags": ",".join(map(str, tags))}, {"tags": tags}),
        ({"baseModels": "SDXL 1.0"}, {"baseModels": ["SDXL 1.0"]}),
        ({"type": one["type"]}, {"types": [one["type"]]}),
        ({"period": "Month"},) * 2,
        ({"period": "Week"},) * 2,
        ({"imageId": one["id"]},) * 2,
    ]
    asked: dict[str, Any] = {"sort": chance.choice(SORTS), "browsingLevel": chance.choice((1, 3, 28, 31)), "limit": 9}
    rest, trpc = dict(asked), dict(asked)
    for left, right in chance.sample(choices, 2):
        rest, trpc = rest | left, trpc | right
    key = chance.choice((None, doors.owner_key))
    query = "&".join(f"{name}={quote(str(value))}" for name, value in rest.items())
    by_rest = doors.every_id(f"/api/v1/images?{query}", key)
    trpc |= {"disableMinor": True, "disablePoi": True}  # which REST always does
    assert by_rest == [item["id"] for item in doors.every_call("image.getInfinite", trpc, key=key)]


@pytest.mark.parametrize("seed", range(20))
def test_both_doors_list_the_same_models(doors: Doors, seed: int) -> None:
    chance = Random(seed)
    key = chance.choice((None, doors.owner_key))
    one = chance.choice(doors.json("/api/v1/models?nsfw=true&limit=200", key=key)["items"])
    choices: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"username": one["creator"]["username"]},) * 2,
        ({"types": one["type"]}, {"types": [one["type"]]}),
        ({"tag": one["tags"][0]},) * 2,
        ({"query": one["name"].split()[0]},) * 2,
        ({"baseModels": one["baseModels"][0]}, {"baseModels": one["baseModels"]})
        if len(one["baseModels"]) == 1
        else ({}, {}),
        ({"archived": "true"}, {"archived": True}),
        ({"period": "Year"},) * 2,
        ({"ids": f"{one['id']},5"}, {"ids": [one["id"], 5]}),
    ]
    asked: dict[str, Any] = {"sort": chance.choice(MODEL_SORTS), "browsingLevel": chance.choice((1, 31)), "limit": 3}
    left, right = chance.choice(choices)
    query = "&".join(f"{name}={quote(str(value))}" for name, value in {**asked, **left}.items())
    by_rest = doors.every_id(f"/api/v1/models?{query}", key)
    assert by_rest == [item["id"] for item in doors.every_call("model.getAll", {**asked, **right}, key=key)]


def test_a_users_models_and_posts_are_the_same_at_both_doors(doors: Doors) -> None:
    for item in doors.json("/api/v1/creators?limit=0")["items"]:
        name = item["username"]
        models = doors.every_id(f"/api/v1/models?username={name}&sort=Newest&limit=2")
        found = doors.every_call("model.getAll", {"username": name, "sort": "Newest", "limit": 2})
        assert models == [one["id"] for one in found]
        posts = {one["id"] for one in doors.every_call("post.getInfinite", {"username": name, "limit": 2})}
        images = doors.json(f"/api/v1/images?username={name}&limit=200")["items"]
        assert posts == {image["postId"] for image in images}


@pytest.mark.parametrize(
    ("kind", "procedure"), [("Image", "image.getInfinite"), ("Post", "post.getInfinite"), ("Model", "model.getAll")]
)
def test_a_collection_has_its_own_order_only_where_none_is_asked(doors: Doors, kind: str, procedure: str) -> None:
    id = doors.one('SELECT id FROM collections WHERE type = ? AND "read" = ? ORDER BY id', kind, "Public")
    order = "WHERE collection_id = ? AND status = 'ACCEPTED' ORDER BY created_at DESC, id DESC"
    own = [row[0] for row in doors.sql(f"SELECT entity_id FROM collection_items {order}", id)]
    found = [item["id"] for item in doors.every_call(procedure, {"collectionId": id, "limit": 2})]
    assert len(found) > 2
    assert found == [item for item in own if item in set(found)]
    newest = [item["id"] for item in doors.every_call(procedure, {"collectionId": id, "limit": 2, "sort": "Newest"})]
    everything = [item["id"] for item in doors.every_call(procedure, {"sort": "Newest"})]
    assert newest == [item for item in everything if item in set(found)]


@pytest.mark.parametrize(("kind", "procedure"), [("Image", "image.getInfinite"), ("Post", "post.getInfinite")])
def test_everything_in_a_collection_page_by_page(doors: Doors, kind: str, procedure: str) -> None:
    asked = {"collectionId": collection_id(doors, kind)}
    assert doors.call("collection.getAllCollectionItems", asked, status=401)["data"]["code"] == "UNAUTHORIZED"
    rows: list[Any] = []
    cursor: dict[str, str] = {}
    while cursor is not None:
        body = doors.call("collection.getAllCollectionItems", {**asked, "limit": 2, **cursor}, key=doors.owner_key)
        rows += body["collectionItems"]
        cursor = body["nextCursor"] and {"cursor": body["nextCursor"]}
    assert {row["type"] for row in rows} == {kind.lower()}
    assert {row["status"] for row in rows} == {"ACCEPTED"}
    listed = {
        item["id"]: item for item in doors.every_call(procedure, {**asked, "browsingLevel": 31}, key=doors.owner_key)
    }
    assert {row["data"]["id"]: row["data"] for row in rows} == listed
    assert [(row["createdAt"], row["id"]) for row in rows] == sorted(
        ((row["createdAt"], row["id"]) for row in rows), reverse=True
    )
    whole = doors.call_whole("collection.getAllCollectionItems", asked, key=doors.owner_key)["result"]["data"]
    assert whole["meta"]["values"]["collectionItems.0.createdAt"] == ["Date"]
    assert whole["meta"]["values"]["collectionItems.0.data.publishedAt"] == ["Date"]
    nothing = doors.call("collection.getAllCollectionItems", {"collectionId": MISSING}, key=doors.owner_key)
    assert nothing == {"nextCursor": None, "collectionItems": []}


def test_one_tag_collection_and_version_are_the_same_at_both_doors(doors: Doors) -> None:
    for item in doors.json("/api/v1/collections")["items"]:
        listed = doors.call("collection.getById", {"id": item["id"]})["collection"]
        assert (listed["name"], listed["user"]["id"]) == (item["name"], item["user"]["id"])
    rest = [item["id"] for item in doors.json("/api/v1/collections")["items"]]
    trpc = [item["id"] for item in doors.every_call("collection.getInfinite", {"limit": 2})]
    assert rest == trpc
    assert rest == doors.every_id("/api/v1/collections?limit=2")
    names = [item["name"] for item in doors.json("/api/v1/tags?limit=0")["items"]]
    assert names == [item["name"] for item in doors.call("tag.getAll", {"limit": 200})["items"]]
