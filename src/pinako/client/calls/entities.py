"""The tRPC queries about one thing or a short list (trpc.md 4-9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from pinako.client.asks import Call
from pinako.client.calls.trpc import query
from pinako.client.reading import Record, read_record, read_records
from pinako.client.records.images import GenerationData, Image, Post
from pinako.client.records.models import Model, ModelVersion
from pinako.client.records.people import (
    Collection,
    CollectionDetail,
    HiddenPreferences,
    Kept,
    Profile,
    Settings,
    Tag,
    VotableTag,
)
from pinako.errors import BadRequest

R = TypeVar("R", bound=Record)


def get_image(image_id: int) -> Call[Image]:
    """`image.get` (trpc.md 4.1). `url` is a media key. Errors: UpstreamNotFound, also for what the caller may not see."""
    return (yield from _one("image.get", Image, id=image_id))


def get_generation_data(image_id: int) -> Call[GenerationData]:
    """`image.getGenerationData` (trpc.md 4.3). Errors: UpstreamNotFound."""
    return (yield from _one("image.getGenerationData", GenerationData, id=image_id))


def get_votable_tags(
    thing_id: int, *, type: Literal["image", "model"] = "image", take: int = 100
) -> Call[list[VotableTag]]:
    """`tag.getVotableTags` (trpc.md 7.1) of an image or model, as ordered by the host; unknown ids have none."""
    body = yield from query("tag.getVotableTags", {"id": thing_id, "type": type, "take": take})
    return read_records(VotableTag, body or [], call="tag.getVotableTags")


def get_tag(tag_id: int) -> Call[Tag | None]:
    """`tag.getById` (trpc.md 7.2); None where there is no such tag."""
    body = yield from query("tag.getById", {"id": tag_id})
    return read_record(Tag, body, call="tag.getById") if body is not None else None


def get_post(post_id: int) -> Call[Post]:
    """`post.get` (trpc.md 5.2): no images in it, ask `image_feed(post_id=…)`. Errors: UpstreamNotFound."""
    return (yield from _one("post.get", Post, id=post_id))


def get_model_details(model_id: int) -> Call[Model]:
    """`model.getById` (trpc.md 8.2): versions without previews. Errors: UpstreamNotFound."""
    return (yield from _one("model.getById", Model, id=model_id))


def get_version_details(version_id: int, *, with_files: bool = True) -> Call[ModelVersion]:
    """`modelVersion.getById` (trpc.md 8.1): also of deleted models, whose `model.status` says so.

    Errors: UpstreamNotFound for a version that never was.
    """
    return (yield from _one("modelVersion.getById", ModelVersion, id=version_id, withFiles=with_files))


def get_collection(collection_id: int) -> Call[CollectionDetail]:
    """`collection.getById` (trpc.md 6.2); `collection` None in it where it is unknown or closed to the caller."""
    body = yield from query("collection.getById", {"id": collection_id})
    return read_record(CollectionDetail, body or {}, call="collection.getById")


def get_my_collections(
    *, contributing_only: bool = True, permissions: Iterable[str] = (), type: str | None = None
) -> Call[list[Collection]]:
    """`collection.getAllUser` (trpc.md 6.3): the caller's own, first. Errors: UpstreamUnauthorized without a login."""
    words = list(permissions) or None
    values = {"contributingOnly": contributing_only, "permissions": words, "type": type}
    body = yield from query("collection.getAllUser", values)
    return read_records(Collection, body or [], call="collection.getAllUser")


def get_collections_of_item(
    *,
    image_id: int | None = None,
    post_id: int | None = None,
    model_id: int | None = None,
    article_id: int | None = None,
) -> Call[list[Kept]]:
    """`collection.getUserCollectionItemsByItem` (trpc.md 10): where the caller has kept one thing."""
    body = yield from query(
        "collection.getUserCollectionItemsByItem", one_item(image_id, post_id, model_id, article_id)
    )
    return read_records(Kept, body or [], call="collection.getUserCollectionItemsByItem")


def get_creator(username: str | None = None, *, user_id: int | None = None) -> Call[Profile]:
    """`user.getCreator` (trpc.md 9) by name or id. Errors: UpstreamNotFound, also for deleted users."""
    if username is None and user_id is None:
        raise BadRequest("Give a username or user_id.")
    return (yield from _one("user.getCreator", Profile, username=username, id=user_id))


def get_user(user_id: int) -> Call[Profile]:
    """`user.getById`. Errors: UpstreamNotFound."""
    return (yield from _one("user.getById", Profile, id=user_id))


def get_settings() -> Call[Settings]:
    """`user.getSettings` (trpc.md 9). Errors: UpstreamUnauthorized without a login."""
    body = yield from query("user.getSettings", {})
    return read_record(Settings, body or {}, call="user.getSettings")


def get_hidden() -> Call[HiddenPreferences]:
    """`hiddenPreferences.getHidden` (trpc.md 9); without a login the host's own moderated tags."""
    body = yield from query("hiddenPreferences.getHidden", {})
    return read_record(HiddenPreferences, body or {}, call="hiddenPreferences.getHidden")


def one_item(image_id: int | None, post_id: int | None, model_id: int | None, article_id: int | None) -> dict[str, int]:
    """The one thing that a collection may hold, as inputs name it. Raises BadRequest for none or several."""
    ids = {"imageId": image_id, "postId": post_id, "modelId": model_id, "articleId": article_id}
    given = {name: value for name, value in ids.items() if value is not None}
    if len(given) != 1:
        raise BadRequest("Give exactly one of image_id, post_id, model_id and article_id.")
    return given


def _one(procedure: str, kind: type[R], **values: Any) -> Call[R]:
    body = yield from query(procedure, values)
    return read_record(kind, body, call=procedure)
