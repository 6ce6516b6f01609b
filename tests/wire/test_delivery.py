"""The delivery grammar: every form of address that is in the wild reads, and what we write reads back."""

from __future__ import annotations

from typing import get_args
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.derivative import LADDER, Derivative, Fit, Gravity, Retention, snap_width
from pinako.errors import BadRequest, NotFound
from pinako.wire.delivery import (
    DEFAULT_ACCOUNT,
    Delivery,
    avatar_url,
    cover_url,
    item_url,
    media_url,
    parse_delivery,
    parse_params,
    preview_url,
    write_params,
)

KEY = "c6ed4a9d-ae75-463b-7762-da0455cc5700"  # a key of 2022: no valid UUID variant
BASE = f"http://localhost:8765/{DEFAULT_ACCOUNT}"


@pytest.mark.parametrize(
    ("path", "width", "name"),
    [
        (f"/{DEFAULT_ACCOUNT}/{KEY}/width=450", 450, ""),
        (f"/{DEFAULT_ACCOUNT}/{KEY}/width=1024/{KEY}.jpeg", 1200, f"{KEY}.jpeg"),
        (f"/{DEFAULT_ACCOUNT}/{KEY}/width=96/inkharbor.jpeg", 96, "inkharbor.jpeg"),
        (f"/{DEFAULT_ACCOUNT}/{KEY}/harbor.png", None, "harbor.png"),
        (f"/{DEFAULT_ACCOUNT}/{KEY}", None, ""),
        (f"/another-account/{KEY.upper()}/width=97/", 320, ""),
        (f"//{DEFAULT_ACCOUNT}//{KEY}//width=5000//a/b/name.jpeg", 2200, "name.jpeg"),
        (f"/{KEY}/width=320", 320, ""),
    ],
)
def test_every_historical_form_names_the_same_key(path: str, width: int | None, name: str) -> None:
    """Three ages of addresses, with and without parameters, name and account."""
    assert parse_delivery(path) == Delivery(key=KEY, derivative=_of(width, name), name=name)


def _of(width: int | None, name: str) -> Derivative:
    return Derivative(width=width, container="jpeg" if name else "")


def test_free_form_key_follows_the_account() -> None:
    """Rare media have an object key that is no UUID; it is read from its place."""
    found = parse_delivery(f"/{DEFAULT_ACCOUNT}/poster_77.final/width=450/x.jpeg")
    assert (found.key, found.derivative.width) == ("poster_77.final", 450)


@pytest.mark.parametrize("path", ["", "/", "/only", f"/{DEFAULT_ACCOUNT}/width=450", "/a/.hidden", "/a/ü/x.jpeg"])
def test_path_without_key_is_not_found(path: str) -> None:
    """Nothing that could be a key: the answer of an unknown one."""
    with pytest.raises(NotFound):
        parse_delivery(path)


@pytest.mark.parametrize(
    "tail",
    [
        "../../etc/passwd",
        "width=450/..",
        "width=450/..\\..\\boot.ini",
        "original=true/a\x00.jpeg",
        "original=true/a\r\nx.jpeg",
        "n" * 3000,
    ],
)
def test_path_tricks_are_refused(tail: str) -> None:
    """Climbing, backslashes, control characters, endless paths."""
    with pytest.raises(BadRequest):
        parse_delivery(f"/{DEFAULT_ACCOUNT}/{KEY}/{tail}")


def test_unknown_parameters_are_ignored_and_the_last_of_a_name_wins() -> None:
    """Order does not matter either."""
    said = parse_params("width=320,shimmer=9,optimized=true,,=,width=450,anim=false,width")
    assert said == Derivative(width=450, optimized=True, anim=False)
    assert parse_params("anim=false,optimized=true,width=450") == said


@pytest.mark.parametrize(
    "params",
    [
        "width=auto",
        "width=-3",
        "width=0",
        "width=1e999",
        "width=NaN",
        "width=٤٥٠",
        "fit=stretch",
        "skip=soon",
        "background=url(x)",
        "original=maybe",
    ],
)
def test_unreadable_values_count_as_not_given(params: str) -> None:
    """A delivery address never fails for its parameters."""
    assert parse_params(params) == Derivative()


def test_values_are_brought_within_their_limits() -> None:
    """Height cap 1000, blur 250, quality 100."""
    said = parse_params("height=4000,blur=999,quality=1000,width=1.9")
    assert said == Derivative(height=1000, blur=250, quality=100, width=96)


def test_video_container_comes_from_the_name() -> None:
    """A web player asks the same path twice, `.webm` and `.mp4`."""
    path = f"/{DEFAULT_ACCOUNT}/{KEY}/transcode=true,width=450,optimized=true/clip"
    assert [parse_delivery(path + end).derivative.container for end in (".webm", ".mp4", ".MP4", "")] == [
        "webm",
        "mp4",
        "mp4",
        "",
    ]


@pytest.mark.parametrize(
    ("params", "source"),
    [
        ("", True),
        ("original=true", True),
        ("original=true,width=450", True),
        ("original=true,quality=90", True),
        ("original=false", False),
        ("width=450", False),
        ("height=300", False),
        ("blur=20", False),
        ("anim=false", False),
        ("original=true,transcode=true,quality=90", False),
        ("quality=90", True),
    ],
)
def test_when_the_source_bytes_answer(params: str, source: bool) -> None:
    """`original` is implied without a size, unless that would drop another wish."""
    assert parse_params(params).wants_source is source


@given(st.integers(min_value=1, max_value=10**6))
def test_widths_snap_up_the_ladder(width: int) -> None:
    """The smallest step that is not below the asked width."""
    step = snap_width(width)
    assert step in LADDER
    assert step >= min(width, LADDER[-1])
    assert all(lower < width for lower in LADDER if lower < step)


DERIVATIVES = st.builds(
    Derivative,
    anim=st.booleans(),
    transcode=st.booleans(),
    width=st.none() | st.sampled_from(LADDER),
    height=st.none() | st.integers(1, 1000),
    original=st.none() | st.booleans(),
    fit=st.sampled_from(get_args(Fit)),
    blur=st.integers(0, 250),
    quality=st.none() | st.integers(0, 100),
    gravity=st.sampled_from(get_args(Gravity)),
    metadata=st.sampled_from(get_args(Retention)),
    background=st.sampled_from([None, "#fff", "#102030", "black"]),
    gamma=st.sampled_from([1.0, 0.5, 2.2]),
    optimized=st.booleans(),
    skip=st.integers(0, 86400 * 1000).map(lambda milliseconds: milliseconds / 1000),
)


@given(DERIVATIVES)
def test_written_parameters_read_back(derivative: Derivative) -> None:
    """What we write for an answer means the same when a client asks for it."""
    assert parse_params(write_params(derivative)) == derivative


@given(DERIVATIVES, DERIVATIVES)
def test_cache_keys_are_equal_exactly_for_equal_renderings(one: Derivative, other: Derivative) -> None:
    """Two wishes never share a file, one wish never makes two."""
    assert (one.cache_key() == other.cache_key()) is (one == other)
    assert one.cache_key().isascii()


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(path: str) -> None:
    """No input makes anything but the two documented errors, and a read name cannot climb."""
    try:
        found = parse_delivery(path)
    except (BadRequest, NotFound):
        return
    assert "/" not in found.key + found.name
    assert found.name not in {".", ".."}


def test_addresses_of_the_answers() -> None:
    """The four uses of rest.md 8.3, letter for letter."""
    assert preview_url(BASE, KEY, 550001) == f"{BASE}/{KEY}/original=true/550001.jpeg"
    assert item_url(BASE, KEY) == f"{BASE}/{KEY}/original=true/{KEY}.jpeg"
    assert item_url(BASE, KEY, "video") == f"{BASE}/{KEY}/original=true/{KEY}.mp4"
    assert item_url(BASE, KEY, "audio").endswith(".mp3")
    assert avatar_url(BASE, KEY, "inkharbor") == f"{BASE}/{KEY}/width=96/inkharbor.jpeg"
    assert avatar_url(BASE, KEY, "ink.har%bor.7") == f"{BASE}/{KEY}/width=96/ink.harbor.jpeg"
    assert cover_url(BASE, KEY) == f"{BASE}/{KEY}/width=450/{KEY}.jpeg"
    assert media_url(BASE, KEY, "", "harbor") == f"{BASE}/{KEY}/harbor.jpeg"


def test_foreign_addresses_pass_through() -> None:
    """An avatar of a sign-in provider stays what it is."""
    foreign = "https://avatars.example.org/u/7?s=96"
    assert avatar_url(BASE, foreign, "inkharbor") == foreign


@given(st.text(min_size=1, max_size=40))
def test_any_user_name_makes_an_address_that_reads(username: str) -> None:
    """Names may hold slashes, spaces or other scripts."""
    address = avatar_url(BASE, KEY, username)
    assert address.isascii()
    path = unquote(address.removeprefix("http://localhost:8765"))
    assert address.count("/") == BASE.count("/") + 3
    if not any(character in path for character in "\\\x7f") and path.isprintable() and "/../" not in path:
        assert parse_delivery(path).derivative.width == 96
