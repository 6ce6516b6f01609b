"""GGUF headers: the key-value pairs and tensor table of quantised models, read within bounds."""

from __future__ import annotations

import math
import struct
from collections import Counter
from io import BufferedReader, FileIO

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.records import Header, Tensor

_MAX_PAIRS = 20_000
_MAX_TENSORS = 100_000
_MAX_HEADER = 200_000_000
_MAX_KEPT_TEXT = 100_000
_MAX_ELEMENTS = 1_500_000
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

# `general.file_type`, the words of llama.cpp's file types as the wire spells them.
_FILE_TYPES = {
    "2": "Q4_0", "3": "Q4_1", "7": "Q8_0", "8": "Q5_0", "9": "Q5_1", "10": "Q2_K", "11": "Q3_K_S", "12": "Q3_K_M",
    "13": "Q3_K_L", "14": "Q4_K_S", "15": "Q4_K_M", "16": "Q5_K_S", "17": "Q5_K_M", "18": "Q6_K", "19": "IQ2_XXS",
    "20": "IQ2_XS", "21": "Q2_K_S", "22": "IQ3_XS", "23": "IQ3_XXS", "24": "IQ1_S", "25": "IQ4_NL", "26": "IQ3_S",
    "27": "IQ3_M", "28": "IQ2_S", "29": "IQ2_M", "30": "IQ4_XS", "31": "IQ1_M", "36": "TQ1_0", "37": "TQ2_0",
}  # fmt: skip
# A tensor's own type: its name, values a block, bytes a block.
_TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
}  # fmt: skip
# The mixes of k-quants share one tensor type; the middle one is by far the most common.
_MIXES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}
_FLOATS = {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}


class _Source:
    """A bounded little-endian reader over the header."""

    def __init__(self, file: FileIO, size_bytes: int) -> None:
        self._reader = BufferedReader(file, 1 << 18)
        self._left = min(size_bytes, _MAX_HEADER)
        self.elements_left = _MAX_ELEMENTS

    def take(self, count: int) -> bytes:
        self._spend(count)
        data = self._reader.read(count)
        if len(data) < count:
            raise UnreadableFile("the file ends inside its GGUF header")
        return data

    def skip(self, count: int) -> None:
        self._spend(count)
        self._reader.seek(count, 1)

    def _spend(self, count: int) -> None:
        if count > self._left:
            raise UnreadableFile("a GGUF header that claims more than the file holds")
        self._left -= count

    def number(self, code: str) -> int:
        return int(struct.unpack("<" + code, self.take(struct.calcsize(code)))[0])

    def text(self) -> str:
        length = self.number("Q")
        kept = self.take(min(length, _MAX_KEPT_TEXT))
        self.skip(length - len(kept))
        return kept.decode("utf-8", "replace")

    def skip_texts(self, count: int) -> None:
        """Pass over `count` strings of an array; a tokenizer has some hundred thousand, so the loop is kept bare."""
        self.elements_left -= count
        if self.elements_left < 0:
            raise UnreadableFile(f"a GGUF header with over {_MAX_ELEMENTS} array elements")
        read = self._reader.read
        for _ in range(count):
            length = int.from_bytes(read(8), "little")
            self._spend(length + 8)
            if length > _MAX_KEPT_TEXT:
                self._reader.seek(length, 1)
            else:
                read(length)

    def detach(self) -> None:
        self._reader.detach()


def read_header(file: FileIO, size_bytes: int) -> Header:
    """The header of an open GGUF file: its pairs as text, its tensors by name. UnreadableFile when it cannot be one."""
    file.seek(0)
    source = _Source(file, size_bytes)
    try:
        return _read(source, size_bytes)
    finally:
        source.detach()


def _read(source: _Source, size_bytes: int) -> Header:
    if source.take(4) != b"GGUF":
        raise UnreadableFile("not a GGUF file")
    version = source.number("I")
    if version not in (2, 3):
        raise UnreadableFile(f"GGUF version {version} is not one that is read here")
    tensor_count, pair_count = source.number("Q"), source.number("Q")
    if tensor_count > _MAX_TENSORS or pair_count > _MAX_PAIRS:
        raise UnreadableFile(f"a GGUF header with {tensor_count} tensors and {pair_count} pairs")
    metadata: dict[str, str] = {}
    for _ in range(pair_count):
        key, value = source.text(), _value(source, source.number("I"), depth=0)
        if value is not None:
            metadata[key[:300]] = value
    tensors: dict[str, Tensor] = {}
    end = 0
    for _ in range(tensor_count):
        name, tensor, offset = _tensor(source)
        tensors[name[:1000]] = tensor
        end = max(end, offset + tensor.size_bytes)
    problems = ("cut short: tensors lie beyond the end of the file",) if end > size_bytes else ()
    return Header(tensors=tensors, metadata=metadata, problems=problems)


def _tensor(source: _Source) -> tuple[str, Tensor, int]:
    name = source.text()
    dimensions = source.number("I")
    if dimensions > 8:
        raise UnreadableFile(f"a tensor of {dimensions} dimensions")
    sizes = [source.number("Q") for _ in range(dimensions)]
    word, per_block, block_bytes = _TENSOR_TYPES.get(source.number("I"), ("", 1, 0))
    offset = source.number("Q")
    size_bytes = math.prod(sizes) // per_block * block_bytes
    # GGUF writes dimensions fastest first, torch slowest first.
    return name, Tensor(dtype=word, shape=tuple(reversed(sizes)), size_bytes=size_bytes), offset


def _value(source: _Source, kind: int, depth: int) -> str | None:
    if kind == _STRING:
        return source.text()
    code = _SCALARS.get(kind)
    if code is not None:
        return str(struct.unpack("<" + code, source.take(struct.calcsize(code)))[0])
    if kind != _ARRAY or depth > 2:
        raise UnreadableFile(f"a GGUF value of unknown type {kind}")
    _skip_array(source, depth)
    return None


def _skip_array(source: _Source, depth: int) -> None:
    # Arrays are tokenizers: large, and of no interest to a catalogue.
    kind, count = source.number("I"), source.number("Q")
    code = _SCALARS.get(kind)
    if code is not None:
        source.skip(struct.calcsize(code) * count)
        return
    if kind == _STRING:
        source.skip_texts(count)
        return
    if count > _MAX_PAIRS:
        raise UnreadableFile(f"a GGUF array of {count} arrays")
    for _ in range(count):
        _value(source, kind, depth + 1)


def quant_type(header: Header) -> str | None:
    """The wire's quantType: by `general.file_type`, else by what most of the weights are; None for plain floats."""
    stated = header.metadata.get("general.file_type", "")
    if stated in _FILE_TYPES:
        return _FILE_TYPES[stated]
    word = _main_type(header)
    return None if not word or word in _FLOATS else _MIXES.get(word, word)


def fp_word(header: Header) -> str | None:
    """The wire's fp word of an unquantised GGUF; None when it is quantised."""
    return _FLOATS.get(_main_type(header)) if quant_type(header) is None else None


def _main_type(header: Header) -> str:
    sizes: Counter[str] = Counter()
    for tensor in header.tensors.values():
        sizes[tensor.dtype] += tensor.size_bytes
    return max(sizes, key=lambda word: sizes[word], default="")
