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
    items = documents.items(ids)
    if not meta and not tags:
        return items
    shown = documents.metas(ids, viewer.user_id) if meta else {}
    tagged = documents.item_tags(ids) if tags else {}
    return {
        id: rest_images.with_more(
            item,
            meta=shown.get(id),
            nested_id=id if meta and nested else None,
            tags=tagged.get(id, b"[]") if tags else None,
        )
        for id, item in items.items()
    }
