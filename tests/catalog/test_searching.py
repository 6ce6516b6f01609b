"""The query language: what a text asks for, and that what is written down again asks for the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog import levels
from pinako.catalog.searching import Choice, Search, Span, names_of, parse_search
from pinako.errors import BadRequest


def ms(year: int, month: int = 1, day: int = 1) -> int:
    """The first millisecond of a day, UTC."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("misty  harbour", {"words": ("misty", "harbour")}),
        ("harbour -night", {"words": ("harbour",), "without_words": ("night",)}),
        ('"two words" -"not these"', {"words": ("two words",), "without_words": ("not these",)}),
        ('model:"Glass Atlas"', {"models": (Choice(("Glass Atlas",)),)}),
        ("Checkpoint:atlas", {"models": (Choice(("atlas",)),)}),
        ("tag:sea,lighthouse -tag:night", {"tags": (Choice(("sea", "lighthouse")), Choice(("night",), out=True))}),
        ("tag:sea tag:fog", {"tags": (Choice(("sea",)), Choice(("fog",)))}),
        ("by:inkharbor", {"users": (Choice(("inkharbor",)),)}),
        ("in:12", {"collections": (Choice(("12",)),)}),
        ("seed:412288061", {"seed": Span(412288061, 412288061)}),
        ("steps>30", {"steps": Span(31, None)}),
        ("steps>=30 steps<40", {"steps": Span(30, 39)}),
        ("steps:20..40", {"steps": Span(20, 40)}),
        ("steps:20..", {"steps": Span(20, None)}),
        ("cfg:5..8", {"cfg": Span(500, 800)}),
        ("cfg<=7.5", {"cfg": Span(None, 750)}),
        ("size:1024x1536", {"width": Span(1024, 1024), "height": Span(1536, 1536)}),
        ("size>=1000x800 width<=1200", {"width": Span(1000, 1200), "height": Span(800, None)}),
        ("date:2025-03", {"date": Span(ms(2025, 3), ms(2025, 4) - 1)}),
        ("date:2024..2025", {"date": Span(ms(2024), ms(2026) - 1)}),
        ("date>2024", {"date": Span(ms(2025), None)}),
        ("date<2024-02-29", {"date": Span(None, ms(2024, 2, 29) - 1)}),
        ("level:pg,pg13", {"level": levels.SFW}),
        ("-level:xxx", {"level": levels.ALL & ~levels.XXX}),
        ("level:pg level:r", {"level": 0}),
        ("has:meta has:onsite", {"has_meta": True, "on_site": True}),
        ("8k:1.2 a>b http://x", {"words": ("8k:1.2", "a>b", "http://x")}),
        ("tag:", {"words": ("tag:",)}),
        ('model:"never closed', {"models": (Choice(("never closed",)),)}),
    ],
)
def test_a_text_asks_for(text: str, found: dict[str, Any]) -> None:
    assert parse_search(text) == Search(**found)


@pytest.mark.parametrize(
    "text",
    ["steps:many", "steps>20..40", "-steps:20", "cfg:7.555", "size:big", "size>1000x1000", "date:2025-13", "date:2025-02-30",
     "level:spicy", "level>pg", "has:fun", "-has:meta", "seed:-1", "width:" + "9" * 21, "a" * 1001, "a " * 65],
)  # fmt: skip
def test_what_cannot_be_read_is_said_so(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_search(text)
    assert len(refused.value.message) > 20


# --- what is written down again asks for the same -----------------------------------------------------------------

KEYS = {"models": "model", "loras": "lora", "tags": "tag", "users": "user", "bases": "base", "types": "type",
        "samplers": "sampler", "collections": "collection"}  # fmt: skip
_LETTERS = st.characters(blacklist_categories=("Cs", "Cc", "Z"), blacklist_characters='"')
NAMES = st.text(st.one_of(_LETTERS, st.just(" ")), min_size=1, max_size=12).map(str.strip).filter(bool)
WORDS = st.from_regex(r"[a-z0-9é]{1,10}", fullmatch=True)
CHOICES = st.builds(Choice, st.lists(NAMES, min_size=1, max_size=3).map(tuple), st.booleans())
NUMBERS = st.integers(0, 10**9)


@st.composite
def spans(draw: Any) -> Span:
    """A span with at least one side."""
    low, high = draw(st.none() | NUMBERS), draw(st.none() | NUMBERS)
    return Span(low, high) if (low, high) != (None, None) else Span(draw(NUMBERS), None)


@st.composite
def searches(draw: Any) -> Search:
    """What a text can ask for."""
    given_: dict[str, Any] = {name: tuple(draw(st.lists(CHOICES, max_size=2))) for name in KEYS}
    for name in ("seed", "steps", "width", "height"):
        given_[name] = draw(st.none() | spans())
    return Search(
        words=tuple(draw(st.lists(WORDS, max_size=4))),
        without_words=tuple(draw(st.lists(WORDS, max_size=4))),
        level=draw(st.none() | st.integers(1, levels.ALL)),
        has_meta=draw(st.booleans()),
        on_site=draw(st.booleans()),
        **given_,
    )


def write(search: Search) -> str:
    """A text that asks for this."""
    parts = [*search.words, *(f"-{word}" for word in search.without_words)]
    for field, key in KEYS.items():
        for one in getattr(search, field):
            named = ",".join(f'"{name}"' for name in one.names)
            parts.append(f"{'-' if one.out else ''}{key}:{named}")
    for name in ("seed", "steps", "width", "height"):
        span = getattr(search, name)
        if span is not None:
            parts.append(f"{name}:{'' if span.low is None else span.low}..{'' if span.high is None else span.high}")
    if search.level is not None:
        parts.append("level:" + ",".join(levels.NAMES[bit] for bit in levels.BITS if search.level & bit))
    parts += ["has:meta"] * search.has_meta + ["has:onsite"] * search.on_site
    return "  ".join(parts)


@given(searches())
def test_what_is_written_down_again_asks_for_the_same(search: Search) -> None:
    text = write(search)
    if len(text) <= 1000:
        assert parse_search(text) == search


@given(searches(), searches())
def test_more_words_narrow_and_never_widen(one: Search, other: Search) -> None:
    text = f"{write(one)} {write(other)}"
    if len(text) > 1000:
        return
    both = parse_search(text)
    for name in ("seed", "steps", "width", "height"):
        spans_ = [span for span in (getattr(one, name), getattr(other, name)) if span is not None]
        for span in spans_:
            assert (getattr(both, name) & span) == getattr(both, name)
    for search in (one, other):
        assert set(search.words) <= set(both.words)
        assert set(search.tags) <= set(both.tags)
        assert both.level is None or search.level is None or both.level & ~search.level == 0


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = parse_search(text)
    except BadRequest:
        return
    assert msgspec.json.decode(msgspec.json.encode(found), type=Search) == found


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_names_in_quotes_keep_their_marks(names: list[str]) -> None:
    assert names_of(",".join(f'"{name}"' for name in names)) == tuple(names)
