"""Collections as tRPC sends them, and what a caller may do with one (trpc.md 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog.collections import CollectionItem, CollectionTag, FullCollection, Permissions
from pinako.catalog.images import FullImage
from pinako.wire.fragments import encode, raw
from pinako.wire.superjson import Marks, date_marks, under
from pinako.wire.times import iso
from pinako.wire.trpc import Item, Reply, join_array, join_list, reply
from pinako.wire.trpc_images import TrpcUser, file_facts, trpc_user


class TrpcPermissions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a caller may do with a collection."""

    collection_id: int
    read: bool
    write: bool
    write_review: bool
    manage: bool
    follow: bool
    is_contributor: bool
    is_owner: bool
    follow_permissions: tuple[str, ...]
    public_collection: bool
    collection_type: str | None
    collection_mode: str | None


class CoverTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag of a cover."""

    id: int
    name: str
    is_category: bool
    type: str


class CoverTagOn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag of a cover as `collection.getById` nests it."""

    tag: CoverTag
    automated: bool = False
    needs_review: bool = False


class CoverFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The cover of a collection, tags apart."""

    id: int
    index: int
    name: str | None
    url: str
    nsfw_level: int
    width: int | None
    height: int | None
    hash: str | None
    meta: None = None
    user_id: int
    generation_process: str | None
    needs_review: str | None
    scanned_at: str | None
    ingestion: str
    blocked_for: str | None
    post_id: int | None
    type: str
    mime_type: str | None
    metadata: dict[str, Any]
    created_at: str
    hide_meta: bool


class Cover(CoverFacts, frozen=True, kw_only=True, rename="camel"):
    """The cover of a listed collection."""

    tags: tuple[CoverTag, ...]


class NestedCover(CoverFacts, frozen=True, kw_only=True, rename="camel"):
    """The cover as `collection.getById` has it: its tags one level down."""

    tags: tuple[CoverTagOn, ...]


class TrpcCollectionTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag of a collection."""

    id: int
    name: str
    filterable_only: bool


class TrpcCollection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`collection.getById`'s collection."""

    id: int
    name: str
    description: str | None
    read: str
    write: str
    type: str | None
    nsfw: bool
    nsfw_level: int
    image: NestedCover | None
    mode: str | None
    metadata: msgspec.Raw
    availability: str
    user_id: int
    tags: tuple[TrpcCollectionTag, ...]
    user: TrpcUser


class CollectionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`collection.getById`: null where there is none, or none to read (200 both times, as upstream)."""

    collection: TrpcCollection | None
    permissions: TrpcPermissions


class OwnCollectionTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag row as `collection.getAllUser` has it."""

    id: int
    name: str
    type: str
    nsfw_level: int
    unlisted: bool
    unfeatured: bool
    is_category: bool
    admin_only: bool
    filterable_only: bool


class OwnCollection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An element of `collection.getAllUser`."""

    id: int
    name: str
    description: str | None
    read: str
    user_id: int
    write: str
    image_id: int | None
    type: str | None
    mode: str | None
    is_owner: bool
    image: NestedCover | None
    tags: tuple[OwnCollectionTag, ...]


class CollectionCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in a collection."""

    items: int
    contributors: int


class ListedCollection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `collection.getInfinite`."""

    id: int
    name: str
    description: str | None
    read: str
    type: str | None
    user_id: int
    user: TrpcUser
    nsfw_level: int
    image: Cover | None
    mode: str | None
    created_at: str
    metadata: msgspec.Raw
    counts: CollectionCounts = msgspec.field(name="_count")
    images: tuple[Cover, ...]
    srcs: tuple[str, ...] = ()


class HeldThing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An element of `collection.getAllCollectionItems`. `type` is image, post or model; `data` the thing as its lists have it."""

    id: int
    type: str
    status: str
    created_at: str
    data: msgspec.Raw


def collection_reply(full: FullCollection | None, permissions: Permissions) -> Reply:
    """`collection.getById`. A copy of the collection stands beside `json`, where one of the documents reads it."""
    body = encode(
        CollectionAnswer(collection=None if full is None else _collection(full), permissions=_may(permissions))
    )
    beside = b"" if full is None else b',"collection":' + encode(_collection(full))
    return msgspec.structs.replace(reply(body, date_marks(body)), beside=beside)


def _may(permissions: Permissions) -> TrpcPermissions:
    return TrpcPermissions(**{name: getattr(permissions, name) for name in permissions.__struct_fields__})


def _collection(full: FullCollection) -> TrpcCollection:
    collection = full.collection
    return TrpcCollection(
        id=collection.id, name=collection.name, description=collection.description, read=collection.read,
        write=collection.write, type=collection.type, nsfw=collection.nsfw, nsfw_level=collection.level,
        image=_nested(full.cover), mode=collection.mode, metadata=raw(collection.metadata or "{}"),
        availability=collection.availability, user_id=collection.user_id,
        tags=tuple(_collection_tag(item) for item in full.tags), user=trpc_user(full.user),
    )  # fmt: skip


def _collection_tag(item: CollectionTag) -> TrpcCollectionTag:
    return TrpcCollectionTag(id=item.tag.id, name=item.tag.name, filterable_only=item.filterable_only)


def _cover(full: FullImage | None) -> Cover | None:
    return None if full is None else Cover(**_cover_facts(full), tags=_cover_tags(full))


def _nested(full: FullImage | None) -> NestedCover | None:
    if full is None:
        return None
    return NestedCover(**_cover_facts(full), tags=tuple(CoverTagOn(tag=tag) for tag in _cover_tags(full)))


def _cover_tags(full: FullImage) -> tuple[CoverTag, ...]:
    return tuple(CoverTag(id=tag.id, name=tag.name, is_category=tag.is_category, type=tag.type) for tag in full.tags)


def _cover_facts(full: FullImage) -> dict[str, Any]:
    image = full.image
    return {
        "id": image.id, "index": image.idx, "name": image.name, "url": image.media_key, "nsfw_level": image.level,
        "width": image.width, "height": image.height, "hash": image.blurhash, "user_id": image.user_id,
        "generation_process": image.process, "needs_review": image.needs_review, "scanned_at": iso(image.scanned_at),
        "ingestion": image.ingestion, "blocked_for": image.blocked_for, "post_id": image.post_id, "type": image.type,
        "mime_type": image.mime, "metadata": file_facts(full), "created_at": iso(image.created_at),
        "hide_meta": image.hide_meta,
    }  # fmt: skip


def own_collections_reply(collections: Sequence[FullCollection], viewer_id: int) -> Reply:
    """`collection.getAllUser`."""
    return join_array([_own(full, viewer_id) for full in collections])


def _own(full: FullCollection, viewer_id: int) -> Item:
    collection = full.collection
    body = encode(OwnCollection(
        id=collection.id, name=collection.name, description=collection.description, read=collection.read,
        user_id=collection.user_id, write=collection.write,
        # a cover that its owner may not meet has no id here either
        image_id=full.cover.image.id if full.cover else None, type=collection.type,
        mode=collection.mode, is_owner=collection.user_id == viewer_id, image=_nested(full.cover),
        tags=tuple(_own_tag(item) for item in full.tags),
    ))  # fmt: skip
    return body, (*date_marks(body), *(("image?",) if full.cover is None else ()))


def _own_tag(item: CollectionTag) -> OwnCollectionTag:
    tag = item.tag
    return OwnCollectionTag(
        id=tag.id, name=tag.name, type=tag.type, nsfw_level=tag.level, unlisted=tag.unlisted, unfeatured=tag.unfeatured,
        is_category=tag.is_category, admin_only=tag.admin_only, filterable_only=item.filterable_only,
    )  # fmt: skip


def contents_reply(held: Sequence[tuple[CollectionItem, Item]], next_cursor: str | None) -> Reply:
    """`collection.getAllCollectionItems`: rows, each with its thing as the list of its kind has it."""
    return join_list([_held(row, *item) for row, item in held], next_cursor, name="collectionItems")


def _held(row: CollectionItem, data: bytes, marks: Marks) -> Item:
    body = encode(
        HeldThing(
            id=row.id,
            type=row.entity_type.lower(),
            status=row.status,
            created_at=iso(row.created_at),
            data=msgspec.Raw(data),
        )
    )
    return body, ("createdAt", *under(marks, "data"))


def collections_reply(collections: Sequence[FullCollection], next_cursor: int | None) -> Reply:
    """`collection.getInfinite`; its cursor is the id of the next page's first row."""
    return join_list([_listed(full) for full in collections], next_cursor)


def _listed(full: FullCollection) -> Item:
    collection = full.collection
    covers = [_cover(image) for image in full.fallbacks[:10]] if full.cover is None else []
    body = encode(ListedCollection(
        id=collection.id, name=collection.name, description=collection.description, read=collection.read,
        type=collection.type, user_id=collection.user_id, user=trpc_user(full.user), nsfw_level=collection.level,
        image=_cover(full.cover), mode=collection.mode, created_at=iso(collection.created_at),
        metadata=raw(collection.metadata or "{}"),
        counts=CollectionCounts(items=full.item_count, contributors=full.contributor_count),
        images=tuple(cover for cover in covers if cover is not None),
    ))  # fmt: skip
    return body, date_marks(body)
