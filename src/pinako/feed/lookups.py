"""What filters must ask the database first: names to ids, and the ids behind a user's own lists."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from pinako.catalog.people import Viewer
from pinako.feed.spec import Ids
from pinako.storage import text
from pinako.storage.scopes import Statements


def user_id_of(read: Statements, username: str) -> int | None:
    """The user of a name, case apart."""
    found: int | None = read.value("SELECT id FROM users WHERE username_key = ?", (text.fold(username),))
    return found


def followed_users(read: Statements, viewer: Viewer) -> list[int]:
    """Whom the caller follows."""
    return engaged(read, viewer, "user", ("Follow",))


def engaged(read: Statements, viewer: Viewer, target: str, kinds: Sequence[str]) -> list[int]:
    """Things that the caller has hidden, followed, blocked or made a favourite."""
    words = ", ".join("?" * len(kinds))
    sql = f"SELECT target_id FROM engagements WHERE user_id = ? AND target_type = ? AND kind IN ({words})"
    return [row[0] for row in read.rows(sql, (viewer.user_id, target, *kinds))]


def reacted(read: Statements, viewer: Viewer, entity: str, reactions: Sequence[str]) -> list[int]:
    """Things to which the caller gave any of these reactions."""
    words = ", ".join("?" * len(reactions))
    sql = f"SELECT entity_id FROM reactions WHERE user_id = ? AND entity_type = ? AND reaction IN ({words})"
    return [row[0] for row in read.rows(sql, (viewer.user_id, entity, *reactions))]


def credited(read: Statements, model_id: int | None, version_id: int | None) -> list[int]:
    """Images whose post shows this version, or any of this model: the one way in which a person credits one here."""
    sql = "SELECT i.id FROM posts p JOIN images i ON i.post_id = p.id WHERE p.version_id IN (?*)"
    if version_id is not None:
        return [row[0] for row in read.by_ids(sql, [version_id])]
    versions = read.rows("SELECT id FROM model_versions WHERE model_id = ?", (model_id,))
    return [row[0] for row in read.by_ids(sql, [row[0] for row in versions])]


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A collection's things of one kind, newest first: the place of each (time of adding and item id, both negative)."""

    places: tuple[tuple[int, int], ...]
    ids: Ids


class Shelves:
    """The collections of one process. Large ones are kept until they change; small ones cost nothing to read again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str, int, int | None], Shelf] = OrderedDict()
        self._lock = threading.Lock()
        self._epoch = 0

    def get(
        self, read: Statements, collection_id: int, entity: str, viewer: Viewer, tag_id: int | None = None
    ) -> Shelf:
        """What this caller may see of a collection: accepted things, and the caller's own unless rejected."""
        asked = (collection_id, entity, viewer.user_id if viewer.user_id is not None else -1, tag_id)
        with self._lock:
            epoch, known = self._epoch, self._kept.get(asked)
        if known is not None:
            return known
        shelf = _read_shelf(read, *asked)
        with self._lock:
            if len(shelf.places) >= _LARGE and epoch == self._epoch:
                self._kept[asked] = shelf
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return shelf

    def forget(self) -> None:
        """Some collection has changed."""
        with self._lock:
            self._epoch += 1
            self._kept.clear()


_LARGE = 300
_KEPT = 16


def _read_shelf(read: Statements, collection_id: int, entity: str, user_id: int, tag_id: int | None) -> Shelf:
    tagged = " AND tag_id = ?" if tag_id is not None else ""
    sql = (
        "SELECT -created_at, -id, entity_id FROM collection_items WHERE collection_id = ? AND entity_type = ? AND "
        f"(status = 'ACCEPTED' OR (added_by_id = ? AND status <> 'REJECTED')){tagged} ORDER BY created_at DESC, id DESC"
    )
    given = (collection_id, entity, user_id)
    rows = read.rows(sql, given if tag_id is None else (*given, tag_id))
    return Shelf(places=tuple((added, item) for added, item, _ in rows), ids=Ids([row[2] for row in rows]))


def favorite_models(read: Statements, viewer: Viewer) -> list[int]:
    """Models that the caller has bookmarked: a favourite is an item of the own Bookmark collection (domain.md e)."""
    sql = (
        "SELECT i.entity_id FROM collection_items i JOIN collections c ON c.id = i.collection_id "
        "WHERE c.user_id = ? AND c.mode = 'Bookmark' AND c.deleted_at IS NULL AND i.entity_type = 'Model'"
    )
    bookmarked = {row[0] for row in read.rows(sql, (viewer.user_id,))}
    return sorted(bookmarked.union(engaged(read, viewer, "model", ("Favorite",))))
