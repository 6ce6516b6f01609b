"""The JSON documents of other tools, each known by its keys and read into the fields of a Sidecar."""

from __future__ import annotations

import re
from typing import Any

from pinako.catalog.basemodels import recognise_base_model
from pinako.catalog.enums import HASH_LENGTHS, MODEL_TYPES, file_type_word

_MAX_TEXT = 100_000
_MAX_LIST = 300
_MAX_INT32 = 2**31 - 1
_HEX = re.compile(r"^[0-9A-Fa-f]+$")
_TYPE_WORDS = {word.casefold(): word for word in MODEL_TYPES} | {
    "lycoris": "LoCon", "embedding": "TextualInversion", "textual_inversion": "TextualInversion", "model": "Checkpoint",
    "checkpoints": "Checkpoint", "loras": "LORA", "controlnets": "Controlnet",
}  # fmt: skip


def read_document(document: dict[str, Any]) -> dict[str, Any]:
    """The fields that a document states, by their names in `Sidecar`; keys without a usable value are left out."""
    if "ModelId" in document or "ModelName" in document:
        return _filled(_stability_matrix(document))
    if "sha256" in document and ("file_name" in document or "model_name" in document):
        return _filled(_lora_manager(document))
    if "modelId" in document and ("files" in document or "model" in document or "baseModel" in document):
        return _filled(_civitai_version(document))
    if isinstance(document.get("modelVersions"), list):
        return _filled(_civitai_model(document))
    if any(key.startswith("modelspec.") for key in document):
        return _filled(_modelspec(document))
    return _filled(_webui(document))


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if value not in (None, "", (), {})}


# --- one function per tool ----------------------------------------------------------------------------------------


def _civitai_version(document: dict[str, Any]) -> dict[str, Any]:
    """A version as the site's by-hash call answers it: `.civitai.info`, and the heart of other tools' files."""
    model = _map(document.get("model"))
    return {
        "model_id": _id(document.get("modelId")) or _id(model.get("id")),
        "model_name": _text(model.get("name")),
        "model_type": _type(model.get("type")),
        "model_description": _text(model.get("description")),
        "version_id": _id(document.get("id")),
        "version_name": _text(document.get("name")),
        "version_description": _text(document.get("description")),
        "base_model": _text(document.get("baseModel")),
        "trained_words": _texts(document.get("trainedWords")),
        "files": _files(document.get("files")),
        "nsfw": _flag(model.get("nsfw")),
        "poi": _flag(model.get("poi")),
        "minor": _flag(model.get("minor")),
        "tags": _texts(model.get("tags")) or _texts(document.get("tags")),
        "creator": _creator(document.get("creator")) or _creator(model.get("creator")),
    }


def _civitai_model(document: dict[str, Any]) -> dict[str, Any]:
    """A whole model with its versions: only what is true of all of them, unless there is one version."""
    versions = [version for version in document["modelVersions"] if isinstance(version, dict)]
    fields = _civitai_version({**versions[0], "modelId": document.get("id")}) if len(versions) == 1 else {}
    return {
        **fields,
        "model_id": _id(document.get("id")),
        "model_name": _text(document.get("name")),
        "model_type": _type(document.get("type")),
        "model_description": _text(document.get("description")),
        "nsfw": _flag(document.get("nsfw")),
        "poi": _flag(document.get("poi")),
        "minor": _flag(document.get("minor")),
        "tags": _texts(document.get("tags")),
        "creator": _creator(document.get("creator")),
    }


def _lora_manager(document: dict[str, Any]) -> dict[str, Any]:
    inner = _map(document.get("civitai"))
    fields = _filled(_civitai_version(inner)) if inner else {}
    own = {
        "model_name": _text(document.get("model_name")),
        "base_model": _text(document.get("base_model")),
        "model_description": _text(document.get("modelDescription")),
        "model_type": _type(document.get("sub_type")) or _type(document.get("model_type")),
        "hashes": _hashes({"SHA256": document.get("sha256")}),
        "tags": _texts(document.get("tags")),
        "notes": _text(document.get("notes")),
    }
    # The tool's own hash is of the file beside it; the site's may be of another file of the version.
    fields.pop("hashes", None)
    return {**_filled(own), **fields}


def _stability_matrix(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_id": _id(document.get("ModelId")),
        "model_name": _text(document.get("UserTitle")) or _text(document.get("ModelName")),
        "model_type": _type(document.get("ModelType")),
        "model_description": _text(document.get("ModelDescription")),
        "version_id": _id(document.get("VersionId")),
        "version_name": _text(document.get("VersionName")),
        "version_description": _text(document.get("VersionDescription")),
        "base_model": _text(document.get("BaseModel")),
        "trained_words": _texts(document.get("TrainedWords")),
        "hashes": _hashes(document.get("Hashes")),
        "nsfw": _flag(document.get("Nsfw")),
        "tags": _texts(document.get("Tags")),
        "creator": _creator(document.get("Author")),
    }


def _modelspec(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_name": _text(document.get("modelspec.title")),
        "model_description": _text(document.get("modelspec.description")),
        "base_model": recognise_base_model(_text(document.get("modelspec.architecture")) or ""),
        "trained_words": _words(document.get("modelspec.trigger_phrase")),
        "tags": _words(document.get("modelspec.tags")),
        "creator": _creator(document.get("modelspec.author")),
        "hashes": _hashes({"SHA256": document.get("sha256")}),
    }


def _webui(document: dict[str, Any]) -> dict[str, Any]:
    """The user metadata of A1111 and its family, with the ids that the site's own extension adds."""
    version = _text(document.get("sd version"))
    return {
        "model_id": _id(document.get("modelId")),
        "version_id": _id(document.get("modelVersionId")),
        "model_name": _text(document.get("name")) or _text(document.get("title")),
        "model_description": _text(document.get("description")),
        "base_model": _text(document.get("baseModel")) or recognise_base_model(version or ""),
        "trained_words": _words(document.get("activation text")) or _texts(document.get("trainedWords")),
        "hashes": _hashes({"SHA256": document.get("sha256"), "AutoV2": document.get("hash")}),
        "preferred_weight": _number(document.get("preferred weight")),
        "negative_text": _text(document.get("negative text")),
        "notes": _text(document.get("notes")),
        "tags": _texts(document.get("tags")),
    }


# --- values, of whatever type a tool or its user wrote ------------------------------------------------------------


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    stripped = value.strip()[:_MAX_TEXT]
    return stripped if stripped.casefold() not in ("", "none", "null", "unknown", "undefined") else None


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    named = (item.get("name") if isinstance(item, dict) else item for item in value[:_MAX_LIST])
    return tuple(dict.fromkeys(text for item in named if (text := _text(item)) is not None))


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return _texts(value.split(","))
    return _texts(value)


def _id(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_INT32 else None


def _number(value: Any) -> float | None:
    ok = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1000
    return float(value) if ok and value else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _type(value: Any) -> str | None:
    word = _text(value)
    return None if word is None else _TYPE_WORDS.get(word.casefold(), word)


def _creator(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("username") or value.get("name")
    return _text(value)


def _hashes(value: Any) -> dict[str, str]:
    by_folded = {word.casefold(): word for word in HASH_LENGTHS}
    found: dict[str, str] = {}
    for key, digits in _map(value).items():
        word = by_folded.get(str(key).casefold())
        if word is not None and isinstance(digits, str) and _HEX.match(digits) and len(digits) == HASH_LENGTHS[word]:
            found[word] = digits.upper()
    return found


def _files(value: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list):
        return ()
    return tuple(facts for item in value[:_MAX_LIST] if isinstance(item, dict) and (facts := _file(item)))


def _file(document: dict[str, Any]) -> dict[str, Any]:
    metadata = _map(document.get("metadata"))
    # The format stood on the file itself in 2022.
    return _filled(
        {
            "id": _id(document.get("id")),
            "name": _text(document.get("name")),
            "type": file_type_word(_text(document.get("type")) or "") or None,
            "format": _text(metadata.get("format")) or _text(document.get("format")),
            "size": _text(metadata.get("size")),
            "fp": _text(metadata.get("fp")),
            "quant_type": _text(metadata.get("quantType")),
            "hashes": _hashes(document.get("hashes")),
        }
    )
