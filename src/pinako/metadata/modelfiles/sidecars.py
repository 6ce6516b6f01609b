"""Files that other tools keep beside a model file: read field by field into one record, the best source first."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.hashing import open_regular
from pinako.metadata.modelfiles.sidecardocuments import read_document

_MAX_DOCUMENT = 16_000_000
_MAX_TEXT = 100_000

# The best informed tool first: where two disagree, the earlier one is believed.
_DOCUMENTS = (".civitai.info", ".cm-info.json", ".metadata.json", ".swarm.json", ".json")
_NOTES = (".description.txt", ".txt")
_CONFIGS = (".yaml", ".yml")
_CONTEXT = re.compile(r"\bcontext_dim:[ \t]*\[?[ \t]*(\d{3,5})\b")
_VELOCITY = re.compile(r"""\bparameterization:[ \t]*["']?v\b""")
_BASES = {"768": "SD 1.5", "1024": "SD 2.1", "2048": "SDXL 1.0"}
"""By the width of what the prompt becomes, which an architecture's description states."""
_PICTURES = ("png", "jpg", "jpeg", "webp", "gif", "mp4", "webm")
_PREVIEWS = tuple(f".preview.{kind}" for kind in _PICTURES) + tuple(f".thumb.{kind}" for kind in _PICTURES[:4])
_PLAIN_PREVIEWS = tuple(f".{kind}" for kind in _PICTURES)


class RawDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A sidecar as it lies on the disk, kept for what nobody here understands yet."""

    name: str
    text: str


class SidecarFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the version that a sidecar describes; which of them lies beside it, its hashes say."""

    id: int | None = None
    name: str | None = None
    type: str | None = None
    format: str | None = None
    size: str | None = None
    fp: str | None = None
    quant_type: str | None = None
    hashes: dict[str, str] = {}


class Sidecar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the files beside a model file say. Ids are the site's; hashes upper-case by wire word.

    Every field may be missing; `problems` lists documents that could not be read.
    """

    model_id: int | None = None
    model_name: str | None = None
    model_type: str | None = None
    model_description: str | None = None
    version_id: int | None = None
    version_name: str | None = None
    version_description: str | None = None
    base_model: str | None = None
    trained_words: tuple[str, ...] = ()
    hashes: dict[str, str] = {}
    files: tuple[SidecarFile, ...] = ()
    nsfw: bool | None = None
    poi: bool | None = None
    minor: bool | None = None
    tags: tuple[str, ...] = ()
    creator: str | None = None
    preferred_weight: float | None = None
    negative_text: str | None = None
    notes: str | None = None
    preview_paths: tuple[Path, ...] = ()
    config_path: Path | None = None
    documents: tuple[RawDocument, ...] = ()
    problems: tuple[str, ...] = ()


def sidecar_names(model_name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Of a folder's `names`, those that are sidecars of the model file `model_name`, documents first, previews last.

    Compared without case; a sidecar may carry the file's whole name (`x.safetensors.civitai.info`) or its stem. A plain
    picture counts only by the stem.
    """
    by_folded: dict[str, str] = {}
    for name in names:
        by_folded.setdefault(name.casefold(), name)
    stem = model_name.rsplit(".", 1)[0]
    endings = (*_DOCUMENTS, *_NOTES, *_CONFIGS, *_PREVIEWS)
    wanted = [f"{base}{ending}" for ending in endings for base in (stem, model_name)]
    wanted += [f"{stem}{ending}" for ending in _PLAIN_PREVIEWS]
    found = (by_folded.get(name.casefold()) for name in wanted)
    return tuple(dict.fromkeys(name for name in found if name is not None and name != model_name))


def read_sidecars(path: str | os.PathLike[str], *, names: Iterable[str] | None = None) -> Sidecar | None:
    """The record of all sidecars of the model file at `path`; None when there are none.

    `names` are the names in its folder, where the caller has listed it already. Nothing here raises for a bad sidecar.
    """
    model = Path(path)
    if names is None:
        try:
            names = os.listdir(model.parent)
        except OSError:
            return None
    beside = sidecar_names(model.name, names)
    return _read(model.parent, beside) if beside else None


def _read(folder: Path, names: tuple[str, ...]) -> Sidecar:
    fields: dict[str, Any] = {}
    documents: list[RawDocument] = []
    problems: list[str] = []
    for name in names:
        folded = name.casefold()
        if folded.endswith(_PREVIEWS + _PLAIN_PREVIEWS):
            fields["preview_paths"] = (*fields.get("preview_paths", ()), folder / name)
        elif folded.endswith(_CONFIGS):
            fields.setdefault("config_path", folder / name)
            _take_config(folder / name, fields, documents, problems)
        else:
            _take_document(folder / name, fields, documents, problems)
    return Sidecar(**fields, documents=tuple(documents), problems=tuple(problems))


def _take_text(path: Path, documents: list[RawDocument], problems: list[str]) -> str | None:
    """The text of a file, kept as it is; None, and a problem, where it cannot be read."""
    try:
        text = _text_of(path)
    except UnreadableFile as problem:
        problems.append(problem.message)
        return None
    documents.append(RawDocument(name=path.name, text=text))
    return text


def _take_document(path: Path, fields: dict[str, Any], documents: list[RawDocument], problems: list[str]) -> None:
    text = _take_text(path, documents, problems)
    if text is None:
        return
    if path.name.casefold().endswith(_NOTES):
        fields.setdefault("notes", text.strip()[:_MAX_TEXT] or None)
        return
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as cause:
        problems.append(f"{path.name}: {str(cause)[:120]}")
        return
    if not isinstance(document, dict):
        problems.append(f"{path.name} is no JSON object")
        return
    for field, value in read_document(document).items():
        if field == "files":
            value = tuple(SidecarFile(**facts) for facts in value)
        fields.setdefault(field, value)


def _take_config(path: Path, fields: dict[str, Any], documents: list[RawDocument], problems: list[str]) -> None:
    """An architecture as web UIs want it beside old checkpoints: what a pickle does not say without being unpickled."""
    text = _take_text(path, documents, problems)
    if text is None or "unet_config" not in text:
        return
    fields.setdefault("model_type", "Checkpoint")
    context = _CONTEXT.search(text)
    base = _BASES.get(context[1]) if context else None
    if base is not None:
        fields.setdefault("base_model", "SD 2.1 768" if base == "SD 2.1" and _VELOCITY.search(text) else base)


def _text_of(path: Path) -> str:
    with open_regular(path) as file:
        data = file.read(_MAX_DOCUMENT + 1) or b""
    if len(data) > _MAX_DOCUMENT:
        raise UnreadableFile(f"{path.name} is over {_MAX_DOCUMENT:,} bytes")
    return data.decode("utf-8-sig", "replace")


def is_about(sidecar: Sidecar, hashes: dict[str, str]) -> bool:
    """Whether a sidecar speaks of the file with these hashes: false only when both know a hash kind and differ in it.

    People copy and rename models and leave sidecars behind; such a one must not name another file.
    """
    for word in ("SHA256", "AutoV2", "BLAKE3"):
        claims = {sidecar.hashes[word]} if word in sidecar.hashes else set()
        claims |= {file.hashes[word] for file in sidecar.files if word in file.hashes}
        if claims and word in hashes:
            return hashes[word] in claims
    return True


def file_in(sidecar: Sidecar, hashes: dict[str, str]) -> SidecarFile | None:
    """Which of the version's files has these hashes; the only one where there is one and it does not disagree."""
    for file in sidecar.files:
        if any(hashes.get(word) == digits for word, digits in file.hashes.items()):
            return file
    only = sidecar.files[0] if len(sidecar.files) == 1 else None
    return only if only is not None and not (only.hashes.keys() & hashes.keys()) else None
