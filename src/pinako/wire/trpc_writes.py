"""What the write procedures answer (trpc.md 10), and the queries that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog.collections import Collection, ContributorRow
from pinako.catalog.commands import HideTarget
from pinako.catalog.images import FullImage, FullPost, Image, Post
from pinako.catalog.resources import Model, ModelVersion
from pinako.catalog.tags import Tag
from pinako.wire.fragments import encode, raw
from pinako.wire.superjson import date_marks
from pinako.wire.times import iso
from pinako.wire.trpc import Reply, join_array, reply
from pinako.wire.trpc_images import file_facts
from pinako.wire.trpc_posts import PostTag, post_reply


def plain_reply(value: Any) -> Reply:
    """A record or plain value; its dates are marked by their names."""
    body = encode(value)
    return reply(body, date_marks(body))


class CoverRef(msgspec.Struct, frozen=True, kw_only=True):
    """A collection's cover."""

    id: int
    url: str


class KeptCollection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`collection.upsert`."""

    id: int
    name: str
    description: str | None
    type: str | None
    image: CoverRef | None
    read: str
    write: str
    user_id: int
    mode: str | None
    is_owner: bool


def collection_reply(collection: Collection, cover: Image | None, viewer_id: int) -> Reply:
    """`collection.upsert`."""
    return plain_reply(
        KeptCollection(
            id=collection.id, name=collection.name, description=collection.description, type=collection.type,
            image=None if cover is None else CoverRef(id=cover.id, url=cover.media_key), read=collection.read,
            write=collection.write, user_id=collection.user_id, mode=collection.mode,
            is_owner=collection.user_id == viewer_id,
        )
    )  # fmt: skip


class SavedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`collection.saveItem`."""

    status: str | None
    is_owner: bool | None = None


class RemovedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`collection.removeFromCollection`."""

    collection_id: int
    item_id: int
    type: str | None


class SavedCount(msgspec.Struct, frozen=True, kw_only=True):
    """`collection.bulkSaveItems`, and others that say how many."""

    count: int


class Contributor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`collection.follow`, `collection.setContributor`."""

    created_at: str
    updated_at: str
    user_id: int
    collection_id: int
    permissions: tuple[str, ...]


def contributor_reply(row: ContributorRow) -> Reply:
    """A follower or contributor."""
    at = iso(row.created_at)
    return plain_reply(
        Contributor(
            created_at=at, updated_at=at, user_id=row.user_id, collection_id=row.collection_id,
            permissions=row.permissions,
        )
    )  # fmt: skip


class HeldBy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The collection of a membership."""

    user_id: int
    read: str


class HeldIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An element of `collection.getUserCollectionItemsByItem`."""

    collection_id: int
    added_by_id: int | None
    tag_id: int | None
    collection: HeldBy
    can_remove_item: bool


def memberships_reply(found: Sequence[HeldIn]) -> Reply:
    """`collection.getUserCollectionItemsByItem`."""
    return join_array([(encode(one), ()) for one in found])


# --- posts and images ---------------------------------------------------------------------------------------------


def new_post_reply(full: FullPost) -> Reply:
    """`post.create`: the shape of `post.get` and what an editor begins with."""
    found = post_reply(full)
    more = b',"images":[],"collectionTagId":null,"collectionItemExists":false}'
    return msgspec.structs.replace(found, json=found.json[:-1] + more)


class EditImage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image as an editor has it: `post.addImage`, `post.reorderImages`."""

    id: int
    name: str | None
    url: str
    width: int | None
    height: int | None
    hash: str | None
    meta: msgspec.Raw
    hide_meta: bool
    generation_process: str | None
    needs_review: str | None
    poi: bool
    minor: bool
    mime_type: str | None
    type: str
    metadata: dict[str, Any]
    resource_helper: tuple[()] = ()
    ingestion: str
    blocked_for: str | None
    nsfw_level: int
    index: int
    post_id: int | None
    created_at: str
    tools: tuple[()] = ()
    techniques: tuple[()] = ()
    tags: tuple[PostTag, ...]
    thumbnail_url: None = None


def edit_image(full: FullImage) -> EditImage:
    """The editor's form of an image."""
    image = full.image
    return EditImage(
        id=image.id, name=image.name, url=image.media_key, width=image.width, height=image.height, hash=image.blurhash,
        meta=raw(full.meta or "null"), hide_meta=image.hide_meta, generation_process=image.process,
        needs_review=image.needs_review, poi=image.poi, minor=image.minor, mime_type=image.mime, type=image.type,
        metadata=file_facts(full), ingestion=image.ingestion, blocked_for=image.blocked_for, nsfw_level=image.level,
        index=image.idx, post_id=image.post_id, created_at=iso(image.created_at),
        tags=tuple(PostTag(id=tag.id, name=tag.name, is_category=tag.is_category) for tag in full.tags),
    )  # fmt: skip


def edit_image_reply(full: FullImage) -> Reply:
    """`post.addImage`."""
    return plain_reply(edit_image(full))


def edit_images_reply(found: Sequence[FullImage]) -> Reply:
    """`post.reorderImages`."""
    return join_array([(body := encode(edit_image(full)), date_marks(body)) for full in found])


def post_tag_reply(tag: Tag) -> Reply:
    """`post.addTag`."""
    return plain_reply(PostTag(id=tag.id, name=tag.name, is_category=tag.is_category))


class GonePost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`post.delete`, `post.restore`."""

    id: int
    nsfw_level: int


def gone_post_reply(post: Post) -> Reply:
    """`post.delete`."""
    return plain_reply(GonePost(id=post.id, nsfw_level=post.level))


class GoneImage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`image.delete`."""

    id: int
    url: str
    post_id: int | None
    nsfw_level: int
    user_id: int


def gone_image(image: Image) -> GoneImage:
    """What `image.delete` says of what went."""
    return GoneImage(
        id=image.id, url=image.media_key, post_id=image.post_id, nsfw_level=image.level, user_id=image.user_id
    )


class SomeIds(msgspec.Struct, frozen=True, kw_only=True):
    """Things by their ids."""

    ids: tuple[int, ...]


class TrashItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image in the trash."""

    id: int
    name: str | None
    size: int | None
    width: int | None
    height: int | None
    deleted_at: str


class Trash(msgspec.Struct, frozen=True, kw_only=True):
    """`image.getTrash`."""

    items: tuple[TrashItem, ...]


# --- models -------------------------------------------------------------------------------------------------------


class ChangedModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`model.upsert`."""

    id: int
    name: str
    description: str | None
    type: str
    status: str
    nsfw: bool
    minor: bool
    poi: bool
    updated_at: str


class ChangedVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`modelVersion.upsert`."""

    id: int
    model_id: int
    name: str
    description: str | None
    base_model: str
    trained_words: msgspec.Raw
    status: str
    updated_at: str


def model_reply(model: Model) -> Reply:
    """`model.upsert`."""
    return plain_reply(
        ChangedModel(
            id=model.id, name=model.name, description=model.description, type=model.type, status=model.status,
            nsfw=model.nsfw, minor=model.minor, poi=model.poi, updated_at=iso(model.updated_at),
        )
    )  # fmt: skip


def version_reply(version: ModelVersion) -> Reply:
    """`modelVersion.upsert`."""
    return plain_reply(
        ChangedVersion(
            id=version.id, model_id=version.model_id, name=version.name, description=version.description,
            base_model=version.base_model, trained_words=raw(version.trained_words), status=version.status,
            updated_at=iso(version.updated_at),
        )
    )  # fmt: skip


# --- hidden things ------------------------------------------------------------------------------------------------


class HiddenRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something hidden: users with `username`, tags with `name`; a moderated tag with its level."""

    id: int
    hidden: bool | None = None
    name: str | None = None
    username: str | None = None
    nsfwLevel: int | None = None


class HiddenLists(msgspec.Struct, frozen=True, kw_only=True):
    """`hiddenPreferences.getHidden`."""

    hiddenImages: tuple[HiddenRow, ...]
    hiddenModels: tuple[HiddenRow, ...]
    hiddenModel3Ds: tuple[()] = ()
    hiddenUsers: tuple[HiddenRow, ...]
    hiddenTags: tuple[HiddenRow, ...]
    blockedUsers: tuple[HiddenRow, ...]
    blockedByUsers: tuple[HiddenRow, ...]


class ToggledLists(msgspec.Struct, frozen=True, kw_only=True):
    """`hiddenPreferences.toggleHidden`."""

    added: tuple[HiddenRow, ...]
    removed: tuple[HiddenRow, ...]


def toggled(kind: str, targets: Sequence[HideTarget], *, hidden: bool) -> tuple[HiddenRow, ...]:
    """The rows of a toggle."""
    if kind in ("user", "blockedUser"):
        return tuple(HiddenRow(id=one.id, hidden=hidden, username=one.name) for one in targets)
    return tuple(HiddenRow(id=one.id, hidden=hidden, name=one.name) for one in targets)
