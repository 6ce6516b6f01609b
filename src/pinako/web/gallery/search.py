"""`/search/KIND`, suggestions for the search box, and the page that explains the query language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pinako.catalog.people import Viewer
from pinako.catalog.queries import CollectionQuery, CreatorQuery, ModelQuery, TagQuery, TagSort, UserQuery
from pinako.catalog.searching import KEYS
from pinako.errors import NotFound
from pinako.services import browse
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import Address, link
from pinako.web.gallery.collections import Collections
from pinako.web.gallery.images import Images
from pinako.web.gallery.lists import card_page
from pinako.web.gallery.models import Models
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.posts import Posts
from pinako.web.gallery.strings import say
from pinako.web.routes import Route

KINDS = ("images", "videos", "models", "posts", "users", "collections", "tags")
EACH = 5
_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')

HELP = (
    ("misty harbour", "help.words"),
    ("harbour -night -tag:winter", "help.minus"),
    ('model:"Glass Atlas"', "help.model"),
    ("lora:ink", "help.lora"),
    ("tag:sea,lighthouse", "help.tag"),
    ("seed:412288061", "help.seed"),
    ("steps>30 cfg:5..8", "help.steps"),
    ("size:1024x1536 width>=1000", "help.size"),
    ("date:2025-03", "help.date"),
    ("level:pg,pg13", "help.level"),
    ("user:inkharbor", "help.user"),
    ('base:"SDXL 1.0"', "help.base"),
    ("type:video", "help.type"),
    ('sampler:"Euler a"', "help.sampler"),
    ('collection:"Quiet harbours"', "help.collection"),
    ("has:meta", "help.has"),
)


class Suggestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to go on. `value` is the whole new text of the box; with `address` it is a page to go to."""

    kind: str
    value: str
    label: str = ""
    count: int = 0
    address: str = ""


class Search:
    """The doors of searching."""

    def __init__(self, pages: Pages, images: Images, posts: Posts, models: Models, collections: Collections) -> None:
        self._pages = pages
        self._library = pages.library
        self._images = images
        self._posts = posts
        self._models = models
        self._collections = collections

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            self._pages.route("/search/help", self.help),
            self._pages.route("/search/suggest", self.suggest),
            self._pages.route("/search/{}", self.search),
        ]

    def help(self, ask: Ask) -> Answer:
        """How to search."""
        rows = [(example, link("/images", query=example), say(key)) for example, key in HELP]
        return self._pages.show(ask, "help.html", rows=rows)

    def search(self, ask: Ask) -> Answer:
        """`/search/KIND?query=`: the list of that kind."""
        kind = ask.args[0]
        if kind not in KINDS:
            raise NotFound("Not found")
        address = Address(ask.path, ask.pairs)
        text = address.first("query").strip()
        title = say("search.for", query=text) if text else say("search.title")
        extra: dict[str, Any] = {
            "kinds": [(link(f"/search/{one}", query=text), say(f"search.{one}"), one == kind) for one in KINDS]
        }
        if kind == "images":
            return self._images.wall(ask, title, "search_images.html", extra=extra)
        if kind == "videos":
            return self._images.wall(ask, title, "search_images.html", types=("video",), extra=extra)
        if kind == "models":
            return self._models.cards(ask, title, "search_models.html", extra=extra)
        if kind == "posts":
            return self._posts.cards(ask, title, "search_posts.html", extra=extra)
        viewer = self._pages.viewer_of(ask)
        if kind == "collections":
            listed = self._collections.listed(viewer, address, CollectionQuery(text=text or None))
            card = self._pages.draw.collection_card
            return card_page(
                self._pages, ask, card, listed, "search_collections.html", lambda: {"title": title, **extra}
            )
        if kind == "users":
            return self._pages.show(ask, "search_users.html", title=title, people=self._people(viewer, text), **extra)
        query = TagQuery(limit=200, text=text or None, entity="Image", sort=TagSort.MOST_IMAGES)
        known = browse.tags(self._library, query, viewer)
        found = [(one.tag.name, one.image_count) for one in known.items]
        return self._pages.show(ask, "search_tags.html", title=title, tags=found, **extra)

    def _people(self, viewer: Viewer, text: str) -> list[str]:
        if text:
            found = browse.users(self._library, UserQuery(text=text, limit=60))
            return [user.username for user in found if user.username]
        listed = browse.creators(self._library, CreatorQuery(limit=60), viewer)
        return [one.user.username for one in listed.items if one.user.username]

    def suggest(self, ask: Ask) -> Answer:
        """What the last word of a text may become, as data for the search box."""
        address = Address(ask.path, ask.pairs)
        text, viewer = address.first("text")[:1000], self._pages.viewer_of(ask)
        if address.first("only") == "tags":
            before, _, word = text.rpartition(",")
            lead = f"{before.strip()}, " if before else ""
            return self._pages.give(
                [msgspec.structs.replace(s, value=lead + s.label) for s in self._tags(viewer, word, "")]
            )
        return self._pages.give(list(self._suggestions(viewer, text)))

    def _suggestions(self, viewer: Viewer, text: str) -> Iterator[Suggestion]:
        lead, word = last_word(text)
        minus = "-" if word.startswith("-") else ""
        key, colon, part = word.removeprefix("-").partition(":")
        if not colon:
            part = key
        asked = part.strip('"')
        if not asked:
            return
        if not colon or key == "tag":
            yield from self._tags(viewer, asked, f"{lead}{minus}tag:")
        if not colon or key in ("model", "checkpoint", "lora"):
            yield from self._model_names(viewer, asked, lead + minus, key if colon else "")
        if not colon or key in ("user", "by"):
            for user in browse.users(self._library, UserQuery(text=asked, limit=3)):
                if user.username:
                    yield Suggestion(kind="user", label=user.username, value=f"{lead}{minus}user:{user.username} ")
        if not colon and len(asked) > 1:
            for name in KEYS:
                if name.startswith(asked.lower()):
                    yield Suggestion(kind="prompt", label=f"{name}:", value=f"{lead}{minus}{name}:")

    def _tags(self, viewer: Viewer, asked: str, lead: str) -> Iterator[Suggestion]:
        if not asked.strip():
            return
        query = TagQuery(limit=EACH, text=asked.strip(), entity="Image", sort=TagSort.MOST_IMAGES)
        for one in browse.tags(self._library, query, viewer).items:
            yield Suggestion(
                kind="tag", label=one.tag.name, value=f"{lead}{quoted(one.tag.name)} ", count=one.image_count
            )

    def _model_names(self, viewer: Viewer, asked: str, lead: str, key: str) -> Iterator[Suggestion]:
        page = browse.models(self._library, ModelQuery(text=asked, limit=EACH), viewer)
        for card in self._library.feeds.documents.fetch("model_trpc", page.ids):
            named = msgspec.json.decode(card.parts.head + b"}", type=_Named)
            word = key or ("lora" if named.type in ("LORA", "LoCon", "DoRA") else "model")
            yield Suggestion(kind="model", label=named.name, value=f"{lead}{word}:{quoted(named.name)} ")


class _Named(msgspec.Struct):
    name: str
    type: str


def last_word(text: str) -> tuple[str, str]:
    """A text before its last word, and that word; blanks in quotes are part of one."""
    start = next((found.start() for found in _WORD.finditer(text) if found.end() == len(text)), len(text))
    return text[:start], text[start:]


def quoted(name: str) -> str:
    """A name as the query language takes it."""
    return f'"{name}"' if any(mark in name for mark in ' ,"') else name
