"""What a share link opens: which caller a thing or list is looked at as, before the one predicate is asked."""

from __future__ import annotations

from pinako.catalog.people import Viewer
from pinako.storage.scopes import Statements

_HELD = "SELECT 1 FROM collection_items WHERE collection_id = ? AND status = 'ACCEPTED' AND "
_IMAGE = (
    "((entity_type = 'Image' AND entity_id = ?) "
    "OR (entity_type = 'Post' AND entity_id IN (SELECT post_id FROM images WHERE id = ?)) "
    "OR (entity_type = 'Model' AND entity_id IN (SELECT v.model_id FROM images i JOIN posts p ON p.id = i.post_id "
    "JOIN model_versions v ON v.id = p.version_id WHERE i.id = ?))) LIMIT 1"
)
_POST = "entity_type = 'Post' AND entity_id = ? LIMIT 1"
_MODEL = "entity_type = 'Model' AND entity_id = ? LIMIT 1"


def seer(read: Statements, viewer: Viewer, kind: str, id: int) -> Viewer:
    """The caller as they look at one thing: through their link where the link's collection holds it. Kind: image, post, model.

    An image is held by itself, with its post, or as a preview of a model.
    """
    if viewer.shared is None:
        return viewer
    rest, times = {"image": (_IMAGE, 3), "post": (_POST, 1), "model": (_MODEL, 1)}[kind]
    held = read.row(_HELD + rest, (viewer.shared.collection_id, *(id for _ in range(times))))
    return viewer.through() if held is not None else viewer


def list_seer(read: Statements, viewer: Viewer, collection_id: int | None, post_ids: tuple[int, ...] = ()) -> Viewer:
    """The same for a list of a collection, or of posts that it holds."""
    if viewer.shared is None:
        return viewer
    if collection_id == viewer.shared.collection_id:
        return viewer.through()
    if post_ids and all(seer(read, viewer, "post", id) is not viewer for id in post_ids):
        return viewer.through()
    return viewer
