"""Every endpoint answers, in process and over a socket: the demo library has something behind each."""

from __future__ import annotations

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
    answer = httpx2.get(server.url(path), timeout=10)
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])
