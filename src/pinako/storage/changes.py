"""Reading the change log: what every write noted, in the order of the commits (engine.md 2.7).

Numbers are dense and grow by one for each note, so a follower that stands at number n wants n + 1 next; when that is gone
(trimmed, or the database was restored from an older copy) it has missed something and builds anew.

    place = changes.newest(database.read())              # before building
    ...
    news = changes.since(database.read(), place.seq)     # None: a gap, build anew
"""

from __future__ import annotations

import msgspec

from pinako.storage.scopes import Statements, Write


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One note. `at` in milliseconds; `entity` and `what` are the writer's words."""

    seq: int
    entity: str
    id: int
    what: str
    at: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a follower stands. The time goes along to tell one history from another of the same length."""

    seq: int = 0
    at: int = 0


def newest(read: Statements) -> Place:
    """The last note's place; Place() when nothing was ever noted. Microseconds: this is what followers poll."""
    row = read.row("SELECT seq, at FROM changes ORDER BY seq DESC LIMIT 1")
    return Place(seq=row[0], at=row[1]) if row else Place()


def since(read: Statements, seq: int, *, limit: int = 10_000) -> list[Change] | None:
    """The notes after number `seq`, oldest first, at most `limit`; None when some of them are gone."""
    rows = read.rows("SELECT seq, entity, id, what, at FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    if rows and rows[0][0] != seq + 1:
        return None
    if not rows and newest(read).seq < seq:
        return None
    return [Change(seq=seq, entity=entity, id=id, what=what, at=at) for seq, entity, id, what, at in rows]


def holds(read: Statements, place: Place) -> bool:
    """Whether this history still has this place: a snapshot saved there can catch up from it.

    False after trimming beyond it, and for a database that was restored from a copy and has gone another way since.
    """
    if place == Place():
        return read.value("SELECT min(seq) FROM changes") in (None, 1)
    return read.row("SELECT at FROM changes WHERE seq = ?", (place.seq,)) == (place.at,)


def trim(write: Write, *, keep: int) -> int:
    """Forget all but the newest `keep` notes (the newest always stays: numbers go on from it); how many went."""
    return write.run("DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - ?", (max(keep, 1),))
