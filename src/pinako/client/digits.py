"""Numbers in the heads and addresses of hosts, which may say anything."""

from __future__ import annotations

_MOST = 18


def number_of(text: str) -> int | None:
    """A number in plain digits; None for anything else, and for more digits than any size or page has."""
    return int(text) if len(text) <= _MOST and text.isascii() and text.isdecimal() else None
