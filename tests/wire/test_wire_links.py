"""Page metadata and its links, for each list and both ways of paging."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.wire.links import (
    Asked,
    collections_metadata,
    images_metadata,
    listed,
    models_metadata,
    origin_of,
    paged_metadata,
)

ORIGIN = "https://library.example"


def asked(query: str, path: str = "/api/v1/models") -> Asked:
    return Asked(origin=ORIGIN, path=path, pairs=tuple(parse_qsl(query, keep_blank_values=True)))


def read(metadata: Any) -> Any:
    return json.loads(metadata.json())


def test_a_link_keeps_the_query_in_its_order() -> None:
    link = asked("limit=1&page=2&types=LORA&query=&types=VAE&x=a b|'()*!").link("page", 3)
    assert link == f"{ORIGIN}/api/v1/models?limit=1&page=3&types=LORA&types=VAE&x=a%20b%7C%27%28%29%2A%21"


def test_a_link_never_carries_the_callers_key() -> None:
    for name in ("token", "Token", "TOKEN"):
        assert "secret" not in asked(f"limit=1&{name}=secret").link("cursor", "a|1")


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=8)), max_size=6), st.text(min_size=1, max_size=8))
def test_any_link_reads_back_as_it_was(pairs: list[tuple[str, str]], cursor: str) -> None:
    cursor = cursor.encode(errors="replace").decode()
    link = Asked(origin=ORIGIN, path="/p", pairs=tuple(pairs)).link("cursor", cursor)
    found = parse_qsl(urlsplit(link).query, keep_blank_values=True)
    assert ("cursor", cursor) in found
    assert sum(key == "cursor" for key, _ in found) == 1


def test_creators_link_by_page_within_the_totals() -> None:
    first = read(paged_metadata(asked("limit=2"), total=46, limit=2, page=1))
    assert first == {
        "totalItems": 46, "currentPage": 1, "pageSize": 2, "totalPages": 23,
        "nextPage": f"{ORIGIN}/api/v1/models?limit=2&page=2",
    }  # fmt: skip
    last = read(paged_metadata(asked("limit=2&page=23"), total=46, limit=2, page=23))
    assert "nextPage" not in last
    assert last["prevPage"].endswith("?limit=2&page=22")
    zero = read(paged_metadata(asked("page=0"), total=46, limit=20, page=0))
    assert (zero["currentPage"], zero["nextPage"][-6:]) == (0, "page=1")
    everything = read(paged_metadata(asked("limit=0"), total=46, limit=0, page=1))
    assert everything == {"totalItems": 46, "currentPage": 1, "pageSize": 46, "totalPages": 1}
    empty = read(paged_metadata(asked(""), total=0, limit=20, page=1, has_more=False))
    assert empty == {"totalItems": 0, "currentPage": 1, "pageSize": 20, "totalPages": 0, "hasMore": False}


def test_images_say_where_they_are_in_page_mode_and_at_the_start() -> None:
    assert read(images_metadata(asked(""), next_cursor=None, limit=100, page=None, first=True)) == {}
    start = read(images_metadata(asked("limit=1"), next_cursor="a|2", limit=1, page=None, first=True))
    assert start == {
        "nextCursor": "a|2", "currentPage": 1, "pageSize": 1, "nextPage": f"{ORIGIN}/api/v1/models?limit=1&cursor=a%7C2",
    }  # fmt: skip
    by_cursor = read(images_metadata(asked("limit=1&cursor=x"), next_cursor="a|2", limit=1, page=None))
    assert by_cursor == {"nextCursor": "a|2", "nextPage": f"{ORIGIN}/api/v1/models?limit=1&cursor=a%7C2"}
    by_page = read(images_metadata(asked("limit=1&page=2"), next_cursor="a|2", limit=1, page=2))
    assert by_page == {
        "nextCursor": "a|2", "currentPage": 2, "pageSize": 1, "nextPage": f"{ORIGIN}/api/v1/models?limit=1&page=3",
    }  # fmt: skip


def test_the_last_allowed_page_goes_on_by_cursor() -> None:
    last = read(images_metadata(asked("limit=100&page=10"), next_cursor="a|2", limit=100, page=10))
    assert last["nextPage"] == f"{ORIGIN}/api/v1/models?limit=100&cursor=a%7C2"


@pytest.mark.parametrize("page", [None, 2])
def test_models_send_totals_in_both_modes(page: int | None) -> None:
    query = "limit=3" if page is None else f"limit=3&page={page}"
    found = read(models_metadata(asked(query), next_cursor="5|1|2", limit=3, page=page, total=967, rows_before=None))
    assert (found["totalItems"], found["totalPages"], found["pageSize"], found["currentPage"]) == (
        967,
        323,
        3,
        page or 1,
    )
    assert ("page=3" if page else "cursor=5%7C1%7C2") in found["nextPage"]
    assert ("prevPage" in found) is (page is not None)


def test_models_know_their_page_from_the_rows_before() -> None:
    found = read(models_metadata(asked("cursor=x"), next_cursor=None, limit=10, page=None, total=40, rows_before=30))
    assert (found["currentPage"], "nextPage" in found) == (4, False)


def test_collections_have_numeric_cursors() -> None:
    found = read(collections_metadata(asked("limit=1", "/api/v1/collections"), next_cursor=1180))
    assert found == {"nextCursor": 1180, "nextPage": f"{ORIGIN}/api/v1/collections?limit=1&cursor=1180"}
    assert read(collections_metadata(asked(""), next_cursor=None)) == {}


def test_origins_of_impossible_hosts_are_not_repeated() -> None:
    assert origin_of("http", "127.0.0.1:8765") == "http://127.0.0.1:8765"
    assert origin_of("http", "[::1]:80") == "http://[::1]:80"
    for host in ('a"b', "a b", "a/b", "a@b", ""):
        assert origin_of("http", host) == "http://localhost"


def test_lists_are_joined() -> None:
    assert json.loads(listed([b"1", b"{}"], b"{}")) == {"items": [1, {}], "metadata": {}}
