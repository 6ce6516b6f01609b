"""Which input each value of a canvas node's `widgets_values` belongs to: the node's own list, else what is known of its class."""

from __future__ import annotations

from typing import Any

_SIZED = ("width", "height", "batch_size")
_VIDEO = ("width", "height", "length", "batch_size")
_KNOWN: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "start_at_step", "end_at_step",
        "return_with_leftover_noise",
    ),
    "SamplerCustom": ("add_noise", "noise_seed", "cfg"),
    "KSamplerSelect": ("sampler_name",), "BasicScheduler": ("scheduler", "steps", "denoise"),
    "SDTurboScheduler": ("steps", "denoise"), "RandomNoise": ("noise_seed",), "CFGGuider": ("cfg",),
    "DualCFGGuider": ("cfg_conds", "cfg_cond2_negative"), "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": (
        "width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l",
    ),
    "CLIPTextEncodeSDXLRefiner": ("ascore", "width", "height", "text"),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"), "CLIPTextEncodeSD3": ("clip_l", "clip_g", "t5xxl"),
    "CheckpointLoaderSimple": ("ckpt_name",), "CheckpointLoader": ("config_name", "ckpt_name"),
    "ImageOnlyCheckpointLoader": ("ckpt_name",), "UNETLoader": ("unet_name", "weight_dtype"),
    "UnetLoaderGGUF": ("unet_name",), "VAELoader": ("vae_name",), "CLIPLoader": ("clip_name", "type"),
    "DualCLIPLoader": ("clip_name1", "clip_name2", "type"),
    "QuadrupleCLIPLoader": ("clip_name1", "clip_name2", "clip_name3", "clip_name4"),
    "TripleCLIPLoader": ("clip_name1", "clip_name2", "clip_name3"),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "HypernetworkLoader": ("hypernetwork_name", "strength"), "ControlNetLoader": ("control_net_name",),
    "DiffControlNetLoader": ("control_net_name",), "ControlNetApply": ("strength",),
    "ControlNetApplyAdvanced": ("strength", "start_percent", "end_percent"),
    "UpscaleModelLoader": ("model_name",), "GLIGENLoader": ("gligen_name",),
    "StyleModelLoader": ("style_model_name",), "CLIPVisionLoader": ("clip_name",),
    "EmptyLatentImage": _SIZED, "EmptySD3LatentImage": _SIZED, "EmptyHunyuanLatentVideo": _VIDEO,
    "EmptyMochiLatentVideo": _VIDEO, "EmptyLTXVLatentVideo": _VIDEO,
    "LatentUpscale": ("upscale_method", "width", "height", "crop"), "LatentUpscaleBy": ("upscale_method", "scale_by"),
    "ImageScale": ("upscale_method", "width", "height", "crop"), "ImageScaleBy": ("upscale_method", "scale_by"),
    "StableZero123_Conditioning": (*_SIZED, "elevation", "azimuth"),
    "CLIPSetLastLayer": ("stop_at_clip_layer",), "LoadImage": ("image",), "ModelMergeSimple": ("ratio",),
    "GLIGENTextBoxApply": ("text", "width", "height", "x", "y"),
    "Efficient Loader": (
        "ckpt_name", "vae_name", "clip_skip", "lora_name", "lora_model_strength", "lora_clip_strength", "positive",
        "negative", "token_normalization", "weight_interpretation", "empty_latent_width", "empty_latent_height",
        "batch_size",
    ),
    "KSampler (Efficient)": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "PrimitiveNode": ("value",), "SetNode": ("name",), "GetNode": ("name",), "ShowText|pysssss": ("text_0",),
    "TextEncodeQwenImageEdit": ("prompt",), "TextEncodeQwenImageEditPlus": ("prompt",),
    "SDXLPromptStyler": ("text_positive", "text_negative", "style"),
    "ImpactWildcardEncode": ("wildcard_text", "populated_text", "mode"),
    "ImpactWildcardProcessor": ("wildcard_text", "populated_text", "mode"),
    "StringConcatenate": ("string_a", "string_b", "delimiter"), "JoinStrings": ("string1", "string2", "delimiter"),
    "Seed (rgthree)": ("seed",), "CR Seed": ("seed",),
}  # fmt: skip
_CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})
_MAX_VALUES = 200


def name_widgets(node: dict[str, Any]) -> dict[str, Any]:
    """A canvas node's own values by input name."""
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items()}
    if not isinstance(values, list):
        return {}
    values = values[:_MAX_VALUES]
    kind = str(node.get("type", ""))
    names = _listed_names(node)
    if len(names) < len(_KNOWN.get(kind, ())):
        names = list(_KNOWN[kind])
    if not names:
        return _guessed(kind, values)
    return dict(zip(names, _without_controls(names, values), strict=False))


def _listed_names(node: dict[str, Any]) -> list[str]:
    """Newer editors list every widget among the inputs, in order."""
    inputs = node.get("inputs")
    names = []
    for entry in inputs if isinstance(inputs, list) else []:
        widget = entry.get("widget") if isinstance(entry, dict) else None
        if isinstance(widget, dict) and isinstance(widget.get("name"), str):
            names.append(widget["name"])
    return names


def _without_controls(names: list[str], values: list[Any]) -> list[Any]:
    # After a seed the editor keeps what to do with it next time; that value has no input.
    kept: list[Any] = []
    for value in values:
        place = len(kept)
        after_seed = 0 < place <= len(names) and "seed" in names[place - 1]
        if after_seed and (isinstance(value, bool) or (isinstance(value, str) and value in _CONTROLS)):
            continue
        kept.append(value)
    return kept


def _guessed(kind: str, values: list[Any]) -> dict[str, Any]:
    texts = [value for value in values if isinstance(value, str) and value not in _CONTROLS]
    if kind.startswith("Primitive"):
        return {"value": values[0]} if values else {}
    if len(texts) == 1 and ("text" in kind.lower() or "string" in kind.lower() or "prompt" in kind.lower()):
        return {"text": texts[0]}
    files = [text for text in texts if text.lower().endswith((".safetensors", ".ckpt", ".gguf", ".pt", ".pth"))]
    if files and "lora" in kind.lower():
        return {"lora_name": files[0]}
    if files and ("checkpoint" in kind.lower() or "unet" in kind.lower() or "model" in kind.lower()):
        return {"ckpt_name": files[0]}
    rows = [value for value in values if isinstance(value, dict) and "lora" in value]
    lists = [value for value in values if isinstance(value, list)] if "lora" in kind.lower() else []
    found: dict[str, Any] = {f"lora_{number}": row for number, row in enumerate(rows, 1)}
    return found | ({"loras": lists[0]} if lists else {})
