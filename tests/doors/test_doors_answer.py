"""Every endpoint answers, in process and over a socket: the demo library has something behind each."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from asking import Doors

from real_server import Server

LISTS = (
    "/api/v1/creators",
    "/api/v1/tags",
    "/api/v1/models",
    "/api/v1/images",
    "/api/v1/collections",
)


@pytest.mark.parametrize("path", LISTS)
def test_each_list_has_items(doors: Doors, path: str) -> None:
    assert doors.json(path)["items"]


@pytest.mark.parametrize("path", ["/api/health", *LISTS, "/api/v1/enums"])
def test_a_real_server_answers(server: Server, path: str) -> None:
    answer = httpx2.get(server.url(path), timeout=60)
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])


OLDER = (
    ("image_trpc", "/api/trpc/image.getInfinite"),
    ("post_trpc", "/api/trpc/post.getInfinite"),
    ("model_rest", "/api/v1/models"),
    ("model_trpc", "/api/trpc/model.getAll"),
)


@pytest.mark.parametrize(("table", "path"), OLDER)
@pytest.mark.parametrize("body", [b"", b"\x90", b"\x92\xc4\x02{}\x90", b"{}", b"{}\x03\x03\x03\x03\x03"])
def test_fragments_of_another_version_are_made_anew(open_demo: Any, table: str, path: str, body: bytes) -> None:
    doors = open_demo()
    wanted = doors.get(path).json()
    with doors.library.database.write() as w:
        w.run(f"UPDATE {table} SET body = ?", (body,))
    doors.library.feeds.documents.forget_all()
    assert doors.get(path).json() == wanted
