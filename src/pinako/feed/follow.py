"""Keeps every entity's index right: loads or builds it, follows the change log, saves it.

The process that writes catches up in the writing thread before the write returns; the others poll the log's newest number.
Rows that time alone changes (a scheduled post) are filed again when they are due.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from pinako.catalog.visibility import Standing
from pinako.errors import StorageError
from pinako.feed import snapshot
from pinako.feed.build import rebuilt
from pinako.feed.index import Index
from pinako.feed.sources import Due, Source, build_from, changes_of, counters_of, due_after
from pinako.storage import changes
from pinako.storage.changes import Place
from pinako.storage.database import Database
from pinako.storage.scopes import Statements

COUNTERS = "k"
"""The change log's word for counters that moved alone."""
LOOK_MS = 40
_BATCH = 500
_DEAD_SHARE = 0.25
_DEAD_FLOOR = 10_000

Listener = Callable[[str, Sequence[int]], None]


class Follower:
    """The indexes of one process. `listeners` hear entity and ids once they are filed; no ids: everything."""

    def __init__(self, database: Database, sources: Iterable[Source], folder: Path | None) -> None:
        self.database = database
        self.sources = {source.entity: source for source in sources}
        self.folder = folder
        self.indexes: dict[str, Index] = {}
        self.place = Place()
        self.listeners: list[Listener] = []
        self._due: list[tuple[int, str, int]] = []
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Load or build everything, then follow this process's own writes."""
        with self._turn:
            if not self._load():
                self._build()
        self.catch_up()
        self.database.listen(self.catch_up)

    def start(self, look_ms: int = LOOK_MS) -> None:
        """Follow other processes' writes too, looking every so often, in a thread of its own. After a fork, never before."""
        self._thread = threading.Thread(target=self._poll, args=(look_ms / 1000,), name="feed-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following. Nothing is saved."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _poll(self, pause: float) -> None:
        while not self._stop.wait(pause):
            with suppress(StorageError):  # a busy or closing database: the next round, or the end
                self.catch_up()

    def catch_up(self) -> None:
        """File everything that was written since; at a gap in the log, build anew. Cheap when there is nothing."""
        with self._turn, self.database.read() as read:
            while True:
                notes = changes.since(read, self.place.seq)
                if notes is None or not changes.holds(read, self.place):
                    self._build()
                    return
                if not notes:
                    break
                self._file(read, notes)
                self.place = Place(seq=notes[-1].seq, at=notes[-1].at)
                for index in self.indexes.values():
                    index.log = (self.place.seq, self.place.at)
            self._file_due(read)

    def _file(self, read: Statements, notes: Sequence[changes.Change]) -> None:
        now = self.database.now()
        for entity, source in self.sources.items():
            whole = dict.fromkeys(note.id for note in notes if note.entity == entity and note.what != COUNTERS)
            moved = dict.fromkeys(note.id for note in notes if note.entity == entity and note.what == COUNTERS)
            self._refile(read, source, list(whole), now)
            for run in _runs([id for id in moved if id not in whole]):
                self.indexes[entity].apply(counters_of(source, read, run, now))
            touched = [*whole, *(id for id in moved if id not in whole)]
            if touched:
                self._tell(entity, touched)
        for entity in {note.entity for note in notes} - self.sources.keys():
            self._tell(entity, [note.id for note in notes if note.entity == entity])

    def _tell(self, entity: str, ids: Sequence[int]) -> None:
        for listener in tuple(self.listeners):
            listener(entity, ids)

    def _refile(self, read: Statements, source: Source, ids: Sequence[int], now: int) -> None:
        for run in _runs(ids):
            filed, due = changes_of(source, read, run, now)
            self.indexes[source.entity].apply(filed)
            self._remember(source.entity, due)

    def _remember(self, entity: str, due: Due) -> None:
        for id, at in due.items():
            heapq.heappush(self._due, (at, entity, id))

    def _file_due(self, read: Statements) -> None:
        now = self.database.now()
        ripe: dict[str, list[int]] = {}
        while self._due and self._due[0][0] <= now:
            _, entity, id = heapq.heappop(self._due)
            ripe.setdefault(entity, []).append(id)
        for entity, ids in ripe.items():
            self._refile(read, self.sources[entity], ids, now)
            self._tell(entity, ids)

    # Whole indexes

    def rebuild(self) -> None:
        """Build everything anew from the database."""
        with self._turn:
            self._build()

    def _build(self) -> None:
        with self.database.read() as read:
            now = self.database.now()
            self.place = changes.newest(read)
            self._due = []
            for entity, source in self.sources.items():
                self.indexes[entity], due = build_from(source, read, now, self.place)
                self._remember(entity, due)
        self._tell("", ())

    def save(self) -> None:
        """Write every index beside the database, compacted first where many rows are dead. Raises OSError."""
        if self.folder is None:
            return
        with self._turn:
            self.folder.mkdir(parents=True, exist_ok=True)
            for entity, index in self.indexes.items():
                if index.dead > max(_DEAD_FLOOR, _DEAD_SHARE * index.rows.count):
                    self.indexes[entity] = index = rebuilt(index)
                snapshot.save(index, self._path(entity), self.database.library.library_id)

    def _load(self) -> bool:
        if self.folder is None:
            return False
        library = self.database.library.library_id
        try:
            loaded = {
                entity: snapshot.load(source.spec, self._path(entity), library)
                for entity, source in self.sources.items()
            }
        except snapshot.Unusable:
            return False
        return self._adopt(loaded)

    def _adopt(self, loaded: dict[str, Index]) -> bool:
        """Take the loaded indexes, if they stand at one place and the change log still goes on from it."""
        (place, *others) = {Place(seq=index.log[0], at=index.log[1]) for index in loaded.values()}
        if others or not changes.holds(self.database.read(), place):
            return False
        self.indexes, self.place = loaded, place
        for entity, index in loaded.items():
            self._remember(entity, due_after(index, int(Standing.DRAFT), place.at))
        return True

    def _path(self, entity: str) -> Path:
        return (self.folder or Path()) / f"{entity}.feed"


def _runs(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[at : at + _BATCH] for at in range(0, len(ids), _BATCH))
