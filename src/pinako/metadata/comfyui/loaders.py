"""Model files that a graph loads on the way to its picture: checkpoints, LoRAs and stacks of them, VAEs, control nets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pinako.metadata.comfyui.graph import Graph, Node
from pinako.metadata.comfyui.resolve import Resolver
from pinako.metadata.record import TAG, tag_weight
from pinako.metadata.values import float_of

CHECKPOINT_KEYS = ("ckpt_name", "unet_name", "base_ckpt_name", "gguf_name", "ckpt", "diffusion_model", "model_path")
_MODEL_LINKS = ("model", "model1", "model_1", "unet", "MODEL", "guider", "pipe", "basic_pipe", "sdxl_tuple", "ctx", "context",
                "base_ctx", "any_01", "input", "model_opt")  # fmt: skip
_OTHERS = (("gligen_name", "gligen"), ("style_model_name", "style_model"), ("ipadapter_file", "ipadapter"),
           ("clip_vision_name", "clip_vision"), ("clip_name", "clip"), ("photomaker_model_name", "photomaker"))  # fmt: skip
_CLIPS = re.compile(r"clip_name\d?|clip_vision(?:_name)?|text_encoder\d?")
_UNUSED = frozenset({"", "none", "undefined", "null", "baked vae", "automatic", "default"})
_EMBEDDING = re.compile(r"\bembedding:([\w\-./\\ ]{1,120}?)(?=[\s,:)\]>]|$)")
_STACKED = re.compile(r"lora(?:_name)?_?(\d{1,2})(?:_name)?")


def find_model(resolver: Resolver, sampler: Node) -> str | None:
    """The checkpoint or diffusion model at the root of a sampler's model chain; of a merge the first."""
    node, seen = sampler, {sampler.id}
    for _ in range(60):
        name = _checkpoint(resolver, node) if node is not sampler else None
        if name:
            return name
        following = _model_source(resolver.graph, node)
        if following is None or following.id in seen:
            return None
        node = following
        seen.add(node.id)
    return None


def gather(resolver: Resolver, nodes: Iterable[Node], texts: Iterable[str]) -> dict[str, Any]:
    """The site's lists of a graph: `models`, `vaes`, `upscalers`, `controlNets`, `additionalResources`."""
    lists: dict[str, list[str]] = {"models": [], "vaes": [], "upscalers": [], "controlNets": []}
    extra: list[dict[str, Any]] = []
    for node in nodes:
        for place, name in _plain_files(resolver, node):
            if name not in lists[place]:
                lists[place].append(name)
        extra += [*_loras(resolver, node), *_other_files(resolver, node)]
    for text in texts:
        extra += [{"name": match[1].strip(), "type": "embedding"} for match in _EMBEDDING.finditer(text)][:100]
        extra += tagged_loras(text)
    found: dict[str, Any] = {key: names for key, names in lists.items() if names}
    if extra:
        unique = {(entry["type"], entry["name"]): entry for entry in reversed(extra)}
        found["additionalResources"] = list(reversed(unique.values()))
    return found


def tagged_loras(text: str) -> Iterator[dict[str, Any]]:
    """LoRAs named by tags, which some encoders and loaders read out of a text."""
    for match in islice(TAG.finditer(text), 100) if "<" in text else ():
        yield {"name": match[2].strip(), "type": "lora", "strength": tag_weight(match[3])}


def _model_source(graph: Graph, node: Node) -> Node | None:
    for name in _MODEL_LINKS:
        found = graph.target(node.inputs.get(name))
        if found is not None:
            return found[0]
    for name, source, _slot in graph.links(node):
        if name.startswith(("model", "any_")):
            return source
    return None


def _checkpoint(resolver: Resolver, node: Node) -> str | None:
    keys: tuple[str, ...] = CHECKPOINT_KEYS
    if "Loader" in node.kind and not any(
        word in node.kind for word in ("Upscale", "ControlNet", "Style", "Lora", "LoRA")
    ):
        keys = (*CHECKPOINT_KEYS, "model_name", "model")
    for key in keys:
        if key in node.inputs:
            name = resolver.name(node.inputs[key], key)
            if _used(name):
                return name
    return None


def _plain_files(resolver: Resolver, node: Node) -> Iterator[tuple[str, str]]:
    name = _checkpoint(resolver, node)
    if name:
        yield "models", name
    upscales = "Upscale" in node.kind
    keys = (("vae_name", "vaes"), ("control_net_name", "controlNets"), ("controlnet_name", "controlNets"))
    for key, place in (*keys, ("model_name", "upscalers")) if upscales else keys:
        if key in node.inputs:
            name = resolver.name(node.inputs[key], key)
            if name and _used(name):
                yield place, name


def _loras(resolver: Resolver, node: Node) -> Iterator[dict[str, Any]]:
    inputs, loads = node.inputs, "lora" in node.kind.lower()
    alone = inputs.get("lora_name", inputs.get("lora") if loads else None)
    if alone is not None:
        clip = resolver.number(inputs.get("strength_clip"), "strength_clip")
        yield from _lora(resolver.name(alone, "lora_name"), _strength(resolver, node, ""), clip)
    if loads and "loras" not in inputs:  # a list beside the tags says which of them are switched on
        yield from tagged_loras(str(inputs.get("text", inputs.get("lora_syntax", ""))))
    for key, value in inputs.items():
        if isinstance(value, dict):
            yield from _listed_loras([value] if "lora" in value else value.get("__value__"))
        elif isinstance(value, list) and key == "loras":
            yield from _listed_loras(value)
        elif (match := _STACKED.fullmatch(key)) and isinstance(value, str) and _switched_on(inputs, match[1]):
            yield from _lora(value, _strength(resolver, node, match[1]))


def _listed_loras(entries: Any) -> Iterator[dict[str, Any]]:
    """rgthree's rows `{on, lora, strength}` and the LoRA manager's `{name, strength, active}`."""
    for entry in entries[:200] if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("on", entry.get("active", True)) not in (False, "false"):
            name = entry.get("lora", entry.get("name"))
            strength = float_of(entry.get("strength"))
            yield from _lora(name if isinstance(name, str) else None, strength)


def _lora(name: str | None, strength: float | None, clip: float | None = None) -> Iterator[dict[str, Any]]:
    if not name or not _used(name) or (strength is not None and abs(strength) < 1e-6):
        return
    entry: dict[str, Any] = {"name": name, "type": "lora"}
    if strength is not None:
        entry["strength"] = strength
    if clip is not None:
        entry["strengthClip"] = clip
    yield entry


def _strength(resolver: Resolver, node: Node, number: str) -> float | None:
    names: tuple[str, ...] = (
        "strength_model",
        "lora_model_strength",
        "strength",
        "lora_wt",
        "model_strength",
        "lora_strength",
        "weight",
    )
    if number:
        names = (f"strength_{number}", f"strength_0{number}", f"lora_{number}_strength", f"lora_wt_{number}",
                 f"model_weight_{number}", f"model_str_{number}", f"lora_{number}_model_strength", f"lora{number}_model_strength",
                 f"strength_model_{number}")  # fmt: skip
        if "advanced" in (node.inputs.get("input_mode"), node.inputs.get("mode")):
            names = tuple(sorted(names, key=lambda name: "model" not in name))  # the simple strength lies idle
    for name in names:
        if name in node.inputs:
            return resolver.number(node.inputs[name], name)
    return None


def _switched_on(inputs: dict[str, Any], number: str) -> bool:
    if str(inputs.get(f"switch_{number}", "On")).lower() in ("off", "false") or inputs.get("toggle") is False:
        return False
    count = float_of(inputs.get("lora_count", inputs.get("num_loras")))
    return count is None or int(number) <= count


def _other_files(resolver: Resolver, node: Node) -> Iterator[dict[str, Any]]:
    inputs = node.inputs
    if "hypernetwork_name" in inputs:
        name = resolver.name(inputs["hypernetwork_name"], "hypernetwork_name")
        if name and _used(name):
            strength = resolver.number(inputs.get("strength", 1), "strength")
            yield {"name": name, "type": "hypernetwork", "strength": 1.0 if strength is None else strength}
    for key, word in _OTHERS:
        if key in inputs:
            name = resolver.name(inputs[key], key)
            if name and _used(name):
                yield {"name": name, "type": word}
    for key, value in inputs.items():
        known = key in ("clip_name", "clip_vision_name")
        if not known and _CLIPS.fullmatch(key) and isinstance(value, str) and _used(value):
            yield {"name": value, "type": "clip"}


def _used(name: str | None) -> bool:
    return bool(name) and str(name).strip().lower() not in _UNUSED
