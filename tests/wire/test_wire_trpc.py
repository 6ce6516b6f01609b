"""The tRPC protocol without a server: every way of carrying an input, batches, streams, envelopes, and each input table."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.queries import CollectionSort, ImageSort, ModelSort, Period, PostSort
from pinako.errors import (
    BadRequest,
    Gone,
    MethodNotAllowed,
    NotFound,
    PinakoError,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from pinako.wire import trpc, trpc_input_queries
from pinako.wire.failures import trpc_failure
from pinako.wire.issues import ValidationError
from pinako.wire.superjson import UNDEFINED, marks_text, undevalue, unwrap
from pinako.wire.trpc import (
    NOTHING,
    Reply,
    TrpcRequest,
    answer,
    check_kinds,
    check_method,
    join_list,
    read_request,
    reply,
)
from pinako.wire.trpc_input_images import read_images

JSON = "application/json"


def get(text: str | None, path: str = "image.get", **options: Any) -> TrpcRequest:
    pairs = [] if text is None else [("input", text)]
    return read_request(path, "GET", pairs, **options)


def post(body: bytes, content_type: str = JSON, url_input: str | None = None) -> TrpcRequest:
    pairs = [] if url_input is None else [("input", url_input)]
    return read_request("image.get", "POST", pairs, body=body, content_type=content_type)


def value(request: TrpcRequest) -> Any:
    call = request.calls[0]
    if call.failure is not None:
        raise call.failure
    return call.input


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (lambda: get('{"json":{"id":5}}'), {"id": 5}),
        (lambda: get('{"json":{"id":5},"meta":{"values":{"cursor":["undefined"]}}}'), {"id": 5}),
        (lambda: get('{"json":{"id":5,"cursor":null},"meta":{"values":{"cursor":["undefined"]},"v":1}}'), {"id": 5}),
        (lambda: get('{"id":5}'), {"id": 5}),
        (lambda: get(quote('{"json":{"id":5}}')), {"id": 5}),
        (lambda: get(None), UNDEFINED),
        (lambda: get(""), UNDEFINED),
        (lambda: get('{"json":null,"meta":{"values":["undefined"],"v":1}}'), UNDEFINED),
        (lambda: get('{"json":{"id":5},"meta":null}'), {"id": 5}),
        (lambda: get('{"json":{"id":5},"meta":{}}'), {"id": 5}),
        (lambda: get('"[{\\"id\\":1},5]"'), {"id": 5}),
        (lambda: post(b'{"json":{"id":5}}'), {"id": 5}),
        (lambda: post(b'{"id":5}', "Application/JSON; charset=utf-8"), {"id": 5}),
        (lambda: post(b'[{"id":1},5]'), {"id": 5}),
        (lambda: post(b"{}"), {}),
        (lambda: post(b""), UNDEFINED),
        (lambda: post(b"null"), UNDEFINED),
        (lambda: post(b"", "", '{"json":{"id":7}}'), {"id": 7}),
        (lambda: post(b'{"json":{"id":5}}', JSON, '{"json":{"id":7}}'), {"id": 5}),
    ],
)
def test_every_way_of_carrying_an_input(request_: Any, expected: Any) -> None:
    assert value(request_()) == expected


def test_an_undefined_mark_over_a_real_cursor_is_ignored() -> None:
    text = '{"json":{"cursor":"62702|16646466"},"meta":{"values":{"cursor":["undefined"]}}}'
    assert value(get(text)) == {"cursor": "62702|16646466"}


@pytest.mark.parametrize("text", ["{", "%7B", "[1", "\x00", "{'a':1}", '{"json":' * 3000])
def test_an_input_that_is_no_json_fails_its_call(text: str) -> None:
    with pytest.raises(BadRequest):
        value(get(text))


def test_other_content_types_are_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        post(b'{"id":5}', "text/plain")
    with pytest.raises(UnsupportedMediaType):
        read_request("image.get", "DELETE", [])
    assert read_request("image.get", "POST", []).calls


@pytest.mark.parametrize(
    ("json_", "marks", "expected"),
    [
        ({"at": "2026-02-03T10:20:30.000Z"}, {"at": ["Date"]}, {"at": datetime(2026, 2, 3, 10, 20, 30, tzinfo=UTC)}),
        ({"n": "12345678901234567890"}, {"n": ["bigint"]}, {"n": 12345678901234567890}),
        ({"a": {"b.c": None}}, {"a.b\\.c": ["undefined"]}, {"a": {}}),
        ({"s": [1, 2]}, {"s": ["set"]}, {"s": [1, 2]}),
        (
            {"s": ["2026-01-01T00:00:00.000Z"]},
            {"s": ["set", {"0": ["Date"]}]},
            {"s": [datetime(2026, 1, 1, tzinfo=UTC)]},
        ),
        ({"n": "-0"}, {"n": ["number"]}, {"n": 0}),
        ({"id": 5}, {"deep.missing.path": ["Date"]}, {"id": 5}),
        ({"list": [None]}, {"list.0": ["undefined"]}, {"list": [None]}),
        ({"list": [1]}, {"list." + "9" * 5000: ["undefined"]}, {"list": [1]}),
        ({"n": "--5"}, {"n": ["bigint"]}, {"n": "--5"}),
    ],
)
def test_marks_are_applied(json_: Any, marks: Any, expected: Any) -> None:
    assert unwrap({"json": json_, "meta": {"values": marks}}) == expected


@pytest.mark.parametrize("key", ["id", "missing"])
def test_an_unknown_mark_is_named(key: str) -> None:
    with pytest.raises(BadRequest, match="Unknown transformation: foo"):
        unwrap({"json": {"id": 5}, "meta": {"values": {key: ["foo"]}}})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["json", "meta", "values", "id", "limit", "cursor", "sort", "types", "tags", "ids", "query", "period",
                     "include", "type", "username", "page", "hidden", "reactions", "0", "1"]),
    JSON_VALUES, max_size=5,
)  # fmt: skip


@given(
    JSON_VALUES
    | MEMBERS
    | st.fixed_dictionaries({"json": MEMBERS, "meta": st.fixed_dictionaries({"values": JSON_VALUES})})
)
def test_any_input_gives_a_record_or_one_of_our_errors(found: Any) -> None:
    for read in READERS:
        for call in read_request("a.b,c.d", "GET", [("input", json.dumps(found)), ("batch", "1")]).calls:
            try:
                if call.failure is not None:
                    raise call.failure
                read(call.input)
            except PinakoError as error:
                trpc_failure(error, call.path)


READERS: list[Any] = [
    read_images, trpc_input_queries.read_posts, trpc_input_queries.read_models, trpc_input_queries.read_collections,
    trpc_input_queries.read_own_collections, trpc_input_queries.read_tags, trpc_input_queries.read_votable_tags,
    trpc_input_queries.read_creator, trpc_input_queries.read_follow, trpc_input_queries.read_id,
]  # fmt: skip


# --- batches, streams, envelopes ----------------------------------------------------------------------------------

FIVE = reply(b'{"id":5,"createdAt":"2026-01-01T00:00:00.000Z"}', ("createdAt",))
LOST = trpc_failure(NotFound("No image with id 42"), "image.get")


def batch(text: str, path: str = "image.get,tag.getById") -> TrpcRequest:
    return read_request(path, "GET", [("batch", "1"), ("input", text)])


def test_a_batch_gives_each_call_its_own_input() -> None:
    request = batch('{"0":{"json":{"id":5}},"1":{"id":1}}', "image.get%2Ctag.getById,x.y")
    assert [(call.path, call.input) for call in request.calls] == [
        ("image.get", {"id": 5}), ("tag.getById", {"id": 1}), ("x.y", UNDEFINED),
    ]  # fmt: skip


def test_without_batch_a_comma_is_part_of_the_name() -> None:
    assert [call.path for call in read_request("a.b,c.d", "GET", [("batch", "0")]).calls] == ["a.b,c.d"]


def test_a_batch_whose_input_is_no_object_fails_every_call() -> None:
    assert [call.failure is not None for call in batch("[1]").calls] == [True, True]


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [([FIVE, FIVE], 200), ([FIVE, LOST], 207), ([LOST, LOST], 404), ([LOST, trpc_failure(BadRequest("x"))], 207)],
)
def test_the_status_of_a_batch(outcomes: list[Any], status: int) -> None:
    found = answer(batch('{"0":{},"1":{}}'), outcomes)
    assert found.status == status
    assert ["error" in part for part in json.loads(found.body)] == [outcome is not FIVE for outcome in outcomes]


def test_one_failed_call_keeps_its_status_inside_an_array() -> None:
    found = answer(batch('{"0":{}}', "image.get"), [LOST])
    assert (found.status, len(json.loads(found.body)), found.failed) == (404, 1, True)


def test_envelopes() -> None:
    assert json.loads(answer(get("{}"), [FIVE]).body) == {
        "result": {"data": {"json": {"id": 5, "createdAt": "2026-01-01T00:00:00.000Z"},
                            "meta": {"values": {"createdAt": ["Date"]}, "v": 1}}},
    }  # fmt: skip
    assert json.loads(answer(get("{}"), [NOTHING]).body) == {
        "result": {"data": {"json": None, "meta": {"values": ["undefined"], "v": 1}}}
    }
    assert json.loads(answer(get("{}"), [Reply(json=b"{}", beside=b',"collection":1')]).body) == {
        "result": {"data": {"json": {}, "collection": 1}}
    }
    assert json.loads(answer(get("{}"), [LOST]).body) == {
        "error": {"json": {"message": "No image with id 42", "code": -32004,
                           "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "image.get"}}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "word", "code", "status", "message"),
    [
        (Unauthorized(), "UNAUTHORIZED", -32001, 401, "UNAUTHORIZED"),
        (NotFound(), "NOT_FOUND", -32004, 404, "Could not find entity"),
        (Unavailable("busy"), "SERVICE_UNAVAILABLE", -32603, 503, "busy"),
        (Gone("x"), "NOT_FOUND", -32004, 404, "x"),
        (PinakoError("x"), "INTERNAL_SERVER_ERROR", -32603, 500, "Internal Server Error"),
    ],
)
def test_failures_have_their_codes(error: PinakoError, word: str, code: int, status: int, message: str) -> None:
    failure = trpc_failure(error)
    assert (failure.word, failure.code, failure.status, failure.message) == (word, code, status, message)
    assert "path" not in failure.value()["data"]


def test_a_stream_is_one_line_with_everything_in_it() -> None:
    request = read_request("a.b,c.d,e.f", "GET", [("batch", "1")], accept="application/jsonl")
    found = answer(request, [FIVE, LOST, NOTHING])
    line = json.loads(found.body)
    assert (found.status, found.body.count(b"\n")) == (200, 1)
    assert line["json"]["0"] == [[{"result": {"data": {"id": 5, "createdAt": "2026-01-01T00:00:00.000Z"}}}]]
    assert line["json"]["1"][0][0]["error"]["code"] == -32004
    assert line["meta"]["values"] == {
        "0.0.0.result.data.createdAt": ["Date"], "2.0.0.result.data": ["undefined"],
    }  # fmt: skip
    with pytest.raises(BadRequest, match="Streaming requests must be batched"):
        get("{}", accept="application/jsonl")


def test_lists_annotate_each_item() -> None:
    items = [(b'{"at":1}', ("at",)), (b"{}", ()), (b'{"a":{"b":null}}', ("a.b?",))]
    last = join_list(items, None)
    assert json.loads(b"{" + last.values + b"}") == {
        "items.0.at": ["Date"], "items.2.a.b": ["undefined"], "nextCursor": ["undefined"],
    }  # fmt: skip
    assert json.loads(last.json) == {"nextCursor": None, "items": [{"at": 1}, {}, {"a": {"b": None}}]}
    more = join_list([], "17|9", more=b',"source":"x"')
    assert (json.loads(more.json), more.values) == ({"nextCursor": "17|9", "items": [], "source": "x"}, b"")
    assert marks_text(()) == b""


def test_methods() -> None:
    check_method("GET", "query", "image.get")
    check_method("POST", "query", "image.get")
    check_method("POST", "mutation", "image.delete")
    with pytest.raises(MethodNotAllowed, match="Unsupported GET-request to mutation procedure"):
        check_method("GET", "mutation", "image.delete")
    with pytest.raises(NotFound, match="No procedure found on path"):
        check_method("GET", None, "image.nope")
    with pytest.raises(BadRequest, match="Cannot mix procedure types"):
        check_kinds(["query", "mutation"])
    check_kinds(["query", None, "query"])


# --- inputs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "field", "expected"),
    [
        ({}, "limit", 100),
        ({"limit": 0}, "limit", 100),
        ({"limit": 50}, "limit", 50),
        ({}, "sort", ImageSort.NEWEST),
        ({"sort": "MostCollected"}, "sort", ImageSort.MOST_COLLECTED),
        ({"sort": "most reactions"}, "sort", ImageSort.MOST_REACTIONS),
        ({"postId": 5, "sort": "Oldest"}, "sort", None),
        ({"collectionId": 5}, "sort", None),
        ({"collectionId": 5, "sort": "Newest"}, "sort", ImageSort.NEWEST),
        ({"cursor": None}, "cursor", None),
        ({"cursor": ""}, "cursor", None),
        ({"cursor": 900055}, "cursor", "900055"),
        ({"cursor": "17|9"}, "cursor", "17|9"),
        ({"cursor": datetime(2026, 1, 2, tzinfo=UTC)}, "cursor", "2026-01-02T00:00:00.000Z"),
        ({"browsingLevel": 31}, "level", 31),
        ({"browsingLevel": 0}, "level", None),
        ({"types": ["image", "Video"]}, "types", ("image", "video")),
        ({"postIds": [1, 2]}, "post_ids", (1, 2)),
        ({"tags": [1]}, "any_tags", (1,)),
        ({"excludedTagIds": [1], "authed": True, "useIndex": False}, "excluded_tags", (1,)),
        ({"reactions": ["Like", "heart"]}, "reactions", ("Like", "Heart")),
        ({"include": ["meta"]}, "has_meta", True),
        ({"withMeta": True}, "has_meta", True),
        ({"include": ["metaSelect"]}, "has_meta", False),
        ({"fromPlatform": "false"}, "on_site", False),
        ({"pending": True}, "drafts", True),
        ({"disableMinor": True}, "hide_minor", True),
        ({"baseModels": ["Anything"]}, "base_models", ("Anything",)),
        ({"tools": [4]}, "ids", (0,)),
        ({"period": "week"}, "period", Period.WEEK),
        ({"modelId": 3, "modelVersionId": 4}, "model_id", None),
        ({"username": "Ink_1"}, "username", "Ink_1"),
    ],
)
def test_each_member_of_an_image_feed_fills_its_field(given_: Any, field: str, expected: Any) -> None:
    assert getattr(read_images(given_).query, field) == expected


def test_image_feeds_show_what_is_included() -> None:
    found = read_images({"include": ["tags", "metaSelect", "cosmetics"]})
    assert (found.with_tags, found.with_meta) == (True, True)
    assert read_images({"hidden": True}).query.hidden
    assert not read_images({"hidden": True}, as_posts=True).query.hidden
    assert read_images(UNDEFINED).query.limit == 100


@pytest.mark.parametrize(
    ("given_", "code", "path"),
    [
        ({"limit": 201}, "too_big", ["limit"]),
        ({"limit": "5"}, "invalid_type", ["limit"]),
        ({"sort": "Best"}, "invalid_value", ["sort"]),
        ({"cursor": True}, "invalid_union", ["cursor"]),
        ({"types": "image"}, "invalid_type", ["types"]),
        ({"types": ["image", "gif"]}, "invalid_value", ["types", 1]),
        ({"username": "a b"}, "invalid_format", ["username"]),
        ({"collectionTagId": 3}, "custom", ["collectionTagId"]),
        ({"postId": 2**31}, "too_big", ["postId"]),
        ({"userId": 1.5}, "invalid_type", ["userId"]),
    ],
)
def test_image_feeds_refuse_with_an_issue(given_: Any, code: str, path: list[Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        read_images(given_)
    issue = json.loads(caught.value.message)[0]
    assert (issue["code"], issue["path"]) == (code, path)


def test_prioritised_users_take_no_cursor() -> None:
    assert read_images({"prioritizedUserIds": [1], "modelVersionId": 2}).query.prioritized_users == (1,)
    with pytest.raises(BadRequest, match="Cannot use cursor with prioritizedUserIds"):
        read_images({"prioritizedUserIds": [1], "cursor": "1|2"})


def test_posts() -> None:
    query = trpc_input_queries.read_posts(
        {"limit": "3", "username": "Ink Harbor", "cursor": 1700000000000, "draftOnly": True}
    )
    assert (query.limit, query.username, query.cursor, query.unpublished) == (3, "ink_harbor", "1700000000000", True)
    assert query.sort is PostSort.NEWEST
    assert trpc_input_queries.read_posts({"collectionId": 4}).sort is None
    assert trpc_input_queries.read_posts({"limit": None, "sort": "MostReactions"}).sort is PostSort.MOST_REACTIONS


def test_models() -> None:
    query = trpc_input_queries.read_models(
        {"types": "LORA", "ids": "1,2", "limit": 200, "archived": "true", "user": "Ink"}
    )
    assert (query.types, query.ids, query.limit, query.archived, query.username) == (
        ("LORA",),
        (1, 2),
        200,
        True,
        "Ink",
    )
    assert query.sort is ModelSort.HIGHEST_RATED
    with pytest.raises(ValidationError) as caught:
        trpc_input_queries.read_models({"page": 2})
    assert json.loads(caught.value.message)[0]["path"] == ["page"]


def test_collections_and_tags() -> None:
    query = trpc_input_queries.read_collections({"cursor": 1180, "sort": "Most Followers", "types": ["Image"]})
    assert (query.limit, query.cursor, query.sort, query.types) == (
        20,
        "1180",
        CollectionSort.MOST_FOLLOWERS,
        ("Image",),
    )
    with pytest.raises(ValidationError):
        trpc_input_queries.read_collections({"sort": "Oldest"})
    own = trpc_input_queries.read_own_collections(
        {"permission": "ADD", "permissions": ["VIEW", "ADD"], "contributingOnly": False}
    )
    assert (own.permissions, own.contributing_only) == (("ADD", "VIEW"), False)
    assert trpc_input_queries.read_own_collections(UNDEFINED).contributing_only
    tags = trpc_input_queries.read_tags({"entityType": ["Image"], "withModels": True, "page": 2})
    assert (tags.entity, tags.page) == ("Image", 2)
    votable = trpc_input_queries.read_votable_tags({"type": "image", "id": 5, "authed": True})
    assert (votable.kind, votable.id, votable.take) == ("image", 5, 100)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"id": "5"}, "Invalid input: expected number, received string"),
        ({}, "Invalid input: expected number, received undefined"),
        ({"id": None}, "Invalid input: expected number, received null"),
    ],
)
def test_ids_are_numbers_and_needed(given_: Any, words: str) -> None:
    assert trpc_input_queries.read_id({"id": 5, "authed": True}) == 5
    with pytest.raises(ValidationError) as caught:
        trpc_input_queries.read_id(given_)
    assert json.loads(caught.value.message) == [
        {"expected": "number", "code": "invalid_type", "path": ["id"], "message": words}
    ]


def test_creators_and_follows() -> None:
    assert trpc_input_queries.read_creator({"username": "InkHarbor"}).username == "inkharbor"
    assert trpc_input_queries.read_creator({"id": 7}).id == 7
    with pytest.raises(BadRequest, match="Must provide username or id"):
        trpc_input_queries.read_creator({})
    assert trpc_input_queries.read_follow({"targetUserId": 7, "username": "x"}) == 7
    with pytest.raises(ValidationError):
        trpc_input_queries.read_follow(UNDEFINED)


def test_batches_are_bounded() -> None:
    with pytest.raises(BadRequest):
        read_request(",".join(["a.b"] * (trpc.MAX_CALLS + 1)), "GET", [("batch", "1")])


@pytest.mark.parametrize(
    "slots", [[[-7]], [[1], [0]], [{"a": 0}], [["Set", 0]], [[5]], [["Date"]], [[[]]], [{"a": "b"}]]
)
def test_a_devalue_text_that_is_broken_is_bad_input(slots: list[Any]) -> None:
    with pytest.raises(BadRequest):
        undevalue(slots)


def test_a_devalue_text_whose_slots_are_shared_is_read_once() -> None:
    depth = 200
    value = undevalue([*([place + 1, place + 1] for place in range(depth)), "end"])
    for _ in range(depth):
        assert value[0] is value[1]
        value = value[0]
    assert value == "end"
