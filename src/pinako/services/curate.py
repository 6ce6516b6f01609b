"""Collections as callers change them: make, fill, follow, share out, delete (trpc.md 6.1, 10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pinako.catalog.collections import Collection, ContributorRow, Permissions
from pinako.catalog.commands import (
    FollowCollection,
    ItemRef,
    KeepCollection,
    RemoveItem,
    SaveItem,
    SaveItems,
    TagWish,
)
from pinako.catalog.people import User, Viewer
from pinako.errors import BadRequest, NotFound, Unauthorized
from pinako.feed import documents
from pinako.services import permits
from pinako.services.collections import permissions
from pinako.services.library import Library
from pinako.services.permits import NOT_YOURS
from pinako.services.publish import keep_collection, keep_tags
from pinako.services.settle import Touched, settle
from pinako.storage.engine import Value
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write

TABLE_OF = {"Image": "images", "Post": "posts", "Model": "models"}
MISMATCH = "Collection type mismatch"


class Saved(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a save did: `added`, `removed` or None; `is_owner` where it was about one collection."""

    status: str | None
    is_owner: bool | None = None


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that holds a thing, as the caller may see it. `may_remove`: the caller may take the thing out."""

    collection: Collection
    added_by_id: int | None
    tag_id: int | None
    may_remove: bool


def keep(library: Library, viewer: Viewer, command: KeepCollection) -> Collection:
    """Make a collection, or change one where the caller may. Unauthorized without that right; its type stays."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer, guarded=True)
        touched = Touched()
        old = _managed(w, viewer, command.id) if command.id is not None else None
        collection = _changed(old, command, viewer, now) if old else _new(w, command, user_id, now)
        cover = _cover(w, viewer, command, now)
        if cover is not None:
            collection = msgspec.structs.replace(collection, image_id=cover)
        keep_collection(w, touched, collection)
        if command.tags is not None:
            _set_tags(w, collection.id, command.tags)
        if command.item is not None:
            _put(w, touched, viewer, collection, [command.item], now)
        settle(w, touched, now)
    return collection


def _new(w: Write, command: KeepCollection, user_id: int, now: int) -> Collection:
    return Collection(
        id=w.next_id("collections"), name=command.name, user_id=user_id, created_at=now, updated_at=now,
        description=command.description, type=command.type, read=command.read or "Private",
        write=command.write or "Private", nsfw=bool(command.nsfw), metadata=command.metadata or "{}",
    )  # fmt: skip


def _changed(old: Collection, command: KeepCollection, viewer: Viewer, now: int) -> Collection:
    given = {
        "name": command.name or None,
        "description": command.description,
        "read": command.read,
        "write": command.write,
        "nsfw": command.nsfw,
        "metadata": command.metadata,
        "mode": command.mode if viewer.moderator else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(old, **changes, updated_at=now)


def _cover(w: Write, viewer: Viewer, command: KeepCollection, now: int) -> int | None:
    """The image that a collection shows itself by: one that the caller meets."""
    wanted = command.image_id
    if wanted is None and command.cover_key is not None:
        wanted = w.value("SELECT MIN(id) FROM images WHERE media_key = ?", (command.cover_key,))
    if wanted is None:
        return None
    if not permits.visible(w, viewer, "Image", [wanted], now):
        raise NotFound(permits.MISSING)
    return wanted


def _set_tags(w: Write, id: int, wishes: Sequence[TagWish]) -> None:
    w.run("DELETE FROM collection_tags WHERE collection_id = ?", (id,))
    for tag_id in keep_tags(w, (wish.name for wish in wishes), "Collection"):
        w.insert_new("collection_tags", {"collection_id": id, "tag_id": tag_id})


def _may(read: Statements, viewer: Viewer, id: int) -> tuple[Collection | None, Permissions]:
    """A collection as the caller may see it, and what they may do. None: there is none for them."""
    collection = find(read, Collection, id)
    may = permissions(read, collection, viewer, id)
    alive = collection if collection is not None and collection.deleted_at is None else None
    if may.read or may.write or may.write_review or may.manage:
        return alive, may
    return None, Permissions(collection_id=id)


def _managed(read: Statements, viewer: Viewer, id: int) -> Collection:
    collection, may = _may(read, viewer, id)
    if collection is None or not may.manage:
        raise Unauthorized(NOT_YOURS)
    return collection


# --- items --------------------------------------------------------------------------------------------------------


def save(library: Library, viewer: Viewer, command: SaveItem) -> Saved:
    """Put one thing into collections and take it out of others. Unauthorized where nothing of that is the caller's to do."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        if command.into and not permits.visible(w, viewer, command.item.type, [command.item.id], now):
            raise NotFound(permits.MISSING)
        touched = Touched()
        added = [
            own
            for target in command.into
            if (own := _save_into(w, touched, viewer, command, target.collection_id, target.tag_id, now)) is not None
        ]
        removed = sum(_take(w, touched, viewer, id, command.item) for id in dict.fromkeys(command.out_of))
        if not added and not removed:
            raise Unauthorized(NOT_YOURS)
        settle(w, touched, now)
    only = added[0] if len(command.into) == 1 and len(added) == 1 else None
    return Saved(status="added" if added else "removed", is_owner=only)


def _save_into(
    w: Write, touched: Touched, viewer: Viewer, command: SaveItem, id: int, tag_id: int | None, now: int
) -> bool | None:
    """Whether the collection is the caller's own; None: they may not put anything into it."""
    collection, may = _may(w, viewer, id)
    if collection is None or not (may.write or may.write_review):
        return None
    _put(w, touched, viewer, collection, [command.item], now, note=command.note, tag_id=tag_id)
    if not may.is_owner and may.follow:
        _follow(w, touched, viewer.user_id or 0, collection, may.follow_permissions, now)
    return may.is_owner


def _put(
    w: Write, touched: Touched, viewer: Viewer, collection: Collection, items: Sequence[ItemRef], now: int,
    note: str | None = None, tag_id: int | None = None,
) -> int:  # fmt: skip
    """Put things that the caller meets into a collection that they may fill; how many were not in it yet."""
    may = permissions(w, collection, viewer, collection.id)
    new = 0
    for item in items:
        if collection.type not in (None, item.type):
            raise BadRequest(MISMATCH)
        row: dict[str, Value] = {
            "id": w.next_id("collection_items"),
            "collection_id": collection.id,
            "entity_type": item.type,
            "entity_id": item.id,
            "status": "ACCEPTED" if may.write else "REVIEW",
            "note": note,
            "tag_id": tag_id,
            "added_by_id": viewer.user_id,
            "created_at": now,
        }
        if w.insert_new("collection_items", row):
            new += 1
            _count(w, touched, item, 1)
        elif note is not None or tag_id is not None:
            w.run(
                "UPDATE collection_items SET note = COALESCE(?, note), tag_id = COALESCE(?, tag_id) "
                "WHERE collection_id = ? AND entity_type = ? AND entity_id = ?",
                (note, tag_id, collection.id, item.type, item.id),
            )
    touched.collections.add(collection.id)
    return new


def check_fillable(read: Statements, viewer: Viewer, id: int) -> Collection:
    """A collection that the caller may put things into. Unauthorized otherwise."""
    collection, may = _may(read, viewer, id)
    if collection is None or not (may.write or may.write_review):
        raise Unauthorized(NOT_YOURS)
    return collection


def put_items(
    w: Write, viewer: Viewer, id: int, items: Sequence[ItemRef], now: int, *, tag_id: int | None = None
) -> None:
    """Put the caller's own new things into a collection, inside a write that has settled them."""
    collection, touched = check_fillable(w, viewer, id), Touched()
    _put(w, touched, viewer, collection, items, now, tag_id=tag_id)
    settle(w, touched, now)


def _take(w: Write, touched: Touched, viewer: Viewer, id: int, item: ItemRef) -> int:
    """Take one thing out of a collection, where the caller may: who manages it, and who put the thing in."""
    collection, may = _may(w, viewer, id)
    if collection is None:
        return 0
    mine, params = ("", ()) if may.manage else (" AND added_by_id = ?", (viewer.user_id,))
    gone = w.run(
        f"DELETE FROM collection_items WHERE collection_id = ? AND entity_type = ? AND entity_id = ?{mine}",
        (id, item.type, item.id, *params),
    )
    if gone:
        _count(w, touched, item, -1)
        touched.collections.add(id)
    return gone


def _count(w: Write, touched: Touched, item: ItemRef, step: int) -> None:
    """The thing's own count of collections."""
    table = TABLE_OF.get(item.type)
    if table is None:
        return
    w.run(
        f"UPDATE {table} SET collected_count = CASE WHEN collected_count + ? < 0 THEN 0 ELSE collected_count + ? END "
        "WHERE id = ?",
        (step, step, item.id),
    )
    if item.type == "Model":
        touched.models.add(item.id)
    else:
        documents.recount(w, item.type.lower(), [item.id])


def save_many(library: Library, viewer: Viewer, command: SaveItems) -> int:
    """Put several things into a collection; how many were not in it yet. What the caller does not meet is passed over."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        collection = check_fillable(w, viewer, command.collection_id)
        seen = permits.visible(w, viewer, command.type, command.ids, now)
        touched = Touched()
        count = _put(w, touched, viewer, collection, [ItemRef(type=command.type, id=id) for id in seen], now)
        settle(w, touched, now)
    return count


def remove(library: Library, viewer: Viewer, command: RemoveItem) -> str | None:
    """Take a thing out of a collection; the collection's type."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        collection, _ = _may(w, viewer, command.collection_id)
        if collection is None:
            raise Unauthorized(NOT_YOURS)
        kinds = [collection.type] if collection.type else list(TABLE_OF)
        touched = Touched()
        items = [ItemRef(type=kind, id=command.item_id) for kind in kinds]
        if not sum(_take(w, touched, viewer, collection.id, item) for item in items):
            raise Unauthorized(NOT_YOURS)
        settle(w, touched, now)
    return collection.type


def holding(library: Library, viewer: Viewer, item: ItemRef) -> list[Membership]:
    """The collections that hold a thing and are the caller's, or to which they contribute."""
    with library.database.read() as read:
        user_id = permits.writer(read, viewer)
        if not permits.visible(read, viewer, item.type, [item.id], library.now()):
            return []
        sql = (
            "SELECT i.collection_id, i.added_by_id, i.tag_id FROM collection_items i "
            "JOIN collections c ON c.id = i.collection_id WHERE i.entity_type = ? AND i.entity_id = ? AND "
            "(c.user_id = ? OR EXISTS (SELECT 1 FROM collection_contributors x WHERE x.collection_id = c.id "
            "AND x.user_id = ?)) ORDER BY i.collection_id"
        )
        found = []
        for id, added_by, tag_id in read.rows(sql, (item.type, item.id, user_id, user_id)):
            collection, may = _may(read, viewer, id)
            if collection is not None:
                removable = may.manage or added_by == user_id
                found.append(
                    Membership(collection=collection, added_by_id=added_by, tag_id=tag_id, may_remove=removable)
                )
        return found


# --- followers and contributors -----------------------------------------------------------------------------------


def follow(library: Library, viewer: Viewer, command: FollowCollection) -> ContributorRow:
    """Follow a collection. Unauthorized where it cannot be followed."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        collection, may = _may(w, viewer, command.collection_id)
        if collection is None or not may.follow or command.user_id not in (None, user_id):
            raise Unauthorized(NOT_YOURS)
        touched = Touched()
        row = _follow(w, touched, user_id, collection, may.follow_permissions, now)
        settle(w, touched, now)
    return row


def unfollow(library: Library, viewer: Viewer, command: FollowCollection) -> ContributorRow | None:
    """Follow no more; what was given up. Who manages a collection may end others' part in it."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        whom = command.user_id if command.user_id is not None else user_id
        if whom != user_id:
            _managed(w, viewer, command.collection_id)
        row = _contributor(w, command.collection_id, whom)
        if row is None:
            return None
        touched = Touched()
        w.run(
            "DELETE FROM collection_contributors WHERE collection_id = ? AND user_id = ?", (command.collection_id, whom)
        )
        _count_followers(w, touched, command.collection_id)
        settle(w, touched, now)
    return row


def grant(library: Library, viewer: Viewer, id: int, user_id: int, rights: Iterable[str]) -> ContributorRow:
    """Give somebody these rights in a collection (VIEW, ADD, ADD_REVIEW, MANAGE) instead of those they had."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        collection = _managed(w, viewer, id)
        user = find(w, User, user_id)
        if user is None or user.deleted_at is not None or user_id == collection.user_id:
            raise NotFound("Could not find user")
        touched = Touched()
        row = _set_rights(w, touched, user_id, collection, tuple(rights), now)
        settle(w, touched, now)
    return row


def _follow(
    w: Write, touched: Touched, user_id: int, collection: Collection, rights: Sequence[str], now: int
) -> ContributorRow:
    """Rights that somebody has already stay."""
    old = _contributor(w, collection.id, user_id)
    if old is not None and set(rights) <= set(old.permissions):
        return old
    kept = old.permissions if old is not None else ()
    return _set_rights(w, touched, user_id, collection, (*kept, *(word for word in rights if word not in kept)), now)


def _set_rights(
    w: Write, touched: Touched, user_id: int, collection: Collection, rights: tuple[str, ...], now: int
) -> ContributorRow:
    w.upsert(
        "collection_contributors",
        {
            "collection_id": collection.id,
            "user_id": user_id,
            "permissions": msgspec.json.encode(rights).decode(),
            "created_at": now,
        },
        key=("collection_id", "user_id"),
    )
    _count_followers(w, touched, collection.id)
    return ContributorRow(collection_id=collection.id, user_id=user_id, permissions=rights, created_at=now)


def _contributor(read: Statements, id: int, user_id: int) -> ContributorRow | None:
    sql = "SELECT permissions, created_at FROM collection_contributors WHERE collection_id = ? AND user_id = ?"
    row = read.row(sql, (id, user_id))
    if row is None:
        return None
    rights = tuple(msgspec.json.decode(row[0], type=list[str]))
    return ContributorRow(collection_id=id, user_id=user_id, permissions=rights, created_at=row[1])


def _count_followers(w: Write, touched: Touched, id: int) -> None:
    w.run(
        "UPDATE collections SET follower_count = "
        "(SELECT COUNT(*) FROM collection_contributors WHERE collection_id = ?) WHERE id = ?",
        (id, id),
    )
    touched.collections.add(id)


def delete(library: Library, viewer: Viewer, id: int) -> None:
    """Delete a collection; what is in it stays where it is otherwise."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        collection = _managed(w, viewer, id)
        if collection.user_id != viewer.user_id and not viewer.moderator:
            raise Unauthorized(NOT_YOURS)
        if collection.mode == "Bookmark":
            raise BadRequest("You cannot delete a bookmark collection")
        touched = Touched()
        for kind, item_id in w.rows(
            "SELECT entity_type, entity_id FROM collection_items WHERE collection_id = ?", (id,)
        ):
            _count(w, touched, ItemRef(type=kind, id=item_id), -1)
        w.run("DELETE FROM collection_items WHERE collection_id = ?", (id,))
        w.update("collections", id, {"deleted_at": now})
        touched.collections.add(id)
        settle(w, touched, now)
