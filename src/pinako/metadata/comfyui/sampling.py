"""Which sampler made the picture, and what it was given: the first pass of the chain that ends at the saver."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.metadata.comfyui.graph import Graph, Node
from pinako.metadata.comfyui.resolve import Resolver
from pinako.metadata.values import size_of

_SETTING_LINKS = ("guider", "sampler", "sigmas", "noise", "pipe", "basic_pipe", "sdxl_tuple", "settings", "sampler_config",
                  "ctx", "context", "base_ctx", "sampler_opts", "seed_opts", "config")  # fmt: skip
_LATENT_LINKS = ("latent_image", "latent", "samples", "optional_latent", "pixels", "image", "init_image", "init_latent",
                 "start_image", "empty_latent", "latents", "images", "image_embeds", "guider", "pipe", "positive")  # fmt: skip
_MAX_DEPTH = 30
_MAX_SAMPLERS = 40
_SAMPLER_CLASSES = {
    "SamplerEulerAncestral": "euler_ancestral", "SamplerEulerAncestralCFGPP": "euler_ancestral_cfg_pp",
    "SamplerDPMPP_2M_SDE": "dpmpp_2m_sde", "SamplerDPMPP_3M_SDE": "dpmpp_3m_sde", "SamplerDPMPP_SDE": "dpmpp_sde",
    "SamplerDPMPP_2S_Ancestral": "dpmpp_2s_ancestral", "SamplerLMS": "lms", "SamplerLCMUpscale": "lcm",
    "SamplerDPMAdaptative": "dpm_adaptive", "SamplerER_SDE": "er_sde",
}  # fmt: skip
_SCHEDULER_CLASSES = {
    "SDTurboScheduler": "turbo", "KarrasScheduler": "karras", "ExponentialScheduler": "exponential",
    "PolyexponentialScheduler": "polyexponential", "BetaSamplingScheduler": "beta", "VPScheduler": "vp",
    "AlignYourStepsScheduler": "align_your_steps", "LTXVScheduler": "ltxv", "Flux2Scheduler": "flux2",
}  # fmt: skip
_MASKED = ("VAEEncodeForInpaint", "SetLatentNoiseMask", "InpaintModelConditioning")


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """What the graph feeds to its first sampler, and how the picture began."""

    sampler_node: Node
    seed: float | None = None
    steps: float | None = None
    cfg: float | None = None
    denoise: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    width: float | None = None
    height: float | None = None
    guidance: float | None = None
    process: str = "txt2img"


def find_samplers(graph: Graph) -> tuple[list[Node], dict[str, Node]]:
    """(samplers of the chains that end at the savers, base first; all nodes of those chains)."""
    sinks = graph.sinks()
    reached = graph.upstream([node for node in sinks if _saves(node)] or sinks)
    samplers = [node for node in reached.values() if is_sampler(node)]
    if not samplers:
        reached = dict(graph.nodes)
        samplers = [node for node in reached.values() if is_sampler(node)] or _single_step(reached)
    samplers = samplers[:_MAX_SAMPLERS]
    return sorted(samplers, key=lambda node: _place(graph, node, samplers)), reached


def is_sampler(node: Node) -> bool:
    """Whether a node draws: it has a seed or noise, and names a sampler or is called one. A context only carries these."""
    inputs = node.inputs
    if node.kind.startswith("Context"):
        return False
    if not any(key in inputs for key in ("seed", "noise_seed", "noise")):
        return False
    return "sampler_name" in inputs or "sampler" in inputs or "sampler" in node.kind.lower()


def read_sampling(resolver: Resolver, samplers: list[Node]) -> Sampling:
    """The settings of the base sampler; the others decide only whether there was a second pass."""
    base = samplers[0]
    width, height = _canvas(resolver, base)
    start = _start(resolver.graph, base)
    process = start
    if start == "txt2img" and any(node is not base and _is_pass(resolver, node) for node in samplers):
        process = "txt2imgHiRes"
    return Sampling(
        sampler_node=base,
        seed=_setting(resolver, base, ("seed", "noise_seed")),
        steps=_setting(resolver, base, ("steps", "steps_total")),
        cfg=_setting(resolver, base, ("cfg", "cfg_conds", "cfg_scale", "guidance_scale")),
        denoise=_setting(resolver, base, ("denoise", "denoise_strength")),
        sampler=_word(resolver, base, "sampler_name", _SAMPLER_CLASSES),
        scheduler=_word(resolver, base, "scheduler", _SCHEDULER_CLASSES),
        width=width,
        height=height,
        guidance=_guidance(resolver.graph, resolver, base),
        process=process,
    )


def _saves(node: Node) -> bool:
    kind = node.kind.lower()
    return "save" in kind or "videocombine" in kind or "preview" in kind or "output" in kind


def _single_step(nodes: dict[str, Node]) -> list[Node]:
    # What takes both prompts is a sampler whose seed came from a node that is gone. Nodes that call a service draw in one
    # step: a prompt and a seed of their own.
    return [node for node in nodes.values() if node.inputs.keys() >= {"positive", "negative", "sampler_name"}] or [
        node for node in nodes.values() if "seed" in node.inputs and isinstance(node.inputs.get("prompt"), (str, list))
    ]


def _place(graph: Graph, node: Node, samplers: list[Node]) -> tuple[int, int]:
    """First those that no other sampler feeds, of them first those that begin from nothing."""
    before = graph.upstream([node])
    ancestors = sum(1 for other in samplers if other.id in before and other is not node)
    return ancestors, 0 if _begins_empty(graph, node) else 1


def _begins_empty(graph: Graph, node: Node) -> bool:
    return _start(graph, node) == "txt2img"


def _start(graph: Graph, node: Node) -> str:
    """How the latent of a sampler came to be: from nothing, from a picture, or from a picture under a mask."""
    seen, masked = {node.id}, False
    for _ in range(_MAX_DEPTH):
        if node.kind in _MASKED or (
            node.kind != "LoadImage" and "mask" in node.inputs and graph.target(node.inputs["mask"])
        ):
            masked = True
        if "Empty" in node.kind and ("Latent" in node.kind or "Image" in node.kind):
            break
        if "LoadImage" in node.kind or node.kind.startswith("LoadVideo") or node.kind == "VHS_LoadVideo":
            return "inpainting" if masked else "img2img"
        following = next(
            (graph.target(node.inputs[name]) for name in _LATENT_LINKS if graph.target(node.inputs.get(name))), None
        )
        if following is None or following[0].id in seen:
            break
        node = following[0]
        seen.add(node.id)
    return "txt2img"


def _is_pass(resolver: Resolver, node: Node) -> bool:
    """A second pass redraws with a part of the noise; a refiner or a second stage goes on with the first's."""
    if "UltimateSDUpscale" in node.kind:
        return True
    denoise = _setting(resolver, node, ("denoise",))
    latent = resolver.graph.target(node.inputs.get("latent_image"))
    return denoise is not None and denoise < 1 and latent is not None


def _setting(resolver: Resolver, node: Node, names: tuple[str, ...], depth: int = 0) -> float | None:
    for name in names:
        if name in node.inputs:
            number = resolver.number(node.inputs[name], name)
            if number is not None:
                return number
    if depth >= 8 or not resolver.spend():
        return None
    for link in _SETTING_LINKS:
        found = resolver.graph.target(node.inputs.get(link))
        number = _setting(resolver, found[0], names, depth + 1) if found else None
        if number is not None:
            return number
    return None


def _word(resolver: Resolver, node: Node, key: str, classes: dict[str, str], depth: int = 0) -> str | None:
    for name in (key, key.removesuffix("_name")):
        if name in node.inputs and (name == key or isinstance(node.inputs[name], str)):
            return resolver.name(node.inputs[name], key)
    if node.kind in classes:
        return classes[node.kind]
    if depth >= 8 or not resolver.spend():
        return None
    for link in _SETTING_LINKS:
        found = resolver.graph.target(node.inputs.get(link))
        word = _word(resolver, found[0], key, classes, depth + 1) if found else None
        if word is not None:
            return word
    return None


def _canvas(resolver: Resolver, node: Node) -> tuple[float | None, float | None]:
    """Width and height of the latent that a sampler starts from."""
    graph, seen = resolver.graph, {node.id}
    for _ in range(_MAX_DEPTH):
        if "TextEncode" in node.kind:
            break  # its width and height are what the prompt is told, not what is drawn
        if "width" in node.inputs and "height" in node.inputs:
            return resolver.number(node.inputs["width"], "width"), resolver.number(node.inputs["height"], "height")
        for key in ("resolution", "dimensions", "size", "aspect_ratio"):
            stated = size_of(node.inputs.get(key))
            if stated:  # chosen from a list; the loader's own sides count only beside "custom"
                return stated
        if "empty_latent_width" in node.inputs and "empty_latent_height" in node.inputs:
            wide, high = node.inputs["empty_latent_width"], node.inputs["empty_latent_height"]
            return resolver.number(wide, "width"), resolver.number(high, "height")
        if "scale" in node.kind.lower() or "resize" in node.kind.lower():
            break
        following = next(
            (graph.target(node.inputs[name]) for name in _LATENT_LINKS if graph.target(node.inputs.get(name))), None
        )
        if following is None or following[0].id in seen:
            break
        node = following[0]
        seen.add(node.id)
    return None, None


def _guidance(graph: Graph, resolver: Resolver, base: Node) -> float | None:
    """Flux takes its guidance with the prompt, in a node of its own; some samplers take it themselves."""
    if "guidance" in base.inputs:
        return resolver.number(base.inputs["guidance"], "guidance")
    for start in ("positive", "guider", "conditioning"):
        value: Any = base.inputs.get(start)
        for _ in range(_MAX_DEPTH):
            found = graph.target(value)
            if found is None:
                break
            node = found[0]
            if ("guidance" in node.inputs and "Guidance" in node.kind) or node.kind == "CLIPTextEncodeFlux":
                return resolver.number(node.inputs.get("guidance"), "guidance")
            value = node.inputs.get("conditioning", node.inputs.get("positive", node.inputs.get("cond1")))
    return None
