"""What is kept in memory between requests is never older than the database."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort, Period
from pinako.feed.feeds import Feeds, open_feeds
from pinako.feed.names import Names
from pinako.feed.recent import Recent
from pinako.services.access import add_user
from pinako.storage.database import Database

from . import gallery
from .test_feeds import ALONE, check

keys = st.integers(0, 12)
steps = st.one_of(
    st.tuples(st.just("put"), keys), st.tuples(st.just("drop"), keys), st.tuples(st.just("renew"), keys),
    st.tuples(st.just("clear"), keys),
)  # fmt: skip


@given(st.integers(0, 9), st.lists(steps, max_size=60))
def test_recent_things_are_bounded_and_never_wrong(most: int, moves: list[tuple[str, int]]) -> None:
    recent, truth = Recent[int, str](most), dict[int, str]()
    for number, (move, key) in enumerate(moves):
        if move == "put":
            truth[key] = f"{key} of {number}"
            recent.put(key, truth[key])
            assert most < 2 or recent.get(key) == truth[key]
        elif move == "clear":
            truth.clear()
            recent.clear()
        elif move == "drop":
            truth.pop(key, None)
            recent.drop(key)
        else:
            recent.renew(key)
        held = {at: found for at in range(13) if (found := recent.get(at)) is not None}
        assert held.items() <= truth.items()
        assert len(held) <= most
        assert set(recent.find(range(13))) <= {None, *held.values()}


def questions() -> list[tuple[ImageQuery, Viewer]]:
    everybody = (Viewer(), Viewer(cap=31), Viewer(cap=31, user_id=2))
    asked = [query for query in ALONE if isinstance(query, ImageQuery)]
    return [(msgspec.structs.replace(query, level=31, limit=9), viewer) for query in asked for viewer in everybody]


def ask_all(feeds: Feeds) -> None:
    for query, viewer in questions():
        if not query.hidden or viewer.known:
            check(feeds, query, viewer)
            again = msgspec.structs.replace(query)
            if query.sort is not ImageSort.RANDOM:
                assert feeds.images(again, viewer) == feeds.images(query, viewer)


def test_kept_pages_follow_every_write(database: Database, tmp_path: Path) -> None:
    gallery.fill(database, 11)
    feeds, chance = open_feeds(database, tmp_path), random.Random(12)
    ask_all(feeds)
    with database.write() as w:
        gallery.put_image(w, chance, 131, database.now())
    ask_all(feeds)
    with database.write() as w:
        w.run("UPDATE images SET reaction_count = reaction_count + 500 WHERE id = 140")
        w.note("image", 140, "k")
    ask_all(feeds)
    feeds.follower.rebuild()
    ask_all(feeds)
    feeds.close()


def test_kept_pages_follow_the_clock(database: Database, clock: Any, tmp_path: Path) -> None:
    gallery.fill(database, 13)
    feeds, today = open_feeds(database, tmp_path), ImageQuery(period=Period.DAY, level=31)
    anybody = Viewer(cap=31)
    before = feeds.images(today, anybody)
    assert before.ids
    assert feeds.images(today, anybody) is before
    clock.advance(days=3)
    assert feeds.images(today, anybody).ids != before.ids
    feeds.catch_up()
    check(feeds, today, anybody)
    feeds.close()


def test_a_random_first_page_is_dealt_anew(database: Database, tmp_path: Path) -> None:
    gallery.fill(database, 14)
    feeds, query = open_feeds(database, tmp_path), ImageQuery(sort=ImageSort.RANDOM, level=31, limit=20)
    dealt = {tuple(feeds.images(query, Viewer(cap=31)).ids) for _ in range(20)}
    assert len(dealt) > 1
    feeds.close()


class Overtaken(Names):
    """Names that somebody joins while they are searched for the first time."""

    joined = False

    def all(self) -> dict[int, str]:
        held = super().all()
        if not self.joined:
            self.joined = True
            with self._database.write() as w:
                user = add_user(w, "ink_harbor", self._database.now())
            self.forget([user.id])
        return held


def test_a_search_that_a_write_overtakes_is_not_kept(database: Database) -> None:
    names = Overtaken(database, "users", "username_key")
    assert [len(names.holding("ink")) for _ in range(2)] == [0, 1]
