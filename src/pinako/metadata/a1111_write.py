"""A record as A1111 text, which every web UI reads back: what is written here, `a1111.read_text` reads as the same record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pinako.catalog.generation import Generation, Resource
from pinako.metadata.a1111_settings import split_prompts
from pinako.metadata.record import TAG, plain_prompt

_PLAIN_NAME = re.compile(r"[^<>:,\"\n\[\](){}]{1,200}")
_TAG_WORDS = {"lora": "lora", "hypernetwork": "hypernet"}
_SITE_WORDS = {
    "checkpoint": "checkpoint", "lora": "lora", "embedding": "embed", "hypernetwork": "hypernet", "vae": "vae",
    "upscaler": "upscaler", "controlnet": "controlnet",
}  # fmt: skip


def write_a1111(generation: Generation) -> str:
    """The "parameters" text. Prompt and settings as plain text, resources as tags and hash lists where A1111 has a place
    for them, the others in the site's `Civitai resources` block."""
    lines = []
    prompt = _prompt_with_tags(generation)
    if prompt:
        lines.append(prompt)
    if generation.negative_prompt:
        lines.append(f"Negative prompt: {generation.negative_prompt}")
    lines.append(", ".join(f"{key}: {value}" for key, value in _settings(generation)))
    return "\n".join(lines)


def quote(value: Any) -> str:
    """A value as A1111 writes it: JSON-quoted where its own marks would end it early."""
    text = str(value)
    if not text or text != text.strip() or re.search(r'[,:"\n{}\[\]]', text):
        return json.dumps(text, ensure_ascii=False)
    return text


def _prompt_with_tags(generation: Generation) -> str:
    written = generation.meta.get("prompt")
    if (
        isinstance(written, str)
        and plain_prompt(written) == generation.prompt
        and split_prompts(written) == (written, "")
    ):
        text = written
    else:
        text = generation.prompt or ""
    present = {match[2].strip().lower() for match in TAG.finditer(text)}
    tags = [
        f"<{_TAG_WORDS[resource.kind]}:{resource.name}:{_number(resource.weight)}>"
        for resource in generation.resources
        if _is_tag(resource) and str(resource.name).lower() not in present
    ]
    return " ".join(part for part in (text, *tags) if part)


def _settings(generation: Generation) -> Iterator[tuple[str, str]]:
    yield "Steps", str(generation.steps if generation.steps is not None else "")
    model, tool = generation.model, generation.tool
    if model is not None and model.model_version_id is not None:
        model = None  # said by its id in the site's block
    size = f"{generation.width}x{generation.height}" if generation.width and generation.height else None
    for key, value in (
        ("Sampler", generation.sampler), ("Schedule type", generation.scheduler),
        ("CFG scale", _number(generation.cfg_scale)), ("Seed", generation.seed), ("Size", size),
        ("Model hash", model.hash if model else None), ("Model", model.name if model else None),
        ("Denoising strength", _number(generation.denoise)), ("Clip skip", generation.clip_skip),
    ):  # fmt: skip
        if value is not None:
            yield key, quote(value)
    yield from _passed_on(generation)
    hashes = {
        f"{resource.name}": resource.hash for resource in generation.resources if _is_tag(resource) and resource.hash
    }
    loras = [f"{r.name}: {r.hash}" for r in generation.resources if _is_tag(r) and r.hash and r.kind == "lora"]
    if loras and hashes:
        yield "Lora hashes", quote(", ".join(loras))
    block = [_site_entry(resource) for resource in generation.resources if _in_block(resource, generation)]
    if block:
        yield "Civitai resources", json.dumps(block, ensure_ascii=False, separators=(",", ":"))
    if tool is not None and tool.name != "Civitai":
        yield "Version", quote(tool.version or tool.name)


_OWN = frozenset({
    "prompt", "negativePrompt", "steps", "cfgScale", "seed", "sampler", "scheduler", "clipSkip", "width", "height", "Size",
    "denoise", "Denoising strength", "Denoise strength", "Clip skip", "Schedule type", "Schedule", "Scheduler",
    "Sampler sigma", "Model", "Model hash", "Version", "App", "VAE", "VAE hash", "Hires upscaler", "Refiner", "hashes",
    "Template", "Negative Template",
})  # fmt: skip


def _passed_on(generation: Generation) -> Iterator[tuple[str, str]]:
    """Other A1111 labels that came with the record; they are plain texts and begin with a capital."""
    for key, value in generation.meta.items():
        if isinstance(value, dict):  # nested pairs, as ControlNet writes them
            value = ", ".join(f"{inner}: {quote(said)}" for inner, said in value.items())
        plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        if plain and key not in _OWN and re.fullmatch(r"[A-Z][\w \-/]{1,60}", key):
            yield key, quote(value)


def _is_tag(resource: Resource) -> bool:
    plain = (
        resource.name is not None and _PLAIN_NAME.fullmatch(resource.name) and resource.name == resource.name.strip()
    )
    return (
        bool(plain)
        and resource.kind in _TAG_WORDS
        and resource.model_version_id is None
        and resource.weight is not None
    )


def _in_block(resource: Resource, generation: Generation) -> bool:
    if _is_tag(resource):
        return resource.kind == "hypernetwork" and resource.hash is not None
    model = generation.model
    is_main = model is not None and resource.kind == "checkpoint" and resource.model_version_id is None
    return not (is_main and model is not None and resource.name == model.name and resource.hash == model.hash)


def _site_entry(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": _SITE_WORDS.get(resource.kind, resource.raw_type or "other")}
    if resource.weight is not None:
        entry["weight"] = resource.weight
    if resource.model_version_id is not None:
        entry["modelVersionId"] = resource.model_version_id
    if resource.name is not None:
        entry["modelName"] = resource.name
    if resource.hash is not None:
        entry["hash"] = resource.hash
    return entry


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
