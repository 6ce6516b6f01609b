"""The items of REST's list of images, for every door that shows them in that shape: lists and exports."""

from __future__ import annotations

from collections.abc import Sequence

from pinako.catalog.people import Viewer
from pinako.services.library import Library
from pinako.wire import rest_images


def image_items(
    library: Library, ids: Sequence[int], viewer: Viewer, *, meta: bool, tags: bool, nested: bool = False
) -> dict[int, bytes]:
    """By id, in the order of the ids, with the marks of addresses still in them; those that are gone are left out.

    `nested`: the metadata one level down, beside the image's id (`flatMeta=false`).
    """
    documents = library.feeds.documents
    found = documents.fetch("image_rest", ids)
    if not meta and not tags:
        return {one.id: one.whole for one in found}
    shown = documents.metas(ids, viewer.user_id) if meta else {}
    return {
        one.id: rest_images.join_image(
            one.parts,
            one.counts[:6],
            meta=shown.get(one.id),
            nested_id=one.id if meta and nested else None,
            tags=tags,
        )
        for one in found
    }
