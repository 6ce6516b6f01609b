"""One model file as the catalogue wants it: its reading, its sidecars and its name, weighed against one another."""

from __future__ import annotations

import msgspec

from pinako.catalog.basemodels import ecosystem
from pinako.metadata.modelfiles.grouping import FileFacts
from pinako.metadata.modelfiles.naming import hints_of_name
from pinako.metadata.modelfiles.records import ModelFileReading
from pinako.metadata.modelfiles.sidecars import Sidecar, SidecarFile, file_in, is_about

_ADAPTERS = frozenset({"LORA", "LoCon", "DoRA"})
_COMPONENTS = {"VAE": "VAE", "TextEncoder": "Text Encoder", "CLIPVision": "CLIPVision"}


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one file and of the model and version that it belongs to.

    `facts` goes into `group_files`. Words and tags are the sidecar's where it has any (the author's own), else the
    file's. `sidecar` is None where there is none or where it is about another file; then `problems` says so.
    """

    facts: FileFacts
    trained_words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    creator: str | None = None
    model_description: str | None = None
    version_description: str | None = None
    nsfw: bool | None = None
    poi: bool | None = None
    minor: bool | None = None
    file_id: int | None = None
    sidecar: Sidecar | None = None
    problems: tuple[str, ...] = ()


def describe(
    *, key: str, name: str, reading: ModelFileReading, sidecar: Sidecar | None, folder: str = ""
) -> Description:
    """Weigh all sources of one file. `key` and `folder` are the caller's (see FileFacts); `name` is the file name."""
    problems = reading.problems
    if sidecar is not None and not is_about(sidecar, reading.hashes):
        problems += ("the sidecar is about another file and was left aside",)
        sidecar = None
    beside = sidecar or Sidecar()
    listed = file_in(beside, reading.hashes) or SidecarFile()
    return Description(
        facts=_facts(key, name, folder, reading, beside, listed),
        trained_words=beside.trained_words or reading.trained_words,
        tags=beside.tags or reading.facts.tags,
        creator=beside.creator or reading.facts.author,
        model_description=beside.model_description or reading.facts.description or beside.notes,
        version_description=beside.version_description,
        nsfw=beside.nsfw,
        poi=beside.poi,
        minor=beside.minor,
        file_id=listed.id,
        sidecar=sidecar,
        problems=(*problems, *beside.problems),
    )


def base_model_of(reading: ModelFileReading, beside: Sidecar) -> str | None:
    """The base model, by the words beside the file where there are any: Pony cannot be told from SDXL by its tensors.

    A web UI's own note is no better than `SDXL`; there the header's word stays where it says more.
    """
    own, told = reading.base_model, beside.base_model
    if own is None or told is None:
        return told or own
    return own if beside.version_id is None and ecosystem(own) == ecosystem(told) else told


def model_type_of(reading: ModelFileReading, beside: Sidecar) -> str | None:
    """What kind of model the tensors make it; among networks, and where tensors say nothing, the word beside the file."""
    own, told = reading.model_type, beside.model_type
    return told if own is None or (own in _ADAPTERS and told in _ADAPTERS) else own


def _facts(
    key: str, name: str, folder: str, reading: ModelFileReading, beside: Sidecar, listed: SidecarFile
) -> FileFacts:
    hints = hints_of_name(name)
    return FileFacts(
        key=key,
        name=name,
        folder=folder,
        model_type=model_type_of(reading, beside),
        base_model=base_model_of(reading, beside),
        model_id=beside.model_id,
        version_id=beside.version_id,
        model_name=beside.model_name,
        version_name=beside.version_name,
        title=reading.facts.title,
        sha256=reading.hashes.get("SHA256"),
        file_type=listed.type or _file_type(reading, beside),
        size=listed.size or reading.size or hints.size,
        fp=listed.fp or reading.fp or hints.fp,
        quant_type=listed.quant_type or reading.quant_type or hints.quant_type,
    )


def _file_type(reading: ModelFileReading, beside: Sidecar) -> str:
    # A VAE whose sidecar speaks of a checkpoint is that checkpoint's VAE.
    if beside.model_type not in (None, reading.model_type):
        return _COMPONENTS.get(reading.model_type or "", reading.file_type)
    return reading.file_type
