"""Ready-made JSON fragments: made when an entity changes, fetched by id, hot ones kept split (engine.md 2.6).

Writers call `remake` inside their transaction, so that a fragment is never older than its rows, and `recount` where counters
alone moved. Readers ask `Documents`; one that is missing (an older library, a fragment format of another version) is made from
its rows on the spot.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from pinako.feed import gather
from pinako.feed.recent import Recent
from pinako.storage.database import Database
from pinako.storage.engine import Value
from pinako.storage.scopes import Statements, Write
from pinako.wire import rest_images, rest_models, trpc_images, trpc_models, trpc_posts

ITEM_COUNTS = ("like_count", "heart_count", "laugh_count", "cry_count", "comment_count")
COUNTS = (*ITEM_COUNTS, "collected_count", "tipped_count")
POST_COUNTS = ("like_count", "dislike_count", *ITEM_COUNTS[1:], "collected_count")


class Door(NamedTuple):
    """One kind of fragment: how it is written from a full noun and split for joining."""

    entity: str
    table: str
    write: Callable[[Any], bytes]
    split: Callable[[bytes], Any]
    counts: tuple[str, ...] = ()
    """Columns that are spliced on joining, because they move often. The fragment's table has them beside the body, as the
    entity's own has: so one row is all that a page reads of a thing."""

    @property
    def columns(self) -> str:
        """What a fragment is read by: id, body, counts."""
        return ", ".join(("id", "body", *self.counts))

    def counted(self, noun: Any) -> tuple[int, ...]:
        """The counts of a full noun."""
        thing = getattr(noun, self.entity)
        return tuple([getattr(thing, name) for name in self.counts])


DOORS: dict[str, Door] = {
    door.table: door
    for door in (
        Door("image", "image_rest", rest_images.write_image, rest_images.read_head, ITEM_COUNTS),
        Door("image", "image_trpc", trpc_images.write_image, trpc_images.split_image, COUNTS),
        Door("post", "post_trpc", trpc_posts.write_post, trpc_posts.split_post, POST_COUNTS),
        Door("model", "model_rest", rest_models.write_model, rest_models.split_model),
        Door("model", "model_trpc", trpc_models.write_model, trpc_models.split_model),
    )
}
_ITEMS = f"SELECT {DOORS['image_rest'].columns} FROM image_rest WHERE id IN (?*)"
_TAGGED = "SELECT image_id, tag_id FROM image_tags WHERE image_id IN (?*) AND disabled = 0 ORDER BY image_id, tag_id"
TABLE_OF = {"image": "images", "post": "posts", "model": "models"}


def _gather(
    read: Statements, entity: str, ids: Iterable[int], now: int, known: gather.Known = gather.NOTHING_KNOWN
) -> dict[int, Any]:
    """Full nouns by id."""
    if entity == "image":
        return dict(gather.full_images(read, ids, known))
    if entity == "post":
        return dict(gather.full_posts(read, ids, known))
    return dict(gather.full_models(read, ids, now))


def remake(w: Write, entity: str, ids: Sequence[int], now: int, known: gather.Known = gather.NOTHING_KNOWN) -> None:
    """Write the fragments of these things anew, at every door; those that are gone lose theirs.

    `known`: rows that need not be read again.
    """
    nouns = _gather(w, entity, ids, now, known)
    gone = [(id,) for id in ids if id not in nouns]
    for door in DOORS.values():
        if door.entity != entity:
            continue
        rows: list[tuple[Value, ...]] = [(id, door.write(noun), *door.counted(noun)) for id, noun in nouns.items()]
        w.run_many(_upsert(door), rows)
        w.run_many(f"DELETE FROM {door.table} WHERE id = ?", gone)


@cache
def _upsert(door: Door) -> str:
    held = ", ".join(f"{name} = excluded.{name}" for name in ("body", *door.counts))
    marks = ", ".join("?" * (2 + len(door.counts)))
    return f"INSERT INTO {door.table} ({door.columns}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {held}"


def recount(w: Write, entity: str, ids: Sequence[int]) -> None:
    """Counters of these things moved and nothing else did: carry them over into the fragments, and note each ("k")."""
    moved = list(dict.fromkeys(ids))
    for door in DOORS.values():
        if door.entity == entity and door.counts:
            w.run_many(_recount(door), [(id,) for id in moved])
    for id in moved:
        w.note(entity, id, "k")


@cache
def _recount(door: Door) -> str:
    names, table = ", ".join(door.counts), TABLE_OF[door.entity]
    return (
        f"UPDATE {door.table} SET ({names}) = (SELECT {names} FROM {table} e WHERE e.id = {door.table}.id) WHERE id = ?"
    )


class Fragment(NamedTuple):
    """A fragment ready to join: whose it is, its parts and the counts to splice."""

    id: int
    parts: Any
    counts: tuple[int, ...]


class Meta(NamedTuple):
    """The generation metadata of one image, empty where there is none."""

    id: int
    text: bytes = b""
    hidden: bool = False
    owner: int = 0

    def shows(self, user_id: int | None) -> bool:
        """Whether there is something that this user may read."""
        return bool(self.text) and (not self.hidden or self.owner == user_id)


K = TypeVar("K", Fragment, Meta, bytes)

ITEMS_BY_FRAGMENT = 2.5
"""How many joined items of REST's images take the memory of one fragment that is kept in its parts."""

TAGS = 20_000
"""Tags kept as JSON, of some 40 bytes each."""


class Documents:
    """Fragments by id over the database, the hottest kept in memory. Safe from any thread."""

    def __init__(self, database: Database, entries: int) -> None:
        self._database = database
        self._kept = {table: Recent[int, Fragment](entries) for table in DOORS if table != "image_rest"}
        self._items = Recent[int, bytes](int(entries * ITEMS_BY_FRAGMENT))
        self._metas = Recent[int, Meta](entries)
        self._tags = Recent[int, bytes](TAGS)
        self._lock = threading.Lock()
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """Another number after every change of anything that documents are kept of."""
        return self._epoch

    def fetch(self, table: str, ids: Sequence[int]) -> list[Fragment]:
        """The fragments of these ids in their order; ids without rows are left out."""
        found = self._kept[table].find(ids)
        if None in found:
            self._complete(self._kept[table], partial(self._load, DOORS[table]), ids, found)
        return [one for one in found if one is not None]

    def items(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The items of REST's images, joined, by id in the order of the ids; ids without rows are left out.

        They are kept whole, and nothing beside them: nearly everybody asks for just these, and so more of them are kept.
        """
        found = self._items.find(ids)
        if None in found:
            self._complete(self._items, self._load_items, ids, found)
        return {id: item for id, item in zip(ids, found, strict=True) if item is not None}

    def item_tags(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The tags of REST's images as JSON. Which they are is read whenever it is asked; a tag's name never changes."""
        rows = self._database.read().by_ids(_TAGGED, ids)
        tag_ids = list({tag_id for _, tag_id in rows})
        written = self._tags.find(tag_ids)
        if None in written:
            self._complete(self._tags, self._load_tags, tag_ids, written)
        tags = {tag_id: tag for tag_id, tag in zip(tag_ids, written, strict=True) if tag is not None}
        held: dict[int, list[bytes]] = defaultdict(list)
        for image_id, tag_id in rows:
            if tag_id in tags:
                held[image_id].append(tags[tag_id])
        return {image_id: b"[%b]" % b",".join(each) for image_id, each in held.items()}

    def _load_tags(self, ids: Sequence[int]) -> dict[int, bytes]:
        rows = self._database.read().by_ids("SELECT id, name FROM tags WHERE id IN (?*)", ids)
        return {id: rest_images.write_tag(id, name) for id, name in rows}

    def _load_items(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Straight from rows to items; the longer way for those without a fragment that can be read."""
        head, join = rest_images.read_head, rest_images.join_image
        try:
            items = {row[0]: join(head(row[1]), *row[2:]) for row in self._database.read().by_ids(_ITEMS, ids)}
        except ValueError:
            items = {}
        lost = [id for id in ids if id not in items]
        found = self._make(self._database.read(), DOORS["image_rest"], lost).values() if lost else ()
        return items | {id: join(parts, *counts) for id, parts, counts in found}

    def _complete(
        self,
        recent: Recent[int, K],
        load: Callable[[Sequence[int]], dict[int, K]],
        ids: Sequence[int],
        found: list[K | None],
    ) -> None:
        """Fill in what was not found at once."""
        with self._lock:
            epoch = self._epoch
            for place, id in enumerate(ids):
                if found[place] is None:
                    found[place] = recent.renew(id)
        missing = [id for id, one in zip(ids, found, strict=True) if one is None]
        if missing:
            fresh = load(missing)
            self._keep(recent, fresh, epoch)
            for place, id in enumerate(ids):
                if found[place] is None:
                    found[place] = fresh.get(id)

    def metas(self, ids: Sequence[int], user_id: int | None) -> dict[int, bytes]:
        """The generation metadata of images as JSON: the site's where there is one, else the file's.

        Hidden ones only for their owner.
        """
        found = self._metas.find(ids)
        if None in found:
            self._complete(self._metas, self._load_metas, ids, found)
        return {one.id: one.text for one in found if one is not None and one.shows(user_id)}

    def _load_metas(self, ids: Sequence[int]) -> dict[int, Meta]:
        """One for each id, so that those without metadata are not asked again."""
        sql = (
            "SELECT m.image_id, COALESCE(m.site_meta, m.file_meta), i.hide_meta, i.user_id FROM image_meta m "
            "JOIN images i ON i.id = m.image_id WHERE m.image_id IN (?*)"
        )
        rows = self._database.read().by_ids(sql, ids)
        given = {id: Meta(id, (meta or "").encode(), bool(hidden), owner) for id, meta, hidden, owner in rows}
        return {id: Meta(id) for id in ids} | given

    def _load(self, door: Door, ids: Sequence[int]) -> dict[int, Fragment]:
        read = self._database.read()
        rows = read.by_ids(f"SELECT {door.columns} FROM {door.table} WHERE id IN (?*)", ids)
        loaded = {one.id: one for row in rows if (one := _read_back(door, row)) is not None}
        lost = [id for id in ids if id not in loaded]
        return loaded | self._make(read, door, lost) if lost else loaded

    def _make(self, read: Statements, door: Door, ids: Sequence[int]) -> dict[int, Fragment]:
        nouns = _gather(read, door.entity, ids, self._database.now())
        return {id: _fragment(door, id, door.write(noun), door.counted(noun)) for id, noun in nouns.items()}

    def _keep(self, recent: Recent[int, K], fresh: dict[int, K], epoch: int) -> None:
        """Remember what was loaded, unless something changed meanwhile: it may be older than that change."""
        with self._lock:
            if epoch != self._epoch:
                return
            for id, one in fresh.items():
                recent.put(id, one)

    def forget(self, entity: str, ids: Iterable[int]) -> None:
        """These things changed: load them again when they are next asked."""
        gone = list(ids)
        with self._lock:
            self._epoch += 1
            for recent in self._recent(entity):
                for id in gone:
                    recent.drop(id)

    def forget_all(self) -> None:
        """Everything may have changed."""
        with self._lock:
            self._epoch += 1
            self._metas.clear()
            self._tags.clear()
            self._items.clear()
            for recent in self._kept.values():
                recent.clear()

    def _recent(self, entity: str) -> Iterator[Recent[int, Fragment] | Recent[int, Meta] | Recent[int, bytes]]:
        """Those that hold something of this kind of thing."""
        yield from (recent for table, recent in self._kept.items() if DOORS[table].entity == entity)
        if entity == "image":
            yield self._metas
            yield self._items


def _fragment(door: Door, id: int, body: bytes, counts: tuple[int, ...]) -> Fragment:
    return Fragment(id, door.split(body), counts)


def _read_back(door: Door, row: tuple[Any, ...]) -> Fragment | None:
    """A stored fragment; None for one in the format of another version, which is then made from its rows."""
    try:
        return _fragment(door, row[0], row[1], row[2:])
    except (msgspec.DecodeError, ValueError):
        return None
