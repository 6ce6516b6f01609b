"""Posts as tRPC sends them: the fragment of a list item, joined with the image fragments that a viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from pinako.catalog.images import FullPost
from pinako.catalog.tags import Tag
from pinako.wire.fragments import encode
from pinako.wire.superjson import Marks, date_marks, record_marks, under
from pinako.wire.times import iso
from pinako.wire.trpc import Item, Reply, reply
from pinako.wire.trpc_images import TrpcUser, trpc_user

_BREAK = b"\x03"


class TrpcPost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list item without its counts and images."""

    id: int
    nsfw_level: int
    title: str | None
    published_at: str | None
    created_at: str
    model_version_id: int | None
    collection_id: int | None
    user: TrpcUser
    cosmetic: None = None


class TrpcImagePost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `image.getImagesAsPostsInfinite` without its level, count and images."""

    post_id: int
    pinned: bool = False
    model_version_id: int | None
    published_at: str | None
    sort_at: str
    created_at: str
    user: TrpcUser
    review: None = None


class VersionRef(msgspec.Struct, frozen=True, kw_only=True):
    """A version by its id."""

    id: int


class PostTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag of a post."""

    id: int
    name: str
    is_category: bool


class TrpcPostBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`post.get`. Images are asked of `image.getInfinite`."""

    id: int
    nsfw: bool
    nsfw_level: int
    title: str | None
    detail: str | None
    model_version_id: int | None
    model_version: VersionRef | None
    user: TrpcUser
    published_at: str | None
    availability: str
    tags: tuple[PostTag, ...]
    collection_id: int | None
    was_published: bool = False
    unpublished_at: None = None
    unpublished_by: None = None
    parent_model_id: None = None


class PostParts(NamedTuple):
    """A fragment split once, when it is cached: both forms of a post, each with its marks."""

    head: bytes
    marks: Marks
    gallery_head: bytes
    gallery_marks: Marks


def write_post(full: FullPost) -> bytes:
    """The fragment of one post, without its images: those are fragments of their own."""
    post, user = full.post, trpc_user(full.user)
    item = TrpcPost(
        id=post.id, nsfw_level=post.level, title=post.title, published_at=iso(post.published_at),
        created_at=iso(post.created_at), model_version_id=post.version_id, collection_id=post.collection_id, user=user,
    )  # fmt: skip
    gallery = TrpcImagePost(
        post_id=post.id, model_version_id=post.version_id, published_at=iso(post.published_at),
        sort_at=iso(post.sort_at), created_at=iso(post.created_at), user=user,
    )  # fmt: skip
    return _BREAK.join((encode(item)[:-1], _marks(item), encode(gallery)[:-1], _marks(gallery)))


def _marks(body: msgspec.Struct) -> bytes:
    return ",".join(record_marks(body)).encode()


def split_post(body: bytes) -> PostParts:
    """A stored fragment in its parts."""
    head, marks, gallery, gallery_marks = body.split(_BREAK)
    return PostParts(head, _tuple(marks), gallery, (*_tuple(gallery_marks), "review?"))


def _tuple(marks: bytes) -> Marks:
    return tuple(marks.decode().split(",")) if marks else ()


@lru_cache(maxsize=65536)
def stats_text(
    id: int, like: int, dislike: int, heart: int, laugh: int, cry: int, comment: int, collected: int
) -> bytes:
    """The counts of a post."""
    return (
        b',"stats":{"postId":%d,"commentCount":%d,"likeCount":%d,"dislikeCount":%d,"heartCount":%d,"laughCount":%d,'
        b'"cryCount":%d,"collectedCount":%d}' % (id, comment, like, dislike, heart, laugh, cry, collected)
    )


def join_post(parts: PostParts, id: int, counts: Sequence[int], image_count: int, images: Sequence[Item]) -> Item:
    """An item of `post.getInfinite`.

    `counts` are likes, dislikes, hearts, laughs, cries, comments, collections; `images` those that the viewer sees, and
    `image_count` how many those are in all.
    """
    body = b"".join((
        parts.head, stats_text(id, *counts), b',"imageCount":%d,"images":[' % image_count,
        b",".join([text for text, _ in images]), b"]}",
    ))  # fmt: skip
    return body, parts.marks + image_marks(tuple(marks for _, marks in images))


@lru_cache(maxsize=8192)
def image_marks(all_marks: tuple[Marks, ...]) -> Marks:
    """The marks of a list of images that stands under `images`."""
    return tuple(mark for i, marks in enumerate(all_marks) for mark in under(marks, f"images.{i}"))


def join_gallery_post(parts: PostParts, level: int, images: Sequence[Item]) -> Item:
    """An item of `image.getImagesAsPostsInfinite`. `level` is the union of the shown images' levels."""
    body = b"".join((
        parts.gallery_head, b',"nsfwLevel":%d,"imageCount":%d,"images":[' % (level, len(images)),
        b",".join([text for text, _ in images]), b"]}",
    ))  # fmt: skip
    return body, parts.gallery_marks + image_marks(tuple(marks for _, marks in images))


def post_reply(full: FullPost) -> Reply:
    """`post.get`."""
    post = full.post
    shown = full.version_published and post.version_id is not None
    body = encode(TrpcPostBody(
        id=post.id, nsfw=post.level > 1, nsfw_level=post.level, title=post.title, detail=post.detail,
        model_version_id=post.version_id, model_version=VersionRef(id=post.version_id or 0) if shown else None,
        user=trpc_user(full.user), published_at=iso(post.published_at), availability=post.availability,
        tags=tuple(_tag(tag) for tag in full.tags), collection_id=post.collection_id,
    ))  # fmt: skip
    return reply(body, date_marks(body))


def _tag(tag: Tag) -> PostTag:
    return PostTag(id=tag.id, name=tag.name, is_category=tag.is_category)
