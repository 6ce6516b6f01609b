"""Files of a version as REST shows them: name, metadata, hashes, scan results, and the address to download from."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from pinako.catalog.enums import HASH_TYPES
from pinako.catalog.filenames import file_name
from pinako.catalog.primary import FileWishes, chosen_file, primary_file
from pinako.catalog.resources import FullFile, Model, ModelFile, ModelVersion
from pinako.wire.fragments import ORIGIN, address
from pinako.wire.times import iso


class FileMetadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a file is; words that are not known are absent, except the format."""

    format: str
    size: str | UnsetType = UNSET
    fp: str | UnsetType = UNSET
    quant_type: str | UnsetType = UNSET


class RestFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One listed file. `format` stands beside `metadata.format` for programs of 2022 (rest.md 20.26)."""

    id: int
    size_kb: float = msgspec.field(name="sizeKB")
    name: str
    override_name: str | None
    type: str
    format: str
    pickle_scan_result: str
    pickle_scan_message: str | None
    virus_scan_result: str
    virus_scan_message: str | None
    scanned_at: str | None
    metadata: FileMetadata
    hashes: dict[str, str]
    download_url: msgspec.Raw
    primary: bool | UnsetType = UNSET


def listed_files(
    model: Model, version: ModelVersion, files: Sequence[FullFile], *, always_primary: bool
) -> tuple[RestFile, ...]:
    """The public files of a version. The primary is chosen among all, so it may be none of these (rest.md 8.4).

    `always_primary`: send `primary` also where it is false, as the version doors do; the model doors leave it out.
    """
    chosen = primary_file([full.file for full in files])
    return tuple(
        _file(model, version, full, files, chosen, always_primary=always_primary)
        for full in files
        if full.file.visibility == "Public"
    )


def _file(
    model: Model,
    version: ModelVersion,
    full: FullFile,
    files: Sequence[FullFile],
    chosen: ModelFile | None,
    *,
    always_primary: bool,
) -> RestFile:
    file = full.file
    is_primary = chosen is file
    return RestFile(
        id=file.id,
        size_kb=file.size_kb,
        name=shown_name(model, version, file),
        override_name=file.override_name,
        type=file.type,
        format=file.format or "Other",
        pickle_scan_result=file.pickle_scan_result,
        pickle_scan_message=file.pickle_scan_message,
        virus_scan_result=file.virus_scan_result,
        virus_scan_message=file.virus_scan_message,
        scanned_at=iso(file.scanned_at),
        metadata=file_metadata(file),
        hashes=hashes_of(full),
        download_url=address(download_path(version.id, file, [item.file for item in files], chosen)),
        primary=is_primary if is_primary or always_primary else UNSET,
    )


def shown_name(model: Model, version: ModelVersion, file: ModelFile) -> str:
    """The name of a file by the naming rule (rest.md 8.6)."""
    return file_name(
        stored_name=file.name,
        file_type=file.type,
        model_name=model.name,
        model_type=model.type,
        version_name=version.name,
        override_name=file.override_name,
        first_trained_word=next(iter(words_of(version.trained_words)), None),
    )


def words_of(text: str) -> list[str]:
    """A JSON list of words as stored."""
    return msgspec.json.decode(text, type=list[str]) if text and text != "[]" else []


def file_metadata(file: ModelFile) -> FileMetadata:
    """Format, size, precision and quantisation. An unknown format is `Other`, never null."""
    return FileMetadata(
        format=file.format or "Other",
        size=file.size_word or UNSET,
        fp=file.fp or UNSET,
        quant_type=file.quant_type or UNSET,
    )


def hashes_of(full: FullFile) -> dict[str, str]:
    """Hash type to upper-case hex, known types first in their usual order."""
    found = {item.type: item.hash.upper() for item in full.hashes}
    known = {kind: found[kind] for kind in HASH_TYPES if kind in found}
    return known | found


def download_path(version_id: int, file: ModelFile, files: Sequence[ModelFile], chosen: ModelFile | None) -> str:
    """Where a file is downloaded from, with the origin's mark in front (rest.md 8.5).

    The primary has no parameters. Where the usual ones would lead to another file, the file's id is asked for instead.
    """
    path = f"{ORIGIN}/api/download/models/{version_id}"
    if chosen is file:
        return path
    wishes = FileWishes(
        type=file.type,
        format=None if file.type == "Training Data" else file.format,
        size=file.size_word,
        fp=file.fp,
        quant_type=file.quant_type,
    )
    if chosen_file(files, wishes) is not file:
        return f"{path}?fileId={file.id}"
    named = (
        ("type", wishes.type), ("format", wishes.format), ("size", wishes.size), ("fp", wishes.fp),
        ("quantType", wishes.quant_type),
    )  # fmt: skip
    return f"{path}?{'&'.join(f'{key}={quote(word)}' for key, word in named if word)}"
