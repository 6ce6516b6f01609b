"""Conditional and partial answers (RFC 9110): Range, If-Range, ETags, and the name a download is saved under."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

import msgspec

from pinako.errors import RangeNotSatisfiable

_RANGE: Final = re.compile(r"(\d{0,19})[ \t]*-[ \t]*(\d{0,19})", re.ASCII)
_MOST_RANGES: Final = 32
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|;=]')


class ByteRange(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes `start` to `stop`, `stop` not included, within a content of `size` bytes."""

    start: int
    stop: int
    size: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """The value of the `Content-Range` header."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def read_ranges(header: str | None, size: int) -> tuple[ByteRange, ...]:
    """The ranges of a `Range` header that lie within `size` bytes, in the order asked. Empty: send everything.

    A header that breaks the grammar, another unit, and more ranges than anybody needs are ignored, as the RFC wants.
    RangeNotSatisfiable where all of them lie outside: the answer is 416 with `unsatisfied(size)`.
    """
    unit, equals, text = (header or "").strip().partition("=")
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not equals or unit.strip().lower() != "bytes" or not 0 < len(parts) <= _MOST_RANGES:
        return ()
    pairs = [_read_pair(part) for part in parts]
    if any(pair is None for pair in pairs):
        return ()
    found = [_within(pair, size) for pair in pairs if pair is not None]
    kept = tuple(item for item in found if item is not None)
    if not kept:
        raise RangeNotSatisfiable("No such bytes")
    return kept


def read_range(header: str | None, size: int, *, if_range: str | None = None, etag: str = "") -> ByteRange | None:
    """The one range to send, or None for everything.

    Several ranges are answered with the whole content: legal, and what no download tool minds. `if_range` must be the
    current strong `etag`, else the caller's beginning is of another content and everything is sent again.
    """
    if if_range is not None and not matches_strongly(if_range, etag):
        return None
    ranges = read_ranges(header, size)
    return ranges[0] if len(ranges) == 1 else None


def unsatisfied(size: int) -> str:
    """The `Content-Range` of a 416."""
    return f"bytes */{size}"


def etag_of(tag: str) -> str:
    """A strong ETag from a text that changes with the content."""
    return f'"{tag}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names the content (weak comparison): the answer is 304."""
    if if_none_match is None:
        return False
    names = [name.strip().removeprefix("W/") for name in if_none_match.split(",")]
    return "*" in names or etag.removeprefix("W/") in names


def matches_strongly(if_range: str, etag: str) -> bool:
    """Whether an `If-Range` header names exactly this content. Dates never do: contents here have no date."""
    return not if_range.startswith("W/") and bool(etag) and if_range.strip() == etag


def not_modified_since(if_modified_since: str | None, changed: datetime) -> bool:
    """Whether an `If-Modified-Since` date is not older than `changed` (whole seconds count)."""
    if not if_modified_since:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since)
    except (ValueError, TypeError, OverflowError):
        return False
    aware = since if since.tzinfo else since.replace(tzinfo=UTC)
    return changed.replace(microsecond=0) <= aware


def http_date(moment: datetime) -> str:
    """A date as headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def attachment(name: str) -> str:
    """`attachment; filename="NAME"`, exactly so and in ASCII: clients split the header at `filename=`."""
    return f'attachment; filename="{ascii_name(name)}"'


def ascii_name(name: str) -> str:
    """A file name that every system takes: accents dropped, what cannot be kept is `_`, its extension stays."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    plain = _UNSAFE.sub("_", plain.encode("ascii", "replace").decode("ascii"))
    return plain.strip(" .")[-200:] or "file"


def _read_pair(part: str) -> tuple[str, str] | None:
    match = _RANGE.fullmatch(part)
    if match is None or match.group(0).strip(" \t") == "-":
        return None
    first, last = match.groups()
    return None if first and last and int(last) < int(first) else (first, last)


def _within(pair: tuple[str, str], size: int) -> ByteRange | None:
    first, last = pair
    if first:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    else:
        start, stop = max(0, size - int(last)), size
    return ByteRange(start=start, stop=stop, size=size) if start < stop else None
