"""Times, sizes and numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pinako.wire import times

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def _at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=min(max(ms, -62_135_596_800_000), 253_402_300_799_999))


def day(ms: int | None) -> str:
    """`3 Mar 2026`; empty for no time."""
    if ms is None:
        return ""
    at = _at(ms)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def day_of(text: str | None) -> str:
    """The day of a wire time, `2026-03-03T10:00:00.000Z`, in the same words; a text that is none as it stands."""
    year, _, rest = (text or "")[:10].partition("-")
    month, _, number = rest.partition("-")
    if not (year.isdecimal() and month.isdecimal() and number.isdecimal() and 1 <= int(month) <= 12):
        return text or ""
    return f"{int(number)} {_MONTHS[int(month) - 1]} {int(year)}"


def moment(ms: int | None) -> str:
    """`3 Mar 2026, 14:05 UTC`."""
    return "" if ms is None else f"{day(ms)}, {_at(ms):%H:%M} UTC"


def iso(ms: int | None) -> str:
    """The same for machines."""
    return times.iso(ms) or ""


def size(count: float | None) -> str:
    """Bytes as `3.4 MB`, in steps of 1024."""
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def number(value: float) -> str:
    """`12,345`; fractions as short as they are exact."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def short_number(value: int) -> str:
    """`12.3k`, `4.5M`: for counters on small cards."""
    for unit, step in (("M", 1_000_000), ("k", 1_000)):
        if value >= step:
            share = value / step
            return f"{share:.0f}{unit}" if share >= 100 else f"{share:.1f}".removesuffix(".0") + unit
    return str(value)
