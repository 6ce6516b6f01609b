"""The nouns of this room: what one reading of a model file knows."""

from __future__ import annotations

import msgspec


class Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of a header: `dtype` in safetensors words (F16, BF16, …), `size_bytes` its share of the payload.

    Readers that learn only names leave `shape` empty.
    """

    dtype: str = ""
    shape: tuple[int, ...] = ()
    size_bytes: int = 0


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a model file before its numbers. `metadata` is flat text, nested values stay JSON strings."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str] = {}
    payload_offset: int | None = None
    problems: tuple[str, ...] = ()


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """What the names and shapes of tensors say. Words are the wire's; None is not known."""

    model_type: str | None = None
    file_type: str = "Model"
    base_model: str | None = None
    base_model_type: str | None = None
    size: str | None = None


class PickleScan(msgspec.Struct, frozen=True, kw_only=True):
    """The opcode scan of a pickle: result and message as the wire shows them, and the tensors it would have built."""

    result: str
    message: str | None
    imports: tuple[str, ...] = ()
    tensors: dict[str, Tensor] = {}
    strings: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that travels inside a model file (`modelspec.thumbnail`)."""

    data: bytes
    media_type: str


class EmbeddedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the header's metadata says about the model, in its author's and trainer's words."""

    title: str | None = None
    output_name: str | None = None
    author: str | None = None
    description: str | None = None
    license: str | None = None
    tags: tuple[str, ...] = ()
    trained_words: tuple[str, ...] = ()
    base_model: str | None = None
    model_type: str | None = None
    clip_skip: int | None = None
    epochs: int | None = None
    steps: int | None = None
    preview: Preview | None = None
    extra_hashes: tuple[str, ...] = ()


class ModelFileReading(msgspec.Struct, frozen=True, kw_only=True):
    """All that one pass over a model file gives.

    `hashes` maps the wire's hash words to upper-case hex, in the wire's order; a kind that the file cannot have is
    absent. `extra_hashes` are embedded claims (upper-case) that images may carry and that no stored hash equals.
    `complete` is false when the file is shorter than its header says. Nothing in `problems` is fatal.
    """

    size_bytes: int
    kind: str
    format: str
    fp: str | None
    size: str | None
    quant_type: str | None
    file_type: str
    model_type: str | None
    base_model: str | None
    base_model_type: str | None
    hashes: dict[str, str]
    extra_hashes: tuple[str, ...]
    header: dict[str, str]
    facts: EmbeddedFacts
    tensor_count: int
    pickle_scan_result: str
    pickle_scan_message: str | None
    complete: bool
    problems: tuple[str, ...]

    @property
    def trained_words(self) -> tuple[str, ...]:
        """Words that call the concept, as the file itself knows them."""
        return self.facts.trained_words

    @property
    def preview(self) -> Preview | None:
        """The embedded thumbnail."""
        return self.facts.preview

    @property
    def title(self) -> str | None:
        """The name that the file gives itself."""
        return self.facts.title or self.facts.output_name
