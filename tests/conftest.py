"""What every test may ask for: a clock that stands still, and libraries on SQLite and on PostgreSQL 18.

A test that takes `database` (open) or `database_url` (a fresh library's address) runs once on each engine; `new_database_url()`
gives more of the same engine, `empty_database_url` one without a library in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import postgres_server
from pinako.storage.database import Database
from pinako.storage.opening import open_database
from pinako.storage.sqlite import sqlite_url

ENGINES = ("sqlite", "postgres")
SLOW_LIMIT_S = 1800
CORPUS = Path(os.environ.get("TESTS_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
"""Real files of real generators. They are nobody's to pass on and no part of the checkout, so nothing can install them."""
collect_ignore = [] if CORPUS.is_dir() else ["metadata/test_corpus.py"]

# A property holds or it does not; how long a busy machine takes to see it is no part of it.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        """Let time pass: `advance(days=2)`."""
        self.now += timedelta(**parts)


def pytest_report_header() -> str:
    """Whether the corpus is read too."""
    return (
        f"corpus of real files: {CORPUS}" if CORPUS.is_dir() else f"no corpus of real files at {CORPUS} (TESTS_CORPUS)"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes takes many on a busy machine: it is called hanging later than the rest."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(SLOW_LIMIT_S))


def pytest_configure(config: pytest.Config) -> None:
    """The session's process makes the PostgreSQL folder; worker processes are told where it is."""
    given = getattr(config, "workerinput", None)
    home = Path(given["postgres_home"]) if given else postgres_server.make_home()
    config.stash[POSTGRES_HOME] = home


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process a core for the whole suite; one for what is named, where starting more takes longer than it saves."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else os.cpu_count() or 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker process of pytest-xdist where the PostgreSQL folder is."""
    node.workerinput["postgres_home"] = str(node.config.stash[POSTGRES_HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that made the folder ends the server."""
    home = config.stash.get(POSTGRES_HOME, None)
    if home is not None and not hasattr(config, "workerinput"):
        postgres_server.stop(home)


POSTGRES_HOME = pytest.StashKey[Path]()


@pytest.fixture
def clock() -> Clock:
    """Noon of 1 March 2026 until it is advanced."""
    return Clock()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> postgres_server.Lender:
    """Databases on the session's PostgreSQL server."""
    reason = postgres_server.missing()
    if reason:
        if os.environ.get("TESTS_NEVER_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return postgres_server.Lender(pytestconfig.stash[POSTGRES_HOME])


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Which engine this run of the test is about."""
    name: str = request.param
    return name


@pytest.fixture
def new_database_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes addresses of fresh libraries on this run's engine, as many as a test wants."""
    lent: list[str] = []

    def new_sqlite() -> str:
        lent.append("")
        return sqlite_url(tmp_path / f"library-{len(lent)}" / "library.db")

    if engine_name == "sqlite":
        yield new_sqlite
        return
    lender: postgres_server.Lender = request.getfixturevalue("postgres")

    def new_postgres() -> str:
        lent.append(lender.lend())
        return postgres_server.address(lender.home, lent[-1])

    yield new_postgres
    for name in lent:
        lender.take_back(name)


@pytest.fixture
def database_url(new_database_url: Callable[[], str]) -> str:
    """The address of a fresh library, on each engine in turn."""
    return new_database_url()


@pytest.fixture
def database(database_url: str, clock: Clock) -> Iterator[Database]:
    """A fresh library, open, on each engine in turn."""
    with open_database(database_url, clock=clock) as opened:
        yield opened


@pytest.fixture
def empty_database_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database without a library: SQLite's file does not exist yet."""
    if engine_name == "sqlite":
        yield sqlite_url(tmp_path / "empty" / "library.db")
        return
    lender: postgres_server.Lender = request.getfixturevalue("postgres")
    name = lender.create()
    yield postgres_server.address(lender.home, name)
    lender.drop(name)
