"""Rows into nouns: the records of the catalogue mirror their tables, so one function reads any of them.

Columns are always named, never `*`: a newer table may have more of them than this program knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.catalog.resources import FileHash, Model, ModelFile, ModelVersion
from pinako.catalog.tags import Tag
from pinako.storage.scopes import Statements

N = TypeVar("N", bound=msgspec.Struct)

TABLE_OF: dict[type[msgspec.Struct], str] = {
    Image: "images",
    Post: "posts",
    Model: "models",
    ModelVersion: "model_versions",
    ModelFile: "model_files",
    FileHash: "file_hashes",
    User: "users",
    Tag: "tags",
    Collection: "collections",
}


@cache
def columns(noun: type[msgspec.Struct], prefix: str = "") -> str:
    """The column list of a noun's table, in the order of the record's fields."""
    return ", ".join(prefix + name for name in noun.__struct_fields__)


@cache
def _flags(noun: type[msgspec.Struct]) -> tuple[int, ...]:
    """Where a record holds truth values that the database holds as 0 and 1."""
    hints = get_type_hints(noun)
    return tuple(i for i, name in enumerate(noun.__struct_fields__) if hints[name] is bool)


def records(noun: type[N], rows: Sequence[Sequence[Any]]) -> list[N]:
    """Rows, in the order of `columns(noun)`, as records. The nouns are declared `array_like` for this: a tenth of the cost."""
    try:
        return msgspec.convert(rows, list[noun], strict=False)  # type: ignore[valid-type]
    except msgspec.ValidationError:
        return [_as_it_is(noun, row) for row in rows]


def record(noun: type[N], row: Sequence[Any]) -> N:
    """One row as its record."""
    return records(noun, (row,))[0]


def _as_it_is(noun: type[N], row: Sequence[Any]) -> N:
    """A row with a value that its column should not hold (SQLite keeps a fraction in a column of whole numbers)."""
    values = list(row)
    for place in _flags(noun):
        values[place] = bool(values[place])
    return noun(**dict(zip(noun.__struct_fields__, values, strict=True)))


def select(read: Statements, noun: type[N], where: str, params: Sequence[Any] = ()) -> list[N]:
    """The records of a noun that meet `where` (which may go on with ORDER BY and LIMIT)."""
    sql = f"SELECT {columns(noun)} FROM {TABLE_OF[noun]} WHERE {where}"
    return records(noun, read.rows(sql, params))


def find(read: Statements, noun: type[N], id: int) -> N | None:
    """The record of one id, or None."""
    found = select(read, noun, "id = ?", (id,))
    return found[0] if found else None


def select_in(read: Statements, noun: type[N], column: str, ids: Iterable[int], rest: str = "") -> list[N]:
    """The records whose `column` is any of `ids`, in no order unless `rest` gives one."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    sql = f"SELECT {columns(noun)} FROM {TABLE_OF[noun]} WHERE {column} IN (?*) {rest}"
    return records(noun, read.by_ids(sql, wanted))


def fetch(read: Statements, noun: type[N], ids: Iterable[int]) -> dict[int, N]:
    """The records of many ids, by id; missing ones are left out."""
    return {item.id: item for item in select_in(read, noun, "id", ids)}  # type: ignore[attr-defined]


def row_of(item: msgspec.Struct) -> list[Any]:
    """A record as a row to write, in the order of `columns`: truth values as 0 and 1."""
    values = list(msgspec.structs.astuple(item))
    for place in _flags(type(item)):
        values[place] = int(values[place])
    return values


def values_of(item: msgspec.Struct) -> dict[str, Any]:
    """A record as a row to write, by column."""
    return dict(zip(item.__struct_fields__, row_of(item), strict=True))
