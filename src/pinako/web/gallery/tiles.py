"""What stands on walls and lists: small records read out of the ready-made fragments, so that a page costs one `IN (…)`.

Reading is a pure step from bytes that this caller may see to a record, so that what was read lately is kept for whoever sees
the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from pinako.catalog.collections import FullCollection
from pinako.catalog.images import FullImage
from pinako.catalog.people import Viewer
from pinako.catalog.queries import PostQuery
from pinako.services import browse
from pinako.services.browse import Listed
from pinako.services.library import Library
from pinako.web.gallery.strings import say
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
_KEPT_TILES, _KEPT_PROMPTS, _KEPT_CARDS = 4096, 2048, 1024


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
    metas = library.feeds.documents.metas(ids, viewer.user_id) if ids else {}
    return [
        _finished(one.parts.head, one.counts[:6], _beginning(metas.get(one.id)))
        for one in library.feeds.documents.fetch("image_trpc", ids)
    ]


@lru_cache(maxsize=_KEPT_TILES)
def _finished(head: bytes, counts: tuple[int, ...], prompt: str) -> Tile:
    tile = _tile.decode(head + b"}")  # an image's JSON, which lacks its end
    like, _, heart, laugh, cry, comments = counts
    return msgspec.structs.replace(
        tile, alt=alt_of(prompt, tile), reacted=like + heart + laugh + cry, commented=comments
    )


def alt_of(prompt: str, tile: Tile) -> str:
    """What the picture shows, as far as anybody wrote it down: the beginning of its prompt."""
    if prompt:
        return prompt
    if tile.user.username:
        return say(f"tile.{tile.type if tile.type in ('video', 'audio') else 'image'}.by", name=tile.user.username)
    return say("tile.untitled")


@lru_cache(maxsize=_KEPT_PROMPTS)
def _beginning(meta: bytes | str | None) -> str:
    """The first words of a prompt. Kept, since a stored text with a whole workflow in it takes 100 µs to read."""
    prompt = prompt_of(meta)
    return prompt if len(prompt) <= _ALT_LENGTH else prompt[:_ALT_LENGTH].rstrip() + "…"


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
    return msgspec.structs.replace(tile, alt=alt_of(_beginning(full.meta), tile))


class PostCard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A post of a list. `image_count`: the images that the caller may see, `covers`: the first of them."""

    id: int
    title: str | None = None
    published_at: str | None = None
    user: Somebody = Somebody(-1)
    image_count: int = 0
    covers: tuple[Tile, ...] = ()


_post = msgspec.json.Decoder(PostCard)


def posts(library: Library, page: Listed, query: PostQuery, viewer: Viewer) -> list[PostCard]:
    """The cards of a page of posts; a post with nothing left to show is left out."""
    seen = browse.visible_post_images(
        library, page.ids, viewer, page.mask, hide_minor=query.hide_minor, hide_poi=query.hide_poi
    )
    covers = covers_of(library, seen)
    cards = (
        msgspec.structs.replace(
            _read_post(one.parts.head), image_count=len(seen.get(one.id, ())), covers=covers.get(one.id, ())
        )
        for one in library.feeds.documents.fetch("post_trpc", page.ids)
    )
    return [card for card in cards if card.covers]


def covers_of(library: Library, seen: Mapping[int, Sequence[int]]) -> dict[int, tuple[Tile, ...]]:
    """The first few pictures of each of several things, by the ids of those that the caller may see. Nothing is said of them."""
    first = {id: ids[:COVERS] for id, ids in seen.items()}
    wanted = list(dict.fromkeys(id for ids in first.values() for id in ids))
    found = {one.id: _cover(one.parts.head) for one in library.feeds.documents.fetch("image_trpc", wanted)}
    return {id: tuple(found[one] for one in ids if one in found) for id, ids in first.items()}


@lru_cache(maxsize=_KEPT_TILES)
def _cover(head: bytes) -> Tile:
    return _tile.decode(head + b"}")


@lru_cache(maxsize=_KEPT_CARDS)
def _read_post(head: bytes) -> PostCard:
    return _post.decode(head + b"}")


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
    cover: Tile | None = None
    """Its first picture, else its first video."""


_model = msgspec.json.Decoder(ModelCard)
_version = msgspec.json.Decoder(CardVersion)


def models(library: Library, page: Listed) -> list[ModelCard]:
    """The cards of a page of models, their pictures cut to the caller's mask."""
    sight = fragments.sight_of(page.mask, page.mask, moderator=page.viewer.moderator, owner=False)
    cards = []
    for one in library.feeds.documents.fetch("model_trpc", page.ids):
        met = trpc_models.versions_met(one.parts, page.viewer)
        if met:
            pictures = tuple(text for text, _ in trpc_models.images_seen(one.parts, sight))
            cards.append(_model_card(one.parts.head, met[0].body, pictures))
    return cards


@lru_cache(maxsize=_KEPT_CARDS)
def _model_card(head: bytes, version: bytes, pictures: tuple[bytes, ...]) -> ModelCard:
    seen = [_tile.decode(text) for text in pictures]
    cover = next((tile for tile in seen if tile.type == "image"), None) or next(iter(seen), None)
    return msgspec.structs.replace(_model.decode(head + b"}"), version=_version.decode(version), cover=cover)


class CollectionCard(msgspec.Struct, frozen=True, kw_only=True):
    """A collection of a list, its covers cut to what the caller may see."""

    id: int
    name: str
    read: str
    user: Somebody
    item_count: int
    covers: tuple[Tile, ...] = ()


def collection_cards(found: Sequence[FullCollection], covers: Mapping[int, tuple[Tile, ...]]) -> list[CollectionCard]:
    """The cards of these collections; `covers` for those that have none of their own."""
    return [
        CollectionCard(
            id=full.collection.id,
            name=full.collection.name,
            read=full.collection.read,
            user=Somebody(full.user.id, full.user.username),
            item_count=full.item_count,
            covers=(tile_of(full.cover),) if full.cover else covers.get(full.collection.id, ()),
        )
        for full in found
    ]
