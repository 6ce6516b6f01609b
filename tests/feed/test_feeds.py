"""Lists against plain SQL: random galleries, callers and queries, writes in between, restarts; on both databases."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort, ModelQuery, ModelSort, Period, PostQuery, PostSort
from pinako.feed import shelves
from pinako.feed.feeds import Feeds, open_feeds
from pinako.storage.database import Database
from pinako.storage.opening import open_database

from . import gallery
from .gallery import BASES, COLLECTION, DAY, IMAGES, MODELS, MODERATOR, POSTS, TAGS, USERS, VERSIONS, WORDS
from .plain import Plain

VIEWERS = (
    Viewer(),
    Viewer(cap=31),
    *(Viewer(user_id=id, cap=cap, moderator=id == MODERATOR) for id in USERS for cap in (31, 3)),
)
viewers = st.sampled_from(VIEWERS)


def some(values: Any, most: int = 3) -> Any:
    return st.lists(st.sampled_from(sorted(values)), max_size=most, unique=True).map(tuple)


def seldom(strategy: Any, otherwise: Any) -> Any:
    """Mostly the neutral value, so that lists are not always empty."""
    return st.one_of(st.just(otherwise), st.just(otherwise), st.just(otherwise), strategy)


COMMON = {
    "limit": st.integers(1, 30),
    "skip": seldom(st.integers(0, 9), 0),
    "period": seldom(st.sampled_from(Period), Period.ALL_TIME),
    "period_filters": seldom(st.booleans(), True),
    "level": st.sampled_from([None, 1, 3, 4, 28, 31]),
    "user_id": seldom(st.sampled_from(USERS), None),
    "username": seldom(st.sampled_from(["user1", "USER2"]), None),
    "excluded_users": seldom(some(USERS, 2), ()),
    "excluded_tags": seldom(some(TAGS), ()),
    "followed": seldom(st.booleans(), False),
    "collection_id": seldom(st.just(COLLECTION), None),
    "hide_minor": seldom(st.booleans(), False),
    "hide_poi": seldom(st.booleans(), False),
}
image_queries = st.builds(
    ImageQuery,
    **COMMON,
    sort=st.sampled_from([None, *(sort for sort in ImageSort if sort is not ImageSort.RANDOM)]),
    types=seldom(some(["image", "video"]), ()),
    ids=seldom(some(IMAGES, 40), ()),
    post_ids=seldom(some(POSTS, 20), ()),
    model_id=seldom(st.sampled_from(MODELS), None),
    version_id=seldom(st.sampled_from(sorted(VERSIONS)), None),
    all_tags=seldom(some(TAGS, 2), ()),
    any_tags=seldom(some(TAGS), ()),
    excluded_images=seldom(some(IMAGES, 20), ()),
    base_models=seldom(some(BASES, 2), ()),
    text=seldom(st.sampled_from(["FOG", "fog lighthouse", "Été", "nothing"]), None),
    reactions=seldom(some(["Like", "Heart"], 2), ()),
    has_meta=seldom(st.booleans(), False),
    on_site=seldom(st.booleans(), False),
    processes=seldom(some(["txt2img", "img2img"], 2), ()),
    remix_of=seldom(st.just(100), None),
    remixes=seldom(st.booleans(), None),
    credited=seldom(st.booleans(), False),
    minor_only=seldom(st.booleans(), False),
    poi_only=seldom(st.booleans(), False),
    drafts=seldom(st.booleans(), False),
    unpublished=seldom(st.booleans(), False),
    scheduled=seldom(st.booleans(), False),
    in_review=seldom(st.booleans(), False),
)
post_queries = st.builds(
    PostQuery,
    **COMMON,
    sort=st.sampled_from([None, *PostSort]),
    ids=seldom(some(POSTS, 20), ()),
    version_id=seldom(st.sampled_from(sorted(VERSIONS)), None),
    model_id=seldom(st.sampled_from(MODELS), None),
    any_tags=seldom(some(TAGS), ()),
    text=seldom(st.sampled_from(["fo", "Harb", "x"]), None),
    drafts=seldom(st.booleans(), False),
    unpublished=seldom(st.booleans(), False),
    scheduled=seldom(st.booleans(), False),
)
model_queries = st.builds(
    ModelQuery,
    **COMMON,
    sort=st.sampled_from([None, *ModelSort]),
    ids=seldom(some(MODELS), ()),
    version_ids=seldom(some(VERSIONS), ()),
    text=seldom(st.sampled_from(["fog", "light", "o fog", "x"]), None),
    tag=seldom(st.sampled_from(["tag10", "TAG11", "tag5351", "none"]), None),
    types=seldom(some(["Checkpoint", "LORA"]), ()),
    base_models=seldom(some(BASES), ()),
    checkpoint_type=seldom(st.sampled_from(["Trained", "Merge"]), None),
    supports_generation=seldom(st.booleans(), None),
    early_access=seldom(st.booleans(), None),
    archived=seldom(st.booleans(), False),
    availability=seldom(st.sampled_from(["Private", "EarlyAccess", "Public"]), None),
    public_versions=st.booleans(),
    allow_no_credit=seldom(st.booleans(), None),
    collection_tag_id=seldom(st.just(10), None),
    minor_only=seldom(st.booleans(), False),
    poi_only=seldom(st.booleans(), False),
    allow_commercial_use=seldom(some(["Image", "Rent"]), ()),
    status=seldom(some(["Draft", "Published", "UnpublishedViolation"]), ()),
    file_formats=seldom(some(["SafeTensor", "PickleTensor"]), ()),
)
asked = st.one_of(image_queries, post_queries, model_queries)
Query = ImageQuery | PostQuery | ModelQuery

thorough = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def feeds(database: Database, tmp_path: Path) -> Iterator[Feeds]:
    feeds = open_feeds(database, tmp_path / "index")
    yield feeds
    feeds.close()


def walk(ask: Callable[..., Any], query: Query, viewer: Viewer) -> list[int]:
    """All ids, by cursors."""
    found: list[int] = []
    cursor = None
    while True:
        page = ask(msgspec.structs.replace(query, cursor=cursor), viewer)
        found += page.ids
        cursor = page.next_cursor
        if cursor is None:
            return found


def check(feeds: Feeds, query: Query, viewer: Viewer) -> None:
    plain = Plain(feeds.database, viewer)
    ask, expected = {
        ImageQuery: (feeds.images, plain.images),
        PostQuery: (feeds.posts, plain.posts),
        ModelQuery: (feeds.models, plain.models),
    }[type(query)]
    right = expected(query)  # type: ignore[operator]
    rest = right[query.skip :]
    assert walk(ask, query, viewer) == rest
    second = msgspec.structs.replace(query, page=2)
    assert ask(second, viewer).ids == rest[query.limit : 2 * query.limit]  # type: ignore[operator]
    if isinstance(query, ImageQuery):
        assert feeds.count_images(query, viewer) == len(right)
        shuffled = msgspec.structs.replace(query, sort=ImageSort.RANDOM, skip=0)
        assert sorted(walk(feeds.images, shuffled, viewer)) == sorted(right)
    elif isinstance(query, ModelQuery):
        assert feeds.count_models(query, viewer) == len(right)


@thorough
@given(st.integers(0, 10_000), st.lists(st.tuples(asked, viewers), min_size=10, max_size=25))
def test_lists_are_those_of_plain_sql(feeds: Feeds, seed: int, questions: list[tuple[Query, Viewer]]) -> None:
    gallery.fill(feeds.database, seed)
    feeds.follower.rebuild()
    for query, viewer in questions:
        check(feeds, query, viewer)


WHO: tuple[Query, ...] = (
    ImageQuery(limit=200),
    ImageQuery(limit=200, drafts=True),
    ImageQuery(limit=200, collection_id=COLLECTION),
    ImageQuery(limit=200, hide_poi=True),
    PostQuery(limit=200),
    PostQuery(limit=200, drafts=True),
    PostQuery(limit=200, unpublished=True),
    PostQuery(limit=200, scheduled=True),
    ImageQuery(limit=200, unpublished=True),
    ImageQuery(limit=200, scheduled=True),
    ImageQuery(limit=200, in_review=True),
    ModelQuery(limit=200, archived=True),
    ModelQuery(limit=200, archived=True, availability="Private"),
    ModelQuery(limit=200, archived=True, status=("Draft", "UnpublishedViolation")),
)


@pytest.mark.parametrize("seed", range(3))
def test_who_sees_what(feeds: Feeds, seed: int) -> None:
    gallery.fill(feeds.database, seed)
    feeds.follower.rebuild()
    for query in WHO:
        for viewer in VIEWERS:
            for level in (None, 1, 3, 4, 28, 31):
                check(feeds, msgspec.structs.replace(query, level=level), viewer)


ALONE: tuple[Query, ...] = (
    *(ImageQuery(all_tags=(tag,)) for tag in TAGS),
    ImageQuery(all_tags=TAGS[:2]),
    ImageQuery(any_tags=TAGS[-2:]),
    ImageQuery(any_tags=TAGS),
    ImageQuery(excluded_tags=TAGS[:3]),
    *(ImageQuery(types=(kind,)) for kind in ("image", "video", "audio")),
    *(ImageQuery(base_models=(base,)) for base in BASES),
    *(ImageQuery(version_id=id) for id in VERSIONS),
    *(ImageQuery(model_id=id) for id in MODELS),
    *(ImageQuery(model_id=30, version_id=id) for id in VERSIONS),
    *(ImageQuery(text=word) for word in (*WORDS, "fog dawn", "fog nothing", "...")),
    *(ImageQuery(period=period, drafts=True) for period in Period),
    ImageQuery(period=Period.DAY, period_filters=False),
    ImageQuery(has_meta=True),
    ImageQuery(on_site=True),
    ImageQuery(remix_of=100),
    ImageQuery(processes=("txt2img",)),
    ImageQuery(remixes=True),
    ImageQuery(remixes=False),
    *(ImageQuery(version_id=id, credited=True) for id in VERSIONS),
    *(ImageQuery(model_id=id, credited=True) for id in MODELS),
    ImageQuery(collection_id=COLLECTION, collection_tag_id=10),
    ImageQuery(minor_only=True),
    ImageQuery(poi_only=True),
    ImageQuery(hidden=True),
    ImageQuery(followed=True),
    ImageQuery(reactions=("Like",)),
    ImageQuery(reactions=("Like", "Heart"), collection_id=COLLECTION, sort=ImageSort.MOST_REACTIONS),
    ImageQuery(post_ids=tuple(POSTS)),
    ImageQuery(post_ids=tuple(POSTS), sort=ImageSort.OLDEST),
    ImageQuery(excluded_users=(1, 2)),
    ImageQuery(excluded_images=tuple(IMAGES)[::2]),
    ImageQuery(user_id=3),
    *(ImageQuery(sort=sort) for sort in ImageSort if sort is not ImageSort.RANDOM),
    *(PostQuery(sort=sort, period=period) for sort in PostSort for period in Period),
    *(PostQuery(any_tags=(tag,)) for tag in TAGS),
    *(PostQuery(model_id=id) for id in MODELS),
    *(PostQuery(text=word[:2]) for word in WORDS),
    PostQuery(collection_id=COLLECTION),
    PostQuery(excluded_tags=TAGS[:3]),
    PostQuery(followed=True),
    *(ModelQuery(sort=sort) for sort in ModelSort),
    *(ModelQuery(tag=f"TAG{tag}") for tag in TAGS),
    *(ModelQuery(version_ids=(id,)) for id in VERSIONS),
    *(ModelQuery(base_models=(base,)) for base in BASES),
    *(ModelQuery(file_formats=(form,)) for form in ("SafeTensor", "PickleTensor")),
    *(ModelQuery(early_access=early) for early in (True, False)),
    *(ModelQuery(supports_generation=wanted) for wanted in (True, False)),
    *(ModelQuery(allow_no_credit=wanted) for wanted in (True, False)),
    *(ModelQuery(allow_commercial_use=(use,)) for use in ("Image", "Rent", "Sell")),
    *(ModelQuery(checkpoint_type=word) for word in ("Trained", "Merge")),
    *(ModelQuery(types=(kind,)) for kind in ("LORA", "Checkpoint")),
    ModelQuery(collection_id=COLLECTION),
    ModelQuery(collection_id=COLLECTION, collection_tag_id=10),
    ModelQuery(minor_only=True),
    ModelQuery(poi_only=True),
    ModelQuery(text="fog"),
    ModelQuery(hidden=True),
    ModelQuery(excluded_tags=TAGS[:3]),
)


@pytest.mark.parametrize("seed", range(3))
def test_every_word_has_its_meaning(feeds: Feeds, seed: int) -> None:
    gallery.fill(feeds.database, seed + 50)
    feeds.follower.rebuild()
    for query in ALONE:
        for user_id in (2, MODERATOR):
            viewer = Viewer(cap=31, user_id=user_id, moderator=user_id == MODERATOR)
            check(feeds, msgspec.structs.replace(query, level=31, limit=9), viewer)


@thorough
@given(st.integers(0, 10_000), st.lists(st.lists(st.tuples(asked, viewers), max_size=10), min_size=1, max_size=3))
def test_lists_follow_writes(feeds: Feeds, seed: int, rounds: list[list[tuple[Query, Viewer]]]) -> None:
    chance = random.Random(seed)
    gallery.fill(feeds.database, seed)
    feeds.follower.rebuild()
    for questions in rounds:
        with feeds.database.write() as w:
            for _ in range(chance.randint(1, 15)):
                gallery.put_image(w, chance, chance.choice(IMAGES), feeds.database.now())
            gallery.put_post(w, chance, chance.choice(POSTS), feeds.database.now())
            gallery.put_model(w, chance, chance.choice(MODELS), feeds.database.now())
            id = chance.choice(IMAGES)
            w.run("UPDATE images SET reaction_count = reaction_count + 1 WHERE id = ?", (id,))
            w.note("image", id, "k")
        for query, viewer in questions:
            check(feeds, query, viewer)


EVERYTHING = (ImageQuery(level=31), PostQuery(level=31), ModelQuery(level=31))


def check_all(feeds: Feeds) -> None:
    for query in EVERYTHING:
        for viewer in (Viewer(cap=31), Viewer(cap=31, user_id=2)):
            check(feeds, query, viewer)


def test_a_start_loads_what_was_saved_and_catches_up(database: Database, tmp_path: Path) -> None:
    gallery.fill(database, 1)
    first = open_feeds(database, tmp_path)
    first.save()
    chance = random.Random(2)
    with database.write() as w:
        for id in list(IMAGES)[:30]:
            gallery.put_image(w, chance, id, database.now())
    second = open_feeds(database, tmp_path)
    assert second.index("image").rows.count > first.index("image").rows.count - 30
    check_all(second)
    check_all(first)


@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "other"])
def test_a_damaged_or_foreign_snapshot_is_built_anew(
    database: Database, new_database_url: Callable[[], str], clock: Any, tmp_path: Path, harm: str
) -> None:
    gallery.fill(database, 3)
    open_feeds(database, tmp_path).save()
    file = tmp_path / "image.feed"
    data = file.read_bytes()
    if harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        file.write_bytes(data[:4200] + bytes([data[4200] ^ 1]) + data[4201:])
    elif harm == "gone":
        file.unlink()
    else:
        for name in ("image", "post", "model"):
            (tmp_path / f"{name}.feed").write_bytes(b"PINAKO" * 1000)
    check_all(open_feeds(database, tmp_path))


def test_a_gap_in_the_log_is_built_anew(database: Database, feeds: Feeds) -> None:
    gallery.fill(database, 4)
    with database.write() as w:
        w.run("DELETE FROM images")
        w.run("DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)")
        w.note("tag", 1, "u")
    feeds.follower.place = msgspec.structs.replace(feeds.follower.place, seq=1)
    feeds.catch_up()
    check_all(feeds)


def test_scheduled_things_appear_when_their_time_comes(database: Database, clock: Any, tmp_path: Path) -> None:
    gallery.fill(database, 5)
    feeds, anybody = open_feeds(database, tmp_path), Viewer(cap=31)
    feeds.save()
    before = len(walk(feeds.images, ImageQuery(level=31, limit=7), anybody))
    clock.advance(days=1, seconds=1)
    for later in (feeds, open_feeds(database, tmp_path)):
        later.catch_up()
        check_all(later)
        assert len(walk(later.images, ImageQuery(level=31, limit=7), anybody)) > before


def test_another_process_of_the_library_sees_a_write(database: Database, database_url: str, clock: Any) -> None:
    gallery.fill(database, 6)
    heard = threading.Event()
    with open_database(database_url, clock=clock) as theirs:
        there = open_feeds(theirs, None)
        gone = there.images(ImageQuery(level=31, limit=1), Viewer(cap=31)).ids[0]
        there.follower.listeners.append(lambda entity, ids: heard.set())
        there.follow()
        with database.write() as w:
            w.run("DELETE FROM images WHERE id = ?", (gone,))
            w.note("image", gone, "u")
        assert heard.wait(60)
        there.close()
        assert gone not in there.images(ImageQuery(level=31), Viewer(cap=31)).ids


def test_large_collections_are_kept_and_follow_their_changes(
    monkeypatch: pytest.MonkeyPatch, database: Database, feeds: Feeds
) -> None:
    monkeypatch.setattr(shelves, "LARGE", 1)
    gallery.fill(database, 9)
    feeds.follower.rebuild()
    feeds.warm()
    query, viewer = ImageQuery(level=31, limit=5, collection_id=COLLECTION), Viewer(cap=31, user_id=1)
    for _ in range(2):
        check(feeds, query, viewer)
        check(feeds, msgspec.structs.replace(query, sort=ImageSort.MOST_REACTIONS), viewer)
        with database.write() as w:
            w.run("DELETE FROM collection_items WHERE entity_id = ?", (feeds.images(query, viewer).ids[1],))
            w.note("collection", COLLECTION, "u")
            gallery.put_image(w, random.Random(1), 150, database.now())
    check(feeds, query, viewer)


def test_days_are_counted_back_from_now(database: Database, feeds: Feeds) -> None:
    gallery.fill(database, 7)
    feeds.follower.rebuild()
    week = feeds.images(ImageQuery(level=31, period=Period.WEEK, sort=ImageSort.OLDEST), Viewer(cap=31)).ids
    oldest = database.read().value("SELECT min(sort_at) FROM images WHERE id IN (?, ?)", (week[0], week[-1]))
    assert oldest >= database.now() - 7 * DAY - 60_000


def test_words_are_those_of_the_visible_prompt(database: Database, feeds: Feeds) -> None:
    gallery.fill(database, 8)
    feeds.follower.rebuild()
    for word in WORDS:
        assert walk(feeds.images, ImageQuery(level=31, text=word), Viewer(cap=31)) == Plain(
            database, Viewer(cap=31)
        ).images(ImageQuery(level=31, text=word))


def test_numbered_pages_of_a_random_list_are_those_of_one_order(database: Database, feeds: Feeds) -> None:
    gallery.fill(database, 9)
    feeds.follower.rebuild()
    viewer = Viewer(cap=31)
    everything = feeds.images(ImageQuery(level=31, limit=200), viewer).ids
    assert 14 < len(everything) < 200
    pages = [
        ImageQuery(level=31, sort=ImageSort.RANDOM, limit=7, page=page) for page in range(1, len(everything) // 7 + 2)
    ]
    assert sorted(id for page in pages for id in feeds.images(page, viewer).ids) == sorted(everything)
