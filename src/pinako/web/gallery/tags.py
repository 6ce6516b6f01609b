"""Tags: all of them, and the page of one."""

from __future__ import annotations

from pinako.catalog.queries import TagQuery, TagSort
from pinako.errors import NotFound
from pinako.services import browse, hiding
from pinako.services.searching import tags_named
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import Address, number_of
from pinako.web.gallery.images import Images
from pinako.web.gallery.lists import shown_address
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.strings import say
from pinako.web.routes import Route

PAGE = 200


class Tags:
    """`/tags` and `/tag/NAME`."""

    def __init__(self, pages: Pages, images: Images) -> None:
        self._pages = pages
        self._library = pages.library
        self._images = images

    def routes(self) -> list[Route]:
        """The doors."""
        return [self._pages.route("/tags", self.tags), self._pages.route("/tag/{*}", self.tag)]

    def tag(self, ask: Ask) -> Answer:
        """`/tag/NAME`: what carries it. A tag that nobody uses and one that nobody may ask for are the same empty page."""
        name = ask.args[0].strip()
        if not name:
            raise NotFound("Not found")
        # Forms and old links write a space as a plus, also in paths, where it is not one.
        found = tags_named(self._library, [name]) or tags_named(self._library, [name.replace("+", " ")])
        ids = tuple(tag.id for tag in found) or (0,)
        hidden = bool(found) and found[0].id in hiding.hidden_tags(self._library, ask.viewer)
        extra = {"tag": name, "tag_id": found[0].id if found else None, "hidden": hidden}
        title = say("tag.title", name=found[0].name if found else name)
        return self._images.wall(ask, title, "tag.html", all_tags=ids, extra=extra)

    def tags(self, ask: Ask) -> Answer:
        """`/tags`, the most used first."""
        address, viewer = Address(ask.path, ask.pairs), self._pages.viewer_of(ask)
        page = min(number_of(address.first("page")) or 1, 1000)
        query = TagQuery(
            limit=PAGE, page=page, text=address.first("query") or None, entity="Image", sort=TagSort.MOST_IMAGES
        )
        listed = browse.tags(self._library, query, viewer)
        more = page * PAGE < listed.total
        return self._pages.show(
            ask,
            "tags.html",
            tags=[(one.tag.name, one.image_count) for one in listed.items],
            asked=address.first("query"),
            next=str(shown_address(ask).put("page", str(page + 1))) if more else "",
        )
