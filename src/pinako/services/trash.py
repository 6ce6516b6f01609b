"""The trash: images that are out of sight everywhere and can be brought back, until the trash is emptied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from pinako.media.store import MediaStore
from pinako.services import sweep
from pinako.services.publish import keep_tombstone
from pinako.services.settle import Touched, chunks, settle
from pinako.storage.database import Database
from pinako.storage.scopes import Statements, Write


class Trashed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image in the trash. `deleted_at` in milliseconds."""

    id: int
    name: str | None
    size: int | None
    width: int | None
    height: int | None
    deleted_at: int


def list_trash(read: Statements, user_id: int | None = None) -> list[Trashed]:
    """What is in the trash, the latest first; of one user, or of all."""
    mine, params = ("AND user_id = ?", (user_id,)) if user_id is not None else ("", ())
    sql = (
        "SELECT id, name, size, width, height, deleted_at FROM images "
        f"WHERE deleted_at IS NOT NULL AND withheld = 0 {mine} ORDER BY deleted_at DESC, id DESC"
    )
    names = Trashed.__struct_fields__
    return [Trashed(**dict(zip(names, row, strict=True))) for row in read.rows(sql, params)]


def throw_away(w: Write, touched: Touched, image_ids: Iterable[int], now: int) -> int:
    """Put images into the trash; how many were not there yet. Their rows and bytes stay as they are."""
    sql = "UPDATE images SET deleted_at = ? WHERE deleted_at IS NULL AND id IN (?*) RETURNING id"
    gone = [row[0] for row in w.by_ids(sql, list(dict.fromkeys(image_ids)), (now,))]
    touched.images.update(gone)
    return len(gone)


def take_back(w: Write, touched: Touched, image_ids: Iterable[int]) -> int:
    """Bring images back from the trash, with everything that they had; how many that were."""
    sql = "UPDATE images SET deleted_at = NULL WHERE deleted_at IS NOT NULL AND id IN (?*) RETURNING id"
    back = [row[0] for row in w.by_ids(sql, list(dict.fromkeys(image_ids)))]
    touched.images.update(back)
    return len(back)


def empty_trash(database: Database, media: MediaStore, derivatives: Path, image_ids: Iterable[int], now: int) -> int:
    """Remove images of the trash for good: rows first, then bytes that nothing else needs. How many rows went.

    Linked files of the user are not touched: only the reference goes. A mirrored image is not fetched again.
    """
    gone = 0
    for run in chunks(image_ids):
        with database.write() as w:
            gone += _remove(w, run, now)
        sweep.purge(database, media, derivatives)
    return gone


_OF_IMAGE = (
    ("image_meta", "image_id"),
    ("image_resources", "image_id"),
    ("image_wants", "image_id"),
    ("image_tags", "image_id"),
    ("image_tag_votes", "image_id"),
)
_OF_ENTITY = (
    ("reactions", "entity_type = 'image' AND entity_id"),
    ("collection_items", "entity_type = 'Image' AND entity_id"),
    ("engagements", "target_type = 'image' AND target_id"),
    ("received", "entity_type = 'image' AND entity_id"),
    ("imported_files", "entity_type = 'image' AND entity_id"),
)


def _remove(w: Write, ids: Sequence[int], now: int) -> int:
    sql = "SELECT id, blob, source, source_id, post_id FROM images WHERE deleted_at IS NOT NULL AND id IN (?*)"
    rows = w.by_ids(sql, ids)
    for id, blob, source, source_id, _ in rows:
        if blob is not None:
            w.upsert("purges", {"sha256": blob, "at": now}, key=("sha256",))
        if source_id is not None:
            keep_tombstone(w, "image", source, source_id, "trash", now)
        w.delete("images", id)
    gone = [row[0] for row in rows]
    touched = Touched()
    touched.collections.update(_collections_of(w, gone))
    for table, column in (*_OF_IMAGE, *_OF_ENTITY):
        w.run_many(f"DELETE FROM {table} WHERE {column} = ?", [(id,) for id in gone])
    w.run_many("UPDATE collections SET image_id = NULL WHERE image_id = ?", [(id,) for id in gone])
    w.run_many("UPDATE users SET profile_picture_id = NULL WHERE profile_picture_id = ?", [(id,) for id in gone])
    touched.posts.update(_posts_left(w, {row[4] for row in rows if row[4] is not None}))
    touched.images.update(gone)
    settle(w, touched, now)
    return len(gone)


def _collections_of(w: Write, ids: Sequence[int]) -> list[int]:
    sql = "SELECT DISTINCT collection_id FROM collection_items WHERE entity_type = 'Image' AND entity_id IN (?*)"
    return [row[0] for row in w.by_ids(sql, ids)]


def _posts_left(w: Write, post_ids: Iterable[int]) -> set[int]:
    """Posts whose images went. Those of ours that have none left go too, and are touched so that they leave the lists."""
    ids = set(post_ids)
    full = {row[0] for row in w.by_ids("SELECT DISTINCT post_id FROM images WHERE post_id IN (?*)", list(ids))}
    for id in ids - full:
        if w.run("DELETE FROM posts WHERE id = ? AND source_id IS NULL", (id,)):
            w.run("DELETE FROM post_tags WHERE post_id = ?", (id,))
    return ids
