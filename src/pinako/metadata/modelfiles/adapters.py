"""Recognition of what is laid over a base model: LoRA and its kin, textual inversions, hypernetworks."""

from __future__ import annotations

import re

from pinako.metadata.modelfiles.records import Recognition
from pinako.metadata.modelfiles.tensornames import TensorNames

_LORA_PARTS = (
    ".lora_up.", ".lora_down.", ".lora_A.", ".lora_B.", ".lora.up.", ".lora.down.", "_lora.up.", "_lora.down.",
    ".lora_A.default.", ".lora_linear_layer.",
)  # fmt: skip
_LYCORIS_PARTS = (
    ".hada_w1", ".hada_w2", ".lokr_w1", ".lokr_w2", ".lora_mid.", ".oft_blocks", ".oft_diag", ".on_input",
    ".glora_", ".a1.weight", ".b1.weight",
)  # fmt: skip
_DOWN = re.compile(r"\.(lora_down|lora_A|lora\.down|lora_A\.default)(\.weight)?$|_lora\.down\.weight$")
_EMBEDDING_WIDTHS = {768: "SD 1.5", 1024: "SD 2.1", 1280: "SDXL 1.0", 2048: "SDXL 1.0"}
_HYPERNETWORK_KEYS = {"320", "640", "768", "1024", "1280"}


def recognise_adapter(names: TensorNames) -> Recognition | None:
    """The adapter that the tensors are, or None when they are a model of their own."""
    lycoris = names.any_contains(*_LYCORIS_PARTS)
    if lycoris or names.any_contains(*_LORA_PARTS):
        return Recognition(model_type=_lora_type(names, lycoris), base_model=_lora_base(names))
    return _embedding(names) or _hypernetwork(names)


def _lora_type(names: TensorNames, lycoris: bool) -> str:
    if names.any_contains(".dora_scale", ".lora_magnitude_vector"):
        return "DoRA"
    return "LoCon" if lycoris or _has_convolutions(names) else "LORA"


def _has_convolutions(names: TensorNames) -> bool:
    # A LoRA over 3x3 convolutions is what the site calls LoCon; 1x1 ones (proj_in of SD 1) are plain LoRA.
    return any(
        len(shape) == 4 and shape[2] > 1
        for name, shape in zip(names.all, names.shapes(), strict=True)
        if _DOWN.search(name)
    )


# Which base a LoRA is for: words that only that architecture's layers have, most particular first.
_LORA_BASES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("individual_token_refiner", "double_blocks_0_img_mlp_fc1", "double_blocks.0.img_mlp.fc1"), "Hunyuan Video"),
    (("distilled_guidance_layer",), "Chroma"),
    (("double_stream_modulation", "single_blocks.47.", "single_blocks_47_", "to_qkv_mlp_proj"), "Flux.2 D"),
    (("img_mlp.net", "img_mod.1", "img_mlp_net", "img_mod_1", "transformer_blocks.59."), "Qwen"),
    (("double_blocks_0_img", "double_blocks.0.img", "double_blocks_0_txt", "single_blocks_0_linear"), "Flux.1 D"),
    (("single_transformer_blocks", "single_blocks.0.linear", "double_blocks.0.txt"), "Flux.1 D"),
    (("llm_adapter", "adaln_modulation_"), "Anima"),
    (("joint_blocks",), "SD 3"),
    (("double_stream_blocks", "caption_projection"), "HiDream"),
    (("audio_adaln", "audio_attn"), "LTXV2"),
    (("lora_te2_", "text_encoder_2.", "lora_te1_"), "SDXL 1.0"),
    (("lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_",), "SDXL 1.0"),
    (("lora_unet_input_blocks_4_1_", "lora_unet_input_blocks_7_1_"), "SDXL 1.0"),
)
_CONTEXTS = {768: "SD 1.5", 1024: "SD 2.1", 2048: "SDXL 1.0"}
_WAN = re.compile(r"blocks[._]\d+[._](self|cross)_attn[._][qkvo](_img)?\.")
_ZIMAGE = re.compile(r"layers[._]\d+[._]attention[._](to_q|qkv|to_k|to_v|out)")


def _lora_base(names: TensorNames) -> str | None:
    context = _context_width(names)
    for parts, base_model in _LORA_BASES:
        if names.any_contains(*parts):
            return _flux_size(names) if base_model == "Flux.1 D" else base_model
    if context in _CONTEXTS:
        return _CONTEXTS[context]
    if names.any_contains("self_attn") and any(_WAN.search(name) for name in names.all):
        return _wan_base(names)
    if names.any_contains("attention") and any(_ZIMAGE.search(name) for name in names.all):
        return "ZImageTurbo" if 3840 in _input_widths(names) else "Lumina"
    if names.any_contains("add_q_proj", "attn.to_added_qkv"):
        return "SD 3.5 Large" if 2432 in _input_widths(names) else "SD 3"
    if names.any_contains("lora_te_text_model", "text_encoder.text_model"):
        return "SD 2.1" if 1024 in _input_widths(names) else "SD 1.5"
    return None


def _flux_size(names: TensorNames) -> str:
    # The two generations name their layers alike; the second is wider, but for the smallest of it.
    widths = _input_widths(names)
    if 6144 in widths:
        return "Flux.2 D"
    return "Flux.2 Klein 9B" if 4096 in widths and 3072 not in widths else "Flux.1 D"


def _context_width(names: TensorNames) -> int | None:
    # What cross attention reads is the text encoder's width, and that tells the U-Net families apart.
    for name, shape in zip(names.all, names.shapes(), strict=True):
        if ("attn2_to_k" in name or "attn2.to_k" in name or "attn2.processor.to_k" in name) and _DOWN.search(name):
            return shape[1] if len(shape) > 1 else None
    return None


def _wan_base(names: TensorNames) -> str:
    widths = _input_widths(names)
    if 1536 in widths:
        return "Wan Video 1.3B t2v"
    if 3072 in widths:
        return "Wan Video 2.2 TI2V-5B"
    if names.any_contains("k_img", "v_img"):
        return "Wan Video 14B i2v 480p"
    return "Wan Video 14B t2v" if 5120 in widths else "Wan Video"


def _input_widths(names: TensorNames) -> set[int]:
    pairs = zip(names.all, names.shapes(), strict=True)
    return {shape[1] for name, shape in pairs if len(shape) > 1 and _DOWN.search(name)}


def _embedding(names: TensorNames) -> Recognition | None:
    if names.has("clip_g") and names.has("clip_l"):
        return Recognition(model_type="TextualInversion", base_model="SDXL 1.0")
    if names.has("emb_params") or names.has("string_to_param") or names.has("*"):
        return _embedding_of(names.shapes()[0])
    if names.has("t5xxl") and names.has("clip_l"):
        return Recognition(model_type="TextualInversion", base_model="Flux.1 D")
    if len(names.all) == 1 and names.all[0].startswith("<") and names.all[0].endswith(">"):
        return _embedding_of(names.shapes()[0])
    return None


def _embedding_of(shape: tuple[int, ...]) -> Recognition:
    width = shape[-1] if shape else 0
    return Recognition(model_type="TextualInversion", base_model=_EMBEDDING_WIDTHS.get(width))


def _hypernetwork(names: TensorNames) -> Recognition | None:
    keys = {name.split(".", 1)[0] for name in names.all}
    if keys and keys <= _HYPERNETWORK_KEYS and names.any_contains("linear"):
        return Recognition(model_type="Hypernetwork", base_model="SD 2.1" if "1024" in keys else "SD 1.5")
    return None
