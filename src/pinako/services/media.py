"""Which medium an address names, for this caller: the visibility predicate stands before every byte (domain.md d.6, f)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pinako.catalog import visibility
from pinako.catalog.derivative import Derivative
from pinako.catalog.images import Image
from pinako.catalog.people import Viewer
from pinako.errors import Forbidden, NotFound
from pinako.services import access, permits
from pinako.services.library import Library
from pinako.services.seeing import seer
from pinako.storage.records import select
from pinako.storage.scopes import Statements

if TYPE_CHECKING:
    from pinako.media.derive import Darkroom, Delivered

MISSING = "Not found"


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that a caller may have.

    `public`: everybody may, so shared caches may keep them. `bare`: the owner hides how it was made, so the original's
    bytes (which tell) are for owner and moderators only, and others get a rendering without metadata.
    """

    sha256: str
    mime: str
    type: str
    public: bool
    bare: bool


def find_medium(library: Library, viewer: Viewer, key: str, *, trashed: bool = False) -> Medium:
    """The medium of a key; `trashed`: also one of the trash, for those who may bring it back.

    NotFound where no image that refers to it is one that this caller may see.
    """
    read, now = library.database.read(), library.now()
    images = select(read, Image, "media_key = ? AND blob IS NOT NULL ORDER BY id LIMIT 100", (key,))
    shown = [_as_shown(read, image) for image in images]
    seen = [image for image in shown if visibility.sees_image(image, seer(read, viewer, "image", image.id), now)]
    if trashed:
        seen = seen or [image for image in images if permits.meets_trashed(image, viewer, now)]
    if not seen:
        raise NotFound(MISSING)
    stranger = access.anonymous(library.caps)
    image = seen[0]
    return Medium(
        sha256=image.blob or "",
        mime=image.mime or mime_of(read, image.blob or ""),
        type=image.type,
        public=any(visibility.sees_image(each, stranger, now) for each in seen),
        bare=not viewer.moderator and any(each.hide_meta and each.user_id != viewer.user_id for each in seen),
    )


def _as_shown(read: Statements, image: Image) -> Image:
    """An image that no post publishes, as if one did where it is somebody's avatar or the cover of an open collection."""
    if image.post_id is not None or image.published_at is not None or not _is_shown(read, image):
        return image
    return msgspec.structs.replace(image, published_at=image.created_at)


def _is_shown(read: Statements, image: Image) -> bool:
    avatar = "SELECT 1 FROM users WHERE deleted_at IS NULL AND (profile_picture_id = ? OR image = ?) LIMIT 1"
    cover = "SELECT 1 FROM collections WHERE image_id = ? AND deleted_at IS NULL AND read <> 'Private' LIMIT 1"
    return bool(read.rows(avatar, (image.id, image.media_key)) or read.rows(cover, (image.id,)))


def mime_of(read: Statements, sha256: str) -> str:
    """What the stored bytes are, as they were recognised when they came in."""
    found = read.value("SELECT mime FROM blobs WHERE sha256 = ?", (sha256,))
    return str(found or "application/octet-stream")


def render(darkroom: Darkroom, medium: Medium, derivative: Derivative) -> Delivered:
    """The rendering of a medium. Slow where it must be made first.

    Raises what `Darkroom.deliver` raises, and Forbidden where only the original would do and its owner hides what it tells.
    """
    if medium.bare:
        derivative = bared(derivative, medium.mime)
    delivered = darkroom.deliver(medium.sha256, medium.mime, derivative)
    if medium.bare and delivered.source:
        raise Forbidden("Its owner hides how this was made, which the original would tell")
    return delivered


def bared(derivative: Derivative, mime: str) -> Derivative:
    """The same wish, met by a new encoding that carries no metadata."""
    changes: dict[str, object] = {"metadata": "none"}
    if derivative.full_size:
        changes |= {"original": False, "width": None, "height": None}
    if mime.startswith("video/") and derivative.anim:
        changes["transcode"] = True
    return msgspec.structs.replace(derivative, **changes)
