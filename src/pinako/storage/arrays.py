"""Many rows in one statement of PostgreSQL: each column's values travel as one array, which costs a tenth of values apart.

An `INSERT … VALUES` becomes one from `unnest`, an `UPDATE … WHERE id = ?` or a `DELETE` one that joins it. Where a statement is
none of these, or the rows cannot be taken together (one to update comes twice), there is no such form: they go one by one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from pinako.storage import tables
from pinako.storage.engine import Params, Value

MOST = 1000
"""Rows in one statement: their documents are a few megabytes."""
FEWEST = 4
_INSERT = re.compile(r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \(([^()]+)\)( ON CONFLICT [^?]*)?")
_KEY = re.compile(r" ON CONFLICT \(([\w, ]+)\) DO UPDATE ")
_UPDATE = re.compile(r"UPDATE (\w+) SET (\w+ = \?(?:, \w+ = \?)*) WHERE id = \?")
_DELETE = re.compile(r"DELETE FROM (\w+) WHERE (\w+) = \?")
_COLUMN = re.compile(r"(\w+) (BIGINT|SMALLINT|TEXT|\{\w+\})")
_LITERAL = re.compile(r"\?|-?\d+|'[^',?%]*'|NULL")
_HEAD = struct.Struct("!iiiii")
_LONG = struct.Struct("!iq")
_REAL = struct.Struct("!id")
_NULL = b"\xff\xff\xff\xff"


class Packed(bytes):
    """An array as the server takes it."""


class Longs(Packed):
    """BIGINT[]."""


class Reals(Packed):
    """DOUBLE PRECISION[]."""


class Texts(Packed):
    """TEXT[]."""


class Blobs(Packed):
    """BYTEA[]."""


T = TypeVar("T", bound=Packed)


def _dumper(number: int) -> type[Dumper]:
    class PackedDumper(Dumper):
        format = Format.BINARY
        oid = number

        def dump(self, obj: Packed) -> Buffer | None:
            return bytes(obj)

    return PackedDumper


DUMPERS: Mapping[type[Packed], type[Dumper]] = {
    Longs: _dumper(1016),
    Reals: _dumper(1022),
    Texts: _dumper(1009),
    Blobs: _dumper(1001),
}


def teach(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Have a connection take arrays."""
    for kind, dumper in DUMPERS.items():
        connection.adapters.register_dumper(kind, dumper)


def longs(values: Sequence[Value]) -> Longs:
    """Whole numbers, flags and nulls. OverflowError beyond 64 bits."""
    pack = _LONG.pack
    try:
        if len(set(values)) == 1:
            return _array(Longs, 20, [_NULL if values[0] is None else pack(8, values[0])] * len(values))
        return _array(Longs, 20, [_NULL if value is None else pack(8, value) for value in values])
    except struct.error as error:
        raise OverflowError from error


def _reals(values: Sequence[Value]) -> Reals:
    return _array(Reals, 701, [_NULL if value is None else _REAL.pack(8, value) for value in values])


def texts(values: Sequence[Value]) -> Texts:
    """Texts and nulls; U+FFFD for NUL, which PostgreSQL cannot hold. UnicodeEncodeError for half a surrogate pair."""
    if len(set(values)) == 1:  # words of few kinds, columns that nobody fills
        return _array(Texts, 25, _sized([_said(values[0])]) * len(values))
    return _array(Texts, 25, _sized([_said(value) for value in values]))


def _said(text: Value) -> bytes | None:
    return text.replace("\x00", "\ufffd").encode() if isinstance(text, str) else None


def _blobs(values: Sequence[Value]) -> Blobs:
    return _array(Blobs, 17, _sized([value if isinstance(value, bytes) else None for value in values]))


def _sized(values: Sequence[bytes | None]) -> list[bytes]:
    return [_NULL if value is None else len(value).to_bytes(4, "big") + value for value in values]


def _array(kind: type[T], element: int, members: Sequence[bytes]) -> T:
    head = _HEAD.pack(1, 1, element, len(members), 1)  # one dimension, nulls allowed, from 1
    return kind(b"".join((head, *members)))


class Kind(NamedTuple):
    """How one column's values are packed, and which Python types they may have."""

    pack: Callable[[Sequence[Value]], Packed]
    types: frozenset[type]


_NONE = type(None)
_LONG_KIND = Kind(longs, frozenset((int, bool, _NONE)))
_TEXT_KIND = Kind(texts, frozenset((str, _NONE)))
KINDS: Mapping[str, Kind] = {
    "BIGINT": _LONG_KIND,
    "SMALLINT": _LONG_KIND,
    "{rowid}": _LONG_KIND,
    "{serial}": _LONG_KIND,
    "TEXT": _TEXT_KIND,
    "{real}": Kind(_reals, frozenset((float, int, bool, _NONE))),
    "{blob}": Kind(_blobs, frozenset((bytes, _NONE))),
}


@lru_cache(maxsize=256)
def kinds_of(table: str) -> Mapping[str, Kind]:
    """A table's columns; none for a table that is none of the library's."""
    return {name: KINDS[word] for name, word in _COLUMN.findall(tables.TABLES.get(table, ""))}


class Form(NamedTuple):
    """How a statement says many rows at once. `key`: which of its values must be distinct: it meets a row once only."""

    sql: str
    kinds: tuple[Kind, ...]
    key: tuple[int, ...]


@lru_cache(maxsize=512)
def form(sql: str) -> Form | None:
    """The form of a statement; None where it has none."""
    if (insert := _INSERT.fullmatch(sql)) is not None:
        return _insert_form(*insert.groups(default=""))
    if (update := _UPDATE.fullmatch(sql)) is not None:
        return _update_form(*update.groups())
    if (delete := _DELETE.fullmatch(sql)) is not None:
        table, column = delete.groups()
        return _form(f"DELETE FROM {table} USING {_given(1)} WHERE {column} = given.v0", table, [column], ())
    return None


def _form(sql: str, table: str, asked: Sequence[str], key: Sequence[str]) -> Form | None:
    known = kinds_of(table)
    if not asked or not known.keys() >= set(asked) or not set(key) <= set(asked):
        return None
    return Form(sql, tuple(known[name] for name in asked), tuple(asked.index(name) for name in key))


def _given(many: int) -> str:
    return f"unnest({', '.join('?' * many)}) AS given ({', '.join(f'v{at}' for at in range(many))})"


def _insert_form(table: str, columns: str, values: str, tail: str) -> Form | None:
    said, names = values.split(", "), columns.split(", ")
    keyed = _KEY.match(tail)
    if len(said) != len(names) or not all(map(_LITERAL.fullmatch, said)) or (keyed is None and "DO UPDATE" in tail):
        return None
    asked = [name for name, value in zip(names, said, strict=True) if value == "?"]
    given = (f"given.v{at}" for at in range(len(asked)))
    picked = ", ".join(next(given) if value == "?" else value for value in said)
    sql = f"INSERT INTO {table} ({columns}) SELECT {picked} FROM {_given(len(asked))}{tail}"
    return _form(sql, table, asked, keyed[1].split(", ") if keyed is not None else ())


def _update_form(table: str, changes: str) -> Form | None:
    names = [change.removesuffix(" = ?") for change in changes.split(", ")]
    picked = ", ".join(f"{name} = given.v{at}" for at, name in enumerate(names))
    source = _given(len(names) + 1)
    return _form(
        f"UPDATE {table} SET {picked} FROM {source} WHERE id = given.v{len(names)}", table, [*names, "id"], ("id",)
    )


def together(sql: str, rows: Sequence[Params]) -> Iterator[tuple[str, list[Packed]]] | None:
    """Statements, each with its arrays, that do what this one would do for all of these rows; None: there are none."""
    known = form(sql) if len(rows) >= FEWEST else None
    if known is None or any(len(row) != len(known.kinds) for row in rows):
        return None
    columns = list(zip(*rows, strict=True))
    if not all(kind.types.issuperset(map(type, column)) for kind, column in zip(known.kinds, columns, strict=True)):
        return None
    if known.key and not _distinct([columns[at] for at in known.key], len(rows)):
        return None
    return (
        (known.sql, [kind.pack(column[at : at + MOST]) for kind, column in zip(known.kinds, columns, strict=True)])
        for at in range(0, len(rows), MOST)
    )


def _distinct(columns: Sequence[Sequence[Value]], many: int) -> bool:
    """Whether no key comes twice. Texts that become another one on their way are as good as twice."""
    if any(isinstance(value, str) and "\x00" in value for column in columns for value in column):
        return False
    return len(set(zip(*columns, strict=True))) == many
