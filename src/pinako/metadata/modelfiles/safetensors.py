"""The safetensors header: read within bounds, checked against the file, its numbers never touched."""

from __future__ import annotations

import math
from collections import Counter
from io import FileIO
from typing import Any

import msgspec

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.hashing import MAX_HEADER_BYTES
from pinako.metadata.modelfiles.records import Header, Tensor

_MAX_OBJECTS = 200_000
_MAX_KEYS = 1_000_000
_MAX_BAD_ENTRIES = 100
_MAX_ENTRY_BYTES = 4096
_MAX_NAME = 1000
_MAX_PROBLEMS = 8

DTYPE_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16,
    "U16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I8": 8, "U8": 8,
    "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
_FP_WORDS = {"F64": "fp32", "F32": "fp32", "F16": "fp16", "BF16": "bf16", "I8": "int8"}


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read_header(file: FileIO, size_bytes: int) -> Header:
    """The header of an open safetensors file, whose own flaws are listed in `problems`.

    UnreadableFile when the length field or the JSON cannot be right. The worst header that the format allows costs about
    a second and some hundred MB.
    """
    file.seek(0)
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= MAX_HEADER_BYTES or length > size_bytes - 8:
        raise UnreadableFile(f"a safetensors header of {length} bytes in a file of {size_bytes}")
    text = file.read(length)
    if len(text) < length:
        raise UnreadableFile("the file ends inside its safetensors header")
    return parse_header(text, payload_bytes=size_bytes - 8 - length, payload_offset=8 + length)


def parse_header(text: bytes, *, payload_bytes: int, payload_offset: int) -> Header:
    """The header from its JSON bytes (space- or NUL-padded), checked against the size of what follows it."""
    if text.count(b"{") > _MAX_OBJECTS or text.count(b'":') > _MAX_KEYS:
        raise UnreadableFile("a safetensors header with more entries than any model has")
    try:
        entries = msgspec.json.decode(text.rstrip(b" \0\t\r\n"), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise UnreadableFile(f"a safetensors header that is no JSON object: {cause}") from cause
    problems: list[str] = []
    metadata = _metadata(entries.pop("__metadata__", None), problems)
    spans: list[tuple[int, int, str]] = []
    tensors: dict[str, Tensor] = {}
    bad = 0
    for name, raw in entries.items():
        entry = _entry(name, raw, problems)
        if entry is None:
            bad += 1
            if bad > _MAX_BAD_ENTRIES:
                raise UnreadableFile("a safetensors header whose entries are no tensors")
        else:
            begin, end = entry.data_offsets
            spans.append((begin, end, name))
            tensors[name] = Tensor(dtype=entry.dtype, shape=tuple(entry.shape), size_bytes=max(0, end - begin))
    problems += _span_problems(spans, payload_bytes) + _size_problems(tensors)
    return Header(
        tensors=tensors, metadata=metadata, payload_offset=payload_offset, problems=tuple(problems[:_MAX_PROBLEMS])
    )


def _entry(name: str, raw: msgspec.Raw, problems: list[str]) -> _Entry | None:
    try:
        if len(name) > _MAX_NAME or len(memoryview(raw)) > _MAX_ENTRY_BYTES:
            raise msgspec.DecodeError("too long")
        return msgspec.json.decode(raw, type=_Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        if len(problems) < _MAX_PROBLEMS:
            problems.append(f"tensor {name[:80]!r} is not described as one: {cause}")
        return None


def _metadata(raw: msgspec.Raw | None, problems: list[str]) -> dict[str, str]:
    # By the rule a flat map of texts. Numbers and nested values occur; they are kept as the JSON text that they are.
    if raw is None:
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        values = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        problems.append("__metadata__ is not a map")
        return {}
    problems.append("__metadata__ holds values that are not text")
    return {key: text for key, value in values.items() if (text := _text(value)) is not None}


def _text(raw: msgspec.Raw) -> str | None:
    spelled = bytes(raw)
    if spelled == b"null":
        return None
    try:
        if spelled.startswith(b'"'):
            return msgspec.json.decode(spelled, type=str)
        return spelled.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _span_problems(spans: list[tuple[int, int, str]], payload_bytes: int) -> list[str]:
    problems: list[str] = []
    at = 0
    for begin, end, name in sorted(spans):
        if begin != at and len(problems) < _MAX_PROBLEMS:
            problems.append(f"tensor {name[:80]!r} begins at {begin}, not at {at}")
        if end < begin and len(problems) < _MAX_PROBLEMS:
            problems.append(f"tensor {name[:80]!r} ends before it begins")
        at = max(at, end)
    if at > payload_bytes:
        problems.insert(0, f"cut short: {at - payload_bytes} bytes of tensors are missing")
    elif at < payload_bytes:
        problems.append(f"{payload_bytes - at} bytes belong to no tensor")
    return problems


def _size_problems(tensors: dict[str, Tensor]) -> list[str]:
    for name, tensor in tensors.items():
        bits = DTYPE_BITS.get(tensor.dtype)
        if bits is None or len(tensor.shape) > 16:
            continue
        if math.prod(tensor.shape) * bits != tensor.size_bytes * 8:
            return [f"tensor {name[:80]!r}: {tensor.size_bytes} bytes are not {tensor.dtype} {list(tensor.shape)[:8]}"]
    return []


def is_cut_short(header: Header) -> bool:
    """Whether the file ends before its tensors do: a download that did not finish."""
    return bool(header.problems) and header.problems[0].startswith("cut short")


def fp_word(tensors: dict[str, Tensor]) -> str | None:
    """The wire's `fp` word, by the dtype that holds most bytes; U8 is packing of any kind and decides nothing."""
    sizes: Counter[str] = Counter()
    for tensor in tensors.values():
        sizes[tensor.dtype] += tensor.size_bytes
    if "F8_E8M0" in sizes:
        return "mxfp8"
    packed = _packed_word(tensors) if "U8" in sizes else None
    if packed is not None:
        return packed
    ranked = [dtype for dtype, _ in sizes.most_common() if dtype in _FP_WORDS or dtype.startswith("F8_")]
    if not ranked:
        return None
    if ranked[0].startswith("F8_"):
        return "fp8_scaled" if _has_scales(tensors) else "fp8"
    return _FP_WORDS[ranked[0]]


def _packed_word(tensors: dict[str, Tensor]) -> str | None:
    # bitsandbytes names its packing in a companion tensor of each packed weight.
    for name in tensors:
        if "quant_state.bitsandbytes__" in name:
            word = name.rsplit("__", 1)[-1]
            return {"nf4": "nf4", "fp4": "int4"}.get(word)
    return None


def _has_scales(tensors: dict[str, Tensor]) -> bool:
    return any(name.endswith((".scale_weight", ".weight_scale")) or name == "scaled_fp8" for name in tensors)


def nested_json(text: str, *, limit: int = 64_000_000) -> Any:
    """A nested value of the metadata (`ss_tag_frequency` and the like), decoded when somebody asks; None if it is none.

    msgspec refuses nesting beyond its own depth, so hostile text costs time in proportion to its length and no more.
    """
    if len(text) > limit or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
