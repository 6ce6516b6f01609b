"""The smaller tRPC bodies: tags and votes, users."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from pinako.catalog.people import Profile, User
from pinako.catalog.tags import CountedTag, Tag, VotableTag
from pinako.wire.fragments import encode, raw
from pinako.wire.superjson import date_marks
from pinako.wire.times import iso
from pinako.wire.trpc import Item, Reply, join_array, reply
from pinako.wire.trpc_images import TrpcUser, trpc_user

# --- tags ---------------------------------------------------------------------------------------------------------


class TrpcVotableTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag with its votes on one image. `vote` only where the caller voted."""

    score: int
    up_votes: int
    down_votes: int
    automated: bool
    needs_review: bool
    concrete: bool
    last_upvote: str | None
    id: int
    type: str
    nsfw_level: int
    name: str
    vote: int | UnsetType = UNSET


class ModelVotableTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The shorter form on a model."""

    score: int
    up_votes: int
    down_votes: int
    id: int
    type: str
    nsfw_level: int = 0
    name: str
    vote: int | UnsetType = UNSET


class TrpcTag(msgspec.Struct, frozen=True, kw_only=True):
    """`tag.getById`."""

    id: int
    name: str
    type: str


class TagCounts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How often a tag is used."""

    model_count: int
    image_count: int
    post_count: int


class ListedTag(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `tag.getAll`."""

    id: int
    name: str
    type: str
    nsfw_level: int
    is_category: bool
    unlisted: bool
    model_count: int
    stats: TagCounts


class TagPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`tag.getAll`, paged by number."""

    items: tuple[ListedTag, ...]
    total_items: int
    current_page: int
    page_size: int
    total_pages: int


def votable_tags_reply(tags: Sequence[VotableTag], kind: str) -> Reply:
    """`tag.getVotableTags` of an image or a model."""
    return join_array([_votable(tag) if kind == "image" else _model_votable(tag) for tag in tags])


def _votable(tag: VotableTag) -> Item:
    body = encode(TrpcVotableTag(
        score=tag.score, up_votes=tag.up_votes, down_votes=tag.down_votes, automated=tag.automated,
        needs_review=tag.needs_review, concrete=tag.concrete, last_upvote=iso(tag.last_upvote), id=tag.id,
        type=tag.type, nsfw_level=tag.level, name=tag.name, vote=UNSET if tag.vote is None else tag.vote,
    ))  # fmt: skip
    return body, ("lastUpvote",) if tag.last_upvote is not None else ()


def _model_votable(tag: VotableTag) -> Item:
    body = encode(ModelVotableTag(
        score=tag.score, up_votes=tag.up_votes, down_votes=tag.down_votes, id=tag.id, type=tag.type, name=tag.name,
        vote=UNSET if tag.vote is None else tag.vote,
    ))  # fmt: skip
    return body, ()


def tag_reply(tag: Tag | None) -> Reply:
    """`tag.getById`; an unknown id is null with 200, as upstream."""
    return Reply(json=b"null" if tag is None else encode(TrpcTag(id=tag.id, name=tag.name, type=tag.type)))


def tags_reply(tags: Sequence[CountedTag], *, total: int, page: int, limit: int) -> Reply:
    """`tag.getAll`."""
    items = tuple(_listed_tag(counted) for counted in tags)
    size = limit or total
    pages = -(-total // size) if size else 1
    return Reply(
        json=encode(TagPage(items=items, total_items=total, current_page=page, page_size=size, total_pages=pages))
    )


def _listed_tag(counted: CountedTag) -> ListedTag:
    tag = counted.tag
    counts = TagCounts(model_count=counted.model_count, image_count=counted.image_count, post_count=counted.post_count)
    return ListedTag(
        id=tag.id, name=tag.name, type=tag.type, nsfw_level=tag.level, is_category=tag.is_category,
        unlisted=tag.unlisted, model_count=counted.model_count, stats=counts,
    )  # fmt: skip


# --- users --------------------------------------------------------------------------------------------------------


class CreatorStats(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's counts."""

    downloadCountAllTime: int
    thumbsUpCountAllTime: int
    followerCountAllTime: int
    reactionCountAllTime: int
    uploadCountAllTime: int
    generationCountAllTime: int


class ModelCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many models a creator has published."""

    models: int


class TrpcCreator(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`user.getCreator`."""

    id: int
    image: str | None
    username: str | None
    muted: bool
    banned_at: str | None
    deleted_at: None = None
    created_at: str
    public_settings: msgspec.Raw
    exclude_from_leaderboards: bool = False
    links: msgspec.Raw
    stats: CreatorStats
    rank: None = None
    cosmetics: tuple[()] = ()
    profile_picture: None = None
    creator_shop_enabled: bool = False
    counts: ModelCount = msgspec.field(name="_count")


class TrpcUserBody(TrpcUser, frozen=True, kw_only=True, rename="camel"):
    """`user.getById`."""

    created_at: str
    muted: bool
    banned_at: str | None


def creator_reply(profile: Profile | None) -> Reply:
    """`user.getCreator`; null for the system account."""
    if profile is None:
        return Reply(json=b"null")
    user = profile.user
    body = encode(TrpcCreator(
        id=user.id, image=user.image, username=user.username, muted=user.muted, banned_at=iso(user.banned_at),
        created_at=iso(user.created_at), public_settings=raw(user.public_settings or "{}"),
        links=raw(user.links or "[]"),
        stats=CreatorStats(
            downloadCountAllTime=profile.download_count, thumbsUpCountAllTime=profile.thumbs_up_count,
            followerCountAllTime=user.follower_count, reactionCountAllTime=profile.reaction_count,
            uploadCountAllTime=profile.upload_count, generationCountAllTime=profile.generation_count,
        ),
        counts=ModelCount(models=profile.model_count),
    ))  # fmt: skip
    return reply(body, date_marks(body))


def user_reply(user: User) -> Reply:
    """`user.getById`."""
    plain = trpc_user(user)
    body = encode(TrpcUserBody(
        id=plain.id, username=plain.username, image=plain.image, deleted_at=plain.deleted_at,
        created_at=iso(user.created_at), muted=user.muted, banned_at=iso(user.banned_at),
    ))  # fmt: skip
    return reply(body, date_marks(body))


def follow_reply(*, following: bool) -> Reply:
    """`user.toggleFollow`."""
    return Reply(json=b'{"following":true}' if following else b'{"following":false}')
