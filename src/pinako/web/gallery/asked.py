"""What a page's address asks for: filters out of the query string, and addresses that change one of them.

People edit addresses and follow old links, so what cannot be read is passed over; only the query language answers with an
error, because somebody typed it just now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from pinako.catalog import enums, levels
from pinako.catalog.queries import (
    CollectionSort,
    ImageQuery,
    ImageSort,
    ModelQuery,
    ModelSort,
    Period,
    PostQuery,
    PostSort,
)
from pinako.catalog.tags import Tag
from pinako.services.library import Library
from pinako.services.searching import tags_named
from pinako.storage.records import fetch
from pinako.storage.text import fold
from pinako.wire.coerce import Pair

PAGE = 60
"""Tiles of one page of a wall."""
_LARGEST = 2**31 - 1
NO_TAG = 0
"""An id that no tag has."""
E = TypeVar("E", bound=StrEnum)


class Address(msgspec.Struct, frozen=True):
    """A path with its query pairs; a page has its own and makes others of it."""

    path: str
    pairs: tuple[Pair, ...] = ()

    def __str__(self) -> str:
        return self.path + (f"?{urlencode(self.pairs)}" if self.pairs else "")

    def all(self, key: str) -> list[str]:
        """Every value of a key that says something."""
        return [value for name, value in self.pairs if name == key and value.strip()]

    def first(self, key: str) -> str:
        """The first of them, or nothing."""
        return next(iter(self.all(key)), "")

    def put(self, key: str, value: str) -> Address:
        """The same with this one value of a key; a list starts from its beginning."""
        return Address(self.path, (*self._without(key, "cursor", "part"), (key, value)))

    def more(self, key: str, value: str) -> Address:
        """The same with one more value of a key."""
        return Address(self.path, (*self._without("cursor", "part"), (key, value)))

    def less(self, key: str, value: str | None = None) -> Address:
        """The same without a key, or without one of its values."""
        kept = self._without("cursor", "part")
        return Address(self.path, tuple(pair for pair in kept if pair[0] != key or (value not in (None, pair[1]))))

    def after(self, cursor: str) -> Address:
        """The page of the same list that begins at a cursor."""
        return Address(self.path, (*self._without("cursor", "part"), ("cursor", cursor)))

    def bare(self) -> Address:
        """The same without any filter."""
        return Address(self.path)

    def _without(self, *keys: str) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair[0] not in keys and pair[0] != "token")


class Chip(msgspec.Struct, frozen=True, kw_only=True):
    """One filter that is on, in words, with the address that goes without it."""

    label: str
    value: str
    address: str
    out: bool = False


def link(path: str, **pairs: str) -> str:
    """An address of the gallery; the path is encoded here."""
    return str(Address(quote(path, safe="/"), tuple(pairs.items())))


def number_of(text: str) -> int | None:
    """An id, or None for what is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        return None
    return int(text) if 0 < int(text) <= _LARGEST else None


def _word(kind: type[E], text: str) -> E | None:
    return next((word for word in kind if word == text), None)


def _words(values: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The known words among values, repeated or separated by commas, whatever their case."""
    spelling = {word.lower(): word for word in known}
    found = (spelling.get(part.strip().lower()) for value in values for part in value.split(","))
    return tuple(dict.fromkeys(word for word in found if word))


def _level(address: Address) -> int | None:
    """A mask, or its bits one by one, as a form without script sends them."""
    mask = 0
    for text in address.all("browsingLevel"):
        if text.isascii() and text.isdecimal() and len(text) < 4:
            mask |= int(text)
    return mask & levels.ALL or None


def _yes(text: str) -> bool:
    return text.lower() in ("true", "1", "yes", "on")


def tags_of(library: Library, values: Sequence[str]) -> list[Tag]:
    """Tags by id, as in the original's addresses, or by name."""
    parts = [part.strip() for value in values for part in value.split(",") if part.strip()]
    ids = [number for part in parts if (number := number_of(part)) is not None]
    by_id = fetch(library.database.read(), Tag, ids)
    named = tags_named(library, [part for part in parts if number_of(part) is None])
    return list({tag.id: tag for tag in (*by_id.values(), *named)}.values())


def wanted_tags(library: Library, values: Sequence[str]) -> tuple[Tag, ...]:
    """The same where something must have them: a tag that this library lacks is one that nothing has, not none asked for."""
    found = tags_of(library, values)
    known = {str(tag.id) for tag in found} | {fold(tag.name) for tag in found}
    parts = (part.strip() for value in values for part in value.split(","))
    lacking = next((part for part in parts if part and fold(part) not in known), None)
    return (*found, *([Tag(id=NO_TAG, name=lacking)] if lacking else []))


class ImageFilters(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of a wall of images."""

    address: Address
    query: str = ""
    sort: ImageSort | None = None
    period: Period = Period.ALL_TIME
    types: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    excluded_tags: tuple[Tag, ...] = ()
    level: int | None = None
    model_id: int | None = None
    version_id: int | None = None
    post_id: int | None = None
    collection_id: int | None = None
    with_meta: bool = False
    on_site: bool = False
    followed: bool = False
    reactions: tuple[str, ...] = ()
    named: tuple[Pair, ...] = ()
    """Model, LoRA, user and collection by name, as the search box has them."""
    cursor: str | None = None

    @property
    def searched(self) -> str:
        """All of it in the search box's words."""
        return " ".join(filter(None, (self.query, *(f'{key}:"{value}"' for key, value in self.named))))


NAMED = ("model", "lora", "user", "collection")
"""Words of the search box that the filter form has fields for."""


def read_image_filters(library: Library, path: str, pairs: Sequence[Pair]) -> ImageFilters:
    """The filters of an address."""
    address = Address(path, tuple(pairs))
    return ImageFilters(
        address=address,
        query=address.first("query").strip(),
        sort=_word(ImageSort, address.first("sort")),
        period=_word(Period, address.first("period")) or Period.ALL_TIME,
        types=_words(address.all("types") + address.all("type"), enums.MEDIA_TYPES),
        base_models=_words(address.all("baseModels"), library.base_models()),
        tags=wanted_tags(library, address.all("tags")),
        excluded_tags=tuple(tags_of(library, address.all("excludedTags"))),
        level=_level(address),
        model_id=number_of(address.first("modelId")),
        version_id=number_of(address.first("modelVersionId")),
        post_id=number_of(address.first("postId")),
        collection_id=number_of(address.first("collectionId")),
        with_meta=_yes(address.first("withMeta")),
        on_site=_yes(address.first("fromPlatform")) or _yes(address.first("onSite")),
        followed=_yes(address.first("followed")),
        reactions=_words(address.all("reactions"), enums.REACTIONS),
        named=tuple((key, name) for key in NAMED if (name := address.first(key).replace('"', " ").strip())),
        cursor=address.first("cursor") or None,
    )


def image_query(filters: ImageFilters, default: ImageSort, limit: int = PAGE) -> ImageQuery:
    """The list of these filters. With a collection or post alone the order is its own."""
    own_order = filters.collection_id is not None or filters.post_id is not None
    return ImageQuery(
        limit=limit,
        cursor=filters.cursor,
        sort=filters.sort or (None if own_order else default),
        period=filters.period,
        level=filters.level,
        types=filters.types,
        base_models=filters.base_models,
        all_tags=tuple(tag.id for tag in filters.tags),
        excluded_tags=tuple(tag.id for tag in filters.excluded_tags),
        model_id=None if filters.version_id else filters.model_id,
        version_id=filters.version_id,
        post_ids=(filters.post_id,) if filters.post_id else (),
        collection_id=filters.collection_id,
        has_meta=filters.with_meta,
        on_site=filters.on_site,
        followed=filters.followed,
        reactions=filters.reactions,
    )


class ModelFilters(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of a list of models."""

    address: Address
    query: str = ""
    sort: ModelSort | None = None
    period: Period = Period.ALL_TIME
    types: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    tag: str = ""
    level: int | None = None
    followed: bool = False
    cursor: str | None = None


def read_model_filters(library: Library, path: str, pairs: Sequence[Pair]) -> ModelFilters:
    """The filters of an address."""
    address = Address(path, tuple(pairs))
    return ModelFilters(
        address=address,
        query=address.first("query").strip(),
        sort=_word(ModelSort, address.first("sort")),
        period=_word(Period, address.first("period")) or Period.ALL_TIME,
        types=_words(address.all("types") + address.all("type"), enums.MODEL_TYPES),
        base_models=_words(address.all("baseModels"), library.base_models()),
        tag=address.first("tag").strip(),
        level=_level(address),
        followed=_yes(address.first("followed")),
        cursor=address.first("cursor") or None,
    )


def model_query(filters: ModelFilters, limit: int = PAGE) -> ModelQuery:
    """The list of these filters."""
    return ModelQuery(
        limit=limit,
        cursor=filters.cursor,
        text=filters.query or None,
        sort=filters.sort or ModelSort.NEWEST,
        period=filters.period,
        types=filters.types,
        base_models=filters.base_models,
        tag=filters.tag or None,
        level=filters.level,
        followed=filters.followed,
    )


class PostFilters(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of a list of posts."""

    address: Address
    query: str = ""
    sort: PostSort | None = None
    period: Period = Period.ALL_TIME
    tags: tuple[Tag, ...] = ()
    level: int | None = None
    followed: bool = False
    cursor: str | None = None


def read_post_filters(library: Library, path: str, pairs: Sequence[Pair]) -> PostFilters:
    """The filters of an address."""
    address = Address(path, tuple(pairs))
    return PostFilters(
        address=address,
        query=address.first("query").strip(),
        sort=_word(PostSort, address.first("sort")),
        period=_word(Period, address.first("period")) or Period.ALL_TIME,
        tags=wanted_tags(library, address.all("tags")),
        level=_level(address),
        followed=_yes(address.first("followed")),
        cursor=address.first("cursor") or None,
    )


def post_query(filters: PostFilters, limit: int = PAGE) -> PostQuery:
    """The list of these filters."""
    return PostQuery(
        limit=limit,
        cursor=filters.cursor,
        text=filters.query or None,
        sort=filters.sort or PostSort.NEWEST,
        period=filters.period,
        any_tags=tuple(tag.id for tag in filters.tags),
        level=filters.level,
        followed=filters.followed,
    )


def collection_sort(address: Address) -> CollectionSort:
    """The order of a list of collections."""
    return _word(CollectionSort, address.first("sort")) or CollectionSort.NEWEST
