"""What the follower needs to know of an entity's tables, and how rows get from there into an index, all or some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from pinako.feed.build import Builder
from pinako.feed.index import Index
from pinako.feed.spec import Change, Drop, Move, Put, Row, Spec
from pinako.storage.changes import Place
from pinako.storage.scopes import Statements


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """One table row as the index wants it, before the values that lie in other tables are added.

    `due`: when it must be filed again, because time alone will change it (milliseconds).
    """

    id: int
    keys: tuple[int, ...]
    level: int
    room: int
    singles: dict[str, tuple[int, ...]]
    due: int | None = None


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """Where a field's values lie: a statement of (row id, value), the column of the row id, and how to read a value
    that is not a number yet."""

    sql: str
    column: str
    decode: Callable[[Any], Sequence[int]] | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One entity's tables. Every statement ends where ` AND column IN (?*)` may follow.

    `entity` is the word of the change log; the spec's first column is a time; `file` answers None for a row that nobody
    may meet at `now` (milliseconds).
    """

    entity: str
    spec: Spec
    rows_sql: str
    id_column: str
    pairs: dict[str, Pairs]
    file: Callable[[Sequence[Any], int], Filed | None]


Due = dict[int, int]
"""Row id -> when it must be filed again."""


def build_from(source: Source, read: Statements, now: int, log: Place) -> tuple[Index, Due]:
    """The whole entity, and when which rows are due."""
    builder = Builder(source.spec)
    due: Due = {}
    singles = [name for name in source.spec.fields if name not in source.pairs]
    for rows in read.stream(source.rows_sql):
        filed = _filed(source, rows, now)
        due |= _due(filed)
        builder.add_rows(
            [item.id for item in filed],
            [[item.keys[at] for item in filed] for at in range(len(source.spec.columns))],
            [item.level for item in filed],
            [item.room for item in filed],
        )
        for name in singles:
            pairs = [(item.id, value) for item in filed for value in item.singles.get(name, ())]
            builder.add_values(name, [id for id, _ in pairs], np.array([value for _, value in pairs], np.int64))
    for name, pairs_of in source.pairs.items():
        for rows in read.stream(pairs_of.sql):
            builder.add_values(name, *_columns(rows, pairs_of.decode))
    return builder.index((log.seq, log.at)), due


def _filed(source: Source, rows: Sequence[Sequence[Any]], now: int) -> list[Filed]:
    return [item for row in rows if (item := source.file(row, now)) is not None]


def _due(filed: Sequence[Filed]) -> Due:
    return {item.id: item.due for item in filed if item.due is not None}


def _columns(
    rows: Sequence[Sequence[Any]], decode: Callable[[Any], Sequence[int]] | None
) -> tuple[Sequence[int], Sequence[int]]:
    if decode is None:
        ids, values = zip(*rows, strict=True)
        return ids, np.array(values, np.int64)  # type: ignore[return-value]
    pairs = [(row[0], value) for row in rows for value in decode(row[1])]
    return [id for id, _ in pairs], np.array([value for _, value in pairs], np.int64)  # type: ignore[return-value]


def changes_of(source: Source, read: Statements, ids: Sequence[int], now: int) -> tuple[list[Change], Due]:
    """What makes the index right about these rows: a Put for each that anybody may meet, a Drop for the others."""
    filed = {item.id: item for item in _read(source, read, ids, now)}
    held = {name: _held(pairs, read, list(filed)) for name, pairs in source.pairs.items()}
    fields = [(name, held.get(name)) for name in source.spec.fields]
    changes: list[Change] = [Put(_row(filed[id], fields)) if id in filed else Drop(id) for id in dict.fromkeys(ids)]
    return changes, _due(list(filed.values()))


_Held = dict[int, list[int]]


def _held(pairs: Pairs, read: Statements, ids: Sequence[int]) -> _Held:
    """The values of a field that lie in a table of their own, by row id."""
    rows = read.by_ids(f"{pairs.sql} AND {pairs.column} IN (?*)", ids)
    held: _Held = defaultdict(list)
    if pairs.decode is None:
        for id, value in rows:
            held[id].append(value)
    else:
        for id, value in rows:
            held[id].extend(pairs.decode(value))
    return held


def _read(source: Source, read: Statements, ids: Sequence[int], now: int) -> list[Filed]:
    return _filed(source, read.by_ids(f"{source.rows_sql} AND {source.id_column} IN (?*)", ids), now)


def _row(item: Filed, fields: Sequence[tuple[str, _Held | None]]) -> Row:
    id, singles = item.id, item.singles
    values = tuple(
        [singles.get(name, ()) if held is None else tuple(held[id]) if id in held else () for name, held in fields]
    )
    return Row(id=id, keys=item.keys, values=values, level=item.level, room=item.room)


def counters_of(source: Source, read: Statements, ids: Sequence[int], now: int) -> list[Change]:
    """The keys of these rows as they are now; rows that are not filed stay so."""
    return [
        Move(item.id, column, key)
        for item in _read(source, read, ids, now)
        for column, key in zip(source.spec.columns, item.keys, strict=True)
    ]


def due_after(index: Index, room: int, since: int) -> Due:
    """What a loaded index has waiting in `room` for a time after `since`, by its first column."""
    times = index.rows.columns[index.spec.columns[0]]
    return {
        index.rows.ids.item(ordinal): times.item(ordinal)
        for bitmap in index.visibility.rooms.get(room, {}).values()
        for ordinal in bitmap
        if times[ordinal] > since
    }
