"""Which local row stands for a record of a takeout. The number that it had is used wherever it is free.

Identity is what it is for the mirror: (source host, upstream id) for things that came from elsewhere; for things that a
library made itself, that library's own id and the number there, which `takeout_items` remembers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from pinako.intake.takeout.records import TABLE_OF, Reference
from pinako.services.publish import MAX_ID
from pinako.storage.database import Database
from pinako.storage.scopes import Statements, Write


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What of a record says which thing it is."""

    id: int
    source: str = ""
    source_id: int | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a record became when it was brought in before. `digest` is of its line then."""

    local_id: int
    digest: str


class Ids:
    """Old numbers to local ones. Only those that differ are held: in a fresh library, none."""

    def __init__(self, database: Database, library: str) -> None:
        self._database, self.library = database, library
        self.is_own = database.library.library_id == library
        """Whether the takeout is one of this very library."""
        self._moved: dict[str, dict[int, int]] = defaultdict(dict)
        self._elsewhere: dict[tuple[str, int], int | None] = {}

    def local(self, kind: str, id: int | None) -> int | None:
        """The local id of what a record speaks of; None where that is not here. Ids below 0 are nobody's in particular."""
        if id is None or id < 0:
            return id
        moved = self._moved[kind].get(id)
        if moved is not None:
            return moved
        return self._elsewhere.get((kind, id), id)

    def move(self, kind: str, id: int, local: int) -> None:
        """This number stands for that row."""
        if id != local:
            self._moved[kind][id] = local

    def refer(self, references: Sequence[Reference]) -> None:
        """Things that are spoken of and do not come along: found by where they came from, or by number in their own library."""
        read = self._database.read()
        for one in references:
            found = None
            if one.source and one.source_id is not None:
                sql = f"SELECT id FROM {TABLE_OF[one.kind]} WHERE source = ? AND source_id = ?"
                found = read.value(sql, (one.source, one.source_id))
            if found is None:
                found = self.before(read, one.kind, [one.id]).get(one.id)
                found = found.local_id if found is not None else None
            if found is None and self.is_own:
                found = read.value(f"SELECT id FROM {TABLE_OF[one.kind]} WHERE id = ?", (one.id,))
            self._elsewhere[one.kind, one.id] = None if found is None else int(found)

    def before(self, read: Statements, kind: str, ids: Sequence[int]) -> dict[int, Kept]:
        """What these records became when they were brought in before."""
        sql = "SELECT source_id, local_id, digest FROM takeout_items WHERE library = ? AND entity = ? AND source_id IN (?*)"
        rows = read.by_ids(sql, ids, (self.library, kind))
        return {row[0]: Kept(local_id=row[1], digest=row[2]) for row in rows}

    def remember(self, w: Write, kind: str, id: int, local: int, digest: str) -> None:
        """Note what a record became, in the transaction that keeps it."""
        w.upsert(
            "takeout_items",
            {"library": self.library, "entity": kind, "source_id": id, "local_id": local, "digest": digest},
            key=("library", "entity", "source_id"),
        )

    def place(self, kind: str, batch: Sequence[Named]) -> None:
        """Choose the local id of each of these, before any of them is written, so that all may speak of one another."""
        read, table = self._database.read(), TABLE_OF[kind]
        before = self.before(read, kind, [one.id for one in batch])
        known = self._known_elsewhere(read, table, batch)
        wanted = {one.id for one in batch} | {one.source_id for one in batch if one.source_id is not None}
        taken = {row[0] for row in read.by_ids(f"SELECT id FROM {table} WHERE id IN (?*)", sorted(wanted))}
        homeless: list[int] = []
        for one in batch:
            if one.id in before:
                self.move(kind, one.id, before[one.id].local_id)
            elif (one.source, one.source_id) in known:
                self.move(kind, one.id, known[one.source, one.source_id])
            elif one.id not in taken and 0 < one.id <= MAX_ID:
                taken.add(one.id)
            elif not (self.is_own and one.source_id is None):
                homeless.append(one.id)
        if homeless:
            with self._database.write() as w:
                for id in homeless:
                    self.move(kind, id, w.next_id(table))

    def _known_elsewhere(
        self, read: Statements, table: str, batch: Sequence[Named]
    ) -> Mapping[tuple[str, int | None], int]:
        """Things of other hosts that are here, by identity."""
        by_source: dict[str, list[int]] = defaultdict(list)
        for one in batch:
            if one.source_id is not None:
                by_source[one.source].append(one.source_id)
        found: dict[tuple[str, int | None], int] = {}
        for source, ids in by_source.items():
            sql = f"SELECT source_id, id FROM {table} WHERE source = ? AND source_id IN (?*)"
            found |= {(source, row[0]): row[1] for row in read.by_ids(sql, ids, (source,))}
        return found
