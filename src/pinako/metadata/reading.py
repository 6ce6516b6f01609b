"""What reading a file gives: quick facts, the named texts found in it, and the record a generator's reader made of them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pinako.catalog.generation import Generation


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the container says of itself, without decoding a pixel.

    `kind` is image, video, audio or unknown; `duration` in seconds; `c2pa` that a provenance manifest is present (it is
    not parsed); `alpha` that pixels may be transparent; `complete` False where the file visibly ends too early.
    """

    kind: str = "unknown"
    mime: str = "application/octet-stream"
    width: int | None = None
    height: int | None = None
    animated: bool = False
    duration: float | None = None
    c2pa: bool = False
    alpha: bool = False
    complete: bool = True


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One file, read. `fields` are the texts as the file holds them, by the name their container gives them."""

    facts: Facts
    fields: Mapping[str, str]
    generation: Generation | None = None

    @property
    def recognised(self) -> bool:
        """Whether a generator's reader made a record; a picture with only a comment is not recognised."""
        return self.generation is not None

    @property
    def raw(self) -> str:
        """Everything the file says, untouched, for people: always kept and shown, recognised or not."""
        if len(self.fields) == 1:
            return next(iter(self.fields.values()))
        return "\n\n".join(f"{name}: {text}" for name, text in self.fields.items())
