"""Tiles and cards: whatever is written in a record, its markup is the same elements, and what was written is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from pinako.web.gallery.drawing import Drawing
from pinako.web.gallery.rich import clean
from pinako.web.gallery.tiles import CardVersion, CollectionCard, Facts, ModelCard, PostCard, Rank, Somebody, Tile

DRAW = Drawing("account", "/static/{}".format)
HOSTILE = """'"><script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt; {{ 7 * 7 }} \x00 ` --> ]]>"""
INKHARBOR = Somebody(5, "inkharbor")
TILE = Tile(
    id=3, url="key", hash="LEHV6nWB", name="sea.png", alt="A misty harbour", user=INKHARBOR, metadata=Facts(65.0),
    width=800, height=600, reacted=7,
)  # fmt: skip
DRAWN: dict[str, tuple[Callable[..., Markup], Any]] = {
    "picture": (DRAW.tile, TILE),
    "video": (DRAW.tile, msgspec.structs.replace(TILE, type="video")),
    "sound": (DRAW.tile, msgspec.structs.replace(TILE, type="audio")),
    "model": (
        DRAW.model_card,
        ModelCard(
            id=1, name="Glass Atlas", type="LORA", user=INKHARBOR, rank=Rank(12_300, 5),
            version=CardVersion(2, "v2", "SDXL 1.0"), cover=TILE,
        ),
    ),
    "post": (
        DRAW.post_card,
        PostCard(
            id=1, title="Quiet harbours", published_at="2026-03-03T10:00:00.000Z", user=INKHARBOR, image_count=2,
            covers=(TILE, msgspec.structs.replace(TILE, id=4)),
        ),
    ),
    "collection": (
        DRAW.collection_card,
        CollectionCard(id=1, name="Lighthouses", read="Public", user=INKHARBOR, item_count=9, covers=(TILE,)),
    ),
}  # fmt: skip
NOT_SHOWN = {"type", "read"}
"""Words that choose what is drawn, as the types of a tile do; a model's is shown."""


class Elements(HTMLParser):
    """What a browser makes of a text: its elements with the names of their attributes; and everything that it says."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple[str, ...]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, *(name for name, _ in attrs)))
        self.said.extend(value or "" for _, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.shape.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_comment(self, data: str) -> None:
        self.shape.append(("comment", data))


def texts_of(record: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a record, and what is in it, holds text: found by its types, so that a new field is tried too."""
    for name, kind in get_type_hints(type(record)).items():
        value = getattr(record, name)
        if isinstance(value, msgspec.Struct):
            yield from texts_of(value, (*path, name))
        elif isinstance(value, tuple):
            yield from (found for at, one in enumerate(value) for found in texts_of(one, (*path, name, str(at))))
        elif kind in (str, str | None):
            yield (*path, name)


def put(record: Any, path: tuple[str, ...], text: str) -> Any:
    """The record with another text there."""
    name, *rest = path
    if isinstance(record, tuple):
        at = int(name)
        return (*record[:at], put(record[at], tuple(rest), text), *record[at + 1 :])
    value = put(getattr(record, name), tuple(rest), text) if rest else text
    return msgspec.structs.replace(record, **{name: value})


PLACES = [
    (kind, path)
    for kind, (_, record) in DRAWN.items()
    for path in texts_of(record)
    if path[-1] not in NOT_SHOWN or (kind, path) == ("model", ("type",))
]


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_hostile_text_stays_text(kind: str, path: tuple[str, ...]) -> None:
    draw, record = DRAWN[kind]
    plain, drawn = Elements(draw(record)), Elements(draw(put(record, path, HOSTILE)))
    assert drawn.shape == plain.shape
    assert "{{ 7 * 7 }}" in "".join(drawn.said) or drawn.said == plain.said or path[-2:] == ("user", "username")


@given(st.text(min_size=1), st.sampled_from(PLACES))
def test_no_text_changes_the_elements(text: str, place: tuple[str, tuple[str, ...]]) -> None:
    kind, path = place
    draw, record = DRAWN[kind]
    assert Elements(draw(put(record, path, text))).shape == Elements(draw(record)).shape


def test_a_type_that_nobody_knows_is_drawn_as_a_picture() -> None:
    drawn = DRAW.tile(msgspec.structs.replace(TILE, type=HOSTILE))
    assert Elements(drawn).shape == Elements(DRAW.tile(TILE)).shape


def test_addresses_hold_hostile_names_encoded() -> None:
    drawn = DRAW.tile(msgspec.structs.replace(TILE, user=Somebody(5, HOSTILE)))
    assert 'href="/user/%27%22%3E%3Cscript%3E' in drawn
    assert HOSTILE in Elements(drawn).said


def test_who_has_no_name_has_no_link() -> None:
    drawn = DRAW.tile(msgspec.structs.replace(TILE, user=Somebody(-1)))
    assert "/user/" not in drawn


def test_what_is_kept_is_of_that_very_record() -> None:
    """Two viewers may be shown different words of one image: neither is ever handed the other's tile."""
    hidden = msgspec.structs.replace(TILE, alt="A picture by inkharbor")
    for _ in range(2):
        assert "misty" in DRAW.tile(TILE)
        assert "misty" not in DRAW.tile(hidden)
        assert "fetchpriority" in DRAW.tile(TILE, True)
        assert "fetchpriority" not in DRAW.tile(TILE)


@given(st.lists(st.integers(1, 6)), st.integers(1, 3))
def test_headings_of_a_text_begin_below_their_page_and_skip_none(levels: list[int], under: int) -> None:
    text = "".join(f"<h{level} id='x'>{place}</h{level}><p>x</p>" for place, level in enumerate(levels))
    found = re.findall(r"<h([1-6])>(\d+)</h([1-6])>", clean(text, under))
    assert [int(place) for _, place, _ in found] == list(range(len(levels))), "none is lost, each ends as it began"
    drawn = [int(level) for level, _, _ in found]
    assert all(under < now <= before + 1 for before, now in zip([under, *drawn], drawn, strict=False))
    assert all(int(end) == begun for (_, _, end), begun in zip(found, drawn, strict=True))
