"""A user's pages: pictures, videos, posts, models, collections."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pinako.catalog.people import Profile, Viewer
from pinako.catalog.queries import CollectionQuery
from pinako.errors import NotFound
from pinako.feed import lookups
from pinako.services import browse, hiding
from pinako.services.blocking import heed_block
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import Address
from pinako.web.gallery.collections import Collections
from pinako.web.gallery.images import Images
from pinako.web.gallery.lists import card_part, shown_address, wants_part
from pinako.web.gallery.models import Models
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.posts import Posts
from pinako.web.gallery.strings import say
from pinako.web.routes import Route

SECTIONS = ("images", "videos", "posts", "models", "collections")


class People:
    """`/user/NAME` and what lies under it."""

    def __init__(self, pages: Pages, images: Images, posts: Posts, models: Models, collections: Collections) -> None:
        self._pages = pages
        self._library = pages.library
        self._images = images
        self._posts = posts
        self._models = models
        self._collections = collections
        self._card = pages.draw.collection_card

    def routes(self) -> list[Route]:
        """The doors."""
        return [self._pages.route("/user/{}", self.show), self._pages.route("/user/{}/{}", self.show)]

    def show(self, ask: Ask) -> Answer:
        """A section of a user's things; their images where none is named."""
        section = ask.args[1] if len(ask.args) > 1 else "images"
        if section not in SECTIONS:
            raise NotFound("Not found")
        viewer = self._pages.viewer_of(ask)
        profile = browse.profile(self._library, viewer, None, ask.args[0])
        if profile is None:
            raise NotFound("Not found")
        name, id = profile.user.username or say("user.unnamed"), profile.user.id
        heed_block(self._library.database.read(), viewer, id)
        extra = self._person(viewer, profile, name, section)
        title = name if section == "images" else f"{name}: {say(f'user.{section}')}"
        if section == "images":
            return self._images.wall(ask, title, "user_images.html", user_id=id, extra=extra)
        if section == "videos":
            return self._images.wall(ask, title, "user_images.html", user_id=id, types=("video",), extra=extra)
        if section == "posts":
            return self._posts.cards(ask, title, "user_posts.html", user_id=id, extra=extra)
        if section == "models":
            return self._models.cards(ask, title, "user_models.html", user_id=id, extra=extra)
        return self._shelves(ask, viewer, title, id, extra)

    def _shelves(self, ask: Ask, viewer: Viewer, title: str, id: int, extra: dict[str, Any]) -> Answer:
        address = Address(ask.path, ask.pairs)
        cards, cursor = self._collections.listed(viewer, address, CollectionQuery(user_id=id))
        if wants_part(ask):
            return card_part(self._pages, self._card, cards, cursor)
        if viewer.user_id == id and not cursor:
            cards = self._collections.own(viewer)
        shown = str(shown_address(ask))
        return self._pages.show(
            ask, "user_collections.html", title=title, cards=cards, next=cursor, address=shown, **extra
        )

    def _person(self, viewer: Viewer, profile: Profile, name: str, section: str) -> dict[str, Any]:
        base = f"/user/{quote(name, safe='')}"
        counts = {"images": profile.upload_count, "models": profile.model_count}
        tabs = [
            (base if one == "images" else f"{base}/{one}", say(f"user.{one}"), one == section, counts.get(one))
            for one in SECTIONS
        ]
        followed = viewer.known and profile.user.id in lookups.followed_users(self._library.database.read(), viewer)
        hidden = viewer.known and profile.user.id in hiding.hidden_users(self._library, viewer)
        return {"profile": profile, "name": name, "person_tabs": tabs, "followed": followed, "hidden": hidden}
