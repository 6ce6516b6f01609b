"""What a file holds, nothing stored: a picture's making, or all that a model file says of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pinako import metadata
from pinako.catalog import air
from pinako.catalog.generation import Generation
from pinako.errors import UnreadableFile
from pinako.intake.guard import attempt
from pinako.intake.walk import Refusal, Source, look_at, shown
from pinako.metadata.modelfiles import probe, read_header_only, read_model_file
from pinako.metadata.modelfiles.describing import Description, describe
from pinako.metadata.modelfiles.grouping import FileFacts
from pinako.metadata.modelfiles.kinds import OTHER
from pinako.metadata.modelfiles.records import ModelFileReading
from pinako.metadata.modelfiles.sidecars import Sidecar, read_sidecars
from pinako.metadata.reading import Reading
from pinako.services.prepare import digest_of

Progress = Callable[[int], None]


class NamedModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The checkpoint that a picture names."""

    name: str | None = None
    hash: str | None = None
    model_version_id: int | None = None


class NamedTool(msgspec.Struct, frozen=True, kw_only=True):
    """The program that made a picture."""

    name: str
    version: str | None = None


class NamedResource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that a picture says it was made with."""

    kind: str
    name: str | None = None
    hash: str | None = None
    weight: float | None = None
    model_version_id: int | None = None


class PickleScanned(msgspec.Struct, frozen=True, kw_only=True):
    """The opcode scan of a pickle, in the wire's words."""

    result: str
    message: str | None = None


class ModelFileSeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A model file. `hashes` is empty when hashing was not asked for; `air` and ids come from notes beside the file."""

    container: str
    format: str
    type: str | None
    file_type: str
    base_model: str | None
    base_model_type: str | None
    size: str | None
    fp: str | None
    quant_type: str | None
    hashes: dict[str, str]
    trained_words: tuple[str, ...]
    title: str | None
    author: str | None
    description: str | None
    license: str | None
    tags: tuple[str, ...]
    tensors: int
    has_preview: bool
    pickle_scan: PickleScanned
    air: str | None
    model_id: int | None
    model_version_id: int | None
    model_name: str | None
    version_name: str | None
    sidecars: tuple[str, ...]
    header: dict[str, str]
    problems: tuple[str, ...]


class Inspection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One file. `kind` is image, video, audio, model or unknown; `error` says why nothing could be read.

    `recognised` only where a generator's reader made a record; `width` and `height` are the record's, else the file's.
    """

    file: str
    kind: str = "unknown"
    mime: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    generator: str | None = None
    recognised: bool = False
    prompt: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    width: int | None = None
    height: int | None = None
    model: NamedModel = NamedModel()
    resources: tuple[NamedResource, ...] = ()
    clip_skip: int | None = None
    denoise: float | None = None
    process: str | None = None
    tool: NamedTool | None = None
    file_width: int | None = None
    file_height: int | None = None
    duration: float | None = None
    animated: bool = False
    c2pa: bool = False
    complete: bool = True
    fields: tuple[str, ...] = ()
    """The names that the container gives its texts."""
    raw: str | None = None
    model_file: ModelFileSeen | None = None
    error: str | None = None


def inspect_file(path: Path, *, hashes: bool = True, progress: Progress | None = None) -> Inspection:
    """Look into one file. Never raises for what the file is; `hashes` False leaves large files unread."""
    name = shown(path)
    found, error = attempt(lambda: _inspect(path, hashes, progress))
    return found if found is not None else Inspection(file=name, error=error)


def _inspect(path: Path, hashes: bool, progress: Progress | None) -> Inspection:
    looked = look_at(path)
    if isinstance(looked, Refusal):
        raise UnreadableFile("it is a folder" if path.is_dir() else looked.reason)
    kind = probe(path)
    if kind is not None and kind != OTHER:
        return _model(looked, kind, hashes, progress)
    reading = metadata.read_file(path)
    if reading.facts.kind == "unknown" and kind == OTHER:
        return _model(looked, kind, hashes, progress)
    return _picture(looked, reading, hashes)


def _picture(source: Source, reading: Reading, hashes: bool) -> Inspection:
    facts, made = reading.facts, reading.generation
    return msgspec.structs.replace(
        _record(made) if made is not None else Inspection(file=""),
        file=shown(source.path),
        kind=facts.kind,
        mime=facts.mime,
        bytes=source.size,
        sha256=digest_of(source.path)[0] if hashes else None,
        width=made.width if made is not None and made.width is not None else facts.width,
        height=made.height if made is not None and made.height is not None else facts.height,
        file_width=facts.width,
        file_height=facts.height,
        duration=facts.duration,
        animated=facts.animated,
        c2pa=facts.c2pa,
        complete=facts.complete,
        fields=tuple(reading.fields),
        raw=_valid(reading.raw) or None,
    )


def _record(made: Generation) -> Inspection:
    model, tool = made.model, made.tool
    return Inspection(
        file="",
        generator=made.generator,
        recognised=True,
        prompt=made.prompt,
        negative_prompt=made.negative_prompt,
        seed=made.seed,
        steps=made.steps,
        cfg_scale=made.cfg_scale,
        sampler=made.sampler,
        scheduler=made.scheduler,
        model=NamedModel(name=model.name, hash=model.hash, model_version_id=model.model_version_id)
        if model
        else NamedModel(),
        resources=tuple(
            NamedResource(
                kind=one.kind, name=one.name, hash=one.hash, weight=one.weight, model_version_id=one.model_version_id
            )
            for one in made.resources
        ),
        clip_skip=made.clip_skip,
        denoise=made.denoise,
        process=made.process,
        tool=NamedTool(name=tool.name, version=tool.version) if tool else None,
    )


def _model(source: Source, kind: str, hashes: bool, progress: Progress | None) -> Inspection:
    reading = read_model_file(source.path, progress=progress) if hashes else read_header_only(source.path)
    name = shown(source.path.name)
    found = describe(key=name, name=name, reading=reading, sidecar=read_sidecars(source.path))
    sha256 = reading.hashes.get("SHA256")
    return Inspection(
        file=shown(source.path),
        kind="model",
        mime="application/octet-stream",
        bytes=source.size,
        sha256=sha256.lower() if sha256 else None,
        complete=reading.complete,
        model_file=_seen(reading, kind, found),
        raw=_valid(msgspec.json.encode(reading.header).decode()) if reading.header else None,
    )


def _seen(reading: ModelFileReading, kind: str, found: Description) -> ModelFileSeen:
    facts, told = found.facts, found.sidecar or Sidecar()
    return ModelFileSeen(
        container=kind,
        format=reading.format,
        type=facts.model_type,
        file_type=facts.file_type,
        base_model=facts.base_model,
        base_model_type=reading.base_model_type,
        size=facts.size,
        fp=facts.fp,
        quant_type=facts.quant_type,
        hashes=reading.hashes,
        trained_words=found.trained_words,
        title=reading.title,
        author=found.creator,
        description=found.version_description or found.model_description,
        license=reading.facts.license,
        tags=found.tags,
        tensors=reading.tensor_count,
        has_preview=reading.preview is not None or bool(told.preview_paths),
        pickle_scan=PickleScanned(result=reading.pickle_scan_result, message=reading.pickle_scan_message),
        air=_air(facts),
        model_id=facts.model_id,
        model_version_id=facts.version_id,
        model_name=facts.model_name,
        version_name=facts.version_name,
        sidecars=tuple(document.name for document in told.documents),
        header=reading.header,
        problems=found.problems,
    )


def _air(facts: FileFacts) -> str | None:
    if facts.model_id is None or facts.version_id is None:
        return None
    return air.build(
        base_model=facts.base_model or "Other",
        model_type=facts.model_type or "Other",
        model_id=facts.model_id,
        version_id=facts.version_id,
        file_type=facts.file_type,
    )


def _valid(text: str) -> str:
    """Text that any JSON reader takes."""
    return text.encode("utf-8", "replace").decode()


def to_plain(found: Inspection) -> dict[str, Any]:
    """An inspection as `--json` shows it."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain
