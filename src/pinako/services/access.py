"""Keys, passwords and sessions: from what a caller shows to the Viewer that every rule sees (rest.md 3, trpc.md 1.10).

A key or token is 256 bits of chance, so a plain SHA-256 of it is a safe index; passwords go through argon2. A credential
that is wrong, expired, revoked or of a banned account makes its caller anonymous: it is never an error by itself.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import cache

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pinako.catalog import levels
from pinako.catalog.people import Scope, User, Viewer
from pinako.errors import BadRequest, Conflict, NotFound
from pinako.storage.database import Database
from pinako.storage.records import find, select, values_of
from pinako.storage.scopes import Statements, Write

DAY = 86_400_000
USED_EVERY = 60_000
"""How stale `last_used_at` may be, in milliseconds: a write on every request would be the dearest part of it."""
USERNAME = re.compile(r"[A-Za-z0-9_]{1,50}")
OWNER_NAME = "owner"

_passwords = PasswordHasher()


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as lists show it: never the key itself."""

    id: int
    user_id: int
    username: str | None
    name: str
    scope: Scope
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


def hash_of(secret: str) -> str:
    """What is stored of a key or session token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def owner_of(read: Statements) -> User | None:
    """The library's owner."""
    found = select(read, User, "is_owner = 1 ORDER BY id LIMIT 1")
    return found[0] if found else None


def ensure_owner(database: Database, now: int) -> User:
    """The library's owner, a moderator, made at the first open."""
    owner = owner_of(database.read())
    if owner is not None:
        return owner
    with database.write() as w:
        owner = owner_of(w)
        if owner is None:
            owner = User(
                id=w.next_id("users"),
                username=OWNER_NAME,
                username_key=OWNER_NAME,
                is_owner=True,
                is_moderator=True,
                created_at=now,
            )
            w.insert("users", values_of(owner))
    return owner


def find_user(read: Statements, name: str) -> User | None:
    """The account of a name, whatever its case; deleted ones do not exist."""
    found = select(read, User, "username_key = ? AND deleted_at IS NULL", (name.lower(),))
    return found[0] if found else None


def need_user(read: Statements, name: str) -> User:
    """The account of a name, or NotFound that says so."""
    user = find_user(read, name)
    if user is None:
        raise NotFound(f"No user named {name}")
    return user


def add_user(
    w: Write, name: str, now: int, *, moderator: bool = False, max_level: int = levels.ALL, password: str | None = None
) -> User:
    """Make an account. BadRequest for a name outside letters, digits and _; Conflict for one that is taken."""
    if not USERNAME.fullmatch(name):
        raise BadRequest("A user name is 1 to 50 letters, numbers and _")
    if w.row("SELECT 1 FROM users WHERE username_key = ?", (name.lower(),)) is not None:
        raise Conflict(f"There is a user named {name} already")
    user = User(
        id=w.next_id("users"),
        username=name,
        username_key=name.lower(),
        is_moderator=moderator,
        max_level=max_level,
        created_at=now,
    )
    w.insert("users", values_of(user))
    w.note("user", user.id, "u")
    if password is not None:
        set_password(w, user.id, password)
    return user


def set_password(w: Write, user_id: int, password: str) -> None:
    """Set an account's password. Slow on purpose: call it outside the event loop."""
    w.update("users", user_id, {"password_hash": _passwords.hash(password)})


def check_password(database: Database, name: str, password: str) -> User | None:
    """The account whose name and password these are, or None. Takes as long for unknown names as for known ones."""
    read = database.read()
    row = read.row("SELECT id, password_hash FROM users WHERE username_key = ?", (name.lower(),))
    stored = row[1] if row is not None and row[1] else _decoy()
    try:
        _passwords.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return None
    user = find(read, User, row[0]) if row is not None and row[1] else None
    return user if user is not None and user.banned_at is None and user.deleted_at is None else None


@cache
def _decoy() -> str:
    """The hash of no password that anybody has. Made when first needed: it takes as long as hashing must."""
    return _passwords.hash(secrets.token_hex(16))


def add_key(w: Write, user_id: int, name: str, scope: Scope, now: int, secret: str | None = None) -> str:
    """Make an API key and give it back: the only time that it can be read. 32 hex characters, as the original's.

    `secret` is for demo libraries, whose keys come from their seed. BadRequest for an empty name: nobody could revoke by it.
    """
    if not name.strip():
        raise BadRequest("A key needs a name")
    key = secret or secrets.token_hex(16)
    w.insert(
        "api_keys",
        {
            "id": w.next_id("api_keys"),
            "user_id": user_id,
            "name": name,
            "key_hash": hash_of(key),
            "scope": str(scope),
            "created_at": now,
        },
    )
    return key


_KEYS = (
    "SELECT k.id, k.user_id, u.username, k.name, k.scope, k.created_at, k.last_used_at, k.revoked_at "
    "FROM api_keys k JOIN users u ON u.id = k.user_id "
)


def list_keys(read: Statements, user_id: int | None = None) -> list[Key]:
    """The keys of one user, or all, oldest first."""
    where, params = ("WHERE k.user_id = ? ", (user_id,)) if user_id is not None else ("", ())
    names = Key.__struct_fields__
    rows = read.rows(f"{_KEYS}{where}ORDER BY k.id", params)
    return [msgspec.convert(dict(zip(names, row, strict=True)), Key) for row in rows]


def revoke_key(w: Write, which: str, now: int, user_id: int | None = None) -> int:
    """Revoke by id or name; how many keys that were. NotFound when it is none."""
    mine, params = (" AND user_id = ?", (user_id,)) if user_id is not None else ("", ())
    by_id = int(which) if which.isdecimal() and len(which) < 19 else -1
    sql = f"UPDATE api_keys SET revoked_at = ? WHERE (id = ? OR name = ?) AND revoked_at IS NULL{mine}"
    count = w.run(sql, (now, by_id, which, *params))
    if not count:
        raise NotFound(f"No key with the id or name {which}")
    return count


def open_session(w: Write, user_id: int, now: int, days: int, agent: str | None = None) -> str:
    """A token for a session cookie."""
    token = secrets.token_urlsafe(32)
    w.insert(
        "sessions",
        {
            "token_hash": hash_of(token),
            "user_id": user_id,
            "created_at": now,
            "expires_at": now + days * DAY,
            "agent": (agent or "")[:200],
        },
    )
    return token


def close_session(w: Write, token: str) -> None:
    """Log out: the token is worth nothing from now on."""
    w.run("DELETE FROM sessions WHERE token_hash = ?", (hash_of(token),))


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A login as lists show it: `id` names it and opens nothing. Times in milliseconds; `current` is the asking one."""

    id: str
    created_at: int
    expires_at: int
    agent: str | None
    current: bool = False


_NAME_LENGTH = 24


def list_sessions(read: Statements, user_id: int, now: int, token: str = "") -> list[Session]:
    """The logins of a user that still hold, the latest first. `token` is that of the one who asks."""
    sql = (
        "SELECT token_hash, created_at, expires_at, agent FROM sessions WHERE user_id = ? AND expires_at > ? "
        "ORDER BY created_at DESC, token_hash"
    )
    own = hash_of(token)
    return [
        Session(id=hashed[:_NAME_LENGTH], created_at=made, expires_at=ends, agent=agent, current=hashed == own)
        for hashed, made, ends, agent in read.rows(sql, (user_id, now))
    ]


def revoke_session(w: Write, user_id: int, id: str) -> None:
    """End one login of a user. NotFound where there is none of this name."""
    if len(id) != _NAME_LENGTH or not id.isalnum():
        raise NotFound("No such login")
    if not w.run("DELETE FROM sessions WHERE user_id = ? AND token_hash LIKE ?", (user_id, f"{id}%")):
        raise NotFound("No such login")


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """Instance-wide caps: what anonymous callers and new accounts may see."""

    public_level: int = levels.PUBLIC
    account_level: int = levels.ALL


_ACCOUNT = "u.id, u.username, u.is_moderator, u.max_level, u.browsing_level"
_ALIVE = "u.banned_at IS NULL AND u.deleted_at IS NULL"
_BY_KEY = (
    f"SELECT {_ACCOUNT}, k.scope, k.id, k.last_used_at FROM api_keys k JOIN users u ON u.id = k.user_id "
    f"WHERE k.key_hash = ? AND k.revoked_at IS NULL AND {_ALIVE}"
)
_BY_SESSION = (
    f"SELECT {_ACCOUNT} FROM sessions s JOIN users u ON u.id = s.user_id "
    f"WHERE s.token_hash = ? AND s.expires_at > ? AND {_ALIVE}"
)


def anonymous(caps: Caps) -> Viewer:
    """The caller who shows nothing."""
    return Viewer(cap=caps.public_level & levels.ALL)


def viewer_of_key(read: Statements, key: str, caps: Caps) -> tuple[Viewer, int | None]:
    """Who a key speaks for, and when it was last noted as used. A wrong key is an anonymous caller."""
    row = read.row(_BY_KEY, (hash_of(key),))
    if row is None:
        return anonymous(caps), None
    return _viewer(row, caps, scope=Scope(row[5]), key_id=row[6]), row[7]


def viewer_of_session(read: Statements, token: str, now: int, caps: Caps) -> Viewer:
    """Who a session cookie speaks for; anonymous when it is unknown or expired."""
    row = read.row(_BY_SESSION, (hash_of(token), now))
    if row is None:
        return anonymous(caps)
    return _viewer(row, caps, scope=Scope.WRITE, key_id=None)


def _viewer(row: tuple[object, ...], caps: Caps, *, scope: Scope, key_id: int | None) -> Viewer:
    user_id, username, moderator, level, browsing = row[:5]
    own = levels.ALL if level is None else int(str(level))
    return Viewer(
        cap=own & caps.account_level & levels.ALL,
        user_id=int(str(user_id)),
        username=None if username is None else str(username),
        moderator=bool(moderator),
        scope=scope,
        browsing=None if browsing is None else int(str(browsing)),
        key_id=key_id,
        via_session=key_id is None,
    )


def note_use(database: Database, key_id: int, now: int) -> None:
    """Remember that a key was used. Callers do it at most once a minute for each key."""
    with database.write() as w:
        w.run("UPDATE api_keys SET last_used_at = ? WHERE id = ?", (now, key_id))
