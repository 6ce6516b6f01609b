"""What of models lies on this disk, and which models the caller likes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pinako.catalog.people import Viewer
from pinako.feed import lookups
from pinako.storage.scopes import Statements


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of one model file. `linked`: they lie in a folder of the user's own."""

    size: int
    linked: bool


def disk_of(read: Statements, version_ids: Sequence[int]) -> dict[int, Held]:
    """The files of these versions whose bytes are here, by file id. A blob that two files share counts for both."""
    sql = "SELECT f.id, b.size, b.link_path FROM model_files f JOIN blobs b ON b.sha256 = f.blob WHERE f.version_id IN (?*)"
    return {row[0]: Held(size=int(row[1]), linked=row[2] is not None) for row in read.by_ids(sql, version_ids)}


def likes_model(read: Statements, viewer: Viewer, model_id: int) -> bool:
    """Whether the caller has bookmarked a model."""
    return viewer.known and model_id in lookups.favorite_models(read, viewer)
