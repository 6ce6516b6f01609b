"""Bytes that nobody may have or nothing needs: what withheld things leave, and what interrupted runs left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from pinako.media.cache import forget_source
from pinako.media.store import MediaStore
from pinako.storage.database import Database
from pinako.storage.scopes import Statements

HOUR = 3_600_000
_BATCH = 500


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep removed: half-written files, whole ones that no row knows, and bytes of withheld things."""

    partial: int = 0
    unknown: int = 0
    purged: int = 0

    def __bool__(self) -> bool:
        return bool(self.partial or self.unknown or self.purged)


def sweep(database: Database, media: MediaStore, derivatives: Path, *, thorough: bool = False) -> Swept:
    """Remove what is left over; `derivatives` is where renderings lie.

    Cheap unless a killed run left half-written files, or `thorough` asks to look anyway.

    A content is kept before its row is written, so a run that is killed in between leaves a file that nothing knows. Such files
    are looked for only where there are signs of it: the whole store must be listed.
    """
    purged = purge(database, media, derivatives)
    partial = media.sweep()
    unknown = _remove_unknown(database, media) if partial or thorough else 0
    return Swept(partial=partial, unknown=unknown, purged=purged)


def purge(database: Database, media: MediaStore, derivatives: Path) -> int:
    """Delete the bytes of things that became withheld, except those that a visible thing has too (domain.md d).

    The row goes first, then the file, then what was made of it, then the order to do so: whatever interrupts it, the next call
    goes on.
    """
    queued = [str(row[0]) for row in database.read().rows("SELECT sha256 FROM purges ORDER BY at")]
    gone = 0
    for start in range(0, len(queued), _BATCH):
        batch = queued[start : start + _BATCH]
        doomed = _forget(database, batch)
        for sha256 in doomed:
            gone += media.delete(sha256)
            forget_source(derivatives, sha256)
        with database.write() as w:
            w.by_ids("DELETE FROM purges WHERE sha256 IN (?*) RETURNING sha256", batch)
    return gone


def _forget(database: Database, hashes: list[str]) -> list[str]:
    """Take the rows of unneeded contents away; their hashes."""
    with database.write() as w:
        needed = set(_needed(w, hashes))
        doomed = [sha256 for sha256 in hashes if sha256 not in needed]
        w.by_ids("UPDATE images SET blob = NULL WHERE blob IN (?*) RETURNING id", doomed)
        w.by_ids("DELETE FROM blobs WHERE sha256 IN (?*) RETURNING sha256", doomed)
    return doomed


def _needed(read: Statements, hashes: list[str]) -> Iterator[str]:
    yield from (row[0] for row in read.by_ids("SELECT blob FROM images WHERE withheld = 0 AND blob IN (?*)", hashes))
    yield from (row[0] for row in read.by_ids("SELECT blob FROM model_files WHERE blob IN (?*)", hashes))


def _remove_unknown(database: Database, media: MediaStore) -> int:
    """Delete contents that no row knows. Where somebody writes, young ones stay: their rows may be about to come.

    Who writes holds a session from before its first content until after its last row. So a content that was there before
    nobody wrote any more, and has no row after that, will never have one.
    """
    stored = list(media.blobs())
    quiet, oldest_kept = media.is_quiet(), database.now() - HOUR
    # The age of a reference is that of the user's file and says nothing about when it was written.
    unknown = _without_rows(database, [blob.sha256 for blob in stored if quiet or blob.linked_to is None])
    return sum(media.delete(sha256) for sha256 in unknown if quiet or _is_old(media, sha256, oldest_kept))


def unknown_contents(database: Database, media: MediaStore) -> list[str]:
    """Stored contents without a row, references to a user's own files apart."""
    return _without_rows(database, [blob.sha256 for blob in media.blobs() if blob.linked_to is None])


def _without_rows(database: Database, stored: list[str]) -> list[str]:
    known: set[str] = set()
    for start in range(0, len(stored), _BATCH):
        batch = stored[start : start + _BATCH]
        known.update(row[0] for row in database.read().by_ids("SELECT sha256 FROM blobs WHERE sha256 IN (?*)", batch))
    return [sha256 for sha256 in stored if sha256 not in known]


def _is_old(media: MediaStore, sha256: str, before: int) -> bool:
    """Whether a content was written before that time (milliseconds). Where the store cannot say, it is not."""
    path = media.locate(sha256)
    with suppress(OSError):
        return path is not None and path.stat().st_mtime * 1000 < before
    return False
