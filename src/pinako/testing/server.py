"""The server of `pinako.testing`: a real one on a real socket, in a thread of the test's own process."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from pinako.app import open_library
from pinako.errors import Unavailable
from pinako.intake.demo import DemoInfo, ensure_demo
from pinako.services.library import Library
from pinako.settings import load_settings
from pinako.testing.clock import MovableClock
from pinako.testing.faults import Faults, with_faults
from pinako.web.asgi import make_app
from pinako.web.protocol import BoundedProtocol
from pinako.web.serving import address_of, bind

_STARTING_S = 30.0
_ENDING_S = 5


class TestServer:
    """A running server: its address, its owner's key, its switches, and the library itself for looking inside."""

    __test__ = False  # pytest: not a class of tests

    def __init__(self, url: str, owner_key: str, faults: Faults, clock: MovableClock, library: Library) -> None:
        self.url = url
        self.owner_key = owner_key
        self.faults = faults
        self.clock = clock
        self.library = library


def make_library(folder: Path, *, images: int = 60, seed: int = 1) -> DemoInfo:
    """A demo library in a folder, made once: real pictures and model files, the same for the same seed. Takes seconds."""
    return ensure_demo(folder, images=images, seed=seed)


def copy_library(library: Path, to: Path) -> Path:
    """A copy to write in, quickly: the database copied, originals linked. Nobody may have the first one open."""
    shutil.copytree(library, to, copy_function=_link)
    for database in to.glob("library.db*"):
        own = database.with_name(f"{database.name}.own")
        shutil.copy2(library / database.name, own)
        own.replace(database)
    return to


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
    return target


@contextmanager
def start_server(library: Path, **settings: object) -> Iterator[TestServer]:
    """Serve a library made by `make_library` on a free port of this machine, for as long as the block lasts.

    `settings` are those of `pinako serve` by name: `public_level=31`, `rate_limit_per_minute=60`, … Raises Unavailable
    where the server does not come up, and the errors of opening a library.
    """
    clock, faults = MovableClock(), Faults()
    info = ensure_demo(library)
    given = load_settings({}, given={"library": str(library), **settings})
    with open_library(given, clock=clock) as opened:
        door = make_app(opened, clock=clock.seconds)
        try:
            with _serving(door, faults) as url:
                yield TestServer(url, info.owner_key, faults, clock, opened)
        finally:
            door.close()


@contextmanager
def _serving(door: object, faults: Faults) -> Iterator[str]:
    bound = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        with_faults(door, faults),  # type: ignore[arg-type]
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_ENDING_S,
    )
    server = _Announced(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="pinako-test-server", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(_STARTING_S):
            raise Unavailable("The test server did not come up.")
        yield address_of(bound, "127.0.0.1")
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


class _Announced(uvicorn.Server):
    """uvicorn's server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: object = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)  # type: ignore[arg-type]
        self.ready.set()
