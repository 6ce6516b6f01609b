"""Times of the wire: ISO-8601 text in UTC with milliseconds and a Z, and back to integer milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999, the end of what ISO text with four digits can say."""


@overload
def iso(ms: int) -> str: ...
@overload
def iso(ms: None) -> None: ...
def iso(ms: int | None) -> str | None:
    """`2026-01-11T23:49:44.272Z`; None stays None. Beyond the years 1 to 9999 the nearest of them is written."""
    return None if ms is None else _text_of(ms)


@lru_cache(maxsize=4096)
def _text_of(ms: int) -> str:
    """Kept, since a thing says most of its times more than once, and what comes together has the same ones."""
    whole = min(max(ms, -62_135_596_800_000), _LATEST)
    return f"{(_EPOCH + timedelta(milliseconds=whole)).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def millis(text: str) -> int | None:
    """Milliseconds of ISO text with or without zone (then UTC), or None where it is no time."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return millis_of(at)


def millis_of(at: datetime) -> int:
    """Milliseconds of a datetime; a naive one is taken as UTC, because the original's database JSON leaves the Z off."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)
