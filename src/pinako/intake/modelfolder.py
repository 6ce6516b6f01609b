"""A folder in which model files lie: headers first, then a place for each file, then the files one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from pinako.intake.claims import Claims
from pinako.intake.jobs import ModelHead
from pinako.intake.modelgroups import ModelPlan, OpenVersion, adopt, plan_models
from pinako.intake.walk import Source

HEADERS_AT_ONCE = 32
"""Model files whose headers are read in one job."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A model file that is to be hashed, with the previews that lie beside it."""

    plan: ModelPlan
    previews: tuple[Source, ...]


class ModelFolder:
    """What is known of one folder's model files while their headers are read.

    `fresh` are those to bring in; `homes` gives (model id, version id) of those that are here: they decide where others of
    their name belong. `previews` are new preview pictures.
    """

    def __init__(
        self,
        path: Path,
        claims: Claims,
        fresh: Sequence[Source],
        here: Mapping[Path, Source],
        homes: Mapping[Path, tuple[int, int]],
        previews: Sequence[Source],
    ) -> None:
        self.path = path
        self._claims = claims
        self._fresh = {source.path for source in fresh}
        self._sources = [*fresh, *here.values()]
        self._homes = homes
        self._previews: dict[Path, list[Source]] = {}
        for preview in previews:
            self._previews.setdefault(claims.owners[preview.path], []).append(preview)
        self._heads: list[ModelHead] = []
        self._plans: dict[Path, ModelPlan] = {}

    def batches(self) -> Iterator[tuple[tuple[Source, ...], tuple[tuple[str, ...], ...]]]:
        """The files in portions, each with the names that belong to each of them."""
        for start in range(0, len(self._sources), HEADERS_AT_ONCE):
            batch = tuple(self._sources[start : start + HEADERS_AT_ONCE])
            yield batch, tuple(self._claims.models.get(source.path, ()) for source in batch)

    def take(self, heads: Sequence[ModelHead]) -> bool:
        """Take a portion of headers; whether all are there now and the places are decided."""
        self._heads.extend(heads)
        if len(self._heads) < len(self._sources):
            return False
        order = {source.path: place for place, source in enumerate(self._sources)}
        self._heads.sort(key=lambda head: order[head.source.path])
        self._plans = plan_models(self._heads)
        adopt(self._plans, self._homes)
        return True

    def fresh_heads(self) -> Iterator[tuple[ModelHead, Placed | None]]:
        """The new files, each with its place; None for one that could not be read or is no model file."""
        for head in self._heads:
            path = head.source.path
            if path in self._fresh:
                plan = self._plans.get(path)
                yield head, Placed(plan=plan, previews=self._take_previews(path)) if plan is not None else None

    def late_previews(self) -> Iterator[tuple[OpenVersion | None, Source]]:
        """Previews that came after their model, with its version; None where the model is not here."""
        for path in self._homes:
            plan = self._plans.get(path)
            for preview in self._take_previews(path):
                yield (plan.version if plan is not None else None), preview
        for previews in self._previews.values():
            yield from ((None, preview) for preview in previews)

    def _take_previews(self, model: Path) -> tuple[Source, ...]:
        """The previews of a model file, those that are called so before a plain picture of its name."""
        order = {name: place for place, name in enumerate(self._claims.models.get(model, ()))}
        mine = self._previews.pop(model, [])
        return tuple(sorted(mine, key=lambda preview: order[preview.path.name]))
