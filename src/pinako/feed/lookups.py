"""What filters must ask the database first: names to ids, and the ids behind a user's own lists."""

from __future__ import annotations

from collections.abc import Sequence

from pinako.catalog.people import Viewer
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


Item = tuple[int, int, int]
"""One collection item: the time of adding and its id, both negative so that the newest comes first, and the thing."""


def collection_items(
    read: Statements, collection_id: int, entity: str, viewer: Viewer, tag_id: int | None = None
) -> list[Item]:
    """A collection's things of one kind: accepted ones, and the caller's own unless rejected; newest first."""
    tagged = " AND tag_id = ?" if tag_id is not None else ""
    sql = (
        "SELECT -created_at, -id, entity_id FROM collection_items WHERE collection_id = ? AND entity_type = ? AND "
        f"(status = 'ACCEPTED' OR (added_by_id = ? AND status <> 'REJECTED')){tagged} ORDER BY created_at DESC, id DESC"
    )
    given = (collection_id, entity, viewer.user_id if viewer.user_id is not None else -1)
    return [tuple(row) for row in read.rows(sql, given if tag_id is None else (*given, tag_id))]


def favorite_models(read: Statements, viewer: Viewer) -> list[int]:
    """Models that the caller has bookmarked: a favourite is an item of the own Bookmark collection (domain.md e)."""
    sql = (
        "SELECT i.entity_id FROM collection_items i JOIN collections c ON c.id = i.collection_id "
        "WHERE c.user_id = ? AND c.mode = 'Bookmark' AND c.deleted_at IS NULL AND i.entity_type = 'Model'"
    )
    bookmarked = {row[0] for row in read.rows(sql, (viewer.user_id,))}
    return sorted(bookmarked.union(engaged(read, viewer, "model", ("Favorite",))))
