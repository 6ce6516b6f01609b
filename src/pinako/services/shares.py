"""Share links: signed, ending, limited to one collection and to levels; whoever has one sees the collection's things.

A link opens nothing by itself: the one predicate is asked as for everybody, only with the link's levels, and only for what
the collection holds (seeing.py). What is withheld, held back, private or a draft stays what it is.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from pinako.catalog import levels
from pinako.catalog.collections import Collection
from pinako.catalog.people import Shared, Viewer
from pinako.errors import BadRequest, NotFound, Unauthorized
from pinako.services import permits
from pinako.services.collections import permissions
from pinako.services.library import Library
from pinako.storage.records import find
from pinako.storage.scopes import Statements

DAY = 86_400_000
MOST_DAYS = 3650
SIGNATURE_LENGTH = 40


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One link. Times in milliseconds."""

    id: int
    collection_id: int
    level: int
    user_id: int
    created_at: int
    expires_at: int
    revoked_at: int | None = None


_COLUMNS = ", ".join(Share.__struct_fields__)


def make(library: Library, viewer: Viewer, collection_id: int, level: int, days: int) -> Share:
    """A link to a collection that the caller manages, within levels that the caller sees."""
    now = library.now()
    if not 0 < days <= MOST_DAYS:
        raise BadRequest(f"A link holds for 1 to {MOST_DAYS} days")
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        _managed(w, viewer, collection_id)
        mask = max(level, 0) & viewer.cap & levels.ALL
        if not mask:
            raise BadRequest("Expected levels that you see yourself: 1, 2, 4, 8, 16, added up")
        share = Share(
            id=w.next_id("shares"), collection_id=collection_id, level=mask, user_id=user_id, created_at=now,
            expires_at=now + days * DAY,
        )  # fmt: skip
        w.insert("shares", msgspec.structs.asdict(share))
    return share


def _managed(read: Statements, viewer: Viewer, id: int) -> None:
    if not permissions(read, find(read, Collection, id), viewer, id).manage:
        raise Unauthorized(permits.NOT_YOURS)


def list_shares(library: Library, viewer: Viewer, collection_id: int) -> list[Share]:
    """The links of a collection that hold, the latest first."""
    read = library.database.read()
    permits.writer(read, viewer)
    _managed(read, viewer, collection_id)
    sql = (
        f"SELECT {_COLUMNS} FROM shares WHERE collection_id = ? AND revoked_at IS NULL AND expires_at > ? "
        "ORDER BY created_at DESC, id DESC"
    )
    return [_share(row) for row in read.rows(sql, (collection_id, library.now()))]


def revoke(library: Library, viewer: Viewer, id: int) -> None:
    """End a link. NotFound where it is not the caller's to end."""
    with library.database.write() as w:
        permits.writer(w, viewer)
        row = w.row(f"SELECT {_COLUMNS} FROM shares WHERE id = ?", (id,))
        collection = None if row is None else find(w, Collection, _share(row).collection_id)
        if collection is None or not permissions(w, collection, viewer, collection.id).manage:
            raise NotFound("No such link")
        w.run("UPDATE shares SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (library.now(), id))


def _share(row: tuple[object, ...]) -> Share:
    return msgspec.convert(dict(zip(Share.__struct_fields__, row, strict=True)), Share)


# --- tokens -------------------------------------------------------------------------------------------------------


def token_of(secret: str, share: Share) -> str:
    """What the link carries: which it is, when it ends, and proof that this library made it."""
    return f"{share.id}-{share.expires_at // 1000}-{_sign(secret, share.id, share.expires_at // 1000)}"


def _sign(secret: str, id: int, expires: int) -> str:
    return hmac.new(secret.encode(), f"share\n{id}\n{expires}".encode(), hashlib.sha256).hexdigest()[:SIGNATURE_LENGTH]


def open_token(library: Library, token: str) -> Share | None:
    """The link of a token; None where it is not ours, has ended, was revoked, or leads to no collection any more."""
    parts = token.split("-")
    if len(token) > 100 or len(parts) != 3 or not all(part.isascii() and part.isdecimal() for part in parts[:2]):
        return None
    id, expires = int(parts[0]), int(parts[1])
    expected = _sign(library.database.library.link_secret, id, expires)
    if not hmac.compare_digest(expected.encode(), parts[2].encode("utf-8", "replace")):
        return None
    now, read = library.now(), library.database.read()
    row = read.row(f"SELECT {_COLUMNS} FROM shares WHERE id = ? AND revoked_at IS NULL AND expires_at > ?", (id, now))
    if row is None or expires * 1000 <= now:
        return None
    collection = find(read, Collection, _share(row).collection_id)
    return _share(row) if collection is not None and collection.deleted_at is None else None


def shared_by(library: Library, token: str) -> Shared | None:
    """What a token opens."""
    share = open_token(library, token)
    return None if share is None else Shared(collection_id=share.collection_id, level=share.level)
