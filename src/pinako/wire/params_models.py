"""The query string of `GET /api/v1/models`, of every age, into a ModelQuery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.queries import ModelQuery, ModelSort, Period, plain_models
from pinako.errors import Unauthorized
from pinako.wire import coerce
from pinako.wire.coerce import Fields, Pair
from pinako.wire.failures import PlainRefusal
from pinako.wire.params import check_base_models, check_page, level_of, mask_of
from pinako.wire.params_images import NOTHING, Names

PAGE_WITH_QUERY = "Cannot use page param with query search. Use cursor-based pagination."
PRIVATE_ALONE = "You are not authorized to perform this action"

_ID = coerce.given(coerce.whole())
_ROWS = coerce.whole(0, 200)
_PAGE = coerce.whole(1)
_SORT = coerce.word_of([*ModelSort])
_PERIOD = coerce.word_of([*Period])
_PERIOD_MODE = coerce.word_of(("published", "stats"))
_CHECKPOINT = coerce.word_of((*enums.CHECKPOINT_TYPES, "Standard"))
_TYPES = coerce.words_of(enums.MODEL_TYPES)
_AVAILABILITY = coerce.word_of(enums.AVAILABILITIES)
_STATUSES = coerce.words_of(enums.MODEL_STATUSES)
_FORMATS = coerce.words_of(enums.FILE_FORMATS)
_USES = coerce.words_of(enums.COMMERCIAL_USES)


class ModelsAsk(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /models`. `page` is set in page mode only (a page was asked for, and no cursor)."""

    query: ModelQuery
    page: int | None = None


def read_models(pairs: Iterable[Pair], *, known: bool, base_models: Names = tuple) -> ModelsAsk:
    """Read the pairs of a caller who is `known` or anonymous, in the original's order of checks (rest.md 11).

    Unauthorized for an anonymous caller who names `favorites` or `hidden`, whatever the value; ValidationError;
    TooManyRequests beyond page × limit = 1000; PlainRefusal for a page with a text query.
    """
    fields = Fields(pairs)
    if not known and ("favorites" in fields or "hidden" in fields):
        raise Unauthorized("Unauthorized")
    limit = fields.take("limit", _ROWS, 0) or 100
    page = fields.take("page", _PAGE, None)
    cursor = fields.take("cursor", coerce.said, None)
    query = ModelQuery(
        limit=limit,
        cursor=cursor,
        page=None if cursor else page,
        **_scope(fields),
        **_kinds(fields, base_models),
        **_flags(fields),
        **_licence(fields),
        **_exclusions(fields),
    )
    fields.check()
    check_page(page, limit, cursor)
    if page is not None and query.text:
        raise PlainRefusal(PAGE_WITH_QUERY)
    if query.availability == "Private" and not query.username:
        raise Unauthorized(PRIVATE_ALONE)
    return ModelsAsk(query=plain_models(query), page=query.page)


def _scope(fields: Fields) -> dict[str, Any]:
    fields.take("rating", coerce.number, None)
    tag = fields.take("tag", coerce.said, None)
    tagname = fields.take("tagname", coerce.said, None)
    username = coerce.slug(fields.take("username", coerce.said, None))
    user = fields.take("user", coerce.said, None)
    text = fields.take("query", coerce.said, None)
    model_ids = fields.take("ids", coerce.ids, ())
    # There is no board of newcomers and nothing is featured, so only those are none.
    boards = [fields.take("newCreators", coerce.boolean, False), fields.take("isFeatured", coerce.boolean, False)]
    return {
        "text": text,
        "ids": NOTHING if any(boards) else () if text else model_ids,
        "version_ids": fields.take("modelVersionIds", coerce.ids, ()),
        "tag": tagname or tag,
        "username": username or user,
        "collection_id": fields.take("collectionId", _ID, None),
        "collection_tag_id": fields.take("collectionTagId", _ID, None),
        "level": _level(fields),
    }


def _level(fields: Fields) -> int | None:
    mask = mask_of(fields)
    nsfw = fields.take("nsfw", coerce.boolean, None)
    return mask if mask is not None else level_of(nsfw)


def _kinds(fields: Fields, base_models: Names) -> dict[str, Any]:
    sort = fields.take("sort", _SORT, ModelSort.HIGHEST_RATED.value)
    period = fields.take("period", _PERIOD, Period.ALL_TIME.value)
    mode = fields.take("periodMode", _PERIOD_MODE, "published")
    checkpoint = fields.take("checkpointType", _CHECKPOINT, None)
    asked = fields.take("baseModels", coerce.names, ())
    if asked:
        check_base_models(fields, "baseModels", asked, tuple(dict.fromkeys((*BASE_MODELS, *base_models()))))
    return {
        "sort": ModelSort(sort),
        "period": Period(period),
        "period_filters": mode == "published",
        "types": fields.take("types", _TYPES, ()),
        "base_models": asked,
        # `Standard` is documented and was never a checkpoint type: it filters nothing (rest.md 20.18).
        "checkpoint_type": None if checkpoint == "Standard" else checkpoint,
        "availability": fields.take("availability", _AVAILABILITY, None),
        "status": fields.take("status", _STATUSES, ()),
        "file_formats": fields.take("fileFormats", _FORMATS, ()),
    }


def _flags(fields: Fields) -> dict[str, Any]:
    for key in ("needsReview", "pending"):
        fields.take(key, coerce.truthy, None)  # read and without effect: one's own unrated models are listed anyway
    return {
        "minor_only": fields.take("minorOnly", coerce.boolean, False),
        "poi_only": fields.take("poiOnly", coerce.boolean, False),
        "primary_file_only": fields.take("primaryFileOnly", coerce.boolean, False),
        "favorites": fields.take("favorites", coerce.boolean, False),
        "hidden": fields.take("hidden", coerce.boolean, False),
        "followed": fields.take("followed", coerce.truthy, False),
        "archived": fields.take("archived", coerce.truthy, False),
        "supports_generation": _only(fields, "supportsGeneration"),
        "from_platform": _only(fields, "fromPlatform"),
        "early_access": _only(fields, "earlyAccess"),
    }


def _only(fields: Fields, key: str) -> bool | None:
    """A flag that narrows when true; false asks for nothing (today's server cannot say `only without`)."""
    return fields.take(key, coerce.truthy, False) or None


def _licence(fields: Fields) -> dict[str, Any]:
    uses = fields.take("allowCommercialUse", coerce.names, ())
    if uses:
        uses = fields.take("allowCommercialUse", _USES, ())
    return {
        "allow_commercial_use": uses,
        "allow_no_credit": fields.take("allowNoCredit", coerce.boolean, None),
        "allow_derivatives": fields.take("allowDerivatives", coerce.boolean, None),
        "allow_different_license": fields.take("allowDifferentLicense", coerce.boolean, None),
    }


def _exclusions(fields: Fields) -> dict[str, Any]:
    fields.take("excludedImageIds", coerce.ids, ())
    return {
        "excluded_models": fields.take("excludedModelIds", coerce.ids, ()),
        "excluded_users": fields.take("excludedUserIds", coerce.ids, ()),
        "excluded_tags": fields.take("excludedTagIds", coerce.ids, ()),
        "hide_poi": fields.take("disablePoi", coerce.boolean, False),
        "hide_minor": fields.take("disableMinor", coerce.boolean, False),
    }
