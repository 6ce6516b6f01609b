"""What a worker of the importer is asked and answers. Plain data, sent between processes."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import msgspec

from pinako.intake.walk import Source
from pinako.metadata.modelfiles.records import ModelFileReading
from pinako.metadata.modelfiles.sidecars import Sidecar
from pinako.services.prepare import PreparedImage


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What every job of a run has in common: where originals go, and how.

    `in_place`: the store refers to the user's file. `cache` is the folder of derivatives where thumbnails are to be made.
    """

    media_url: str
    in_place: bool = False
    cache: Path | None = None
    cache_bytes: int = 0
    pixel_limit: int = 200_000_000


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Read a file that may be a picture, video or sound, and keep its bytes. `data`: a picture that travels in a model."""

    number: int
    source: Source
    data: bytes | None = None


class Headers(msgspec.Struct, frozen=True, kw_only=True):
    """Read the headers and sidecars of a folder's model files; `names` is what lies in the folder."""

    number: int
    sources: tuple[Source, ...]
    names: tuple[tuple[str, ...], ...]
    """For each file, the names beside it that may be its sidecars."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Hash one model file whole, and keep its bytes."""

    number: int
    source: Source


Job: TypeAlias = Picture | Headers | Weights


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is read, measured and stored."""

    prepared: PreparedImage


class ModelHead(msgspec.Struct, frozen=True, kw_only=True):
    """A model file's header, and what the files beside it say. `reading` None: it is no model file after all."""

    source: Source
    reading: ModelFileReading | None = None
    sidecar: Sidecar | None = None
    refused: str | None = None


class HeadersRead(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `Headers`, in its order."""

    heads: tuple[ModelHead, ...]


class WeightsKept(msgspec.Struct, frozen=True, kw_only=True):
    """A model file that is hashed and stored."""

    reading: ModelFileReading


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The file was not brought in: why, and whether it is no medium at all (`foreign`), which is nothing wrong.

    `fatal`: the library's own disk refused, so that going on is no use.
    """

    reason: str
    foreign: bool = False
    is_model: bool = False
    fatal: bool = False


Outcome: TypeAlias = Kept | HeadersRead | WeightsKept | Refused


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A worker has begun with this job: if it breaks down now, this is the one to blame."""

    number: int


class Progressed(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes done of the job in work."""

    done: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A job's outcome. Those of one worker need not come in the order of its jobs."""

    number: int
    outcome: Outcome


Message: TypeAlias = Begun | Progressed | Done
