"""The query language of the search box, of `q` on REST and of the command line: text into a Search. Pure.

    misty harbour -blurry model:"Glass Atlas" lora:ink tag:sea -tag:night seed:412288061 steps>30 cfg:5..8
    size:1024x1024 width>=1000 date:2025-03 date>2024 level:pg,pg13 user:inkharbor base:"SDXL 1.0" type:video has:meta

Bare words must stand in the prompt, words with `-` must not. `key:value` narrows; a comma between values means any of them; a
key that comes twice means both. Quotes keep blanks and marks. A word with a colon that is no key is a word of the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from pinako.catalog import levels
from pinako.errors import BadRequest

MOST_LETTERS = 1000
MOST_PARTS = 64


class Span(msgspec.Struct, frozen=True):
    """Whole numbers from `low` to `high`, both included; None leaves a side open."""

    low: int | None = None
    high: int | None = None

    def __and__(self, other: Span) -> Span:
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Span(max(lows, default=None), min(highs, default=None))


class Choice(msgspec.Struct, frozen=True):
    """One `key:a,b`: any of these names, or with `out` none of them."""

    names: tuple[str, ...]
    out: bool = False


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What a text asks for. Names are as typed; whoever answers looks them up. Times in milliseconds, both ends included."""

    words: tuple[str, ...] = ()
    without_words: tuple[str, ...] = ()
    models: tuple[Choice, ...] = ()
    loras: tuple[Choice, ...] = ()
    tags: tuple[Choice, ...] = ()
    users: tuple[Choice, ...] = ()
    bases: tuple[Choice, ...] = ()
    types: tuple[Choice, ...] = ()
    samplers: tuple[Choice, ...] = ()
    collections: tuple[Choice, ...] = ()
    seed: Span | None = None
    steps: Span | None = None
    cfg: Span | None = None
    """In hundredths."""
    width: Span | None = None
    height: Span | None = None
    date: Span | None = None
    level: int | None = None
    has_meta: bool = False
    on_site: bool = False

    @property
    def text(self) -> str:
        """The words as one text."""
        return " ".join(self.words)


class Part(msgspec.Struct, frozen=True):
    """One piece of the text: a word (no key), or key, operator and value. `out`: it began with `-`."""

    value: str
    key: str = ""
    operator: str = ""
    out: bool = False


_PART = re.compile(
    r"""(?P<out>-?)(?:(?P<key>[A-Za-z]+)(?P<operator>>=|<=|[:><=]))?(?P<value>(?:"[^"]*"?|[^\s"]+)+|)""", re.VERBOSE
)
_GIVEN = re.compile(r'"([^"]*)"?|([^",]+)')
_SIZE = re.compile(r"(\d{1,6})[x×*](\d{1,6})")


def parse_search(text: str) -> Search:
    """Read a text. BadRequest for a key whose value cannot be read, in a sentence that a person understands."""
    if len(text) > MOST_LETTERS:
        raise BadRequest(f"A search has at most {MOST_LETTERS} letters")
    found: dict[str, object] = {}
    words: list[str] = []
    without: list[str] = []
    for count, part in enumerate(split_parts(text)):
        if count >= MOST_PARTS:
            raise BadRequest(f"A search has at most {MOST_PARTS} parts")
        reader = _READERS.get(part.key)
        if reader is None:
            (without if part.out else words).append(part.value)
        else:
            reader(found, part)
    return Search(words=tuple(words), without_words=tuple(without), **found)  # type: ignore[arg-type]


def split_parts(text: str) -> Iterator[Part]:
    """The pieces of a text in their order, empty ones left out."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _PART.match(text, at)
        if found is None or found.end() == at:
            at += 1
            continue
        at = found.end()
        yield from _part(found)


def _part(found: re.Match[str]) -> Iterator[Part]:
    key, value = (found["key"] or "").lower(), found["value"]
    if key in _READERS and value:
        yield Part(value, key, found["operator"], bool(found["out"]))
        return
    # No key of ours: `8k:1.2`, `a>b` are words like any others.
    word = f"{found['key'] or ''}{found['operator'] or ''}{value}".replace('"', " ").strip()
    if word:
        yield Part(word, out=bool(found["out"]))


def names_of(value: str) -> tuple[str, ...]:
    """The names in a value: `a,"b, c"` are two."""
    found = (quoted or plain for quoted, plain in _GIVEN.findall(value))
    return tuple(name.strip() for name in found if name.strip())


def choose(field: str) -> Callable[[dict[str, object], Part], None]:
    """A key whose values are names."""

    def read(found: dict[str, object], part: Part) -> None:
        names = names_of(part.value)
        if names:
            held = found.get(field, ())
            found[field] = (*held, Choice(names, part.out))  # type: ignore[misc]

    return read


def measure(
    field: str, read_one: Callable[[str], Span | None], example: str
) -> Callable[[dict[str, object], Part], None]:
    """A key whose value is a number or time: `:x`, `>x`, `>=x`, `<x`, `<=x`, `:x..y`."""

    def read(found: dict[str, object], part: Part) -> None:
        span = _span(part, read_one)
        if span is None or part.out:
            raise BadRequest(f"“{part.key}{part.operator}{part.value}” cannot be read; try {example}")
        held = found.get(field)
        found[field] = held & span if isinstance(held, Span) else span

    return read


def _span(part: Part, read_one: Callable[[str], Span | None]) -> Span | None:
    low_text, dots, high_text = part.value.strip('"').partition("..")
    low = read_one(low_text) if low_text else Span()
    high = read_one(high_text) if high_text else Span()
    if low is None or high is None or not (low_text or high_text):
        return None
    if dots:
        return Span(low.low, high.high) if part.operator in (":", "=") else None
    return {
        ":": low,
        "=": low,
        ">": Span(None if low.high is None else low.high + 1, None),
        ">=": Span(low.low, None),
        "<": Span(None, None if low.low is None else low.low - 1),
        "<=": Span(None, low.high),
    }[part.operator]


def whole(text: str) -> Span | None:
    """A whole number up to 2**64."""
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        return None
    return Span(int(text), int(text))


def hundredths(text: str) -> Span | None:
    """A number with up to two decimals, as whole hundredths."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,2})?", text):
        return None
    value = round(float(text) * 100)
    return Span(value, value)


def day_span(text: str) -> Span | None:
    """A year, month or day, from its first millisecond to its last, UTC."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", text)
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        first = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        following = _next(first, month, day)
    except (ValueError, OverflowError):
        return None
    return Span(_ms(first), _ms(following) - 1)


def _next(first: datetime, month: int | None, day: int | None) -> datetime:
    if day is not None:
        return first + timedelta(days=1)
    if month is None:
        return first.replace(year=first.year + 1)
    return first.replace(year=first.year + month // 12, month=month % 12 + 1)


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _read_size(found: dict[str, object], part: Part) -> None:
    match = _SIZE.fullmatch(part.value.strip('"').lower())
    if match is None or part.out or part.operator not in (":", "=", ">=", "<="):
        raise BadRequest(
            f"“{part.key}{part.operator}{part.value}” cannot be read; try size:1024x1536 or size>=1000x1000"
        )
    for field, text in (("width", match[1]), ("height", match[2])):
        number = int(text)
        span = Span(None if part.operator == "<=" else number, None if part.operator == ">=" else number)
        held = found.get(field)
        found[field] = held & span if isinstance(held, Span) else span


_LEVELS = {
    **{name.lower(): bit for bit, name in levels.NAMES.items() if bit in levels.BITS},
    "pg13": levels.PG13,
    "sfw": levels.SFW,
    "all": levels.ALL,
}


def _read_level(found: dict[str, object], part: Part) -> None:
    bits = [_LEVELS.get(name.lower()) for name in names_of(part.value)]
    if part.operator not in (":", "=") or None in bits:
        raise BadRequest(
            f"“{part.key}{part.operator}{part.value}” is no level; there are pg, pg13, r, x, xxx, sfw and all"
        )
    mask = 0
    for bit in bits:
        mask |= bit or 0
    held = found.get("level")
    mask = levels.ALL & ~mask if part.out else mask
    found["level"] = mask & held if isinstance(held, int) else mask


_HAS = {"meta": "has_meta", "metadata": "has_meta", "prompt": "has_meta", "site": "on_site", "onsite": "on_site"}


def _read_has(found: dict[str, object], part: Part) -> None:
    for name in names_of(part.value):
        field = _HAS.get(name.lower())
        if field is None or part.out:
            raise BadRequest(f"“{part.key}:{part.value}” cannot be read; try has:meta or has:onsite")
        found[field] = True


_READERS: dict[str, Callable[[dict[str, object], Part], None]] = {
    "model": choose("models"),
    "checkpoint": choose("models"),
    "lora": choose("loras"),
    "tag": choose("tags"),
    "user": choose("users"),
    "by": choose("users"),
    "base": choose("bases"),
    "type": choose("types"),
    "sampler": choose("samplers"),
    "collection": choose("collections"),
    "in": choose("collections"),
    "seed": measure("seed", whole, "seed:412288061"),
    "steps": measure("steps", whole, "steps:30, steps>30 or steps:20..40"),
    "cfg": measure("cfg", hundredths, "cfg:7 or cfg:5..8"),
    "width": measure("width", whole, "width:1024 or width>=1000"),
    "height": measure("height", whole, "height:1024 or height>=1000"),
    "date": measure("date", day_span, "date:2025, date:2025-03 or date>=2025-03-14"),
    "size": _read_size,
    "level": _read_level,
    "has": _read_has,
}
KEYS = tuple(_READERS)
"""Every key that the language knows."""
