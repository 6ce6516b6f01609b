"""Civitai on-site pictures of the ComfyUI era: a graph with `extra` and, as text inside the JSON, `extraMetadata`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pinako.catalog import air
from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.comfyui import comfy_text, graph_meta
from pinako.metadata.comfyui.graph import parse_graph
from pinako.metadata.jsontext import encode
from pinako.metadata.objects import dict_of, dicts_of, find_objects, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import float_of, int_of, text_of

_NUMBERS = {"cfgScale": "cfgScale", "steps": "steps", "seed": "seed", "denoise": "denoise", "clipSkip": "clipSkip",
            "width": "width", "height": "height"}  # fmt: skip
_TEXTS = {"prompt": "prompt", "negativePrompt": "negativePrompt", "sampler": "sampler", "scheduler": "scheduler"}
_WORKFLOWS = {
    "txt2img-hires": "txt2img:hires-fix", "txt2img-facefix": "txt2img:face-fix", "img2img-hires": "img2img:hires-fix",
    "img2img-facefix": "img2img:face-fix", "img2img-upscale": "img2img:upscale",
    "img2img-background-removal": "img2img:remove-background",
}  # fmt: skip
_KNOWN = frozenset({*_NUMBERS, *_TEXTS, "resources", "workflowId", "workflow"})
_OLD_LISTS = {"ckpt_airs": "checkpoint", "lora_airs": "lora", "embedding_airs": "embedding"}
_SHORT = re.compile(r"(\d{1,10})@(\d{1,10})")


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record; the site's own summary goes before what the graph says."""
    for found in find_objects(fields, '"extraMetadata"', '"airs"', '_airs"'):
        extra, summary = dict_of(found.get("extra")), dict_of(found.get("extraMetadata"))
        if extra or summary:
            return _record(found, extra, summary)
    return None


def _record(found: dict[str, Any], extra: dict[str, Any], summary: dict[str, Any]) -> Generation:
    nodes = {key: node for key, node in found.items() if key not in ("extra", "extraMetadata")}
    graph = parse_graph(nodes)
    drawn, sampling = graph_meta(graph) if graph is not None else ({}, None)
    meta = drawn | texts(summary, _TEXTS) | numbers(summary, _NUMBERS)
    if graph is not None:
        meta["comfy"] = comfy_text(encode(nodes), "")
    workflow = text_of(summary.get("workflowId") or summary.get("workflow"))
    if workflow:
        meta["workflow"] = _WORKFLOWS.get(workflow, workflow)
    rest = {key: value for key, value in summary.items() if key not in _KNOWN}
    if rest:
        meta["extra"] = rest
    credited = _credited(summary, extra)
    if credited:
        meta["civitaiResources"] = credited
    meta["engine"] = "Civitai"
    return from_meta(
        meta, generator="civitai", tool=UsedTool(name="Civitai"), process=sampling.process if sampling else None
    )


def _credited(summary: dict[str, Any], extra: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for row in dicts_of(summary.get("resources")):
        version, weight = int_of(row.get("modelVersionId")), float_of(row.get("strength", row.get("weight")))
        if version:
            credit = texts(row, {"type": "type"}) | ({"weight": weight} if weight is not None else {})
            found[version] = credit | {"modelVersionId": version}
    airs = extra.get("airs")
    for text in airs[:200] if isinstance(airs, list) else []:
        urn = air.parse(text) if isinstance(text, str) else None
        if urn is not None and urn.model_version_id:
            credit = {"type": urn.type} if urn.type else {}
            known = found.get(urn.model_version_id, {})
            found[urn.model_version_id] = credit | known | {"modelVersionId": urn.model_version_id}
    for key, word in _OLD_LISTS.items():
        listed = extra.get(key)
        for text in listed[:200] if isinstance(listed, list) else []:
            match = _SHORT.search(text) if isinstance(text, str) else None
            if match and 0 < int(match[2]) < 2**31:
                version = int(match[2])
                found[version] = {"type": word} | found.get(version, {}) | {"modelVersionId": version}
    return list(found.values())
