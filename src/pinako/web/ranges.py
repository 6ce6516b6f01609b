"""Which bytes of a file a request wants: `Range` and `If-Range` (RFC 9110, 13.1.5 and 14)."""

from __future__ import annotations

import re

from pinako.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE)
_DIGITS = 19


def wanted_span(size: int, asked: str, if_range: str = "", etag: str = "") -> tuple[int, int] | None:
    """First byte and the one after the last, or None for the whole file.

    What cannot be read, and several ranges at once, mean the whole file: a server may ignore Range. RangeNotSatisfiable when
    the range lies outside. With `if_range`, the range counts only if it names this very file (`etag`, a strong one).
    """
    found = _ONE_RANGE.fullmatch(asked)
    if found is None or (if_range and if_range.strip() != etag):
        return None
    first, last = found.groups()
    if (not first and not last) or max(len(first), len(last)) > _DIGITS:
        return None
    if not first:
        return _tail(size, int(last))
    start, stop = int(first), int(last) + 1 if last else size
    if last and stop <= start:
        return None
    if start >= size:
        raise outside(size)
    return start, min(stop, size)


def _tail(size: int, length: int) -> tuple[int, int]:
    if length == 0 or size == 0:
        raise outside(size)
    return max(size - length, 0), size


def outside(size: int) -> RangeNotSatisfiable:
    """The refusal of a range; the caller says the size in `Content-Range`."""
    return RangeNotSatisfiable(f"The file has {size} bytes")
