"""Which pictures make a post together: those of a folder, or of a folder and a day, twenty at most; or each its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from pinako.catalog.filenames import safe_name
from pinako.intake.walk import Source, shown

LARGEST = 20
"""Images of a post, as the original allows (domain.md f)."""

Grouping = Literal["folder", "day", "none"]


class OpenPost:
    """A post that pictures are still being put into. `id` is None until the first of them is kept.

    `at` is its posting time in milliseconds where files' dates count; `version_id` the model version that it shows.
    """

    def __init__(self, title: str | None, *, at: int | None = None, version_id: int | None = None) -> None:
        self.title, self.at, self.version_id = title, at, version_id
        self.id: int | None = None
        self.planned = 0

    def take_place(self) -> int:
        """The next place in it."""
        self.planned += 1
        return self.planned - 1

    @property
    def is_full(self) -> bool:
        """Whether it has no place left."""
        return self.planned >= LARGEST


class Slot(NamedTuple):
    """Where one picture goes."""

    post: OpenPost
    place: int


class Groups:
    """Plans posts. What stays open at a folder's end is filled up when more pictures of it come (as in `--watch`)."""

    def __init__(self, grouping: Grouping, *, dated: bool) -> None:
        self._grouping = grouping
        self._dated = dated
        self._open: dict[tuple[Path, str], OpenPost] = {}

    def plan(self, folder: Path, sources: Iterable[Source]) -> Iterator[tuple[Source, Slot]]:
        """A slot for each picture of a folder, in their order."""
        for source in sources:
            post = self._post_for(folder, source)
            if self._dated:
                # The newest picture dates the post; nothing is posted in the future.
                post.at = max(post.at or 0, source.mtime_ns // 1_000_000)
            yield source, Slot(post, post.take_place())

    def _post_for(self, folder: Path, source: Source) -> OpenPost:
        if self._grouping == "none":
            return OpenPost(None)
        day = _day(source) if self._grouping == "day" else ""
        post = self._open.get((folder, day))
        if post is None or post.is_full:
            name = safe_name(shown(folder.absolute().name)) if folder.absolute().name else ""
            title = ", ".join(part for part in (name, day) if part)
            post = self._open[folder, day] = OpenPost(title or None)
        return post


def _day(source: Source) -> str:
    """The day of a file's last change, in this machine's time zone."""
    return datetime.fromtimestamp(source.mtime_ns / 1e9, tz=UTC).astimezone().date().isoformat()
