"""Whatever is sent, each door answers with its documented error in its documented shape, and goes on (rest.md 5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from asking import Doors, bearer

BIG = 2**31
HUGE = "9" * 5000
INT32_PATHS = (
    "/api/v1/models/{}",
    "/api/v1/model-versions/{}",
    "/api/v1/model-versions/mini/{}",
    "/api/v1/collections/{}",
    "/api/download/models/{}",
    "/api/download/training-data/{}",
)
VERSION_SPELLINGS = ("model-versions", "models-versions", "modelVersions")


def is_plain(body: Any) -> bool:
    """Shape P."""
    return set(body) == {"error"} and isinstance(body["error"], str)


def is_wrapped(body: Any) -> bool:
    """Shape Z, perhaps with the issues of 2023 beside."""
    error = body.get("error")
    if set(body) != {"error"} or not isinstance(error, dict) or not set(error) <= {"name", "message", "issues"}:
        return False
    return error["name"] == "ZodError" and is_issues(json.loads(error["message"]))


def is_bare(body: Any) -> bool:
    """Shape Zu."""
    return set(body) == {"name", "message"} and body["name"] == "ZodError" and is_issues(json.loads(body["message"]))


def is_issues(body: Any) -> bool:
    """Shape A."""
    return (
        isinstance(body, list)
        and bool(body)
        and all(isinstance(one["path"], list) and one["message"] and one["code"] for one in body)
    )


def is_message(body: Any) -> bool:
    """Shape M."""
    return set(body) == {"message"} and isinstance(body["message"], str)


def is_coded(body: Any) -> bool:
    """Shape C."""
    return set(body) == {"error", "code"} and all(isinstance(one, str) for one in body.values())


def is_trpc(body: Any, status: int) -> bool:
    """The envelope of tRPC."""
    error = body["error"]["json"]
    return (
        set(body) == {"error"}
        and set(error) == {"message", "code", "data"}
        and error["data"]["httpStatus"] == status
        and isinstance(error["code"], int)
        and "stack" not in error["data"]
    )


ONE_OF_EACH = [
    ("/api/v1/creators?limit=201", 400, is_issues),
    ("/api/v1/creators?page=-1", 400, is_issues),
    ("/api/v1/tags?limit=abc", 400, is_issues),
    ("/api/v1/tags?sort=Best", 400, is_issues),
    ("/api/v1/tags?modelId=5", 400, is_issues),
    ("/api/v1/users?limit=500", 400, is_bare),
    ("/api/v1/users?limit=0", 400, is_bare),
    ("/api/v1/users?email=x", 400, is_bare),
    ("/api/v1/users?ids=a", 400, is_bare),
    ("/api/v1/models?limit=201", 400, is_wrapped),
    ("/api/v1/models?sort=Best", 400, is_wrapped),
    ("/api/v1/models?types=", 400, is_wrapped),
    ("/api/v1/models?types=LORA,Lorry", 400, is_wrapped),
    ("/api/v1/models?page=0", 400, is_wrapped),
    ("/api/v1/models?nsfw=maybe", 400, is_wrapped),
    ("/api/v1/models?baseModels=GetModels", 400, is_wrapped),
    ("/api/v1/models?page=2&query=ink", 400, is_plain),
    ("/api/v1/models?cursor=1|2", 400, is_message),
    ("/api/v1/models?username=nobody_here", 404, is_message),
    ("/api/v1/models?favorites=false", 401, is_plain),
    ("/api/v1/models?hidden=", 401, is_plain),
    ("/api/v1/models?availability=Private", 401, is_message),
    ("/api/v1/models?page=11&limit=100", 429, is_plain),
    ("/api/v1/images?limit=-1", 400, is_wrapped),
    ("/api/v1/images?nsfw=", 400, is_wrapped),
    ("/api/v1/images?nsfw=none", 400, is_wrapped),
    ("/api/v1/images?username=%E5%A2%A8", 404, is_coded),
    ("/api/v1/images?period=Fortnight", 400, is_wrapped),
    ("/api/v1/images?type=picture", 400, is_wrapped),
    ("/api/v1/images?baseModels=Nobody", 400, is_wrapped),
    ("/api/v1/images?postId=1&postId=2", 400, is_wrapped),
    ("/api/v1/images?cursor=nonsense|more|of|it", 400, is_coded),
    ("/api/v1/images?username=nobody_here", 404, is_coded),
    ("/api/v1/images?page=11", 429, is_plain),
    ("/api/v1/collections?limit=0", 400, is_wrapped),
    ("/api/v1/collections?cursor=", 400, is_wrapped),
    ("/api/v1/collections?cursor=5&sort=Most+Followers", 400, is_plain),
    ("/api/v1/collections/999999999", 404, is_plain),
    ("/api/v1/models/999999999", 404, is_plain),
    ("/api/v1/models/abc", 400, is_plain),
    ("/api/v1/model-versions/0", 400, is_plain),
    ("/api/v1/model-versions/999999999", 404, is_plain),
    ("/api/v1/model-versions/mini/999999999", 404, is_plain),
    ("/api/v1/model-versions/mini/0", 400, is_plain),
    ("/api/v1/model-versions/by-hash/00ff", 404, is_plain),
    ("/api/v1/me", 401, is_plain),
    ("/api/download/models/0", 400, is_plain),
    ("/api/download/models/999999999", 404, is_plain),
    ("/api/download/models/1?type=Nothing", 400, is_plain),
    ("/api/download/files/1/x.bin?expires=1&signature=00", 403, is_plain),
    ("/api/v1/nowhere", 404, is_plain),
    ("/api/nowhere", 404, is_plain),
]


@pytest.mark.parametrize(("path", "status", "shape"), ONE_OF_EACH, ids=[one[0] for one in ONE_OF_EACH])
def test_an_error_has_its_documented_shape(doors: Doors, path: str, status: int, shape: Any) -> None:
    answer = doors.get(path)
    assert answer.status_code == status, answer.text
    assert shape(answer.json()), answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "✖ Invalid input: expected number, received NaN\n  → at id"),
        ("1.5", "✖ Invalid input: expected int, received number\n  → at id"),
        ("0", "✖ Too small: expected number to be >0\n  → at id"),
        ("-3", "✖ Too small: expected number to be >0\n  → at id"),
        (str(BIG), "✖ Too big: expected number to be <=2147483647\n  → at id"),
    ],
)
def test_an_id_in_a_path_is_refused_in_two_lines(demo: Doors, text: str, message: str) -> None:
    assert demo.json(f"/api/v1/models/{text}", status=400) == {"error": message}


@pytest.mark.parametrize("path", INT32_PATHS)
@pytest.mark.parametrize(
    "id", [BIG, 2**63, 2**64, 10**30, HUGE, "1e400", "٣", "%00", "%C3%28", "1%2F2", "..%2f..%2fetc"]
)
def test_ids_that_no_row_can_have_are_refused(demo: Doors, path: str, id: Any) -> None:
    assert demo.get(path.format(id)).status_code in (400, 404)


@pytest.mark.parametrize("name", VERSION_SPELLINGS)
def test_every_spelling_of_the_version_doors_refuses_alike(demo: Doors, name: str) -> None:
    assert demo.json(f"/api/v1/{name}/abc", status=400) == {
        "error": "✖ Invalid input: expected number, received NaN\n  → at id"
    }
    assert demo.json(f"/api/v1/{name}/by-hash/00ff", status=404) == {"error": "Model not found"}
    assert demo.client.post(f"/api/v1/{name}/by-hash", json=[]).json() == []


@pytest.mark.parametrize("path", ["/api/v1/model-versions/by-hash", "/api/v1/model-versions/by-hash/ids"])
@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"{}", "application/json", "expected array, received object"),
        (b'"x"', "application/json", "expected array, received string"),
        (b"", "application/json", "expected array, received undefined"),
        (b'["abc"]', "application/json", "Invalid hash"),
        (b"[5]", "application/json", "expected string, received number"),
        (b'["' + b"0" * 64 + b'"]', "text/plain", "expected array, received string"),
    ],
)
def test_a_bad_list_of_hashes_is_told_so(demo: Doors, path: str, body: bytes, kind: str, text: str) -> None:
    answer = demo.client.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Request must include an array of SHA256 Hashes. [")
    assert text in answer.json()["error"]


def test_too_many_hashes_are_told_so(demo: Doors) -> None:
    many = ["0" * 64] * 101
    assert "Too many hashes" in demo.client.post("/api/v1/model-versions/by-hash", json=many).json()["error"]
    assert demo.client.post("/api/v1/model-versions/by-hash/ids", json=many).json() == []


def test_a_body_that_is_no_json_is_bare_text(demo: Doors) -> None:
    answer = demo.client.post(
        "/api/v1/model-versions/by-hash", content=b"[", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.text) == (400, "Invalid JSON")
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_body_over_the_limit_is_not_read(demo: Doors) -> None:
    answer = demo.client.post(
        "/api/v1/model-versions/by-hash", content=b" " * (1024 * 1024 + 1), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.text) == (413, "Body exceeded 1mb limit")
    answer = demo.client.post(
        "/api/trpc/image.get", content=b" " * (17 * 1024 * 1024 + 1), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert is_trpc(answer.json(), 413)


WRONG_METHOD = ("/api/v1/models", "/api/v1/model-versions/1", "/api/v1/model-versions/mini/1", "/api/v1/me",
                "/api/v1/collections", "/api/v1/collections/1")  # fmt: skip


@pytest.mark.parametrize("path", WRONG_METHOD)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_told_so(demo: Doors, path: str, method: str) -> None:
    answer = demo.client.request(method, path)
    assert (answer.status_code, answer.json()) == (405, {"error": "Method not allowed"})
    assert "GET" in answer.headers["allow"]


def test_reading_a_post_only_door_is_a_wrong_method(demo: Doors) -> None:
    assert demo.get("/api/v1/model-versions/by-hash").status_code == 405


GETS = (
    "/api/v1/creators", "/api/v1/tags", "/api/v1/models", "/api/v1/images", "/api/v1/users", "/api/v1/enums",
    "/api/v1/collections", "/api/trpc/image.getInfinite", "/api/health", "/api/openapi.json", "/api/docs",
)  # fmt: skip


@pytest.mark.parametrize("path", [path for path in GETS if "trpc" not in path])
def test_head_is_get_without_a_body(demo: Doors, path: str) -> None:
    got, head = demo.get(path), demo.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", [*GETS, "/api/v1/me", "/api/v1/model-versions/by-hash", "/api/download/models/1"])
def test_options_answers_every_page_of_every_origin(demo: Doors, path: str) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    answer = demo.client.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert "OPTIONS" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", GETS[:7])
def test_an_unchanged_answer_is_304(demo: Doors, path: str) -> None:
    first = demo.get(path)
    again = demo.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert demo.get(path, headers={"if-none-match": '"another"'}).status_code == 200
    assert first.headers["access-control-allow-origin"] == "*"


NASTY = (
    "?limit=%ff", "?cursor=%ff%fe", "?query=%C3%28", "?username=%00", "?query=%00", "?limit=1&limit=2", "?limit=1e1",
    "?limit=0x10", "?limit=Infinity", "?limit=NaN", "?limit=-0", "?limit=" + HUGE, "?page=" + HUGE, "?cursor=" + HUGE,
    "?cursor=|||", "?cursor=newest.1|2", "?cursor=%F0%9F%8C%8A", "?" + "a=b&" * 3000, "?" + "x" * 20000, "?=&=&&&==",
    "?tags=" + ",".join(["1"] * 3000), "?ids=" + ",".join(map(str, range(5000))), "?tags=99999999999",
    "?query=" + quote("' OR 1=1 --"), "?query=%25%25%25", "?query=_", "?query=" + "a" * 5000, "?query=*", '?query="',
    "?username=" + quote("<script>"), "?browsingLevel=-1", "?browsingLevel=99999999999", "?browsingLevel=32",
    "?nsfw=true&nsfw=false", "?token=", "?token=%ff", "?token=" + "x" * 9000, "?postId=1.5", "?postId=-1",
    "?userId=2147483647", "?modelId=0", "?modelVersionId=", "?sort=Random&cursor=random.x", "?sort=Newest&cursor=1|2",
    "?sort=Most%20Comments&cursor=" + quote("mostcomments.9999999999999999999|1"), "?page=1e308", "?limit=%EF%BC%91",
)  # fmt: skip


@pytest.mark.parametrize("path", GETS[:7])
def test_nothing_in_a_query_is_an_accident(doors: Doors, path: str) -> None:
    for nasty in NASTY:
        answer = doors.get(path + nasty)
        assert answer.status_code < 500, f"{path}{nasty[:200]}: {answer.text[:300]}"
        assert answer.headers["content-type"].startswith("application/json")
        answer.json()


BAD_INPUTS: list[Any] = [
    None, 5, "x", [], [1], {}, {"json": None}, {"json": 5}, {"json": "x"}, {"json": []}, {"json": {"id": "5"}},
    {"json": {"id": 1.5}}, {"json": {"id": BIG}}, {"json": {"id": 10**400}}, {"json": {"id": True}},
    {"json": {"id": None}}, {"json": {"id": -1}}, {"json": {"limit": 201}}, {"json": {"limit": -1}},
    {"json": {"limit": "10"}}, {"json": {"cursor": {}}}, {"json": {"cursor": "x|y|z|1"}}, {"json": {"cursor": 1e300}},
    {"json": {"cursor": "9" * 400}}, {"json": {"cursor": -5}}, {"json": {"sort": "Best"}}, {"json": {"sort": 5}},
    {"json": {"period": "Century"}}, {"json": {"types": "image"}}, {"json": {"tags": [1, "x"]}},
    {"json": {"tags": list(range(4000))}}, {"json": {"ids": list(range(40000))}}, {"json": {"username": "a b"}},
    {"json": {"username": "\u0000"}}, {"json": {"query": "\u0000"}}, {"json": {"query": "%_'\""}},
    {"json": {"browsingLevel": -1}}, {"json": {"browsingLevel": 2**40}}, {"json": {"entityType": ["Question"]}},
    {"json": {"id": 1, "type": "post"}}, {"json": {"targetUserId": "x"}}, {"json": {}, "meta": 5},
    {"json": {}, "meta": {"values": 5}}, {"json": {}, "meta": {"values": {"a.b.c": ["Date"]}}},
    {"json": {"id": 1}, "meta": {"values": {"id": ["foo"]}}}, {"json": {"id": 1}, "meta": {"values": {"id": [["x"]]}}},
    {"json": {"id": "12"}, "meta": {"values": {"id": ["bigint"]}}},
    {"json": {"cursor": "NaN"}, "meta": {"values": {"cursor": ["number"]}}},
    {"json": {"cursor": "2026-01-01T00:00:00Z"}, "meta": {"values": {"cursor": ["Date"]}}}, "[{\"id\":1},5]", "[0]",
    "[[0]]", "-1", "[{\"a\":0}]",
]  # fmt: skip


def procedures() -> list[str]:
    """Every procedure there is."""
    from pinako.web import trpc

    return list(trpc.PROCEDURES)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "every"])
@pytest.mark.parametrize("place", range(len(procedures())), ids=procedures())
def test_nothing_in_an_input_is_an_accident(doors: Doors, place: int, every: bool) -> None:
    """Quickly: each procedure gets every fourth of the inputs, its neighbours the others."""
    name = procedures()[place]
    for value in BAD_INPUTS if every else BAD_INPUTS[place % 4 :: 4]:
        text = json.dumps(value)
        asked = [
            doors.get(f"/api/trpc/{name}", params={"input": text}) if len(text) < 30000 else None,
            doors.client.post(f"/api/trpc/{name}", json=value, headers=bearer(doors.owner_key)),
        ]
        for answer in filter(None, asked):
            assert answer.status_code < 500, f"{name} {text[:200]}: {answer.text[:300]}"
            assert answer.headers["content-type"] == "application/json"
            body = answer.json()
            assert "result" in body or is_trpc(body, answer.status_code)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b'{"json":{"id":"\xff"}}', b"[" * 100_000, b'{"a":' * 50_000, b"nul", b"{}" * 9, b"\x00"]
)
def test_a_body_that_cannot_be_read_has_the_envelope(demo: Doors, body: bytes) -> None:
    answer = demo.client.post("/api/trpc/image.get", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert is_trpc(answer.json(), 400)


@pytest.mark.parametrize(
    ("procedure", "value"),
    [
        ("image.getInfinite", {"tags": list(range(5001))}),
        ("model.getAll", {"baseModels": ["x"] * 5001}),
        ("model.getAll", {"ids": "1," * 40_000}),
        ("model.getAll", {"query": "a " * 6000}),
        ("image.getInfinite", {"cursor": "1|" * 6000}),
        ("collection.bulkSaveItems", {"collectionId": 1, "imageIds": list(range(5001))}),
    ],
)
def test_lists_and_lines_beyond_any_use_are_refused(demo: Doors, procedure: str, value: Any) -> None:
    answer = demo.client.post(f"/api/trpc/{procedure}", json={"json": value}, headers=bearer(demo.owner_key))
    assert (answer.status_code, is_trpc(answer.json(), 400)) == (400, True)
    assert "too_big" in answer.json()["error"]["json"]["message"]


def test_marks_beyond_any_use_are_refused(demo: Doors) -> None:
    marks = {f"a{n}": ["undefined"] for n in range(10_001)}
    answer = demo.client.post("/api/trpc/image.getInfinite", json={"json": {}, "meta": {"values": marks}})
    assert (answer.status_code, is_trpc(answer.json(), 400)) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "image.nope", 404, 'No procedure found on path "image.nope"'),
        ("POST", "image.nope", 404, 'No procedure found on path "image.nope"'),
        ("GET", "user.toggleFollow", 405, 'Unsupported GET-request to mutation procedure at path "user.toggleFollow"'),
        ("PUT", "image.get", 405, 'Unsupported PUT-request to query procedure at path "image.get"'),
        ("GET", "image.get,tag.getById", 404, 'No procedure found on path "image.get,tag.getById"'),
    ],
)
def test_paths_and_methods_of_procedures(demo: Doors, method: str, path: str, status: int, message: str) -> None:
    answer = demo.client.request(method, f"/api/trpc/{path}", headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["error"]["json"]["message"] == message
    assert answer.json()["error"]["json"]["data"]["path"] == path


def test_procedures_answer_nothing_to_head_and_refuse_plain_options(demo: Doors) -> None:
    head = demo.client.head("/api/trpc/image.getInfinite")
    assert (head.status_code, head.content) == (204, b"")
    refused = demo.client.options("/api/trpc/image.getInfinite")
    assert (refused.status_code, is_trpc(refused.json(), 415)) == (415, True)


def test_a_slash_at_the_end_of_a_procedure_is_led_away(demo: Doors) -> None:
    path = '/api/trpc/tag.getById,tag.getById/?batch=1&input={"0":{"json":{"id":1}},"1":{"json":{"id":2}}}'
    led = demo.client.get(path, follow_redirects=False)
    assert led.status_code == 308
    assert led.headers["location"].startswith("/api/trpc/tag.getById,tag.getById?batch=1&input=")
    assert demo.get(led.headers["location"]).json() == demo.get(path.replace("/?", "?")).json()


def test_a_body_of_another_type_is_415(demo: Doors) -> None:
    answer = demo.client.post("/api/trpc/image.get", content=b"id=5", headers={"content-type": "text/plain"})
    assert (answer.status_code, is_trpc(answer.json(), 415)) == (415, True)


MEDIA = (
    "/xG1nkqKTMzGDvpLrqFT7WA/..%2f..%2fetc%2fpasswd", "/xG1nkqKTMzGDvpLrqFT7WA/../../etc/passwd",
    "/xG1nkqKTMzGDvpLrqFT7WA/00000000-0000-0000-0000-000000000000/width=450/x.jpeg", "/xG1nkqKTMzGDvpLrqFT7WA/x",
    "/xG1nkqKTMzGDvpLrqFT7WA//", "/xG1nkqKTMzGDvpLrqFT7WA/%00", "/xG1nkqKTMzGDvpLrqFT7WA/" + "a/" * 500,
    "/xG1nkqKTMzGDvpLrqFT7WA/%ff%fe/width=9", "/xG1nkqKTMzGDvpLrqFT7WA/" + "k" * 9000,
)  # fmt: skip


@pytest.mark.parametrize("path", MEDIA)
def test_tricks_in_media_addresses_find_nothing(demo: Doors, path: str) -> None:
    assert demo.get(path).status_code in (400, 404)


@pytest.mark.parametrize(
    "params",
    ["width=99999999", "width=-5", "width=abc", "height=0", "blur=9e9", "quality=-1", "fit=evil", "=,=,", "skip=1e99"],
)
def test_odd_wishes_for_a_medium_are_no_accident(demo: Doors, params: str) -> None:
    key = demo.one("SELECT media_key FROM images WHERE level = 1 AND type = 'image' AND published_at IS NOT NULL")
    assert demo.get(f"/xG1nkqKTMzGDvpLrqFT7WA/{key}/{params}/x.jpeg").status_code in (200, 400)


def test_the_librarys_own_trouble_is_for_its_log(
    open_demo: Callable[..., Doors], caplog: pytest.LogCaptureFixture
) -> None:
    doors = open_demo()
    doors.library.database.close()
    for path in ("/api/v1/images?username=x", "/api/v1/models?tag=x", "/api/v1/creators", "/api/v1/models/5"):
        body = doors.json(path, status=500)
        assert {body.get("error"), body.get("message")} <= {
            "Internal Server Error",
            "An unexpected error occurred",
            None,
        }
    failed = doors.call("image.get", {"id": 5}, status=500)
    assert (failed["message"], failed["data"]["code"]) == ("Internal Server Error", "INTERNAL_SERVER_ERROR")
    assert caplog.text.count("the database is closed") >= 5


def test_only_what_lies_below_api_is_for_programs(demo: Doors) -> None:
    as_page = {"accept": "text/html"}
    for path in ("/api", "/api/", "/api/nothing", "/api//v1/nothing"):
        assert is_plain(demo.json(path, status=404, headers=as_page)), path
    for path in ("/apiary", "/api-docs", "/apis/v1/images"):
        answer = demo.get(path, headers=as_page)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8"), path
