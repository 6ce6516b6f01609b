"""Images as the index holds them: which columns are keys, which values are filters, who may meet a row."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from pinako.catalog import visibility
from pinako.catalog.queries import ImageSort
from pinako.catalog.visibility import Standing
from pinako.feed.codes import code_of, prompt_codes
from pinako.feed.made import made_codes
from pinako.feed.sources import Filed, Pairs, Source
from pinako.feed.spec import DOWN, UP, Sort, Spec


class Flag(IntEnum):
    """Yes-or-no facts, as values of the field `flag`."""

    MINOR = 1
    POI = 2
    ACCEPTABLE_MINOR = 3
    META = 4
    ON_SITE = 5
    REMIX = 6
    UNPUBLISHED = 7
    SCHEDULED = 8
    IN_REVIEW = 9


class _Row(NamedTuple):
    id: int
    user_id: int
    type: str
    level: int
    level_locked: bool
    ingestion: str
    blocked_for: str | None
    needs_review: str | None
    minor: bool
    acceptable_minor: bool
    poi: bool
    withheld: bool
    model_restricted: bool
    availability: str
    hide_meta: bool
    has_meta: bool
    on_site: bool
    process: str | None
    base_model: str | None
    remix_of_id: int | None
    width: int | None
    height: int | None
    published_at: int | None
    deleted_at: int | None
    sort_at: int
    reaction_count: int
    comment_count: int
    collected_count: int


class _Meta(msgspec.Struct):
    prompt: str | None = None


_META = msgspec.json.Decoder(_Meta)


def _words(meta: str) -> Sequence[int]:
    """The words of a stored metadata text; one without a readable prompt has none."""
    try:
        return prompt_codes(_META.decode(meta).prompt or "")
    except msgspec.MsgspecError:
        return ()


def room_of(standing: Standing) -> int:
    """The engine's room of a standing: 0 is public."""
    return 0 if standing is Standing.PUBLIC else int(standing)


IMAGES = Spec(
    name="images",
    columns=("time", "reactions", "comments", "collected", "width", "height"),
    sorts=(
        Sort(name=ImageSort.NEWEST, by=(("time", DOWN),)),
        Sort(name=ImageSort.OLDEST, by=(("time", UP),), id_way=UP),
        Sort(name=ImageSort.MOST_REACTIONS, by=(("reactions", DOWN),)),
        Sort(name=ImageSort.MOST_COMMENTS, by=(("comments", DOWN),)),
        Sort(name=ImageSort.MOST_COLLECTED, by=(("collected", DOWN),)),
    ),
    fields=("user", "kind", "base", "process", "flag", "remix", "tag", "version", "model", "word", "made"),
    owner="user",
    random=ImageSort.RANDOM,
)

_USED = "SELECT r.image_id, v.model_id FROM image_resources r JOIN model_versions v ON v.id = r.version_id WHERE 1 = 1"
_PROMPTS = (
    "SELECT i.id, COALESCE(m.site_meta, m.file_meta) FROM images i JOIN image_meta m ON m.image_id = i.id "
    "WHERE i.hide_meta = 0 AND i.has_prompt = 1 AND COALESCE(m.site_meta, m.file_meta) IS NOT NULL"
)
_MADE = (
    "SELECT i.id, m.generation FROM images i JOIN image_meta m ON m.image_id = i.id "
    "WHERE i.hide_meta = 0 AND m.generation IS NOT NULL"
)
_PAIRS = {
    "tag": Pairs(sql="SELECT image_id, tag_id FROM image_tags WHERE disabled = 0", column="image_id"),
    "version": Pairs(sql="SELECT image_id, version_id FROM image_resources WHERE 1 = 1", column="image_id"),
    "model": Pairs(sql=_USED, column="r.image_id"),
    "word": Pairs(sql=_PROMPTS, column="i.id", decode=_words),
    "made": Pairs(sql=_MADE, column="i.id", decode=made_codes),
}


def _file(row: Sequence[Any], now: int) -> Filed | None:
    image = _Row._make(row)
    standing = visibility.image_standing(image, now)
    if standing is Standing.GONE:
        return None
    scheduled = image.published_at is not None and image.published_at > now
    return Filed(
        id=image.id,
        keys=(
            image.sort_at,
            image.reaction_count,
            image.comment_count,
            image.collected_count,
            image.width or 0,
            image.height or 0,
        ),
        level=image.level,
        room=room_of(standing),
        singles={
            "user": (image.user_id,),
            "kind": (code_of(image.type),),
            "base": (code_of(image.base_model),) if image.base_model else (),
            "process": (code_of(image.process),) if image.process else (),
            "flag": _flags(
                image.minor,
                image.poi,
                image.acceptable_minor,
                bool(image.has_meta and not image.hide_meta),
                image.on_site,
                bool(image.remix_of_id),
                image.published_at is None,
                scheduled,
                bool(image.needs_review),
            ),
            "remix": (image.remix_of_id,) if image.remix_of_id else (),
        },
        due=image.published_at if scheduled and standing is Standing.DRAFT else None,
    )


@lru_cache
def _flags(*facts: bool) -> tuple[int, ...]:
    """The flags of these facts, given in the order of Flag."""
    return tuple(int(flag) for flag, given in zip(Flag, facts, strict=True) if given)


SOURCE = Source(
    entity="image",
    spec=IMAGES,
    rows_sql=f"SELECT {', '.join(_Row._fields)} FROM images WHERE withheld = 0 AND deleted_at IS NULL",
    id_column="id",
    pairs=_PAIRS,
    file=_file,
)
