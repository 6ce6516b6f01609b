"""Draw Things: JSON with one-letter prompts in the XMP packet's UserComment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.objects import dicts_of, find_objects, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, size_of, stem_of, text_of

_NUMBERS = {"scale": "cfgScale", "steps": "steps", "seed": "seed", "clip_skip": "clipSkip"}
_TEXTS = {"c": "prompt", "uc": "negativePrompt", "sampler": "sampler"}


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record of an object with `c`, a model and a sampler."""
    for found in find_objects(fields, '"c"'):
        if isinstance(found.get("c"), str) and {"model", "sampler", "scale"} & found.keys() and "steps" in found:
            return _record(found)
    return None


def _record(found: dict[str, Any]) -> Generation:
    meta = texts(found, _TEXTS) | numbers(found, _NUMBERS)
    size = size_of(found.get("size"))
    if size:
        meta["width"], meta["height"] = size
    strength = float_of(found.get("strength"))
    if strength is not None and 0 < strength < 1:
        meta["Denoising strength"] = strength
    resources: list[dict[str, Any]] = []
    model = text_of(found.get("model"))
    if model:
        meta["Model"] = stem_of(model)
        resources.append({"type": "model", "name": stem_of(model)})
    for row in dicts_of(found.get("lora", found.get("loras"))):
        name, weight = text_of(row.get("model", row.get("file"))), float_of(row.get("weight"))
        if name:
            resources.append({"type": "lora", "name": stem_of(name), "weight": 1.0 if weight is None else weight})
    for key, word in (("upscaler", "upscaler"), ("refiner", "refiner")):
        name = text_of(found.get(key))
        if name:
            resources.append({"type": word, "name": stem_of(name)})
    if resources:
        meta["resources"] = resources
    meta["software"] = "Draw Things"
    return from_meta(meta, generator="drawthings", tool=UsedTool(name="Draw Things"))
