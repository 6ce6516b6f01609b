"""A folder's model files as models, versions and files, decided from headers, names and sidecars before a byte is hashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pinako.intake.groups import OpenPost
from pinako.intake.jobs import ModelHead
from pinako.intake.walk import key_of
from pinako.metadata.modelfiles.describing import base_model_of, model_type_of
from pinako.metadata.modelfiles.grouping import FileFacts, GroupedFile, GroupedModel, GroupedVersion, group_files
from pinako.metadata.modelfiles.records import ModelFileReading
from pinako.metadata.modelfiles.sidecars import Sidecar


class OpenModel:
    """A model that files are being put into. `id` is None until its first file is kept."""

    def __init__(self, grouped: GroupedModel) -> None:
        self.grouped = grouped
        self.id: int | None = None
        self.versions = [OpenVersion(self, version) for version in grouped.versions]


class OpenVersion:
    """One version of it, the newest name first among its siblings. `previews` is the post of its preview images."""

    def __init__(self, model: OpenModel, grouped: GroupedVersion) -> None:
        self.model, self.grouped = model, grouped
        self.previews = OpenPost(model.grouped.name)

    @property
    def id(self) -> int | None:
        """Its id, once a file of it is kept."""
        return self.previews.version_id

    @id.setter
    def id(self, id: int) -> None:
        self.previews.version_id = id


class ModelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where one model file goes, and what was read of it before hashing."""

    head: ModelHead
    version: OpenVersion
    file: GroupedFile


def facts_of(head: ModelHead, reading: ModelFileReading, sidecar: Sidecar | None) -> FileFacts:
    """What grouping looks at, of one file."""
    told = sidecar or Sidecar()
    return FileFacts(
        key=key_of(head.source.path),
        name=head.source.path.name,
        folder=key_of(head.source.path.parent),
        model_type=model_type_of(reading, told),
        base_model=base_model_of(reading, told),
        model_id=told.model_id,
        version_id=told.version_id,
        model_name=told.model_name,
        version_name=told.version_name,
        title=reading.facts.title,
        sha256=told.hashes.get("SHA256"),
        file_type=reading.file_type,
        size=reading.size,
        fp=reading.fp,
        quant_type=reading.quant_type,
    )


def plan_models(heads: Sequence[ModelHead], *, use_sidecars: bool = True) -> dict[Path, ModelPlan]:
    """The place of every readable model file of a folder."""
    by_key = {key_of(head.source.path): head for head in heads if head.reading is not None}
    facts = [
        facts_of(head, head.reading, head.sidecar if use_sidecars else None)
        for head in by_key.values()
        if head.reading is not None
    ]
    plans = {}
    for grouped in group_files(facts):
        for version in OpenModel(grouped).versions:
            for file in version.grouped.files:
                head = by_key[file.key]
                plans[head.source.path] = ModelPlan(head=head, version=version, file=file)
    return plans


def adopt(plans: Mapping[Path, ModelPlan], homes: Mapping[Path, tuple[int, int]]) -> None:
    """Tell the plan which of its files are here already: (model id, version id) by path.

    The first of a group decides, so that a model that the user took apart by hand stays apart.
    """
    for path, (model_id, version_id) in homes.items():
        plan = plans.get(path)
        if plan is not None:
            if plan.version.id is None:
                plan.version.id = version_id
            plan.version.model.id = plan.version.model.id or model_id
