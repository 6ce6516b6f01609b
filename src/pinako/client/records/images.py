"""Images, posts and generation data as the client reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from pinako.client.reading import Record
from pinako.client.records.people import Tag, User, VotableTag


class Stats(Record, frozen=True, kw_only=True):
    """Reactions and comments of an image or post. The three spellings of the wire become one."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "like_count": ("likeCountAllTime",),
        "laugh_count": ("laughCountAllTime",),
        "heart_count": ("heartCountAllTime",),
        "cry_count": ("cryCountAllTime",),
        "dislike_count": ("dislikeCountAllTime",),
        "comment_count": ("commentCountAllTime",),
        "collected_count": ("collectedCountAllTime",),
        "tipped_amount_count": ("tippedAmountCountAllTime",),
        "view_count": ("viewCountAllTime",),
    }

    like_count: int = 0
    laugh_count: int = 0
    heart_count: int = 0
    cry_count: int = 0
    dislike_count: int = 0
    comment_count: int = 0
    collected_count: int = 0
    tipped_amount_count: int = 0
    view_count: int = 0


class Image(Record, frozen=True, kw_only=True):
    """One image, video or audio of any call (rest.md 15, trpc.md 4.1, 4.2, 5.1).

    `url` is a full address from REST and a bare media key from tRPC. `nsfw_level` is a bit from tRPC and a word from REST;
    `browsing_level` is the bit on REST. `level` has the bit from either.
    """

    id: int
    url: str = ""
    name: str | None = None
    hash: str | None = None
    width: int | None = None
    height: int | None = None
    index: int | None = None
    type: str = "image"
    mime_type: str | None = None
    nsfw_level: int | str | None = None
    browsing_level: int | None = None
    nsfw: bool = False
    created_at: datetime | None = None
    published_at: datetime | None = None
    sort_at: datetime | None = None
    scanned_at: datetime | None = None
    post_id: int | None = None
    post_title: str | None = None
    username: str | None = None
    user_id: int | None = None
    user: User | None = None
    stats: Stats = Stats()
    meta: dict[str, Any] | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    base_model: str | None = None
    model_version_id: int | None = None
    model_version_ids: tuple[int, ...] = ()
    model_version_ids_manual: tuple[int, ...] = ()
    tags: tuple[VotableTag, ...] = ()
    tag_ids: tuple[int, ...] = ()
    reactions: tuple[dict[str, Any], ...] = ()
    hide_meta: bool = False
    has_meta: bool = False
    has_positive_prompt: bool = False
    on_site: bool = False
    minor: bool = False
    poi: bool = False
    acceptable_minor: bool = False
    availability: str = ""
    ingestion: str = ""
    needs_review: str | None = None
    blocked_for: str | None = None
    remix_of_id: int | None = None
    thumbnail_url: str | None = None
    collection_item_status: str | None = None

    @property
    def level(self) -> int:
        """The level bit (domain.md c), 0 where the host gives none. A word from REST stands for its smallest bit."""
        if self.browsing_level is not None:
            return self.browsing_level
        if isinstance(self.nsfw_level, int):
            return self.nsfw_level
        return _LEVEL_OF_WORD.get(str(self.nsfw_level).lower(), 0)

    @property
    def author(self) -> str | None:
        """The name of who posted it, from wherever this call has it."""
        return (self.user.username if self.user else None) or self.username

    @property
    def generation_meta(self) -> dict[str, Any]:
        """The generation data of a list row, taken out of the nested form that some rows have (rest.md 20, row 37)."""
        return flat_meta(self.meta)


_LEVEL_OF_WORD = {"none": 1, "soft": 2, "mature": 4, "x": 8, "blocked": 32}


def flat_meta(meta: dict[str, Any] | None) -> dict[str, Any]:
    """Generation data from either `{…}` or `{"id": …, "meta": {…} | null}`; empty where there is none."""
    if meta is None:
        return {}
    if "meta" in meta and set(meta) <= {"id", "meta"}:
        inside = meta["meta"]
        return inside if isinstance(inside, dict) else {}
    return meta


class Post(Record, frozen=True, kw_only=True):
    """A post of `post.get` or a row of `post.getInfinite` (trpc.md 5). `images` is empty from `post.get`."""

    id: int
    title: str | None = None
    detail: str | None = None
    nsfw: bool = False
    nsfw_level: int = 0
    published_at: datetime | None = None
    model_version_id: int | None = None
    model_version: dict[str, Any] | None = None
    collection_id: int | None = None
    image_count: int | None = None
    user: User | None = None
    stats: Stats = Stats()
    images: tuple[Image, ...] = ()
    tags: tuple[Tag, ...] = ()
    availability: str = ""
    unpublished_at: datetime | None = None


class PostOfImages(Record, frozen=True, kw_only=True):
    """A row of `image.getImagesAsPostsInfinite` (trpc.md 4.4)."""

    post_id: int
    pinned: bool = False
    nsfw_level: int = 0
    model_version_id: int | None = None
    published_at: datetime | None = None
    sort_at: datetime | None = None
    created_at: datetime | None = None
    user: User | None = None
    images: tuple[Image, ...] = ()
    image_count: int | None = None
    review: dict[str, Any] | None = None


class Resource(Record, frozen=True, kw_only=True):
    """A model that made an image. Its version id is read from either documented name."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "version_id": ("modelVersionId",),
        "strength": ("weight",),
        "model_name": ("name",),
        "model_type": ("type",),
    }

    version_id: int | None = None
    version_name: str | None = None
    model_id: int | None = None
    model_name: str | None = None
    model_type: str | None = None
    base_model: str | None = None
    strength: float | None = None

    @property
    def name(self) -> str | None:
        """The model's name."""
        return self.model_name


class GenerationData(Record, frozen=True, kw_only=True):
    """`image.getGenerationData` (trpc.md 4.3). `meta` is empty where the owner hides it or there is none."""

    type: str = "image"
    on_site: bool = False
    process: str | None = None
    engine: str | None = None
    meta: dict[str, Any] = msgspec.field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    techniques: tuple[dict[str, Any], ...] = ()
    external: dict[str, Any] | None = None
    can_remix: bool = False
    remix_of_id: int | None = None


class ImageDetails(Record, frozen=True, kw_only=True):
    """Everything about one image in one object: the seeds' data flow 'basic info, generation data, tags'.

    `tags` are names by falling relevance; `image_url` is the address of the original; `parameters` is the generation data
    with the prompt and settings; `missing` names the parts (`generation`, `tags`) that the host did not give.
    """

    id: int
    image_url: str = ""
    extension: str = ""
    author: str | None = None
    created_at: datetime | None = None
    mime_type: str | None = None
    post_id: int | None = None
    level: int = 0
    width: int | None = None
    height: int | None = None
    tags: tuple[str, ...] = ()
    loras: tuple[Resource, ...] = ()
    checkpoint: Resource | None = None
    resources: tuple[Resource, ...] = ()
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    basic: Image
    generation: GenerationData = GenerationData()
    votable_tags: tuple[VotableTag, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The positive prompt, empty where hidden or absent."""
        return str(self.parameters.get("prompt") or "")

    @property
    def negative_prompt(self) -> str:
        """The negative prompt, empty where hidden or absent."""
        return str(self.parameters.get("negativePrompt") or "")
