"""The mirror's journal: targets, marks at which lists go on, and what became of every thing upstream.

A note of a thing is written in the same transaction as its rows, after its bytes: a run that is killed anywhere repeats at
most what it had not noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from pinako.client.hosts import CIVITAI, Target
from pinako.client.pace import Spent
from pinako.intake.mirror.options import Options
from pinako.storage.engine import Value
from pinako.storage.scopes import Statements, Write

DAY = 86_400_000


class State(StrEnum):
    """What became of a thing. All but KEPT and GONE mean that it, or its bytes, are not here."""

    KEPT = "kept"
    GONE = "gone"
    """It was here and is no longer upstream; what is here stays."""
    NEVER = "not found"
    WITHHELD = "withheld"
    EARLY = "early access"
    PRIVATE = "private"
    LOGIN = "needs login"
    TAKEN_DOWN = "taken down"
    DISABLED = "downloads disabled"
    LEFT_OUT = "left out"
    """Larger than was asked for, or thrown away here."""
    DAMAGED = "damaged"
    PARTIAL = "incomplete"
    """It is here, but the host did not give everything that is said of it."""
    FAILED = "failed"


CLOSED = frozenset({State.GONE, State.NEVER, State.EARLY, State.PRIVATE, State.LOGIN, State.TAKEN_DOWN, State.DISABLED})
"""States in which upstream has said no: asked again when it may open, and otherwise rarely."""


FAULTS = frozenset({State.FAILED, State.DAMAGED, State.PARTIAL})
"""States that say nothing about the thing: the next run asks again."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """The journal's line on one thing upstream. `since` is when it came into its state, `checked_at` when it was last
    looked at; `retry_at` when to ask again (None: whenever it is met). Times in milliseconds.
    """

    entity: str
    id: int
    state: State = State.KEPT
    reason: str = ""
    digest: str = ""
    parts: tuple[str, ...] = ()
    since: int = 0
    checked_at: int = 0
    retry_at: int | None = None

    def rests(self, now: int) -> bool:
        """Whether upstream has said no and it is not time to ask again."""
        return self.state in CLOSED and self.retry_at is not None and self.retry_at > now


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A target that was mirrored before, and how."""

    source: str
    target: Target
    options: Options
    begun_at: int
    whole_at: int | None


def key_of(target: Target) -> str:
    """A target as the journal's key: its JSON, always in one order, whatever else its address said."""
    if target.sister:
        target = msgspec.structs.replace(target, origin=CIVITAI)
    if target.id is not None:
        target = msgspec.structs.replace(target, filters={})  # a thing is the same from whichever list one came to it
    return msgspec.json.encode(target, order="deterministic").decode()


# --- targets ------------------------------------------------------------------------------------------------------


def begin(w: Write, source: str, target: Target, options: Options, now: int) -> bool:
    """Open a run over a target; whether it goes on with one that was not finished."""
    key, words = key_of(target), msgspec.json.encode(options, order="deterministic").decode()
    row = w.row("SELECT whole_at, begun_at, options FROM mirror_targets WHERE source = ? AND target = ?", (source, key))
    resumes = row is not None and (row[0] is None or row[0] < row[1]) and row[2] == words
    values: dict[str, Value] = {"source": source, "target": key, "options": words}
    if row is None:
        values["added_at"] = now
    if not resumes:
        values["begun_at"] = now
        w.run("DELETE FROM mirror_marks WHERE source = ? AND target = ?", (source, key))
    if row is None:
        w.insert("mirror_targets", values)
    else:
        sets = ", ".join(f"{name} = ?" for name in values)
        w.run(f"UPDATE mirror_targets SET {sets} WHERE source = ? AND target = ?", (*values.values(), source, key))
    return resumes


def finish(w: Write, source: str, key: str, now: int) -> None:
    """A run over a target is whole."""
    w.run("UPDATE mirror_targets SET whole_at = ? WHERE source = ? AND target = ?", (now, source, key))
    w.run("DELETE FROM mirror_marks WHERE source = ? AND target = ?", (source, key))


def forget_target(w: Write, source: str, key: str) -> None:
    """A target that was never mirrored and cannot be: `--all` need not try it."""
    w.run(
        "DELETE FROM mirror_targets WHERE source = ? AND target = ? AND whole_at IS NULL AND NOT EXISTS (SELECT 1 "
        "FROM mirror_finds f WHERE f.source = mirror_targets.source AND f.target = mirror_targets.target)",
        (source, key),
    )


def targets(read: Statements) -> list[Kept]:
    """Everything that was ever mirrored, the oldest first."""
    rows = read.rows("SELECT source, target, options, begun_at, whole_at FROM mirror_targets ORDER BY added_at, target")
    return [
        Kept(
            source=row[0],
            target=msgspec.json.decode(row[1], type=Target),
            options=msgspec.json.decode(row[2], type=Options),
            begun_at=row[3],
            whole_at=row[4],
        )
        for row in rows
    ]


def begun_at(read: Statements, source: str, key: str) -> int:
    """When the run over a target was opened."""
    return int(read.value("SELECT begun_at FROM mirror_targets WHERE source = ? AND target = ?", (source, key)) or 0)


# --- marks and finds ----------------------------------------------------------------------------------------------


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a list goes on. `mark` is JSON of a client mark; `ended`: every page of it is dealt with."""

    mark: str | None

    @property
    def ended(self) -> bool:
        return self.mark is None


def place_of(read: Statements, source: str, key: str, walk: str) -> Place | None:
    """Where a list of a target goes on; None: at its beginning."""
    row = read.row("SELECT mark FROM mirror_marks WHERE source = ? AND target = ? AND walk = ?", (source, key, walk))
    return None if row is None else Place(mark=row[0])


def keep_place(w: Write, source: str, key: str, walk: str, mark: str | int | None) -> None:
    """The list goes on at this mark; None: it is at its end."""
    text = None if mark is None else msgspec.json.encode(mark).decode()
    row: dict[str, Value] = {"source": source, "target": key, "walk": walk, "mark": text}
    w.upsert("mirror_marks", row, key=("source", "target", "walk"))


def keep_finds(w: Write, source: str, key: str, finds: Iterable[tuple[str, int]], now: int) -> None:
    """These things were named by a list of the target."""
    w.run_many(
        "INSERT INTO mirror_finds (source, target, entity_type, source_id, seen_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (source, target, entity_type, source_id) DO UPDATE SET seen_at = excluded.seen_at",
        [(source, key, entity, id, now) for entity, id in finds],
    )


def unseen(read: Statements, source: str, key: str, since: int) -> list[tuple[str, int]]:
    """What the target's lists named earlier and not any more since then."""
    rows = read.rows(
        "SELECT entity_type, source_id FROM mirror_finds WHERE source = ? AND target = ? AND seen_at < ? "
        "ORDER BY entity_type, source_id",
        (source, key, since),
    )
    return [(row[0], row[1]) for row in rows]


def found_among(read: Statements, source: str, targets: Sequence[str], entity: str, ids: Iterable[int]) -> set[int]:
    """Those of these things that a list of one of the targets has named."""
    sql = "SELECT source_id FROM mirror_finds WHERE source = ? AND target = ? AND entity_type = ? AND source_id IN (?*)"
    wanted = list(ids)
    return {row[0] for target in targets for row in read.by_ids(sql, wanted, (source, target, entity))}


def forget_finds(w: Write, source: str, target: str, entity: str, ids: Sequence[int]) -> None:
    """A target's lists are not to be known to have named these."""
    sql = (
        "DELETE FROM mirror_finds WHERE source = ? AND target = ? AND entity_type = ? AND source_id IN (?*) RETURNING 1"
    )
    w.by_ids(sql, ids, (source, target, entity))


# --- things -------------------------------------------------------------------------------------------------------

_COLUMNS = "source_id, state, reason, digest, parts, since, checked_at, retry_at"


def items(read: Statements, source: str, entity: str, ids: Sequence[int]) -> dict[int, Item]:
    """What the journal says of these things."""
    sql = f"SELECT {_COLUMNS} FROM mirror_items WHERE source = ? AND entity_type = ? AND source_id IN (?*)"
    return {
        row[0]: Item(
            entity=entity,
            id=row[0],
            state=State(row[1]),
            reason=row[2],
            digest=row[3],
            parts=tuple(row[4].split(",")) if row[4] else (),
            since=row[5],
            checked_at=row[6],
            retry_at=row[7],
        )
        for row in read.by_ids(sql, list(ids), (source, entity))
    }


def note(w: Write, source: str, item: Item, now: int) -> None:
    """Write what became of a thing. It keeps the time since when it is in its state."""
    row: dict[str, Value] = {
        "source": source,
        "entity_type": item.entity,
        "source_id": item.id,
        "state": str(item.state),
        "reason": item.reason,
        "digest": item.digest,
        "parts": ",".join(sorted(item.parts)),
        "since": now,
        "checked_at": now,
        "retry_at": item.retry_at,
    }
    sets = (
        "reason = excluded.reason, digest = excluded.digest, parts = excluded.parts, checked_at = excluded.checked_at"
    )
    w.run(
        f"INSERT INTO mirror_items ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
        f"ON CONFLICT (source, entity_type, source_id) DO UPDATE SET {sets}, retry_at = excluded.retry_at, "
        "since = CASE WHEN mirror_items.state = excluded.state THEN mirror_items.since ELSE excluded.since END, "
        "state = excluded.state",
        tuple(row.values()),
    )


def overdue(read: Statements, source: str, begun_at: int, started_at: int) -> list[tuple[str, int]]:
    """What failed in a run before it was interrupted and taken up again."""
    rows = read.rows(
        f"SELECT entity_type, source_id FROM mirror_items WHERE source = ? AND state IN ({', '.join('?' * len(FAULTS))}) "
        "AND checked_at >= ? AND checked_at < ? ORDER BY entity_type, source_id",
        (source, *sorted(FAULTS), begun_at, started_at),
    )
    return [(row[0], row[1]) for row in rows]


# --- budgets ------------------------------------------------------------------------------------------------------


def spent(read: Statements, source: str) -> Spent | None:
    """The requests of the last day on which this host was asked."""
    row = read.row("SELECT day, count FROM mirror_budgets WHERE source = ?", (source,))
    return None if row is None else (date.fromisoformat(row[0]), int(row[1]))


def keep_spent(w: Write, source: str, given: Spent) -> None:
    """Remember a day's number."""
    row: dict[str, Value] = {"source": source, "day": given[0].isoformat(), "count": given[1]}
    w.upsert("mirror_budgets", row, key=("source",))


def counts(read: Statements, source: str | None = None) -> Mapping[tuple[str, str], int]:
    """How many things of each kind are in each state."""
    where, params = ("WHERE source = ? ", (source,)) if source is not None else ("", ())
    rows = read.rows(
        f"SELECT entity_type, state, COUNT(*) FROM mirror_items {where}GROUP BY entity_type, state", params
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}
