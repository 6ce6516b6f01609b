"""Templates of exported paths: whatever a name holds, the file stays in its folder under a name that every disk takes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.errors import BadRequest
from pinako.intake.export.paths import FIELDS, numbered, read_template, safe_part
from pinako.services.exporting import Leaving

NASTY = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        ["..", ".", "", "/etc/passwd", "..\\..\\boot", "CON", "nul.png", "a\0b", " . ", "x" * 900, "𝔘" * 300, "a/b", "C:\\x",
         "COM1.txt", "con", "....", "a:b", "\u202egnp.exe", "-rf", "~"]
    ),
)  # fmt: skip
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def leaving(
    name: str = "boat.png", user: str = "ann", title: str = "Harbour", tag: str = "sea", **image: int
) -> Leaving:
    values = {"id": 7, "user_id": 3, "created_at": 0, "sort_at": 1_700_000_000_000, "updated_at": 0, **image}
    return Leaving(
        image=Image(media_key="k", name=name, mime="image/png", level=2, **values),
        user=User(id=3, username=user),
        post=Post(id=5, user_id=3, sort_at=0, created_at=0, updated_at=0, title=title),
        tags=(tag,),
    )


@given(NASTY, NASTY, NASTY, NASTY)
def test_no_name_leads_out_of_the_folder(name: str, user: str, title: str, tag: str) -> None:
    template = read_template("{user}/{post}/{tag}/{name}-{level}/{name}.{ext}")
    path = template.path(leaving(name, user, title, tag))
    parts = path.split("/")
    assert len(parts) == 5
    for part in parts:
        assert part not in ("", ".", "..")
        assert len(part.encode()) <= 200
        assert not re.search(r'[\x00-\x1f<>:"|?*\\]', part)
        assert not RESERVED.fullmatch(part)
        assert part == part.strip(" .")
    assert not PurePosixPath(path).is_absolute()
    assert path.endswith(".png")


@given(NASTY)
def test_a_part_is_made_safe_once(text: str) -> None:
    part = safe_part(text)
    assert safe_part(part) == part


def test_fields_take_forms() -> None:
    one = leaving()
    for template, path in (
        ("{id:08}.{ext}", "00000007.png"),
        ("{postedAt:%Y/%m}/{id}.{ext}", "2023_11/7.png"),
        ("{postedAt:%Y}/{postedAt:%m}/{name:.3}.{ext}", "2023/11/boa.png"),
        ("{user}\\{id}", "ann/7"),
        ("{{{id}}}.{ext}", "{7}.png"),
        ("{level}/{width}x{height}", "PG-13/0x0"),
    ):
        assert read_template(template).path(one) == path
    for field in FIELDS:
        assert read_template(f"{{{field}}}").path(one)


@pytest.mark.parametrize(
    "text",
    ["", "/x", "a//b", "../x", "a/../b", "./x", "x/", "{nope}", "{id", "{id!r}", "{id.real}", "{name:{id}}", "{id:%Y}",
     "{name:>900000000}", "C:/x", "{0}", "{}", "/".join("a" * 20)],
)  # fmt: skip
def test_a_template_that_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_template(text)
    assert len(refused.value.message) > 20


def test_an_unknown_field_lists_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="postedAt"):
        read_template("{date}/{id}")


def test_only_an_uncut_id_makes_a_path_unique() -> None:
    assert read_template("{user}/{id}.{ext}").is_unique
    assert not read_template("{id}/{name}.{ext}").is_unique
    assert not read_template("{name}-{id}.{ext}").is_unique
    assert numbered("a/b.png", 7) == "a/b (7).png"
    assert numbered("a.b/c", 7) == "a.b/c (7)"
