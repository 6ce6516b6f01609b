"""Is the library whole? Every row that names bytes against every stored content, both ways, and the lists against the rows;
and what can be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

import msgspec

from pinako.errors import NotFound
from pinako.feed import verify
from pinako.feed.feeds import Feeds
from pinako.feed.verify import Difference, check_documents
from pinako.media.blobs import Blob, hash_file
from pinako.media.store import MediaStore
from pinako.services import renewal
from pinako.services.settle import Touched, chunks, settle
from pinako.storage.database import Database

_BATCH = 500


class Trouble(Enum):
    """What can be wrong with a content."""

    MISSING = "the database names it, but it is not stored"
    OTHER_SIZE = "it is stored, but its size is not the one recorded"
    DAMAGED = "it is stored, but its bytes are not what they were"
    UNRECORDED = "an image or model file names it, but it is not recorded"
    UNUSED = "it is stored and recorded, but nothing names it"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble. `about` says what it is; `used_by` the things that name it, as `image 12` or `model file 7`."""

    sha256: str
    trouble: Trouble
    used_by: tuple[str, ...] = ()

    def text(self) -> str:
        """The finding as a sentence."""
        users = f" (used by {', '.join(self.used_by)})" if self.used_by else ""
        return f"{self.sha256}: {self.trouble.value}{users}"


def check_contents(
    database: Database,
    media: MediaStore,
    *,
    hashes: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Finding]:
    """Every trouble with stored contents. `hashes` reads every byte again and compares.

    `progress` is told how many of how many recorded contents were looked at.
    """
    recorded: set[str] = set()
    total = int(database.read().value("SELECT count(*) FROM blobs"))
    for rows in database.read().stream("SELECT sha256, size FROM blobs ORDER BY sha256"):
        used = _users(database, [row[0] for row in rows])
        for sha256, size in rows:
            recorded.add(sha256)
            trouble = _trouble(media, sha256, size, hashes)
            if trouble is None and sha256 not in used:
                trouble = Trouble.UNUSED
            if trouble is not None:
                yield Finding(sha256=sha256, trouble=trouble, used_by=tuple(used.get(sha256, ())))
            progress(len(recorded), total)
    yield from _unrecorded(database, recorded)


def _trouble(media: MediaStore, sha256: str, size: int, hashes: bool) -> Trouble | None:
    blob = media.stat(sha256)
    if blob is None:
        return Trouble.MISSING
    if blob.size != size:
        return Trouble.OTHER_SIZE
    return Trouble.DAMAGED if hashes and not _is_whole(media, blob) else None


def _is_whole(media: MediaStore, blob: Blob) -> bool:
    try:
        with media.borrow(blob.sha256) as path:
            return hash_file(path) == blob.sha256
    except (NotFound, OSError):
        return False


def _users(database: Database, hashes: list[str]) -> dict[str, list[str]]:
    """Which things name each content."""
    found: dict[str, list[str]] = {}
    read = database.read()
    for table, word in (("images", "image"), ("model_files", "model file")):
        for sha256, id in read.by_ids(f"SELECT blob, id FROM {table} WHERE blob IN (?*)", hashes):
            found.setdefault(sha256, []).append(f"{word} {id}")
    return found


def _unrecorded(database: Database, recorded: set[str]) -> Iterator[Finding]:
    named: dict[str, list[str]] = {}
    for table, word in (("images", "image"), ("model_files", "model file")):
        for rows in database.read().stream(f"SELECT blob, id FROM {table} WHERE blob IS NOT NULL"):
            for sha256, id in rows:
                if sha256 not in recorded:
                    named.setdefault(sha256, []).append(f"{word} {id}")
    for sha256, users in sorted(named.items()):
        yield Finding(sha256=sha256, trouble=Trouble.UNRECORDED, used_by=tuple(users))


def repair(database: Database, media: MediaStore, finding: Finding) -> str:
    """Mend one finding; what was done.

    Bytes that are lost stay lost: what named them then says so (no bytes), and importing or mirroring them again fills the gap.
    """
    if finding.trouble is Trouble.UNRECORDED and (blob := media.stat(finding.sha256)) is not None:
        _record(database, blob)
        return "recorded again"
    _forget(database, finding.sha256)
    if finding.trouble is not Trouble.MISSING:
        media.delete(finding.sha256)
    return "removed" if finding.trouble is Trouble.UNUSED else "its users now say that they have no bytes"


def _record(database: Database, blob: Blob) -> None:
    with database.write() as w:
        mime = w.value("SELECT mime FROM images WHERE blob = ? AND mime IS NOT NULL LIMIT 1", (blob.sha256,))
        row = {
            "sha256": blob.sha256,
            "size": blob.size,
            "mime": mime or "application/octet-stream",
            "link_path": None if blob.linked_to is None else str(blob.linked_to),
            "created_at": database.now(),
        }
        w.insert_new("blobs", row)


def _forget(database: Database, sha256: str) -> None:
    """Take a content's row away, and its name from whatever names it."""
    with database.write() as w:
        touched = Touched()
        touched.images.update(row[0] for row in w.rows("SELECT id FROM images WHERE blob = ?", (sha256,)))
        touched.versions.update(
            row[0] for row in w.rows("SELECT version_id FROM model_files WHERE blob = ?", (sha256,))
        )
        w.run("UPDATE images SET blob = NULL WHERE blob = ?", (sha256,))
        w.run("UPDATE model_files SET blob = NULL WHERE blob = ?", (sha256,))
        w.run("DELETE FROM imported_files WHERE sha256 = ?", (sha256,))
        w.run("DELETE FROM blobs WHERE sha256 = ?", (sha256,))
        settle(w, touched, database.now())


def check_lists(feeds: Feeds) -> Iterator[Difference]:
    """What the lists would answer wrongly: the index, loaded and caught up, against the database."""
    return verify.check_indexes(feeds.follower)


def repair_lists(feeds: Feeds, database: Database, differences: Iterable[Difference]) -> None:
    """Make the index anew, and the documents that are old; other processes hear of each thing through the change log."""
    wrong: dict[str, set[int]] = {}
    for difference in differences:
        wrong.setdefault(difference.entity, set()).update(difference.ids)
    for entity, ids in wrong.items():
        for run in chunks(ids):
            renewal.remake(database, entity, run)
    feeds.follower.rebuild()
    feeds.save()


__all__ = ["Finding", "Trouble", "check_contents", "check_documents", "check_lists", "repair", "repair_lists"]
