"""The page of one image, and its pieces: what the viewer shows beside, what looks alike, texts to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog import levels
from pinako.catalog.enums import REACTIONS
from pinako.catalog.generation import Generation
from pinako.catalog.images import FullImage, GenerationResource
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery
from pinako.catalog.tags import VotableTag
from pinako.catalog.visibility import Standing, image_standing
from pinako.errors import NotFound
from pinako.metadata import write_a1111
from pinako.services import around, browse, detail, votes
from pinako.services.around import Lookalikes, Making
from pinako.web.answers import PRIVATE, Answer, text_answer
from pinako.web.ask import Ask
from pinako.web.gallery import shown
from pinako.web.gallery.asked import number_of
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import Tile, prompt_of, tile_of, tiles
from pinako.web.routes import Route
from pinako.web.threads import Threads

NEIGHBOURS = 24
_WEIGHTED = ("TextualInversion", "LORA", "DoRA", "LoCon")
_SIGNS = {"Like": "thumb", "Heart": "heart", "Laugh": "laugh", "Cry": "cry", "Dislike": "thumbdown"}


class Fact(msgspec.Struct, frozen=True):
    """A name and a value; long ones have a line of their own. `copy`: worth a button."""

    name: str
    value: str
    long: bool = False
    copy: bool = False


class Reaction(msgspec.Struct, frozen=True):
    """One reaction: its word, sign and count, and whether the caller gave it."""

    word: str
    sign: str
    count: int
    mine: bool


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an image was made with. Without an address it is not in the library."""

    name: str
    kind: str
    note: str = ""
    strength: str = ""
    address: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page of one image says."""

    full: FullImage
    tile: Tile
    making: Making
    facts: list[Fact]
    file: list[Fact]
    origin: list[Fact]
    used: list[Used]
    tags: list[VotableTag]
    reactions: list[Reaction]
    collections: list[tuple[int, str]]
    state: str = ""

    @property
    def title(self) -> str:
        """A name for the page: its post's title, else the beginning of its prompt."""
        post, prompt = self.full.post, prompt_of(self.full.meta)
        if post is not None and post.title:
            return post.title
        short = prompt if len(prompt) <= 70 else prompt[:70].rsplit(" ", 1)[0] + "…"
        return short or say("image.title", id=self.full.image.id)


class ImagePage:
    """`/images/ID`."""

    def __init__(self, pages: Pages, threads: Threads) -> None:
        self._pages = pages
        self._library = pages.library
        self._threads = threads
        self._lookalikes = Lookalikes(pages.library, threads.start)

    def routes(self) -> list[Route]:
        """The door."""
        return [self._pages.route("/images/{}", self.show)]

    async def show(self, ask: Ask) -> Answer:
        """The page, or the asked piece of it."""
        id = number_of(ask.args[0])
        if id is None:
            raise NotFound("Not found")
        viewer = self._pages.viewer_of(ask)
        part = next((value for key, value in ask.pairs if key == "part"), "")
        if part in ("a1111", "workflow"):
            return self._text(viewer, id, part)
        if part == "similar":
            return await self._similar(ask, viewer, id)
        found = self._shown(viewer, id)
        if part == "panel":
            return self._pages.show(ask, "image_panel.html", shown=found, alone=True)
        return self._page(ask, viewer, found)

    def _page(self, ask: Ask, viewer: Viewer, found: Shown) -> Answer:
        image = found.full.image
        siblings: list[Tile] = []
        if image.post_id is not None:
            ids = browse.images(
                self._library, ImageQuery(limit=100, post_ids=(image.post_id,), level=viewer.cap), viewer
            ).ids
            siblings = tiles(self._library, ids, viewer) if len(ids) > 1 else []
        return self._pages.show(ask, "image.html", shown=found, siblings=siblings, alone=False)

    async def _similar(self, ask: Ask, viewer: Viewer, id: int) -> Answer:
        alike = await self._threads.run(self._lookalikes.of, viewer, id, NEIGHBOURS)
        recipe = around.same_recipe(self._library, viewer, id, NEIGHBOURS)
        return self._pages.show(
            ask,
            "image_similar.html",
            alike=tiles(self._library, alike, viewer),
            recipe=tiles(self._library, recipe, viewer),
        )

    def _text(self, viewer: Viewer, id: int, part: str) -> Answer:
        made = around.making(self._library, viewer, id)
        text = made.workflow if part == "workflow" else write_a1111(made.generation) if made.generation else ""
        if not text:
            raise NotFound("Not found")
        return text_answer(text, cache=PRIVATE)

    def _shown(self, viewer: Viewer, id: int) -> Shown:
        library = self._library
        full, reacted = detail.image(library, viewer, id)
        data = detail.generation_data(library, viewer, id)
        made = around.making(library, viewer, id)
        words = reacted.words if reacted else ()
        return Shown(
            full=full,
            tile=tile_of(full),
            making=made,
            facts=parameters(made.generation),
            file=file_facts(full),
            origin=origin_facts(full, made, around.imported_from(library, viewer, id)),
            used=used_things(data.resources, made),
            tags=votes.votable_tags(library, viewer, "image", id),
            reactions=reactions_of(full, words),
            collections=[(one.id, one.name) for one in around.collections_with(library, viewer, id)],
            state=state_of(full, library.now()),
        )


def state_of(full: FullImage, now: int) -> str:
    """Why others do not see it, where they do not."""
    standing = image_standing(full.image, now)
    if standing is Standing.DRAFT:
        return say("image.draft")
    if standing is Standing.HELD:
        return say("image.blocked" if full.image.blocked_for or full.image.level & levels.BLOCKED else "image.hold")
    return ""


def reactions_of(full: FullImage, words: Sequence[str]) -> list[Reaction]:
    """The reactions to an image, in the wire's own words."""
    image = full.image
    counts = {
        "Like": image.like_count,
        "Heart": image.heart_count,
        "Laugh": image.laugh_count,
        "Cry": image.cry_count,
        "Dislike": image.dislike_count,
    }
    order = ("Like", "Heart", "Laugh", "Cry", "Dislike")
    return [Reaction(word, _SIGNS[word], counts[word], word in words) for word in order if word in REACTIONS]


def parameters(made: Generation | None) -> list[Fact]:
    """The settings of an image, those that are known."""
    if made is None:
        return []
    size = f"{made.width} × {made.height}" if made.width and made.height else None
    tool = " ".join(filter(None, (made.tool.name, made.tool.version))) if made.tool else None
    values: tuple[tuple[str, Any, bool], ...] = (
        ("meta.seed", made.seed, True),
        ("meta.steps", made.steps, False),
        ("meta.cfg", None if made.cfg_scale is None else f"{made.cfg_scale:g}", False),
        ("meta.sampler", made.sampler, False),
        ("meta.scheduler", made.scheduler, False),
        ("meta.size", size, False),
        ("meta.clip", made.clip_skip, False),
        ("meta.denoise", None if made.denoise in (None, 1.0) else f"{made.denoise:g}", False),
        ("meta.process", made.process, False),
        ("meta.tool", tool, False),
    )
    return [Fact(say(key), str(value), copy=copy) for key, value, copy in values if value not in (None, "")]


def file_facts(full: FullImage) -> list[Fact]:
    """What the file itself is."""
    image = full.image
    facts = tile_of(full)
    values = (
        ("image.dimensions", f"{image.width} × {image.height}" if image.width and image.height else ""),
        ("image.size", shown.size(image.size)),
        ("image.format", (image.mime or image.type).partition("/")[2] or image.type),
        ("image.length", facts.length),
        ("image.level", levels.NAMES.get(image.level, "?")),
    )
    found = [Fact(say(key), value) for key, value in values if value]
    if image.blob:
        found.append(Fact(say("image.sha256"), image.blob, long=True, copy=True))
    return found


def origin_facts(full: FullImage, made: Making, paths: Sequence[str]) -> list[Fact]:
    """Where an image comes from and when."""
    image = full.image
    found = [Fact(say("image.made"), shown.moment(image.published_at))] if image.published_at else []
    found.append(Fact(say("image.added"), shown.moment(image.created_at)))
    if image.source:
        found.append(Fact(say("image.source"), image.source))
        if image.source_id is not None:
            found.append(Fact(say("image.source.id"), str(image.source_id)))
        if image.fetched_at is not None:
            found.append(Fact(say("image.fetched"), shown.moment(image.fetched_at)))
    else:
        found.append(Fact(say("image.source"), say("image.here")))
    if made.generation is not None:
        found.append(Fact(say("image.generator"), made.generation.generator))
    found += [Fact(say("image.path"), path, long=True) for path in paths]
    return found


def used_things(resources: Sequence[GenerationResource], made: Making) -> list[Used]:
    """What an image was made with: versions that are here, then what is not."""
    here = [
        Used(
            name=one.model_name,
            kind=one.model_type,
            note=" · ".join(filter(None, (one.version_name, one.base_model))),
            strength=f"{one.strength / 100:g}" if one.strength is not None and one.model_type in _WEIGHTED else "",
            address=f"/models/{one.model_id}?modelVersionId={one.version_id}",
        )
        for one in resources
    ]
    away = [
        Used(
            name=one.name or one.hash or str(one.version_id),
            kind=one.kind,
            note=" · ".join(filter(None, (one.hash if one.name else "", say("image.unknown")))),
            strength=f"{one.strength / 100:g}" if one.strength is not None and one.kind == "lora" else "",
        )
        for one in made.wanted
    ]
    return here + away
