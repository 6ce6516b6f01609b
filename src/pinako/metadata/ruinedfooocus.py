"""RuinedFooocus: a JSON object that says so in `software`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.jsontext import loads
from pinako.metadata.objects import find_objects, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, hash_of, stem_of, text_of

_NUMBERS = {"cfg": "cfgScale", "steps": "steps", "seed": "seed", "width": "width", "height": "height",
            "clip_skip": "clipSkip", "denoise": "denoise"}  # fmt: skip
_TEXTS = {"Prompt": "prompt", "Negative": "negativePrompt", "sampler_name": "sampler"}


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record, None without the mark."""
    for found in find_objects(fields, "RuinedFooocus"):
        if found.get("software") == "RuinedFooocus":
            return _record(found)
    return None


def _record(found: dict[str, Any]) -> Generation:
    meta = texts(found, _TEXTS) | numbers(found, _NUMBERS) | {"software": "RuinedFooocus"}
    scheduler = text_of(found.get("scheduler"))
    if scheduler and scheduler != "simple":  # its word for no schedule of its own
        meta["scheduler"] = scheduler
    name, digest = text_of(found.get("base_model_name")), hash_of(found.get("base_model_hash"))
    resources: list[dict[str, Any]] = []
    if name:
        meta["Model"] = stem_of(name)
        resources.append({"type": "model", "name": stem_of(name), **({"hash": digest} if digest else {})})
    if digest:
        meta["Model hash"], meta["hashes"] = digest, {"model": digest}
    resources += _loras(found.get("loras"))
    if resources:
        meta["resources"] = resources
    return from_meta(
        meta, generator="ruinedfooocus", tool=UsedTool(name="RuinedFooocus", version=text_of(found.get("version")))
    )


def _loras(value: Any) -> list[dict[str, Any]]:
    """`Loras:<name:weight>,<…>` in one text, `name: weight` texts, or `[hash, "weight - name"]` pairs, by age; lists may be
    text themselves."""
    if isinstance(value, str):
        listed = loads(value.replace("'", '"')) if value.lstrip()[:1] == "[" else None
        value = listed if isinstance(listed, list) else value.split(",")
    found = []
    for entry in value[:100] if isinstance(value, list) else []:
        digest = None
        if isinstance(entry, list) and len(entry) >= 2:
            digest, entry = hash_of(entry[0]), entry[1] if isinstance(entry[1], str) else ""
        if not isinstance(entry, str) or not entry.strip():
            continue
        entry = entry.strip().removeprefix("Loras:").strip("<>").removeprefix("lora:")
        weight, dash, name = entry.partition(" - ")
        if dash and float_of(weight) is None and float_of(name) is not None:
            name, weight = weight, name
        elif not dash or float_of(weight) is None:
            name, _colon, weight = entry.rpartition(":") if ":" in entry else (entry, "", "1")
        number = float_of(weight)
        lora: dict[str, Any] = {"type": "lora", "name": stem_of(name), "weight": 1.0 if number is None else number}
        found.append(lora | ({"hash": digest} if digest else {}))
    return found
