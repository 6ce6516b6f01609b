"""What was imported already: by path, size and time before anything is read, by content once it is.

One row for each path. A file that was moved keeps what it became: it is found by its inode where its size and time are the
same and its old place is empty, else by its content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from pinako.intake.walk import Source, key_of
from pinako.storage.scopes import Statements, Write

IMAGE, MODEL_FILE = "image", "model file"

_COLUMNS = "path, size, mtime_ns, inode, sha256, entity_type, entity_id"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What one path held when it was imported, and the image or model file that it became."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    sha256: str
    entity_type: str
    entity_id: int

    def is_same(self, source: Source) -> bool:
        """Whether a file looks untouched: same size, time and inode."""
        return (self.size, self.mtime_ns, self.inode) == (source.size, source.mtime_ns, source.inode)


def _records(rows: Iterable[Sequence[object]]) -> list[Known]:
    return [msgspec.convert(dict(zip(Known.__struct_fields__, row, strict=True)), Known) for row in rows]


def by_path(read: Statements, sources: Iterable[Source]) -> dict[Path, Known]:
    """What is known of these paths; new ones are left out."""
    keys = {key_of(source.path): source.path for source in sources}
    sql = f"SELECT {_COLUMNS} FROM imported_files WHERE path IN (?*)"
    return {keys[row.path]: row for row in _records(read.by_ids(sql, list(keys)))}


def by_inode(read: Statements, sources: Iterable[Source]) -> dict[Path, Known]:
    """Of files at new paths those that were moved: untouched, and no longer where they were."""
    wanted = {source.inode: source for source in sources}
    sql = f"SELECT {_COLUMNS} FROM imported_files WHERE inode IN (?*)"
    found = {}
    for row in _records(read.by_ids(sql, list(wanted))):
        source = wanted[row.inode]
        if row.is_same(source) and not _is_there(row.path):
            found[source.path] = row
    return found


def of_user(read: Statements, rows: Mapping[Path, Known], user_id: int) -> dict[Path, Known]:
    """Those of these that count for one user: model files, mirrored images, and their own; somebody else's picture does not."""
    ids = list({row.entity_id for row in rows.values() if row.entity_type == IMAGE})
    sql = "SELECT id FROM images WHERE (user_id = ? OR source <> '') AND id IN (?*)"
    own = {row[0] for row in read.by_ids(sql, ids, (user_id,))}
    return {path: row for path, row in rows.items() if row.entity_type != IMAGE or row.entity_id in own}


def count_trashed(read: Statements, rows: Mapping[Path, Known]) -> int:
    """How many of these files became images that lie in the trash."""
    ids = [row.entity_id for row in rows.values() if row.entity_type == IMAGE]
    trashed = {row[0] for row in read.by_ids("SELECT id FROM images WHERE deleted_at IS NOT NULL AND id IN (?*)", ids)}
    return sum(id in trashed for id in ids)


def _is_there(path: str) -> bool:
    # A name that is spelled (not UTF-8) is never found, so that such a file is known by its content alone.
    return os.path.lexists(path) or "\ufffd" in path


def by_content(read: Statements, hashes: Iterable[str], entity_type: str) -> dict[str, int]:
    """The thing that each content became when it was imported, by SHA-256."""
    sql = "SELECT sha256, entity_id, entity_type FROM imported_files WHERE sha256 IN (?*)"
    rows = read.by_ids(sql, list(dict.fromkeys(hashes)))
    return {row[0]: int(row[1]) for row in rows if row[2] == entity_type}


def remember(w: Write, source: Source, sha256: str, entity_type: str, entity_id: int, now: int) -> None:
    """Note what a path became. Rows of the same content whose file is gone are dropped: it was moved."""
    remember_all(w, [(source, sha256, entity_id)], entity_type, now)


def remember_all(w: Write, news: Sequence[tuple[Source, str, int]], entity_type: str, now: int) -> None:
    """The same for many: files, their contents, and the ids of what they became."""
    paths = {key_of(source.path) for source, _, _ in news}
    sql = "SELECT path FROM imported_files WHERE sha256 IN (?*)"
    for (old,) in w.by_ids(sql, [sha256 for _, sha256, _ in news]):
        if old not in paths and not _is_there(old):
            w.run("DELETE FROM imported_files WHERE path = ?", (old,))
    columns = ("path", "size", "mtime_ns", "inode", "sha256", "entity_type", "entity_id", "seen_at")
    rows = [
        (key_of(source.path), source.size, source.mtime_ns, source.inode, sha256, entity_type, id, now)
        for source, sha256, id in news
    ]
    w.upsert_many("imported_files", columns, rows, key=("path",))
