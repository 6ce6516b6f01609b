"""Reading one tRPC input: typed members, the original's issues, and its few leniencies that harm nobody (trpc.md 1.12).

A reader gets one JSON value that is present and not null, and raises `Refused`. null counts as absent: every member of
every input here that may be null may also be left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pinako.wire import coerce, issues
from pinako.wire.coerce import MAX_INT32, bounded
from pinako.wire.issues import Issue, Refused, ValidationError
from pinako.wire.superjson import UNDEFINED
from pinako.wire.times import iso, millis, millis_of

T = TypeVar("T")
D = TypeVar("D")
JsonReader = Callable[[Any], T]

MOST_ITEMS = 5000
"""Values of one list. The original names no bound; a body of millions would hold up everybody else for seconds."""
MOST_LETTERS = 10_000
"""Characters of one line: a name, a search, a note."""
USERNAME_PATTERN = "/^[A-Za-z0-9_]*$/"
USERNAME_TEXT = 'The "username" field can only contain letters, numbers, and _.'


class Input:
    """The members of one input object. `take` reads one; issues are collected and raised together by `check`."""

    def __init__(self, value: Any, *, optional: bool = True) -> None:
        """`optional`: undefined is an empty object, as for procedures that need nothing."""
        if value is UNDEFINED:
            value = {} if optional else None
            if value is None:
                raise ValidationError([issues.wrong_type("object", "undefined")])
        if not isinstance(value, dict):
            raise ValidationError([issues.wrong_type("object", issues.kind_of(value))])
        self.members = value
        self.issues: list[Issue] = []

    def __contains__(self, key: str) -> bool:
        return self.members.get(key) is not None

    def take(self, key: str, reader: JsonReader[T], default: D) -> T | D:
        """A member's value, or the default where it is absent, null or refused."""
        value = self.members.get(key)
        if value is None or value is UNDEFINED:
            return default
        try:
            return reader(value)
        except Refused as refused:
            self.issues.extend(issue.under(key) for issue in refused.issues)
            return default

    def need(self, key: str, reader: JsonReader[T], default: T, expected: str) -> T:
        """The same for a member that must be there."""
        if key not in self:
            received = "null" if key in self.members else "undefined"
            self.refuse(key, issues.wrong_type(expected, received))
        return self.take(key, reader, default)

    def refuse(self, key: str, issue: Issue) -> None:
        """Keep one more issue about a member."""
        self.issues.append(issue.under(key))

    def check(self) -> None:
        """Raise ValidationError if anything was refused."""
        if self.issues:
            raise ValidationError(self.issues)


def kind_of(value: Any) -> str:
    """JavaScript's word for a revived value."""
    return "Date" if isinstance(value, datetime) else issues.kind_of(value)


def num(low: int = -MAX_INT32 - 1, high: int = MAX_INT32) -> JsonReader[int]:
    """A number, whole and within bounds; text is refused."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(issues.wrong_type("number", kind_of(value)))
        return bounded(_whole(value), low, high)

    return read


def _whole(value: float) -> float | int:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def coerced_num(low: int = -MAX_INT32 - 1, high: int = MAX_INT32) -> JsonReader[int]:
    """A number, or text and booleans that convert to one."""
    strict = num(low, high)

    def read(value: Any) -> int:
        if isinstance(value, str):
            return strict(coerce.js_number(value))
        return strict(int(value) if isinstance(value, bool) else value)

    return read


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Refused(issues.wrong_type("boolean", kind_of(value)))
    return value


def coerced_flag(value: Any) -> bool:
    """Truthiness, but the words for false are false (upstream takes the text "false" for true)."""
    if isinstance(value, str):
        return coerce.truthy([value])
    return bool(value)


def text(longest: int | None = None) -> JsonReader[str]:
    """Text of at most so many characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Refused(issues.wrong_type("string", kind_of(value)))
        if longest is not None and len(value) > longest:
            raise Refused(issues.too_big(longest, origin="string", unit="characters"))
        return value

    return read


any_text = text()
_line = text(MOST_LETTERS)


def said(value: Any) -> str | None:
    """A line of text, where blank means not given."""
    return _line(value).strip() or None


def username(value: Any) -> str | None:
    """A user name of the original's alphabet, or one that ends in a host; blank means not given."""
    name = _line(value)
    if not re.fullmatch(r"[A-Za-z0-9_]*", name) and not coerce.has_host(name):
        raise Refused(issues.wrong_pattern(USERNAME_PATTERN, USERNAME_TEXT))
    return name or None


def folded(word: str) -> str:
    """A word without case and blanks: `MostCollected` is `Most Collected`."""
    return word.replace(" ", "").lower()


def word(words: Sequence[str]) -> JsonReader[str]:
    """One word of a list, ignoring case and blanks."""
    known = {folded(entry): entry for entry in words}

    def read(value: Any) -> str:
        found = known.get(folded(value)) if isinstance(value, str) else None
        if found is None:
            raise Refused(issues.unknown_word(words))
        return found

    return read


def many(reader: JsonReader[T]) -> JsonReader[tuple[T, ...]]:
    """A list of values."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Refused(issues.wrong_type("array", kind_of(value)))
        return _each(value, reader)

    return read


def one_or_many(reader: JsonReader[T]) -> JsonReader[tuple[T, ...]]:
    """A list, or one value alone."""

    def read(value: Any) -> tuple[T, ...]:
        return _each(value if isinstance(value, list) else [value], reader)

    return read


def _each(values: Sequence[Any], reader: JsonReader[T]) -> tuple[T, ...]:
    if len(values) > MOST_ITEMS:
        raise Refused(issues.too_big(MOST_ITEMS, origin="array", unit="items"))
    found: list[T] = []
    refused: list[Issue] = []
    for i, value in enumerate(values):
        try:
            found.append(reader(value))
        except Refused as error:
            refused.extend(issue.under(i) for issue in error.issues)
    if refused:
        raise Refused(*refused[:20])
    return tuple(dict.fromkeys(found))


one_id = num()


def one_level(value: Any) -> int:
    """One browsing level: a single bit of 1 to 16, or 0 for none."""
    level = num(0, 16)(value)
    if level & (level - 1):
        raise Refused(issues.broken_rule("Expected one level: 1, 2, 4, 8 or 16"))
    return level


id_list = many(one_id)
_comma_list = text(12 * MOST_ITEMS)


def ids_or_text(value: Any) -> tuple[int, ...]:
    """A list of ids, or a comma list in text."""
    return coerce.ids([_comma_list(value)]) if isinstance(value, str) and value.strip() else id_list(value)


def names(value: Any) -> tuple[str, ...]:
    """One text or a list of texts, each free."""
    return one_or_many(any_text)(value)


def cursor(value: Any) -> str | None:
    """A cursor of any type as text; blank means none. Dates become the ISO text that they came as."""
    if isinstance(value, datetime):
        return iso(millis_of(value))
    if isinstance(value, str):
        return _line(value) or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(issues.no_branch(
            [issues.wrong_type("number", kind_of(value))], [issues.wrong_type("string", kind_of(value))]
        ))  # fmt: skip
    return str(_whole(value))


def date(value: Any) -> int:
    """A date in milliseconds; a plain ISO text does as well as a marked one."""
    if isinstance(value, datetime):
        return millis_of(value)
    found = millis(value) if isinstance(value, str) else None
    if found is None:
        raise Refused(issues.wrong_type("date", kind_of(value)))
    return found


def read_id(value: Any, key: str = "id") -> int:
    """The input of the procedures that take one id."""
    given = Input(value, optional=False)
    found = given.need(key, num(), 0, "number")
    given.check()
    return found


def broken(key: str, message: str) -> ValidationError:
    """A rule between members that one of them breaks."""
    return ValidationError([issues.broken_rule(message).under(key)])
