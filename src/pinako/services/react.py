"""What callers do to things of others: follows, and the counters that they move in the same write."""

from __future__ import annotations

from pinako.catalog.people import User, Viewer
from pinako.errors import BadRequest, NotFound, Unauthorized
from pinako.services.library import Library
from pinako.storage.records import find


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
