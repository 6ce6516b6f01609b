"""Ready-made JSON fragments: made when an entity changes, fetched by id, hot ones kept split (engine.md 2.6).

Writers call `remake` inside their transaction, so that a fragment is never older than its rows. Readers ask `Documents`;
one that is missing (an older library, a fragment format of another version) is made from its rows on the spot.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from pinako.feed import gather
from pinako.storage.database import Database
from pinako.storage.scopes import Statements, Write
from pinako.wire import rest_images, rest_models, trpc_images, trpc_models, trpc_posts

COUNTS = "like_count, dislike_count, heart_count, laugh_count, cry_count, comment_count, collected_count, tipped_count"
POST_COUNTS = "like_count, dislike_count, heart_count, laugh_count, cry_count, comment_count, collected_count"


class Door(NamedTuple):
    """One kind of fragment: how it is written from a full noun and split for joining."""

    entity: str
    table: str
    write: Callable[[Any], bytes]
    split: Callable[[bytes], Any]
    counts: str = ""
    """Columns of the entity's own table that are spliced on joining, because they move often."""


DOORS: dict[str, Door] = {
    door.table: door
    for door in (
        Door("image", "image_rest", rest_images.write_image, rest_images.split_image, COUNTS),
        Door("image", "image_trpc", trpc_images.write_image, trpc_images.split_image, COUNTS),
        Door("post", "post_trpc", trpc_posts.write_post, trpc_posts.split_post, POST_COUNTS),
        Door("model", "model_rest", rest_models.write_model, rest_models.split_model),
        Door("model", "model_trpc", trpc_models.write_model, trpc_models.split_model),
    )
}
TABLE_OF = {"image": "images", "post": "posts", "model": "models"}


def _gather(read: Statements, entity: str, ids: Iterable[int], now: int) -> dict[int, Any]:
    """Full nouns by id."""
    if entity == "image":
        return dict(gather.full_images(read, ids))
    if entity == "post":
        return dict(gather.full_posts(read, ids))
    return dict(gather.full_models(read, ids, now))


def remake(w: Write, entity: str, ids: Sequence[int], now: int) -> None:
    """Write the fragments of these things anew, at every door; those that are gone lose theirs."""
    nouns = _gather(w, entity, ids, now)
    gone = [(id,) for id in ids if id not in nouns]
    for door in DOORS.values():
        if door.entity != entity:
            continue
        upsert = (
            f"INSERT INTO {door.table} (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        )
        w.run_many(upsert, [(id, door.write(noun)) for id, noun in nouns.items()])
        w.run_many(f"DELETE FROM {door.table} WHERE id = ?", gone)


class Fragment(NamedTuple):
    """A fragment ready to join: whose it is, its parts and the counts to splice."""

    id: int
    parts: Any
    counts: tuple[int, ...]


class Documents:
    """Fragments by id over the database, the hottest kept in memory. Safe from any thread."""

    def __init__(self, database: Database, entries: int) -> None:
        self._database = database
        self._entries = entries
        self._kept: dict[str, OrderedDict[int, Fragment]] = {table: OrderedDict() for table in DOORS}
        self._lock = threading.Lock()
        self._epoch = 0

    def fetch(self, table: str, ids: Sequence[int]) -> list[Fragment]:
        """The fragments of these ids in their order; ids without rows are left out."""
        kept = self._kept[table]
        with self._lock:
            epoch = self._epoch
            found = {id: kept[id] for id in ids if id in kept}
            for id in found:
                kept.move_to_end(id)
        missing = [id for id in ids if id not in found]
        if missing:
            fresh = self._load(DOORS[table], missing)
            found |= fresh
            self._keep(table, fresh, epoch)
        return [found[id] for id in ids if id in found]

    def metas(self, ids: Sequence[int], user_id: int | None) -> dict[int, bytes]:
        """The generation metadata of images as JSON: the site's where there is one, else the file's.

        Hidden ones only for their owner.
        """
        sql = (
            "SELECT m.image_id, COALESCE(m.site_meta, m.file_meta), i.hide_meta, i.user_id FROM image_meta m "
            "JOIN images i ON i.id = m.image_id WHERE m.image_id IN (?*)"
        )
        rows = self._database.read().by_ids(sql, ids)
        return {id: meta.encode() for id, meta, hidden, owner in rows if meta and (not hidden or owner == user_id)}

    def _load(self, door: Door, ids: Sequence[int]) -> dict[int, Fragment]:
        read = self._database.read()
        if door.counts:
            columns = ", ".join(f"e.{name.strip()}" for name in door.counts.split(","))
            source = f"{TABLE_OF[door.entity]} e LEFT JOIN {door.table} d ON d.id = e.id WHERE e.id IN (?*)"
            rows = read.by_ids(f"SELECT e.id, d.body, {columns} FROM {source}", ids)
        else:
            rows = read.by_ids(f"SELECT id, body FROM {door.table} WHERE id IN (?*)", ids)
        loaded = {row[0]: Fragment(row[0], door.split(row[1]), row[2:]) for row in rows if row[1] is not None}
        lost = [id for id in ids if id not in loaded]
        return loaded | self._make(read, door, lost, rows) if lost else loaded

    def _make(self, read: Statements, door: Door, ids: Sequence[int], rows: Iterable[Any]) -> dict[int, Fragment]:
        counts = {row[0]: row[2:] for row in rows}
        nouns = _gather(read, door.entity, ids, self._database.now())
        return {id: Fragment(id, door.split(door.write(noun)), counts.get(id, ())) for id, noun in nouns.items()}

    def _keep(self, table: str, fresh: dict[int, Fragment], epoch: int) -> None:
        """Remember what was loaded, unless something changed meanwhile: it may be older than that change."""
        kept = self._kept[table]
        with self._lock:
            if epoch != self._epoch:
                return
            kept.update(fresh)
            while len(kept) > self._entries:
                kept.popitem(last=False)

    def forget(self, entity: str, ids: Iterable[int]) -> None:
        """These things changed: load them again when they are next asked."""
        gone = list(ids)
        with self._lock:
            self._epoch += 1
            for door in DOORS.values():
                if door.entity == entity:
                    kept = self._kept[door.table]
                    for id in gone:
                        kept.pop(id, None)

    def forget_all(self) -> None:
        """Everything may have changed."""
        with self._lock:
            self._epoch += 1
            for kept in self._kept.values():
                kept.clear()
