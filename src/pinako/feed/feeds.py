"""The lists of an open library: one call for each kind of query. What `services/browse.py` asks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from pinako.catalog.people import Viewer
from pinako.catalog.queries import (
    CollectionQuery,
    CreatorQuery,
    ImageQuery,
    ImageSort,
    ModelQuery,
    PostQuery,
    TagQuery,
    UserQuery,
)
from pinako.feed import image_rows, images, model_rows, others, post_rows, posts, resources
from pinako.feed.asking import MINUTE, Asked, Empty
from pinako.feed.documents import Documents
from pinako.feed.follow import LOOK_MS, Follower
from pinako.feed.index import Index
from pinako.feed.listing import Listing, Question
from pinako.feed.names import Names, Words
from pinako.feed.others import Counted, Found, Tallies
from pinako.feed.recent import Recent
from pinako.feed.shelves import Shelves
from pinako.storage.database import Database

SOURCES = (image_rows.SOURCE, post_rows.SOURCE, model_rows.SOURCE)


PAGES, TAG_PAGES = 2048, 256
State: TypeAlias = tuple[int, int, int, int]
"""Pages of images that are kept until the next write: everybody's first pages are the same few."""


class _KeptPage(msgspec.Struct, frozen=True):
    """A page that follows from the index alone, and of which state of it; `minute` where it also follows from the clock."""

    listing: Listing
    index: Index
    version: int
    minute: int

    def holds(self, index: Index, database: Database) -> bool:
        """Whether the same question would be answered the same now."""
        same = self.index is index and self.version == index.version
        return same and (not self.minute or self.minute == database.now() // MINUTE)


class Feeds:
    """Indexes, names and documents of one process. Safe from any thread."""

    def __init__(self, database: Database, folder: Path | None, entries: int) -> None:
        self.database = database
        self.documents = Documents(database, entries)
        self.follower = Follower(database, SOURCES, folder)
        self.follower.listeners.append(self._changed)
        self.model_names = Names(database, "models", "name")
        self.user_names = Names(database, "users", "username_key")
        self.base_models = Words(database, "model_versions", "base_model")
        self.model_types = Words(database, "models", "type")
        self.tallies = Tallies()
        self.shelves = Shelves()
        self._pages = Recent[tuple[ImageQuery, Viewer], _KeptPage](PAGES)
        self._tag_pages = Recent[tuple[TagQuery, Viewer], tuple[tuple[int, ...], Counted]](TAG_PAGES)
        """Pages of tags and after which write they were made: each takes a sorting of every tag."""
        self.written = Recent[Hashable, tuple[State, object]](PAGES)
        """Whole pages as a door wrote them, by what it was asked, with the state that they were written in."""

    def _changed(self, entity: str, ids: Sequence[int]) -> None:
        """What is kept in memory beside the indexes follows the same notes."""
        if not ids:
            self.documents.forget_all()
            self.model_names.forget_all()
            self.user_names.forget_all()
            self.base_models.forget()
            self.model_types.forget()
            self.shelves.forget()
            return
        self.documents.forget(entity, ids)
        if entity == "model":
            self.model_names.forget(ids)
            self.base_models.forget()
            self.model_types.forget()
        elif entity == "collection":
            self.shelves.forget(ids)
        elif entity == "user":
            self.user_names.forget(ids)

    def index(self, entity: str) -> Index:
        """The index of "image", "post" or "model"."""
        return self.follower.indexes[entity]

    def images(self, query: ImageQuery, viewer: Viewer) -> Listing:
        """One page of images. BadRequest, NotFound (user name), Unauthorized (`hidden` without a login)."""
        index = self.index("image")
        known = self._pages.get((query, viewer))
        if known is not None and known.holds(index, self.database):
            return known.listing
        version = index.version  # before the page: a write in between makes what is kept void, never wrong
        asked = Asked(query, viewer, self.database, self.shelves)
        listing = images.list_images(index, asked)
        if not asked.looked_up and (query.cursor or query.sort != ImageSort.RANDOM):
            minute = asked.moment // MINUTE if asked.moment is not None else 0
            self._pages.put((query, viewer), _KeptPage(listing, index, version, minute))
        return listing

    def keeps(self, query: ImageQuery, viewer: Viewer) -> bool:
        """Whether this question's page follows from the index alone, so that it is the same while `state` is."""
        known = self._pages.get((query, viewer))
        return known is not None and known.holds(self.index("image"), self.database)

    def state(self) -> State:
        """What whole pages of images follow from: the index, the documents and, by the minute, the clock."""
        index = self.index("image")
        return id(index), index.version, self.documents.epoch, self.database.now() // MINUTE

    def forget_pages(self) -> None:
        """Ask the index again for every page, and write it again."""
        self._pages.clear()
        self._tag_pages.clear()
        self.written.clear()

    def count_images(self, query: ImageQuery, viewer: Viewer) -> int:
        """How many images the whole list has."""
        try:
            return _count(self.index("image"), images.question_of(Asked(query, viewer, self.database, self.shelves)))
        except Empty:
            return 0

    def posts(self, query: PostQuery, viewer: Viewer) -> Listing:
        """One page of posts. BadRequest."""
        return posts.list_posts(self.index("post"), Asked(query, viewer, self.database, self.shelves))

    def models(self, query: ModelQuery, viewer: Viewer) -> Listing:
        """One page of models. BadRequest, NotFound (user name), Unauthorized (`favorites`, `hidden`)."""
        return resources.list_models(
            self.index("model"), Asked(query, viewer, self.database, self.shelves), self.model_names
        )

    def count_models(self, query: ModelQuery, viewer: Viewer) -> int:
        """How many models the whole list has."""
        asked = Asked(query, viewer, self.database, self.shelves)
        try:
            return _count(self.index("model"), resources.question_of(asked, self.model_names))
        except Empty:
            return 0

    def creators(self, query: CreatorQuery, viewer: Viewer) -> Counted:
        """One page of users who own models, with how many this caller may see."""
        return others.list_creators(self.index("model"), self.user_names, self.tallies, query, viewer)

    def tags(self, query: TagQuery, viewer: Viewer) -> Counted:
        """One page of tags, with how many things of `query.entity` carry each."""
        indexes = self.follower.indexes
        state = (self.follower.place.seq, *(index.version for index in indexes.values()))
        known = self._tag_pages.get((query, viewer))
        if known is not None and known[0] == state:
            return known[1]
        found = others.list_tags(self.database, indexes, self.tallies, query, viewer)
        self._tag_pages.put((query, viewer), (state, found))
        return found

    def count_tags(self, entity: str, ids: Sequence[int], viewer: Viewer, level: int | None) -> dict[int, int]:
        """How many things of `entity` ("model", "image", "post") carry each of these few tags."""
        return others.count_tags(self.follower.indexes, entity, ids, viewer, level)

    def collections(self, query: CollectionQuery, viewer: Viewer, cursor: int | None = None) -> Found:
        """One page of public collections from the id `cursor` (inclusive) on."""
        return others.list_collections(self.database, query, viewer, cursor)

    def users(self, query: UserQuery) -> list[int]:
        """Users by id or name."""
        return others.list_users(self.database, self.user_names, query)

    def count_collection(self, collection_id: int, viewer: Viewer, mask: int) -> int:
        """How many items of a collection this caller may see under `mask`."""
        read = self.database.read()
        return others.visible_items(self.follower.indexes, self.shelves, read, collection_id, viewer, mask)

    def catch_up(self) -> None:
        """File what was written since; a no-op after this process's own writes."""
        self.follower.catch_up()

    def warm(self) -> None:
        """Read the large collections and find their things in the indexes, so that nobody's page waits for that."""
        indexes = self.follower.indexes
        for entity, ids in self.shelves.warm(self.database.read()):
            if entity.lower() in indexes:
                indexes[entity.lower()].look_up(ids)

    def follow(self, look_ms: int = LOOK_MS) -> None:
        """Follow other processes' writes in a thread that looks every so often. Call it in each worker, after any fork."""
        self.follower.start(look_ms)

    def save(self) -> None:
        """Save the indexes, so that the next start loads them. Raises OSError."""
        self.follower.save()

    def close(self) -> None:
        """Stop following."""
        self.follower.close()


def _count(index: Index, question: Question) -> int:
    return index.count(question.sight, question.terms) if question.sight.mask or question.sight.own else 0


def open_feeds(database: Database, folder: Path | None, *, entries: int = 20_000) -> Feeds:
    """Load the saved indexes from `folder`, or build them from the database; then follow this process's writes.

    `entries`: documents kept in memory for each door.
    """
    feeds = Feeds(database, folder, entries)
    feeds.follower.open()
    feeds.warm()
    return feeds
