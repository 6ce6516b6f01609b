"""What the name of a model file says: the model, its version, and what sets variants of one version apart."""

from __future__ import annotations

import re
from pathlib import PurePath

import msgspec

from pinako.catalog.basemodels import recognise_base_model


class NameHints(msgspec.Struct, frozen=True, kw_only=True):
    """A file name taken apart. `model` and `version` are for people, `key` is for comparing (folded, no version)."""

    model: str
    version: str
    key: str
    version_key: str
    size: str | None = None
    fp: str | None = None
    quant_type: str | None = None
    base_model: str | None = None
    part: str | None = None


_EXTENSIONS = (".safetensors", ".sft", ".ckpt", ".pth", ".pt", ".bin", ".gguf", ".onnx", ".th")
_FP = {
    "fp32": "fp32", "f32": "fp32", "fp16": "fp16", "f16": "fp16", "half": "fp16", "bf16": "bf16", "fp8": "fp8",
    "e4m3fn": "fp8", "e5m2": "fp8", "fp8mixed": "fp8_mixed", "fp8scaled": "fp8_scaled", "int8": "int8", "nf4": "nf4",
    "nvfp4": "nvfp4", "mxfp8": "mxfp8", "int4": "int4",
}  # fmt: skip
_SIZES = {"pruned": "pruned", "emaonly": "pruned", "noema": "pruned", "nonema": "pruned", "full": "full", "ema": "full"}
# Words of a name that mark another part of the same version, with the wire's file type for it.
_PARTS = {
    "vae": "VAE", "inpainting": "Model", "inpaint": "Model", "clip": "Text Encoder", "t5xxl": "Text Encoder",
    "unet": "UNet", "neg": "Negative",
}  # fmt: skip
_IGNORED = {"only", "no", "non", "fix", "fixed", "scaled", "mixed"}
_QUANT = re.compile(r"^(i?q\d(_[0-9a-z]+)*|tq\d_0)$", re.IGNORECASE)
_VERSION = re.compile(
    r"^(v(er(sion)?)?\.?\d+(\.\d+)*[a-z0-9]*|\d+(\.\d+)+[a-z]?|e(poch)?\d{1,6}|step\d{1,7}|\d{5,6}|beta\d*|alpha\d*|final|rc\d+|r\d+)$",
    re.IGNORECASE,
)
# A version glued to the end of a word, as in `dreamv2` or `ponyDiffusionV6XL` (where it belongs to the name).
_GLUED = re.compile(r"^(?P<word>[^\W\d_].*?)(?P<version>[vV]\d+(\.\d+)*[a-z]?)$")


def hints_of_name(name: str) -> NameHints:
    """A file name (with or without extension and folders) taken apart; never fails, at worst all of it is the model."""
    stem = _stem(name)
    words = _words(stem)
    found: dict[str, str] = {}
    model_words: list[str] = []
    version_words: list[str] = []
    for word in words:
        if _is_marker(word, found, bool(model_words)):
            continue
        if model_words and _VERSION.match(word):
            version_words.append(word)
        elif version_words:
            version_words.append(word)  # what follows a version is part of its name: `v2 turbo`
        else:
            model_words.append(word)
    if not version_words and model_words:
        model_words, version_words = _unglued(model_words)
    model = " ".join(model_words) or stem.strip() or "model"
    version = " ".join(version_words)
    return NameHints(
        model=model,
        version=version,
        key=_fold(model),
        version_key=_fold(version).removeprefix("version").removeprefix("ver").lstrip("v"),
        size=found.get("size"),
        fp=found.get("fp"),
        quant_type=found.get("quant"),
        base_model=recognise_base_model(stem),
        part=found.get("part"),
    )


def _stem(name: str) -> str:
    plain = PurePath(name.replace("\\", "/")).name[:300]
    lowered = plain.lower()
    for extension in _EXTENSIONS:
        if lowered.endswith(extension):
            return plain[: -len(extension)]
    return plain


def _words(stem: str) -> list[str]:
    # Quantisation words hold underscores of their own, so they are kept whole before the name is cut at separators.
    kept = re.sub(
        r"(?i)(?<![a-z0-9])(i?q\d(?:_[0-9a-z]{1,3}){1,2}|tq\d_0|fp8_(?:mixed|scaled|e4m3fn|e5m2))(?![a-z0-9])",
        lambda match: match.group().replace("_", "\ue000"),
        stem,
    )
    parts = re.split(r"[\s_\-()\[\]]+", re.sub(r"(?<!\d)\.|\.(?!\d)", " ", kept))
    return [part.replace("\ue000", "_") for part in parts if part]


def _is_marker(word: str, found: dict[str, str], named: bool) -> bool:
    lowered = word.lower()
    plain = lowered.replace("_", "")
    if lowered in _SIZES and named:
        found.setdefault("size", _SIZES[lowered])
    elif plain in _FP:
        found.setdefault("fp", _FP[plain])
    elif lowered.startswith("fp8_"):
        found.setdefault("fp", "fp8")
    elif _QUANT.match(word):
        found.setdefault("quant", word.upper())
    elif lowered in _PARTS and named:
        found.setdefault("part", _PARTS[lowered])
    else:
        return lowered in _IGNORED and bool(found)
    return True


def _unglued(words: list[str]) -> tuple[list[str], list[str]]:
    match = _GLUED.match(words[-1])
    if match is None or len(match["word"]) < 2:
        return words, []
    return [*words[:-1], match["word"]], [match["version"]]


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
