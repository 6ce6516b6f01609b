"""What an export did: counts, bytes, and each thing that did not go out with the reason."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pinako.intake.export.placing import Outcome

MOST_LISTED = 10_000


def counted(number: int, word: str) -> str:
    """`1 file`, `1,204 files`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Left:
    """One thing that is not in the export as asked, or was told of otherwise: its kind, id and why."""

    kind: str
    id: int
    reason: str


@dataclass
class Report:
    """Counts of one run. `files` and `bytes` are what was written; `same` what lay there already."""

    images: int = 0
    models: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    sidecars: int = 0
    records: int = 0
    embedded: int = 0
    bytes: int = 0
    left_count: int = 0
    note_count: int = 0
    interrupted: bool = False
    left: list[Left] = field(default_factory=list)
    notes: list[Left] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.started

    def count(self, outcome: Outcome, size: int) -> None:
        """One file and its size."""
        if outcome is Outcome.SAME:
            self.same += 1
            return
        self.bytes += size
        if outcome is Outcome.NEW:
            self.new += 1
        else:
            self.changed += 1

    def leave(self, kind: str, id: int, reason: str) -> None:
        """Something could not go out."""
        self.left_count += 1
        if len(self.left) < MOST_LISTED:
            self.left.append(Left(kind, id, reason))

    def note(self, kind: str, id: int, reason: str) -> None:
        """Something went out otherwise than asked."""
        self.note_count += 1
        if len(self.notes) < MOST_LISTED:
            self.notes.append(Left(kind, id, reason))

    def sentence(self) -> str:
        """The run in one line."""
        parts = [counted(self.images, "image")]
        if self.models:
            parts.append(counted(self.models, "model file"))
        done = f"{counted(self.new, 'file')} written, {self.changed:,} changed, {self.same:,} there already"
        left = f"; {self.left_count:,} left out" if self.left_count else ""
        return f"{', '.join(parts)}: {done}{left}"

    def as_data(self) -> dict[str, object]:
        """The report for scripts."""
        return {
            "images": self.images,
            "modelFiles": self.models,
            "new": self.new,
            "changed": self.changed,
            "same": self.same,
            "sidecars": self.sidecars,
            "records": self.records,
            "embedded": self.embedded,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "leftOutCount": self.left_count,
            "leftOut": [{"kind": one.kind, "id": one.id, "reason": one.reason} for one in self.left],
            "notes": [{"kind": one.kind, "id": one.id, "reason": one.reason} for one in self.notes],
        }
