"""A takeout brought in: the same records under the same numbers where those are free, each once, however often it comes.

First every record's local id is chosen, then records are kept kind by kind in short transactions, bytes before the rows
that name them. A run that was killed goes on with the next one, because each record is noted in the transaction that keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import msgspec

from pinako.errors import Conflict, UnreadableFile
from pinako.intake.guard import attempt
from pinako.intake.takeout.ids import Ids, Named
from pinako.intake.takeout.keep import Keeper, Stored
from pinako.intake.takeout.lines import read_lines, sum_of
from pinako.intake.takeout.people import keep_person, place_people
from pinako.intake.takeout.records import (
    HEAD,
    RECORDS,
    TABLE_OF,
    VERSION,
    Columns,
    Head,
    Person,
    Reference,
)
from pinako.intake.takeout.report import TakeoutReport
from pinako.media.store import MediaStore
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database

T = TypeVar("T")
Line = tuple[Any, bytes]

BATCH = 100
"""Records of one transaction: a running server's writes wait no longer than these take."""
PLACED_AT_ONCE = 1_000

NOUNS = {
    "tags": "tag", "models": "model", "versions": "version", "files": "file", "posts": "post", "images": "image",
    "collections": "collection",
}  # fmt: skip
"""Files of records that are things with numbers of their own, and the member that holds the thing."""
ORDER = ("tags", "models", "versions", "files", "collections", "posts", "images", "items", "reactions", "engagements",
         "received")  # fmt: skip


class Way(Enum):
    """How a record is written: as a new one, over what it was, or only the bytes that its row here has lost."""

    NEW = "new"
    AGAIN = "again"
    BYTES = "bytes"


class _Thing(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of whichever thing a line holds."""

    tag: Columns | None = None
    model: Columns | None = None
    version: Columns | None = None
    file: Columns | None = None
    post: Columns | None = None
    image: Columns | None = None
    collection: Columns | None = None


class Bringing:
    """One takeout into one library. `watcher` is called after each batch, for the display."""

    def __init__(
        self,
        database: Database,
        store: MediaStore,
        folder: Path,
        *,
        whose: int | None = None,
        watcher: Callable[[Bringing], None] | None = None,
    ) -> None:
        self._database, self._store, self._folder, self._whose = database, store, folder, whose
        self._watcher = watcher or (lambda run: None)
        self.report = TakeoutReport(folder)
        self.stopping = Event()
        # A sweep of another process must see that somebody writes.
        with store.writer():
            pass

    def stop(self) -> None:
        """End the run after the batch that is under way."""
        self.report.interrupted = True
        self.stopping.set()

    def bring(self) -> TakeoutReport:
        """Everything. UnreadableFile or Conflict for a takeout that is not whole, before anything is written."""
        head = self._checked_head()
        ids = Ids(self._database, head.library)
        self._place(ids)
        self._keep_people(ids)
        keeper = Keeper(self._database, self._store, self._folder, ids, self.report)
        for name in ORDER:
            for batch in _batches(read_lines(self._path(name), RECORDS[name]), BATCH):
                if self.stopping.is_set():
                    return self.report
                self._keep(keeper, ids, name, batch)
                self._watcher(self)
        return self.report

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    def _checked_head(self) -> Head:
        try:
            head = msgspec.json.decode((self._folder / HEAD).read_bytes(), type=Head)
        except (OSError, msgspec.MsgspecError) as error:
            raise UnreadableFile(f"{HEAD}: {str(error)[:200]}") from error
        if head.version > VERSION:
            raise Conflict(f"{self._folder} was made by a newer Pinako (form {head.version}, this one reads {VERSION})")
        for name in RECORDS:
            found = head.files.get(name)
            if found is None or sum_of(self._path(name)) != found.sha256:
                raise UnreadableFile(f"{name}.jsonl is not what {HEAD} says: export again, the takeout is not whole")
            self.report.found += found.rows
        return head

    # local ids

    def _place(self, ids: Ids) -> None:
        references = [one for one, _ in read_lines(self._path("references"), Reference)]
        ids.refer(references)
        self.report.done += len(references)
        people = list(read_lines(self._path("people"), Person))
        place_people(self._database, ids, people, self._whose)
        for name, member in NOUNS.items():
            if name == "tags":
                continue  # a tag is its name
            for batch in _batches(read_lines(self._path(name), _Thing), PLACED_AT_ONCE):
                ids.place(member, [_named(getattr(thing, member)) for thing, _ in batch])

    def _keep_people(self, ids: Ids) -> None:
        for batch in _batches(read_lines(self._path("people"), Person), BATCH):
            with self._database.write() as w:
                touched = Touched()
                for person, line in batch:
                    written = keep_person(w, touched, ids, person, _digest(line))
                    self.report.count(self.report.made if written else self.report.already, "people")
                settle(w, touched, self._database.now())
            self.report.done += len(batch)

    # records

    def _keep(self, keeper: Keeper, ids: Ids, name: str, batch: Sequence[Line]) -> None:
        """One batch: what is here already is left alone, the bytes of the rest are stored, then its rows are written."""
        fresh = [(each, self._stored(keeper, name, each[0])) for each in self._fresh(keeper, ids, name, batch)]
        now = self._database.now()
        if fresh:
            with self._database.write() as w:
                touched = Touched()
                for (record, line, way), stored in fresh:
                    if stored is not None:
                        self._keep_one(keeper, w, touched, name, record, line, stored, way=way, now=now)
                settle(w, touched, now)
        self.report.done += len(batch)

    def _stored(self, keeper: Keeper, name: str, record: Any) -> Stored | None:
        """The bytes of a record in the store; None for a record that cannot be read."""
        stored, error = attempt(lambda: keeper.store(name, record))
        if error:
            self.report.refuse(f"{name} {_number(name, record)}", error)
        return stored

    def _fresh(self, keeper: Keeper, ids: Ids, name: str, batch: Sequence[Line]) -> list[tuple[Any, bytes, Way]]:
        """What of a batch must be written, and which way."""
        if name not in NOUNS or name == "tags":
            return [(record, line, Way.NEW) for record, line in batch]
        member = NOUNS[name]
        read = self._database.read()
        numbers = [getattr(record, member)["id"] for record, _ in batch]
        before = ids.before(read, member, numbers)
        here = keeper.standing(read, TABLE_OF[member], [ids.local(member, number) for number in numbers])
        fresh = []
        for (record, line), number in zip(batch, numbers, strict=True):
            old, row = before.get(number), here.get(ids.local(member, number) or 0)
            if row is None:
                fresh.append((record, line, Way.NEW))
            elif row.trashed:
                self.report.trashed += 1
            elif row.bare and _has_bytes(record, member):
                fresh.append((record, line, Way.BYTES))
            elif (
                old is None
                or old.digest == _digest(line)
                or row.updated_at > (getattr(record, member).get("updated_at") or 0)
            ):
                self.report.count(self.report.already, name)
            else:
                fresh.append((record, line, Way.AGAIN))
        return fresh

    def _keep_one(
        self,
        keeper: Keeper,
        w: Any,
        touched: Touched,
        name: str,
        record: Any,
        line: bytes,
        stored: Stored,
        *,
        way: Way,
        now: int,
    ) -> None:
        """One record; what is wrong with it is its own trouble."""

        def keep() -> bool:
            with w.attempt():
                if way is Way.BYTES:
                    return keeper.refill(w, touched, name, record, stored, now)
                return keeper.keep(w, touched, name, record, stored, _digest(line), now)

        written, error = attempt(keep)
        if error:
            self.report.refuse(f"{name} {_number(name, record)}", error)
        elif written:
            self.report.count(self.report.made if way is Way.NEW else self.report.changed, name)
        else:
            self.report.count(self.report.already, name)


def _named(columns: Columns) -> Named:
    return msgspec.convert(
        {name: columns[name] for name in ("id", "source", "source_id") if columns.get(name) is not None}, Named
    )


def _number(name: str, record: Any) -> object:
    thing = getattr(record, NOUNS.get(name, ""), None)
    return thing.get("id", "") if isinstance(thing, dict) else getattr(record, "id", "")


def _has_bytes(record: Any, member: str) -> bool:
    return getattr(record, "owned", True) and getattr(record, member).get("blob") is not None


def _digest(line: bytes) -> str:
    return hashlib.blake2b(line, digest_size=16).hexdigest()


def _batches(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(rows, size)):
        yield batch
