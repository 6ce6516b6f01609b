"""A library to import into, and folders of real files to import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pinako.app import open_catalogue
from pinako.intake.folder import Options, Run
from pinako.intake.report import Report
from pinako.media.store import MediaStore, open_store
from pinako.services import access
from pinako.settings import Settings
from pinako.storage.database import Database


@dataclass
class Home:
    """An open library, and imports into it with one worker."""

    settings: Settings
    database: Database
    store: MediaStore
    reports: list[Report] = field(default_factory=list)

    @property
    def owner_id(self) -> int:
        owner = access.owner_of(self.database.read())
        assert owner is not None
        return owner.id

    def bring(self, *paths: Path, **options: Any) -> Report:
        """One import; its report."""
        values = {"user_id": self.owner_id, "processes": 1} | options
        run = Run(self.settings, self.database, self.store, Options(**values))
        try:
            report = run.bring(paths)
        finally:
            run.close()
        self.reports.append(report)
        return report

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.database.read().rows(sql, params)]

    def value(self, sql: str, *params: Any) -> Any:
        return self.database.read().value(sql, params)


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Iterator[Home]:
    """A library on each engine in turn."""
    yield from opened(tmp_path / "library", database_url)


@pytest.fixture
def sqlite_home(tmp_path: Path) -> Iterator[Home]:
    """A library on SQLite alone, for what no engine decides."""
    yield from opened(tmp_path / "library", "")


def opened(folder: Path, database_url: str) -> Iterator[Home]:
    """Open a library in this folder."""
    settings = Settings(library=str(folder), database_url=database_url)
    database = open_catalogue(settings)
    store = open_store(settings.media_address)
    try:
        yield Home(settings, database, store)
    finally:
        store.close()
        database.close()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """An empty folder to fill."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    return folder
