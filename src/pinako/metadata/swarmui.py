"""SwarmUI: a JSON object with `sui_image_params`, in PNG text, EXIF UserComment or, in old files, EXIF Model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedModel, UsedTool
from pinako.metadata.objects import dict_of, dicts_of, find_objects, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.samplers import split_sampler
from pinako.metadata.values import float_of, hash_of, stem_of, text_of

_NUMBERS = {"cfgscale": "cfgScale", "steps": "steps", "seed": "seed", "width": "width", "height": "height",
            "fluxguidancescale": "Distilled CFG Scale"}  # fmt: skip
_TEXTS = {"prompt": "prompt", "negativeprompt": "negativePrompt", "scheduler": "scheduler"}
_FILES = {"vae": "vae", "refinermodel": "refiner", "controlnetmodel": "controlnet"}
_SHOWN = 12
"""Tensor hashes have 64 digits; the site knows their first twelve (AutoV3)."""


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record, None without the mark."""
    for found in find_objects(fields, "sui_image_params"):
        params = dict_of(found.get("sui_image_params"))
        if params:
            return _record(params, dict_of(found.get("sui_extra_data")), dicts_of(found.get("sui_models")))
    return None


def _record(params: dict[str, Any], extra: dict[str, Any], files: list[dict[str, Any]]) -> Generation:
    meta = texts(params, _TEXTS) | numbers(params, _NUMBERS)
    native = text_of(params.get("sampler") or params.get("comfyuisampler"))
    scheduler = text_of(params.get("scheduler") or params.get("comfyuischeduler"))
    if native:
        meta["sampler"] = split_sampler(native, scheduler)[0]
        meta["originalSampler"] = native
    if scheduler:
        meta["scheduler"] = scheduler
    if params.get("initimage") or params.get("initimagecreativity"):
        meta |= numbers(params, {"initimagecreativity": "Denoising strength"})
    hashes = _hashes(files)
    model = text_of(params.get("model"))
    resources = _resources(params, hashes, model)
    if model:
        meta["Model"] = stem_of(model)
    if "model" in hashes:
        meta["Model hash"] = hashes["model"]
    if hashes:
        meta["hashes"] = {key: digest[:_SHOWN] for key, digest in hashes.items()}
    if resources:
        meta["resources"] = resources
    version = text_of(params.get("swarm_version"))
    meta |= {"Version": f"SwarmUI {version}" if version else "SwarmUI", **texts(extra, {"date": "Created Date"})}
    return from_meta(
        meta,
        generator="swarmui",
        tool=UsedTool(name="SwarmUI", version=version),
        native_sampler=native,
        model=UsedModel(name=stem_of(model), hash=hashes.get("model")) if model else None,
    )


def _hashes(files: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in files:
        digest, name, role = hash_of(entry.get("hash")), text_of(entry.get("name")), text_of(entry.get("param"))
        if digest is None or name is None:
            continue
        key = {"model": "model", "vae": "vae"}.get(role or "", f"lora:{stem_of(name)}")
        found.setdefault("refiner" if role == "refinermodel" else key, digest)
    return found


def _resources(params: dict[str, Any], hashes: dict[str, str], model: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if model:
        found.append(_entry("model", model, hashes.get("model")))
    weights = _listed(params.get("loraweights"))
    for place, name in enumerate(_listed(params.get("loras"))):
        weight = float_of(weights[place]) if place < len(weights) else None
        entry = _entry("lora", name, hashes.get(f"lora:{stem_of(name)}"))
        found.append(entry | {"weight": 1.0 if weight is None else weight})
    for key, word in _FILES.items():
        name_of_file = text_of(params.get(key))
        if name_of_file and name_of_file.lower() not in ("none", "automatic", "(use base)"):
            found.append(_entry(word, name_of_file, hashes.get(word)))
    return found


def _entry(word: str, name: str, digest: str | None) -> dict[str, Any]:
    entry = {"type": word, "name": stem_of(name)}
    return entry | {"hash": digest[:_SHOWN]} if digest else entry


def _listed(value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.split(",")
    return [str(part).strip() for part in value[:100] if str(part).strip()] if isinstance(value, list) else []
