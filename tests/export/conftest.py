"""A demo library to export from, fresh libraries to import into, and their doors, in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from exporting_home import HOST, Opened
from starlette.testclient import TestClient

import demo_library
from pinako.app import open_library
from pinako.cli.main import run
from pinako.settings import load_settings
from pinako.web.asgi import make_app


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder that all processes of this session see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared"


@pytest.fixture(scope="session")
def read_only_demo(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo library that nobody changes."""
    return demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("exported") / "library")


@pytest.fixture
def own_demo(shared: Path, tmp_path: Path) -> Path:
    """A demo library of this test's own."""
    return demo_library.copy_of(demo_library.pristine(shared), tmp_path / "demo")


@contextmanager
def doors_of(folder: Path, **given: object) -> Iterator[Opened]:
    """A library and a client of its application."""
    settings = load_settings({}, given={"library": str(folder), **given})
    with open_library(settings) as library:
        door = make_app(library)
        try:
            yield Opened(library, TestClient(door, base_url=HOST, raise_server_exceptions=False))
        finally:
            door.close()


@pytest.fixture
def opening() -> Iterator[Callable[..., Opened]]:
    """Opens libraries; closed at the end."""
    with ExitStack() as stack:
        yield lambda folder, **given: stack.enter_context(doors_of(folder, **given))


Verb = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verb(capfd: pytest.CaptureFixture[str]) -> Verb:
    """Runs a command line; its exit code, output and errors."""

    def call(*words: Any) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*map(str, words)])
        told = capfd.readouterr()
        return code, told.out, told.err

    return call
