"""Collections of images, posts and models, and what a caller may do with one."""

from __future__ import annotations

import msgspec

from pinako.catalog.images import FullImage, JsonText
from pinako.catalog.people import User
from pinako.catalog.tags import Tag


class Collection(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A named list. `type` None is the old mixed kind. `level` is the union of the levels of its items."""

    id: int
    name: str
    user_id: int
    created_at: int
    updated_at: int
    description: str | None = None
    image_id: int | None = None
    type: str | None = None
    mode: str | None = None
    read: str = "Private"
    write: str = "Private"
    availability: str = "Public"
    nsfw: bool = False
    level: int = 0
    metadata: JsonText = "{}"
    deleted_at: int | None = None
    follower_count: int = 0
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None


class CollectionItem(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A thing in a collection. `entity_type` is Image, Post or Model; `created_at` in milliseconds."""

    id: int
    entity_type: str
    entity_id: int
    status: str
    added_by_id: int | None
    created_at: int


class CollectionTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a collection. `filterable_only`: shown as a filter and not as a label."""

    tag: Tag
    filterable_only: bool = False


class FullCollection(msgspec.Struct, frozen=True, kw_only=True):
    """A collection with its owner, tags, counts and the cover that this caller may see (None: none, or hidden).

    `fallbacks` are up to ten visible images of it, for use where it has no cover.
    """

    collection: Collection
    user: User
    cover: FullImage | None = None
    fallbacks: tuple[FullImage, ...] = ()
    tags: tuple[CollectionTag, ...] = ()
    item_count: int = 0
    contributor_count: int = 0


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller may do with one collection (trpc.md 6.1). A collection that does not exist permits nothing."""

    collection_id: int
    read: bool = False
    write: bool = False
    write_review: bool = False
    manage: bool = False
    follow: bool = False
    is_contributor: bool = False
    is_owner: bool = False
    follow_permissions: tuple[str, ...] = ()
    public_collection: bool = False
    collection_type: str | None = None
    collection_mode: str | None = None


class ContributorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A follower or contributor of a collection. Times in milliseconds."""

    collection_id: int
    user_id: int
    permissions: tuple[str, ...]
    created_at: int
