"""Loose values of metadata to numbers and names: what cannot be read is None and never an exception."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

_INT = re.compile(r"[+-]?\d{1,30}(?:\.0*)?")
_FLOAT = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?")
_SIZE = re.compile(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})")
_EXTENSIONS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft", ".onnx", ".fp16", ".fp8")
_HUGE = 10**30
_CACHED = 200
"""The same names and hashes come by the thousand in one folder; only short ones are remembered."""

_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{6,64})")
_TAGGED_HASH = re.compile(r"(?:blake3|blake3_single|sha256|sha1|md5|autov[123]):([0-9a-fA-F]{6,64})", re.IGNORECASE)


def int_of(value: Any) -> int | None:
    """An integer from a number or its text; `20.0` is 20, `20.5`, true and anything over 30 digits are nothing."""
    kind = type(value)
    if kind is int:
        return int(value) if -_HUGE < value < _HUGE else None
    if kind is str:
        if value.isdecimal() and value.isascii() and len(value) <= 30:
            return int(value)
        text = value.strip()
        return int(text.partition(".")[0]) if _INT.fullmatch(text) else None
    if kind is float:
        return int(value) if -1e30 < value < 1e30 and value == int(value) else None
    return None


def float_of(value: Any) -> float | None:
    """A finite float from a number or its text."""
    kind = type(value)
    if kind is float:
        return float(value) if math.isfinite(value) else None
    if kind is int:
        return float(value) if -_HUGE < value < _HUGE else None
    if kind is not str or not _FLOAT.fullmatch(text := value.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def number_of(value: Any) -> int | float | None:
    """A number as JSON would hold it: whole ones as integers."""
    whole = int_of(value)
    return whole if whole is not None else float_of(value)


def text_of(value: Any) -> str | None:
    """A text that says something; numbers count as their digits."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def size_of(value: Any) -> tuple[int, int] | None:
    """`512x768` as (512, 768)."""
    match = _SIZE.search(value, 0, 200) if isinstance(value, str) else None
    return (int(match[1]), int(match[2])) if match else None


def stem_of(name: str) -> str:
    """A model file's name without folder and extension: `sdxl\\foo.v1.safetensors` is `foo.v1`."""
    return _stem_of(name) if len(name) <= _CACHED else _stem_of.__wrapped__(name)


@lru_cache(maxsize=2048)
def _stem_of(name: str) -> str:
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    lowered = base.lower()
    for extension in _EXTENSIONS:
        if lowered.endswith(extension) and len(base) > len(extension):
            return base[: -len(extension)]
    return base


def hash_of(value: Any) -> str | None:
    """A hash without its `0x` or algorithm prefix; None for what is no hash (`random:…`, prose)."""
    return _hash_of(value) if isinstance(value, str) and len(value) <= _CACHED else None


@lru_cache(maxsize=2048)
def _hash_of(value: str) -> str | None:
    text = value.strip()
    match = _HASH.fullmatch(text) or _TAGGED_HASH.fullmatch(text)
    return match[1] if match else None
