"""What the run has to write, gathered and kept in short transactions; the only place of the importer that writes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pinako.errors import NotFound
from pinako.intake import known
from pinako.intake.keep import Arrival, PictureKeeper, Terms, rate
from pinako.intake.keep_models import ModelKeeper, Weighed
from pinako.intake.known import Known
from pinako.intake.report import Report
from pinako.intake.walk import Source, key_of
from pinako.media.cache import forget_source
from pinako.media.store import MediaStore
from pinako.services import sweep
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database

MOST = 100
"""Arrivals of one transaction: a running server's writes wait no longer than these take."""
OFTEN_S = 1.0
MOVES_AT_ONCE = 500


class Writer:
    """Gathers arrivals of one run and keeps them. `derivatives` is where their thumbnails lie. For one thread."""

    def __init__(self, database: Database, store: MediaStore, derivatives: Path, terms: Terms, report: Report) -> None:
        self._derivatives = derivatives
        self._database, self._store, self._terms, self._report = database, store, terms, report
        self._pictures = PictureKeeper(terms, report)
        self._models = ModelKeeper(terms, report)
        self._arrivals: list[Arrival] = []
        self._weighed: list[Weighed] = []
        self._last = time.monotonic()
        # A sweep of another process must see that somebody writes, also while no worker lives.
        with store.writer():
            pass

    def take_picture(self, arrival: Arrival) -> None:
        """A picture to be kept."""
        self._arrivals.append(arrival)

    def take_model(self, weighed: Weighed) -> None:
        """A model file to be kept."""
        self._weighed.append(weighed)

    @property
    def is_due(self) -> bool:
        """Whether enough has gathered, or waited long enough."""
        count = len(self._arrivals) + len(self._weighed)
        return count >= MOST or (count > 0 and time.monotonic() - self._last > OFTEN_S)

    def write(self) -> None:
        """Keep what has gathered: models first, because previews show their versions."""
        while self._weighed or self._arrivals:
            weighed, self._weighed = self._weighed, []
            arrivals, self._arrivals = self._arrivals[:MOST], self._arrivals[MOST:]
            now = self._database.now()
            with self._database.write() as w:
                touched = Touched()
                for each in weighed:
                    self._models.keep(w, touched, each, now)
                self._pictures.keep(w, touched, arrivals, now)
                settle(w, touched, now)
            self._remove_unwanted()
        self._last = time.monotonic()

    def _remove_unwanted(self) -> None:
        """Contents that were stored before it was known that nobody wants them, and what was made of them."""
        unwanted, self._pictures.unwanted = self._pictures.unwanted, []
        read = self._database.read()
        kept = {row[0] for row in read.by_ids("SELECT sha256 FROM blobs WHERE sha256 IN (?*)", unwanted)}
        for sha256 in unwanted:
            if sha256 not in kept:
                self._store.delete(sha256)
                forget_source(self._derivatives, sha256)
        sweep.purge(self._database, self._store, self._derivatives)

    def know(self, rows: Mapping[Path, Known]) -> None:
        """Files that are here unchanged get what this run says of levels and tags, where they lack it."""
        if not (self._terms.rules.level or self._terms.rules.tags or self._terms.rules.rules):
            return
        wanted: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for path, row in rows.items():
            verdict = self._terms.rules.judge(path)
            if row.entity_type == known.IMAGE and not verdict.skip:
                wanted.setdefault((verdict.level, verdict.tags), []).append(row.entity_id)
        for (level, tags), ids in wanted.items():
            for start in range(0, len(ids), MOVES_AT_ONCE):
                self._rate(ids[start : start + MOVES_AT_ONCE], level, tags)

    def _rate(self, ids: Sequence[int], level: int, tags: Sequence[str]) -> None:
        now = self._database.now()
        with self._database.write() as w:
            touched = Touched()
            self._report.rated += rate(w, touched, ids, level, tags)
            settle(w, touched, now)

    def move(self, moves: Sequence[tuple[Source, Known]]) -> None:
        """Note the new places of files that were moved, and point links at them."""
        for start in range(0, len(moves), MOVES_AT_ONCE):
            batch = moves[start : start + MOVES_AT_ONCE]
            linked = self._linked(row.sha256 for _, row in batch)
            relinked = {row.sha256: source.path for source, row in batch if row.sha256 in linked}
            self._relink(relinked)
            now = self._database.now()
            with self._database.write() as w:
                for source, row in batch:
                    w.run("DELETE FROM imported_files WHERE path = ?", (row.path,))
                    known.remember(w, source, row.sha256, row.entity_type, row.entity_id, now)
                for sha256, path in relinked.items():
                    w.run("UPDATE blobs SET link_path = ? WHERE sha256 = ?", (key_of(path), sha256))
            self._report.moved += len(batch)

    def _linked(self, hashes: Iterable[str]) -> set[str]:
        sql = "SELECT sha256 FROM blobs WHERE link_path IS NOT NULL AND sha256 IN (?*)"
        return {row[0] for row in self._database.read().by_ids(sql, list(hashes))}

    def _relink(self, places: Mapping[str, Path]) -> None:
        for sha256, path in places.items():
            try:
                self._store.link(sha256, path)
            except NotFound:  # it went away just now: the next run will find where to
                continue
