"""Fixtures for pytest: `pytest_plugins = ["pinako.testing.plugin"]` in a `conftest.py` at the root."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pinako.testing.server import TestServer, copy_library, make_library, start_server


@pytest.fixture(scope="session")
def pinako_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded library of 60 images with users, models, collections; made once per session. Copy it, do not open it."""
    folder = tmp_path_factory.mktemp("pinako") / "library"
    make_library(folder)
    return folder


@pytest.fixture
def start_pinako(pinako_library: Path, tmp_path: Path) -> Iterator[Callable[..., TestServer]]:
    """Starts servers over copies of the seeded library, with the settings it is called with; ended after the test."""
    with ExitStack() as stack:

        def start(**settings: object) -> TestServer:
            folder = copy_library(pinako_library, tmp_path / f"pinako-{len(list(tmp_path.glob('pinako-*')))}")
            return stack.enter_context(start_server(folder, **settings))

        yield start


@pytest.fixture
def pinako_server(start_pinako: Callable[..., TestServer]) -> TestServer:
    """A server over a fresh copy of the seeded library, without faults."""
    return start_pinako()
