"""The one door to what is withheld: a moderator sees ids, hashes, flags and where it came from, and removes it for good.

Never bytes, texts, names or tags (domain.md d, OURS 2). Every removal leaves a note of who did it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pinako.catalog.people import Viewer
from pinako.errors import Forbidden
from pinako.services import permits, trash
from pinako.services.library import Library
from pinako.services.publish import keep_tombstone
from pinako.storage.scopes import Statements

ACTION = "purge withheld"


class Withheld(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What may be known of a withheld image. Times in milliseconds."""

    id: int
    user_id: int
    post_id: int | None
    sha256: str | None
    phash: str | None
    level: int
    minor: int
    poi: int
    needs_review: str | None
    blocked_for: str | None
    source: str
    source_id: int | None
    created_at: int


_COLUMNS = (
    "id, user_id, post_id, blob, phash, level, minor, poi, needs_review, blocked_for, source, source_id, created_at"
)


def list_withheld(library: Library, viewer: Viewer) -> list[Withheld]:
    """All of it, the latest first. Forbidden for anybody but moderators."""
    _check(viewer)
    read = library.database.read()
    return _found(read, [row[0] for row in read.rows("SELECT id FROM images WHERE withheld = 1 ORDER BY id DESC")])


def _check(viewer: Viewer) -> None:
    if not viewer.moderator:
        raise Forbidden("This is for moderators")


def _found(read: Statements, ids: Sequence[int]) -> list[Withheld]:
    rows = {row[0]: row for row in read.by_ids(f"SELECT {_COLUMNS} FROM images WHERE withheld = 1 AND id IN (?*)", ids)}
    names = Withheld.__struct_fields__
    found = [dict(zip(names, rows[id], strict=True)) for id in ids if id in rows]
    # As text: a perceptual hash has more digits than JavaScript's numbers.
    return [Withheld(**{**one, "phash": None if one["phash"] is None else str(one["phash"])}) for one in found]


def purge(library: Library, viewer: Viewer, ids: Iterable[int] | None) -> int:
    """Remove withheld images for good, all where none is named: rows, bytes and what was made of them; how many went.

    Ids of anything else are passed over. A mirrored one is not fetched again.
    """
    _check(viewer)
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        wanted = [row[0] for row in w.rows("SELECT id FROM images WHERE withheld = 1 ORDER BY id")]
        if ids is not None:
            named = set(ids)
            wanted = [id for id in wanted if id in named]
        doomed = _found(w, wanted)
        for one in doomed:
            subject = msgspec.json.encode(one).decode()
            w.insert("audit", {"at": now, "user_id": user_id, "action": ACTION, "subject": subject})
        w.by_ids("UPDATE images SET deleted_at = ? WHERE withheld = 1 AND id IN (?*) RETURNING id", wanted, (now,))
    gone = trash.empty_trash(library.database, library.media, library.settings.derivatives, wanted, now)
    with library.database.write() as w:
        for one in doomed:
            if one.source_id is not None:
                keep_tombstone(w, "image", one.source, one.source_id, "withheld", now)
    return gone
