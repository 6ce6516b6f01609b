"""Accounts of a takeout. Its owner becomes this library's owner; whom it is of is found by name; all others are made anew.

Nobody who is only spoken of is ever taken for somebody here: a name alone proves nothing, and what a takeout says of others
must not become what accounts of this library did. No account that is made here has credentials or rights over others.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pinako.catalog.people import User
from pinako.intake.takeout.ids import Ids, Named
from pinako.intake.takeout.records import Person, noun_of
from pinako.services import access, publish
from pinako.services.settle import Touched
from pinako.storage.database import Database
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write

KNOWN = "="
"""The digest of an account that was here before: it is spoken of, and never written over."""

_OWNED = (
    ("images", "user_id"), ("posts", "user_id"), ("models", "user_id"), ("collections", "user_id"),
    ("reactions", "user_id"), ("engagements", "user_id"), ("collection_contributors", "user_id"),
)  # fmt: skip
_POINTING = (("api_keys", "user_id"), ("sessions", "user_id"), ("audit", "user_id"))


def place_people(database: Database, ids: Ids, people: Sequence[tuple[Person, bytes]], whose: int | None) -> None:
    """Choose the local account of each person. `whose`: the account that the takeout's things go to, where one was named."""
    for person, _ in people:
        user = noun_of(User, person.user)
        here = _account_here(database.read(), ids, user, whose, subject=person.subject)
        if here is not None:
            ids.move("user", user.id, here)
        else:
            ids.place("user", [Named(id=user.id, source=user.source, source_id=user.source_id)])


def _account_here(read: Statements, ids: Ids, user: User, whose: int | None, *, subject: bool) -> int | None:
    """The account here that a person is; None for a new one, or where the rule of all things decides."""
    before = ids.before(read, "user", [user.id])
    if before:
        return before[user.id].local_id
    if user.source_id is not None or not subject:
        return None
    if whose is not None:
        return whose
    if user.is_owner:
        owner = access.owner_of(read)
        assert owner is not None  # noqa: S101 - opening a library makes its owner
        return None if _may_be_renamed(read, owner, user) else owner.id
    named = read.value("SELECT id FROM users WHERE username_key = ? AND source_id IS NULL", (user.username_key,))
    return None if named is None else int(named)


def _may_be_renamed(read: Statements, owner: User, user: User) -> bool:
    """Whether this library's owner has nothing yet, so that it can take its former number and name."""
    if owner.id == user.id:
        return False
    free = read.row(
        "SELECT 1 FROM users WHERE id = ? OR (username_key = ? AND id <> ?)", (user.id, user.username_key, owner.id)
    )
    return free is None and not any(
        read.row(f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1", (owner.id,)) for table, column in _OWNED
    )


def keep_person(w: Write, touched: Touched, ids: Ids, person: Person, digest: str) -> bool:
    """Write an account where it is new, or is what it was when it was last brought in; whether it was written."""
    user = noun_of(User, person.user)
    local = ids.local("user", user.id)
    before = ids.before(w, "user", [user.id]).get(user.id)
    if local is None or (before is not None and before.digest in (KNOWN, digest)):
        return False
    picture = ids.local("image", user.profile_picture_id)
    row = msgspec.structs.replace(user, id=local, profile_picture_id=picture, is_owner=False)
    old = find(w, User, local)
    owner = access.owner_of(w)
    if person.subject and user.is_owner and old is None and owner is not None:
        _rename_owner(w, touched, owner, msgspec.structs.replace(row, is_owner=True, is_moderator=True))
    elif old is not None and before is None:
        if ids.is_own:
            return False
        ids.remember(w, "user", user.id, local, KNOWN)
        return False
    else:
        # Who was made the owner here by an earlier run stays it.
        owns = old is not None and old.is_owner
        kept = msgspec.structs.replace(row, is_owner=owns, is_moderator=owns)
        publish.keep_user(w, touched, _with_free_name(w, kept))
    ids.remember(w, "user", user.id, local, digest)
    return True


def _rename_owner(w: Write, touched: Touched, owner: User, user: User) -> None:
    """The owner of an empty library takes the number, name and preferences that it had; keys and logins stay its own."""
    w.run("UPDATE users SET id = ? WHERE id = ?", (user.id, owner.id))
    for table, column in _POINTING:
        w.run(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (user.id, owner.id))
    publish.keep_user(w, touched, user)
    w.note("user", owner.id, "u")


def _with_free_name(w: Write, user: User) -> User:
    """A name that somebody else has here gets a number behind it."""
    name, number = user.username, 1
    while name and w.row("SELECT 1 FROM users WHERE username_key = ? AND id <> ?", (name.lower(), user.id)) is not None:
        number += 1
        name = f"{user.username}_{number}"
    return msgspec.structs.replace(user, username=name, username_key=name.lower() if name else None)
