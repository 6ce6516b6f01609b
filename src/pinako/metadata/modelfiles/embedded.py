"""What authors and trainers wrote into a header: modelspec.* and kohya's ss_* keys, read leniently, key by key."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from typing import Any

from pinako.catalog.basemodels import recognise_base_model
from pinako.metadata.modelfiles.records import EmbeddedFacts, Preview
from pinako.metadata.modelfiles.safetensors import nested_json

_MAX_THUMBNAIL = 8_000_000
_MAX_TEXT = 20_000
_MAX_WORDS = 12
_MAX_LIST_TEXT = 200_000
_HEX_DIGITS = re.compile(r"^(0x)?[0-9a-fA-F]{8,64}$")
_PICTURES = {"image/png", "image/jpeg", "image/webp", "image/gif"}
# Folders of kohya data sets are called `<repeats>_<trigger word>`; these words say nothing about the concept.
_EMPTY_FOLDER_WORDS = {"", "img", "image", "images", "data", "dataset", "train", "training", "lora", "reg", "concept"}
_COMMON_TAGS = {"1girl", "1boy", "solo", "simple background", "white background", "looking at viewer", "no humans"}


def embedded_facts(metadata: dict[str, str]) -> EmbeddedFacts:
    """The facts of a header's metadata. Whatever cannot be read is left out; nothing here raises."""
    return EmbeddedFacts(
        title=_text(metadata, "modelspec.title", "title", "name", "general.name"),
        output_name=_text(metadata, "ss_output_name"),
        author=_text(metadata, "modelspec.author", "author", "general.author"),
        description=_text(metadata, "modelspec.description", "description", "ss_training_comment"),
        license=_text(metadata, "modelspec.license", "license", "general.license"),
        tags=_listed(metadata.get("modelspec.tags")),
        trained_words=trained_words(metadata),
        base_model=base_model_of(metadata),
        model_type=_model_type(metadata),
        clip_skip=_number(metadata.get("ss_clip_skip")),
        epochs=_number(metadata.get("ss_epoch")) or _number(metadata.get("ss_num_epochs")),
        steps=_number(metadata.get("ss_steps")) or _number(metadata.get("ss_max_train_steps")),
        preview=preview_of(metadata.get("modelspec.thumbnail")),
        extra_hashes=_extra_hashes(metadata),
    )


def _text(metadata: dict[str, str], *keys: str) -> str | None:
    for key in keys:
        value = metadata.get(key, "").strip()
        if value and value.lower() not in ("none", "null", "undefined"):
            return value[:_MAX_TEXT]
    return None


def _number(value: str | None) -> int | None:
    text = (value or "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _listed(value: str | None) -> tuple[str, ...]:
    if not value:
        return ()
    value = value[:_MAX_LIST_TEXT]
    parsed = nested_json(value)
    parts = [str(part) for part in parsed] if isinstance(parsed, list) else value.split(",")
    return tuple(dict.fromkeys(word for part in parts[:100] if (word := part.strip()[:200])))


# --- hashes and thumbnail -----------------------------------------------------------------------------------------


def _extra_hashes(metadata: dict[str, str]) -> tuple[str, ...]:
    # Generators print the first 12 digits of an embedded payload hash where there is one, honest or not.
    found: dict[str, None] = {}
    for key in ("sshs_model_hash", "sshs_legacy_hash", "modelspec.hash_sha256"):
        value = metadata.get(key, "").strip()
        if _HEX_DIGITS.match(value):
            digits = value.removeprefix("0x").upper()
            found[digits] = None
            if len(digits) == 64:
                found[digits[:12]] = None
    return tuple(found)


def preview_of(data_url: str | None) -> Preview | None:
    """The picture of a `data:image/…;base64,` text; None when it is none, too large, or not the picture it says."""
    if not data_url or len(data_url) > _MAX_THUMBNAIL or not data_url.startswith("data:"):
        return None
    head, _, body = data_url.partition(",")
    if not head.endswith(";base64"):
        return None
    try:
        data = base64.b64decode(body, validate=False)
    except (binascii.Error, ValueError):
        return None
    media_type = _picture_type(data)
    return Preview(data=data, media_type=media_type) if media_type in _PICTURES else None


def _picture_type(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if data[:6] in (b"GIF87a", b"GIF89a") else None


# --- trained words ------------------------------------------------------------------------------------------------


def trained_words(metadata: dict[str, str]) -> tuple[str, ...]:
    """The words that call the concept: stated by the author, else what the training data makes plain.

    From kohya's tag counts only two things are sure enough: the word in a folder's name that its tags carry too, and
    the tags that (nearly) every picture has. Anything vaguer would be invented.
    """
    stated = _listed(metadata.get("modelspec.trigger_phrase")) or _listed(metadata.get("ss_trigger_words"))
    if stated:
        return stated[:_MAX_WORDS]
    folders = nested_json(metadata.get("ss_tag_frequency", ""))
    return _words_of_folders(folders) if isinstance(folders, dict) else ()


def _words_of_folders(folders: dict[str, Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for folder, counts in list(folders.items())[:50]:
        tags = _counts(counts)
        if not tags:
            continue
        top = max(tags.values())
        word = re.sub(r"^\d+_", "", str(folder)).strip()
        first_words = [word] if _is_folder_word(word, tags) else []
        steady = [tag for tag, count in tags.most_common(5) if count == top and count >= 3 and tag not in _COMMON_TAGS]
        found.update(dict.fromkeys(first_words or steady[:3]))
    return tuple(found)[:_MAX_WORDS]


def _is_folder_word(word: str, tags: Counter[str]) -> bool:
    return word.lower() not in _EMPTY_FOLDER_WORDS and any(word.lower() == tag.lower() for tag in tags)


def _counts(value: Any) -> Counter[str]:
    if not isinstance(value, dict):
        return Counter()
    pairs = list(value.items())[:200_000]
    return Counter(
        {tag.strip()[:200]: count for tag, count in pairs if tag.strip() and isinstance(count, int) and count > 0}
    )


# --- base model and type ------------------------------------------------------------------------------------------


def base_model_of(metadata: dict[str, str]) -> str | None:
    """The base model by the metadata. Trainers only know the family; the checkpoint's name tells the kin of SDXL apart."""
    family = next(
        (
            found
            for key in ("modelspec.architecture", "ss_base_model_version", "general.architecture", "ss_network_module")
            if (found := recognise_base_model(metadata.get(key, ""))) is not None
        ),
        None,
    )
    names = [metadata.get(key, "") for key in ("ss_sd_model_name", "modelspec.merged_from", "base_model", "baseModel")]
    by_name = next((found for name in names if (found := recognise_base_model(name)) is not None), None)
    if family is None:
        return by_name
    return _narrower(family, by_name)


def _narrower(family: str, named: str | None) -> str:
    # A named base model counts only inside the family that the trainer states.
    kin = {
        "SDXL 1.0": ("Pony", "Illustrious", "NoobAI", "SDXL Lightning", "SDXL Hyper", "SDXL Turbo", "SDXL 0.9"),
        "SD 1.5": ("SD 1.4", "SD 1.5 LCM", "SD 1.5 Hyper"),
        "SD 2.1": ("SD 2.0 768", "SD 2.0", "SD 2.1 768"),
        "Flux.1 D": ("Flux.1 S", "Flux.1 Krea", "Flux.1 Kontext", "Chroma"),
    }
    return named if named is not None and named in kin.get(family, ()) else family


def _model_type(metadata: dict[str, str]) -> str | None:
    architecture = metadata.get("modelspec.architecture", "").lower()
    module = f"{metadata.get('ss_network_module', '')} {metadata.get('ss_network_args', '')}".lower()
    if re.search(r'"dora_wd": ?"?true|dora_wd=true', module):
        return "DoRA"
    if "lycoris" in module:
        return "LoCon"
    if architecture.endswith("/textual-inversion"):
        return "TextualInversion"
    if architecture.endswith(("/control-net", "/controlnet")):
        return "Controlnet"
    if architecture.endswith("/lora") or "networks.lora" in module:
        return "LORA"
    return "VAE" if architecture.endswith("/vae") else None
