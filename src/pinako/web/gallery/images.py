"""Walls of images and videos: filters in the address, the first screen as HTML, the next ones as the same HTML in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort, Period
from pinako.errors import BadRequest
from pinako.services import browse
from pinako.services.hiding import without_hidden
from pinako.services.library import Library
from pinako.services.searching import narrow_images
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import NAMED, Address, ImageFilters, image_query, read_image_filters
from pinako.web.gallery.chips import image_chips
from pinako.web.gallery.lists import own_order
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import Tile, tiles
from pinako.web.routes import Route
from pinako.web.threads import Threads

KEPT = (
    "query",
    "tags",
    "excludedTags",
    "modelId",
    "modelVersionId",
    "postId",
    "collectionId",
    "reactions",
    "followed",
)
"""What the filter form does not show and must not lose."""


class Piece(msgspec.Struct, frozen=True):
    """One tile for a script: its id, its shape and its HTML."""

    id: int
    r: int
    html: str


class Part(msgspec.Struct, frozen=True):
    """One more page of a wall."""

    items: list[Piece]
    next: str | None


class Wall(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tiles and where the next one begins. `notice` says why there are none, where the search was not understood."""

    tiles: list[Tile]
    next: str | None
    notice: str = ""


def build_wall(library: Library, viewer: Viewer, query: ImageQuery, asked: str) -> Wall:
    """One page of a wall. A search that cannot be read is an empty wall that says so; other refusals are raised."""
    try:
        query = narrow_images(library, viewer, query, asked) if asked else query
    except BadRequest as error:
        return Wall(tiles=[], next=None, notice=say("search.unread", reason=error.message))
    page = browse.images(library, without_hidden(library, viewer, query), viewer)
    return Wall(tiles=tiles(library, page.ids, viewer), next=page.next_cursor)


class Images:
    """`/images` and `/videos`."""

    def __init__(self, pages: Pages, threads: Threads) -> None:
        self._pages = pages
        self._library = pages.library
        self._threads = threads

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            self._pages.route("/images", self.images),
            self._pages.route("/videos", self.videos),
        ]

    def images(self, ask: Ask) -> Answer:
        """`/images`."""
        return self.wall(ask, say("nav.images"))

    def videos(self, ask: Ask) -> Answer:
        """`/videos`: the same wall, of videos."""
        return self.wall(ask, say("nav.videos"), types=("video",))

    def wall(self, ask: Ask, title: str, template: str = "images.html", **fixed: Any) -> Answer:
        """A page with a wall, or for its script only more tiles. `fixed` are filters that the page itself stands for.

        Other things that the template needs come in `extra`.
        """
        extra = fixed.pop("extra", {})
        library, viewer = self._library, self._pages.viewer_of(ask)
        filters = read_image_filters(library, ask.path, ask.pairs)
        query = msgspec.structs.replace(image_query(filters, ImageSort(library.settings.image_sort)), **fixed)
        query = own_order(query, chosen=filters.sort is not None)
        wall = build_wall(library, viewer, query, filters.searched)
        if filters.address.first("part") == "items":
            return self._pages.give(self.part(wall))
        chips = image_chips(filters)
        shown = Address(
            filters.address.path, tuple(p for p in ask.pairs if p[0] not in ("cursor", "part", "token") and p[1])
        )
        return self._pages.show(
            ask,
            template,
            title=title,
            tiles=wall.tiles,
            next=wall.next,
            notice=wall.notice,
            address=str(shown),
            chips=chips,
            clear=filters.address.path,
            **filter_form(library, filters, query.sort, typed="types" not in fixed),
            **extra,
        )

    def part(self, wall: Wall) -> Part:
        """Tiles for a script."""
        draw = self._pages.draw
        return Part([Piece(tile.id, tile.ratio, str(draw.tile(tile, False))) for tile in wall.tiles], wall.next)


def filter_form(
    library: Library, filters: ImageFilters, sort: ImageSort | None, *, typed: bool = True
) -> dict[str, Any]:
    """What the filter form shows."""
    sorts = [(sort.value, sort.value) for sort in ImageSort]
    if sort is None:
        sorts.insert(0, ("", say("filter.sort.own")))
    return {
        "filters": filters,
        "more": True,
        "kept": [pair for pair in filters.address.pairs if pair[0] in KEPT and pair[1]],
        "sorts": sorts,
        "sort": sort.value if sort else "",
        "periods": [(period.value, say(f"period.{period.value}")) for period in Period],
        "types": [(word, say(f"type.{word}"), word in filters.types) for word in enums.MEDIA_TYPES] if typed else [],
        "bases": base_choices(library, filters.base_models),
        "flags": [
            ("withMeta", say("filter.meta"), filters.with_meta),
            ("onSite", say("filter.onsite"), filters.on_site),
        ],
        "tag_fields": True,
        "named": [(key, say(f"filter.by.{key}"), dict(filters.named).get(key, "")) for key in NAMED],
    }


def base_choices(library: Library, chosen: Sequence[str]) -> list[tuple[str, bool]]:
    """The base models that this library has something of, and those that are chosen."""
    return [(name, name in chosen) for name in dict.fromkeys((*in_order(library.feeds.base_models.all()), *chosen))]


@lru_cache(maxsize=8)
def in_order(names: frozenset[str]) -> tuple[str, ...]:
    """Base models in the field's own order, then what it does not know."""
    place = {name: at for at, name in enumerate(BASE_MODELS)}
    return tuple(sorted(names, key=lambda name: (place.get(name, len(place)), name)))
