"""Matching text without regard to case, alike on both engines.

Columns that end in `_key` hold folded text already, with an index: compare them to `fold(asked)`, or take a range for a prefix.
Other columns: `database.contains(column)` is the condition, `fold(asked)` its value. Neither has wildcards to escape.
"""

from __future__ import annotations

LAST = "\U0010ffff"


def fold(text: str) -> str:
    """Text as it is compared: lower case."""
    return text.lower()


def starts(column: str) -> str:
    """The condition that a folded column begins with something; its two values are `prefix(asked)`."""
    return f"({column} >= ? AND {column} < ?)"


def prefix(text: str) -> tuple[str, str]:
    """The bounds of everything that begins with this text (folded here)."""
    folded = fold(text)
    return folded, folded + LAST
