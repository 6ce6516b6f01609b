"""Loose query text into values: the coercions of rest.md 1.1, each a reader from all texts of one key to one value.

A reader gets the texts of one key in their order, at least one, and raises `Refused` with the original's issue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pinako.wire import issues
from pinako.wire.issues import Issue, Refused, ValidationError

T = TypeVar("T")
D = TypeVar("D")

Pair = tuple[str, str]
Texts = Sequence[str]
Reader = Callable[[Texts], T]

MAX_INT32 = 2**31 - 1

TRUE_WORDS = ("true", "1", "yes", "on", "y", "enabled")
FALSE_WORDS = ("false", "0", "no", "off", "n", "disabled")

_BLANKS = " \t\n\v\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_NAME_AND_HOST = re.compile(r"[A-Za-z0-9_]+_(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|localhost:[0-9]+)")
_TRIMMED = re.compile(f"^[{_BLANKS}]+|[{_BLANKS}]+$")


class Fields:
    """The pairs of one query. `take` reads one key; every issue is collected, and `check` raises them together."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.texts: dict[str, list[str]] = {}
        self.issues: list[Issue] = []
        for key, text in pairs:
            self.texts.setdefault(key, []).append(text)

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def take(self, key: str, reader: Reader[T], default: D) -> T | D:
        """The value of a key, or the default where it is absent or refused (then an issue is kept)."""
        texts = self.texts.get(key)
        if texts is None:
            return default
        try:
            return reader(texts)
        except Refused as refused:
            self.issues.extend(issue.under(key) for issue in refused.issues)
            return default

    def refuse(self, key: str, issue: Issue) -> None:
        """Keep one more issue about a key."""
        self.issues.append(issue.under(key))

    def check(self) -> None:
        """Raise ValidationError if anything was refused."""
        if self.issues:
            raise ValidationError(self.issues)


def js_number(text: str) -> float | int:
    """What a JavaScript number conversion makes of text: blank is 0, unreadable NaN; whole values come as int."""
    trimmed = _TRIMMED.sub("", text)
    if not trimmed:
        return 0
    if _RADIX.fullmatch(trimmed):
        return int(trimmed, 0) if len(trimmed) < 300 else math.inf
    if trimmed.lstrip("+-") == "Infinity" and len(trimmed) <= 9:
        return math.inf
    if not _DECIMAL.fullmatch(trimmed):
        return math.nan
    value = float(trimmed)
    return int(value) if math.isfinite(value) and value.is_integer() else value


def whole(low: int = -MAX_INT32 - 1, high: int = MAX_INT32, *, above: int | None = None) -> Reader[int]:
    """`N`: a whole number within bounds; `above` is an exclusive lower bound. A repeated key is no number."""

    def read(texts: Texts) -> int:
        value = js_number(texts[0]) if len(texts) == 1 else math.nan
        return bounded(value, low, high, above=above)

    return read


def bounded(value: float, low: int, high: int, *, above: int | None = None) -> int:
    """A number as a whole one within bounds, or Refused."""
    if not isinstance(value, int):  # whole numbers may be larger than any float: they are compared as they are
        if math.isnan(value):
            raise Refused(issues.wrong_type("number", "NaN"))
        raise Refused(issues.wrong_type("number", "Infinity") if math.isinf(value) else issues.not_whole())
    if above is not None and value <= above:
        raise Refused(issues.too_small(above, inclusive=False))
    if value < low:
        raise Refused(issues.too_small(low))
    if value > high:
        raise Refused(issues.too_big(high))
    return value


def number(texts: Texts) -> float:
    """`N` without bounds, for values that are only parsed (`rating`)."""
    value = js_number(texts[0]) if len(texts) == 1 else math.nan
    if math.isnan(value) or math.isinf(value):
        raise Refused(issues.wrong_type("number", "NaN" if math.isnan(value) else "Infinity"))
    return value


def given(reader: Reader[int]) -> Reader[int | None]:
    """0 and blank mean not given."""
    return lambda texts: reader(texts) or None


def boolean(texts: Texts) -> bool:
    """`B`: one of the twelve words in any case; anything else, empty or repeated is refused."""
    if len(texts) > 1:
        raise Refused(issues.wrong_type("string", "array"))
    word = _boolean_word(texts[0])
    if word is None:
        raise Refused(issues.unknown_word(TRUE_WORDS + FALSE_WORDS))
    return word


def truthy(texts: Texts) -> bool:
    """`T` with the B words: false means false here (rest.md 20.17); any other text is true, empty is false."""
    return any(_truthy_text(text) for text in texts)


def _truthy_text(text: str) -> bool:
    word = _boolean_word(text)
    return bool(text) if word is None else word


def _boolean_word(text: str) -> bool | None:
    folded = text.strip().lower()
    if folded in TRUE_WORDS:
        return True
    return False if folded in FALSE_WORDS else None


def string(texts: Texts) -> str:
    """`S`: one text."""
    if len(texts) > 1:
        raise Refused(issues.wrong_type("string", "array"))
    return texts[0]


def said(texts: Texts) -> str | None:
    """`S` where blank means not given."""
    return string(texts).strip() or None


def short(longest: int) -> Reader[str | None]:
    """`S` of at most so many characters, trimmed; blank means not given."""

    def read(texts: Texts) -> str | None:
        text = said(texts)
        if text is not None and len(text) > longest:
            raise Refused(issues.too_big(longest, origin="string", unit="characters"))
        return text

    return read


def word_of(words: Sequence[str]) -> Reader[str]:
    """`E`: one word of a list, exact case."""

    def read(texts: Texts) -> str:
        if len(texts) > 1 or texts[0] not in words:
            raise Refused(issues.unknown_word(words))
        return texts[0]

    return read


def words_of(words: Sequence[str]) -> Reader[tuple[str, ...]]:
    """`E+` that also splits commas: words of a list, each exact; empty is refused."""

    def read(texts: Texts) -> tuple[str, ...]:
        found = items_of(texts)
        if not found or not all(item in words for item in found):
            raise Refused(_not_among(words, texts, found))
        return tuple(dict.fromkeys(found))

    return read


def _not_among(words: Sequence[str], texts: Texts, found: Sequence[str]) -> Issue:
    unknown = issues.unknown_word(words)
    if len(texts) == 1:
        return issues.no_branch([unknown], [issues.wrong_type("array", "string")])
    deep = [unknown.under(i) for i, item in enumerate(found) if item not in words]
    return issues.no_branch([unknown], deep)


def names(texts: Texts) -> tuple[str, ...]:
    """`S+` that also splits commas: free words; blank ones vanish."""
    return tuple(dict.fromkeys(items_of(texts)))


def items_of(texts: Texts) -> list[str]:
    """The parts of comma lists and repeated keys, trimmed, blank ones left out."""
    return [item for text in texts for part in text.split(",") if (item := part.strip())]


def ids(texts: Texts) -> tuple[int, ...]:
    """`L` of ids: commas, repeats, or both. A blank list is `[0]`, which matches nothing, as upstream."""
    found: list[int] = []
    refused: list[Issue] = []
    parts = [part for text in texts for part in text.split(",")]
    for i, part in enumerate(parts):
        try:
            found.append(bounded(js_number(part), -MAX_INT32 - 1, MAX_INT32))
        except Refused as error:
            refused.extend(issue.under(i) for issue in error.issues)
    if refused:
        raise Refused(*refused)
    return tuple(dict.fromkeys(found))


def never(expected: str) -> Reader[None]:
    """`X`: declared, but no text satisfies it."""

    def read(texts: Texts) -> None:
        raise Refused(issues.wrong_type(expected, "string" if len(texts) == 1 else "array"))

    return read


def path_id(text: str, *, key: str = "id") -> int:
    """An id in the path: 1 to 2147483647, else ValidationError with the issue at `key`."""
    try:
        return bounded(js_number(text), 1, MAX_INT32, above=0)
    except Refused as refused:
        raise ValidationError(issue.under(key) for issue in refused.issues) from None


def has_host(name: str) -> bool:
    """Whether a user name is `NAME_HOST`, as mirrored people are called whose name somebody else has here."""
    return _NAME_AND_HOST.fullmatch(name) is not None


def slug(text: str | None) -> str | None:
    """A user name as the original normalises it: the first blank becomes `_`, other odd characters go, lower case.

    A name that ends in a host keeps its dots and port, else the people who bear one could not be asked for. One of which
    nothing would be left stays as it is: it names somebody or nobody, never everybody.
    """
    said = (text or "").strip()
    kept = re.sub(r"[^A-Za-z0-9_]", "", said.replace(" ", "_", 1))
    return (said if has_host(said) else kept or said).lower() or None
