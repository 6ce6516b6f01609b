"""Demo libraries behind the gallery's doors, in process and served to a real browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browsing import chromium, visitor
from curator import WIDE, Opener, Place, prepare, signed_in
from visiting import Visit, opened

import demo_library
import real_server

STREAM = "**/api/events?*"

sys.path.append(str(Path(__file__).parent.parent / "doors"))  # random libraries with marks in everything: worlds.py


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder that all processes of this session see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared"


@pytest.fixture(scope="module")
def visit(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The demo, open to read for a whole module."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("gallery") / "demo")
    with opened(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def place(browser: Any, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One library for the whole module: an owner and "fox" with passwords, and each test writes to pictures of its own."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("curated") / "demo")
    told = prepare(folder)
    with real_server.serving(folder, PINAKO_LOGIN_ATTEMPTS_PER_MINUTE="1000") as server:
        yield msgspec.structs.replace(told, address=server.address)


@pytest.fixture(scope="module")
def logins(browser: Any, place: Place) -> dict[str, Any]:
    """What a browser keeps of a login, by name."""
    return {name: signed_in(browser, place, name) for name in (place.owner, "fox")}


@pytest.fixture
def tab(browser: Any, place: Place, logins: dict[str, Any]) -> Iterator[Opener]:
    """Opens pages, as the owner where nobody else is named; at the end no script may have failed."""
    with ExitStack() as closing:
        troubles: list[str] = []

        def make(
            path: str,
            who: str | None = place.owner,
            viewport: dict[str, int] = WIDE,
            listens: bool = False,
            **given: Any,
        ) -> Any:
            login = logins[who] if who else None
            context = visitor(browser, viewport=viewport, storage_state=login, **given)
            closing.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: troubles.append(f"{path}: {error}"))
            with page.expect_request(STREAM) if listens else nullcontext():
                page.goto(place.address + path)
            return page

        yield make
        assert not troubles
