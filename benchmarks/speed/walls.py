"""What pages of the gallery read, made where a synthetic library lacks it, as a library that grew by itself would have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pinako.app import open_library
from pinako.catalog.people import ANONYMOUS
from pinako.catalog.queries import ImageQuery, ImageSort, ModelQuery, ModelSort, PostQuery, PostSort
from pinako.feed import documents
from pinako.services import browse
from pinako.services.library import Library
from speed.library import Say, settings_of

TILES = 60
_BATCH = 500


def ensure_documents(folder: Path, pages: int, say: Say) -> None:
    """Keep tRPC's documents of the first pages of images, posts (with their pictures) and models, newest first."""
    with open_library(settings_of(folder)) as library:
        images = _walked(library, browse.images, ImageQuery(limit=TILES, sort=ImageSort.NEWEST), pages)
        posts = _walked(library, browse.posts, PostQuery(limit=TILES, sort=PostSort.NEWEST), pages)
        models = _walked(library, browse.models, ModelQuery(limit=TILES, sort=ModelSort.NEWEST), pages)
        held = library.database.read().by_ids("SELECT id FROM images WHERE post_id IN (?*)", posts)
        images = list(dict.fromkeys((*images, *(row[0] for row in held))))
        for entity, table, ids in (("image", "image_trpc", images), ("model", "model_trpc", models)):
            lost = _lost(library, table, ids)
            say(f"documents of {entity}s made: {len(lost)} of {len(ids)}")
            with library.database.write() as w:
                for at in range(0, len(lost), _BATCH):
                    documents.remake(w, entity, lost[at : at + _BATCH], library.now())


def _walked(library: Library, ask: Callable[..., Any], query: Any, pages: int) -> list[int]:
    viewer = msgspec.structs.replace(ANONYMOUS, cap=library.caps.public_level, browsing=library.caps.public_level)
    found: list[int] = []
    for _ in range(pages):
        page = ask(library, query, viewer)
        found += page.ids
        if page.next_cursor is None:
            break
        query = msgspec.structs.replace(query, cursor=page.next_cursor)
    return found


def _lost(library: Library, table: str, ids: Sequence[int]) -> list[int]:
    """Those without a document, or with one in the format of another version."""
    rows = dict(library.database.read().by_ids(f"SELECT id, body FROM {table} WHERE id IN (?*)", ids))
    split = documents.DOORS[table].split
    return [id for id in ids if id not in rows or not _reads(split, rows[id])]


def _reads(split: Callable[[bytes], Any], body: bytes) -> bool:
    try:
        split(body)
    except (msgspec.DecodeError, ValueError):
        return False
    return True
