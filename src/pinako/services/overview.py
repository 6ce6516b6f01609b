"""What the library is made of, for whoever keeps it: numbers over time, disk by kind, mirrors, imports, how quick it answers."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort
from pinako.services import browse
from pinako.services.library import Library
from pinako.storage.scopes import Statements

MONTH_MS = 2_629_800_000
"""A twelfth of a year."""
_HERE = "deleted_at IS NULL AND withheld = 0"
COUNTED = {
    "images": _HERE,
    "posts": "deleted_at IS NULL",
    "models": _HERE,
    "model_versions": "1 = 1",
    "model_files": "1 = 1",
    "collections": "deleted_at IS NULL",
    "tags": "1 = 1",
    "users": "deleted_at IS NULL",
}
"""Tables and what of them is there at all."""


class Share(msgspec.Struct, frozen=True):
    """One slice: its name and how much."""

    name: str
    amount: int


class Moment(msgspec.Struct, frozen=True):
    """How many images there were at a time (milliseconds)."""

    at: int
    count: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The library in numbers. Disk in bytes; `linked` are bytes in folders of the user's own."""

    counts: Mapping[str, int]
    growth: Sequence[Moment]
    by_base: Sequence[Share]
    by_level: Sequence[Share]
    by_generator: Sequence[Share]
    by_type: Sequence[Share]
    disk: Sequence[Share]
    linked: int


def survey(library: Library) -> Overview:
    """Count everything. Reads whole tables: for a thread."""
    with library.database.read() as read:
        return Overview(
            counts={
                table: int(read.value(f"SELECT COUNT(*) FROM {table} WHERE {where}"))
                for table, where in COUNTED.items()
            },
            growth=_growth(read),
            by_base=_shares(read, "base_model"),
            by_level=_shares(read, "level"),
            by_generator=_shares(read, "generator"),
            by_type=_shares(read, "type"),
            disk=_disk(read, library),
            linked=int(read.value("SELECT coalesce(sum(size), 0) FROM blobs WHERE link_path IS NOT NULL")),
        )


def _growth(read: Statements) -> list[Moment]:
    sql = f"SELECT created_at / {MONTH_MS}, COUNT(*) FROM images WHERE {_HERE} GROUP BY created_at / {MONTH_MS}"
    months = sorted((int(row[0]), int(row[1])) for row in read.rows(sql))
    found, total = [], 0
    for month, count in months:
        total += count
        found.append(Moment((month + 1) * MONTH_MS, total))
    return found


def _shares(read: Statements, column: str) -> list[Share]:
    sql = f"SELECT {column}, COUNT(*) FROM images WHERE {_HERE} GROUP BY {column}"
    rows = [Share("" if row[0] is None else str(row[0]), int(row[1])) for row in read.rows(sql)]
    return sorted(rows, key=lambda share: (-share.amount, share.name))


def _disk(read: Statements, library: Library) -> list[Share]:
    """Bytes of our own by kind. What an image and a model share counts as the image's."""
    own: dict[str, int] = defaultdict(int)
    sql = "SELECT b.mime, SUM(b.size) FROM blobs b WHERE b.link_path IS NULL GROUP BY b.mime"
    for mime, size in read.rows(sql):
        kind = str(mime).partition("/")[0]
        own[kind if kind in ("image", "video", "audio") else "model"] += int(size)
    own["derivative"] = folder_size(library.settings.derivatives)
    own["index"] = folder_size(library.settings.folder / "index")
    own["database"] = library.database.size()
    return [Share(kind, size) for kind, size in sorted(own.items(), key=lambda item: -item[1]) if size]


def folder_size(folder: Path) -> int:
    """Bytes of the files under a folder; 0 where there is none."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except OSError:  # it went meanwhile
                continue
    return total


class Surveys:
    """The last survey, made again when it is asked for and stale."""

    def __init__(self, library: Library, lasts_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._lasts_s = lasts_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: tuple[float, Overview] | None = None

    def get(self) -> Overview:
        """A survey of the last minute. Slow: ask on a thread."""
        with self._lock:
            if self._made is None or self._clock() - self._made[0] > self._lasts_s:
                self._made = (self._clock(), survey(self._library))
            return self._made[1]


class Timed(msgspec.Struct, frozen=True):
    """How long one kind of question took, in milliseconds, each time that it was asked."""

    name: str
    took: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return sorted(self.took)[len(self.took) // 2]


def time_questions(library: Library, viewer: Viewer, times: int = 9) -> list[Timed]:
    """Ask the library a few questions now, as pages do, and time them."""
    ids = browse.images(library, ImageQuery(limit=60), viewer).ids

    def list_by(sort: ImageSort) -> Callable[[int], object]:
        # Another length each time: a page that was asked for a moment ago is kept.
        return lambda turn: browse.images(library, ImageQuery(limit=60 + turn, sort=sort), viewer)

    questions: tuple[tuple[str, Callable[[int], object]], ...] = (
        ("newest", list_by(ImageSort.NEWEST)),
        ("liked", list_by(ImageSort.MOST_REACTIONS)),
        ("random", list_by(ImageSort.RANDOM)),
        ("documents", lambda _: library.feeds.documents.fetch("image_trpc", ids)),
        ("row", lambda _: library.database.read().value("SELECT COUNT(*) FROM users")),
    )
    return [Timed(name, tuple(_time(question, turn) for turn in range(times))) for name, question in questions]


def _time(question: Callable[[int], object], turn: int) -> float:
    begun = time.perf_counter()
    question(turn)
    return (time.perf_counter() - begun) * 1000


class Mirrored(msgspec.Struct, frozen=True, kw_only=True):
    """One address that is kept a copy of. Times in milliseconds; `whole_at` None: no run was whole yet."""

    source: str
    target: str
    added_at: int
    begun_at: int
    whole_at: int | None


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A thing upstream that is not here as it should be, and why."""

    source: str
    entity: str
    id: int
    state: str
    reason: str
    since: int


class Mirrors(msgspec.Struct, frozen=True, kw_only=True):
    """What is mirrored, how many things are in each state, and the latest that went wrong or went away."""

    targets: Sequence[Mirrored]
    states: Sequence[tuple[str, str, int]]
    gone: Sequence[Trouble]
    failed: Sequence[Trouble]


class _Target(msgspec.Struct):
    kind: str = ""
    origin: str = ""
    id: int | None = None
    name: str | None = None


def mirrors(read: Statements, most: int = 50) -> Mirrors:
    """The state of all mirrors."""
    rows = read.rows(
        "SELECT source, target, added_at, begun_at, whole_at FROM mirror_targets ORDER BY added_at, target"
    )
    targets = [
        Mirrored(source=row[0], target=_said(row[1]), added_at=row[2], begun_at=row[3], whole_at=row[4]) for row in rows
    ]
    counted = read.rows(
        "SELECT entity_type, state, COUNT(*) FROM mirror_items GROUP BY entity_type, state ORDER BY 1, 2"
    )
    return Mirrors(
        targets=targets,
        states=[(str(row[0]), str(row[1]), int(row[2])) for row in counted],
        gone=_troubles(read, "state = 'gone'", most),
        failed=_troubles(read, "state IN ('failed', 'damaged', 'incomplete')", most),
    )


def _said(target: str) -> str:
    try:
        given = msgspec.json.decode(target, type=_Target)
    except msgspec.MsgspecError:
        return target
    return " ".join(str(part) for part in (given.kind, given.name or given.id or "", given.origin) if part)


def _troubles(read: Statements, where: str, most: int) -> list[Trouble]:
    sql = (
        "SELECT source, entity_type, source_id, state, reason, since FROM mirror_items "
        f"WHERE {where} ORDER BY since DESC, source_id DESC LIMIT ?"
    )
    names = ("source", "entity", "id", "state", "reason", "since")
    return [Trouble(**dict(zip(names, row, strict=True))) for row in read.rows(sql, (most,))]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """Files of one folder that were imported: how many, their bytes, and when the last was seen (milliseconds)."""

    folder: str
    images: int
    models: int
    size: int
    seen_at: int


class RecentImport(msgspec.Struct, frozen=True, kw_only=True):
    """One imported file and what it became."""

    path: str
    entity: str
    id: int
    seen_at: int


def imports(read: Statements, most: int = 30) -> tuple[list[Imported], list[RecentImport]]:
    """Imported files by folder, the largest first, and the latest ones. Reads every imported path: for a thread."""
    folders: dict[str, list[int]] = {}
    for rows in read.stream("SELECT path, size, entity_type, seen_at FROM imported_files"):
        for path, size, entity, seen_at in rows:
            held = folders.setdefault(str(Path(path).parent), [0, 0, 0, 0])
            held[0 if entity == "image" else 1] += 1
            held[2] += int(size)
            held[3] = max(held[3], int(seen_at))
    found = [
        Imported(folder=folder, images=held[0], models=held[1], size=held[2], seen_at=held[3])
        for folder, held in folders.items()
    ]
    found.sort(key=lambda one: (-(one.images + one.models), one.folder))
    latest = read.rows(
        "SELECT path, entity_type, entity_id, seen_at FROM imported_files ORDER BY seen_at DESC, path LIMIT ?", (most,)
    )
    recent = [RecentImport(path=row[0], entity=row[1], id=row[2], seen_at=row[3]) for row in latest]
    return found[:200], recent
