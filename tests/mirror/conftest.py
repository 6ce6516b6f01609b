"""Fixtures of the mirror's tests: a real server to mirror from, and libraries to mirror into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mirroring import Changing, Home, Host

import demo_library
import real_server


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder that all processes of this session see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared"


@pytest.fixture(scope="session")
def upstream(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A real Pinako over a demo library, as its own process. For reading."""
    pristine = demo_library.pristine(shared)
    folder = demo_library.copy_of(pristine, tmp_path_factory.mktemp("upstream") / "library")
    with real_server.serving(folder) as running:
        yield Host(running.address, demo_library.info_of(pristine).owner_key)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A library of this test's own to mirror into."""
    return Home(tmp_path / "mirrored")


@pytest.fixture
def changing(shared: Path, tmp_path: Path) -> Iterator[Changing]:
    pristine = demo_library.pristine(shared)
    folder = demo_library.copy_of(pristine, tmp_path / "upstream")
    with real_server.serving(folder) as running:
        yield Changing(folder, Host(running.address, demo_library.info_of(pristine).owner_key))
