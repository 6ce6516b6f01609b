"""What is held back from everybody, for moderators to decide on (domain.md d): let it be seen, block it, or purge it.

Of what is withheld only numbers are told, never bytes or words, and it can only be purged. Each decision leaves a note.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from pinako.catalog import levels
from pinako.catalog.images import Image
from pinako.catalog.people import Viewer
from pinako.catalog.visibility import Standing, image_standing
from pinako.errors import BadRequest, Forbidden, NotFound
from pinako.services import permits, trash, withheld
from pinako.services.library import Library
from pinako.services.settle import Touched, settle
from pinako.storage.records import find
from pinako.storage.scopes import Write
from pinako.storage.tables import HELD

MOST = 200
BLOCKED_BY = "moderated"
"""The original's word for what a moderator blocked."""


class Deed(StrEnum):
    """What a moderator can decide."""

    ACCEPT = "accept"
    BLOCK = "block"
    PURGE = "purge"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is held back: its numbers and flags. `withheld`: from moderators too."""

    id: int
    user_id: int
    level: int
    needs_review: str | None
    blocked_for: str | None
    ingestion: str
    minor: bool
    poi: bool
    withheld: bool
    blob: str | None
    source: str
    source_id: int | None
    created_at: int


_COLUMNS = ", ".join(Held.__struct_fields__)
HELD_ROWS = f"SELECT {_COLUMNS} FROM images WHERE {HELD} ORDER BY id DESC LIMIT {MOST}"


def list_held(library: Library, viewer: Viewer) -> list[Held]:
    """What waits, the latest first."""
    _check(viewer)
    rows = library.database.read().rows(HELD_ROWS)
    return [msgspec.convert(dict(zip(Held.__struct_fields__, row, strict=True)), Held, strict=False) for row in rows]


def decide(library: Library, viewer: Viewer, id: int, deed: Deed) -> None:
    """Do what a moderator decided. NotFound where nothing of this number is held back."""
    _check(viewer)
    now = library.now()
    if deed is Deed.PURGE and withheld.purge(library, viewer, [id]):
        return
    with library.database.write() as w:
        image = _held(w, id, now)
        touched = Touched()
        if deed is Deed.PURGE:
            trash.throw_away(w, touched, [id], now)
        else:
            w.update("images", id, {**_changes(image, deed), "updated_at": now})
        touched.images.add(id)
        note = {"at": now, "user_id": viewer.user_id, "action": f"image.{deed.value}", "subject": _subject(image)}
        w.insert("audit", note)
        settle(w, touched, now)
    if deed is Deed.PURGE:
        trash.empty_trash(library.database, library.media, library.settings.derivatives, [id], now)


def _check(viewer: Viewer) -> None:
    if not viewer.moderator or not viewer.may_write:
        raise Forbidden(permits.NOT_YOURS)


def _held(w: Write, id: int, now: int) -> Image:
    image = find(w, Image, id)
    if image is not None and image.withheld:
        raise BadRequest("What is withheld can only be purged")
    if image is None or image_standing(image, now) is not Standing.HELD:
        raise NotFound(permits.MISSING)
    return image


def _changes(image: Image, deed: Deed) -> dict[str, Any]:
    if deed is Deed.BLOCK:
        return {"blocked_for": BLOCKED_BY, "level": levels.BLOCKED, "level_locked": 1, "needs_review": None}
    if image.level & levels.BLOCKED:
        raise BadRequest("Rate it first: it is blocked by its level")
    # A minor at PG-13 that a moderator has looked at stays marked, and is not asked about again.
    kept = {"acceptable_minor": 1} if image.minor else {}
    return {"needs_review": None, "blocked_for": None, "ingestion": "Scanned", **kept}


def _subject(image: Image) -> str:
    """What the note says of the thing: numbers, hash, flags and where it came from."""
    return msgspec.json.encode({
        "id": image.id, "userId": image.user_id, "sha256": image.blob, "level": image.level, "minor": image.minor,
        "poi": image.poi, "needsReview": image.needs_review, "blockedFor": image.blocked_for, "source": image.source,
        "sourceId": image.source_id,
    }).decode()  # fmt: skip
