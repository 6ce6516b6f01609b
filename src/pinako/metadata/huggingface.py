"""Hugging Face spaces that write diffusers' own words as JSON into `parameters`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.objects import dict_of, find_objects, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, hash_of, size_of, stem_of, text_of

_NUMBERS = {"guidance_scale": "cfgScale", "num_inference_steps": "steps", "seed": "seed", "width": "width",
            "height": "height"}  # fmt: skip
_TEXTS = {"prompt": "prompt", "negative_prompt": "negativePrompt", "sampler": "sampler"}


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record of an object with `num_inference_steps` or `guidance_scale` beside a prompt."""
    for found in find_objects(fields, "num_inference_steps", "guidance_scale"):
        if isinstance(found.get("prompt"), str):
            return _record(found)
    return None


def _record(found: dict[str, Any]) -> Generation:
    meta = texts(found, _TEXTS) | numbers(found, _NUMBERS)
    size = size_of(found.get("resolution"))
    if size and "width" not in meta:
        meta["width"], meta["height"] = size
    nested = dict_of(found.get("Model"))  # some spaces write {"Model": …, "Model hash": …} there
    name = text_of(nested.get("Model") or found.get("Model") or found.get("model"))
    digest = hash_of(nested.get("Model hash") or found.get("Model hash") or found.get("model_hash"))
    resources: list[dict[str, Any]] = []
    if name:
        meta["Model"] = stem_of(name)
        resources.append({"type": "model", "name": stem_of(name), **({"hash": digest} if digest else {})})
    if digest:
        meta["Model hash"], meta["hashes"] = digest, {"model": digest}
    lora, weight = text_of(found.get("lora")), float_of(found.get("lora_scale"))
    if lora:
        resources.append({"type": "lora", "name": stem_of(lora), "weight": 1.0 if weight is None else weight})
    upscaler = dict_of(found.get("use_upscaler"))
    if upscaler:
        meta |= texts(upscaler, {"upscale_method": "Hires upscaler"}) | numbers(
            upscaler, {"upscale_by": "Hires upscale"}
        )
        meta |= numbers(upscaler, {"upscaler_strength": "Denoising strength"})
    if resources:
        meta["resources"] = resources
    return from_meta(meta, generator="huggingface", tool=UsedTool(name="Hugging Face Space"))
