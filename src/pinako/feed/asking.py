"""What lists of every entity have in common on their way from a query to the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from pinako.catalog.people import Viewer
from pinako.catalog.queries import PERIOD_DAYS, ImageQuery, ModelQuery, Period, PostQuery
from pinako.catalog.visibility import BLOCKED_TAGS
from pinako.errors import NotFound
from pinako.feed import lookups
from pinako.feed.shelves import Shelf, ShelfOrder, Shelves, shelf_of
from pinako.feed.spec import Among, AnyOf, Between, NoneOf, Term, pairs
from pinako.storage.database import Database, Read

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 86_400_000

Q = TypeVar("Q", ImageQuery, PostQuery, ModelQuery)


class Empty(Exception):
    """A filter that nothing can meet: the list is empty without asking the engine."""


class Asked(Generic[Q]):
    """One query, who asks it, and what its filters may look up.

    `looked_up`: some filter asked the database, so the answer follows from more than the index; `moment`: when one asked the
    clock, which stands still for this query; `on_shelf`: the page comes in a collection's own order.
    """

    def __init__(self, query: Q, viewer: Viewer, database: Database, shelves: Shelves) -> None:
        self.query: Q = query
        self.viewer = viewer
        self.shelves = shelves
        self.mask = viewer.mask(query.level)
        self.looked_up = False
        self.on_shelf = False
        self.moment: int | None = None
        self._database = database

    @property
    def database(self) -> Database:
        """The database of the library."""
        self.looked_up = True
        return self._database

    @property
    def read(self) -> Read:
        """This thread's reader."""
        return self.database.read()

    @property
    def now(self) -> int:
        """The clock, in milliseconds."""
        if self.moment is None:
            self.moment = self._database.now()
        return self.moment

    @property
    def own(self) -> tuple[tuple[str, int], ...]:
        """The caller's own rows, as pairs; none for anonymous callers."""
        return (("user", self.viewer.user_id),) if self.viewer.user_id is not None else ()


def in_collection(asked: Asked[Q], entity: str) -> Iterator[Term]:
    """What the caller may see of the asked collection. Nothing is said where its own order names its things anyway."""
    if asked.query.collection_id is not None and not asked.on_shelf:
        yield Among(asked.shelves.ids(asked.read, _shelf(asked, entity)))


def collected(asked: Asked[Q], entity: str) -> ShelfOrder:
    """The asked collection's own order, as the caller may see it."""
    return ShelfOrder(asked.read, _shelf(asked, entity))


def _shelf(asked: Asked[Q], entity: str) -> Shelf:
    tag = None if isinstance(asked.query, PostQuery) else asked.query.collection_tag_id
    return shelf_of(asked.viewer, asked.query.collection_id or 0, entity, tag)


def flagged(asked: Asked[Q], flags: Sequence[int]) -> Iterator[Term]:
    """Only rows with these flags: a view for moderators, and of one's own rows for everybody else (trpc.md 3)."""
    if flags and not asked.viewer.moderator:
        if not asked.own:
            raise Empty
        yield AnyOf(asked.own)
    yield from (AnyOf((("flag", int(flag)),)) for flag in flags)


def some(field: str, values: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """The pairs of values that were looked up. Empty when there are none: any-of nothing is nothing."""
    if not values:
        raise Empty
    return pairs(field, tuple(values))


def people(asked: Asked[Q]) -> Iterator[Term]:
    """Whose things: one user, those the caller follows, and those left out. NotFound for an unknown user name."""
    query = asked.query
    user_id = query.user_id
    if user_id is None and query.username:
        user_id = lookups.user_id_of(asked.read, query.username)
        if user_id is None:
            raise NotFound("User not found")
    if user_id is not None:
        yield AnyOf((("user", user_id),))
    if query.followed and asked.viewer.known:
        yield AnyOf(some("user", lookups.followed_users(asked.read, asked.viewer)))
    if query.excluded_users:
        yield NoneOf(pairs("user", query.excluded_users))


def any_tags(asked: Asked[Q], tags: Sequence[int]) -> Iterator[Term]:
    """Any of these tags. Blocked ones are passed over, and alone they match nothing (domain.md d)."""
    if tags:
        yield AnyOf(some("tag", [tag for tag in tags if asked.viewer.moderator or tag not in BLOCKED_TAGS]))


def window(asked: Asked[Q], column: str = "time") -> Iterator[Term]:
    """The period, back from the running minute: a bound that moves with every request could not be kept."""
    days = PERIOD_DAYS.get(Period(asked.query.period)) if asked.query.period_filters else None
    if days is not None:
        yield Between(column, low=asked.now // MINUTE * MINUTE - days * DAY)
