"""Lists against hosts of every kind: to the end, each row once, never in a circle, never everything for something."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinako.client import AsyncClient, Client, Ending
from pinako.client.paging import Listed, Page, Walk
from pinako.errors import UpstreamNonsense, UpstreamUnreachable
from scripted_upstream import Handler, Reply, Request, Upstream, as_json, superjson


def rows(*ids: int) -> list[dict[str, Any]]:
    return [{"id": number, "url": "key", "username": "paper_fox", "postId": 7} for number in ids]


def rest_pages(pages: dict[str | None, dict[str, Any]]) -> Handler:
    return lambda request: as_json(pages[request.params.get("cursor")])


def test_next_page_is_followed_as_given_on_our_own_host_and_without_the_key(client: Client, upstream: Upstream) -> None:
    link = "https://elsewhere.example/api/v1/images?limit=2&withMeta=true&token=secret&cursor=2%7C1744&odd=%27x%27"
    upstream.on(
        "/api/v1/images",
        [
            as_json({"items": rows(1, 2), "metadata": {"nextCursor": "no", "nextPage": link}}),
            as_json({"items": rows(3), "metadata": {}}),
        ],
    )
    listing = client.images(limit=2)
    assert [image.id for image in listing] == [1, 2, 3]
    assert listing.ending is Ending.COMPLETE
    assert upstream.requests[1].query == "limit=2&withMeta=true&cursor=2%7C1744&odd=%27x%27"


@pytest.mark.parametrize("cursor", [1744, "5|2026-01-01 00:00:00.000"])
def test_a_cursor_goes_back_as_it_came(client: Client, upstream: Upstream, cursor: Any) -> None:
    upstream.on(
        "/api/trpc/image.getInfinite",
        [
            superjson({"items": rows(1), "nextCursor": cursor}),
            superjson({"items": rows(2), "nextCursor": None}, nextCursor=["undefined"]),
        ],
    )
    assert [image.id for image in client.image_feed()] == [1, 2]
    first, second = (request.input for request in upstream.requests)
    assert "cursor" not in first["json"]
    assert second == {"json": {**first["json"], "cursor": cursor}}
    assert {"limit", "sort", "period", "browsingLevel"} <= set(first["json"])


def test_short_and_empty_pages_do_not_end_a_list(client: Client, upstream: Upstream) -> None:
    pages = [{"items": [], "nextCursor": "a"}, {"items": rows(1), "nextCursor": "b"}, {"items": [], "nextCursor": "c"}]
    upstream.on(
        "/api/trpc/image.getInfinite", [*map(superjson, pages), superjson({"items": rows(2), "nextCursor": ""})]
    )
    assert [image.id for image in client.image_feed(limit=50)] == [1, 2]


def test_rows_that_come_again_are_given_once(client: Client, upstream: Upstream) -> None:
    pages = [{"items": rows(1, 2, 3), "nextCursor": "3|1"}, {"items": rows(3, 4, 1), "nextCursor": None}]
    upstream.on("/api/trpc/image.getInfinite", [superjson(one) for one in pages])
    assert [image.id for image in client.image_feed()] == [1, 2, 3, 4]


def test_a_cursor_that_repeats_ends_the_list_and_says_so(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/trpc/image.getInfinite", superjson({"items": rows(1, 2), "nextCursor": "again"}))
    listing = client.image_feed()
    assert [image.id for image in listing] == [1, 2]
    assert listing.ending is Ending.REPEATED_CURSOR
    assert len(upstream.requests) == 2


def test_cursors_that_always_differ_over_the_same_rows_end(client: Client, upstream: Upstream) -> None:
    count = iter(range(1000))
    upstream.on(
        "/api/trpc/image.getInfinite", lambda _: superjson({"items": rows(1, 2), "nextCursor": f"c{next(count)}"})
    )
    listing = client.image_feed()
    assert [image.id for image in listing] == [1, 2]
    assert listing.ending is Ending.REPEATED_ROWS
    assert len(upstream.requests) < 10


def test_endless_empty_pages_end(client: Client, upstream: Upstream) -> None:
    count = iter(range(10_000))
    upstream.on("/api/v1/images", lambda _: as_json({"items": [], "metadata": {"nextCursor": f"c{next(count)}"}}))
    listing = client.images()
    assert list(listing) == []
    assert listing.ending is Ending.EMPTY_PAGES


def test_page_numbers_that_stand_still_give_way_to_cursors(client: Client, upstream: Upstream) -> None:
    """Today's images repeat page 1 for every number on the search path; the cursor beside the link does advance."""

    def answer(request: Request) -> Reply:
        cursor, number = request.params.get("cursor"), int(request.params.get("page", "1"))
        if cursor is not None:
            return as_json({"items": rows(3), "metadata": {}})
        link = f"http://x/api/v1/images?limit=2&page={number + 1}"
        return as_json(
            {"items": rows(1, 2), "metadata": {"nextCursor": "2|5", "nextPage": link, "currentPage": number}}
        )

    upstream.on("/api/v1/images", answer)
    assert [image.id for image in client.images(limit=2, page=1)] == [1, 2, 3]
    assert "page" not in upstream.requests[-1].params


def test_tags_without_links_are_paged_by_number(client: Client, upstream: Upstream) -> None:
    names = [f"tag {number}" for number in range(5)]

    def answer(request: Request) -> Reply:
        start = (int(request.params.get("page", "1")) - 1) * 2
        return as_json({"items": [{"name": name} for name in names[start : start + 2]], "metadata": {"totalItems": 0}})

    upstream.on("/api/v1/tags", answer)
    assert [tag.name for tag in client.tags(limit=2)] == names


def test_a_walk_goes_on_from_a_kept_mark(client: Client, upstream: Upstream) -> None:
    upstream.on(
        "/api/v1/images",
        rest_pages(
            {
                None: {"items": rows(1), "metadata": {"nextPage": "http://h/api/v1/images?cursor=a"}},
                "a": {"items": rows(2), "metadata": {"nextPage": "http://h/api/v1/images?cursor=b"}},
                "b": {"items": rows(3), "metadata": {}},
            }
        ),
    )
    listing = client.images()
    mark = next(iter(listing.pages())).next
    assert [image.id for page in listing.pages(mark) for image in page.items] == [2, 3]


def test_an_error_in_the_middle_keeps_what_came_before(client: Client, upstream: Upstream) -> None:
    upstream.on(
        "/api/trpc/image.getInfinite", [superjson({"items": rows(1), "nextCursor": 5}), Reply(200, b"{}", cut=0)]
    )
    listing = iter(client.image_feed())
    assert next(listing).id == 1
    with pytest.raises(UpstreamUnreachable):
        next(listing)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.images(username="gone_owl"),
        lambda client: client.images(image_id=99),
        lambda client: client.images(post_id=99),
        lambda client: client.image_feed(username="gone_owl"),
        lambda client: client.post_feed(username="gone_owl"),
        lambda client: client.models(tag="no such tag"),
        lambda client: client.model_feed(username="gone_owl"),
    ],
)
def test_a_host_that_ignores_the_filter_is_refused(client: Client, upstream: Upstream, ask: Any) -> None:
    everything = [
        {"id": n, "postId": 7, "tags": ["ink"], "user": {"id": 3, "username": "paper_fox"}} for n in range(1, 5)
    ]
    for path in ("image.getInfinite", "post.getInfinite", "model.getAll"):
        upstream.on(f"/api/trpc/{path}", superjson({"items": everything, "nextCursor": 7}))
    for path in ("images", "models"):
        upstream.on(f"/api/v1/{path}", as_json({"items": everything, "metadata": {}}))
    with pytest.raises(UpstreamNonsense, match="ignored the filter") as caught:
        list(ask(client))
    assert caught.value.call
    assert len(upstream.requests) == 1


def test_the_filter_check_passes_case_and_rows_that_say_nothing(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/v1/images", as_json({"items": [{"id": 1}, {"id": 2, "username": "PAPER_fox"}], "metadata": {}}))
    assert len(list(client.images(username="Paper_Fox"))) == 2


def test_what_is_asked_is_spelled_as_hosts_understand_it(client: Client, upstream: Upstream) -> None:
    upstream.on("*", as_json({"items": [], "metadata": {}}))
    list(client.models(types=["LORA", "Checkpoint"], base_models=["SDXL 1.0"], ids=[1, 2], nsfw=False, favorites=False))
    list(client.models(limit=1, more={"fileFormats": ["GGUF", "ONNX"]}))
    list(client.images(tags=[4, 5], base_models=["Pony", "SDXL 1.0"], nsfw=True))
    models, formats, images = upstream.requests
    assert (
        models.query
        == "limit=100&sort=Highest%20Rated&period=AllTime&ids=1%2C2&types=LORA&types=Checkpoint&baseModels=SDXL%201.0"
    )
    assert formats.query.endswith("&fileFormats=GGUF&fileFormats=ONNX")
    assert images.query == (
        "limit=100&sort=Newest&period=AllTime&nsfw=true&tags=4%2C5&baseModels=Pony%2CSDXL%201.0&withMeta=true"
    )


def test_nested_and_flat_meta_read_the_same(client: Client, upstream: Upstream) -> None:
    items = [
        {"id": 1, "meta": {"id": 1, "meta": {"prompt": "harbour"}}},
        {"id": 2, "meta": {"prompt": "harbour"}},
        {"id": 3, "meta": {"id": 3, "meta": None}},
        {"id": 4, "meta": None},
    ]
    upstream.on("/api/v1/images", as_json({"items": items, "metadata": {}}))
    assert [image.generation_meta for image in client.images()] == [
        {"prompt": "harbour"},
        {"prompt": "harbour"},
        {},
        {},
    ]


def test_a_cut_mask_shows(client: Client, upstream: Upstream) -> None:
    upstream.on("/api/v1/images", as_json({"items": [], "metadata": {}}, x_pinako_level="1"))
    assert client.images(level=31).page().level == 1


def test_the_async_listing_walks_the_same(upstream: Upstream) -> None:
    pages = [{"items": rows(1, 2), "nextCursor": 3}, {"items": rows(2, 3), "nextCursor": 3}]
    upstream.on("/api/trpc/image.getInfinite", [superjson(one) for one in pages])

    async def walk() -> tuple[list[int], Ending | None]:
        async with AsyncClient(upstream.url) as client:
            listing = client.collection_items(3001)
            return [image.id async for image in listing], listing.ending

    assert asyncio.run(walk()) == ([1, 2, 3], Ending.REPEATED_CURSOR)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 30), max_size=5), st.one_of(st.none(), st.integers(0, 8))),
        min_size=1,
        max_size=20,
    )
)
def test_no_host_makes_a_walk_endless_or_repeat(script: list[tuple[list[int], int | None]]) -> None:
    """A host that answers any page with any rows and any cursor, forever: the walk ends and gives each row once."""
    listed = Listed[int](page=lambda mark: iter(()), key=lambda row: row)  # type: ignore[arg-type, return-value]
    walk = Walk(listed)
    seen: list[int] = []
    asked = 0
    while walk.call() is not None:
        ids, cursor = script[asked % len(script)]
        asked += 1
        seen += walk.take(Page(items=tuple(ids), cursor=cursor)).items
    assert len(seen) == len(set(seen))
    assert asked <= len(script) + 10
    assert walk.ending is not None
