"""A page that is kept whole is never older than a write, nor anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asking import Doors, bearer

PATH = "/api/v1/images?limit=5&sort=Most%20Reactions"


@pytest.fixture
def own(open_demo: Callable[..., Doors]) -> Doors:
    """A demo library to write in."""
    return open_demo()


def stats(doors: Doors, **headers: str) -> list[Any]:
    """Ids and likes of the page."""
    page = doors.client.get(PATH, headers=headers).json()
    return [(item["id"], item["stats"]["likeCount"]) for item in page["items"]]


def test_a_write_shows_in_a_page_that_was_asked_before(own: Doors) -> None:
    before = stats(own)
    assert stats(own) == before
    body = {"json": {"entityId": before[0][0], "entityType": "image", "reaction": "Like"}}
    assert own.client.post("/api/trpc/reaction.toggle", json=body, headers=bearer(own.owner_key)).status_code == 200
    assert stats(own)[0][1] - before[0][1] in (1, -1)


@pytest.mark.parametrize("host", ["gallery.example", "127.0.0.1:8765"])
def test_a_page_links_to_the_host_that_was_asked(doors: Doors, host: str) -> None:
    for _ in range(2):
        page = doors.client.get(PATH, headers={"host": host}).json()
        assert page["metadata"]["nextPage"].startswith(f"http://{host}/")
        assert page["items"][0]["url"].startswith(f"http://{host}/")


def test_a_page_is_its_callers_own(doors: Doors) -> None:
    path = "/api/v1/images?limit=100&browsingLevel=31"
    for _ in range(2):
        strangers = {item["id"] for item in doors.client.get(path).json()["items"]}
        owners = {item["id"] for item in doors.client.get(path, headers=bearer(doors.owner_key)).json()["items"]}
        assert strangers != owners


def test_what_is_hidden_leaves_a_page_that_was_asked_before(own: Doors) -> None:
    first = stats(own)[0][0]
    with own.library.database.write() as w:
        w.update("images", first, {"needs_review": "reported"})
        w.note("image", first, "u")
    assert first not in [id for id, _ in stats(own)]
