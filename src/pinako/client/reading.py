"""Reads loosely typed JSON into frozen records: missing, null or odd values get the field's default, the body is kept.

Upstream adds, drops and retypes fields without notice (trpc.md 12.1, rule 9; rest.md 21), so a record fails only when a
field without a default, its identity, cannot be read.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar, TypeVar, get_args, get_origin

import msgspec

from pinako.errors import UpstreamNonsense

R = TypeVar("R", bound="Record")
Reader = Callable[[Any], Any]


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every record of the client has: the JSON object it was read from, and what of it no field names."""

    raw: dict[str, Any] = msgspec.field(default_factory=dict, name="#raw")
    """The object as received. Treat it as read-only."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Other spellings of a field, tried in order after its own."""

    @property
    def extra(self) -> dict[str, Any]:
        """The members of `raw` that this record has no field for."""
        known = _known_names(type(self))
        return {name: value for name, value in self.raw.items() if name not in known}

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}" for f in msgspec.structs.fields(self) if f.name != "raw"
        )
        return f"{type(self).__name__}({fields})"


def read_record(kind: type[R], value: Any, *, call: str = "") -> R:
    """One record from a decoded JSON object. Raises UpstreamNonsense where its identity is missing."""
    try:
        return _record_reader(kind)(value)  # type: ignore[no-any-return]
    except (TypeError, ValueError, KeyError) as error:
        raise UpstreamNonsense(
            f"The answer is not a readable {kind.__name__}: {error}.",
            call=call,
            advice="Look at the body: the host's contract may have changed.",
        ) from error


def read_records(kind: type[R], values: Any, *, call: str = "") -> list[R]:
    """Each readable record of a list. A row that cannot be one (a null in a batch) is left out; no list is an error."""
    if not isinstance(values, list):
        raise UpstreamNonsense(f"The answer is no list of {kind.__name__}.", call=call)
    reader = _record_reader(kind)
    found = []
    for value in values:
        try:
            found.append(reader(value))
        except (TypeError, ValueError, KeyError):
            continue
    return found


@cache
def _known_names(kind: type[Record]) -> frozenset[str]:
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    return frozenset(names.union(*kind.aliases.values()))


@cache
def _record_reader(kind: type[Record]) -> Reader:
    """A function from a JSON object to `kind`, compiled once: the pages of a mirror read hundreds of thousands of these."""
    hints = typing.get_type_hints(kind)
    plan = [
        (f.name, f.encode_name, kind.aliases.get(f.name, ()), _reader(hints[f.name]), f.required)
        for f in msgspec.structs.fields(kind)
        if f.name != "raw"
    ]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError("no object")
        given: dict[str, Any] = {"raw": value}
        for name, wire, others, reader, required in plan:
            found = value.get(wire)
            for other in others if found is None else ():
                found = value.get(other) if found is None else found
            if found is None:
                if required:
                    raise KeyError(wire)
                continue
            try:
                given[name] = reader(found)
            except (TypeError, ValueError, KeyError, OverflowError):
                if required:
                    raise
        return kind(**given)

    return read


def _reader(hint: Any) -> Reader:
    origin = get_origin(hint)
    if origin in {types.UnionType, typing.Union}:
        inside = [part for part in get_args(hint) if part is not type(None)]
        return _reader(inside[0]) if len(inside) == 1 else _union_reader(inside)
    if origin is tuple:
        return _tuple_reader(_reader(get_args(hint)[0]))
    if origin is dict or hint is dict:
        return _read_object
    if isinstance(hint, type) and issubclass(hint, Record):
        return lambda value: _record_reader(hint)(value)  # late: records may nest in a ring
    return _SCALARS.get(hint, _as_it_is)


def _union_reader(kinds: list[Any]) -> Reader:
    plain = tuple(kinds)

    def read(value: Any) -> Any:
        if isinstance(value, plain) and not isinstance(value, bool):
            return value
        raise TypeError("none of the kinds")

    return read


def _tuple_reader(inside: Reader) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise TypeError("no list")
        found = []
        for item in value:
            try:
                found.append(inside(item))
            except (TypeError, ValueError, KeyError):
                continue
        return tuple(found)

    return read


def _read_object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise TypeError("no object")


def _read_int(value: Any) -> int:
    if type(value) is int:
        return value
    return int(float(value)) if isinstance(value, float) else int(value)


def _read_float(value: Any) -> float:
    return float(value)


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        raise TypeError("no text")
    return str(value)


def _read_flag(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes"}
    return bool(value)


def read_time(value: Any) -> datetime:
    """An aware UTC time from ISO text with or without `Z`, or from milliseconds since 1970."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    raise TypeError("no time")


def _as_it_is(value: Any) -> Any:
    return value


_SCALARS: dict[Any, Reader] = {
    int: _read_int,
    float: _read_float,
    str: _read_text,
    bool: _read_flag,
    datetime: read_time,
}
