"""An open library with its doors, in process: how these tests ask, as whom, and what they look up to ask about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.testclient import TestClient

from pinako.app import open_library
from pinako.catalog.people import Scope
from pinako.services import access
from pinako.services.library import Library
from pinako.settings import load_settings
from pinako.web.asgi import make_app

HOST = "http://pics.example:8765"


@dataclass
class Doors:
    """A library and a client of its application. `owner_key` is the owner's, with every right."""

    library: Library
    client: TestClient
    owner_key: str = ""
    made: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> Any:
        """One answer to GET."""
        return self.client.get(path, **options)

    def json(
        self, path: str, *, status: int = 200, key: str | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        """The JSON of an answer, which must have this status."""
        answer = self.client.get(path, headers={**bearer(key), **(headers or {})})
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def ids(self, path: str, key: str | None = None) -> list[int]:
        """The ids of one page."""
        return [item["id"] for item in self.json(path, key=key)["items"]]

    def every_id(self, path: str, key: str | None = None, most: int = 1000) -> list[int]:
        """The ids of all pages, following the links."""
        found: list[int] = []
        for _ in range(most):
            body = self.json(path, key=key)
            found += [item["id"] for item in body["items"]]
            path = body["metadata"].get("nextPage", "")
            if not path:
                return found
        raise AssertionError(f"{path}: the pages do not end")

    def call(self, procedure: str, value: Any = None, *, key: str | None = None, status: int = 200) -> Any:
        """What a query procedure answers: `result.data.json`, or `error.json` where another status is expected."""
        body = self.call_whole(procedure, value, key=key, status=status)
        return body["result"]["data"]["json"] if status == 200 else body["error"]["json"]

    def call_whole(self, procedure: str, value: Any = None, *, key: str | None = None, status: int = 200) -> Any:
        """The whole answer of a query procedure."""
        path = f"/api/trpc/{procedure}"
        if value is not None:
            path += f"?input={quote(json.dumps({'json': value}))}"
        return self.json(path, key=key, status=status)

    def every_call(self, procedure: str, value: dict[str, Any], *, key: str | None = None) -> list[Any]:
        """The items of all pages of a list procedure."""
        items: list[Any] = []
        cursor: dict[str, Any] = {}
        for _ in range(1000):
            body = self.call(procedure, {**value, **cursor}, key=key)
            items += body["items"]
            if not body["nextCursor"]:
                return items
            cursor = {"cursor": body["nextCursor"]}
        raise AssertionError(f"{procedure}: the pages do not end")

    def post(self, procedure: str, value: Any, *, key: str | None = None) -> Any:
        """An answer to a procedure asked with POST; `value` is the whole body."""
        return self.client.post(f"/api/trpc/{procedure}", json=value, headers=bearer(key))

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the library's database, to know what to ask for."""
        return [tuple(row) for row in self.library.database.read().rows(statement, values)]

    def one(self, statement: str, *values: Any) -> Any:
        """The first value of the first row, which there must be."""
        rows = self.sql(statement, *values)
        assert rows, statement
        return rows[0][0]

    def key_for(self, name: str, scope: Scope = Scope.WRITE, level: int = 31) -> str:
        """A key of an account of this name, made where it is new."""
        known = f"{name} {scope} {level}"
        if known not in self.made:
            database = self.library.database
            with database.write() as w:
                user = access.find_user(w, name) or access.add_user(w, name, database.now(), max_level=level)
                self.made[known] = access.add_key(w, user.id, "doors", scope, database.now())
        return self.made[known]


def bearer(key: str | None) -> dict[str, str]:
    """The header that carries a key."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


@contextmanager
def opened(folder: Path, owner_key: str = "", **given: object) -> Iterator[Doors]:
    """The doors of the library in this folder, in process. Errors in them are answers, as for any client."""
    settings = load_settings({}, given={"library": str(folder), **given})
    with open_library(settings) as library:
        door = make_app(library)
        try:
            client = TestClient(door, base_url=HOST, raise_server_exceptions=False, follow_redirects=False)
            yield Doors(library, client, owner_key)
        finally:
            door.close()
