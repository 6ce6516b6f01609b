"""superjson both ways: JSON beside a tree of marks that says what JSON cannot (dates, undefined), and devalue on the way in.

On the way in one rule differs from the original on purpose: an `undefined` mark over a real value is ignored, because
documented clients attach it to every cursor and would read page 1 for ever (trpc.md 1.3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, get_type_hints

import msgspec

from pinako.errors import BadRequest
from pinako.wire.times import millis


class Undefined:
    """JavaScript's undefined, where a value may be absent."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()

_DATE_KEYS = frozenset({
    "createdAt", "updatedAt", "publishedAt", "scannedAt", "sortAt", "deletedAt", "bannedAt", "unpublishedAt",
    "lastVersionAt", "lastUpvote", "earlyAccessDeadline", "earlyAccessEndsAt", "endsAt",
})  # fmt: skip
_OPAQUE_KEYS = frozenset({
    "meta", "metadata", "settings", "trainingDetails", "publicSettings", "external", "gallerySettings",
})  # fmt: skip
"""Members that hold other people's JSON: nothing inside them is marked."""

MOST_MARKS = 10_000
"""Marks of one input: far more than any input of ours has values."""

# --- in -----------------------------------------------------------------------------------------------------------


def unwrap(value: Any) -> Any:
    """The value of an input envelope: `{json, meta}`, a bare value, or a devalue text. null is undefined.

    BadRequest for marks that nobody knows.
    """
    if isinstance(value, str | list):
        return undevalue(value)
    if not isinstance(value, dict):
        return UNDEFINED if value is None else value
    if "json" not in value:
        return value
    meta = value.get("meta")
    marks = meta.get("values") if isinstance(meta, dict) else None
    revived = _revived(value["json"], marks) if marks else value["json"]
    return UNDEFINED if revived is None else revived


def _revived(value: Any, marks: Any) -> Any:
    holder = {"": value}
    for count, (path, mark) in enumerate(_marks_of(marks, ())):
        if count == MOST_MARKS:
            raise BadRequest("Too many annotations")
        _apply(holder, ("", *path), mark)
    return holder.get("")


def _marks_of(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each marked path with its mark, inner ones first; paths are tuples of steps."""
    if isinstance(tree, list):
        if len(tree) > 1:
            yield from _marks_of(tree[1], path)
        if tree:
            yield path, tree[0]
    elif isinstance(tree, dict):
        for key, inner in tree.items():
            yield from _marks_of(inner, (*path, *_steps(key)))


def _steps(path: str) -> tuple[str, ...]:
    r"""`a.b\.c` is `a` and `b.c`: a dot inside a key is escaped."""
    if "\\" not in path:
        return tuple(path.split("."))
    steps, current, escaped = [], "", False
    for letter in path:
        if escaped or letter not in "\\.":
            current, escaped = current + letter, False
        elif letter == "\\":
            escaped = True
        else:
            steps.append(current)
            current = ""
    return (*steps, current)


def _apply(holder: Any, path: tuple[str, ...], mark: Any) -> None:
    for step in path[:-1]:
        holder = _inside(holder, step)
    if holder is UNDEFINED:
        return
    key = path[-1]
    value = _inside(holder, key)
    revived = _transformed(value, mark)
    if isinstance(holder, dict):
        if revived is UNDEFINED:
            holder.pop(key, None)
        else:
            holder[key] = revived
    elif value is not UNDEFINED:
        holder[int(key)] = None if revived is UNDEFINED else revived


def _inside(holder: Any, step: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(step, UNDEFINED)
    if isinstance(holder, list) and step.isascii() and step.isdecimal() and len(step) < 9 and int(step) < len(holder):
        return holder[int(step)]
    return UNDEFINED


_BIGINT = re.compile(r"-?\d{1,39}")
_KINDS = (
    *("Date", "bigint", "number"),
    *("map", "set", "regexp", "URL", "Error", "typed-array", "symbol", "class", "custom"),  # left as JSON has them
)


def _transformed(value: Any, mark: Any) -> Any:
    kind = mark[0] if isinstance(mark, list) and mark else mark
    if kind == "undefined":
        return UNDEFINED if value is None else value
    if kind not in _KINDS:
        raise BadRequest(f"Unknown transformation: {kind}")
    if value is UNDEFINED:
        return value
    if kind == "Date":
        return _date(value)
    if kind == "bigint":
        return int(value) if isinstance(value, str) and _BIGINT.fullmatch(value) else value
    if kind == "number":
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": 0}.get(str(value), value)
    return value


def _date(value: Any) -> Any:
    found = millis(value) if isinstance(value, str) else None
    return value if found is None else datetime.fromtimestamp(found / 1000, UTC)


_SENTINELS = {-1: UNDEFINED, -2: None, -3: math.nan, -4: math.inf, -5: -math.inf, -6: 0}


def undevalue(value: str | list[Any]) -> Any:
    """The value of a devalue text or its array (trpc.md 1.5): numbers inside containers are slots. BadRequest if broken."""
    try:
        slots = msgspec.json.decode(value) if isinstance(value, str) else value
        if isinstance(slots, int):
            return _SENTINELS.get(slots, slots)
        if not isinstance(slots, list) or not slots:
            return slots
        return _slot(slots, 0, {})
    except (msgspec.DecodeError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise BadRequest("Invalid input") from error


_OPEN = object()
"""Stands in for a slot that is being read: who meets it, holds itself."""


def _slot(slots: list[Any], at: int, known: dict[int, Any]) -> Any:
    """The value of one slot. Each is read once: slots that share others would else be as many as two to their depth."""
    if at < 0:
        if at not in _SENTINELS:
            raise ValueError("no sentinel")
        return _SENTINELS[at]
    if at not in known:
        known[at] = _OPEN
        known[at] = _read_slot(slots, slots[at], known)
    if known[at] is _OPEN:
        raise ValueError("a value that holds itself")
    return known[at]


def _read_slot(slots: list[Any], held: Any, known: dict[int, Any]) -> Any:
    if isinstance(held, dict):
        pairs = {key: _slot(slots, place, known) for key, place in held.items()}
        return {key: inner for key, inner in pairs.items() if inner is not UNDEFINED}
    if not isinstance(held, list):
        return held
    if held and isinstance(held[0], str):
        if held[0] in ("Set", "Map"):
            return [_slot(slots, place, known) for place in held[1:]]
        return _transformed(held[1], {"BigInt": "bigint"}.get(held[0], held[0]))
    return [None if (inner := _slot(slots, place, known)) is UNDEFINED else inner for place in held]


# --- out ----------------------------------------------------------------------------------------------------------

Marks = tuple[str, ...]
"""Paths inside a value: of dates, and with a `?` at the end of nulls that stand for undefined."""


def date_marks(body: bytes) -> Marks:
    """The paths of all dates in a JSON body, by the names of its members. For bodies that are made once and stored."""
    return tuple(_dates(msgspec.json.decode(body), ""))


def record_marks(body: msgspec.Struct, prefix: str = "") -> Marks:
    """`date_marks` of a body before it is encoded, a twentieth of the cost: by its fields, and those of records in it.

    What lies in lists or maps is not looked at.
    """
    found: list[str] = []
    for field, name, holds_record in _plan(type(body)):
        value = getattr(body, field)
        if holds_record and isinstance(value, msgspec.Struct):
            found += record_marks(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            found.append(prefix + name)
    return tuple(found)


@cache
def _plan(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, bool], ...]:
    """The fields that may hold a date, and those that hold records (True): each with its name on the wire."""
    hints = get_type_hints(kind)
    named = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    plan = (
        (field, name, isinstance(hints[field], type) and issubclass(hints[field], msgspec.Struct))
        for field, name in named
    )
    return tuple(one for one in plan if one[1] not in _OPAQUE_KEYS and (one[2] or one[1] in _DATE_KEYS))


def _dates(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _DATE_KEYS and isinstance(inner, str):
                yield f"{path}{key}"
            elif key not in _OPAQUE_KEYS:
                yield from _dates(inner, f"{path}{key}.")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _dates(inner, f"{path}{i}.")


@lru_cache(maxsize=16384)
def marks_text(marks: Marks, prefix: str = "") -> bytes:
    """`"items.3.createdAt":["Date"],…`, the inside of `meta.values`; cached, because pages repeat the same few."""
    return b",".join(
        b'"%s%s":["%s"]' % (prefix.encode(), mark.rstrip("?").encode(), b"undefined" if mark[-1] == "?" else b"Date")
        for mark in marks
    )


def joined_marks(texts: Sequence[bytes]) -> bytes:
    """Several of them, empty ones left out."""
    return b",".join([text for text in texts if text])


def under(marks: Marks, prefix: str) -> Marks:
    """The marks of a value that was put deeper into another."""
    return tuple(f"{prefix}.{mark}" for mark in marks)
