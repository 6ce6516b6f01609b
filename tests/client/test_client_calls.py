"""Calls against a scripted host: requests as the references write them, answers in every shape they have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pinako.client import AsyncClient, Client, Politeness
from pinako.client.calls import entities
from pinako.client.records.images import Image
from pinako.errors import (
    BadRequest,
    BudgetSpent,
    UpstreamBusy,
    UpstreamError,
    UpstreamForbidden,
    UpstreamGone,
    UpstreamNonsense,
    UpstreamNotFound,
    UpstreamRefused,
    UpstreamUnauthorized,
)
from scripted_upstream import Reply, Request, Upstream, as_json, page, superjson, trpc_error

IMAGE = {
    "id": 900101,
    "name": "lighthouse-01.png",
    "url": "1f0c9a52-6d3b-4c0e-9b7a-3f1f5a2c7d10",
    "height": 1216,
    "width": 832,
    "createdAt": "2026-02-03T10:20:30.000Z",
    "scannedAt": "2026-02-03T10:20:41.06",
    "mimeType": "image/png",
    "nsfwLevel": 1,
    "postId": 70001,
    "type": "image",
    "user": {"id": 501, "username": "paper_fox", "image": None},
    "stats": {"likeCountAllTime": 4, "collectedCountAllTime": 1},
    "madeUpField": {"kept": True},
}


def devalue(*slots: Any) -> Reply:
    return as_json({"result": {"data": json.dumps(list(slots))}})


def test_a_query_goes_out_as_get_with_its_input_encoded_once(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson(IMAGE, createdAt=["Date"]))
    image = client.image(900101)
    [request] = upstream.requests
    assert (request.method, request.input) == ("GET", {"json": {"id": 900101}})
    assert image.user is not None
    assert (image.id, image.author, image.user.id, image.stats.like_count) == (900101, "paper_fox", 501, 4)
    assert image.created_at == datetime(2026, 2, 3, 10, 20, 30, tzinfo=UTC)
    assert image.scanned_at == datetime(2026, 2, 3, 10, 20, 41, 60000, tzinfo=UTC)
    assert image.extra == {"madeUpField": {"kept": True}}
    assert image.raw == IMAGE


def test_a_devalue_answer_reads_like_superjson(client: Client, upstream: Upstream) -> None:
    slots = [
        {"id": 1, "createdAt": 2, "tagIds": 3, "url": 6, "postId": -1},
        900101,
        ["Date", "2026-02-03T10:20:30.000Z"],
    ]
    upstream.on("/api/trpc/image.get", devalue(*slots, [4, 5], 7, 8, "a key"))
    image = client.image(900101)
    assert (image.id, image.url, image.tag_ids, image.post_id) == (900101, "a key", (7, 8), None)
    assert image.created_at == datetime(2026, 2, 3, 10, 20, 30, tzinfo=UTC)


def test_a_devalue_error_is_the_same_typed_error(client: Client, upstream: Upstream) -> None:
    slots = [
        {"message": 1, "code": 2, "data": 3},
        "No image with id 5",
        -32004,
        {"code": 4, "httpStatus": 5},
        "NOT_FOUND",
        404,
    ]
    upstream.on("/api/trpc/image.get", as_json({"error": json.dumps(slots)}, 404))
    with pytest.raises(UpstreamNotFound, match="No image with id 5") as caught:
        client.image(5)
    assert caught.value.word == "NOT_FOUND"


def test_data_without_a_wrapper_and_odd_types_still_read(client: Client, upstream: Upstream) -> None:
    odd = {
        "id": "900101",
        "width": "832",
        "height": None,
        "nsfwLevel": "None",
        "user": "nobody",
        "tagIds": [1, "2", "x"],
    }
    upstream.on("/api/trpc/image.get", as_json({"result": {"data": odd}}))
    image = client.image(900101)
    assert (image.id, image.width, image.height, image.user, image.tag_ids) == (900101, 832, None, None, (1, 2))


def test_an_answer_without_its_identity_is_nonsense(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson({"name": "nameless"}))
    with pytest.raises(UpstreamNonsense):
        client.image(1)


def test_unknown_enum_words_pass(client: Client, upstream: Upstream) -> None:
    body = {"id": 5, "type": "Hologram", "mode": "Floating", "modelVersions": [{"id": 6, "status": "Dreaming"}]}
    upstream.on("/api/v1/models/5", as_json(body))
    model = client.model(5)
    assert (model.type, model.mode, model.model_versions[0].status) == ("Hologram", "Floating", "Dreaming")


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (
            400,
            {"error": {"name": "ZodError", "message": '[{"path":["limit"],"message":"Too big"}]'}},
            UpstreamRefused,
            "limit: Too big",
        ),
        (
            400,
            {"error": {"issues": [{"path": ["limit"], "message": "Too big"}], "name": "ZodError"}},
            UpstreamRefused,
            "limit: Too big",
        ),
        (400, {"name": "ZodError", "message": '[{"path":["ids"],"message":"No"}]'}, UpstreamRefused, "ids: No"),
        (400, [{"path": ["limit"], "message": "Too small"}], UpstreamRefused, "limit: Too small"),
        (404, {"message": "User not found"}, UpstreamNotFound, "User not found"),
        (404, {"error": "User not found", "code": "NOT_FOUND"}, UpstreamNotFound, "User not found"),
        (401, {"error": "Unauthorized", "message": "Log in to download"}, UpstreamUnauthorized, "Log in to download"),
        (
            403,
            {"error": "Early Access", "deadline": None, "message": "Buy it"},
            UpstreamForbidden,
            "Early Access: Buy it",
        ),
        (410, {"error": "Model archived, not available for download"}, UpstreamGone, "archived"),
        (451, {"error": "Not in your region", "code": "REGION_BLOCKED"}, UpstreamForbidden, "region"),
        (418, {"error": {}}, UpstreamRefused, "418"),
    ],
)
def test_every_error_shape_is_a_typed_error(
    client: Client, upstream: Upstream, status: int, body: Any, kind: type[UpstreamError], text: str
) -> None:
    upstream.on("/api/v1/me", as_json(body, status))
    with pytest.raises(kind, match=text) as caught:
        client.me()
    assert len(upstream.requests) == 1
    assert caught.value.answered == status
    assert caught.value.advice
    assert caught.value.call == f"GET {upstream.url}/api/v1/me"


@pytest.mark.parametrize(
    ("status", "kind"), [(200, UpstreamNonsense), (403, UpstreamForbidden), (404, UpstreamNotFound)]
)
def test_a_web_page_is_never_an_answer(
    client: Client, upstream: Upstream, status: int, kind: type[UpstreamError]
) -> None:
    upstream.on("*", page(status))
    with pytest.raises(kind, match="web page"):
        client.me()
    with pytest.raises(kind, match="web page"):
        client.image(1)


def test_an_error_inside_a_good_status_is_an_error(client: Client, upstream: Upstream) -> None:
    reply = trpc_error(401, "UNAUTHORIZED", "You are not authorized to perform this action")
    upstream.on("/api/trpc/image.delete", Reply(200, reply.body, reply.headers))
    with pytest.raises(UpstreamUnauthorized):
        client.delete_image(3)


def test_a_long_input_goes_as_post_and_back_to_get_where_the_host_is_old(client: Client, upstream: Upstream) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "POST":
            return trpc_error(404, "NOT_FOUND", 'No "mutation"-procedure on path "image.getInfinite"')
        return superjson({"items": [IMAGE], "nextCursor": None})

    upstream.on("/api/trpc/image.getInfinite", answer)
    found = list(client.image_feed(ids=range(900101, 901101)))
    assert [image.id for image in found] == [900101]
    assert [request.method for request in upstream.requests] == ["POST", "GET"]
    assert upstream.requests[0].input == upstream.requests[1].input


def test_a_batch_gives_each_its_own_outcome(client: Client, upstream: Upstream) -> None:
    elements = [
        {"result": {"data": {"json": IMAGE}}},
        {"error": {"json": {"message": "No", "data": {"code": "NOT_FOUND", "httpStatus": 404}}}},
    ]
    upstream.on("/api/trpc/image.get,image.get", as_json(elements, 207))
    good, bad = client.batch([entities.get_image(900101), entities.get_image(2)])
    assert not isinstance(good, UpstreamError)
    assert good.id == 900101
    assert isinstance(bad, UpstreamNotFound)
    [request] = upstream.requests
    assert request.params["batch"] == "1"
    assert request.input == {"0": {"json": {"id": 900101}}, "1": {"json": {"id": 2}}}


def test_what_failed_only_for_now_in_a_batch_is_asked_again_alone(
    client: Client, upstream: Upstream, waits: list[float]
) -> None:
    busy = {"error": {"json": {"message": "Server busy", "data": {"code": "TOO_MANY_REQUESTS", "httpStatus": 429}}}}
    upstream.on("/api/trpc/image.get,image.get", as_json([busy, {"result": {"data": {"json": IMAGE}}}], 207))
    upstream.on("/api/trpc/image.get", [trpc_error(503, "SERVICE_UNAVAILABLE"), superjson({**IMAGE, "id": 1})])
    first, second = client.batch([entities.get_image(1), entities.get_image(900101)])
    assert isinstance(first, Image)
    assert isinstance(second, Image)
    assert (first.id, second.id) == (1, 900101)
    assert [request.input for request in upstream.asked("/api/trpc/image.get")] == [{"json": {"id": 1}}] * 2


def test_a_batch_ends_where_the_budget_does(open_client: Callable[..., Client], upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson(IMAGE))
    with pytest.raises(BudgetSpent) as caught:
        open_client(politeness=Politeness(requests_per_day=2)).batch([entities.get_image(n) for n in range(3)])
    assert caught.value.call.startswith(f"{upstream.url}/api/trpc/image.get?")


@pytest.mark.parametrize(
    ("path", "answer", "ask", "expected"),
    [
        ("collection.upsert", {"id": 3001, "read": "Public", "isOwner": True}, lambda c: c.keep_collection(name="x").id, 3001),
        ("collection.saveItem", {"status": "added"}, lambda c: c.save_item([3001], article_id=5).status, "added"),
        ("collection.saveItem", None, lambda c: c.save_item([3001], image_id=5).status, None),
        ("collection.removeFromCollection", {"itemId": 5, "new": 1}, lambda c: c.remove_item(3001, 5).extra, {"new": 1}),
        ("post.addTag", {"id": 7, "name": "sea"}, lambda c: c.add_post_tag(70001, "sea").name, "sea"),
        ("post.reorderImages", [IMAGE, {}], lambda c: [image.id for image in c.reorder_images(70001, [900101])], [900101]),
        ("hiddenPreferences.toggleHidden", {"added": [5]}, lambda c: c.toggle_hidden("image", [{"id": 5}]).added, (5,)),
        ("user.getSettings", {"blurNsfw": False}, lambda c: c.settings().blur_nsfw, False),
        ("collection.getUserCollectionItemsByItem", [{"collectionId": 3001, "canRemoveItem": True}],
         lambda c: [kept.collection_id for kept in c.collections_of_item(post_id=7)], [3001]),
    ],
)  # fmt: skip
def test_what_other_calls_answer_is_typed_too(
    client: Client, upstream: Upstream, path: str, answer: Any, ask: Callable[[Client], Any], expected: Any
) -> None:
    upstream.on(f"/api/trpc/{path}", superjson(answer))
    assert ask(client) == expected


def test_a_batch_that_fails_as_a_whole_fails_in_each_part_or_at_once(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get,image.get", trpc_error(400, "BAD_REQUEST", "Invalid input"))
    with pytest.raises(UpstreamRefused, match="Invalid input"):
        client.batch([entities.get_image(1), entities.get_image(2)])


def test_a_host_without_batches_is_asked_one_by_one(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson(IMAGE))
    outcomes = client.batch([entities.get_image(900101), entities.get_image(900101)])
    assert [one.id for one in outcomes if not isinstance(one, UpstreamError)] == [900101, 900101]
    assert len(upstream.asked("/api/trpc/image.get")) == 2


def test_only_queries_share_a_request(client: Client) -> None:
    from pinako.client.calls import writes

    with pytest.raises(BadRequest):
        client.batch([writes.delete_image(1), writes.delete_image(2)])


def test_dates_of_an_input_are_marked(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/post.update", superjson(None))
    client.update_post(70001, published_at=datetime(2026, 2, 3, 10, 21, tzinfo=UTC))
    [request] = upstream.requests
    assert request.method == "POST"
    assert request.input == {
        "json": {"id": 70001, "publishedAt": "2026-02-03T10:21:00.000Z"},
        "meta": {"values": {"publishedAt": ["Date"]}},
    }


def test_hashes_are_asked_in_rounds_and_null_rows_are_left_out(client: Client, upstream: Upstream) -> None:
    def answer(request: Request) -> Reply:
        asked = json.loads(request.body)
        return as_json([None, {"id": len(asked), "name": "v1"}, {"id": len(asked), "name": "v1"}])

    upstream.on("/api/v1/model-versions/by-hash", answer)
    found = client.find_versions([f"{number:064x}" for number in range(130)])
    assert [len(json.loads(request.body)) for request in upstream.requests] == [100, 30]
    assert [version.id for version in found] == [100, 30]


def test_files_give_their_hash_from_both_doors(client: Client, upstream: Upstream) -> None:
    rest = {"id": 1, "sizeKB": 2.5, "hashes": {"SHA256": "ab" * 32}, "metadata": {"format": "SafeTensor"}}
    trpc = {"id": 2, "sizeKb": "2.5", "hashes": [{"type": "SHA256", "hash": "cd" * 32}]}
    upstream.on("/api/v1/model-versions/9", as_json({"id": 9, "files": [rest, trpc]}))
    first, second = client.version(9).files
    assert (first.sha256, first.size_kb) == ("AB" * 32, 2.5)
    assert (second.sha256, second.size_kb) == ("CD" * 32, 2.5)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{Image,RentCivit}", ("Image", "RentCivit")),
        (["Image", "RentCivit"], ("Image", "RentCivit")),
        ("Sell", ("Sell",)),
        ("{}", ()),
        (None, ()),
    ],
)
def test_commercial_use_reads_in_all_forms(
    client: Client, upstream: Upstream, value: Any, words: tuple[str, ...]
) -> None:
    upstream.on("/api/v1/models/1", as_json({"id": 1, "allowCommercialUse": value}))
    assert client.model(1).commercial_uses == words


def test_the_async_client_answers_the_same(upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", superjson(IMAGE))
    upstream.on("/api/v1/me", as_json({"error": "Unauthorized"}, 401))

    async def ask() -> None:
        async with AsyncClient(upstream.url) as client:
            images = await asyncio.gather(*(client.image(900101) for _ in range(20)))
            assert {image.id for image in images} == {900101}
            with pytest.raises(UpstreamUnauthorized):
                await client.me()

    asyncio.run(ask())


def test_a_busy_host_is_busy_in_the_end(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.get", trpc_error(503, "SERVICE_UNAVAILABLE", "Search overloaded"))
    with pytest.raises(UpstreamBusy, match="overloaded"):
        client.image(1)
    assert len(upstream.requests) == 4


def test_each_call_of_the_list_is_a_method_of_both_clients(open_client: Callable[..., Client]) -> None:
    import inspect

    sync = {name for name, value in vars(Client).items() if callable(value) and not name.startswith("_")}
    both = {name for name, value in vars(AsyncClient).items() if callable(value) and not name.startswith("_")}
    assert sync == both
    for name in sync:
        assert (getattr(Client, name).__doc__ or "").strip(), name
        assert str(inspect.signature(getattr(Client, name))).split(" ->")[0].startswith("(self")
