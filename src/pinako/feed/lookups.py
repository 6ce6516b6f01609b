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


def credited(read: Statements, model_id: int | None, version_id: int | None) -> list[int]:
    """Images whose post shows this version, or any of this model: the one way in which a person credits one here."""
    sql = "SELECT i.id FROM posts p JOIN images i ON i.post_id = p.id WHERE p.version_id IN (?*)"
    if version_id is not None:
        return [row[0] for row in read.by_ids(sql, [version_id])]
    versions = read.rows("SELECT id FROM model_versions WHERE model_id = ?", (model_id,))
    return [row[0] for row in read.by_ids(sql, [row[0] for row in versions])]


def favorite_models(read: Statements, viewer: Viewer) -> list[int]:
    """Models that the caller has bookmarked: a favourite is an item of the own Bookmark collection (domain.md e)."""
    sql = (
        "SELECT i.entity_id FROM collection_items i JOIN collections c ON c.id = i.collection_id "
        "WHERE c.user_id = ? AND c.mode = 'Bookmark' AND c.deleted_at IS NULL AND i.entity_type = 'Model'"
    )
    bookmarked = {row[0] for row in read.rows(sql, (viewer.user_id,))}
    return sorted(bookmarked.union(engaged(read, viewer, "model", ("Favorite",))))
