"""A small entity for the engine's tests: two key columns, sorts in both directions, a composite one, ties everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pinako.feed import build, parts, tiers, unions, walk
from pinako.feed.build import Builder
from pinako.feed.index import Index
from pinako.feed.spec import DOWN, UP, Page, Row, Sight, Sort, Spec, Term

SPEC = Spec(
    name="things",
    columns=("time", "likes", "saves"),
    sorts=(
        Sort(name="Newest", by=(("time", DOWN),)),
        Sort(name="Oldest", by=(("time", UP),), id_way=UP),
        Sort(name="Most Liked", by=(("likes", DOWN),)),
        Sort(name="Highest Rated", by=(("likes", DOWN), ("saves", DOWN)), id_way=UP),
    ),
    fields=("user", "tag"),
    owner="user",
    random="Random",
)
ORDERED = tuple(sort.name for sort in SPEC.sorts)


def build_index(rows: Sequence[Row], log: tuple[int, int] = (0, 0)) -> Index:
    """An index made in one go."""
    builder = Builder(SPEC)
    keys = list(zip(*(row.keys for row in rows), strict=True)) or [(), (), ()]
    builder.add_rows([row.id for row in rows], keys, [row.level for row in rows], [row.room for row in rows])
    for at, field in enumerate(SPEC.fields):
        pairs = [(row.id, value) for row in rows for value in row.values[at]]
        builder.add_values(field, [id for id, _ in pairs], [value for _, value in pairs])
    return builder.index(log)


def walk_pages(
    index: Index,
    sight: Sight,
    terms: Sequence[Term],
    sort: str,
    limit: int,
    start: tuple[int, ...] | None = None,
    between: Callable[[], None] = lambda: None,
) -> list[int]:
    """All ids, page by page, with something happening between the pages."""
    found: list[int] = []
    while True:
        page: Page = index.page(sight, terms, sort, limit, start=start)
        assert len(page.ids) <= limit
        assert page.next is None or len(page.ids) == limit
        found += page.ids
        start = page.next
        if start is None:
            return found
        between()


def shrink(monkeypatch_set: Callable[[object, str, object], None]) -> None:
    """Tiny tiers and thresholds, so that a few hundred rows take every path that millions take."""
    monkeypatch_set(build, "leaf_size", lambda rows: 4)
    monkeypatch_set(tiers, "FAN", 2)
    monkeypatch_set(walk, "SMALL", 6)
    monkeypatch_set(walk, "_PROBES", 24)
    monkeypatch_set(parts, "_AT_FIRST", 1)
    monkeypatch_set(parts, "_MANY", 2)
    monkeypatch_set(parts, "_RARE", 2)
    monkeypatch_set(unions, "_MOST", 2)
