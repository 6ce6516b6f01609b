"""A library with its doors in process, and a visitor who asks for pages as a browser does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from pinako.app import open_library
from pinako.services import access
from pinako.services.library import Library
from pinako.settings import load_settings
from pinako.web.asgi import make_app

HOST = "http://pics.example:8765"


@dataclass(frozen=True)
class Visit:
    """A library and a browser before its doors; `session` is a cookie's value of the owner."""

    library: Library
    client: TestClient
    session: str

    def get(self, path: str, *, owner: bool = False, cookies: str = "", **headers: str) -> Any:
        """A page, as a browser asks for it."""
        shown = "; ".join(filter(None, (f"civ-token={self.session}" if owner else "", cookies)))
        given = {"accept": "text/html", **headers} | ({"cookie": shown} if shown else {})
        return self.client.get(path, headers=given)


@contextmanager
def opened(folder: Path, **given: object) -> Iterator[Visit]:
    """The doors of the library in this folder, and a session of its owner."""
    with open_library(load_settings({}, given={"library": str(folder), **given})) as library:
        owner = access.owner_of(library.database.read())
        assert owner is not None
        with library.database.write() as w:
            session = access.open_session(w, owner.id, library.now(), 30)
        door = make_app(library)
        try:
            yield Visit(library, TestClient(door, base_url=HOST, follow_redirects=False), session)
        finally:
            door.close()
