"""Demo libraries behind their doors, in process and served. The demo is made once per session (tests/demo_library.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from acting import Actor, actor
from asking import Doors, opened

import demo_library
import postgres_server
import real_server


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder that all processes of this session see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared"


@pytest.fixture(scope="session")
def pristine(shared: Path) -> Path:
    """The demo library that is never opened: copy it."""
    return demo_library.pristine(shared)


@pytest.fixture
def demo_copy(pristine: Path, tmp_path: Path) -> Path:
    """A demo library of this test's own, to write in."""
    return demo_library.copy_of(pristine, tmp_path / "demo")


@pytest.fixture
def open_demo(demo_copy: Path, pristine: Path) -> Iterator[Callable[..., Doors]]:
    """Opens this test's own demo with the settings that it names; closed at the end."""
    key = demo_library.info_of(pristine).owner_key
    with ExitStack() as stack:

        def opener(**given: Any) -> Doors:
            return stack.enter_context(opened(demo_copy, key, **given))

        yield opener


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def doors(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """The doors of a demo library, on each engine in turn. For reading: it is the session's."""
    if request.param == "sqlite":
        original = demo_library.pristine(shared)
        folder = demo_library.copy_of(original, tmp_path_factory.mktemp("demo") / "library")
        with opened(folder, demo_library.info_of(original).owner_key) as found:
            yield found
        return
    lender: postgres_server.Lender = request.getfixturevalue("postgres")
    with demo_library.alone(shared):
        place = shared / "demo-postgres.url"
        if not place.exists():
            place.write_text(postgres_server.address(lender.home, lender.create(postgres_server.TEMPLATE)))
        url = place.read_text()
        folder, info = demo_library.on_postgres(shared, url)
    with opened(folder, info.owner_key, database_url=url) as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """An empty library on each engine in turn, a module's own; each test brings its own things."""
    with ExitStack() as stack:
        given: dict[str, Any] = {}
        if request.param == "postgres":
            lender: postgres_server.Lender = request.getfixturevalue("postgres")
            given["database_url"] = stack.enter_context(lender.lent())
        yield stack.enter_context(opened(tmp_path_factory.mktemp("house") / "library", **given))


@pytest.fixture(scope="session")
def demo(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """The doors of a demo library on SQLite, for tests that one engine is enough for. For reading."""
    original = demo_library.pristine(shared)
    folder = demo_library.copy_of(original, tmp_path_factory.mktemp("demo") / "library")
    with opened(folder, demo_library.info_of(original).owner_key) as found:
        yield found


@pytest.fixture(scope="session")
def server(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[real_server.Server]:
    """`pinako serve` over a demo library, as its own process. For reading."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("served") / "library")
    with real_server.serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def owl(house: Doors) -> Actor:
    """Who makes things."""
    return actor(house, "owl")


@pytest.fixture(scope="module")
def fox(house: Doors) -> Actor:
    """Somebody else."""
    return actor(house, "fox")
