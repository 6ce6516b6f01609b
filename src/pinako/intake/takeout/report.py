"""What bringing in a takeout did, by kind, and what of it could not be brought in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

MOST_LISTED = 10_000
KINDS = (
    ("images", "image"), ("posts", "post"), ("models", "model"), ("versions", "version"), ("files", "model file"),
    ("collections", "collection"), ("items", "item of a collection"), ("people", "account"), ("tags", "tag"),
    ("reactions", "reaction"), ("engagements", "follow or other choice"), ("received", "document as received"),
)  # fmt: skip


@dataclass
class TakeoutReport:
    """Counts of one takeout by the name of its file of records."""

    path: Path
    found: int = 0
    done: int = 0
    made: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    already: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    dangling: int = 0
    withheld: int = 0
    trashed: int = 0
    refused_count: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    interrupted: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.started

    def count(self, which: dict[str, int], name: str, number: int = 1) -> None:
        """One more of a kind."""
        which[name] = which.get(name, 0) + number

    def refuse(self, what: str, reason: str) -> None:
        """Something was not brought in."""
        self.refused_count += 1
        if len(self.refused) < MOST_LISTED:
            self.refused.append((what, reason))

    def sentence(self) -> str:
        """The run in one line."""
        new = ", ".join(
            f"{self.made[name]:,} {word}{'' if self.made[name] == 1 else 's'}"
            for name, word in KINDS
            if self.made.get(name)
            and name in ("images", "posts", "models", "versions", "files", "collections", "people", "tags")
        )
        parts = [f"new: {new}" if new else "nothing new"]
        for number, word in (
            (sum(self.changed.values()), "changed"),
            (sum(self.already.values()), "already here"),
            (self.trashed, "in the trash"),
            (self.withheld, "withheld"),
            (self.dangling, "speak of what is not here"),
            (self.refused_count, "not brought in"),
        ):
            if number:
                parts.append(f"{number:,} {word}")
        return "; ".join(parts)

    def as_data(self) -> dict[str, object]:
        """The report for `--json`."""
        return {
            "takeout": str(self.path),
            "records": self.found,
            "new": self.made,
            "changed": self.changed,
            "alreadyHere": self.already,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "speakOfWhatIsNotHere": self.dangling,
            "withheld": self.withheld,
            "trashed": self.trashed,
            "refusedCount": self.refused_count,
            "refused": [{"what": what, "reason": reason} for what, reason in self.refused],
            "interrupted": self.interrupted,
        }
