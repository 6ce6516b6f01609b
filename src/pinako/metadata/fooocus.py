"""Fooocus: JSON with a base model and its own settings, in `parameters`, `Comment` or UserComment; keys in two spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.objects import find_objects, numbers, spelled, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, hash_of, stem_of, text_of

_NUMBERS = {"guidance_scale": "cfgScale", "steps": "steps", "seed": "seed", "clip_skip": "clipSkip",
            "width": "width", "height": "height"}  # fmt: skip
_TEXTS = {"prompt": "prompt", "negative_prompt": "negativePrompt", "sampler": "sampler", "scheduler": "scheduler"}
_SIGNS = frozenset(
    {"sharpness", "adm_guidance", "performance", "styles", "prompt_expansion", "metadata_scheme", "adaptive_cfg"}
)
_LORA = re.compile(r"lora(?:_combined)?_\d{1,2}")
_RESOLUTION = re.compile(r"\(?\s*(\d{1,6})\s*[,x×]\s*(\d{1,6})\s*\)?")


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record; several tools write a `base_model`, so one of the settings that only Fooocus has must be there."""
    for found in find_objects(fields, "base_model", "Base Model"):
        said = spelled(found)
        if text_of(said.get("base_model")) and _SIGNS & said.keys():
            return _record(said)
    return None


def _record(said: dict[str, Any]) -> Generation:
    meta = texts(said, _TEXTS) | numbers(said, _NUMBERS)
    size = _RESOLUTION.match(said["resolution"]) if isinstance(said.get("resolution"), str) else None
    if size:
        meta["width"], meta["height"] = int(size[1]), int(size[2])
    resources, hashes = [], {}
    for key, word in (("base_model", "model"), ("refiner_model", "refiner"), ("vae", "vae")):
        name, digest = text_of(said.get(key)), hash_of(said.get(f"{key}_hash"))
        if not name or name.lower() in ("none", "default (model)"):
            continue
        resources.append({"type": word, "name": stem_of(name), **({"hash": digest} if digest else {})})
        if digest:
            hashes[word] = digest
    meta["Model"] = resources[0]["name"]
    if "model" in hashes:
        meta["Model hash"] = hashes["model"]
    resources += _loras(said)
    hashes |= {f"lora:{one['name']}": one["hash"] for one in resources if one["type"] == "lora" and "hash" in one}
    meta |= {"resources": resources, **({"hashes": hashes} if hashes else {})}
    version = text_of(said.get("version"))
    meta["Version"] = version or "Fooocus"
    number = version.removeprefix("Fooocus").strip() if version else None
    return from_meta(meta, generator="fooocus", tool=UsedTool(name="Fooocus", version=number or None))


def _loras(said: dict[str, Any]) -> list[dict[str, Any]]:
    """`[name, weight, hash]` rows, or `lora_combined_1: "name : weight"`."""
    listed = said.get("loras")
    rows = [row for row in listed[:100] if isinstance(row, list) and row] if isinstance(listed, list) else []
    found = [_lora(*[*row, None, None][:3]) for row in rows if isinstance(row[0], str)]
    for key, value in said.items():
        if _LORA.fullmatch(key) and isinstance(value, str) and value not in ("", "None"):
            name, colon, weight = value.rpartition(" : ")
            found.append(_lora(name if colon else value, weight if colon else None, None))
    return found


def _lora(name: str, weight: Any, digest: Any) -> dict[str, Any]:
    number = float_of(weight)
    entry: dict[str, Any] = {"type": "lora", "name": stem_of(name), "weight": 1.0 if number is None else number}
    return entry | ({"hash": digest} if hash_of(digest) else {})
