"""Who may change what. A write never touches, and never tells of, what its caller may not see.

Not the owner, hidden and unknown are one answer: the original's 401 (trpc.md 1.9), so that no write tells what exists.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pinako.catalog import levels
from pinako.catalog.images import Image, Post
from pinako.catalog.people import Viewer
from pinako.catalog.resources import Model, ModelVersion
from pinako.catalog.visibility import Standing, image_standing, model_standing, sees_image, sees_model
from pinako.errors import Forbidden, NotFound, Unauthorized
from pinako.services.detail import sees_post
from pinako.storage.records import fetch, find
from pinako.storage.scopes import Statements

NOT_YOURS = "You are not authorized to perform this action"
MISSING = "Could not find entity"


def writer(read: Statements, viewer: Viewer, *, guarded: bool = False) -> int:
    """The caller's user id. `guarded`: not for muted accounts."""
    if viewer.user_id is None:
        raise Unauthorized("UNAUTHORIZED")
    if guarded and read.value("SELECT muted FROM users WHERE id = ?", (viewer.user_id,)):
        raise Forbidden("You cannot perform this action because your account has been restricted")
    return viewer.user_id


def own_images(
    read: Statements, viewer: Viewer, ids: Iterable[int], now: int, *, trashed: bool = False
) -> dict[int, Image]:
    """Those of these images that the caller may change: own ones, for moderators all that they see.

    `trashed`: those that are in the trash, as if they were not. An own image that nobody has rated yet is its owner's to
    change whatever the caller's levels: somebody must rate it.
    """
    wanted = list(dict.fromkeys(ids))
    here = fetch(read, Image, wanted)
    found: dict[int, Image] = {}
    for id in wanted:
        row = here.get(id)
        if row is None or (row.deleted_at is not None) is not trashed:
            continue
        image = restored(row) if trashed else row
        if may_change(image, viewer, now):
            found[id] = row
    return found


def restored(image: Image) -> Image:
    """An image as it is out of the trash."""
    return msgspec.structs.replace(image, deleted_at=None)


def may_change(image: Image, viewer: Viewer, now: int) -> bool:
    """Whether the caller may change an image."""
    own = viewer.user_id == image.user_id
    if own and image.level == levels.UNRATED and not image.poi and not image.minor:
        return image_standing(image, now) is not Standing.GONE
    return (own or viewer.moderator) and sees_image(image, viewer, now)


def meets_trashed(image: Image, viewer: Viewer, now: int, mask: int | None = None) -> bool:
    """Whether the caller meets an image of the trash: its owner and moderators, where they would meet it out of the trash.

    `mask` is a list's, as in `sees`.
    """
    own = viewer.user_id == image.user_id or viewer.moderator
    return image.deleted_at is not None and own and sees_image(restored(image), viewer, now, mask)


def own_image(read: Statements, viewer: Viewer, id: int, now: int) -> Image:
    """One image that the caller may change. Unauthorized otherwise, unknown ones too."""
    found = own_images(read, viewer, [id], now)
    if id not in found:
        raise Unauthorized(NOT_YOURS)
    return found[id]


def own_post(read: Statements, viewer: Viewer, id: int, now: int, *, missing: bool = False) -> Post:
    """A post that the caller may change: an own one, for moderators any that they see.

    `missing`: a post that does not exist for the caller is NotFound, as `post.addImage` has it; else Unauthorized.
    """
    post = find(read, Post, id)
    own = post is not None and post.deleted_at is None and post.user_id == viewer.user_id
    if post is not None and (own or (viewer.moderator and sees_post(post, viewer, now))):
        return post
    if missing and (post is None or not sees_post(post, viewer, now)):
        raise NotFound(MISSING)
    raise Unauthorized(NOT_YOURS)


def own_model(read: Statements, viewer: Viewer, id: int) -> Model:
    """A model that the caller may change."""
    model = find(read, Model, id)
    if model is None or model_standing(model) is Standing.GONE:
        raise Unauthorized(NOT_YOURS)
    if viewer.user_id == model.user_id or (viewer.moderator and sees_model(model, viewer)):
        return model
    raise Unauthorized(NOT_YOURS)


def own_version(read: Statements, viewer: Viewer, id: int) -> ModelVersion:
    """A version of a model that the caller may change."""
    version = find(read, ModelVersion, id)
    if version is None or version.status == "Deleted":
        raise Unauthorized(NOT_YOURS)
    own_model(read, viewer, version.model_id)
    return version


def model_of(read: Statements, version: ModelVersion) -> Model:
    """The model of a version. NotFound where it is not here."""
    model = find(read, Model, version.model_id)
    if model is None:
        raise NotFound(MISSING)
    return model


def visible(read: Statements, viewer: Viewer, kind: str, ids: Iterable[int], now: int) -> list[int]:
    """Those of these things that the caller meets, in their order. `kind` as collections have it: Image, Post, Model."""
    wanted = list(dict.fromkeys(ids))
    if kind == "Image":
        images = fetch(read, Image, wanted)
        return [id for id in wanted if id in images and meets(images[id], viewer, now)]
    if kind == "Post":
        posts = fetch(read, Post, wanted)
        return [id for id in wanted if id in posts and sees_post(posts[id], viewer, now)]
    if kind == "Model":
        models = fetch(read, Model, wanted)
        return [id for id in wanted if id in models and sees_model(models[id], viewer)]
    return []


def meets(image: Image, viewer: Viewer, now: int) -> bool:
    """Whether the caller meets an image by id."""
    return sees_image(image, viewer, now) or may_change(image, viewer, now)
