"""A plain slow twin of the engine: a dictionary of rows, one sort a question. Its answers are right by inspection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pinako.feed.spec import (
    UNRATED_BIT,
    AnyOf,
    Between,
    Change,
    Drop,
    Ids,
    Mark,
    Move,
    NoneOf,
    Put,
    Row,
    Show,
    Sight,
    Spec,
    Term,
)


@dataclass
class Plain:
    """One row, spelled out."""

    id: int
    keys: dict[str, int]
    values: dict[str, set[int]]
    level: int
    room: int


@dataclass
class Twin:
    spec: Spec
    rows: dict[int, Plain] = field(default_factory=dict)

    def apply(self, changes: list[Change]) -> None:
        for change in changes:
            self._file(change)

    def _file(self, change: Change) -> None:
        if isinstance(change, Put):
            self.rows[change.row.id] = self._plain(change.row)
            return
        row = self.rows.get(change.id)
        if row is None:
            return
        if isinstance(change, Drop):
            del self.rows[change.id]
        elif isinstance(change, Move):
            row.keys[change.column] = change.value
        elif isinstance(change, Mark):
            held = row.values[change.field]
            (held.add if change.present else held.discard)(change.value)
        elif isinstance(change, Show):
            self.rows[change.id] = replace(row, level=change.level, room=change.room)

    def _plain(self, row: Row) -> Plain:
        keys = dict(zip(self.spec.columns, row.keys, strict=True))
        values = {name: set(held) for name, held in zip(self.spec.fields, row.values, strict=True)}
        return Plain(row.id, keys, values, row.level, row.room)

    def seen(self, row: Plain, sight: Sight) -> bool:
        bits = row.level or UNRATED_BIT
        if row.room == 0:
            return bool(row.level & sight.mask)
        mine = sight.owner != 0 and sight.owner in row.values[self.spec.owner]
        opened = (*sight.all, *(sight.own if mine else ()))
        return any(room == row.room and bits & mask for room, mask in opened)

    def passes(self, row: Plain, term: Term) -> bool:
        if isinstance(term, AnyOf):
            return any(value in row.values[name] for name, value in term.pairs)
        if isinstance(term, NoneOf):
            spared = any(value in row.values[name] for name, value in term.spare)
            return spared or not any(value in row.values[name] for name, value in term.pairs)
        if isinstance(term, Between):
            key = row.keys[term.column]
            return (term.low is None or key >= term.low) and (term.high is None or key < term.high)
        named = term.ids.values.tolist() if isinstance(term.ids, Ids) else term.ids
        return (row.id in named) == term.inside

    def holding(self, sight: Sight, terms: tuple[Term, ...]) -> list[Plain]:
        return [
            row for row in self.rows.values() if self.seen(row, sight) and all(self.passes(row, term) for term in terms)
        ]

    def place(self, row: Plain, sort: str) -> tuple[int, ...]:
        order = next(known for known in self.spec.sorts if known.name == sort)
        return (*(row.keys[name] * way for name, way in order.by), row.id * order.id_way)

    def ids(self, sight: Sight, terms: tuple[Term, ...], sort: str) -> list[int]:
        rows = sorted(self.holding(sight, terms), key=lambda row: self.place(row, sort))
        return [row.id for row in rows]
