"""The engine against its plain twin: random libraries, questions, writes, page sizes, ties, restarts and rebuilds."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinako.feed import shuffle
from pinako.feed.build import rebuilt
from pinako.feed.index import Index
from pinako.feed.snapshot import load, save
from pinako.feed.spec import (
    UNRATED_BIT,
    Among,
    AnyOf,
    Between,
    Change,
    Drop,
    Ids,
    Mark,
    Move,
    NoneOf,
    Put,
    Row,
    Show,
    Sight,
    Term,
    pairs,
)

from .engine import ORDERED, SPEC, build_index, shrink, walk_pages
from .twin import Twin


@pytest.fixture(autouse=True)
def _small_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch.setattr)
    monkeypatch.setattr(shuffle, "DIRECT", 12)


ids = st.integers(1, 120)
likes = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 40, 300])
times = st.integers(0, 30)
users = st.integers(1, 4)
tags = st.integers(1, 12)
levels = st.sampled_from([0, 1, 1, 1, 2, 4, 8, 16, 3, 12])
rooms = st.sampled_from([0, 0, 0, 0, 1, 2])
rows = st.builds(
    lambda id, time, like, save, user, held, level, room: Row(
        id=id, keys=(time, like, save), values=((user,), tuple(held)), level=level, room=room
    ),
    ids,
    times,
    likes,
    st.integers(-2, 2),
    users,
    st.lists(tags, max_size=5),
    levels,
    rooms,
)
libraries = st.lists(rows, max_size=120, unique_by=lambda row: row.id)
changes = st.one_of(
    st.builds(Put, rows),
    st.builds(Drop, ids),
    st.builds(Move, ids, st.just("likes"), likes),
    st.builds(Move, ids, st.just("time"), times),
    st.builds(Move, ids, st.just("saves"), st.integers(-(1 << 40), 1 << 40)),
    st.builds(Mark, ids, st.just("tag"), tags, st.booleans()),
    st.builds(Show, ids, levels, rooms),
)
batches = st.lists(st.lists(changes, max_size=30), max_size=4)
doors = st.lists(st.tuples(st.integers(1, 2), st.sampled_from([31, 31 | UNRATED_BIT, UNRATED_BIT, 4])), max_size=2).map(
    tuple
)
sights = st.builds(Sight, st.integers(0, 31), st.integers(0, 4), doors, st.one_of(st.just(()), doors))
bounds = st.one_of(st.none(), st.integers(-1, 31))
tag_pairs = st.lists(tags, min_size=1, max_size=4).map(lambda held: pairs("tag", held))
terms = st.one_of(
    st.builds(AnyOf, tag_pairs),
    st.builds(AnyOf, users.map(lambda user: pairs("user", [user]))),
    st.builds(NoneOf, tag_pairs),
    st.builds(NoneOf, tag_pairs, users.map(lambda user: pairs("user", [user]))),
    st.builds(Between, st.just("time"), bounds, bounds),
    st.builds(Between, st.just("likes"), bounds, bounds),
    st.builds(Between, st.just("saves"), bounds, bounds),
    st.builds(Among, st.lists(ids, max_size=40).map(tuple), st.booleans()),
    st.builds(Among, st.lists(ids, max_size=40).map(lambda named: Ids(np.array(named, np.int64))), st.booleans()),
)
questions = st.tuples(sights, st.lists(terms, max_size=3).map(tuple), st.sampled_from(ORDERED), st.integers(1, 30))

quick = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def filled(library: list[Row]) -> Twin:
    twin = Twin(SPEC)
    twin.apply([Put(row) for row in library])
    return twin


def agree(index: Index, twin: Twin, asked: list[tuple[Sight, tuple[Term, ...], str, int]]) -> None:
    assert len(index) == len(twin.rows)
    for sight, narrowed, sort, limit in asked:
        expected = twin.ids(sight, narrowed, sort)
        assert walk_pages(index, sight, narrowed, sort, limit) == expected
        assert index.count(sight, narrowed) == len(expected)
        assert index.keep(sight, narrowed, range(121)) == sorted(expected)
        assert index.page(sight, narrowed, sort, limit, offset=limit).ids == expected[limit : 2 * limit]
        dealt = walk_pages(index, sight, narrowed, "Random", limit, start=(len(expected) * 7919,))
        assert sorted(dealt) == sorted(expected)


@quick
@given(libraries, st.lists(batches.flatmap(st.just), max_size=1), st.lists(questions, min_size=1, max_size=4))
def test_answers_like_the_twin_before_and_after_writes(
    library: list[Row], written: list[list[list[Change]]], asked: list[tuple[Sight, tuple[Term, ...], str, int]]
) -> None:
    index, twin = build_index(library), filled(library)
    agree(index, twin, asked)
    for batch in [batch for batches in written for batch in batches]:
        index.apply(batch)
        twin.apply(batch)
        agree(index, twin, asked)


@quick
@given(libraries, st.lists(changes, max_size=60), st.lists(questions, min_size=1, max_size=3))
def test_answers_alike_after_a_restart_and_after_a_rebuild(
    library: list[Row], batch: list[Change], asked: list[tuple[Sight, tuple[Term, ...], str, int]]
) -> None:
    index, twin = build_index(library), filled(library)
    index.apply(batch, log=(7, 9))
    twin.apply(batch)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "things.feed"
        save(index, path, "here")
        restarted = load(SPEC, path, "here")
        assert restarted.log == (7, 9)
        agree(restarted, twin, asked)
        restarted.apply(batch)
        twin.apply(batch)
        agree(restarted, twin, asked)
        agree(rebuilt(restarted), twin, asked)


@settings(quick, max_examples=60)
@given(st.lists(rows, min_size=20, max_size=120, unique_by=lambda row: row.id), st.data())
def test_a_walk_under_writes_neither_skips_nor_repeats_what_stays(library: list[Row], data: st.DataObject) -> None:
    index, twin = build_index(library), filled(library)
    sight, narrowed, sort, limit = data.draw(questions)
    touched: set[int] = set()

    def disturb() -> None:
        batch = data.draw(st.lists(changes, max_size=6))
        touched.update(change.row.id if isinstance(change, Put) else change.id for change in batch)
        index.apply(batch)
        twin.apply(batch)

    before = twin.ids(sight, narrowed, sort)
    walked = walk_pages(index, sight, narrowed, sort, limit, between=disturb)
    stayed = [id for id in before if id not in touched]
    assert [id for id in walked if id not in touched] == stayed


@quick
@given(libraries, st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_random_is_the_same_for_a_seed_in_every_process(library: list[Row], seed: int, limit: int) -> None:
    everything = Sight(31, all=((1, 95), (2, 95)))
    index = build_index(library)
    piecemeal = build_index([])
    piecemeal.apply([Put(row) for row in reversed(library)])
    dealt = walk_pages(index, everything, (), "Random", limit, start=(seed,))
    assert dealt == walk_pages(piecemeal, everything, (), "Random", 7, start=(seed,))
    assert len(dealt) == len(set(dealt))


@pytest.mark.parametrize(("many", "direct", "alike"), [(300, 20_000, 10), (300, 10, 40), (3000, 10, 1200)])
def test_random_orders_differ_by_seed(monkeypatch: pytest.MonkeyPatch, many: int, direct: int, alike: int) -> None:
    monkeypatch.setattr(shuffle, "DIRECT", direct)
    index = build_index([Row(id=id, keys=(0, 0, 0), values=((1,), ()), level=1) for id in range(1, many)])
    dealt = {tuple(walk_pages(index, Sight(1), (), "Random", 150, start=(seed,))) for seed in range(0, 20, 2)}
    assert len(dealt) == 10
    assert {frozenset(order) for order in dealt} == {frozenset(range(1, many))}
    neighbours = [{frozenset(pair) for pair in pairwise(order)} for order in dealt]
    assert len(neighbours[0] & neighbours[1]) < alike


@pytest.mark.parametrize("sort", ORDERED)
def test_pages_join_up_over_nothing_but_ties(sort: str) -> None:
    index = build_index([Row(id=id, keys=(5, 0, 0), values=((1,), (3,)), level=1) for id in range(1, 5001)])
    expected = list(range(1, 5001)) if sort in ("Oldest", "Highest Rated") else list(range(5000, 0, -1))
    for limit in (1000, 333):
        assert walk_pages(index, Sight(1), (), sort, limit) == expected
        assert walk_pages(index, Sight(1), (AnyOf(pairs("tag", [3])),), sort, limit) == expected


def test_newest_rows_split_the_tier_that_they_fall_into() -> None:
    index = build_index([])
    index.apply([Put(Row(id=id, keys=(id, 0, 0), values=((1,), ()), level=1)) for id in range(1, 2001)])
    sizes = [leaf.size for leaf in index.tiers["Newest"].leaves()]
    assert sum(sizes) == 2000
    assert max(sizes) <= 8
    assert walk_pages(index, Sight(1), (), "Newest", 170) == list(range(2000, 0, -1))


@pytest.mark.parametrize("many", [0, 5, 2000])
def test_an_index_that_began_empty_is_saved_and_read_back(tmp_path: Path, many: int) -> None:
    index = build_index([])
    index.apply([Put(Row(id=id, keys=(id, 0, 0), values=((1,), ()), level=1)) for id in range(1, many + 1)], log=(7, 9))
    save(index, tmp_path / "things.feed", "here")
    restarted = load(SPEC, tmp_path / "things.feed", "here")
    for sort in ORDERED:
        assert walk_pages(restarted, Sight(1), (), sort, 170) == walk_pages(index, Sight(1), (), sort, 170)
    restarted.apply([Put(Row(id=id, keys=(id, 0, 0), values=((1,), ()), level=1)) for id in range(5000, 5100)])
    assert walk_pages(restarted, Sight(1), (), "Newest", 170) == [*range(5099, 4999, -1), *range(many, 0, -1)]


def test_readers_go_on_while_a_batch_is_filed() -> None:
    index = build_index([])
    rows = [Row(id=id, keys=(id, id % 7, 0), values=((id % 5,), (id % 11,)), level=1) for id in range(1, 3001)]
    writer = threading.Thread(target=index.apply, args=([Put(row) for row in rows],))
    writer.start()
    seen = 0
    while writer.is_alive():
        page = index.page(Sight(1), (AnyOf(pairs("tag", [3])),), "Newest", 50)
        assert page.ids == sorted(page.ids, reverse=True)
        assert all(id % 11 == 3 for id in page.ids)
        count = index.count(Sight(1), ())
        assert count >= seen
        seen = count
    writer.join()
    assert index.count(Sight(1), ()) == 3000
