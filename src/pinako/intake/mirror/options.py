"""What a run of the mirror is asked for: which parts of things, which of them, and how much."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from pinako.catalog import levels
from pinako.errors import BadRequest


class Part(StrEnum):
    """What there is of a thing to fetch."""

    MEDIA = "media"
    MODELS = "models"
    PREVIEWS = "previews"
    GALLERY = "gallery"
    TAGS = "tags"
    GENERATION = "generation"


EVERYTHING = frozenset(Part)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a target is mirrored. Kept with the target, so that refreshing it needs no words.

    `parts` what to fetch; `levels` a mask; `types` kinds of media (image, video, audio) or of models (Checkpoint, LORA, …);
    `since` only what was published at or after this time (milliseconds); `limit` the most things of each list;
    `file_limit` the largest model file in bytes. None and empty: no limit.
    """

    parts: frozenset[Part] = EVERYTHING
    levels: int = levels.ALL
    types: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    since: int | None = None
    limit: int | None = None
    file_limit: int | None = None

    def wants(self, part: Part) -> bool:
        """Whether this part of things is to be fetched."""
        return part in self.parts

    @property
    def are_narrow(self) -> bool:
        """Whether a list may lack things only because they were not asked for."""
        return bool(self.types or self.base_models or self.since or self.limit or self.levels != levels.ALL)

    @property
    def media_types(self) -> tuple[str, ...]:
        """Those of `types` that are kinds of media."""
        return tuple(word.lower() for word in self.types if word.lower() in _MEDIA)

    @property
    def model_types(self) -> tuple[str, ...]:
        """Those of `types` that are kinds of models."""
        return tuple(word for word in self.types if word.lower() not in _MEDIA)

    @property
    def takes_media(self) -> bool:
        """Whether a page that shows media and models is asked for its media: `--type LORA` speaks of models alone."""
        return not self.types or bool(self.media_types)

    @property
    def takes_models(self) -> bool:
        """The same for its models."""
        return not self.types or bool(self.model_types)


_MEDIA = frozenset({"image", "video", "audio"})


def spelled(words: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Words as the wire spells them, whatever their case: hosts find nothing under another. New ones stay as they are."""
    spelling = {word.lower(): word for word in known}
    return tuple(spelling.get(word.lower(), word) for word in words)


def read_parts(text: str) -> frozenset[Part]:
    """`media,models` as parts. BadRequest names the known words."""
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in EVERYTHING]
    if unknown:
        raise BadRequest(f"{unknown[0]!r} is nothing to fetch; there are {', '.join(Part)}")
    return frozenset(Part(word) for word in words)
