"""Cursors: the sort's word and the keys of the next page's first row, as text that goes unquoted into a link.

`mostreactions.17|70001`, `newest.2026-02-03T10:21:00.000Z|70001`, `random.SEED|ID`. The part behind the dot is what the
original sends (rest.md 6.1, trpc.md 3.3, 5.1, 11); without the word it is still read, as are the bare numbers of old clients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pinako.errors import BadRequest

LAST_ID = 0x7FFF_FFFF
_WORD = re.compile(r"[a-z]+\.")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00(:?00)?)?")
_TIMED = frozenset({"newest", "oldest"})
"""The sorts whose first key is a time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Position = tuple[int, ...]


@lru_cache(maxsize=256)
def word(sort: str) -> str:
    """The sort as a cursor names it."""
    return "".join(letter for letter in sort.lower() if letter.isalpha())


def write_cursor(sort: str, position: Sequence[int], *, dated: bool = False) -> str:
    """The token of a position. `dated`: the first key is a time in milliseconds and is sent as a date."""
    first = _date(position[0]) if dated else str(position[0])
    return f"{word(sort)}.{'|'.join([first, *map(str, position[1:])])}"


def read_cursor(sort: str, token: str, size: int) -> Position:
    """The position in a token of this sort, `size` values long; dates become milliseconds.

    BadRequest for a token of another sort, another number of values, or values that are no numbers or dates.
    """
    given = token.strip()
    plain = _plain(sort, given, size)
    if plain is not None:
        return plain
    named = _WORD.match(given)
    if named and named[0] != f"{word(sort)}.":
        raise BadRequest(f"Invalid cursor: it belongs to another sort ({named[0][:-1]})")
    parts = given[named.end() :].split("|") if named else given.split("|")
    if len(parts) != size:
        raise BadRequest(f"Invalid cursor: expected {size} value(s) for this sort, received {len(parts)}")
    for place, part in enumerate(parts):
        if _DATE.fullmatch(part) and (place or word(sort) not in _TIMED):  # of another sort: a count is no time
            raise BadRequest(f'Invalid cursor: unparseable numeric value "{part}"')
    position = tuple(map(read_value, parts))
    if not 0 <= position[-1] <= LAST_ID:
        raise BadRequest(f'Invalid cursor: unparseable numeric value "{parts[-1][:40]}"')
    return position


def _plain(sort: str, given: str, size: int) -> Position | None:
    """The position of a token as `write_cursor` writes it without dates, which nearly all are; None: look closer."""
    named, _, rest = given.partition(".")
    parts = rest.split("|")
    if named != word(sort) or len(parts) != size or not rest.isascii():
        return None
    if not all(part.isdecimal() and len(part) <= 18 for part in parts):
        return None
    position = tuple(map(int, parts))
    return position if position[-1] <= LAST_ID else None


def bare_value(token: str) -> int | None:
    """The one number or date of an old client's cursor; None for every other form."""
    given = token.strip()
    if given[:1].isalpha():
        return None
    return read_value(given) if _NUMBER.fullmatch(given) or _DATE.fullmatch(given) else None


def read_value(part: str) -> int:
    """One value: a date as milliseconds, or a number. BadRequest in the original's words."""
    if _NUMBER.fullmatch(part):
        return int(part)
    if "-" not in part[1:]:
        raise BadRequest(f'Invalid cursor: unparseable numeric value "{part[:40]}"')
    if not _DATE.fullmatch(part):
        raise BadRequest(f'Invalid cursor: unparseable date value "{part[:40]}"')
    try:
        moment = datetime.fromisoformat(part)
    except ValueError as error:
        raise BadRequest(f'Invalid cursor: unparseable date value "{part[:40]}"') from error
    return round((moment.replace(tzinfo=UTC) - _EPOCH) / timedelta(milliseconds=1))


def _date(ms: int) -> str:
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return str(ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
