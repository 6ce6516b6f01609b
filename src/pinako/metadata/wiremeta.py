"""A record as the wire's `meta`: the site's own key names, for records that were not read from a file."""

from __future__ import annotations

from typing import Any

from pinako.catalog.generation import Generation, Resource
from pinako.metadata.values import number_of

_WORDS = {"checkpoint": "model", "embedding": "embed", "hypernetwork": "hypernet"}


def to_meta(generation: Generation) -> dict[str, Any]:
    """What the record came with, and under the site's keys every field that it says beyond that."""
    meta: dict[str, Any] = {}
    size = f"{generation.width}x{generation.height}" if generation.width and generation.height else None
    model, tool = generation.model, generation.tool
    for key, value in (
        ("prompt", generation.prompt), ("negativePrompt", generation.negative_prompt), ("steps", generation.steps),
        ("sampler", generation.sampler), ("scheduler", generation.scheduler),
        ("cfgScale", number_of(generation.cfg_scale)), ("seed", generation.seed), ("clipSkip", generation.clip_skip),
        ("denoise", number_of(generation.denoise)), ("width", generation.width), ("height", generation.height),
        ("Size", size), ("Model", model.name if model else None), ("Model hash", model.hash if model else None),
        ("Version", tool.version if tool and tool.name != "Civitai" else None),
    ):  # fmt: skip
        if value is not None:
            meta |= {key: value}
    if generation.meta:
        return _without_repeats(meta, generation.meta) | generation.meta
    listed = [_entry(one) for one in generation.resources if one.model_version_id is None]
    credited = [_credit(one) for one in generation.resources if one.model_version_id is not None]
    hashes = _hashes(generation)
    for key, found in (("hashes", hashes), ("resources", listed), ("civitaiResources", credited)):
        if found:
            meta[key] = found
    return meta


def _without_repeats(made: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    # What the file said under another of the site's spellings is not said twice.
    spelled = {"denoise": ("Denoising strength", "Denoise strength"), "clipSkip": ("Clip skip",),
               "scheduler": ("Schedule type", "Sampler sigma"), "Model": ("models", "civitaiResources"),
               "Model hash": ("hashes",), "Version": ("comfy", "software"), "Size": ("width",)}  # fmt: skip
    return {key: value for key, value in made.items() if not any(other in given for other in spelled.get(key, ()))}


def _entry(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": _WORDS.get(resource.kind, resource.kind)}
    said = (("name", resource.name), ("weight", resource.weight), ("hash", resource.hash))
    return entry | {key: value for key, value in said if value is not None}


def _credit(resource: Resource) -> dict[str, Any]:
    credit: dict[str, Any] = {"type": resource.raw_type or resource.kind}
    if resource.weight is not None:
        credit["weight"] = resource.weight
    return credit | {"modelVersionId": resource.model_version_id}


def _hashes(generation: Generation) -> dict[str, str]:
    hashes: dict[str, str] = {}
    if generation.model and generation.model.hash:
        hashes["model"] = generation.model.hash
    for resource in generation.resources:
        word = _WORDS.get(resource.kind, resource.kind)
        if resource.hash and resource.name and resource.kind not in ("checkpoint", "other"):
            hashes["vae" if word == "vae" else f"{word}:{resource.name}"] = resource.hash
    return hashes
