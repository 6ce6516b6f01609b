"""Follows folders live: what lies in them is brought in, and what appears there once it is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from watchfiles import Change, watch

from pinako.intake.folder import Run
from pinako.intake.walk import Source, look_at

DEBOUNCE_MS = 800
STEP_MS = 200
QUIET_S = 1.0
"""A file that has not changed for so long counts as whole."""


class Arriving:
    """Files that have appeared or changed, until they are quiet. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Path, tuple[Source | None, float]] = {}

    def note(self, paths: Iterable[Path]) -> None:
        """These have just changed."""
        for path in paths:
            self._seen[path] = (None, self._clock())

    def take_whole(self) -> list[Path]:
        """Those that have had the same size and time for long enough; folders and vanished files at once."""
        now, whole = self._clock(), []
        for path, (before, since) in list(self._seen.items()):
            looked = look_at(path)
            if not isinstance(looked, Source):
                del self._seen[path]
                whole += [path] if path.is_dir() else []
            elif before != looked:
                self._seen[path] = (looked, now)
            elif now - since >= QUIET_S:
                del self._seen[path]
                whole.append(path)
        return whole

    def __len__(self) -> int:
        return len(self._seen)


def follow(run: Run, paths: Sequence[Path], begun: Callable[[], None] = lambda: None) -> None:
    """Bring in what lies below these paths, then what appears there, until the run is asked to stop.

    `begun` is called between the two. What appears while the first is brought in is not missed: the watch stands by then.
    """
    arriving, brought = Arriving(), False
    # A pause without changes comes back as an empty set, which is when files turn out to be quiet.
    for changes in watch(
        *paths, debounce=DEBOUNCE_MS, step=STEP_MS, stop_event=run.stopping, rust_timeout=500, yield_on_timeout=True
    ):
        if not brought:
            brought = True
            run.bring(paths)
            begun()
        arriving.note(Path(name) for change, name in changes if change != Change.deleted and is_visible(name, paths))
        whole = arriving.take_whole()
        if whole:
            run.report.try_again(whole)
            run.bring(whole)


def is_visible(name: str, roots: Sequence[Path]) -> bool:
    """Whether no part of a path below the watched folders begins with a dot."""
    path = Path(name)
    for root in roots:
        absolute = root.absolute()
        if path.is_relative_to(absolute):
            return not any(part.startswith(".") for part in path.relative_to(absolute).parts)
    return True
