"""Writes safetensors files, and makes the tiny models of the demo library and the tests."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from blake3 import blake3

from pinako.errors import BadRequest
from pinako.metadata.modelfiles.safetensors import DTYPE_BITS

TensorData = tuple[str, tuple[int, ...], bytes]
"""dtype word, shape, bytes in C order."""


def safetensors_bytes(tensors: Mapping[str, TensorData], metadata: Mapping[str, str] | None = None) -> bytes:
    """A whole safetensors file. BadRequest when a tensor's bytes do not fit its dtype and shape.

    The header is padded with spaces to eight bytes, as the format's own writer does, so that tensors are aligned.
    """
    entries: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name, (dtype, shape, data) in tensors.items():
        if math.prod(shape) * DTYPE_BITS.get(dtype, 0) != len(data) * 8:
            raise BadRequest(f"tensor {name}: {len(data)} bytes are not {dtype} {list(shape)}")
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": (at, at + len(data))}
        at += len(data)
    header = msgspec.json.encode(entries)
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + b"".join(data for _, _, data in tensors.values())


def write_safetensors(
    path: str | os.PathLike[str], tensors: Mapping[str, TensorData], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file at `path`, whole or not at all."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_bytes(safetensors_bytes(tensors, metadata))
    temporary.replace(target)


# --- tiny models --------------------------------------------------------------------------------------------------

_UNET = "model.diffusion_model."
_ATTENTION = "transformer_blocks.0.attn2.to_k.weight"
_Shapes = dict[str, tuple[int, ...]]


def _sd1() -> _Shapes:
    return {
        f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
        f"{_UNET}input_blocks.1.1.{_ATTENTION}": (8, 768),
        f"{_UNET}out.2.weight": (4, 320, 3, 3),
        "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.k_proj.weight": (8, 768),
        "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
    }


def _sd2() -> _Shapes:
    return {
        f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
        f"{_UNET}input_blocks.1.1.{_ATTENTION}": (8, 1024),
        "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight": (24, 1024),
        "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
    }


def _sdxl() -> _Shapes:
    return {
        f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
        f"{_UNET}input_blocks.4.1.{_ATTENTION}": (8, 2048),
        f"{_UNET}label_emb.0.0.weight": (8, 2816),
        "conditioner.embedders.0.transformer.text_model.encoder.layers.0.self_attn.k_proj.weight": (8, 768),
        "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight": (8, 1280),
        "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
    }


def _flux() -> _Shapes:
    return {
        "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
        "double_blocks.0.img_attn.qkv.weight": (8, 3072),
        "guidance_in.in_layer.weight": (8, 256),
        "img_in.weight": (3072, 64),
        "single_blocks.0.linear1.weight": (8, 3072),
    }


def _schnell() -> _Shapes:
    return {name: shape for name, shape in _flux().items() if not name.startswith("guidance_in.")}


def _sd3() -> _Shapes:
    return {"joint_blocks.0.context_block.attn.qkv.weight": (8, 1536), "x_embedder.proj.weight": (8, 16, 2, 2)}


def _wan() -> _Shapes:
    return {
        "blocks.0.self_attn.q.weight": (5120, 8),
        "head.modulation": (1, 2, 5120),
        "patch_embedding.weight": (8, 16, 1, 2, 2),
    }


_CHECKPOINTS = {
    **dict.fromkeys(("SD 1.4", "SD 1.5", "SD 1.5 LCM", "SD 1.5 Hyper"), _sd1),
    **dict.fromkeys(("SD 2.0", "SD 2.0 768", "SD 2.1", "SD 2.1 768"), _sd2),
    **dict.fromkeys(("Flux.1 D", "Flux.1 Krea", "Flux.1 Kontext"), _flux),
    "Flux.1 S": _schnell,
    **dict.fromkeys(("SD 3", "SD 3.5"), _sd3),
    **dict.fromkeys(("Wan Video 14B t2v", "Wan Video 2.2 T2V-A14B"), _wan),
}


def _lora(base_model: str, rank: int) -> _Shapes:
    if base_model.startswith("Flux.1"):
        return _pair("lora_unet_double_blocks_0_img_attn_qkv", rank, 3072)
    if base_model.startswith("Wan"):
        return _pair("lora_unet_blocks_0_self_attn_q", rank, 5120)
    block = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    if base_model.startswith("SD 1"):
        return _pair(block, rank, 768) | _pair("lora_te_text_model_encoder_layers_0_mlp_fc1", rank, 768)
    if base_model.startswith("SD 2"):
        return _pair(block, rank, 1024)
    return _pair(block, rank, 2048) | _pair("lora_te1_text_model_encoder_layers_0_mlp_fc1", rank, 768)


def _pair(layer: str, rank: int, width: int) -> _Shapes:
    return {f"{layer}.alpha": (), f"{layer}.lora_down.weight": (rank, width), f"{layer}.lora_up.weight": (8, rank)}


def _embedding(base_model: str) -> _Shapes:
    if base_model.startswith("SD 1"):
        return {"emb_params": (2, 768)}
    if base_model.startswith("SD 2"):
        return {"emb_params": (2, 1024)}
    return {"clip_g": (2, 1280), "clip_l": (2, 768)}


_VAE: _Shapes = {
    "decoder.conv_in.weight": (8, 4, 3, 3),
    "decoder.conv_out.weight": (3, 8, 3, 3),
    "encoder.conv_in.weight": (8, 3, 3, 3),
}
_CONTROLNET: _Shapes = {
    "control_model.input_hint_block.0.weight": (16, 3, 3, 3),
    "control_model.zero_convs.0.0.weight": (8, 8, 1, 1),
}


def tiny_model(
    model_type: str,
    base_model: str,
    *,
    seed: int,
    dtype: str = "F16",
    rank: int = 4,
    ema: bool = False,
    minimum_bytes: int = 0,
) -> dict[str, TensorData]:
    """The tensors of a tiny model that a reader of headers takes for what it says: a few layers with telling names.

    The same arguments give the same bytes. `minimum_bytes` adds one more layer of that size (AutoV1 needs a file of
    2 MiB). Types beyond Checkpoint, LORA, LoCon, DoRA, TextualInversion, VAE and Controlnet are BadRequest.
    """
    shapes = dict(_shapes(model_type, base_model, rank))
    if ema:
        shapes["model_ema.decay"] = ()
    width = DTYPE_BITS[dtype] // 8
    missing = minimum_bytes - sum(math.prod(shape) for shape in shapes.values()) * width
    if missing > 0:
        shapes[_filler_name(model_type, shapes)] = (max(1, math.ceil(missing / width / 64)), 64)
    return {name: (dtype, shape, _noise(f"{seed} {name}", math.prod(shape) * width)) for name, shape in shapes.items()}


def _noise(seed: str, size: int) -> bytes:
    """So many bytes that follow from a seed and look like nothing; four times as fast as Python's own."""
    return blake3(seed.encode()).digest(length=size)


def _shapes(model_type: str, base_model: str, rank: int) -> _Shapes:
    if model_type == "Checkpoint":
        return _CHECKPOINTS.get(base_model, _sdxl)()
    if model_type in ("LORA", "DoRA", "LoCon"):
        shapes = _lora(base_model, rank)
        layer = next(iter(shapes)).removesuffix(".alpha")
        extra: dict[str, _Shapes] = {
            "DoRA": {f"{layer}.dora_scale": (1, 8)},
            "LoCon": {f"{layer}.lora_mid.weight": (rank, rank, 3, 3)},
        }
        return shapes | extra.get(model_type, {})
    if model_type == "TextualInversion":
        return _embedding(base_model)
    fixed = {"VAE": _VAE, "Controlnet": _CONTROLNET}.get(model_type)
    if fixed is None:
        raise BadRequest(f"no tiny model of type {model_type}")
    return fixed


def _filler_name(model_type: str, shapes: _Shapes) -> str:
    # A name beside the last layer, so that the filler says nothing about the architecture.
    prefix = sorted(shapes)[-1].split(".", 1)[0] if model_type != "TextualInversion" else "filler"
    return f"{prefix}.filler.weight"


def kohya_metadata(
    *, output_name: str, base_model: str, trained_words: tuple[str, ...] = (), rank: int = 4, sd_model_name: str = ""
) -> dict[str, str]:
    """The metadata that a LoRA trainer writes, in its own words, for a tiny LoRA."""
    family = {"SD 1": "sd_v1", "SD 2": "sd_v2", "Flux": "flux1", "SD 3": "sd3"}.get(base_model[:4], "sdxl_base_v1-0")
    word = trained_words[0] if trained_words else "subject"
    tags = {word: 24, "outdoors": 11, "sky": 9} | dict.fromkeys(trained_words, 24)
    return {
        "ss_output_name": output_name,
        "ss_base_model_version": family,
        "ss_sd_model_name": sd_model_name or base_model,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(rank),
        "ss_network_alpha": str(rank),
        "ss_tag_frequency": msgspec.json.encode({f"10_{word}": tags}).decode(),
    }
