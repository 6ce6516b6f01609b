"""Images (all media: pictures, videos, audio), posts, and what an answer about one is made of.

`Image` and `Post` mirror the columns of their tables. Times are integer milliseconds since the epoch, UTC; the wire turns
them into ISO text. A `JsonText` is JSON as stored: it travels to the wire without being parsed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pinako.catalog.people import User
from pinako.catalog.tags import Tag, TagScore

JsonText = str
"""JSON text as the database holds it, valid by construction."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The counters that images and posts share."""

    like_count: int = 0
    dislike_count: int = 0
    heart_count: int = 0
    laugh_count: int = 0
    cry_count: int = 0
    reaction_count: int = 0
    comment_count: int = 0
    collected_count: int = 0


class Image(Counts, frozen=True, kw_only=True, array_like=True):
    """One medium. `level` is one bit or 0; `media_key` is the key of its address, or a whole foreign URL."""

    id: int
    user_id: int
    media_key: str
    created_at: int
    sort_at: int
    updated_at: int
    type: str = "image"
    post_id: int | None = None
    idx: int = 0
    name: str | None = None
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None
    phash: int | None = None
    pixel_hash: str | None = None
    blob: str | None = None
    size: int | None = None
    metadata: JsonText = "{}"
    level: int = 0
    level_locked: bool = False
    ingestion: str = "Scanned"
    blocked_for: str | None = None
    needs_review: str | None = None
    minor: bool = False
    acceptable_minor: bool = False
    poi: bool = False
    withheld: bool = False
    model_restricted: bool = False
    availability: str = "Public"
    hide_meta: bool = False
    has_meta: bool = False
    has_prompt: bool = False
    on_site: bool = False
    process: str | None = None
    generator: str | None = None
    base_model: str | None = None
    remix_of_id: int | None = None
    published_at: int | None = None
    scanned_at: int | None = None
    deleted_at: int | None = None
    tipped_count: int = 0
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None


class ImageSight(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What decides who sees an image (visibility.ImageLike), and its post: much less than the whole row, for lists of many."""

    id: int
    post_id: int | None
    user_id: int
    level: int
    level_locked: bool
    ingestion: str
    blocked_for: str | None
    needs_review: str | None
    minor: bool
    poi: bool
    withheld: bool
    model_restricted: bool
    availability: str
    published_at: int | None
    deleted_at: int | None


class Post(Counts, frozen=True, kw_only=True, array_like=True):
    """Images that were published together. `level` is the union of theirs."""

    id: int
    user_id: int
    sort_at: int
    created_at: int
    updated_at: int
    title: str | None = None
    detail: str | None = None
    version_id: int | None = None
    collection_id: int | None = None
    published_at: int | None = None
    availability: str = "Public"
    unlisted: bool = False
    level: int = 0
    image_count: int = 0
    metadata: JsonText = "{}"
    deleted_at: int | None = None
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None


class UsedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A model version that an image was made with. `strength` is the weight × 100; `detected` False: credited by its post."""

    version_id: int
    strength: int | None = None
    detected: bool = True


class FullImage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a list item, `image.get` or a fragment of one image says, the caller's own reactions apart.

    `meta` is the site's metadata where there is one, else the file's (None: none, or hidden by the owner). `scores` says by
    tag id how its tags stand.
    """

    image: Image
    user: User
    post: Post | None = None
    tags: tuple[Tag, ...] = ()
    scores: Mapping[int, TagScore] = {}
    used: tuple[UsedVersion, ...] = ()
    meta: JsonText | None = None


class FullPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post with the images that its fragment may show, in their order. Levels are cut when the fragment is joined."""

    post: Post
    user: User
    images: tuple[FullImage, ...] = ()
    tags: tuple[Tag, ...] = ()
    version_published: bool = False
    """Whether the version that it credits is published: only then `post.get` shows `modelVersion`."""


class GenerationResource(msgspec.Struct, frozen=True, kw_only=True):
    """A model version in an image's generation data. `strength` is the weight × 100."""

    version_id: int
    model_id: int
    model_name: str
    model_type: str
    version_name: str
    base_model: str
    strength: int | None = None


class GenerationData(msgspec.Struct, frozen=True, kw_only=True):
    """What `image.getGenerationData` says about one image. `meta` is None where the owner hides it.

    `external`: where it was made elsewhere, which is told also where the rest is hidden.
    """

    image: Image
    meta: JsonText | None = None
    external: JsonText | None = None
    process: str | None = None
    resources: tuple[GenerationResource, ...] = ()


class Reacted(msgspec.Struct, frozen=True, kw_only=True):
    """The words that one user gave to one image or post."""

    user_id: int
    words: tuple[str, ...]
