"""ComfyUI: the graph that ran (`prompt`) or, failing that, the one on the canvas (`workflow`), followed from its sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedModel, UsedTool
from pinako.metadata.comfyui.graph import Graph, Node, parse_graph
from pinako.metadata.comfyui.loaders import find_model, gather
from pinako.metadata.comfyui.resolve import Resolver
from pinako.metadata.comfyui.sampling import Sampling, find_samplers, read_sampling
from pinako.metadata.comfyui.workflow import graph_of_workflow
from pinako.metadata.jsontext import encode, loads_dict
from pinako.metadata.record import from_meta
from pinako.metadata.resources import name_or_air
from pinako.metadata.samplers import site_sampler
from pinako.metadata.values import number_of

_FIELDS = ("prompt", "UserComment", "comment", "Comment", "description", "parameters", "workflow", "xmp:UserComment",
           "ImageDescription", "COMMENT", "PROMPT", "WORKFLOW", "stealth")  # fmt: skip
_CLIP_SKIPS = ("stop_at_clip_layer", "clip_skip", "base_clip_skip")


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record of a file that carries a graph of either form, None for one that does not."""
    graph, prompt, workflow = find_graph(fields)
    if graph is None:
        return None
    meta, sampling = graph_meta(graph)
    meta["comfy"] = comfy_text(prompt, workflow)
    return from_meta(
        meta,
        generator="comfyui",
        tool=UsedTool(name="ComfyUI"),
        process=sampling.process if sampling else None,
        model=_used_model(meta),
        native_sampler=sampling.sampler if sampling else None,
    )


def complete(generation: Generation, fields: Mapping[str, str]) -> Generation:
    """A record that another reader made of a file with a graph, with what only the graph says: the graph itself, files
    that it loads, and settings that the text lacks. What the text says stays."""
    if generation.generator not in ("a1111", "tensorart") or "comfy" in generation.meta:
        return generation
    graph, prompt, workflow = find_graph(fields)
    if graph is None:
        return generation
    drawn, sampling = graph_meta(graph)
    if generation.model is not None:
        drawn.pop("models", None)
    if generation.scheduler is not None:
        drawn.pop("scheduler", None)
    if generation.denoise is not None:
        drawn.pop("denoise", None)
    meta = drawn | generation.meta | {"comfy": comfy_text(prompt, workflow)}
    return from_meta(
        meta,
        generator=generation.generator,
        tool=generation.tool,
        process=sampling.process if sampling else generation.process,
        model=generation.model,
        native_sampler=generation.native_sampler,
    )


def find_graph(fields: Mapping[str, str]) -> tuple[Graph | None, str, str]:
    """(graph, JSON text of `prompt`, of `workflow`): the graph that ran, else the canvas. Texts are as in the file."""
    prompt, workflow, canvas = "", "", None
    graph: Graph | None = None
    for name in _FIELDS:
        text = fields.get(name)
        if not text or '"' not in text:
            continue
        if graph is not None and not workflow and name.lower() == "workflow" and text.lstrip()[:1] == "{":
            workflow = text  # the graph that ran says all; the canvas is only kept
            continue
        found = loads_dict(text)
        if not found:
            continue
        if graph is None and (graph := parse_graph(found)) is not None:
            prompt = text
        elif isinstance(found.get("nodes"), list):
            workflow, canvas = workflow or text, canvas or found
        elif "prompt" in found or "workflow" in found:  # both in one object: video savers, SaveImagePlus
            inner, drawn = _object(found.get("prompt")), _object(found.get("workflow"))
            if graph is None and inner and (graph := parse_graph(inner)) is not None:
                prompt = encode(inner)
            if drawn and isinstance(drawn.get("nodes"), list):
                workflow, canvas = workflow or encode(drawn), canvas or drawn
    if graph is None and canvas is not None:
        graph = graph_of_workflow(canvas)
    return graph, prompt, workflow


def graph_meta(graph: Graph) -> tuple[dict[str, Any], Sampling | None]:
    """The site's keys of a graph; without a sampler only the files that it loads."""
    resolver = Resolver(graph)
    samplers, nodes = find_samplers(graph)
    meta: dict[str, Any] = {}
    sampling = read_sampling(resolver, samplers) if samplers else None
    texts: list[str] = []
    if sampling is not None:
        texts = _read_prompts(resolver, sampling, meta)
        _read_settings(sampling, meta)
    files = gather(resolver, nodes.values(), texts)
    main = find_model(resolver, samplers[0]) if samplers else None
    if main:
        files["models"] = [main, *(name for name in files.get("models", []) if name != main)]
    if skip := _clip_skip(resolver, nodes):
        meta["clipSkip"] = skip
    return meta | files, sampling


def _clip_skip(resolver: Resolver, nodes: Mapping[str, Node]) -> int | None:
    """The layer of a node of its own, counted from the end; else what a loader does beside its loading."""
    for name in _CLIP_SKIPS:
        for node in nodes.values():
            layer = resolver.number(node.inputs[name], name) if name in node.inputs else None
            if layer is not None and (layer < 0 or name == "clip_skip"):
                return abs(int(layer))
    return None


def comfy_text(prompt: str, workflow: str) -> str:
    """The site's `comfy`: one JSON text of both graphs, from the texts as the file has them."""
    return f'{{"prompt":{prompt.strip() or "null"},"workflow":{workflow.strip() or "null"}}}'


def _read_prompts(resolver: Resolver, sampling: Sampling, meta: dict[str, Any]) -> list[str]:
    texts = []
    for side, key in (("positive", "prompt"), ("negative", "negativePrompt")):
        text = _prompt(resolver, sampling, side)
        if text:
            meta[key] = text
            texts.append(text)
    return texts


def _prompt(resolver: Resolver, sampling: Sampling, side: str) -> str:
    """The text of one side: at the sampler itself, at its guider, or along the pipe that feeds it."""
    node = sampling.sampler_node
    names = (side, "conditioning", "cond1", "text_embeds", "prompt") if side == "positive" else (side, "text_embeds")
    for _ in range(12):
        for name in names:
            if name in node.inputs:
                return resolver.joined(node.inputs[name], side)
        following = next(
            (resolver.graph.target(node.inputs[link]) for link in ("guider", "pipe", "basic_pipe", "sdxl_tuple", "ctx",
             "context", "base_ctx", "text_embeds") if resolver.graph.target(node.inputs.get(link))), None,
        )  # fmt: skip
        if following is None:
            return ""
        node = following[0]
    return ""


def _read_settings(sampling: Sampling, meta: dict[str, Any]) -> None:
    values = {
        # Where there is no cfg at all (Flux by a basic guider), the guidance is the one scale that the picture was made with.
        "cfgScale": sampling.guidance if sampling.cfg is None else sampling.cfg,
        "steps": sampling.steps, "seed": sampling.seed, "denoise": sampling.denoise,
        "width": sampling.width, "height": sampling.height, "Distilled CFG Scale": sampling.guidance,
        "sampler": site_sampler(sampling.sampler, sampling.scheduler), "scheduler": sampling.scheduler,
    }  # fmt: skip
    for key, value in values.items():
        if value is not None:
            meta[key] = value if isinstance(value, str) else number_of(value)


def _used_model(meta: Mapping[str, Any]) -> UsedModel | None:
    names = meta.get("models")
    if not names:
        return None
    name, version, _type = name_or_air(names[0])
    return UsedModel(name=name, model_version_id=version)


def _object(value: Any) -> dict[str, Any]:
    # Some savers nest the graph as JSON text inside the JSON.
    if isinstance(value, str):
        return loads_dict(value)
    return value if isinstance(value, dict) else {}
