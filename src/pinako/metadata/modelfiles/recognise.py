"""What kind of model a file is and for which base, by the names and shapes of its tensors.

A table of signatures, most particular first. A signature is what the architecture cannot lack; shapes decide between
sizes of one architecture. Where names cannot tell (Pony from SDXL, Kontext from Flux dev) the wider word is given and
the header's metadata, the sidecar or the user narrows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pinako.metadata.modelfiles.adapters import recognise_adapter
from pinako.metadata.modelfiles.records import Recognition, Tensor
from pinako.metadata.modelfiles.tensornames import TensorNames


class _Family(NamedTuple):
    base_model: str
    matches: Callable[[TensorNames], bool]


def recognise(tensors: dict[str, Tensor]) -> Recognition:
    """The type, base model and file type that the tensors of a header speak for."""
    names = TensorNames(tensors)
    if not names.all:
        return Recognition()
    for step in (recognise_adapter, _component, _checkpoint, _diffusion_model, _encoder):
        found = step(names)
        if found is not None:
            return found
    return Recognition()


# --- U-Net checkpoints in the original layout ---------------------------------------------------------------------

_UNET = "model.diffusion_model."


def _checkpoint(names: TensorNames) -> Recognition | None:
    if not names.has(_UNET + "input_blocks.0.0.weight"):
        return None
    size = "full" if names.starts("model_ema.") else "pruned"
    base, base_type = _unet_base(names, _UNET)
    bundled = names.starts("first_stage_model.", "cond_stage_model.", "conditioner.")
    if not bundled:
        return Recognition(
            model_type="Checkpoint", file_type="UNet", base_model=base, base_model_type=base_type, size=size
        )
    return Recognition(model_type="Checkpoint", base_model=base, base_model_type=base_type, size=size)


def _unet_base(names: TensorNames, prefix: str) -> tuple[str | None, str]:
    channels = names.dimension(prefix + "input_blocks.0.0.weight", 1)
    base_type = {9: "Inpainting", 8: "Pix2Pix"}.get(channels or 0, "Standard")
    width = names.dimension(prefix + "input_blocks.0.0.weight", 0)
    if names.any_contains(".time_stack.", ".time_mixer"):
        return "SVD", "Standard"
    if names.starts(prefix + "label_emb."):
        if width == 384:
            return "SDXL 1.0", "Refiner"
        if names.starts("cond_stage_model.model.", "embedder.model.visual."):
            return "SD 2.1 Unclip", base_type
        return ("Kolors" if names.any_contains("encoder_hid_proj") else "SDXL 1.0"), base_type
    context = names.first_dimension(1, "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", prefix=prefix)
    if context == 1024 or names.starts("cond_stage_model.model."):
        return "SD 2.1", base_type
    return "SD 1.5", base_type


# --- diffusion transformers, with or without a prefix -------------------------------------------------------------


def _flux(names: TensorNames) -> str:
    if names.starts("double_stream_modulation_img."):
        context = names.dimension("txt_in.weight", 1)  # three layers of the text encoder, so its size shows
        return {12288: "Flux.2 Klein 9B", 7680: "Flux.2 Klein 4B"}.get(context or 0, "Flux.2 D")
    return "Flux.1 D" if names.starts("guidance_in.") else "Flux.1 S"


def _sd3(names: TensorNames) -> str:
    if names.starts("joint_blocks.37."):
        return "SD 3.5 Large"
    return "SD 3.5 Medium" if names.any_contains(".x_block.attn2.") else "SD 3"


def _wan(names: TensorNames) -> str:
    width = names.dimension("blocks.0.self_attn.q.weight", 0)
    if width == 1536:
        return "Wan Video 1.3B t2v"
    if width == 3072:
        return "Wan Video 2.2 TI2V-5B"
    if names.starts("img_emb."):
        return "Wan Video 14B i2v 480p"
    channels = names.dimension("patch_embedding.weight", 1)
    if channels == 36:
        return "Wan Video 2.2 I2V-A14B"
    return "Wan Video 14B t2v" if width == 5120 else "Wan Video"


def _lumina(names: TensorNames) -> str:
    return "ZImageTurbo" if names.dimension("cap_embedder.1.weight", 0) == 3840 else "Lumina"


_DIFFUSION_MODELS: tuple[tuple[tuple[str, ...], str | Callable[[TensorNames], str]], ...] = (
    (("txt_in.individual_token_refiner.",), "Hunyuan Video"),
    (("double_blocks.0.img_attn.", "distilled_guidance_layer."), "Chroma"),
    (("double_blocks.0.img_attn.", "img_in."), _flux),
    (("double_blocks.0.img_attn.", "latent_in."), "Hunyuan3D"),
    (("double_blocks.0.img_attn.", "single_blocks.0."), _flux),  # a part of one, as editors of checkpoints write them
    (("txtfusion.projector.",), "Krea 2"),
    (("embed_image_indicator.",), "Ideogram 4.0"),
    (("video_patch_proj.", "audio_patch_proj."), "MiniMax H3"),
    (("joint_blocks.0.",), _sd3),
    (("joint_transformer_blocks.", "single_transformer_blocks."), "AuraFlow"),
    (("double_layers.0.attn.w1q.",), "AuraFlow"),
    (("llm_adapter.",), "Anima"),
    (("mlp_t5.", "pooler."), "Hunyuan 1"),
    (("head.modulation", "patch_embedding.", "blocks.0.self_attn."), _wan),
    (("audio_adaln_single.",), "LTXV2"),
    (("adaln_single.", "patchify_proj."), "LTXV"),
    (("t5_yproj.",), "Mochi"),
    (("caption_projection.0.linear.",), "HiDream"),
    (("transformer_blocks.0.img_mod.", "txt_norm."), "Qwen"),
    (("transformer_blocks.0.attn.add_q_proj.", "txt_norm."), "Qwen"),
    (("cap_embedder.", "noise_refiner.0."), _lumina),
    (("clf.1.", "clip_txt_mapper."), "Stable Cascade"),
    (("clf.1.", "clip_mapper."), "Stable Cascade"),
    (("genre_embedder.", "lyric_embs."), "ACE Audio"),
    (("t_block.1.", "y_embedder.y_embedding", "ar_embedder."), "PixArt a"),
    (("t_block.1.", "y_embedder.y_embedding"), "PixArt E"),
    (("patch_embed.text_proj.",), "CogVideoX"),
)
_PREFIXES = ("", "model.diffusion_model.", "diffusion_model.", "transformer.", "model.", "net.")


def _diffusion_model(names: TensorNames) -> Recognition | None:
    for prefix in _PREFIXES:
        bare = names.under(prefix) if prefix else names
        if not bare.all:
            continue
        base = _transformer_base(bare)
        if base is not None:
            bundled = names.starts("text_encoders.", "vae.", "first_stage_model.", "conditioner.", "cond_stage_model.")
            file_type = "Model" if bundled else "Diffusion Model"
            return Recognition(
                model_type="Checkpoint", file_type=file_type, base_model=base, base_model_type="Standard"
            )
    return _unet_alone(names)


def _transformer_base(bare: TensorNames) -> str | None:
    for signature, answer in _DIFFUSION_MODELS:
        if all(bare.starts(prefix) for prefix in signature):
            return answer if isinstance(answer, str) else answer(bare)
    return _diffusers_transformer(bare)


def _diffusers_transformer(bare: TensorNames) -> str | None:
    if bare.starts("single_transformer_blocks.0.attn.norm_q.") and bare.starts("context_embedder."):
        return "Flux.1 D" if bare.starts("time_text_embed.guidance_embedder.") else "Flux.1 S"
    if bare.starts("transformer_blocks.0.attn.add_q_proj.") and bare.starts("pos_embed."):
        if bare.starts("transformer_blocks.37."):
            return "SD 3.5 Large"
        return "SD 3.5 Medium" if bare.starts("transformer_blocks.0.attn2.") else "SD 3"
    return None


def _unet_alone(names: TensorNames) -> Recognition | None:
    if names.has("input_blocks.0.0.weight") and names.starts("middle_block."):
        base, base_type = _unet_base(names, "")
    elif names.starts("down_blocks.0.") and names.has("conv_in.weight") and names.starts("time_embedding."):
        base, base_type = _diffusers_unet_base(names)
    else:
        return None
    return Recognition(model_type="UNet", file_type="UNet", base_model=base, base_model_type=base_type)


def _diffusers_unet_base(names: TensorNames) -> tuple[str, str]:
    channels = names.dimension("conv_in.weight", 1)
    base_type = {9: "Inpainting", 8: "Pix2Pix"}.get(channels or 0, "Standard")
    if names.starts("add_embedding."):
        return "SDXL 1.0", base_type
    context = names.first_dimension(1, ".attn2.to_k.weight")
    return ("SD 2.1" if context == 1024 else "SD 1.5"), base_type


# --- parts: VAE, ControlNet, upscaler, motion module --------------------------------------------------------------


def _component(names: TensorNames) -> Recognition | None:
    if names.starts("control_model.", "input_hint_block.", "zero_convs.", "controlnet_cond_embedding.", "lllite_unet"):
        return Recognition(model_type="Controlnet", base_model=_control_base(names))
    if names.starts("controlnet_blocks.", "controlnet_down_blocks.", "controlnet_x_embedder."):
        return Recognition(model_type="Controlnet", base_model=_control_base(names))
    if names.starts("ip_adapter.", "image_proj.", "adapter.body.", "body.0.in_conv."):
        return Recognition(model_type="Controlnet", base_model=_control_base(names))
    if names.any_contains("motion_modules.") and names.any_contains(".temporal_transformer."):
        return Recognition(model_type="MotionModule", base_model="SD 1.5")
    if _is_upscaler(names):
        return Recognition(model_type="Upscaler", base_model="Upscaler")
    return _vae(names)


def _control_base(names: TensorNames) -> str | None:
    context = names.first_dimension(1, ".attn2.to_k.weight", ".to_k_ip.weight", "attn2_to_k.down.0.weight")
    if names.starts("control_model.double_blocks.", "double_blocks.", "controlnet_x_embedder."):
        return "Flux.1 D"
    if names.starts("control_model.label_emb.", "label_emb.", "add_embedding.") or context == 2048:
        return "SDXL 1.0"
    return {768: "SD 1.5", 1024: "SD 2.1"}.get(context or 0)


def _is_upscaler(names: TensorNames) -> bool:
    return names.any_contains("RRDB_trunk.", ".sub.0.RDB1.", ".rdb1.conv1.") or (
        names.any_contains("residual_group.blocks.") and names.any_contains("conv_first.", "conv_after_body.")
    )


def _vae(names: TensorNames) -> Recognition | None:
    for prefix in ("", "first_stage_model.", "vae."):
        bare = names.under(prefix) if prefix else names
        if prefix and len(bare.all) < len(names.all):
            continue  # a checkpoint has its VAE beside other things
        latent = bare.dimension("decoder.conv_in.weight", 1)
        if bare.starts("decoder.conv_in.") and bare.starts("encoder.conv_in."):
            return Recognition(model_type="VAE", base_model={16: "Flux.1 D"}.get(latent or 0))
        if bare.starts("decoder.middle.0.residual.", "decoder.conv1.") and bare.starts("encoder.conv1."):
            return Recognition(model_type="VAE", base_model="Wan Video")
    if names.starts("taesd_", "decoder.layers.") and names.starts("encoder.layers."):
        return Recognition(model_type="VAE")
    return None


# --- text and vision encoders -------------------------------------------------------------------------------------


def _encoder(names: TensorNames) -> Recognition | None:
    vision = names.any_starts_under("vision_model.encoder.", "visual.transformer.", "visual.blocks.", "vision_tower.")
    text = names.any_starts_under(
        "text_model.encoder.", "encoder.block.0.layer.0.SelfAttention.", "transformer.resblocks."
    )
    language = names.any_starts_under("model.layers.0.self_attn.", "layers.0.self_attn.", "blk.0.attn_q.", "lm_head.")
    if vision and language:
        return Recognition(model_type="VisionLanguage")
    if vision and text:
        return Recognition(model_type="CLIP")
    if vision:
        return Recognition(model_type="CLIPVision")
    if text or names.starts("enc.blk.0."):
        return Recognition(model_type="TextEncoder")
    return Recognition(model_type="LLM") if language else None
