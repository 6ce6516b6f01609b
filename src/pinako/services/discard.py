"""Images that their owners throw away and bring back, and levels that they give them."""

from __future__ import annotations

from collections.abc import Iterable

from pinako.catalog import levels
from pinako.catalog.commands import RateImages
from pinako.catalog.images import Image, Post
from pinako.catalog.people import Viewer
from pinako.errors import BadRequest, Unauthorized
from pinako.services import permits, trash
from pinako.services.library import Library
from pinako.services.settle import Touched, settle
from pinako.services.trash import Trashed
from pinako.storage.records import fetch


def discard(library: Library, viewer: Viewer, ids: Iterable[int]) -> list[Image]:
    """Put images into the trash; those that went. Unauthorized where none is the caller's."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        found = permits.own_images(w, viewer, ids, now)
        if not found:
            raise Unauthorized(permits.NOT_YOURS)
        touched = Touched()
        trash.throw_away(w, touched, found, now)
        settle(w, touched, now)
    return list(found.values())


def restore(library: Library, viewer: Viewer, ids: Iterable[int]) -> list[int]:
    """Bring images back from the trash, with the posts that went along. Unauthorized where none is the caller's."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        found = permits.own_images(w, viewer, ids, now, trashed=True)
        if not found:
            raise Unauthorized(permits.NOT_YOURS)
        touched = Touched()
        trash.take_back(w, touched, found)
        posts = fetch(w, Post, (image.post_id for image in found.values() if image.post_id is not None))
        for post in posts.values():
            if post.deleted_at is not None:
                w.update("posts", post.id, {"deleted_at": None})
                touched.posts.add(post.id)
        settle(w, touched, now)
    return list(found)


def list_trash(library: Library, viewer: Viewer) -> list[Trashed]:
    """What the caller has in the trash, the latest first; for moderators everybody's."""
    read, now = library.database.read(), library.now()
    user_id = permits.writer(read, viewer)
    found = trash.list_trash(read, None if viewer.moderator else user_id)
    mine = permits.own_images(read, viewer, [one.id for one in found], now, trashed=True)
    return [one for one in found if one.id in mine]


def trashed_pictures(library: Library, viewer: Viewer, found: Iterable[Trashed]) -> dict[int, Image]:
    """Those of these images that the caller's lists would show, by id, with their rows: what can be looked at in the trash."""
    read, now, mask = library.database.read(), library.now(), viewer.mask(None)
    images = fetch(read, Image, [one.id for one in found])
    return {id: image for id, image in images.items() if permits.meets_trashed(image, viewer, now, mask)}


def empty(library: Library, viewer: Viewer, ids: Iterable[int] | None) -> int:
    """Remove images of the caller's trash for good, all of them where none is named; how many went."""
    mine = {one.id for one in list_trash(library, viewer)}
    wanted = mine if ids is None else mine & set(ids)
    return trash.empty_trash(library.database, library.media, library.settings.derivatives, wanted, library.now())


def rate(library: Library, viewer: Viewer, command: RateImages) -> list[int]:
    """Give images a level; those that have it now. A moderator's word stays, whatever a later import says.

    An image of a minor, one in review and one that a moderator rated are moderators' alone to rate: no owner can bring back
    what was hidden, and no level is lowered to that end (domain.md d).
    """
    now = library.now()
    if command.level not in levels.BITS:
        raise BadRequest("Expected one level: 1, 2, 4, 8 or 16")
    with library.database.write() as w:
        permits.writer(w, viewer)
        found = permits.own_images(w, viewer, command.ids, now)
        rated = [id for id, image in found.items() if viewer.moderator or _may_rate(image)]
        if not rated:
            raise Unauthorized(permits.NOT_YOURS)
        sql = "UPDATE images SET level = ?, level_locked = ?, updated_at = ? WHERE id IN (?*) RETURNING id"
        w.by_ids(sql, rated, (command.level, int(viewer.moderator), now))
        touched = Touched()
        touched.images.update(rated)
        settle(w, touched, now)
    return rated


def _may_rate(image: Image) -> bool:
    """Whether an owner who is no moderator may rate an image."""
    held = image.needs_review or image.blocked_for or image.minor or image.level & levels.BLOCKED
    return not held and not image.level_locked
