"""What became of every file of a run: counted while it goes on, told honestly at its end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pinako.intake.walk import Refusal, key_of, shown

REMEMBERED = 10_000
"""Refusals that are listed one by one; beyond, they are only counted."""


class Report(msgspec.Struct, kw_only=True):
    """Counts of one run. Each found file ends up in exactly one of: images, model_files, previews, already, moved,
    skipped, trashed, sidecars, foreign, refused_count.
    """

    found: int = 0
    found_bytes: int = 0
    images: int = 0
    model_files: int = 0
    previews: int = 0
    already: int = 0
    moved: int = 0
    skipped: int = 0
    trashed: int = 0
    sidecars: int = 0
    foreign: int = 0
    refused_count: int = 0
    hidden: int = 0
    posts: int = 0
    models: int = 0
    versions: int = 0
    unrated: int = 0
    rated: int = 0
    restored: int = 0
    done_bytes: int = 0
    refused: list[Refusal] = []
    notes: list[Refusal] = []
    started: float = msgspec.field(default_factory=time.monotonic)
    interrupted: bool = False

    def try_again(self, paths: Iterable[Path]) -> None:
        """Files that are looked at once more, since they changed: what was said of them is taken back."""
        again = {key_of(path) for path in paths}
        left = [each for each in self.refused if key_of(each.path) not in again]
        taken = len(self.refused) - len(left)
        self.refused = left
        self.refused_count -= taken
        self.found -= taken

    def refuse(self, refusal: Refusal) -> None:
        """Note a file that was not brought in."""
        self.refused_count += 1
        if len(self.refused) < REMEMBERED:
            self.refused.append(refusal)

    @property
    def done(self) -> int:
        """Files that are dealt with."""
        brought = self.images + self.model_files + self.previews
        known = self.already + self.moved + self.trashed
        return brought + known + self.skipped + self.sidecars + self.foreign + self.refused_count

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return time.monotonic() - self.started

    def sentence(self) -> str:
        """The end of the story in one line: `4,812 of 5,130; 3 unreadable; 315 already here`."""
        media = self.found - self.sidecars - self.foreign
        brought = self.images + self.model_files + self.previews
        parts = [f"{brought:,} of {media:,} brought in"]
        for count, word in (
            (self.refused_count, "unreadable"),
            (self.already, "already here"),
            (self.moved, "moved, and known at their new place"),
            (self.trashed, "in the trash"),
            (self.skipped, "passed over by rules"),
            (self.foreign, "no media or models"),
            (self.sidecars, "read as notes on models"),
            (self.hidden, "hidden"),
        ):
            if count:
                parts.append(f"{count:,} {word}")
        return "; ".join(parts)

    def as_data(self) -> dict[str, object]:
        """The report for `--json`."""
        return {
            "found": self.found,
            "images": self.images,
            "modelFiles": self.model_files,
            "previews": self.previews,
            "alreadyHere": self.already,
            "moved": self.moved,
            "skipped": self.skipped,
            "inTrash": self.trashed,
            "sidecars": self.sidecars,
            "notMedia": self.foreign,
            "unreadable": self.refused_count,
            "hidden": self.hidden,
            "posts": self.posts,
            "models": self.models,
            "versions": self.versions,
            "unrated": self.unrated,
            "rated": self.rated,
            "restored": self.restored,
            "bytes": self.done_bytes,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "refused": [{"path": shown(each.path), "reason": each.reason} for each in self.refused],
            "notes": [{"path": shown(each.path), "note": each.reason} for each in self.notes],
        }
