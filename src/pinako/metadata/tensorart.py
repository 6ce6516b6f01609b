"""Tensor.Art: `generation_data` beside the ComfyUI graph that its servers ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.objects import dict_of, dicts_of, find_objects, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, hash_of, stem_of, text_of

_NUMBERS = {"cfgScale": "cfgScale", "steps": "steps", "seed": "seed", "width": "width", "height": "height",
            "clipSkip": "clipSkip", "denoisingStrength": "Denoising strength"}  # fmt: skip
_TEXTS = {"prompt": "prompt", "negativePrompt": "negativePrompt", "schedule": "scheduler"}


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record. A seed of -1 means drawn at random; the graph beside it knows which, see `comfyui.complete`."""
    if "generation_data" not in fields:
        return None
    for found in find_objects({"generation_data": fields["generation_data"]}, '"prompt"'):
        return _record(found)
    return None


def complete(generation: Generation, fields: Mapping[str, str]) -> Generation:
    """A record made of the A1111 text in such a file, with the files and hashes that only `generation_data` says."""
    beside = read(fields) if generation.generator == "a1111" else None
    if beside is None:
        return generation
    told = beside.meta
    listed = told.get("resources", [])
    if generation.model is not None and beside.model is not None and generation.model.name != beside.model.name:
        told = {key: value for key, value in told.items() if key not in ("Model hash", "hashes")}  # another model's
        listed = [row for row in listed if row["type"] != "model"]
    resources = [*listed, *generation.meta.get("resources", [])]
    meta = told | generation.meta | ({"resources": resources} if resources else {})
    return from_meta(meta, generator="tensorart", tool=beside.tool)


def _record(found: dict[str, Any]) -> Generation:
    meta = texts(found, _TEXTS) | numbers(found, _NUMBERS)
    sampler = text_of(found.get("ksamplerName") or found.get("samplerName") or found.get("sampler"))
    if sampler:
        meta["sampler"] = sampler
    if meta.get("seed") == -1:
        del meta["seed"]
    resources: list[dict[str, Any]] = []
    base = dict_of(found.get("baseModel"))
    name, digest = text_of(base.get("modelFileName") or base.get("label")), hash_of(base.get("hash"))
    if name:
        meta["Model"] = stem_of(name)
        resources.append({"type": "model", "name": stem_of(name), **({"hash": digest} if digest else {})})
    if digest:
        meta["Model hash"], meta["hashes"] = digest, {"model": digest}
    for row in dicts_of(found.get("models")):
        file_name, weight = text_of(row.get("modelFileName") or row.get("label")), float_of(row.get("weight"))
        if file_name:
            word = str(row.get("type", "lora")).lower()
            entry = {"type": word, "name": stem_of(file_name), **({"weight": weight} if weight is not None else {})}
            resources.append(entry | ({"hash": row["hash"]} if hash_of(row.get("hash")) else {}))
    if resources:
        meta["resources"] = resources
    meta["software"] = "Tensor.Art"
    return from_meta(meta, generator="tensorart", tool=UsedTool(name="Tensor.Art"))
