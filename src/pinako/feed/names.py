"""Names of few things (models, users), folded and in memory: any part of one is found without reading the table.

Beside them the different words of a column that has few, as versions have base models.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache

from pinako.storage import text
from pinako.storage.database import Database

WALK_EVERY_S = 1.0
"""A walk over a million rows is not for every write: so long the words are believed, whatever changed."""


class Names:
    """Folded names by id, read at the first question and again where something changed."""

    def __init__(self, database: Database, table: str, column: str) -> None:
        self._database = database
        self._sql = f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL"
        self._names: dict[int, str] | None = None
        self._stale: set[int] = set()
        self._version = 0
        self._lock = threading.Lock()
        self._found = lru_cache(maxsize=64)(self._find)

    def forget(self, ids: Iterable[int]) -> None:
        """These have changed."""
        with self._lock:
            self._stale.update(ids)
            self._version += 1

    def forget_all(self) -> None:
        """Everything may have changed."""
        with self._lock:
            self._names = None
            self._version += 1

    def all(self) -> dict[int, str]:
        """Every name. Not to be changed."""
        with self._lock:
            if self._names is None:
                self._stale.clear()
                self._names = {id: text.fold(name) for id, name in self._database.read().rows(self._sql)}
            elif self._stale:
                fresh = self._database.read().by_ids(f"{self._sql} AND id IN (?*)", list(self._stale))
                kept = {id: name for id, name in self._names.items() if id not in self._stale}
                self._names = kept | {id: text.fold(name) for id, name in fresh}
                self._stale.clear()
            return self._names

    def holding(self, asked: str) -> tuple[int, ...]:
        """Whose names hold every word of this."""
        return self._found(asked, self._version)

    def _find(self, asked: str, _version: int) -> tuple[int, ...]:
        # What changes meanwhile makes a newer version: what was found is kept under the one that it was begun with.
        words = text.fold(asked).split()
        return tuple(id for id, name in self.all().items() if all(word in name for word in words))


class Words:
    """The different words of a column, read at the first question and again where something changed."""

    def __init__(
        self, database: Database, table: str, column: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._sql = f"SELECT DISTINCT {column} FROM {table}"
        self._clock = clock
        self._words: frozenset[str] | None = None
        self._read_at = 0.0
        self._stale = False

    def forget(self) -> None:
        """Something has changed."""
        self._stale = True

    def all(self) -> frozenset[str]:
        """Every word that is no blank."""
        now = self._clock()
        if self._words is None or (self._stale and now - self._read_at >= WALK_EVERY_S):
            self._stale = False  # before the reading: what changes meanwhile is asked for anew
            self._words = frozenset(row[0] for row in self._database.read().rows(self._sql) if row[0])
            self._read_at = now
        return self._words
