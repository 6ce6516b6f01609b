"""The index against the database: is what the lists answer from the same as what a fresh build would hold?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from pinako.feed.bits import Longs
from pinako.feed.build import _shelved as shelved
from pinako.feed.build import rebuilt
from pinako.feed.documents import DOORS, TABLE_OF, Door
from pinako.feed.documents import _gather as gather_nouns
from pinako.feed.follow import Follower
from pinako.feed.index import Index
from pinako.feed.postings import Postings
from pinako.feed.sources import build_from
from pinako.storage import changes
from pinako.storage.database import Database
from pinako.storage.scopes import Statements

_BATCH = 500


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the lists would say wrongly, and the rows that it is wrong about (`entity` is the change log's word)."""

    entity: str
    what: str
    ids: tuple[int, ...]

    def text(self, most: int = 5) -> str:
        """The difference as a sentence."""
        shown = ", ".join(str(id) for id in self.ids[:most])
        more = f" and {len(self.ids) - most} more" if len(self.ids) > most else ""
        return f"{self.entity} {self.what}: {shown}{more}"


def check_indexes(follower: Follower) -> Iterator[Difference]:
    """Every difference between the indexes, caught up, and fresh ones built from the same snapshot of the database."""
    for entity, source in follower.sources.items():
        with follower.database.read() as read:
            follower.catch_up()
            place = changes.newest(read)
            fresh, _ = build_from(source, read, follower.database.now(), place)
        yield from compare(entity, follower.indexes[entity], fresh)


def compare(entity: str, held: Index, fresh: Index) -> Iterator[Difference]:
    """What two indexes of one entity say differently."""
    held = rebuilt(held)
    ours, theirs = held.rows.ids[: held.rows.count], fresh.rows.ids[: fresh.rows.count]
    yield from _told(entity, "in no list", np.setdiff1d(theirs, ours))
    yield from _told(entity, "listed without being there", np.setdiff1d(ours, theirs))
    both, mine, other = np.intersect1d(ours, theirs, return_indices=True)
    for name in held.spec.columns:
        wrong = held.rows.columns[name][mine] != fresh.rows.columns[name][other]
        yield from _told(entity, f"with an old {name}", both[wrong])
    for word, left, right in zip(
        ("level", "standing"),
        shelved(held.visibility, held.rows.count),
        shelved(fresh.visibility, fresh.rows.count),
        strict=True,
    ):
        yield from _told(entity, f"with an old {word}", both[left[mine] != right[other]])
    for field in held.spec.fields:
        pairs = _pairs(held.fields[field], ours), _pairs(fresh.fields[field], theirs)
        yield from _told(entity, f"with old values of {field}", _odd_ids(*pairs))


def _told(entity: str, what: str, ids: npt.NDArray[np.integer]) -> Iterator[Difference]:
    if len(ids):
        yield Difference(entity=entity, what=what, ids=tuple(np.unique(ids).tolist()))


def _pairs(postings: Postings, ids: npt.NDArray[np.integer]) -> Longs:
    """(value, id) pairs of one field, as rows of two columns."""
    parts = [np.stack([values, ids[rows].astype(np.int64)], axis=1) for values, rows in postings.pairs() if len(rows)]
    return np.unique(np.concatenate(parts), axis=0) if parts else np.empty((0, 2), np.int64)


def _odd_ids(left: Longs, right: Longs) -> Longs:
    """The ids of the pairs that only one side has."""
    found, counts = np.unique(np.concatenate([left, right]), axis=0, return_counts=True)
    return np.asarray(found[counts == 1][:, 1], np.int64)


def check_documents(database: Database) -> Iterator[Difference]:
    """Stored fragments that are not what their rows would make today, and fragments of rows that are gone."""
    for door in DOORS.values():
        for rows in database.read().stream(f"SELECT id FROM {TABLE_OF[door.entity]} ORDER BY id", size=_BATCH):
            old = old_documents(database, door, [row[0] for row in rows])
            if old:
                yield Difference(entity=door.entity, what=f"with an old document in {door.table}", ids=tuple(old))
        strays = (
            f"SELECT d.id FROM {door.table} d LEFT JOIN {TABLE_OF[door.entity]} e ON e.id = d.id WHERE e.id IS NULL"
        )
        lost = tuple(row[0] for row in database.read().rows(strays))
        if lost:
            yield Difference(entity=door.entity, what=f"gone, with a document left in {door.table}", ids=lost)


def old_documents(database: Database, door: Door, ids: Sequence[int]) -> list[int]:
    """Those of these things whose stored fragment is not what their rows would make today."""
    with database.read() as read:
        rows = read.by_ids(f"SELECT {door.columns} FROM {door.table} WHERE id IN (?*)", ids)
        stored = {id: (bytes(body), *counts) for id, body, *counts in rows}
        nouns = _nouns(read, door, list(stored), database.now())
    made = {id: (door.write(noun), *door.counted(noun)) for id, noun in nouns.items()}
    return [id for id, held in stored.items() if made.get(id) != held]


def _nouns(read: Statements, door: Door, ids: Sequence[int], now: int) -> dict[int, object]:
    return dict(gather_nouns(read, door.entity, ids, now))
