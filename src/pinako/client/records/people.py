"""Users, creators, tags and collections as the client reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from pinako.client.reading import Record


class User(Record, frozen=True, kw_only=True):
    """Who made something. `image` is a full address or a bare media key."""

    id: int | None = None
    username: str | None = None
    image: str | None = None
    deleted_at: datetime | None = None
    profile_picture: dict[str, Any] | None = None
    cosmetics: tuple[Any, ...] = ()


class Creator(Record, frozen=True, kw_only=True):
    """A row of `GET /creators` (rest.md 9). `model_count` None means that the host left it out, usually for 0."""

    username: str | None = None
    model_count: int | None = None
    link: str = ""
    image: str | None = None


class Profile(Record, frozen=True, kw_only=True):
    """`user.getCreator` (trpc.md 9)."""

    id: int
    username: str | None = None
    image: str | None = None
    muted: bool = False
    banned_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    links: tuple[dict[str, Any], ...] = ()
    stats: dict[str, Any] = msgspec.field(default_factory=dict)
    rank: dict[str, Any] | None = None
    profile_picture: dict[str, Any] | None = None
    count: dict[str, Any] = msgspec.field(default_factory=dict, name="_count")


class FoundUser(Record, frozen=True, kw_only=True):
    """A row of `GET /users` (rest.md 14). `avatar_nsfw` is a level bit, or a legacy word."""

    id: int
    username: str | None = None
    avatar_url: str | None = None
    avatar_nsfw: int | str | None = None
    meta: dict[str, Any] | None = None


class Me(Record, frozen=True, kw_only=True):
    """`GET /me` (rest.md 16): the account behind a key or cookie."""

    id: int
    username: str | None = None
    tier: str | None = None
    status: str = ""
    is_member: bool = False
    subscriptions: tuple[str, ...] = ()
    email: str | None = None
    email_verified: bool = False
    token_scope: int | None = None
    buzz_limit: dict[str, Any] | None = None
    subject: dict[str, Any] | None = None


class Tag(Record, frozen=True, kw_only=True):
    """A tag of any call; what a call does not say stays at its default."""

    name: str = ""
    id: int | None = None
    type: str = ""
    link: str = ""
    model_count: int | None = None
    is_category: bool = False
    nsfw_level: int = 0


class VotableTag(Record, frozen=True, kw_only=True):
    """An element of `tag.getVotableTags` (trpc.md 7.1). `vote` is the caller's own: 1, -1 or None.

    Image lists that are asked for tags say also by whom each is (`source`).
    """

    id: int
    name: str = ""
    type: str = ""
    nsfw_level: int = 0
    score: int = 0
    up_votes: int = 0
    down_votes: int = 0
    automated: bool = False
    needs_review: bool = False
    concrete: bool = False
    last_upvote: datetime | None = None
    vote: int | None = None
    source: str = ""


class Collection(Record, frozen=True, kw_only=True):
    """A collection of either door. `item_count` None means that this call does not say."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"count": ("_count",)}

    id: int
    name: str = ""
    description: str | None = None
    type: str | None = None
    nsfw: bool = False
    nsfw_level: int = 0
    read: str = ""
    write: str = ""
    mode: str | None = None
    is_public: bool = False
    is_owner: bool = False
    item_count: int | None = None
    cover_image_url: str | None = None
    image: dict[str, Any] | None = None
    image_id: int | None = None
    images: tuple[dict[str, Any], ...] = ()
    user_id: int | None = None
    user: User | None = None
    tags: tuple[Tag, ...] = ()
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    availability: str = ""
    created_at: datetime | None = None
    count: dict[str, Any] = msgspec.field(default_factory=dict)


class Permissions(Record, frozen=True, kw_only=True):
    """What the caller may do with a collection (trpc.md 6.1). All false: no such collection, or no access."""

    collection_id: int | None = None
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


class CollectionDetail(Record, frozen=True, kw_only=True):
    """`collection.getById`: `collection` is None where it does not exist or the caller may not read it (trpc.md 6.2)."""

    collection: Collection | None = None
    permissions: Permissions = Permissions()


class CollectionItem(Record, frozen=True, kw_only=True):
    """One row of `collection.getAllCollectionItems`; `data` is the image, post, model or article as received."""

    id: int
    type: str = ""
    status: str = ""
    created_at: datetime | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Kept(Record, frozen=True, kw_only=True):
    """A row of `collection.getUserCollectionItemsByItem` (trpc.md 10): one of the caller's collections that has a thing."""

    collection_id: int
    added_by_id: int | None = None
    tag_id: int | None = None
    can_remove_item: bool = False
    collection: dict[str, Any] = msgspec.field(default_factory=dict)


class SavedItem(Record, frozen=True, kw_only=True):
    """What `collection.saveItem` says. `status` is `added`, `removed`, or None; `is_owner` where one collection was meant."""

    status: str | None = None
    is_owner: bool | None = None


class RemovedItem(Record, frozen=True, kw_only=True):
    """What `collection.removeFromCollection` took out."""

    collection_id: int | None = None
    item_id: int | None = None
    type: str | None = None


class Settings(Record, frozen=True, kw_only=True):
    """`user.getSettings` (trpc.md 9): an open object; what else a host keeps is in `raw`."""

    show_nsfw: bool | None = None
    blur_nsfw: bool | None = None
    autoplay_gifs: bool | None = None


class ToggledHidden(Record, frozen=True, kw_only=True):
    """What `hiddenPreferences.toggleHidden` changed, each row as received."""

    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()


class HiddenPreferences(Record, frozen=True, kw_only=True):
    """`hiddenPreferences.getHidden` (trpc.md 9), each row as received; compact answers hold bare ids."""

    hidden_images: tuple[Any, ...] = ()
    hidden_models: tuple[Any, ...] = ()
    hidden_users: tuple[Any, ...] = ()
    hidden_tags: tuple[Any, ...] = ()
    blocked_users: tuple[Any, ...] = ()
    blocked_by_users: tuple[Any, ...] = ()


class Enums(Record, frozen=True, kw_only=True, rename=None):
    """`GET /enums` (rest.md 17): the host's own word lists."""

    model_type: tuple[str, ...] = msgspec.field(default=(), name="ModelType")
    model_file_type: tuple[str, ...] = msgspec.field(default=(), name="ModelFileType")
    active_base_model: tuple[str, ...] = msgspec.field(default=(), name="ActiveBaseModel")
    base_model: tuple[str, ...] = msgspec.field(default=(), name="BaseModel")
    base_model_type: tuple[str, ...] = msgspec.field(default=(), name="BaseModelType")
