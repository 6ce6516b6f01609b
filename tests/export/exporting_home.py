"""Asking the doors of a library in process, and looking at what an export wrote."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from pinako.catalog.people import Scope
from pinako.services import access
from pinako.services.library import Library

HOST = "http://127.0.0.1:8765"


@dataclass
class Opened:
    """An open library and a client of its application."""

    library: Library
    client: TestClient

    def key_of(self, name: str, level: int = 31) -> str:
        """A key of the account of this name, made where it is new."""
        database = self.library.database
        with database.write() as w:
            user = access.find_user(w, name) or access.add_user(w, name, database.now(), max_level=level)
            return access.add_key(w, user.id, "test", Scope.READ, database.now())

    @property
    def owner_name(self) -> str:
        owner = access.owner_of(self.library.database.read())
        assert owner is not None
        return owner.username or ""

    def text(self, path: str, key: str | None = None) -> str:
        """The body of an answer as it is sent."""
        answer = self.client.get(path, headers={"Authorization": f"Bearer {key}"} if key else {})
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.text

    def items(self, path: str, key: str | None = None) -> list[Any]:
        """Every item of a list, following the links."""
        found: list[Any] = []
        for _ in range(1000):
            answer = self.client.get(path, headers={"Authorization": f"Bearer {key}"} if key else {})
            body = answer.json()
            found += body["items"]
            path = body["metadata"].get("nextPage", "")
            if not path:
                return found
        raise AssertionError("the pages do not end")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.library.database.read().rows(sql, values)]


def files_below(folder: Path) -> dict[str, bytes]:
    """Every exported file with its bytes; the mark of the export left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".pinako-export" not in path.parts
    }


def sums_of(library: Path) -> dict[str, str]:
    """The hash of every original, by its name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((library / "media").rglob("*"))
        if path.is_file() and "incoming" not in path.parts
    }
