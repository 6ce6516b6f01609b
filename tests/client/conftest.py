"""Fixtures of the client's tests: a scripted host, and clients that never really wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import demo_library
import real_server
from pinako.client import Client, Retries
from scripted_upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as host:
        yield host


@pytest.fixture
def waits() -> list[float]:
    """The seconds for which the client wanted to sleep."""
    return []


@pytest.fixture
def open_client(upstream: Upstream, waits: list[float]) -> Iterator[Callable[..., Client]]:
    """Opens clients of the scripted host: sleeping is written down and skipped, chance always draws the longest delay."""
    opened: list[Client] = []

    def make(base_url: str | None = None, **options: Any) -> Client:
        given = {"retries": Retries(attempts=4), "sleep": waits.append, "draw": lambda: 1.0, **options}
        opened.append(Client(base_url or upstream.url, **given))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(open_client: Callable[..., Client]) -> Client:
    return open_client()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[tuple[str, str]]:
    """A real Pinako over a demo library, as its own process: its address and its owner's key. For reading."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared"
    pristine = demo_library.pristine(shared)
    folder = demo_library.copy_of(pristine, tmp_path_factory.mktemp("asked") / "library")
    with real_server.serving(folder) as running:
        yield running.address, demo_library.info_of(pristine).owner_key
