"""Answers of tRPC as their readers get them, whole, for the OpenAPI document (see `wire/whole.py`)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from pinako.wire.trpc_collections import HeldThing, ListedCollection
from pinako.wire.trpc_images import TrpcImage, TrpcVotable
from pinako.wire.trpc_models import ListImage, ListModel, ListVersion
from pinako.wire.trpc_posts import TrpcImagePost, TrpcPost


class ImageCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one image."""

    likeCountAllTime: int
    laughCountAllTime: int
    heartCountAllTime: int
    cryCountAllTime: int
    commentCountAllTime: int
    collectedCountAllTime: int
    tippedAmountCountAllTime: int
    dislikeCountAllTime: int
    viewCountAllTime: int


class OwnReaction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A reaction of the caller's own."""

    user_id: int
    reaction: str


class ImageEntry(TrpcImage, frozen=True, kw_only=True, rename="camel"):
    """An image, in lists and by id."""

    stats: ImageCounts
    reactions: tuple[OwnReaction, ...]
    meta: dict[str, Any] | None
    tags: tuple[TrpcVotable, ...] | None


class SingleImage(ImageEntry, frozen=True, kw_only=True, rename="camel"):
    """`image.get`, with or without its post."""

    published_at: str | UnsetType | None = UNSET


class PostCounts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Counts of one post."""

    post_id: int
    comment_count: int
    like_count: int
    dislike_count: int
    heart_count: int
    laugh_count: int
    cry_count: int
    collected_count: int


class PostEntry(TrpcPost, frozen=True, kw_only=True, rename="camel"):
    """A post in a list, with the first of its images."""

    stats: PostCounts
    image_count: int
    images: tuple[ImageEntry, ...]


class GalleryPost(TrpcImagePost, frozen=True, kw_only=True, rename="camel"):
    """Images of one post that a feed of images holds."""

    nsfw_level: int
    image_count: int
    images: tuple[ImageEntry, ...]


class ModelEntry(ListModel, frozen=True, kw_only=True, rename="camel"):
    """A model in a list."""

    hashes: tuple[str, ...]
    base_models: tuple[str, ...]
    version: ListVersion
    early_access_deadline: str | None
    images: tuple[ListImage, ...]


class ImagePage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of images; a null cursor ends the list."""

    next_cursor: str | None
    items: tuple[ImageEntry, ...]


class PostPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of posts."""

    next_cursor: str | None
    items: tuple[PostEntry, ...]


class GalleryPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of images by post."""

    next_cursor: str | None
    items: tuple[GalleryPost, ...]


class ModelPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of models."""

    next_cursor: str | None
    items: tuple[ModelEntry, ...]


class CollectionPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of collections; this cursor is a number."""

    next_cursor: int | None
    items: tuple[ListedCollection, ...]


class ContentsPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of all that a collection holds."""

    next_cursor: str | None
    collection_items: tuple[HeldThing, ...]


class TagWithVotes(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag with its votes. On models what comes from scans is absent; `vote` is the caller's own."""

    score: int
    up_votes: int
    down_votes: int
    id: int
    type: str
    nsfw_level: int
    name: str
    vote: int | UnsetType = UNSET
    automated: bool | UnsetType = UNSET
    needs_review: bool | UnsetType = UNSET
    concrete: bool | UnsetType = UNSET
    last_upvote: str | UnsetType | None = UNSET


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the caller follows now."""

    following: bool
