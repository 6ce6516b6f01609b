"""What a running server does beside its answers: saves the index, purges what must go, trims the log and old logins, and
stores documents again that another version wrote."""

from __future__ import annotations

import logging
import threading
from random import Random

from pinako.errors import PinakoError, StorageError
from pinako.services import renewal, sweep, uploads
from pinako.services.library import Library
from pinako.storage import changes

log = logging.getLogger(__name__)

EVERY_S = 2.0
"""Pause between looks at what there is to do."""
BUSY_MS = 200
"""How long documents are looked at and made anew between two pauses."""


class Upkeep:
    """The chores of one library, in a thread of their own; one process of all its servers does them."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._saved_at = library.now()
        self._saved = changes.newest(library.database.read()).seq
        self._renewals = renewal.renewals(library.database, Random())  # noqa: S311 - where to look, no secret
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin. After a fork, never before."""
        self._thread.start()

    def stop(self) -> None:
        """End, and save the index once more, so that the next start is quick."""
        self._end.set()
        self._thread.join()
        self.save()

    def _work(self) -> None:
        while not self._end.wait(EVERY_S):
            try:
                self.run_once()
            except PinakoError as error:
                log.warning("upkeep: %s", error)

    def run_once(self) -> None:
        """Do what is due."""
        sweep.purge(self._library.database, self._library.media, self._library.settings.derivatives)
        self._renew()
        if self._library.now() - self._saved_at >= self._library.settings.snapshot_seconds * 1000:
            self.save()
            self._tidy()

    def _renew(self) -> None:
        until, made = self._library.now() + BUSY_MS, 0
        for count in self._renewals:
            made += count
            if self._library.now() >= until or self._end.is_set():
                break
        if made:
            log.info("%d documents of another version were made anew", made)

    def save(self) -> None:
        """Save the index if anything was written since the last time."""
        newest = changes.newest(self._library.database.read()).seq
        self._saved_at = self._library.now()
        if newest == self._saved and not self._never_saved():
            return
        try:
            self._library.feeds.save()
            self._saved = newest
        except OSError as error:
            log.warning("the index could not be saved, the next start builds it anew: %s", error)

    def _never_saved(self) -> bool:
        folder = self._library.feeds.follower.folder
        return folder is not None and not folder.is_dir()

    def _tidy(self) -> None:
        uploads.sweep(self._library)
        now = self._library.now()
        with self._library.database.write() as w:
            changes.trim(w, keep=self._library.settings.changes_kept)
            w.run("DELETE FROM sessions WHERE expires_at < ?", (now,))


def compact(library: Library) -> tuple[int, int]:
    """Remove what is left over, give free space back and save a tidy index; the database's bytes before and after."""
    before = library.database.size()
    sweep.sweep(library.database, library.media, library.settings.derivatives, thorough=True)
    with library.database.write() as w:
        changes.trim(w, keep=library.settings.changes_kept)
        w.run("DELETE FROM sessions WHERE expires_at < ?", (library.now(),))
    library.database.compact()
    library.feeds.follower.rebuild()
    try:
        library.feeds.save()
    except OSError as error:
        raise StorageError(f"the index could not be saved: {error}") from error
    return before, library.database.size()
