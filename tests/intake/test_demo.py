"""The demo library: whatever the seed, everything that the wire can show is there; the same seed gives the same library."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinako.catalog import levels
from pinako.errors import BadRequest, StorageError
from pinako.intake.demo import ensure_demo
from pinako.intake.demo.plan import DAY, LEVEL_SHARES, Plan, PlannedModel, make_plan

EVERY_REACTION = {"Like", "Heart", "Laugh", "Cry", "Dislike"}


@settings(max_examples=40)
@given(st.sampled_from([100, 150, 500]), st.integers(0, 2**31))
def test_a_plan_holds_everything(images: int, seed: int) -> None:
    plan = make_plan(images, seed)
    posts = [post for post in plan.posts if not post.draft]
    pictures = [image for post in posts for image in post.images]
    assert sum(len(post.images) for post in plan.posts) == images
    assert len(posts) < len(plan.posts), "drafts"
    assert {len(post.images) for post in posts} >= {1, 8}
    assert max(len(post.images) for post in posts) == 8
    assert {image.level for image in pictures} == {level for level, _ in LEVEL_SHARES}
    assert sum(image.level == levels.PG for image in pictures) * 2 >= len(pictures)
    assert {word for image in pictures for _, word in image.reactions} == EVERY_REACTION
    assert any(image.video for image in pictures)
    assert any(image.comments for image in pictures)
    assert {(made.type, made.read) for made in plan.collections} >= {("Image", "Public"), ("Post", "Public")}
    assert {made.read for made in plan.collections} == {"Public", "Unlisted", "Private"}
    assert {made.type for made in plan.collections if made.user is None} == {"Image", "Post"}, "the owner has some too"


@settings(max_examples=40)
@given(st.sampled_from([100, 500]), st.integers(0, 2**31))
def test_every_period_and_every_user_has_something_that_all_may_see(images: int, seed: int) -> None:
    plan = make_plan(images, seed)
    seen = [post for post in plan.posts if not post.draft and any(one.level == levels.PG for one in post.images)]
    released = [max(version.at for version in model.versions) for model in _open_models(plan)]
    for days in (1, 7, 30, 365):
        assert any(1 - DAY * days < post.at < 1 for post in seen)
        assert any(1 - DAY * days < at < 1 for at in released)
    assert {post.user for post in seen} == set(range(len(plan.users)))


@settings(max_examples=40)
@given(st.sampled_from([60, 500]), st.integers(0, 2**31))
def test_links_of_a_picture_lead_to_models_that_its_viewer_may_see(images: int, seed: int) -> None:
    plan = make_plan(images, seed)
    for post in plan.posts:
        for image in post.images:
            assert image.models
            linked = [place for place, number in image.models if (place, number) != post.shows]
            assert post.draft or all(plan.models[place].status == "Published" for place, _ in image.models)
            assert all(plan.models[place].level <= image.level for place in linked)
    creators = [model.user for model in _open_models(plan)]
    assert max(creators.count(user) for user in creators) >= 3
    assert {model.status for model in plan.models} == {"Published", "Deleted", "Draft"}
    special = [model for model in plan.models if model.mode == "Archived" or model.gated]
    assert len(special) == 2
    assert all(model.level >= levels.R for model in special)


def _open_models(plan: Plan) -> list[PlannedModel]:
    return [one for one in plan.models if one.status == "Published" and one.level == levels.PG]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two libraries of one seed."""
    places = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for place in places:
        ensure_demo(place / "demo", images=40, seed=11)
    return places[0] / "demo", places[1] / "demo"


IDS = {
    "images": "id, user_id, post_id, media_key, blob, level, width, height, blurhash, like_count",
    "posts": "id, user_id, title, level, image_count",
    "model_versions": "id, model_id, name, base_model",
    "model_files": "id, version_id, name, blob, size_kb",
    "file_hashes": "file_id, type, hash",
    "collections": "id, name, user_id, type",
    "image_resources": "image_id, version_id, strength",
}


@pytest.mark.parametrize("table", sorted(IDS))
def test_the_same_seed_gives_the_same_ids_and_bytes(twins: tuple[Path, Path], table: str) -> None:
    one, two = (_rows(place, f"SELECT {IDS[table]} FROM {table} ORDER BY 1, 2") for place in twins)
    assert one == two
    assert one


def test_models_are_whole_files_that_differ(twins: tuple[Path, Path]) -> None:
    files = _rows(twins[0], "SELECT id, blob, size_kb, format, scanned_at FROM model_files")
    assert len({blob for _, blob, *_ in files}) == len(files)
    for _, blob, size_kb, format_, scanned_at in files:
        assert (twins[0] / "media" / blob[:2] / blob).stat().st_size == size_kb * 1024
        assert format_ == "SafeTensor"
        assert scanned_at
    kinds = _rows(twins[0], "SELECT file_id, count(DISTINCT type) FROM file_hashes GROUP BY 1")
    assert {count for _, count in kinds} == {6}
    assert len(kinds) == len(files)


@settings(max_examples=40)
@given(st.sampled_from([20, 40, 500]), st.integers(0, 2**31))
def test_every_version_that_all_may_see_has_a_preview(images: int, seed: int) -> None:
    plan = make_plan(images, seed)
    shown = {post.shows for post in plan.posts if not post.draft}
    for place, model in enumerate(plan.models):
        if model in _open_models(plan):
            assert {(place, number) for number in range(len(model.versions))} <= shown


def test_everything_has_a_blurhash_films_too(twins: tuple[Path, Path]) -> None:
    rows = _rows(twins[0], "SELECT type, mime, length(blurhash) FROM images")
    assert {length for _, _, length in rows} == {36}
    assert {(kind, mime) for kind, mime, _ in rows if kind == "video"} <= {("video", "video/mp4")}


def test_every_file_says_how_it_was_made(twins: tuple[Path, Path]) -> None:
    rows = _rows(twins[0], "SELECT DISTINCT generator, has_meta, has_prompt FROM images ORDER BY 1")
    assert rows == [("a1111", 1, 1), ("civitai", 1, 1), ("comfyui", 1, 1)]


def test_every_public_picture_was_made_with_models_that_are_here(twins: tuple[Path, Path]) -> None:
    counts = _rows(
        twins[0],
        "SELECT i.id, i.has_prompt, count(r.version_id) FROM images i LEFT JOIN image_resources r ON r.image_id = i.id "
        "WHERE i.level = 1 GROUP BY 1, 2",
    )
    assert counts
    assert all(prompt and resources for _, prompt, resources in counts)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadRequest, match="no demo library"):
        ensure_demo(tmp_path, images=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_settings_that_lie_there_already_stay(tmp_path: Path) -> None:
    library = tmp_path / "demo"
    library.mkdir()
    (library / "pinako.toml").write_text("public_level = 31\n")
    info = ensure_demo(library, images=6)
    assert (library / "pinako.toml").read_text() == "public_level = 31\n"
    assert ensure_demo(library) == info
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_demo_that_could_not_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("pinako.intake.demo.fill", full)
    with pytest.raises(StorageError):
        ensure_demo(tmp_path / "demo", images=6)
    assert list(tmp_path.iterdir()) == []


def test_a_demo_is_made_once(twins: tuple[Path, Path]) -> None:
    before = json.loads((twins[0] / "demo.json").read_text())
    assert ensure_demo(twins[0], images=3, seed=99).owner_key == before["owner_key"]


def _rows(library: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{library / 'library.db'}?mode=ro", uri=True) as database:
        return database.execute(sql).fetchall()


def test_two_who_ask_at_once_get_the_same_demo(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        asked = [both.submit(ensure_demo, tmp_path / "demo", images=6) for _ in range(2)]
        first, second = (one.result() for one in asked)
    assert first == second
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
