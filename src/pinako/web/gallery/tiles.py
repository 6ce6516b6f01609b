"""What stands on walls and lists: small records read out of the ready-made fragments, so that a page costs one `IN (…)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog.collections import FullCollection
from pinako.catalog.images import FullImage
from pinako.catalog.people import Viewer
from pinako.catalog.queries import PostQuery
from pinako.services.browse import Listed
from pinako.services.library import Library
from pinako.web.gallery.strings import say
from pinako.web.trpc_lists import posts as post_items
from pinako.wire import fragments, trpc_models
from pinako.wire.trpc_images import file_facts

RATIO_STEP = 5
NARROWEST, WIDEST = 40, 300
"""Width over height × 100, as the style sheet has classes for it: a strict policy leaves no room for inline styles."""
LADDER = (320, 450, 800)
"""Widths that a tile offers; all are on the server's ladder."""
ROW_HEIGHT = 250
COVERS = 4
_ALT_LENGTH = 160


class Somebody(msgspec.Struct, frozen=True):
    """A user on a card."""

    id: int
    username: str | None = None


class Facts(msgspec.Struct, frozen=True):
    """What a card says of a video."""

    duration: float | None = None


class Tile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One picture, video or sound on a wall. `alt` is added from its prompt, counts from its row."""

    id: int
    url: str
    nsfw_level: int = 0
    width: int | None = None
    height: int | None = None
    hash: str | None = None
    type: str = "image"
    name: str | None = None
    post_id: int | None = None
    user: Somebody = Somebody(-1)
    metadata: Facts = Facts()
    has_meta: bool = False
    alt: str = ""
    reacted: int = 0
    commented: int = 0

    @property
    def ratio(self) -> int:
        """Width over height × 100, rounded to a class of the style sheet."""
        asked = 100 * (self.width or 1) / (self.height or 1)
        return min(max(round(asked / RATIO_STEP) * RATIO_STEP, NARROWEST), WIDEST)

    @property
    def shown_width(self) -> int:
        """How wide the tile is at the wall's usual row height: the `sizes` of its picture."""
        return round(ROW_HEIGHT * 1.15 * self.ratio / 100)

    @property
    def moves(self) -> bool:
        """Whether it plays."""
        return self.type == "video"

    @property
    def length(self) -> str:
        """A video's length as `1:05`."""
        seconds = round(self.metadata.duration or 0)
        return f"{seconds // 60}:{seconds % 60:02d}" if self.metadata.duration else ""


_tile = msgspec.json.Decoder(Tile)


class _Prompt(msgspec.Struct):
    prompt: Any = None


_prompt = msgspec.json.Decoder(_Prompt)


def tiles(library: Library, ids: Sequence[int], viewer: Viewer) -> list[Tile]:
    """The tiles of these images, in their order."""
    prompts = library.feeds.documents.metas(ids, viewer.user_id) if ids else {}
    return [
        _finished(_tile.decode(one.parts.head + b"}"), one.counts, prompts.get(one.id))
        for one in library.feeds.documents.fetch("image_trpc", ids)
    ]


def _finished(tile: Tile, counts: Sequence[int], meta: bytes | None) -> Tile:
    like, _, heart, laugh, cry, comments = counts[:6]
    return msgspec.structs.replace(tile, alt=alt_of(meta, tile), reacted=like + heart + laugh + cry, commented=comments)


def alt_of(meta: bytes | str | None, tile: Tile) -> str:
    """What the picture shows, as far as anybody wrote it down: the beginning of its prompt."""
    prompt = prompt_of(meta)
    if prompt:
        return prompt if len(prompt) <= _ALT_LENGTH else prompt[:_ALT_LENGTH].rstrip() + "…"
    if tile.user.username:
        return say(f"tile.{tile.type if tile.type in ('video', 'audio') else 'image'}.by", name=tile.user.username)
    return say("tile.untitled")


def prompt_of(meta: bytes | str | None) -> str:
    """The prompt in a stored metadata text, on one line; empty where there is none."""
    if not meta:
        return ""
    try:
        found = _prompt.decode(meta).prompt
    except msgspec.MsgspecError:
        return ""
    return " ".join(found.split()) if isinstance(found, str) else ""


def tile_of(full: FullImage) -> Tile:
    """The tile of a whole image: covers and previews, which come that way."""
    image = full.image
    facts = file_facts(full)
    tile = Tile(
        id=image.id,
        url=image.media_key,
        nsfw_level=image.level,
        width=image.width,
        height=image.height,
        hash=image.blurhash,
        type=image.type,
        name=image.name,
        post_id=image.post_id,
        user=Somebody(full.user.id, full.user.username),
        metadata=Facts(duration=facts.get("duration")),
        has_meta=image.has_meta and not image.hide_meta,
        reacted=image.reaction_count,
        commented=image.comment_count,
    )
    return msgspec.structs.replace(tile, alt=alt_of(full.meta, tile))


class PostCard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A post of a list with the images that the caller may see."""

    id: int
    title: str | None = None
    published_at: str | None = None
    user: Somebody = Somebody(-1)
    image_count: int = 0
    images: tuple[Tile, ...] = ()

    @property
    def covers(self) -> tuple[Tile, ...]:
        """The first few."""
        return self.images[:COVERS]


_post = msgspec.json.Decoder(PostCard)


def posts(library: Library, page: Listed, query: PostQuery, viewer: Viewer) -> list[PostCard]:
    """The cards of a page of posts; a post with nothing left to show is left out."""
    found = [_post.decode(body) for body, _ in post_items(library, page, query, viewer)]
    return [_with_alt(card) for card in found if card.images]


def _with_alt(card: PostCard) -> PostCard:
    described = tuple(msgspec.structs.replace(tile, alt=alt_of(None, tile)) for tile in card.images)
    return msgspec.structs.replace(card, images=described)


class Rank(msgspec.Struct, frozen=True, rename="camel"):
    """What a model card counts."""

    download_count: int = 0
    thumbs_up_count: int = 0
    collected_count: int = 0


class CardVersion(msgspec.Struct, frozen=True, rename="camel"):
    """The newest version of a model."""

    id: int
    name: str
    base_model: str = ""


class ModelCard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A model of a list."""

    id: int
    name: str
    type: str
    nsfw_level: int = 0
    user: Somebody = Somebody(-1)
    rank: Rank = Rank()
    version: CardVersion | None = None
    images: tuple[Tile, ...] = ()

    @property
    def cover(self) -> Tile | None:
        """Its first picture, else its first video."""
        still = next((image for image in self.images if image.type == "image"), None)
        return still or next(iter(self.images), None)


_model = msgspec.json.Decoder(ModelCard)


def models(library: Library, page: Listed, viewer: Viewer) -> list[ModelCard]:
    """The cards of a page of models, their pictures cut to the caller's mask."""
    now = library.now()
    sight = fragments.sight_of(page.mask, page.mask, moderator=viewer.moderator, owner=False)
    return [
        _model.decode(item)
        for one in library.feeds.documents.fetch("model_trpc", page.ids)
        if (item := trpc_models.join_model(one.parts, sight=sight, now=now, viewer=viewer)[0])
    ]


class CollectionCard(msgspec.Struct, frozen=True, kw_only=True):
    """A collection of a list, its covers cut to what the caller may see."""

    id: int
    name: str
    read: str
    user: Somebody
    item_count: int
    covers: tuple[Tile, ...] = ()


def collection_cards(found: Sequence[FullCollection]) -> list[CollectionCard]:
    """The cards of these collections."""
    return [
        CollectionCard(
            id=full.collection.id,
            name=full.collection.name,
            read=full.collection.read,
            user=Somebody(full.user.id, full.user.username),
            item_count=full.item_count,
            covers=tuple(tile_of(image) for image in ((full.cover,) if full.cover else full.fallbacks[:COVERS])),
        )
        for full in found
    ]
