"""The smaller REST bodies: creators, tags, users, me, enums, collections."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from pinako.catalog import enums
from pinako.catalog.basemodels import ACTIVE_BASE_MODELS, BASE_MODELS
from pinako.catalog.collections import FullCollection
from pinako.catalog.people import Creator, Scope, User, Viewer
from pinako.catalog.tags import CountedTag
from pinako.wire.delivery import cover_url
from pinako.wire.fragments import MEDIA, ORIGIN, address, encode, marked
from pinako.wire.rest_images import RestTag, avatar

FULL_SCOPE = 33_554_431
"""All bits of a key's scope mask, 0 to 24."""
READ_SCOPE = 1 | 4 | 32 | 131_072
"""Users, models, media and collections, each to read."""


class RestCreatorItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `/creators`: no count at 0, no image where there is none (rest.md 20.13)."""

    username: str | None
    model_count: int | UnsetType = UNSET
    link: msgspec.Raw
    image: msgspec.Raw | UnsetType = UNSET


class RestTagItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `/tags`, with the count of 2022 (rest.md 20.12). The link is not percent-encoded, as upstream."""

    name: str
    model_count: int
    link: msgspec.Raw


class RestUserItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `/users`."""

    id: int
    username: str | None
    avatar_url: str | UnsetType = UNSET
    avatar_nsfw: int = 1
    meta: None = None


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller showed to be known."""

    type: str
    id: int


class MeBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`/me`. The last three only where a key was used."""

    id: int
    username: str | None
    status: str
    is_member: bool = False
    subscriptions: tuple[str, ...] = ()
    email: str | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    token_scope: int | UnsetType = UNSET
    buzz_limit: UnsetType | None = UNSET
    subject: Subject | UnsetType = UNSET


class EnumsBody(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """`/enums`."""

    model_type: tuple[str, ...] = enums.MODEL_TYPES
    model_file_type: tuple[str, ...] = enums.FILE_TYPES
    active_base_model: tuple[str, ...] = ACTIVE_BASE_MODELS
    base_model: tuple[str, ...] = BASE_MODELS
    base_model_type: tuple[str, ...] = enums.BASE_MODEL_TYPES


class CollectionUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a collection is."""

    id: int | None
    username: str | None


class RestCollection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A collection in the list (`itemCount`) or alone (`tags`)."""

    id: int
    name: str
    description: str | None
    type: str | None
    nsfw_level: int | None
    read: str
    is_public: bool
    item_count: int | UnsetType = UNSET
    cover_image_url: msgspec.Raw | None
    user: CollectionUser
    tags: tuple[RestTag, ...] | UnsetType = UNSET


def creator_items(creators: Sequence[Creator]) -> list[bytes]:
    """The items of `/creators`; marks are still in them."""
    return [encode(_creator(creator)) for creator in creators]


def _creator(creator: Creator) -> RestCreatorItem:
    picture = avatar(creator.user)
    return RestCreatorItem(
        username=creator.user.username,
        model_count=creator.model_count or UNSET,
        link=address(f"{ORIGIN}/api/v1/models?username={creator.user.username or ''}"),
        image=UNSET if picture is None else picture,
    )


def tag_items(tags: Sequence[CountedTag]) -> list[bytes]:
    """The items of `/tags`; marks are still in them."""
    return [
        encode(
            RestTagItem(
                name=counted.tag.name,
                model_count=counted.model_count,
                link=address(f"{ORIGIN}/api/v1/models?tag={counted.tag.name}"),
            )
        )
        for counted in tags
    ]


def users_body(users: Sequence[User]) -> bytes:
    """The answer of `/users`, which has no metadata."""
    items = [RestUserItem(id=user.id, username=user.username, avatar_url=user.image or UNSET) for user in users]
    return b'{"items":' + encode(items) + b"}"


def me_body(user: User, viewer: Viewer) -> bytes:
    """The answer of `/me`."""
    keyed = viewer.key_id is not None
    full = viewer.scope is Scope.WRITE
    return encode(
        MeBody(
            id=user.id,
            username=user.username,
            status="muted" if user.muted else "active",
            email=user.email or UNSET,
            email_verified=True if user.email else UNSET,
            token_scope=(FULL_SCOPE if full else READ_SCOPE) if keyed else UNSET,
            buzz_limit=None if keyed else UNSET,
            subject=UNSET if viewer.key_id is None else Subject(type="apiKey", id=viewer.key_id),
        )
    )


ENUMS_BODY = encode(EnumsBody())
"""The answer of `/enums`, the same for everybody."""


def enums_body(base_models: Sequence[str] = ()) -> bytes:
    """The answer of `/enums` with the base models that this library knows beside the usual ones."""
    extra = tuple(name for name in base_models if name not in BASE_MODELS)
    return encode(EnumsBody(base_model=BASE_MODELS + extra)) if extra else ENUMS_BODY


def collection_items(collections: Sequence[FullCollection]) -> list[bytes]:
    """The items of `/collections`; marks are still in them."""
    return [encode(_collection(full, listed=True)) for full in collections]


def collection_body(full: FullCollection) -> bytes:
    """The answer of `/collections/:id`; marks are still in it."""
    return encode(_collection(full, listed=False))


def _collection(full: FullCollection, *, listed: bool) -> RestCollection:
    collection = full.collection
    cover = full.cover.image if full.cover else None
    tags = tuple(RestTag(id=item.tag.id, name=item.tag.name) for item in full.tags)
    return RestCollection(
        id=collection.id,
        name=collection.name,
        description=collection.description,
        type=collection.type,
        nsfw_level=collection.level,
        read=collection.read,
        is_public=collection.read == "Public",
        item_count=full.item_count if listed else UNSET,
        cover_image_url=marked(cover_url(MEDIA, cover.media_key, cover.type) if cover else None),
        user=CollectionUser(id=full.user.id, username=full.user.username),
        tags=UNSET if listed else tags,
    )
