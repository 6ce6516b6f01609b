"""Models as the index holds them: their own columns, and what their listed versions and files add."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from pinako.catalog import levels, visibility
from pinako.catalog.queries import ModelSort
from pinako.catalog.visibility import Standing
from pinako.feed.codes import code_of
from pinako.feed.image_rows import room_of
from pinako.feed.sources import Filed, Pairs, Source
from pinako.feed.spec import DOWN, UP, Sort, Spec


class Flag(IntEnum):
    """Yes-or-no facts, as values of the field `flag`. The first two are those of images."""

    MINOR = 1
    POI = 2
    ARCHIVED = 3
    GENERATES = 4
    TRAINED_HERE = 5
    NO_CREDIT = 6
    DERIVATIVES = 7
    OTHER_LICENSE = 8
    CLOSED = 9
    """None of its listed versions is Public."""


class _Row(NamedTuple):
    id: int
    user_id: int
    type: str
    status: str
    availability: str
    upload_type: str
    checkpoint_type: str | None
    mode: str | None
    poi: bool
    minor: bool
    withheld: bool
    level: int
    allow_no_credit: bool
    allow_commercial_use: str
    allow_derivatives: bool
    allow_different_license: bool
    supports_generation: bool
    last_version_at: int | None
    deleted_at: int | None
    sort_at: int
    download_count: int
    thumbs_up_count: int
    comment_count: int
    collected_count: int
    image_count: int
    closed: bool


_RATED = (("thumbs", DOWN), ("downloads", DOWN))

MODELS = Spec(
    name="models",
    columns=("time", "thumbs", "downloads", "comments", "collected", "images", "owner"),
    sorts=(
        Sort(name=ModelSort.NEWEST, by=(("time", DOWN),)),
        Sort(name=ModelSort.OLDEST, by=(("time", UP),), id_way=UP),
        Sort(name=ModelSort.HIGHEST_RATED, by=_RATED, id_way=UP),
        Sort(name=ModelSort.MOST_LIKED, by=_RATED, id_way=UP),
        Sort(name=ModelSort.MOST_DOWNLOADED, by=(("downloads", DOWN), ("thumbs", DOWN)), id_way=UP),
        Sort(name=ModelSort.MOST_DISCUSSED, by=(("comments", DOWN), ("thumbs", DOWN)), id_way=UP),
        Sort(name=ModelSort.MOST_COLLECTED, by=(("collected", DOWN), ("thumbs", DOWN)), id_way=UP),
        Sort(name=ModelSort.MOST_IMAGES, by=(("images", DOWN), ("thumbs", DOWN)), id_way=UP),
    ),
    fields=(
        "user", "kind", "status", "availability", "checkpoint", "flag", "use", "tag", "version", "base", "format",
    ),
    owner="user",
)  # fmt: skip

_LISTED = "v.status = 'Published' AND EXISTS (SELECT 1 FROM model_files f WHERE f.version_id = v.id)"
_CLOSED = f"NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.model_id = models.id AND v.availability = 'Public' AND {_LISTED})"
_FORMATS = "SELECT v.model_id, f.format FROM model_files f JOIN model_versions v ON v.id = f.version_id"
_PAIRS = {
    "tag": Pairs(sql="SELECT model_id, tag_id FROM model_tags WHERE 1 = 1", column="model_id"),
    "version": Pairs(sql=f"SELECT v.model_id, v.id FROM model_versions v WHERE {_LISTED}", column="v.model_id"),
    "base": Pairs(
        sql=f"SELECT v.model_id, v.base_model FROM model_versions v WHERE {_LISTED}",
        column="v.model_id",
        decode=lambda word: (code_of(word),),
    ),
    "format": Pairs(
        sql=f"{_FORMATS} WHERE v.status = 'Published' AND f.format IS NOT NULL",
        column="v.model_id",
        decode=lambda word: (code_of(word),),
    ),
}
_WORDS = msgspec.json.Decoder(list[str])


def _file(row: Sequence[Any], now: int) -> Filed | None:
    model = _Row._make(row)
    standing = visibility.model_standing(model)
    if standing is Standing.GONE:
        return None
    if model.last_version_at is None and standing is not Standing.HELD:
        standing = Standing.DRAFT  # nothing of it is listed, so there is nothing to show
    counts = (
        model.thumbs_up_count,
        model.download_count,
        model.comment_count,
        model.collected_count,
        model.image_count,
    )
    return Filed(
        id=model.id,
        keys=(model.sort_at, *counts, model.user_id),
        # Marked as mature as a whole: under this rule a blocked bit asks for any mature bit (visibility.meets_level).
        level=levels.NSFW if model.level & levels.BLOCKED else model.level,
        room=room_of(standing),
        singles=_singles(model),
    )


def _singles(model: _Row) -> dict[str, tuple[int, ...]]:
    facts = (
        (Flag.MINOR, model.minor),
        (Flag.POI, model.poi),
        (Flag.ARCHIVED, model.mode == "Archived"),
        (Flag.GENERATES, model.supports_generation),
        (Flag.TRAINED_HERE, model.upload_type == "Trained"),
        (Flag.NO_CREDIT, model.allow_no_credit),
        (Flag.DERIVATIVES, model.allow_derivatives),
        (Flag.OTHER_LICENSE, model.allow_different_license),
        (Flag.CLOSED, model.closed),
    )
    return {
        "user": (model.user_id,),
        "kind": (code_of(model.type),),
        "status": (code_of(model.status),),
        "availability": (code_of(model.availability),),
        "checkpoint": (code_of(model.checkpoint_type or ""),),
        "flag": tuple(int(flag) for flag, given in facts if given),
        "use": tuple(map(code_of, _WORDS.decode(model.allow_commercial_use))),
    }


SOURCE = Source(
    entity="model",
    spec=MODELS,
    rows_sql=f"SELECT {', '.join(_Row._fields[:-1])}, {_CLOSED} FROM models WHERE withheld = 0 AND deleted_at IS NULL",
    id_column="id",
    pairs=_PAIRS,
    file=_file,
)
