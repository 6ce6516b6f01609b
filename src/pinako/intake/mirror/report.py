"""What became of everything a run of the mirror met: counted while it goes on, told honestly at its end."""

from __future__ import annotations

import time

import msgspec

REMEMBERED = 10_000
"""Things that are listed one by one; beyond, they are only counted."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that is not here, or not whole: what it is upstream, in which state, and why in one sentence."""

    source: str
    entity: str
    id: int | None
    state: str
    reason: str


class Report(msgspec.Struct, kw_only=True):
    """Counts of one run. Each image found is exactly one of: new, changed, already, or missing in some state.

    `left` counts what left a collection. `bytes` came over the network in this run, `expected_bytes` would come where it only
    counts. `whole` turns false when a list could not be read to its end.
    """

    images: int = 0
    posts: int = 0
    models: int = 0
    versions: int = 0
    files: int = 0
    collections: int = 0
    fetched: int = 0
    bytes: int = 0
    changed: int = 0
    already: int = 0
    gone: int = 0
    left: int = 0
    withheld: int = 0
    left_out: int = 0
    found: int = 0
    expected_bytes: int = 0
    missing_count: int = 0
    missing: list[Missing] = []
    interrupted: bool = False
    whole: bool = True
    started: float = msgspec.field(default_factory=time.monotonic)

    def miss(self, missing: Missing) -> None:
        """Note something that could not be had."""
        self.missing_count += 1
        if len(self.missing) < REMEMBERED:
            self.missing.append(missing)

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return time.monotonic() - self.started

    def sentence(self) -> str:
        """The end of the story in one line."""
        made = [
            (self.images, "image"),
            (self.posts, "post"),
            (self.models, "model"),
            (self.files, "model file"),
            (self.collections, "collection"),
        ]
        parts = [f"{count:,} {word}{'' if count == 1 else 's'} new" for count, word in made if count]
        for count, word in (
            (self.changed, "changed"),
            (self.already, "already here"),
            (self.gone, "gone upstream (kept here)"),
            (self.left, "no longer in their collection (kept in it here)"),
            (self.withheld, "withheld"),
            (self.left_out, "left out"),
            (self.missing_count, "missing"),
        ):
            if count:
                parts.append(f"{count:,} {word}")
        return "; ".join(parts) or "nothing to do"

    def as_data(self) -> dict[str, object]:
        """The report for `--json`."""
        return {
            "images": self.images,
            "posts": self.posts,
            "models": self.models,
            "versions": self.versions,
            "files": self.files,
            "collections": self.collections,
            "fetched": self.fetched,
            "bytes": self.bytes,
            "changed": self.changed,
            "alreadyHere": self.already,
            "gone": self.gone,
            "left": self.left,
            "withheld": self.withheld,
            "leftOut": self.left_out,
            "found": self.found,
            "expectedBytes": self.expected_bytes,
            "missing": self.missing_count,
            "whole": self.whole,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "items": [msgspec.to_builtins(each) for each in self.missing],
        }
