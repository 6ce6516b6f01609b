"""A file made ready to be kept: everything that is computed from its bytes alone, so that any process may do it.

`prepare_image` reads and decodes once. What it gives is rows in all but ids: `publish` writes it down.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from pinako import metadata
from pinako.catalog.generation import Generation
from pinako.errors import UnreadableFile
from pinako.media.facts import PictureFacts, read_facts
from pinako.media.video import has_ffmpeg, take_still
from pinako.metadata.reading import Reading
from pinako.services.publish import Metadata
from pinako.services.resolve import Want

BLOCK = 1 << 20


class PreparedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One picture, video or audio file, measured and read. `process` is the stored one (txt2img, …)."""

    sha256: str
    size: int
    mime: str
    type: str
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None
    phash: int | None = None
    pixel_hash: str | None = None
    facts: dict[str, Any] = {}
    """The image's wire `metadata`: width, height, hash, size, duration."""
    about: Metadata = Metadata()
    generator: str | None = None
    process: str | None = None

    def columns(self) -> dict[str, Any]:
        """What an image of this file is by the file alone, as columns of `images`."""
        return {
            "type": self.type,
            "mime": self.mime,
            "width": self.width,
            "height": self.height,
            "blurhash": self.blurhash,
            "phash": self.phash,
            "pixel_hash": self.pixel_hash,
            "blob": self.sha256,
            "size": self.size,
            "metadata": msgspec.json.encode(self.facts).decode(),
            "process": self.process,
            "generator": self.generator,
        }


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 (lower-case hex) and size of a file, read once."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def prepare_image(path: Path) -> PreparedImage:
    """Read one media file. UnreadableFile when it is no picture, video or audio, is cut short, or costs too much."""
    reading = metadata.read_file(path)
    if reading.facts.kind not in ("image", "video", "audio"):
        raise UnreadableFile(f"{path.name}: not a picture, video or audio file")
    measured = read_facts(path) if reading.facts.kind == "image" else _first_frame(path, reading)
    sha256, size = digest_of(path)
    return assemble(reading, measured, sha256, size)


def _first_frame(path: Path, reading: Reading) -> PictureFacts | None:
    """What the first frame of a video looks like, where ffmpeg is present and knows its coding."""
    if reading.facts.kind != "video" or not has_ffmpeg():
        return None
    try:
        return read_facts(take_still(path), pixel_hash=False)
    except UnreadableFile:
        return None


def prepare_bytes(data: bytes, measured: PictureFacts) -> PreparedImage:
    """The same for a picture that is in memory and measured already."""
    return assemble(metadata.read_bytes(data), measured, hashlib.sha256(data).hexdigest(), len(data))


def assemble(reading: Reading, measured: PictureFacts | None, sha256: str, size: int) -> PreparedImage:
    """Facts of the pixels and of the texts as one record.

    A video keeps its own type and says nothing of pixels: what was measured is one frame of it.
    """
    facts = reading.facts
    picture = measured if facts.kind == "image" else None
    width = measured.width if measured else facts.width
    height = measured.height if measured else facts.height
    shown: dict[str, Any] = {"width": width, "height": height, "size": size}
    if measured is not None:
        shown["hash"] = measured.blurhash
    if facts.duration is not None:
        shown |= {"duration": round(facts.duration, 3), "audio": facts.kind == "audio"}
    generation = reading.generation
    return PreparedImage(
        sha256=sha256,
        size=size,
        mime=picture.mime if picture else facts.mime,
        type=facts.kind,
        width=width,
        height=height,
        blurhash=measured.blurhash if measured else None,
        phash=measured.perceptual_hash if measured else None,
        pixel_hash=picture.pixel_hash if picture else None,
        facts={name: value for name, value in shown.items() if value is not None},
        about=describe(generation, reading.raw),
        generator=generation.generator if generation else None,
        process=generation.process if generation else None,
    )


def describe(generation: Generation | None, raw: str) -> Metadata:
    """What a file says of its making, as it is stored: wire meta, normalised record, untouched text, claims."""
    if generation is None:
        return Metadata(raw=raw or None)
    meta = metadata.to_meta(generation)
    return Metadata(
        file=msgspec.json.encode(meta).decode(),
        generation=msgspec.json.encode(msgspec.structs.replace(generation, meta={})).decode(),
        raw=raw or None,
        wants=wants_of(meta),
    )


def wants_of(meta: dict[str, Any]) -> tuple[Want, ...]:
    """The claims of a wire meta."""
    return tuple(
        Want(kind=claim.kind, name=claim.name, hash=claim.hash, version_id=claim.version_id, strength=claim.strength)
        for claim in metadata.resource_candidates(meta)
    )
