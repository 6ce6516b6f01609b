"""What changed, as one caller may know of it: the change log's notes, seen through the visibility predicate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.images import Counts, Image, Post
from pinako.catalog.people import User, Viewer
from pinako.catalog.resources import Model
from pinako.catalog.visibility import sees_model
from pinako.services import permits
from pinako.services.collections import permissions
from pinako.services.detail import sees_post
from pinako.services.library import Library
from pinako.services.seeing import seer
from pinako.storage import changes
from pinako.storage.records import fetch, select_in
from pinako.storage.scopes import Statements

Touch = tuple[str, int]
"""An entity's word in the change log, and an id."""

MOST = 500
"""Changes that are told one by one; who missed more looks at everything again."""


class Happened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing is another now. `gone`: it went to the trash or was deleted; `counts` of images and posts as they are."""

    entity: str
    id: int
    gone: bool = False
    counts: dict[str, int] | None = None


def visible(library: Library, viewer: Viewer, touched: Iterable[Touch]) -> list[Happened]:
    """What of these changes the caller may know of. Of what they may not see nothing is said, nor that it went."""
    by_entity: dict[str, list[int]] = {}
    for entity, id in touched:
        by_entity.setdefault(entity, []).append(id)
    found: list[Happened] = []
    with library.database.read() as read:
        for entity, ids in by_entity.items():
            teller = TELLERS.get(entity)
            if teller is not None:
                found += teller(read, viewer, ids, library.now())
    return found


def _images(read: Statements, viewer: Viewer, ids: Sequence[int], now: int) -> list[Happened]:
    return [
        _told("image", image, gone=image.deleted_at is not None)
        for image in fetch(read, Image, ids).values()
        if permits.meets(permits.restored(image), seer(read, viewer, "image", image.id), now)
    ]


def _posts(read: Statements, viewer: Viewer, ids: Sequence[int], now: int) -> list[Happened]:
    posts = fetch(read, Post, ids).values()
    return [
        _told("post", post, gone=post.deleted_at is not None)
        for post in posts
        if _meets_post(read, seer(read, viewer, "post", post.id), post, now)
    ]


def _meets_post(read: Statements, viewer: Viewer, post: Post, now: int) -> bool:
    """Whether the caller meets a post; one in the trash has no level of its own, and is what its images were."""
    if post.deleted_at is None:
        return sees_post(post, viewer, now)
    images = select_in(read, Image, "post_id", [post.id])
    return any(permits.meets(permits.restored(image), viewer, now) for image in images)


def _told(entity: str, thing: Any, *, gone: bool) -> Happened:
    if gone:
        return Happened(entity=entity, id=thing.id, gone=True)
    counts = {name.removesuffix("_count"): getattr(thing, name) for name in Counts.__struct_fields__}
    return Happened(entity=entity, id=thing.id, counts=counts)


def _models(read: Statements, viewer: Viewer, ids: Sequence[int], now: int) -> list[Happened]:
    models = fetch(read, Model, ids).values()
    return [Happened(entity="model", id=model.id) for model in models if sees_model(model, viewer)]


def _collections(read: Statements, viewer: Viewer, ids: Sequence[int], now: int) -> list[Happened]:
    found = []
    for collection in fetch(read, Collection, ids).values():
        alive = msgspec.structs.replace(collection, deleted_at=None)
        if permissions(read, alive, viewer, collection.id).read:
            gone = collection.deleted_at is not None
            found.append(Happened(entity="collection", id=collection.id, gone=gone))
    return found


def _users(read: Statements, viewer: Viewer, ids: Sequence[int], now: int) -> list[Happened]:
    users = fetch(read, User, ids).values()
    return [Happened(entity="user", id=user.id) for user in users if user.deleted_at is None]


def _hidden(read: Statements, viewer: Viewer, ids: Sequence[int], now: int) -> list[Happened]:
    """What somebody hides is told to nobody else."""
    return [Happened(entity="hidden", id=id) for id in ids if id == viewer.user_id]


TELLERS: dict[str, Callable[[Statements, Viewer, Sequence[int], int], list[Happened]]] = {
    "image": _images,
    "post": _posts,
    "model": _models,
    "collection": _collections,
    "user": _users,
    "hidden": _hidden,
}


def missed(library: Library, seq: int) -> list[Touch] | None:
    """What was noted after number `seq` of the change log; None: more than is told one by one, or no longer known."""
    notes = changes.since(library.database.read(), seq, limit=MOST + 1)
    if notes is None or len(notes) > MOST:
        return None
    return list(dict.fromkeys((note.entity, note.id) for note in notes))
