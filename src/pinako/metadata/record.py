"""From a wire `meta` to the normalised record, for every generator's reader and for what the site itself sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, Resource, UsedModel, UsedTool
from pinako.metadata.resources import name_or_air, resources_of
from pinako.metadata.samplers import split_sampler
from pinako.metadata.values import float_of, hash_of, int_of, size_of

TAG = re.compile(r"<(lora|lyco|lycoris|locon|hypernet)\s{0,4}:([^<>:]{1,300})((?::[^<>]{0,200})?)>", re.IGNORECASE)
_HOLES = re.compile(r",(?:[ \t]*,)+")
_PROCESS_KEYS = frozenset({"Mask blur", "Denoising strength", "Denoise strength", "denoise"})
_MAX_SEED = 2**64
_MAX_SIDE = 2**31


def from_meta(
    meta: dict[str, Any],
    *,
    generator: str,
    tool: UsedTool | None = None,
    names: Mapping[int, str] | None = None,
    process: str | None = None,
    model: UsedModel | None = None,
    native_sampler: str | None = None,
    resources: tuple[Resource, ...] | None = None,
) -> Generation:
    """The record of a `meta` with the site's key names, field by field: what cannot be read is absent, never an error.

    `names` maps version ids to the names that the file gives them; `process`, `model` and
    `resources` where a reader knows better than the keys.
    """
    if resources is None:
        resources = resources_of(meta, names)
    written = meta.get("sampler") if isinstance(meta.get("sampler"), str) else None
    sampler, scheduler = split_sampler(written, _scheduler(meta))
    width, height = _size(meta)
    steps = int_of(meta.get("steps"))
    return Generation(
        generator=generator,
        prompt=plain_prompt(meta.get("prompt")),
        negative_prompt=plain_prompt(meta.get("negativePrompt")),
        steps=steps if steps is None or 0 <= steps < _MAX_SIDE else None,
        cfg_scale=float_of(meta.get("cfgScale")),
        seed=_seed(meta.get("seed")),
        clip_skip=_small(_first(meta, "clipSkip", "Clip skip")),
        denoise=float_of(_first(meta, "denoise", "Denoising strength", "Denoise strength")),
        width=width,
        height=height,
        sampler=sampler,
        scheduler=scheduler,
        native_sampler=native_sampler or written,
        model=model or used_model(meta, resources),
        tool=tool,
        resources=resources,
        process=process or generation_process(meta),
        meta=meta,
    )


def tag_weight(said: str) -> float:
    """The weight of a tag whose end is `:0.8`, `:0.8:0.5`, `:te=0.8:unet=0.5` or `:0.8:lbw=…`: the first; 1 without any."""
    weight = float_of(said.split(":", 2)[1].rpartition("=")[2]) if said else None
    return 1.0 if weight is None else weight


def plain_prompt(text: Any) -> str | None:
    """A prompt without network tags and trailing commas; None where nothing is left."""
    if not isinstance(text, str):
        return None
    pieces = TAG.split(text) if "<" in text else [text]
    return plain_pieces(pieces)


def plain_pieces(pieces: list[str]) -> str | None:
    """The same for a prompt that `TAG.split` took apart: every fourth piece is text."""
    if len(pieces) == 1:
        return pieces[0].strip().rstrip(", \t\n") or None
    text = "".join(pieces[::4])
    if ",," in text.replace(" ", "").replace("\t", ""):
        text = _HOLES.sub(",", text)
    return text.strip().strip(", \t\n") or None


def generation_process(meta: Mapping[str, Any]) -> str:
    """ImageGenerationProcess by the upload's rule: Mask blur, denoising and hires keys decide (domain.md g)."""
    if _PROCESS_KEYS.isdisjoint(meta):
        return "txt2img"
    if meta.get("Mask blur") is not None:
        return "inpainting"
    strength = _first(meta, "Denoising strength", "Denoise strength")
    if strength is None:
        # ComfyUI states a denoise of 1 for every text-to-image run.
        denoise = float_of(meta.get("denoise"))
        strength = denoise if denoise is not None and denoise < 1 else None
    if strength is None:
        return "txt2img"
    hires = _first(meta, "First pass strength", "Hires upscale", "Hires upscaler", "Hires resize")
    return "txt2imgHiRes" if hires is not None else "img2img"


def shown_process(meta: Mapping[str, Any]) -> str:
    """The `process` of generation data: the engine's own word, else `comfy`, `txt2img + Hi-Res` and so on."""
    if meta.get("engine"):
        own = meta.get("process") or meta.get("type")
        if isinstance(own, str) and own:
            return own
    if meta.get("comfy"):
        word = "comfy"
    else:
        word = {"txt2imgHiRes": "txt2img + Hi-Res"}.get(generation_process(meta), generation_process(meta))
    return f"{word} + ControlNet" if _controlled(meta) else word


def on_site(meta: Mapping[str, Any]) -> bool:
    """Whether a `meta` shows a picture made on the site: credited resources, no `Version`, no local model name."""
    model = meta.get("Model")
    local = isinstance(model, str) and model and not model.startswith(("urn:air:", "air:"))
    return bool(meta.get("civitaiResources")) and "Version" not in meta and not local


def _controlled(meta: Mapping[str, Any]) -> bool:
    return bool(meta.get("controlNets")) or any(str(key).startswith("ControlNet") for key in meta)


def _first(meta: Mapping[str, Any], *keys: str) -> Any:
    for key in keys:
        value = meta.get(key)
        if value is not None:
            return value
    return None


def _scheduler(meta: Mapping[str, Any]) -> str | None:
    word = _first(meta, "scheduler", "Schedule type", "Scheduler", "Sampler sigma", "Schedule")
    return word if isinstance(word, str) else None


def _size(meta: Mapping[str, Any]) -> tuple[int | None, int | None]:
    width, height = int_of(meta.get("width")), int_of(meta.get("height"))
    if width is None or height is None:
        width, height = size_of(meta.get("Size")) or (width, height)
    if not (width is None or 0 < width < _MAX_SIDE) or not (height is None or 0 < height < _MAX_SIDE):
        return None, None
    return width, height


def _seed(value: Any) -> int | None:
    seed = int_of(value)
    return seed if seed is not None and -1 <= seed < _MAX_SEED else None


def _small(value: Any) -> int | None:
    number = int_of(value)
    return abs(number) if number is not None and abs(number) < 100 else None


def used_model(meta: Mapping[str, Any], resources: tuple[Resource, ...]) -> UsedModel | None:
    """The main model: what `Model` and `Model hash` say, completed by the first checkpoint among the resources."""
    named = meta.get("Model")
    main = next((found for found in resources if found.kind == "checkpoint" and found.raw_type != "refiner"), None)
    name, version, _type = name_or_air(named) if isinstance(named, str) and named else (None, None, None)
    digest = hash_of(meta.get("Model hash"))
    if main is not None:
        name, version, digest = name or main.name, version or main.model_version_id, digest or main.hash
    if name is None and version is None and digest is None:
        return None
    return UsedModel(name=name, hash=digest, model_version_id=version)
