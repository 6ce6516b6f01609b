"""The tRPC mutations (trpc.md 7.3, 9, 10). All need a login; UpstreamUnauthorized also means 'not yours'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from pinako.client.asks import Call
from pinako.client.calls.entities import one_item
from pinako.client.calls.trpc import mutate
from pinako.client.reading import Record, read_record, read_records
from pinako.client.records.images import Image, Post
from pinako.client.records.people import Collection, RemovedItem, SavedItem, Tag, ToggledHidden

R = TypeVar("R", bound=Record)
Thing = Literal["image", "model"]


def toggle_reaction(thing_id: int, reaction: str, *, entity: str = "image") -> Call[None]:
    """`reaction.toggle`: give or take back one reaction. Hosts say nothing back. Errors: UpstreamBusy over their rates."""
    yield from mutate("reaction.toggle", {"entityId": thing_id, "entityType": entity, "reaction": reaction})


def vote_tags(thing_id: int, tags: Iterable[str] | Iterable[int], vote: int, *, type: Thing = "image") -> Call[None]:
    """`tag.addTagVotes`: one vote (-1 to 1) on tags, all by name or all by id; unknown tags are ignored."""
    values = {"type": type, "id": thing_id, "tags": list(tags), "vote": vote}
    yield from mutate("tag.addTagVotes", values, repeatable=True)


def remove_tag_votes(thing_id: int, tags: Iterable[str] | Iterable[int], *, type: Thing = "image") -> Call[None]:
    """`tag.removeTagVotes`: take the caller's votes back."""
    yield from mutate("tag.removeTagVotes", {"type": type, "id": thing_id, "tags": list(tags)}, repeatable=True)


def edit_tags(
    action: Literal["addTags", "disableTags", "moderateTags", "deleteTags"],
    tags: Iterable[str] | Iterable[int],
    entity_ids: Iterable[int],
    *,
    entity: str = "image",
    more: Mapping[str, Any] | None = None,
) -> Call[None]:
    """The moderators' tag mutations. Errors: UpstreamForbidden for others."""
    values = {"tags": list(tags), "entityIds": list(entity_ids), "entityType": entity, **(more or {})}
    yield from mutate(f"tag.{action}", values, repeatable=True)


def keep_collection(
    *,
    collection_id: int | None = None,
    name: str,
    description: str | None = None,
    type: str | None = None,
    read: str | None = None,
    write: str | None = None,
    nsfw: bool | None = None,
    tags: Iterable[Mapping[str, Any]] | None = None,
    image_id: int | None = None,
    post_id: int | None = None,
    model_id: int | None = None,
    article_id: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Call[Collection]:
    """`collection.upsert`: make one, or change the one of `collection_id`. `more` goes out as it is."""
    values = {
        "id": collection_id,
        "name": name,
        "description": description,
        "type": type,
        "read": read,
        "write": write,
        "nsfw": nsfw,
        "tags": [dict(tag) for tag in tags] if tags is not None else None,
        "imageId": image_id,
        "postId": post_id,
        "modelId": model_id,
        "articleId": article_id,
        **(more or {}),
    }
    return (yield from _one(Collection, "collection.upsert", values, repeatable=collection_id is not None))


def save_item(
    collections: Iterable[int],
    *,
    remove_from: Iterable[int] = (),
    image_id: int | None = None,
    post_id: int | None = None,
    model_id: int | None = None,
    article_id: int | None = None,
    type: str | None = None,
    note: str | None = None,
) -> Call[SavedItem]:
    """`collection.saveItem`: put one thing into collections and take it out of others."""
    values = {
        **one_item(image_id, post_id, model_id, article_id),
        "type": type,
        "collections": [{"collectionId": one} for one in collections],
        "removeFromCollectionIds": list(remove_from),
        "note": note,
    }
    return (yield from _one(SavedItem, "collection.saveItem", values))


def save_items(
    collection_id: int,
    *,
    image_ids: Iterable[int] = (),
    post_ids: Iterable[int] = (),
    model_ids: Iterable[int] = (),
    article_ids: Iterable[int] = (),
) -> Call[int]:
    """`collection.bulkSaveItems`: put many things of one kind into a collection; how many it took."""
    lists = {"imageIds": image_ids, "postIds": post_ids, "modelIds": model_ids, "articleIds": article_ids}
    values = {"collectionId": collection_id, **{name: list(ids) or None for name, ids in lists.items()}}
    body = yield from mutate("collection.bulkSaveItems", values, repeatable=True)
    return int(body.get("count") or 0) if isinstance(body, dict) else 0


def remove_item(collection_id: int, item_id: int) -> Call[RemovedItem]:
    """`collection.removeFromCollection`; `item_id` is the image's, post's or model's own id."""
    values = {"collectionId": collection_id, "itemId": item_id}
    return (yield from _one(RemovedItem, "collection.removeFromCollection", values))


def follow_collection(collection_id: int, *, user_id: int | None = None) -> Call[None]:
    """`collection.follow`, for the caller unless a collection's owner names another."""
    yield from mutate("collection.follow", {"collectionId": collection_id, "userId": user_id}, repeatable=True)


def unfollow_collection(collection_id: int, *, user_id: int | None = None) -> Call[None]:
    """`collection.unfollow`."""
    yield from mutate("collection.unfollow", {"collectionId": collection_id, "userId": user_id}, repeatable=True)


def delete_collection(collection_id: int) -> Call[None]:
    """`collection.delete`, the owner's. Errors: UpstreamRefused for a bookmark collection."""
    yield from mutate("collection.delete", {"id": collection_id})


def create_post(
    *,
    title: str | None = None,
    detail: str | None = None,
    version_id: int | None = None,
    tags: Iterable[str] | None = None,
    collection_id: int | None = None,
    published_at: datetime | None = None,
    more: Mapping[str, Any] | None = None,
) -> Call[Post]:
    """`post.create`: a draft, or a published post where `published_at` (aware) is given. Never retried after a timeout."""
    values = {
        "title": title,
        "detail": detail,
        "modelVersionId": version_id,
        "tags": list(tags) if tags is not None else None,
        "collectionId": collection_id,
        "publishedAt": published_at,
        **(more or {}),
    }
    return (yield from _one(Post, "post.create", values, repeatable=False))


def add_image(
    post_id: int,
    url: str,
    *,
    name: str | None = None,
    width: int | None = None,
    height: int | None = None,
    hash: str | None = None,
    mime_type: str | None = None,
    size_kb: float | None = None,
    index: int | None = None,
    type: str = "image",
    meta: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Call[Image]:
    """`post.addImage`: `url` is the media key of a finished upload; the same key twice gives the first row again."""
    values = {
        "postId": post_id,
        "url": url,
        "name": name,
        "width": width,
        "height": height,
        "hash": hash,
        "mimeType": mime_type,
        "sizeKB": size_kb,
        "index": index,
        "type": type,
        "meta": dict(meta) if meta is not None else None,
        "metadata": dict(metadata) if metadata is not None else None,
        **(more or {}),
    }
    return (yield from _one(Image, "post.addImage", values))


def update_post(
    post_id: int,
    *,
    title: str | None = None,
    detail: str | None = None,
    published_at: datetime | None = None,
    collection_id: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Call[None]:
    """`post.update`. A title cannot be emptied; a public post cannot be rescheduled (UpstreamRefused)."""
    values = {
        "id": post_id,
        "title": title,
        "detail": detail,
        "publishedAt": published_at,
        "collectionId": collection_id,
        **(more or {}),
    }
    yield from mutate("post.update", values, repeatable=published_at is None)


def update_image(image_id: int, *, meta: Mapping[str, Any] | None = None, hide_meta: bool | None = None) -> Call[None]:
    """`post.updateImage`: generation data of an image, or whether it shows."""
    values = {"id": image_id, "meta": dict(meta) if meta is not None else None, "hideMeta": hide_meta}
    yield from mutate("post.updateImage", values, repeatable=True)


def reorder_images(post_id: int, image_ids: Iterable[int]) -> Call[list[Image]]:
    """`post.reorderImages`: the images of a post in the order of `image_ids`."""
    values = {"id": post_id, "imageIds": list(image_ids)}
    body = yield from mutate("post.reorderImages", values, repeatable=True)
    return read_records(Image, body or [], call="post.reorderImages")


def add_post_tag(post_id: int, name: str, *, tag_id: int | None = None) -> Call[Tag]:
    """`post.addTag`: makes the tag where it does not exist."""
    return (yield from _one(Tag, "post.addTag", {"id": post_id, "name": name, "tagId": tag_id}))


def remove_post_tag(post_id: int, tag_id: int) -> Call[None]:
    """`post.removeTag`."""
    yield from mutate("post.removeTag", {"id": post_id, "tagId": tag_id}, repeatable=True)


def delete_post(post_id: int) -> Call[None]:
    """`post.delete` with its images."""
    yield from mutate("post.delete", {"id": post_id})


def delete_image(image_id: int) -> Call[None]:
    """`image.delete`."""
    yield from mutate("image.delete", {"id": image_id})


def toggle_follow(user_id: int, *, username: str | None = None) -> Call[bool | None]:
    """`user.toggleFollow`; whether the caller now follows, None where the host does not say."""
    body = yield from mutate("user.toggleFollow", {"targetUserId": user_id, "username": username})
    following = body.get("following") if isinstance(body, dict) else None
    return bool(following) if following is not None else None


def set_settings(**values: Any) -> Call[None]:
    """`user.setSettings`: merges these members into the caller's settings, wire names as keywords."""
    yield from mutate("user.setSettings", values, repeatable=True)


def toggle_hidden(
    kind: Literal["tag", "user", "image", "model", "model3d", "blockedUser"],
    things: Iterable[Mapping[str, Any]],
    *,
    hidden: bool | None = None,
) -> Call[ToggledHidden]:
    """`hiddenPreferences.toggleHidden`; each thing is `{"id": …}`, tags with their `name`. `hidden` None toggles."""
    values = {"kind": kind, "data": [dict(thing) for thing in things], "hidden": hidden}
    return (yield from _one(ToggledHidden, "hiddenPreferences.toggleHidden", values, repeatable=hidden is not None))


def _one(kind: type[R], procedure: str, values: Mapping[str, Any], *, repeatable: bool = True) -> Call[R]:
    """A mutation's answer as a record; hosts that say nothing give an empty one where nothing of it is needed."""
    body = yield from mutate(procedure, values, repeatable=repeatable)
    return read_record(kind, body or {}, call=procedure)
