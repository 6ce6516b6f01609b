"""What callers do to things of others: reactions and follows, and the counters that they move in the same write."""

from __future__ import annotations

from pinako.catalog.commands import ToggleReaction
from pinako.catalog.enums import COUNTED_REACTIONS
from pinako.catalog.people import User, Viewer
from pinako.errors import BadRequest, NotFound, Unauthorized
from pinako.feed import documents
from pinako.services import permits
from pinako.services.library import Library
from pinako.storage.records import find
from pinako.storage.scopes import Write

KIND_OF = {"image": "Image", "post": "Post"}
TABLE_OF = {"image": "images", "post": "posts"}


def toggle_reaction(library: Library, viewer: Viewer, command: ToggleReaction) -> bool | None:
    """Give a reaction, or take it back; whether it stands now. None: there is no such thing to react to for this caller.

    The original answers before it looks, so callers are not told which (trpc.md 10).
    """
    with library.database.write() as w:
        user_id = permits.writer(w, viewer, guarded=True)
        kind = KIND_OF.get(command.entity_type, "")
        if not permits.visible(w, viewer, kind, [command.entity_id], library.now()):
            return None
        key = (command.entity_type, command.entity_id, user_id, command.reaction)
        gone = w.run(
            "DELETE FROM reactions WHERE entity_type = ? AND entity_id = ? AND user_id = ? AND reaction = ?", key
        )
        if not gone:
            w.run(
                "INSERT INTO reactions (entity_type, entity_id, user_id, reaction, created_at) VALUES (?, ?, ?, ?, ?)",
                (*key, library.now()),
            )
        _count(w, command, -1 if gone else 1)
        return not gone


def _count(w: Write, command: ToggleReaction, step: int) -> None:
    column = f"{command.reaction.lower()}_count"
    counted = step if command.reaction in COUNTED_REACTIONS else 0
    w.run(
        f"UPDATE {TABLE_OF[command.entity_type]} SET {column} = CASE WHEN {column} + ? < 0 THEN 0 ELSE {column} + ? END, "
        "reaction_count = CASE WHEN reaction_count + ? < 0 THEN 0 ELSE reaction_count + ? END WHERE id = ?",
        (step, step, counted, counted, command.entity_id),
    )
    documents.recount(w, command.entity_type, [command.entity_id])


def toggle_follow(library: Library, viewer: Viewer, target: int) -> bool:
    """Follow a user, or follow no more; whether the caller follows now. NotFound for an unknown user."""
    if viewer.user_id is None:
        raise Unauthorized("UNAUTHORIZED")
    if viewer.user_id == target:
        raise BadRequest("You cannot follow yourself")
    with library.database.write() as w:
        user = find(w, User, target)
        if user is None or user.deleted_at is not None:
            raise NotFound("Could not find user")
        row = (viewer.user_id, "user", target)
        gone = w.run(
            "DELETE FROM engagements WHERE user_id = ? AND target_type = ? AND target_id = ? AND kind = 'Follow'", row
        )
        if not gone:
            w.upsert(
                "engagements",
                {
                    "user_id": viewer.user_id,
                    "target_type": "user",
                    "target_id": target,
                    "kind": "Follow",
                    "created_at": library.now(),
                },
                key=("user_id", "target_type", "target_id"),
            )
        step = -1 if gone else 1
        w.run("UPDATE users SET follower_count = follower_count + ? WHERE id = ?", (step, target))
        w.run("UPDATE users SET following_count = following_count + ? WHERE id = ?", (step, viewer.user_id))
        w.note("user", target, "k")
    return not gone
