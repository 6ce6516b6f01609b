"""How a picture was made, in one shape for every generator (domain.md g, "Recommended normalised view")."""

from __future__ import annotations

from typing import Any

import msgspec

RESOURCE_KINDS = ("checkpoint", "lora", "embedding", "hypernetwork", "vae", "upscaler", "controlnet", "other")


class Resource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model file that took part. `name` has no folder and no extension; `raw_type` is the generator's own word."""

    kind: str
    name: str | None = None
    hash: str | None = None
    weight: float | None = None
    model_version_id: int | None = None
    raw_type: str | None = None


class UsedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The checkpoint (or diffusion model) that the picture is mainly of."""

    name: str | None = None
    hash: str | None = None
    model_version_id: int | None = None


class UsedTool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The program that made the picture."""

    name: str
    version: str | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One picture's making. Absent means that the file does not say.

    `prompt` has its network tags taken out (they are in `resources`); `meta` keeps the text as written. `seed` may
    exceed 2**53 and even 2**63 (ComfyUI draws from 64 bits). `sampler` and `scheduler` are A1111's display words,
    `native_sampler` what the file said. `generator` is the reader's word ("a1111", "comfyui", …). `meta` has the
    upstream's own key names, as `/api/v1/images` sends it.
    """

    generator: str
    prompt: str | None = None
    negative_prompt: str | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    clip_skip: int | None = None
    denoise: float | None = None
    width: int | None = None
    height: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    native_sampler: str | None = None
    model: UsedModel | None = None
    tool: UsedTool | None = None
    resources: tuple[Resource, ...] = ()
    process: str = "txt2img"
    meta: dict[str, Any] = msgspec.field(default_factory=dict)
