"""Picture bytes to records: the containers' named texts, then the generators' readers in their order. Pure but for opening."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pinako import errors
from pinako.catalog.generation import Generation
from pinako.metadata import (
    a1111,
    civitai,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    huggingface,
    invokeai,
    novelai,
    ruinedfooocus,
    swarmui,
    tensorart,
)
from pinako.metadata.a1111_write import write_a1111
from pinako.metadata.candidates import Candidate, resource_candidates
from pinako.metadata.containers import Notes, Source, read_container
from pinako.metadata.containers.stealth import find_stealth
from pinako.metadata.embed import embed_jpeg, embed_png, embed_webp
from pinako.metadata.reading import Facts, Reading
from pinako.metadata.record import from_meta, generation_process, on_site, shown_process
from pinako.metadata.wiremeta import to_meta

__all__ = [
    "GENERATORS",
    "Candidate",
    "Facts",
    "Reading",
    "embed_jpeg",
    "embed_png",
    "embed_webp",
    "from_meta",
    "generation_process",
    "on_site",
    "read_bytes",
    "read_file",
    "recognise",
    "resource_candidates",
    "shown_process",
    "to_meta",
    "write_a1111",
]

Reader = Callable[[Mapping[str, str]], Generation | None]

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe must not keep anyone waiting

GENERATORS: tuple[Reader, ...] = (
    a1111.read,
    swarmui.read,
    ruinedfooocus.read,
    tensorart.read,
    civitai.read,
    comfyui.read,
    fooocus.read,
    invokeai.read,
    novelai.read,
    drawthings.read,
    easydiffusion.read,
    huggingface.read,
)
"""In the real order for the first ones (domain.md g): a ComfyUI file that also has A1111 text is read as A1111."""


def read_file(path: str | os.PathLike[str]) -> Reading:
    """Read one file's metadata; big pictures cost their headers only. Missing, forbidden, empty or cut: UnreadableFile."""
    try:
        handle = os.open(path, _FLAGS)
        try:
            return _read(Source.of_handle(handle))
        finally:
            os.close(handle)
    except OSError as error:
        name = os.fsencode(Path(path).name).decode("utf-8", "replace")  # names are bytes, messages are text
        raise errors.UnreadableFile(f"{name}: {error.strerror or error}") from error


def read_bytes(data: bytes) -> Reading:
    """The same for bytes in memory."""
    return _read(Source.of_bytes(data))


def _read(source: Source) -> Reading:
    notes = Notes()
    facts = read_container(source, notes)
    generation = recognise(notes.fields)
    if generation is None and facts.kind == "image":
        hidden = find_stealth(source, facts)
        if hidden:
            notes.add("stealth", hidden)
            generation = recognise(notes.fields)
    return Reading(facts=facts, fields=notes.fields, generation=generation)


def recognise(fields: Mapping[str, str]) -> Generation | None:
    """The record of the first generator that knows these texts as its own, None when none does."""
    if not fields:
        return None
    for read in GENERATORS:
        generation = read(fields)
        if generation is not None:
            if "generation_data" in fields:
                generation = tensorart.complete(generation, fields)
            return comfyui.complete(generation, fields) if "prompt" in fields or "workflow" in fields else generation
    return None
