"""Collections: everybody's and one's own, and the page of one with its things."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pinako.catalog.collections import FullCollection
from pinako.catalog.people import Viewer
from pinako.catalog.queries import CollectionQuery, CollectionSort, ModelQuery, PostQuery
from pinako.errors import NotFound
from pinako.services import browse
from pinako.services import collections as shelves
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import PAGE, Address, collection_sort, number_of
from pinako.web.gallery.images import Images
from pinako.web.gallery.lists import card_part, shown_address, wants_part
from pinako.web.gallery.models import Models
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.posts import Posts
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import COVERS, CollectionCard, Tile, collection_cards, covers_of, models, posts
from pinako.web.routes import Route


class Collections:
    """`/collections` and `/collections/ID`."""

    def __init__(self, pages: Pages, images: Images, posts: Posts, models: Models) -> None:
        self._pages = pages
        self._library = pages.library
        self._images = images
        self._posts = posts
        self._models = models
        self._card = pages.draw.collection_card

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            self._pages.route("/collections", self.collections),
            self._pages.route("/collections/{}", self.collection),
        ]

    def collections(self, ask: Ask) -> Answer:
        """`/collections`, or the caller's own with `?mine=true`."""
        address, viewer = Address(ask.path, ask.pairs), self._pages.viewer_of(ask)
        mine = viewer.known and address.first("mine") == "true"
        if mine:
            cards, cursor = self.own(viewer), None
        else:
            cards, cursor = self.listed(viewer, address, CollectionQuery(text=address.first("query") or None))
        if wants_part(ask):
            return card_part(self._pages, self._card, cards, cursor)
        sort = collection_sort(address)
        everybody = str(address.less("mine"))
        return self._pages.show(
            ask,
            "collections.html",
            title=say("collection.title"),
            cards=cards,
            next=cursor,
            address=str(shown_address(ask)),
            tabs=[
                (everybody, say("collection.everybody"), not mine),
                (str(address.put("mine", "true")), say("collection.mine"), mine),
            ]
            if viewer.known
            else [],
            sorts=[
                (CollectionSort.NEWEST.value, say("collection.sort.newest")),
                (CollectionSort.MOST_FOLLOWERS.value, say("collection.sort.followed")),
            ],
            sort=sort.value,
            mine=mine,
        )

    def own(self, viewer: Viewer) -> list[CollectionCard]:
        """The caller's own, and those where a right is held."""
        found = shelves.of_user(self._library, viewer, wanted=frozenset({"ADD", "ADD_REVIEW", "MANAGE"}))
        return self.cards(viewer, found, viewer.cap)

    def listed(
        self, viewer: Viewer, address: Address, query: CollectionQuery
    ) -> tuple[list[CollectionCard], str | None]:
        """A page of public collections."""
        given = msgspec.structs.replace(
            query, limit=PAGE, sort=collection_sort(address), cursor=address.first("cursor") or None
        )
        if given.cursor is not None and number_of(given.cursor) is None:
            given = msgspec.structs.replace(given, cursor=None)
        page = browse.public_collections(self._library, given, viewer)
        return self.cards(viewer, page.items, viewer.mask(given.level)), None if page.next_cursor is None else str(
            page.next_cursor
        )

    def cards(self, viewer: Viewer, found: Sequence[FullCollection], mask: int) -> list[CollectionCard]:
        """The cards, with what the caller may see under `mask`; collections of posts and models show pictures of those."""
        read = self._library.database.read()
        seen = {
            one.collection.id: shelves.newest_seen(self._library, read, one.collection.id, viewer, mask, most=COVERS)
            for one in found
            if one.cover is None
        }
        cards = collection_cards(found, covers_of(self._library, seen))
        kinds = {one.collection.id: one.collection.type for one in found}
        return [card if card.covers else self._filled(viewer, card, kinds[card.id]) for card in cards]

    def _filled(self, viewer: Viewer, card: CollectionCard, kind: str | None) -> CollectionCard:
        library = self._library
        covers: list[Tile] = []
        if kind == "Post":
            query = PostQuery(limit=COVERS, collection_id=card.id)
            listed = posts(library, browse.posts(library, query, viewer), query, viewer)
            covers = [one.covers[0] for one in listed]
        elif kind == "Model":
            page = browse.models(library, ModelQuery(limit=COVERS, collection_id=card.id), viewer)
            covers = [one.cover for one in models(library, page) if one.cover is not None]
        return msgspec.structs.replace(card, covers=tuple(covers))

    def collection(self, ask: Ask) -> Answer:
        """`/collections/ID`: its things by its kind; one of no kind shows its images."""
        id = number_of(ask.args[0])
        if id is None:
            raise NotFound("Not found")
        full, may = shelves.by_id(self._library, self._pages.viewer_of(ask), id)
        if full is None:
            raise NotFound("Not found")
        extra = {"full": full, "collection": full.collection, "may": may}
        name = full.collection.name
        if full.collection.type == "Post":
            return self._posts.cards(ask, name, "collection_posts.html", collection_id=id, extra=extra)
        if full.collection.type == "Model":
            return self._models.cards(ask, name, "collection_models.html", collection_id=id, extra=extra)
        return self._images.wall(ask, name, "collection.html", collection_id=id, extra=extra)
