"""What an earlier run was told of an image and this one did not ask again: read from the documents that were kept."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.client.reading import read_record
from pinako.client.records.images import GenerationData
from pinako.client.records.people import VotableTag
from pinako.intake.mirror.findings import ImageFound
from pinako.intake.mirror.options import Part
from pinako.storage.scopes import Statements

GENERATION, TAGS = "trpc.generation", "trpc.tags"
"""The doors of an image's details."""
_NEWEST = "SELECT body FROM received WHERE entity_type = 'image' AND entity_id = ? AND door = ? ORDER BY fetched_at DESC LIMIT 1"


def with_remembered(read: Statements, found: ImageFound, id: int) -> ImageFound:
    """A finding with all its details: an image is written whole, or what was not asked again would be lost. `id` is local."""
    changes: dict[str, Any] = {}
    if found.generation is None and Part.GENERATION in found.parts:
        changes["generation"] = _made(read.value(_NEWEST, (id, GENERATION)))
    if found.tags is None and Part.TAGS in found.parts:
        changes["tags"] = _tagged(read.value(_NEWEST, (id, TAGS)))
    return msgspec.structs.replace(found, **changes) if changes else found


def _made(body: object) -> GenerationData | None:
    return read_record(GenerationData, msgspec.json.decode(body)) if isinstance(body, bytes | str) else None


def _tagged(body: object) -> list[VotableTag] | None:
    rows = msgspec.json.decode(body) if isinstance(body, bytes | str) else None
    return None if rows is None else [read_record(VotableTag, row) for row in rows]
