"""Cursor tokens: back and forth, of another sort, and everything that is none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.errors import BadRequest
from pinako.feed.cursor import bare_value, read_cursor, write_cursor

SORTS = ("Newest", "Most Reactions", "Highest Rated")
LATEST = 253_402_300_799_999


@given(
    st.sampled_from(SORTS),
    st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=3),
    st.integers(0, 2**31 - 1),
)
def test_a_position_survives_its_token(sort: str, keys: list[int], id: int) -> None:
    token = write_cursor(sort, [*keys, id])
    assert read_cursor(sort, token, len(keys) + 1) == (*keys, id)
    other = SORTS[SORTS.index(sort) - 1]
    with pytest.raises(BadRequest):
        read_cursor(other, token, len(keys) + 1)


@given(st.integers(-62_135_596_800_000, LATEST), st.integers(0, 2**31 - 1))
def test_dates_keep_their_milliseconds(ms: int, id: int) -> None:
    assert read_cursor("Newest", write_cursor("Newest", (ms, id), dated=True), 2) == (ms, id)


def test_the_documented_forms_are_read() -> None:
    assert read_cursor("Newest", "2026-02-03T10:21:00.000Z|70001", 2) == (1770114060000, 70001)
    assert read_cursor("Newest", "2026-02-03 10:21:00.000|70001", 2) == (1770114060000, 70001)
    assert read_cursor("Highest Rated", "5120|88031|4411", 3) == (5120, 88031, 4411)
    assert write_cursor("Newest", (1770114060000, 70001), dated=True) == "newest.2026-02-03T10:21:00.000Z|70001"
    assert bare_value("101") == 101
    assert bare_value("2026-02-03T10:21:00.000Z") == 1770114060000
    assert bare_value("17|70001") is None


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("1", "Invalid cursor: expected 2 value(s) for this sort, received 1"),
        ("1|2|3", "Invalid cursor: expected 2 value(s) for this sort, received 3"),
        ("newest.", "Invalid cursor: expected 2 value(s) for this sort, received 1"),
        ("a|2", 'Invalid cursor: unparseable numeric value "a"'),
        ("2026-13-40|2", 'Invalid cursor: unparseable date value "2026-13-40"'),
        ("2026-13-40T00:00:00|2", 'Invalid cursor: unparseable date value "2026-13-40T00:00:00"'),
        ("1|4294967296", 'Invalid cursor: unparseable numeric value "4294967296"'),
        ("1|-1", 'Invalid cursor: unparseable numeric value "-1"'),
        ("٣|2", 'Invalid cursor: unparseable numeric value "٣"'),
        ("1|" + "9" * 50, 'Invalid cursor: unparseable numeric value "' + "9" * 40 + '"'),
        ("oldest.1|2", "Invalid cursor: it belongs to another sort (oldest)"),
    ],
)
def test_anything_else_is_refused(token: str, message: str) -> None:
    with pytest.raises(BadRequest, match="Invalid cursor") as refused:
        read_cursor("Newest", token, 2)
    assert refused.value.message == message


def test_a_time_is_no_count() -> None:
    """The bare form of another sort, which names no sort."""
    with pytest.raises(BadRequest, match="unparseable numeric value"):
        read_cursor("Most Reactions", "2026-02-03 10:21:00.000|70001", 2)
    with pytest.raises(BadRequest, match="unparseable numeric value"):
        read_cursor("Newest", "2026-02-03 10:21:00.000|2026-02-03 10:21:00.000", 2)


@given(st.text(max_size=40))
def test_no_text_does_harm(token: str) -> None:
    with suppress(BadRequest):
        assert len(read_cursor("Newest", token, 2)) == 2
    with suppress(BadRequest):
        assert bare_value(token) is None or token.strip()
