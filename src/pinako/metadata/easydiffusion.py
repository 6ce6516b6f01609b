"""Easy Diffusion: one PNG text per setting, or all as JSON in UserComment; keys in snake case or as its screen words them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.objects import find_objects, numbers, spelled, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, stem_of, text_of

_NUMBERS = {"guidance_scale": "cfgScale", "num_inference_steps": "steps", "steps": "steps", "seed": "seed",
            "width": "width", "height": "height", "clip_skip": "clipSkip"}  # fmt: skip
_TEXTS = {"prompt": "prompt", "negative_prompt": "negativePrompt", "sampler": "sampler", "sampler_name": "sampler",
          "scheduler_name": "scheduler"}  # fmt: skip
_FILES = (
    (("use_stable_diffusion_model", "stable_diffusion_model"), "model", ()),
    (("use_vae_model", "vae_model"), "vae", ()),
    (("use_lora_model", "lora_model"), "lora", ("lora_alpha", "lora_strength")),
    (("use_hypernetwork_model", "hypernetwork_model"), "hypernet", ("hypernetwork_strength",)),
    (("use_controlnet_model", "controlnet_model"), "controlnet", ()),
    (("use_embeddings_model", "embedding_models"), "embed", ()),
)
_MARKS = ("use_stable_diffusion_model", "Stable Diffusion model")


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record; the mark is its name for the model."""
    if any(mark in fields for mark in _MARKS):
        return _record(spelled(fields))
    for found in find_objects(fields, *_MARKS):
        if any(mark in found for mark in _MARKS):
            return _record(spelled(found))
    return None


def _record(said: dict[str, Any]) -> Generation:
    meta = texts(said, _TEXTS) | numbers(said, _NUMBERS)
    strength = float_of(said.get("prompt_strength"))
    if strength is not None and (said.get("init_image") or "init_image_path" in said):
        meta["Denoising strength"] = strength
    resources: list[dict[str, Any]] = []
    for keys, word, weights in _FILES:
        value = next((said[key] for key in keys if said.get(key)), None)
        weight = next((said[key] for key in weights if key in said), None)
        names, numbers_given = _listed(value), _listed(weight)
        for place, name in enumerate(names):
            number = float_of(numbers_given[place]) if place < len(numbers_given) else None
            entry: dict[str, Any] = {"type": word, "name": stem_of(str(name))}
            resources.append(entry | ({"weight": number} if number is not None else {}))
    model = next((entry["name"] for entry in resources if entry["type"] == "model"), None)
    if model:
        meta["Model"] = model
    if resources:
        meta["resources"] = resources
    meta["software"] = "Easy Diffusion"
    return from_meta(meta, generator="easydiffusion", tool=UsedTool(name="Easy Diffusion"))


def _listed(value: Any) -> list[Any]:
    """One or several, as a list or as its text `['a', 'b']`."""
    if isinstance(value, str):
        value = [part.strip(" '\"") for part in value.strip("[]").split(",")] if value.startswith("[") else [value]
    values = value[:50] if isinstance(value, list) else [value]
    return [one for one in values if text_of(one) and one not in ("None", "")]
