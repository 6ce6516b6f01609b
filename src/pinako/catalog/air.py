"""AIR: the urn that names one version of one resource (domain.md h, rest.md 8.7). Built strictly, read leniently."""

from __future__ import annotations

import re

import msgspec

from pinako.catalog.basemodels import ecosystem

_TYPES = {
    "Checkpoint": "checkpoint", "TextualInversion": "embedding", "Hypernetwork": "hypernet", "AestheticGradient": "ag",
    "LORA": "lora", "LoCon": "lycoris", "DoRA": "dora", "Controlnet": "controlnet", "Upscaler": "upscaler",
    "MotionModule": "motion", "VAE": "vae", "TextEncoder": "text_encoders", "UNet": "unet", "CLIPVision": "clipvision",
    "CLIP": "clip", "VisionLanguage": "visionlanguage",
}  # fmt: skip
_FILE_OVERRIDES = {"Diffusion Model": "diffusionmodel", "UNet": "unet"}
_MODEL_TYPES = {word: model_type for model_type, word in _TYPES.items()}
_FORMATS = frozenset({"safetensors", "safetensor", "sft", "ckpt", "pt", "bin", "gguf", "onnx", "diffusers", "coreml"})
_MAX_INT32 = 2**31 - 1

# One colon part never holds a colon; the id may hold slashes and dots (huggingface, oci), the version too.
_SHAPE = re.compile(
    r"""^(?:urn:)?(?:air:)?
        (?:(?P<ecosystem>[\w.\-/]+):)?
        (?:(?P<type>[\w.\-/]+):)?
        (?P<source>[\w.\-]+):
        (?P<id>[^@+:\s]+)
        (?:@(?P<version>[^+:\s]+))?
        (?:[+:](?P<file>[^\s]+))?$""",
    re.VERBOSE | re.IGNORECASE,
)


class Air(msgspec.Struct, frozen=True, kw_only=True):
    """One parsed urn. `ecosystem`, `type` are None in the short forms; `id`, `version` are text because foreign sources
    have non-numeric ones."""

    source: str
    id: str
    version: str | None = None
    ecosystem: str | None = None
    type: str | None = None
    file_id: int | None = None
    format: str | None = None

    @property
    def model_id(self) -> int | None:
        """The Civitai model id; None for other sources and for text that is no int32."""
        return _number(self.id) if self.source == "civitai" else None

    @property
    def model_version_id(self) -> int | None:
        """The Civitai version id; a huggingface or orchestrator version never becomes one."""
        return _number(self.version) if self.source == "civitai" else None

    @property
    def model_type(self) -> str | None:
        """The ModelType that the type word stands for, None when it has none."""
        return _MODEL_TYPES.get(self.type or "")

    def text(self) -> str:
        """The urn in full, with `other` and `unknown` where the short form said nothing."""
        tail = f"@{self.version}" if self.version is not None else ""
        tail += f"+{self.file_id}" if self.file_id is not None else ""
        tail += f".{self.format}" if self.format is not None else ""
        return f"urn:air:{self.ecosystem or 'other'}:{self.type or 'unknown'}:{self.source}:{self.id}{tail}"


def air_type(model_type: str, file_type: str | None = None) -> str:
    """The type word: of the primary file where that is a diffusion model or UNet, else of the model."""
    return _FILE_OVERRIDES.get(file_type or "") or _TYPES.get(model_type, "unknown")


def build(
    *,
    base_model: str,
    model_type: str,
    model_id: int,
    version_id: int,
    file_type: str | None = None,
    file_id: int | None = None,
) -> str:
    """The urn of a version as the wire sends it; `file_type` is the primary (or chosen) file's, `file_id` if pinned."""
    return Air(
        ecosystem=ecosystem(base_model),
        type=air_type(model_type, file_type),
        source="civitai",
        id=str(model_id),
        version=str(version_id),
        file_id=file_id,
    ).text()


def parse(text: str) -> Air | None:
    """An urn of any age, with or without `urn:`, `air:`, ecosystem and type (`civitai:1@2`); None if it is none."""
    match = _SHAPE.match(text.strip()[:500])
    if match is None:
        return None
    parts = match.groupdict()
    tail_key = next((key for key in ("file", "version", "id") if parts[key] is not None), "id")
    parts[tail_key], found_format = _split_format(parts[tail_key] or "")
    if not parts["id"]:
        return None
    return Air(
        ecosystem=_lower(parts["ecosystem"]),
        type=_lower(parts["type"]),
        source=parts["source"].lower(),
        id=parts["id"],
        version=parts["version"],
        file_id=_number(parts["file"]),
        format=found_format,
    )


def _split_format(tail: str) -> tuple[str, str | None]:
    # Ids may contain dots, so only a known format at the very end is one.
    head, dot, last = tail.rpartition(".")
    return (head, last.lower()) if dot and last.lower() in _FORMATS else (tail, None)


def _lower(word: str | None) -> str | None:
    return word.lower() if word is not None else None


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    value = int(text)
    return value if 0 < value <= _MAX_INT32 else None
