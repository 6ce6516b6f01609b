"""`/`: what is new."""

from __future__ import annotations

from pinako.catalog.queries import CollectionQuery, ImageQuery, ImageSort, ModelQuery, ModelSort, Period
from pinako.services import browse
from pinako.services.hiding import without_hidden
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.collections import Collections
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.tiles import models, tiles
from pinako.web.routes import Route

NEW_IMAGES, LIKED_IMAGES, NEW_MODELS, SOME_COLLECTIONS = 30, 12, 8, 4


class Home:
    """The first page."""

    def __init__(self, pages: Pages, collections: Collections) -> None:
        self._pages = pages
        self._collections = collections

    def routes(self) -> list[Route]:
        """The door."""
        return [self._pages.route("/", self.show)]

    def show(self, ask: Ask) -> Answer:
        """New pictures, what was liked, new models, some collections."""
        library, viewer = self._pages.library, self._pages.viewer_of(ask)
        new = ImageQuery(limit=NEW_IMAGES, sort=ImageSort.NEWEST)
        newest = browse.images(library, without_hidden(library, viewer, new), viewer)
        loved = ImageQuery(limit=LIKED_IMAGES, sort=ImageSort.MOST_REACTIONS, period=Period.MONTH)
        liked = browse.images(library, without_hidden(library, viewer, loved), viewer)
        fresh = ModelQuery(limit=NEW_MODELS, sort=ModelSort.NEWEST)
        listed = browse.models(library, without_hidden(library, viewer, fresh), viewer)
        shelves = browse.public_collections(library, CollectionQuery(limit=SOME_COLLECTIONS), viewer)
        return self._pages.show(
            ask,
            "home.html",
            tiles=tiles(library, newest.ids, viewer),
            liked=tiles(library, liked.ids, viewer),
            models=models(library, listed),
            collections=self._collections.cards(viewer, shelves.items, viewer.mask(None)),
        )
