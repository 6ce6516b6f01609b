"""Is this a model file, and of which container: by content first, by name where content cannot tell."""

from __future__ import annotations

import os
from pathlib import PurePath

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.hashing import open_regular, payload_offset

SAFETENSORS, GGUF, PICKLE, ZIP, ONNX, CORE_ML, OTHER = "safetensors", "gguf", "pickle", "zip", "onnx", "coreml", "other"

MODEL_EXTENSIONS = frozenset({
    ".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx", ".mlmodel", ".th",
})  # fmt: skip
_PICKLE_EXTENSIONS = frozenset({".ckpt", ".pt", ".pth", ".bin", ".th"})
_ANYTHINGS = frozenset({".bin", ".pt", ".th"})
"""Extensions that other programs use for other things, so that the name alone makes no model file."""

_FORMATS = {SAFETENSORS: "SafeTensor", GGUF: "GGUF", PICKLE: "PickleTensor", ONNX: "ONNX", CORE_ML: "Core ML"}
_EXTENSION_FORMATS = {
    ".safetensors": "SafeTensor", ".sft": "SafeTensor", ".gguf": "GGUF", ".ckpt": "PickleTensor", ".pt": "PickleTensor",
    ".pth": "PickleTensor", ".th": "PickleTensor", ".onnx": "ONNX", ".mlmodel": "Core ML",
}  # fmt: skip


def kind_of(start: bytes, extension: str, size_bytes: int | None = None) -> str | None:
    """The container by a file's first 64 bytes and its (lower-case, dotted) extension; None when it is no model file.

    Content decides where it has a signature: a safetensors file called `.ckpt` is a safetensors file.
    """
    if payload_offset(start, size_bytes) is not None:
        return SAFETENSORS
    if start.startswith(b"GGUF"):
        return GGUF
    if extension not in MODEL_EXTENSIONS:
        return None
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZIP
    if extension in _PICKLE_EXTENSIONS and _looks_pickled(start):
        return PICKLE
    if extension == ".onnx" and start[:1] == b"\x08":
        return ONNX
    if extension == ".mlmodel" and start[:1] == b"\x08":
        return CORE_ML
    return None if extension in _ANYTHINGS else OTHER


def _looks_pickled(start: bytes) -> bool:
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        return True
    return start[:1] in b"(c}]" and len(start) > 2  # protocols 0 and 1 have no signature


def probe(path: str | os.PathLike[str]) -> str | None:
    """The container word of a model file, or None when it is none, empty, or not readable. Reads 64 bytes."""
    try:
        with open_regular(path) as file:
            start = file.read(64)
            size_bytes = os.fstat(file.fileno()).st_size
    except UnreadableFile:
        return None
    return kind_of(start, PurePath(path).suffix.lower(), size_bytes) if start else None


def what_it_is_instead(start: bytes) -> str | None:
    """What a file with a model's name holds when a download went wrong; None where that cannot be said."""
    text = start.lstrip()[:40].lower()
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer: the file itself was never fetched"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page: the download answered with one"
    if text.startswith((b'{"error', b'{"message', b'{"statuscode')):
        return "an error message in JSON: the download answered with one"
    return "empty space: the download never began" if start and not start.strip(b"\0") else None


def format_word(kind: str, extension: str) -> str:
    """The wire's format: what the content is, else what the name says (`.bin`, `.zip` say nothing: Other)."""
    return _FORMATS.get(kind) or _EXTENSION_FORMATS.get(extension, "Other")
