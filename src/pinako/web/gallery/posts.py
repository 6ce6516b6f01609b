"""Posts: the list, and the page of one with its pictures."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog.queries import ImageQuery, Period, PostSort
from pinako.errors import NotFound
from pinako.services import browse, detail
from pinako.services.hiding import without_hidden
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import PostFilters, number_of, post_query, read_post_filters
from pinako.web.gallery.chips import post_chips
from pinako.web.gallery.lists import card_page, own_order
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.rich import clean
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import posts, tiles
from pinako.web.routes import Route

MOST_IMAGES = 200


class Posts:
    """`/posts` and `/posts/ID`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._library = pages.library
        self._card = pages.draw.post_card

    def routes(self) -> list[Route]:
        """The doors."""
        return [self._pages.route("/posts", self.posts), self._pages.route("/posts/{}", self.post)]

    def posts(self, ask: Ask) -> Answer:
        """`/posts`."""
        return self.cards(ask, say("post.title"), "posts.html")

    def cards(self, ask: Ask, title: str, template: str, **fixed: Any) -> Answer:
        """A list of posts, or for a script its next cards. `fixed` are filters that the page itself stands for."""
        extra = fixed.pop("extra", {})
        library, viewer = self._library, self._pages.viewer_of(ask)
        filters = read_post_filters(library, ask.path, ask.pairs)
        query = msgspec.structs.replace(post_query(filters), **fixed)
        query = own_order(query, chosen=filters.sort is not None)
        page = browse.posts(library, without_hidden(library, viewer, query), viewer)

        def around() -> dict[str, Any]:
            kept = {"title": title, "chips": post_chips(filters), "clear": filters.address.path}
            return {**kept, **post_form(filters, query.sort), **extra}

        listed = posts(library, page, query, viewer), page.next_cursor
        return card_page(self._pages, ask, self._card, listed, template, around)

    def post(self, ask: Ask) -> Answer:
        """`/posts/ID`."""
        id = number_of(ask.args[0])
        if id is None:
            raise NotFound("Not found")
        library, viewer = self._library, self._pages.viewer_of(ask)
        full = detail.post(library, viewer, id)
        drafts = viewer.moderator or viewer.user_id == full.post.user_id
        query = ImageQuery(limit=MOST_IMAGES, post_ids=(id,), level=viewer.cap, drafts=drafts)
        pictures = tiles(library, browse.images(library, query, viewer).ids, viewer)
        if not pictures and not drafts:
            raise NotFound("Not found")  # nothing of it is for this caller, so neither is its title
        shown = None
        if full.version_published and full.post.version_id is not None:
            shown = version_shown(self._pages, ask, full.post.version_id)
        return self._pages.show(
            ask,
            "post.html",
            full=full,
            post=full.post,
            tiles=pictures,
            about=clean(full.post.detail, under=1),
            version=shown,
        )


def version_shown(pages: Pages, ask: Ask, id: int) -> tuple[str, str] | None:
    """Name and address of the version that a post is about; None where this caller does not see it."""
    try:
        item = detail.version(pages.library, pages.viewer_of(ask), id)
    except NotFound:
        return None
    return item.model.name, f"/models/{item.model.id}?modelVersionId={id}"


def post_form(filters: PostFilters, sort: PostSort | None) -> dict[str, Any]:
    """What the filter form of posts shows."""
    own = [("", say("filter.sort.own"))] if sort is None else []
    kept = [
        pair for pair in filters.address.pairs if pair[0] in ("query", "tags", "browsingLevel", "followed") and pair[1]
    ]
    return {
        "filters": filters,
        "more": False,
        "kept": kept,
        "sorts": own + [(word.value, word.value) for word in PostSort],
        "sort": sort.value if sort else "",
        "periods": [(period.value, say(f"period.{period.value}")) for period in Period],
        "types": [],
        "bases": [],
        "flags": [],
        "tag_fields": False,
        "named": [],
    }
