"""What callers want out of their sight, and their own settings (trpc.md 9)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from pinako.catalog import levels
from pinako.catalog.commands import HideTarget, ToggleHidden
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ModelQuery, PostQuery
from pinako.catalog.tags import Tag
from pinako.errors import BadRequest
from pinako.services import permits
from pinako.services.library import Library
from pinako.storage.records import select
from pinako.storage.scopes import Statements, Write

TARGETS = {
    "tag": ("tag", "Hide"),
    "user": ("user", "Hide"),
    "image": ("image", "Hide"),
    "model": ("model", "Hide"),
    "blockedUser": ("user", "Block"),
}
SETTINGS_LENGTH = 65_536
Asked = TypeVar("Asked", ImageQuery, PostQuery, ModelQuery)


class HiddenThing(msgspec.Struct, frozen=True, kw_only=True):
    """Something hidden; users and tags with their name."""

    id: int
    name: str | None = None


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """All that one caller hides, and who has blocked the caller."""

    images: tuple[HiddenThing, ...] = ()
    models: tuple[HiddenThing, ...] = ()
    users: tuple[HiddenThing, ...] = ()
    tags: tuple[HiddenThing, ...] = ()
    blocked: tuple[HiddenThing, ...] = ()
    blocked_by: tuple[HiddenThing, ...] = ()


class Toggled(msgspec.Struct, frozen=True, kw_only=True):
    """What a toggle did."""

    added: tuple[HideTarget, ...] = ()
    removed: tuple[HideTarget, ...] = ()


def hidden_of(library: Library, viewer: Viewer) -> Hidden:
    """What the caller hides, and by whom they are blocked; nothing for anonymous callers."""
    if viewer.user_id is None:
        return Hidden()
    read = library.database.read()
    return Hidden(
        images=_ids(read, viewer.user_id, "image"),
        models=_ids(read, viewer.user_id, "model"),
        users=_named(read, _PEOPLE, viewer.user_id),
        tags=_named(read, _TAGS, viewer.user_id),
        blocked=_named(read, _PEOPLE, viewer.user_id, "Block"),
        blocked_by=_named(read, _BY_PEOPLE, viewer.user_id, "Block"),
    )


def hidden_users(library: Library, viewer: Viewer) -> frozenset[int]:
    """The people whom the caller hides."""
    return frozenset(one.id for one in _named(library.database.read(), _PEOPLE, viewer.user_id))


def hidden_tags(library: Library, viewer: Viewer) -> frozenset[int]:
    """The tags that the caller hides."""
    return frozenset(one.id for one in _named(library.database.read(), _TAGS, viewer.user_id))


def moderated_tags(library: Library) -> list[Tag]:
    """The tags by which content is moderated: whoever blurs or hides by tag begins with these, also without a login."""
    return select(library.database.read(), Tag, "type = 'Moderation' ORDER BY id")


def without_hidden(library: Library, viewer: Viewer, query: Asked) -> Asked:
    """The query of a page that leaves out what its reader hides. On the wire image lists leave that to the client (trpc.md 9),
    and of the library's own pages the library is the client.

    Who asks for a person, for a tag, or for what is hidden itself is shown that; what is of people who have blocked its reader is
    on no page (blocking.py).
    """
    if viewer.user_id is None or (not isinstance(query, PostQuery) and query.hidden):
        return query
    found = hidden_of(library, viewer)
    people = () if query.user_id or query.username else _numbers(found.users + found.blocked)
    people += () if viewer.moderator else _numbers(found.blocked_by)
    tags = tuple(id for id in _numbers(found.tags) if id not in _asked_tags(query))
    if isinstance(query, ModelQuery):
        tags = () if query.tag else tags
        query = msgspec.structs.replace(query, excluded_models=query.excluded_models + _numbers(found.models))
    elif isinstance(query, ImageQuery):
        query = msgspec.structs.replace(query, excluded_images=query.excluded_images + _numbers(found.images))
    return msgspec.structs.replace(
        query, excluded_users=query.excluded_users + people, excluded_tags=query.excluded_tags + tags
    )


def _asked_tags(query: ImageQuery | PostQuery | ModelQuery) -> tuple[int, ...]:
    if isinstance(query, ModelQuery):
        return ()
    return query.any_tags + (query.all_tags if isinstance(query, ImageQuery) else ())


def _numbers(things: tuple[HiddenThing, ...]) -> tuple[int, ...]:
    return tuple(one.id for one in things)


def _ids(read: Statements, user_id: int, target: str) -> tuple[HiddenThing, ...]:
    """As the caller named them: whether there is such a thing is not said."""
    sql = (
        "SELECT target_id FROM engagements WHERE user_id = ? AND target_type = ? AND kind = 'Hide' "
        "ORDER BY created_at, target_id"
    )
    return tuple(HiddenThing(id=row[0]) for row in read.rows(sql, (user_id, target)))


_PEOPLE = (
    "SELECT t.id, t.username FROM users t JOIN engagements e ON e.target_id = t.id "
    "WHERE e.user_id = ? AND e.target_type = 'user' AND e.kind = ? ORDER BY e.created_at, t.id"
)
_BY_PEOPLE = (
    "SELECT t.id, t.username FROM users t JOIN engagements e ON e.user_id = t.id "
    "WHERE e.target_id = ? AND e.target_type = 'user' AND e.kind = ? ORDER BY e.created_at, t.id"
)
_TAGS = (
    "SELECT t.id, t.name FROM tags t JOIN engagements e ON e.target_id = t.id "
    "WHERE e.user_id = ? AND e.target_type = 'tag' AND e.kind = ? ORDER BY e.created_at, t.id"
)


def _named(read: Statements, sql: str, user_id: int | None, kind: str = "Hide") -> tuple[HiddenThing, ...]:
    """People or tags that one account has to do with in this way; nobody has none."""
    rows = [] if user_id is None else read.rows(sql, (user_id, kind))
    return tuple(HiddenThing(id=id, name=name) for id, name in rows)


def toggle(library: Library, viewer: Viewer, command: ToggleHidden) -> Toggled:
    """Hide things, or show them again. For tags `hidden` says which of the two alone is done."""
    if command.kind not in TARGETS:
        return Toggled()
    target, kind = TARGETS[command.kind]
    added, removed = [], []
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        for one in command.targets:
            if target == "user" and one.id == user_id:
                raise BadRequest("You cannot hide yourself")
            stands = _stands(w, user_id, target, one.id, kind)
            wanted = not stands if command.hidden is None else command.hidden
            if wanted and not stands:
                _put(w, user_id, target, one.id, kind, library.now())
                added.append(one)
            elif stands and not wanted:
                _take(w, user_id, target, one.id)
                removed.append(one)
        w.note("hidden", user_id, "u")
    return Toggled(added=tuple(added), removed=tuple(removed))


def _stands(w: Write, user_id: int, target: str, id: int, kind: str) -> bool:
    sql = "SELECT kind FROM engagements WHERE user_id = ? AND target_type = ? AND target_id = ?"
    return bool(w.value(sql, (user_id, target, id)) == kind)


def _put(w: Write, user_id: int, target: str, id: int, kind: str, now: int) -> None:
    """One word a thing: whom one hides one no longer follows."""
    row = (user_id, target, id)
    if target == "user" and _stands(w, user_id, target, id, "Follow"):
        w.run("UPDATE users SET follower_count = follower_count - 1 WHERE id = ?", (id,))
        w.run("UPDATE users SET following_count = following_count - 1 WHERE id = ?", (user_id,))
    w.run("DELETE FROM engagements WHERE user_id = ? AND target_type = ? AND target_id = ?", row)
    w.run(
        "INSERT INTO engagements (user_id, target_type, target_id, kind, created_at) VALUES (?, ?, ?, ?, ?)",
        (*row, kind, now),
    )


def _take(w: Write, user_id: int, target: str, id: int) -> None:
    w.run("DELETE FROM engagements WHERE user_id = ? AND target_type = ? AND target_id = ?", (user_id, target, id))


def settings_of(library: Library, viewer: Viewer) -> dict[str, Any]:
    """What the caller has set: free-form, with the levels that lists use."""
    read = library.database.read()
    user_id = permits.writer(read, viewer)
    kept: dict[str, Any] = msgspec.json.decode(
        read.value("SELECT settings FROM users WHERE id = ?", (user_id,)) or "{}"
    )
    mask = viewer.mask(None)
    unset = {"blurNsfw": False, "autoplayGifs": True}
    return {**unset, **kept, "browsingLevel": mask, "showNsfw": levels.is_mature(mask)}


def change_settings(library: Library, viewer: Viewer, given: dict[str, Any], browsing: int | None) -> None:
    """Merge some settings into the caller's; `browsing`: the levels that lists use, within what the account may see."""
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        kept = msgspec.json.decode(w.value("SELECT settings FROM users WHERE id = ?", (user_id,)) or "{}")
        text = msgspec.json.encode({**kept, **given}).decode()
        if len(text) > SETTINGS_LENGTH:
            raise BadRequest("That is more than settings can hold")
        w.update("users", user_id, {"settings": text})
        if browsing is not None:
            w.update("users", user_id, {"browsing_level": (browsing & viewer.cap & levels.ALL) or None})
