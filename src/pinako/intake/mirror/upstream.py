"""Records of what the mirror reads beyond the client's own: everything of models and versions that has a column here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from pinako.client.reading import Record, read_record
from pinako.client.records.models import Model, ModelFile, ModelStats, ModelVersion


class WholeStats(ModelStats, frozen=True, kw_only=True):
    """Counts with those that only whole records have."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **ModelStats.aliases,
        "image_count": ("imageCountAllTime",),
        "generation_count": ("generationCountAllTime",),
    }

    image_count: int | None = None
    generation_count: int | None = None


class PaidAccess(Record, frozen=True, kw_only=True):
    """A gate. Without an end it is for good."""

    ends_at: datetime | None = None
    permanent: bool = False


class WholeVersion(ModelVersion, frozen=True, kw_only=True):
    """A version with all its columns."""

    steps: int | None = None
    epochs: int | None = None
    clip_skip: int | None = None
    meta: dict[str, Any] | None = None
    flags: int | None = None
    licensing_fee: float | None = None
    paid_access: PaidAccess | None = None  # type: ignore[assignment]
    stats: WholeStats = WholeStats()


class WholeModel(Model, frozen=True, kw_only=True):
    """A model with all its columns."""

    upload_type: str = ""
    locked: bool = False
    meta: dict[str, Any] | None = None
    gallery_settings: dict[str, Any] | None = None
    hidden_metrics: dict[str, Any] | None = None
    deleted_at: datetime | None = None
    can_generate: bool = False
    stats: WholeStats = WholeStats()
    model_versions: tuple[WholeVersion, ...] = ()


def whole(model: Model) -> WholeModel:
    """A model of either door, read again with everything."""
    return read_record(WholeModel, model.raw)


class ModelDocs(msgspec.Struct, frozen=True, kw_only=True):
    """What both doors say of one model. At least one of them is there."""

    id: int
    rest: WholeModel | None = None
    trpc: WholeModel | None = None

    @property
    def best(self) -> WholeModel:
        """The fuller one."""
        found = self.trpc or self.rest
        if found is None:
            raise KeyError(self.id)
        return found

    @property
    def creator_name(self) -> str | None:
        """Whose model it is."""
        return next((one.creator.username for one in (self.trpc, self.rest) if one and one.creator), None)

    @property
    def creator_id(self) -> int | None:
        """The creator's id, where either door gives it."""
        for one in (self.trpc, self.rest):
            if one is not None and one.creator is not None and one.creator.id is not None:
                return one.creator.id
        return self.rest.user_id if self.rest else None

    def versions(self) -> list[tuple[WholeVersion, WholeVersion | None]]:
        """Each version as tRPC has it beside REST's; in REST's order, which is the creator's."""
        rest = {one.id: one for one in self.rest.model_versions} if self.rest else {}
        if self.trpc is None or not self.trpc.model_versions:
            return [(one, one) for one in rest.values()]
        order = {id: place for place, id in enumerate(rest)}
        listed = sorted(self.trpc.model_versions, key=lambda one: order.get(one.id, len(order)))
        return [(one, rest.get(one.id)) for one in listed]

    def files(self, version_id: int) -> list[tuple[ModelFile, ModelFile | None]]:
        """Each file of a version as the fuller door has it, beside REST's."""
        for trpc, rest in self.versions():
            if trpc.id == version_id:
                known = {file.id: file for file in rest.files} if rest else {}
                return [(file, known.get(file.id)) for file in trpc.files or (rest.files if rest else ())]
        return []
