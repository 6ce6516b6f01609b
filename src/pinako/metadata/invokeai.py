"""InvokeAI in its three ages: `invokeai_metadata` (3 and later), `sd-metadata` (2), the `Dream` command line (1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.jsontext import loads_dict
from pinako.metadata.objects import dict_of, dicts_of, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, hash_of, number_of, stem_of, text_of

_NUMBERS = {"cfg_scale": "cfgScale", "steps": "steps", "seed": "seed", "width": "width", "height": "height",
            "strength": "Denoising strength", "clip_skip": "clipSkip"}  # fmt: skip
_TEXTS = {"positive_prompt": "prompt", "negative_prompt": "negativePrompt", "scheduler": "sampler"}
_BRACKETS = re.compile(r"\[([^\[\]]{0,20000})\]")
_DREAM = re.compile(r'\s*"((?:[^"\\]|\\.){0,50000})"(.{0,5000})', re.DOTALL)
_FLAG = re.compile(r"(?:^|\s)-([sSWHCAf])\s?([\w.+\-]{1,60})")
_FLAGS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfgScale", "f": "Denoising strength"}


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record of the newest form that is there."""
    for name in ("invokeai_metadata", "sd-metadata", "xmp:sd-metadata", "xmp:metadata"):
        found = loads_dict(fields[name]) if name in fields else {}
        if isinstance(found.get("image"), dict):
            return _second_age(found)
        if found:
            return _third_age(found)
    dream = fields.get("Dream") or fields.get("dream")
    return _first_age(dream) if dream else None


def _third_age(found: dict[str, Any]) -> Generation:
    meta = texts(found, _TEXTS) | numbers(found, _NUMBERS)
    mode = text_of(found.get("generation_mode")) or ""
    resources = [_file("model", found.get("model"))]
    resources += [_file("lora", row.get("model", row.get("lora")), row) for row in dicts_of(found.get("loras"))]
    resources += [_file("controlnet", row.get("control_model")) for row in dicts_of(found.get("controlnets"))]
    resources += [_file("vae", found.get("vae")), _file("refiner", found.get("refiner_model"))]
    return _finish(
        meta,
        resources,
        version=text_of(found.get("app_version")),
        process="inpainting" if "inpaint" in mode or "outpaint" in mode else "img2img" if "img2img" in mode else None,
    )


def _second_age(found: dict[str, Any]) -> Generation:
    image = dict_of(found.get("image"))
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        prompt = " ".join(str(row["prompt"]) for row in dicts_of(prompt) if text_of(row.get("prompt")))
    meta = _prompts(text_of(prompt) or "") | numbers(image, _NUMBERS) | texts(image, {"sampler": "sampler"})
    name, digest = text_of(found.get("model_weights")), found.get("model_hash")
    return _finish(
        meta,
        [_file("model", {"name": name, "hash": digest} if name else None)],
        version=text_of(found.get("app_version")),
        process="img2img" if image.get("type") == "img2img" else None,
    )


def _first_age(line: str) -> Generation | None:
    match = _DREAM.match(line)
    if match is None:
        return None
    meta = _prompts(match[1].replace('\\"', '"'))
    for flag in _FLAG.finditer(match[2]):
        if flag[1] == "A":
            meta["sampler"] = flag[2]
        elif number_of(flag[2]) is not None:
            meta[_FLAGS[flag[1]]] = number_of(flag[2])
    if "steps" not in meta and "seed" not in meta:
        return None
    return _finish(meta, [], version=None, process=None)


def _prompts(text: str) -> dict[str, Any]:
    """Up to the third age the negative words stood in brackets inside the prompt."""
    negative = " ".join(part.strip() for part in _BRACKETS.findall(text) if part.strip())
    positive = _BRACKETS.sub("", text).strip()
    return {key: value for key, value in (("prompt", positive), ("negativePrompt", negative)) if value}


def _file(word: str, value: Any, row: Mapping[str, Any] | None = None) -> dict[str, Any]:
    if isinstance(value, str):
        value = {"name": value}
    name = text_of(value.get("name") or value.get("model_name")) if isinstance(value, dict) else None
    if name is None:
        return {}
    entry: dict[str, Any] = {"type": word, "name": stem_of(name)}
    digest = hash_of(value.get("hash"))
    weight = float_of(row.get("weight")) if row is not None else None
    return entry | ({"hash": digest} if digest else {}) | ({"weight": weight} if weight is not None else {})


def _finish(
    meta: dict[str, Any], files: list[dict[str, Any]], *, version: str | None, process: str | None
) -> Generation:
    resources = [entry for entry in files if entry]
    model = next((entry for entry in resources if entry["type"] == "model"), None)
    if model is not None:
        meta["Model"] = model["name"]
        if "hash" in model:
            meta["Model hash"] = model["hash"]
    if resources:
        meta["resources"] = resources
        hashes = {_hash_key(entry): entry["hash"] for entry in resources if "hash" in entry}
        meta |= {"hashes": hashes} if hashes else {}
    meta["Version"] = f"InvokeAI {version}" if version else "InvokeAI"
    return from_meta(meta, generator="invokeai", tool=UsedTool(name="InvokeAI", version=version), process=process)


def _hash_key(entry: Mapping[str, Any]) -> str:
    word = str(entry["type"])
    return word if word in ("model", "vae", "refiner") else f"{word}:{entry['name']}"
