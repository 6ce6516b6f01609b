"""What a moderator decides on at /review, and tags that are edited rather than voted on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from visiting import Visit, opened

import demo_library
from pinako.catalog import levels
from pinako.catalog.images import Image
from pinako.services import access
from pinako.services.settle import Touched, settle
from pinako.storage.records import find, select
from pinako.web import csrf


@pytest.fixture(scope="module")
def house(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """A demo to write in, for this module."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("review") / "demo")
    with opened(folder) as found:
        yield found


def send(house: Visit, path: str, body: Any, *, session: str | None = None) -> Any:
    """A write of a page: by cookie, with the page's word."""
    token = house.session if session is None else session
    headers = {"cookie": f"civ-token={token}", "x-csrf-token": csrf.word_of(token)}
    return house.client.post(path, json=body, headers=headers)


def pick(house: Visit, **changes: Any) -> Image:
    """A public picture, changed like this."""
    library = house.library
    image = select(
        library.database.read(), Image, "level = 1 AND type = 'image' AND needs_review IS NULL AND blocked_for IS NULL "
        "AND withheld = 0 AND minor = 0 AND poi = 0 AND blob IS NOT NULL AND deleted_at IS NULL AND published_at < ? LIMIT 1",
        (library.now(),),
    )[0]  # fmt: skip
    with library.database.write() as w:
        w.update("images", image.id, {"idx": image.idx, **changes})
        touched = Touched()
        touched.images.add(image.id)
        settle(w, touched, library.now())
    return image


def notes(house: Visit, id: int) -> list[str]:
    """What was noted of decisions on an image."""
    rows = house.library.database.read().rows("SELECT action, subject FROM audit ORDER BY id")
    return [action for action, subject in rows if msgspec.json.decode(subject)["id"] == id]


def status(house: Visit, image: Image) -> int:
    """What a stranger gets for the page of an image."""
    return int(house.get(f"/images/{image.id}").status_code)


def test_what_is_let_through_is_seen_and_what_is_blocked_is_not(house: Visit) -> None:
    image = pick(house, needs_review="reported")
    assert status(house, image) == 404
    assert f'data-id="{image.id}"' in house.get("/review", owner=True).text
    assert send(house, f"/review/{image.id}", {"deed": "accept"}).status_code == 200
    assert status(house, image) == 200
    assert send(house, f"/review/{image.id}", {"deed": "block"}).status_code == 404
    other = pick(house, needs_review="reported")
    assert send(house, f"/review/{other.id}", {"deed": "block"}).status_code == 200
    kept = find(house.library.database.read(), Image, other.id)
    assert kept is not None
    assert (kept.blocked_for, kept.level, kept.needs_review) == ("moderated", levels.BLOCKED, None)
    assert notes(house, image.id)[0] == "image.accept"
    assert notes(house, other.id)[-1] == "image.block"


def test_what_is_purged_is_gone_with_its_bytes_and_leaves_a_note(house: Visit) -> None:
    image = pick(house, needs_review="reported")
    assert image.blob is not None
    assert send(house, f"/review/{image.id}", {"deed": "purge"}).status_code == 200
    assert find(house.library.database.read(), Image, image.id) is None
    assert notes(house, image.id) == ["image.purge"]
    assert send(house, f"/review/{image.id}", {"deed": "purge"}).status_code == 404


def test_of_what_is_withheld_only_numbers_are_shown_and_it_can_only_be_purged(house: Visit) -> None:
    image = pick(house, needs_review="csam")
    page = house.get("/review", owner=True).text
    assert str(image.id) in page
    assert image.media_key not in page
    assert send(house, f"/review/{image.id}", {"deed": "accept"}).status_code == 400
    assert send(house, f"/review/{image.id}", {"deed": "purge"}).status_code == 200
    assert find(house.library.database.read(), Image, image.id) is None
    assert len(notes(house, image.id)) == 1


def test_review_is_for_moderators_with_the_pages_word(house: Visit) -> None:
    image = pick(house, needs_review="reported")
    with house.library.database.write() as w:
        fox = access.add_user(w, "fox", house.library.now(), max_level=31)
        session = access.open_session(w, fox.id, house.library.now(), 1)
    assert send(house, f"/review/{image.id}", {"deed": "accept"}, session=session).status_code == 403
    assert house.client.post(f"/review/{image.id}", json={"deed": "accept"}).status_code == 403
    bare = {"cookie": f"civ-token={house.session}"}
    assert house.client.post(f"/review/{image.id}", json={"deed": "accept"}, headers=bare).status_code == 403
    assert send(house, f"/review/{image.id}", {"deed": "praise"}).status_code == 400
    assert status(house, image) == 404


def test_an_edit_makes_and_takes_tags_that_votes_alone_would_not(house: Visit) -> None:
    image = pick(house)
    about = {"id": image.id, "type": "image", "tags": ["a word of my own"]}

    def names() -> list[str]:
        sql = "SELECT t.name FROM image_tags i JOIN tags t ON t.id = i.tag_id WHERE i.image_id = ?"
        return [row[0] for row in house.library.database.read().rows(sql, (image.id,))]

    send(house, "/api/trpc/tag.addTagVotes", {"json": {**about, "vote": 1}})
    assert "a word of my own" not in names()
    send(house, "/api/trpc/tag.addTagVotes", {"json": {**about, "vote": 1, "edit": True}})
    assert "a word of my own" in names()
    send(house, "/api/trpc/tag.addTagVotes", {"json": {**about, "vote": -1}})
    assert "a word of my own" in names()
    send(house, "/api/trpc/tag.addTagVotes", {"json": {**about, "vote": -1, "edit": True}})
    assert "a word of my own" not in names()


def test_the_trash_shows_its_pictures_to_whom_they_can_be_given_back(house: Visit) -> None:
    owner = access.owner_of(house.library.database.read())
    assert owner is not None
    mature, tame = pick(house, user_id=owner.id, level=8), pick(house, user_id=owner.id)
    with house.library.database.write() as w:
        fox = access.add_user(w, "trash_fox", house.library.now(), max_level=31)
        stranger = access.open_session(w, fox.id, house.library.now(), 30)
    for image in (tame, mature):
        assert send(house, "/api/trpc/image.delete", {"id": image.id}).status_code == 200
    page = house.get("/trash", owner=True).text
    plain = f"/{house.library.settings.media_account}/{tame.media_key}/width=320/{tame.media_key}.jpeg"
    address = f"{plain}?trash=1"
    assert f'src="{address}"' in page
    assert f'data-ids="{mature.id}"' in page
    assert mature.media_key not in page  # named, and not shown: lists of its owner show PG
    shown = house.get(address, owner=True)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["cache-control"].startswith("private")
    for cookies in ("", f"civ-token={stranger}"):
        assert house.get(address, cookies=cookies).status_code == 404
    assert house.get(plain, owner=True).status_code == 404
    assert house.get(f"/images/{tame.id}", owner=True).status_code == 404
