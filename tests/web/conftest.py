"""A library on disk and its doors, in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pinako.app import open_library
from pinako.services.library import Library
from pinako.settings import load_settings
from pinako.web.asgi import make_app

Opened = Callable[..., Library]


@pytest.fixture
def open_with(tmp_path: Path, clock: Any, database_url: str) -> Iterator[Opened]:
    """Opens this test's library with the settings it names, on each engine in turn; closed at the test's end."""
    with ExitStack() as stack:

        def opener(**given: object) -> Library:
            place = {"library": str(tmp_path / "library"), "database_url": database_url}
            settings = load_settings({}, given={**place, **given})
            return stack.enter_context(open_library(settings, clock=clock))

        yield opener


@pytest.fixture
def library(open_with: Opened) -> Library:
    """A fresh library with default settings."""
    return open_with()


@pytest.fixture
def client_of() -> Iterator[Callable[[Library], TestClient]]:
    """Doors of a library, in process. Errors in them are answers, as for any client."""
    doors = []

    def make(library: Library) -> TestClient:
        doors.append(make_app(library))
        return TestClient(
            doors[-1], base_url="http://pics.example:8765", raise_server_exceptions=False, follow_redirects=False
        )

    yield make
    for door in doors:
        door.close()


@pytest.fixture
def client(library: Library, client_of: Callable[[Library], TestClient]) -> TestClient:
    """The doors of the fresh library."""
    return client_of(library)
