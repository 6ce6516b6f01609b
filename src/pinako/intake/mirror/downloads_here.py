"""Downloads that were made here: no row tells of each, so they are what a counter has beyond what upstream said last."""

from __future__ import annotations

import msgspec

from pinako.intake.journal import Item
from pinako.intake.mirror.upstream import ModelDocs, WholeStats


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The download counters of a model and of its versions (by upstream's number) as upstream gave them."""

    model: int | None = None
    versions: dict[int, int] = {}

    def as_text(self) -> str:
        """For the journal's line on the model."""
        return msgspec.json.encode(self).decode()

    def here(self, count: int, version: int | None = None) -> int:
        """How many of so many downloads of the model, or of one of its versions, were made here."""
        said = self.model if version is None else self.versions.get(version)
        return 0 if said is None else max(count - said, 0)


def said_before(item: Item | None) -> Said:
    """What the journal's line on a model remembers."""
    try:
        return msgspec.json.decode(item.digest, type=Said) if item is not None and item.digest else Said()
    except msgspec.DecodeError:
        return Said()


def said_now(docs: ModelDocs, before: Said) -> Said:
    """What upstream says now; where it hides a counter, what it said before."""
    both = [one.stats for one in (docs.trpc, docs.rest) if one is not None]
    counts = {
        version.id: _first([version.stats, *([beside.stats] if beside else [])]) for version, beside in docs.versions()
    }
    given = {id: count for id, count in counts.items() if count is not None}
    found = _first(both)
    return Said(model=before.model if found is None else found, versions={**before.versions, **given})


def _first(stats: list[WholeStats]) -> int | None:
    return next((one.download_count for one in stats if one.download_count is not None), None)
