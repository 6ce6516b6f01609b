"""The demo's models: tiny safetensors files with real headers, hashed, scanned and kept like anybody's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pinako.catalog import filenames
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.intake.demo.pictures import Ingredient
from pinako.intake.demo.plan import Plan, PlannedModel, PlannedVersion
from pinako.media.store import MediaStore
from pinako.metadata.modelfiles import read_model_file
from pinako.metadata.modelfiles.records import ModelFileReading
from pinako.metadata.modelfiles.writing import kohya_metadata, tiny_model, write_safetensors
from pinako.services import publish
from pinako.services.settle import Touched
from pinako.storage.scopes import Write

SMALLEST = 0x110000 + 0x1000
"""AutoV1 hashes the 64 KiB that follow the first MiB, so a file must reach beyond them, and be 2 MiB to have one."""
TWO_MIB = 2 * 1024 * 1024 + 4096
YEARS = 730 * 86_400_000
DAY = 86_400_000
FULL_ADD = 65_536


def keep_models(
    w: Write, touched: Touched, store: MediaStore, plan: Plan, users: list[int], now: int
) -> dict[tuple[int, int], Ingredient]:
    """Write every model with its versions and files; how pictures name each (model, version)."""
    found: dict[tuple[int, int], Ingredient] = {}
    for place, planned in enumerate(plan.models):
        model = _model(w, planned, users, now)
        publish.keep_model(w, touched, model, planned.tags)
        for number, version in enumerate(planned.versions):
            found[place, number] = _keep_version(w, touched, store, planned, version, model, number, now)
    return found


def _at(share: float, now: int) -> int:
    return now - round((1 - share) * YEARS)


def _model(w: Write, planned: PlannedModel, users: list[int], now: int) -> Model:
    first = _at(min(version.at for version in planned.versions), now)
    listed = planned.status == "Published"
    return Model(
        id=w.next_id("models"),
        user_id=users[planned.user],
        name=planned.name,
        description=f"<p>{planned.name}: a tiny model of the demo library. It paints nothing and loads everywhere.</p>",
        type=planned.type,
        status=planned.status,
        mode=planned.mode,
        checkpoint_type="Trained" if planned.type == "Checkpoint" else None,
        level=planned.level,
        allow_commercial_use='["Image","RentCivit"]',
        supports_generation=planned.type in ("Checkpoint", "LORA"),
        created_at=first - DAY,
        updated_at=first,
        published_at=first if listed or planned.status == "Deleted" else None,
        download_count=planned.downloads,
        thumbs_up_count=planned.thumbs,
        thumbs_down_count=planned.thumbs // 40,
        comment_count=planned.thumbs // 12,
        tipped_amount=planned.thumbs * 3,
    )


def _keep_version(
    w: Write,
    touched: Touched,
    store: MediaStore,
    planned: PlannedModel,
    version: PlannedVersion,
    model: Model,
    number: int,
    now: int,
) -> Ingredient:
    at = _at(version.at, now)
    kept = ModelVersion(
        id=w.next_id("model_versions"),
        model_id=model.id,
        idx=len(planned.versions) - 1 - number,
        name=version.name,
        status="Draft" if planned.status == "Draft" else "Published",
        base_model=version.base_model,
        trained_words=json.dumps(version.words),
        description=f"<p>{version.name} of {planned.name}.</p>" if number else None,
        steps=1200 if planned.type != "Checkpoint" else None,
        epochs=10 if planned.type != "Checkpoint" else None,
        clip_skip=2 if version.base_model in ("Pony", "Illustrious") else None,
        settings=None if planned.type == "Checkpoint" else '{"strength":0.8}',
        level=planned.level,
        # The newest as early access was marked at first, older ones by their gate alone, as it is today (domain.md h).
        availability="EarlyAccess" if planned.gated and 0 < number == len(planned.versions) - 1 else "Public",
        gate_ends_at=now + 60 * DAY if planned.gated else None,
        published_at=None if planned.status == "Draft" else at,
        created_at=at - DAY // 2,
        updated_at=at,
        download_count=planned.downloads // len(planned.versions),
        thumbs_up_count=planned.thumbs // len(planned.versions),
    )
    publish.keep_version(w, touched, kept)
    made = [_keep_file(w, touched, store, file, kept, at, now) for file in _files(planned, version, kept.id)]
    return made[0]


def _files(planned: PlannedModel, version: PlannedVersion, version_id: int) -> Iterator[tuple[str, str, str, str, int]]:
    """Name, type, base model, size word and seed of each file of a version."""
    stem = f"{filenames.slug(planned.name)}_{filenames.slug(version.name)}"
    yield f"{stem}.safetensors", planned.type, version.base_model, "pruned", version.seed
    if version.pruned:
        yield f"{stem}_full.safetensors", planned.type, version.base_model, "full", version.seed + 1


def _keep_file(
    w: Write,
    touched: Touched,
    store: MediaStore,
    file: tuple[str, str, str, str, int],
    version: ModelVersion,
    at: int,
    now: int,
) -> Ingredient:
    name, kind, base_model, size_word, seed = file
    fp = "fp32" if size_word == "full" else "fp16"
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        words = tuple(json.loads(version.trained_words))
        header = kohya_metadata(output_name=path.stem, base_model=base_model, trained_words=words)
        about = header if kind != "Checkpoint" else {"modelspec.title": path.stem, "format": "pt"}
        smallest = TWO_MIB + (FULL_ADD if size_word == "full" else 0)
        tensors = tiny_model(
            kind, base_model, seed=seed, dtype="F32" if fp == "fp32" else "F16", minimum_bytes=smallest
        )
        write_safetensors(path, tensors, about)
        reading = read_model_file(path)
        blob = store.put_file(path, sha256=reading.hashes["SHA256"].lower())
    publish.keep_blob(w, blob.sha256, blob.size, "application/octet-stream", now)
    row = _file_row(w, reading, version, name, blob.sha256, (size_word, fp), at)
    publish.keep_file(w, touched, row, reading.hashes)
    return Ingredient(
        type=kind,
        stem=path.stem,
        autov2=reading.hashes["AutoV2"],
        autov3=reading.hashes["AutoV3"],
        version_id=version.id,
    )


def _file_row(
    w: Write,
    reading: ModelFileReading,
    version: ModelVersion,
    name: str,
    sha256: str,
    words: tuple[str, str],
    at: int,
) -> ModelFile:
    size_word, fp = words
    return ModelFile(
        id=w.next_id("model_files"),
        version_id=version.id,
        name=name,
        blob=sha256,
        size_kb=reading.size_bytes / 1024,
        format=reading.format,
        size_word=size_word,
        fp=fp,
        metadata=json.dumps({"format": reading.format, "size": size_word, "fp": fp}),
        header=json.dumps(reading.header),
        pickle_scan_result=reading.pickle_scan_result,
        pickle_scan_message=reading.pickle_scan_message,
        virus_scan_result="Success",
        scanned_at=at,
        created_at=at,
    )
