"""Range, If-Range, ETags and attachment names, odd ones included."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.errors import RangeNotSatisfiable
from pinako.media.ranges import (
    ascii_name,
    attachment,
    etag_of,
    http_date,
    matches,
    not_modified_since,
    read_range,
    read_ranges,
    unsatisfied,
)

ETAG = etag_of("abc")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("Bytes = 5-6", (5, 7)),
        ("bytes=99-", (99, 100)),
        ("bytes=5-6,", (5, 7)),
    ],
)
def test_one_range(header: str, expected: tuple[int, int]) -> None:
    """First and last byte, open ends, suffixes, ends beyond the content."""
    found = read_range(header, 100)
    assert found is not None
    assert (found.start, found.stop) == expected
    assert len(found) == expected[1] - expected[0]
    assert found.content_range == f"bytes {expected[0]}-{expected[1] - 1}/100"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-4",
        "bytes=1.5-2",
        "items=0-1",
        "bytes=0-1;2-3",
        "bytes=--5",
        "bytes=٣-٤",
        "bytes=" + ",".join("0-1" for _ in range(200)),
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_headers_that_are_ignored(header: str | None) -> None:
    """Broken grammar, other units and floods get the whole content."""
    assert read_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=500-600,700-"])
def test_ranges_outside_are_refused(header: str) -> None:
    """Nothing to send: 416, with the size."""
    with pytest.raises(RangeNotSatisfiable):
        read_range(header, 100)
    assert unsatisfied(100) == "bytes */100"


def test_an_empty_content_has_no_range() -> None:
    """Even the first byte lies outside."""
    with pytest.raises(RangeNotSatisfiable):
        read_range("bytes=0-", 0)


def test_several_ranges_are_the_whole_content() -> None:
    """But they can be read for who wants to send parts."""
    assert read_range("bytes=0-1,5-6", 100) is None
    assert [(r.start, r.stop) for r in read_ranges("bytes=0-1, 200-, -5", 100)] == [(0, 2), (95, 100)]


@given(st.text(max_size=60) | st.from_regex(r"bytes=[-0-9, ]{0,40}", fullmatch=True), st.integers(0, 10**12))
def test_any_header_gives_ranges_within_or_the_refusal(header: str, size: int) -> None:
    """Never a byte outside, never another error."""
    try:
        found = read_ranges(header, size)
    except RangeNotSatisfiable:
        return
    assert all(0 <= item.start < item.stop <= size for item in found)


@pytest.mark.parametrize(
    ("if_range", "partial"),
    [(None, True), (ETAG, True), (f"W/{ETAG}", False), ('"old"', False), ("Wed, 21 Oct 2026 07:28:00 GMT", False)],
)
def test_resumption_needs_the_same_content(if_range: str | None, partial: bool) -> None:
    """`If-Range` with the current strong ETag resumes, anything else starts again."""
    assert (read_range("bytes=50-", 100, if_range=if_range, etag=ETAG) is not None) is partial


def test_a_stale_if_range_wins_over_an_impossible_range() -> None:
    """The other content may be shorter: no 416, everything is sent."""
    assert read_range("bytes=500-", 100, if_range='"old"', etag=ETAG) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        (ETAG, True),
        (f"W/{ETAG}", True),
        ("*", True),
        (f'"x", {ETAG}', True),
        ('"x"', False),
        ("", False),
    ],
)
def test_if_none_match(header: str | None, expected: bool) -> None:
    """Weak comparison, lists, the star."""
    assert matches(header, ETAG) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Wed, 21 Oct 2026 07:28:00 GMT", True),
        ("Wed, 21 Oct 2026 07:27:59 GMT", False),
        ("yesterday", False),
        (None, False),
    ],
)
def test_if_modified_since(header: str | None, expected: bool) -> None:
    """Whole seconds; what is no date is ignored."""
    changed = datetime(2026, 10, 21, 7, 28, 0, 999, tzinfo=UTC)
    assert not_modified_since(header, changed) is expected
    assert http_date(changed) == "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("harborLightsXl_v10.safetensors", "harborLightsXl_v10.safetensors"),
        ("Küstenlicht v2.pt", "Kustenlicht v2.pt"),
        ("灯台.safetensors", "__.safetensors"),
        ('a"b;c=d.bin', "a_b_c_d.bin"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("x\r\nSet-Cookie: a", "x__Set-Cookie_ a"),
        ("...", "file"),
        ("", "file"),
    ],
)
def test_attachment_names(name: str, expected: str) -> None:
    """One quoted ASCII name, nothing that ends the header early."""
    assert attachment(name) == f'attachment; filename="{expected}"'


@given(st.text(max_size=400))
def test_any_name_is_safe(name: str) -> None:
    """Printable ASCII, no quotes, not too long, not empty."""
    safe = ascii_name(name)
    assert safe.isascii()
    assert safe.isprintable()
    assert 0 < len(safe) <= 200
    assert not set('"/\\;') & set(safe)
