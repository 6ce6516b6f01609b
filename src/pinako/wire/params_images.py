"""The query string of `GET /api/v1/images`, of every age, into an ImageQuery and how to show the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pinako.catalog import enums, levels
from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.queries import ImageQuery, ImageSort, Period
from pinako.wire import coerce, issues
from pinako.wire.coerce import Fields, Pair, Texts
from pinako.wire.issues import Refused
from pinako.wire.params import check_base_models, check_page, mask_of

Names = Callable[[], Iterable[str]]
"""The base models that this library's own models and images have, beside the known ones."""

_SAFE = "Safe"
"""gallery-dl's word for PG only, where it asks the REST API: no document has it."""

NOTHING = (0,)
"""An id list that no thing matches."""

_ID = coerce.given(coerce.whole())
_ROWS = coerce.whole(0, 200)
_ANY_PAGE = coerce.whole()
_SORT = coerce.word_of([*ImageSort])
_PERIOD = coerce.word_of([*Period])
_TYPE = coerce.word_of(enums.MEDIA_TYPES)


class ImagesAsk(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /images`. `page` is set in page mode only (a page was asked for, and no cursor)."""

    query: ImageQuery
    page: int | None = None
    with_meta: bool = False
    flat_meta: bool = True
    with_tags: bool = False


def read_images(pairs: Iterable[Pair], base_models: Names = tuple) -> ImagesAsk:
    """Read the pairs; ValidationError for what does not fit, TooManyRequests beyond page × limit = 1000."""
    fields = Fields(pairs)
    limit = fields.take("limit", _ROWS, 0) or 100
    cursor = fields.take("cursor", coerce.said, None)
    page = _page(fields.take("page", _ANY_PAGE, 0))
    query = ImageQuery(
        limit=limit,
        cursor=cursor,
        page=None if cursor else page,
        level=_level(fields),
        **_scope(fields),
        **_narrowing(fields, base_models),
    )
    with_meta = fields.take("withMeta", coerce.boolean, False)
    flat_meta = fields.take("flatMeta", coerce.boolean, True)
    with_tags = fields.take("withTags", coerce.boolean, False)
    fields.check()
    check_page(page, limit, cursor)
    return ImagesAsk(query=query, page=query.page, with_meta=with_meta, flat_meta=flat_meta, with_tags=with_tags)


def _page(asked: int) -> int | None:
    # Any number was taken upstream, and 0 meant none; a negative page can only mean the same.
    return asked if asked > 0 else None


def _scope(fields: Fields) -> dict[str, Any]:
    """Whose and which images: the ids of the things around them."""
    post_id = fields.take("postId", _ID, None)
    image_id = fields.take("imageId", _ID, None)
    version_id = fields.take("modelVersionId", _ID, None)
    model_id = fields.take("modelId", _ID, None)
    user_id = fields.take("userId", _ID, None)
    username = coerce.slug(fields.take("username", coerce.said, None))
    held_back = fields.take("requiringMeta", coerce.boolean, False)
    return {
        "ids": NOTHING if held_back else () if image_id is None else (image_id,),
        "post_ids": () if post_id is None else (post_id,),
        "version_id": version_id,
        # With both, the version decides alone (rest.md 15).
        "model_id": None if version_id else model_id,
        "user_id": user_id,
        "username": None if user_id else username,
        "sort": _sort(fields, in_post=post_id is not None),
    }


def _sort(fields: Fields, *, in_post: bool) -> ImageSort | None:
    asked = fields.take("sort", _SORT, None)
    if asked is not None:
        return ImageSort(asked)
    return None if in_post else ImageSort.MOST_REACTIONS


def _narrowing(fields: Fields, base_models: Names) -> dict[str, Any]:
    period = fields.take("period", _PERIOD, Period.ALL_TIME.value)
    media_type = fields.take("type", _TYPE, None)
    asked = fields.take("baseModels", coerce.names, ())
    if asked:
        check_base_models(fields, "baseModels", asked, tuple(dict.fromkeys((*BASE_MODELS, *base_models()))))
    return {
        "period": Period(period),
        "types": () if media_type is None else (media_type,),
        "base_models": asked,
        # All of them, as the documents say; today's server takes any (rest.md 20.36).
        "all_tags": fields.take("tags", coerce.ids, ()),
    }


def _level(fields: Fields) -> int | None:
    mask = mask_of(fields)
    nsfw = fields.take("nsfw", _nsfw, None)
    return mask if mask is not None else nsfw


def _nsfw(texts: Texts) -> int:
    """A word, cumulative, or a boolean: true asks for the mature levels only, as today's server reads it (20.21)."""
    if len(texts) == 1 and texts[0] in levels.LEGACY_MASKS:
        return levels.LEGACY_MASKS[texts[0]]
    if texts == [_SAFE]:
        return levels.PG
    try:
        return levels.NSFW if coerce.boolean(texts) else levels.PG
    except Refused as refused:
        words = issues.unknown_word(enums.LEGACY_LEVELS)
        raise Refused(issues.no_branch([words], refused.issues)) from None
