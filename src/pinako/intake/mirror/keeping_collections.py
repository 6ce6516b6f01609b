"""The keeping side for collections: what upstream says of each, and what is in it, in upstream's order.

What a collection no longer lists stays in it, with the date since when: curators change their minds, and a host that answers
with an empty list for a day must not empty what is kept. What people here put in stays, what they took out stays out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog.collections import Collection
from pinako.intake import journal
from pinako.intake.mirror.documents import doc_of, keep_documents
from pinako.intake.mirror.findings import CollectionFound, Page
from pinako.intake.mirror.ids import People, local_id, local_ids, reference
from pinako.intake.mirror.nouns import at, json_of
from pinako.intake.mirror.report import Report
from pinako.services import publish
from pinako.services.history import left_key, members_key
from pinako.services.settle import Touched
from pinako.storage.engine import Value
from pinako.storage.records import find
from pinako.storage.scopes import Write

TABLES = {"image": "images", "post": "posts", "model": "models"}


class CollectionsKeeper:
    """Writes collections of one host, for a run that was begun at a time (milliseconds)."""

    def __init__(self, source: str, people: People, report: Report, begun_at: int) -> None:
        self._source, self._people, self._report, self._begun = source, people, report, begun_at
        self._last: dict[tuple[int, str], int | None] = {}
        """When the member that was placed last is said to have been added, for each list that is under way."""

    def keep(self, w: Write, touched: Touched, found: CollectionFound, now: int) -> None:
        """A collection, its members apart. Without news of it, what was edited here stays."""
        row = found.collection
        user_id = self._people.keep(w, touched, row.user, now, id=row.user_id)
        local, here = publish.place(w, "collections", self._source, row.id)
        old = find(w, Collection, local) if here else None
        created = at(row.created_at) or at(found.listed.created_at if found.listed else None)
        base = old or Collection(
            id=local, name=row.name, user_id=user_id, created_at=created or now, updated_at=now, source=self._source,
            source_id=row.id,
        )  # fmt: skip
        image = row.image.get("id") if row.image else row.image_id
        changes: dict[str, Any] = {"user_id": user_id, "created_at": created or base.created_at, "fetched_at": now}
        followers = found.listed.count.get("contributors") if found.listed else None
        if type(followers) is int:
            changes["follower_count"] = followers + int(w.value(_FOLLOW, (local,)))
        if keep_documents(w, "collection", local, self._source, [doc_of("trpc", row.raw)], now) or old is None:
            changes |= {
                "name": row.name or base.name,
                "description": row.description,
                "type": row.type,
                "mode": row.mode,
                "read": row.read or base.read,
                "write": row.write or base.write,
                "availability": row.availability or base.availability,
                "nsfw": row.nsfw,
                "metadata": json_of(row.metadata) if row.metadata else base.metadata,
                "image_id": reference(w, "images", self._source, image) if type(image) is int else base.image_id,
                "updated_at": now,
            }
        publish.keep_collection(w, touched, msgspec.structs.replace(base, **changes))
        self._report.collections += old is None

    def keep_members(self, w: Write, touched: Touched, collection: int, page: Page, now: int) -> None:
        """Put what is here of a page's things into the collection, each after the one before it."""
        local = local_id(w, "collections", self._source, collection)
        if local is None or w.value("SELECT deleted_at FROM collections WHERE id = ?", (local,)) is not None:
            return
        for entity, table in TABLES.items():
            wanted = [id for name, id in page.members if name == entity]
            here = local_ids(w, table, self._source, wanted)
            there = [id for id in wanted if id in here]
            if there:
                self._keep_places(w, collection, local, entity, {id: here[id] for id in there}, now)
                journal.keep_finds(w, self._source, members_key(collection), [(entity, id) for id in there], now)
                getattr(touched, table).update(here.values())
        touched.collections.add(local)
        if page.of_collection:
            self._report.left += self._note_left(w, collection, local, page.of_collection, now)

    def _keep_places(
        self, w: Write, collection: int, local: int, entity: str, members: dict[int, int], now: int
    ) -> None:
        """Members by upstream's number, in its order. Lists come newest first, and nobody says when each was added:
        each is said to have been just before the last; one that stands there already is left alone.
        """
        kind = entity.capitalize()
        items = {row[0]: (row[1], row[2]) for row in w.by_ids(_ITEMS, list(members.values()), (local, kind))}
        known = journal.found_among(w, self._source, (members_key(collection), left_key(collection)), entity, members)
        last = self._last_placed(w, collection, local, entity)
        highest = max((item[1] for item in items.values()), default=0)
        for id, member in members.items():
            item = items.get(member)
            if item is None and id in known:
                continue  # somebody here has taken it out
            if item is not None and (item[1] == highest if last is None else item[1] < last):
                last = int(item[1])
                continue
            last = last - 1 if last is not None else self._above_all(w, local, now)
            if item is not None:
                w.update("collection_items", item[0], {"created_at": last})
            else:
                row: dict[str, Value] = {"collection_id": local, "entity_type": kind, "entity_id": member}
                w.insert("collection_items", {"id": w.next_id("collection_items"), **row, "created_at": last})
        self._last[local, entity] = last
        journal.forget_finds(w, self._source, left_key(collection), entity, list(members))

    def _last_placed(self, w: Write, collection: int, local: int, entity: str) -> int | None:
        """Where a list goes on, also in a run that goes on with one that was interrupted."""
        key = (local, entity)
        if key not in self._last:
            sql = _LAST.format(table=TABLES[entity])
            given = (self._source, members_key(collection), entity, self._begun, local, entity.capitalize())
            self._last[key] = w.value(sql, given)
        return self._last[key]

    def _above_all(self, w: Write, local: int, now: int) -> int:
        highest = w.value("SELECT MAX(created_at) FROM collection_items WHERE collection_id = ?", (local,))
        return now if highest is None else max(now, int(highest) + 1)

    def _note_left(self, w: Write, collection: int, local: int, entity: str, now: int) -> int:
        """Note what was in the collection and is in its list no longer; how many there are. They stay."""
        gone = journal.unseen(w, self._source, members_key(collection), self._begun)
        ids = [id for name, id in gone if name == entity]
        here = local_ids(w, TABLES[entity], self._source, ids)
        there = {row[0] for row in w.by_ids(_ITEMS, list(here.values()), (local, entity.capitalize()))}
        left = [id for id in ids if here.get(id) in there]
        journal.forget_finds(w, self._source, members_key(collection), entity, left)
        journal.keep_finds(w, self._source, left_key(collection), [(entity, id) for id in left], now)
        return len(left)


_FOLLOW = "SELECT COUNT(*) FROM collection_contributors WHERE collection_id = ?"
_ITEMS = (
    "SELECT entity_id, id, created_at FROM collection_items WHERE collection_id = ? AND entity_type = ? "
    "AND entity_id IN (?*)"
)
_LAST = (
    "SELECT MIN(i.created_at) FROM mirror_finds f JOIN {table} x ON x.source = f.source AND x.source_id = f.source_id "
    "JOIN collection_items i ON i.entity_id = x.id WHERE f.source = ? AND f.target = ? AND f.entity_type = ? "
    "AND f.seen_at >= ? AND i.collection_id = ? AND i.entity_type = ?"
)
