"""Validation issues in the original's words: one constructor for each kind that occurs, and the error that carries them.

Codes, keys and messages are those of the validator that today's server pins (rest.md 5, trpc.md 1.9).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from pinako.errors import BadRequest

Place = tuple[str | int, ...]
"""Where in the input: keys and list positions."""


class Issue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with an input."""

    expected: str | UnsetType = UNSET
    origin: str | UnsetType = UNSET
    code: str
    received: str | UnsetType = UNSET
    minimum: int | float | UnsetType = UNSET
    maximum: int | float | UnsetType = UNSET
    inclusive: bool | UnsetType = UNSET
    values: tuple[str, ...] | UnsetType = UNSET
    errors: tuple[tuple[Issue, ...], ...] | UnsetType = UNSET
    format: str | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    path: Place = ()
    message: str

    def under(self, *place: str | int) -> Issue:
        """The same issue, found deeper in the input."""
        return msgspec.structs.replace(self, path=(*place, *self.path))


class ValidationError(BadRequest):
    """An input that does not fit. `message` is the JSON text of the issues, as the original sends it."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__(issues_text(self.issues))

    @property
    def pretty(self) -> str:
        """The two-line text that path ids and downloads answer with: `✖ message`, then where."""
        return "\n".join(_pretty(issue) for issue in self.issues)


class Refused(Exception):
    """Raised inside a reader for one value; never leaves this room."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__(issues[0].message)
        self.issues = issues


def issues_text(issues: Sequence[Issue]) -> str:
    """The JSON text of an issue list with two-space indents."""
    return json.dumps(issue_dicts(issues), indent=2, ensure_ascii=False)


def issue_dicts(issues: Sequence[Issue]) -> list[Any]:
    """The issues as plain JSON values."""
    return [_as_dict(issue) for issue in issues]


def _as_dict(issue: Issue) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(issue, errors=UNSET))
    message = plain.pop("message")
    plain.pop("path", None)
    if issue.errors is not UNSET:
        plain["errors"] = [issue_dicts(branch) for branch in issue.errors]
    return {**plain, "path": list(issue.path), "message": message}


def _pretty(issue: Issue) -> str:
    if not issue.path:
        return f"✖ {issue.message}"
    return f"✖ {issue.message}\n  → at {dotted(issue.path)}"


def dotted(place: Place) -> str:
    """`tags[0].name`, as the original prints a place."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text


def kind_of(value: object) -> str:
    """JavaScript's word for a JSON value, as its validator's messages use it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "NaN" if isinstance(value, float) and math.isnan(value) else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def wrong_type(expected: str, received: str) -> Issue:
    """A value of another type; `received` is a word of `kind_of`, or `undefined`."""
    told = received if received in {"NaN", "Infinity"} else UNSET
    shown = "number" if received == "Infinity" else received
    message = f"Invalid input: expected {expected}, received {shown}"
    return Issue(expected=expected, code="invalid_type", received=told, message=message)


def not_whole() -> Issue:
    """A number with a fraction where a whole one must be."""
    message = "Invalid input: expected int, received number"
    return Issue(expected="int", format="safeint", code="invalid_type", message=message)


def too_small(minimum: int, *, inclusive: bool = True, origin: str = "number", unit: str = "") -> Issue:
    """Below a bound; `unit` (characters, items) for things that have a size."""
    sign = ">=" if inclusive else ">"
    return Issue(
        origin=origin, code="too_small", minimum=minimum, inclusive=inclusive,
        message=f"Too small: expected {origin} to {_extent(sign, minimum, unit)}",
    )  # fmt: skip


def too_big(maximum: int, *, inclusive: bool = True, origin: str = "number", unit: str = "") -> Issue:
    """Above a bound."""
    sign = "<=" if inclusive else "<"
    return Issue(
        origin=origin, code="too_big", maximum=maximum, inclusive=inclusive,
        message=f"Too big: expected {origin} to {_extent(sign, maximum, unit)}",
    )  # fmt: skip


def _extent(sign: str, bound: int, unit: str) -> str:
    return f"have {sign}{bound} {unit}" if unit else f"be {sign}{bound}"


def unknown_word(words: Sequence[str]) -> Issue:
    """A word outside a list; the issue names the list."""
    shown = "|".join(f'"{word}"' for word in words)
    message = f"Invalid input: expected {shown}" if len(words) == 1 else f"Invalid option: expected one of {shown}"
    return Issue(code="invalid_value", values=tuple(words), message=message)


def no_branch(*branches: Sequence[Issue]) -> Issue:
    """A value that fits none of several forms."""
    return Issue(code="invalid_union", errors=tuple(tuple(branch) for branch in branches), message="Invalid input")


def wrong_pattern(pattern: str, message: str = "") -> Issue:
    """Text that does not match a pattern (in JavaScript's notation, with its slashes)."""
    told = message or f"Invalid string: must match pattern {pattern}"
    return Issue(origin="string", code="invalid_format", format="regex", pattern=pattern, message=told)


def broken_rule(message: str) -> Issue:
    """A rule between fields."""
    return Issue(code="custom", message=message)
