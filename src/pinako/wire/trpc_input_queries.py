"""The inputs of the other tRPC queries, and of the one mutation of the spine, into query records (trpc.md 5 to 9)."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.queries import (
    CollectionQuery,
    CollectionSort,
    ContentsQuery,
    ModelQuery,
    ModelSort,
    OwnCollectionsQuery,
    Period,
    PostQuery,
    PostSort,
    TagQuery,
    TagSort,
    plain_models,
)
from pinako.errors import BadRequest
from pinako.wire import coerce, issues
from pinako.wire import trpc_input as read
from pinako.wire.params_images import NOTHING
from pinako.wire.trpc_input import Input

_ROWS = read.coerced_num(0, 200)
_CONTENTS = read.coerced_num(0, 100)
_PERIOD = read.word([*Period])
_PERIOD_MODE = read.word(("stats", "published"))
_MASK = read.num(0)
_POST_SORT = read.word([*PostSort])
_MODEL_SORT = read.word([*ModelSort])
_COLLECTION_SORT = read.word([*CollectionSort])
_TAG_SORT = read.word([*TagSort])
_TYPES = read.one_or_many(read.word(enums.MODEL_TYPES))
_STATUSES = read.one_or_many(read.word(enums.MODEL_STATUSES))
_FORMATS = read.one_or_many(read.word(enums.FILE_FORMATS))
_USES = read.one_or_many(read.word(enums.COMMERCIAL_USES))
_CHECKPOINT = read.word((*enums.CHECKPOINT_TYPES, "Standard"))
_AVAILABILITY = read.word(enums.AVAILABILITIES)
_PERMISSION = read.word(enums.CONTRIBUTOR_PERMISSIONS)
_COLLECTION_TYPE = read.word(enums.COLLECTION_TYPES)
_ITEM_STATUSES = read.many(read.word(enums.COLLECTION_ITEM_STATUSES))
_READS = read.many(read.word(enums.COLLECTION_READS))
_ENTITIES = read.one_or_many(read.word(enums.TAG_TARGETS))


class VotableTagsInput(msgspec.Struct, frozen=True, kw_only=True):
    """`tag.getVotableTags`: the tags of one image or model. `take` is only for images."""

    kind: str
    id: int
    take: int = 100


class CreatorInput(msgspec.Struct, frozen=True, kw_only=True):
    """`user.getCreator`: by name (lower-cased) or id, at least one of them."""

    username: str | None = None
    id: int | None = None


def read_posts(value: Any) -> PostQuery:
    """`post.getInfinite`. Newest where no sort is asked; a collection keeps its own order then (trpc.md 11)."""
    given = Input(value)
    limit = given.take("limit", _ROWS, 0) or 100
    collection_id = given.take("collectionId", read.one_id, None)
    sort = given.take("sort", _POST_SORT, None)
    default = PostSort.NEWEST if collection_id is None else None
    given.take("excludedImageIds", read.id_list, ())
    given.take("periodMode", _PERIOD_MODE, "published")  # accepted and without effect, as upstream
    query = PostQuery(
        limit=limit,
        sort=default if sort is None else PostSort(sort),
        period=Period(given.take("period", _PERIOD, Period.ALL_TIME.value)),
        cursor=given.take("cursor", read.cursor, None),
        level=given.take("browsingLevel", _MASK, None) or None,
        username=coerce.slug(given.take("username", read.said, None)),
        text=given.take("query", read.said, None),
        any_tags=given.take("tags", read.id_list, ()),
        version_id=given.take("modelVersionId", read.one_id, None),
        collection_id=collection_id,
        ids=given.take("ids", read.id_list, ()),
        followed=given.take("followed", read.flag, False),
        excluded_tags=given.take("excludedTagIds", read.id_list, ()),
        excluded_users=given.take("excludedUserIds", read.id_list, ()),
        hide_poi=given.take("disablePoi", read.flag, False),
        hide_minor=given.take("disableMinor", read.flag, False),
        drafts=given.take("pending", read.flag, False),
        unpublished=given.take("draftOnly", read.flag, False),
        scheduled=given.take("scheduled", read.coerced_flag, False),
    )
    given.check()
    return query


def read_models(value: Any) -> ModelQuery:
    """`model.getAll`. A `page` is refused: this list walks by cursor. A collection keeps its own order where none is asked."""
    given = Input(value)
    if "page" in given:
        given.refuse("page", issues.wrong_type("never", issues.kind_of(given.members["page"])))
    checkpoint = given.take("checkpointType", _CHECKPOINT, None)
    query = ModelQuery(
        limit=given.take("limit", _ROWS, 0) or 100,
        cursor=given.take("cursor", read.cursor, None),
        sort=_model_sort(given),
        period=Period(given.take("period", _PERIOD, Period.ALL_TIME.value)),
        period_filters=given.take("periodMode", _PERIOD_MODE, "published") == "published",
        level=given.take("browsingLevel", _MASK, None) or None,
        checkpoint_type=None if checkpoint == "Standard" else checkpoint,
        **_model_scope(given),
        **_model_flags(given),
        **_model_lists(given),
    )
    given.check()
    return plain_models(query)


def _model_sort(given: Input) -> ModelSort | None:
    asked = given.take("sort", _MODEL_SORT, None)
    if asked is None:
        return None if "collectionId" in given else ModelSort.HIGHEST_RATED
    return ModelSort(asked)


def _model_scope(given: Input) -> dict[str, Any]:
    name = coerce.slug(given.take("username", read.said, None))
    user = given.take("user", read.said, None)
    tag = given.take("tag", read.said, None)
    return {
        "text": given.take("query", read.said, None),
        "tag": given.take("tagname", read.said, None) or tag,
        "username": name or user,
        "ids": _model_ids(given),
        "version_ids": given.take("modelVersionIds", read.ids_or_text, ()),
        "collection_id": given.take("collectionId", read.one_id, None),
        "collection_tag_id": given.take("collectionTagId", read.one_id, None),
        "availability": given.take("availability", _AVAILABILITY, None),
    }


def _model_ids(given: Input) -> tuple[int, ...]:
    """Exact models; nothing at all where only featured ones or those of a newcomers' board are asked for: there are none."""
    ids = given.take("ids", read.ids_or_text, ())
    boards = [given.take(key, read.coerced_flag, False) for key in ("isFeatured", "newCreators")]
    return NOTHING if any(boards) else ids


def _model_flags(given: Input) -> dict[str, Any]:
    def on(key: str) -> bool:
        return given.take(key, read.coerced_flag, False)

    return {
        "favorites": on("favorites"),
        "hidden": on("hidden"),
        "followed": on("followed"),
        "archived": on("archived"),
        "early_access": on("earlyAccess") or None,
        "supports_generation": on("supportsGeneration") or None,
        "from_platform": on("fromPlatform") or None,
        "allow_no_credit": given.take("allowNoCredit", read.flag, None),
        "allow_derivatives": given.take("allowDerivatives", read.flag, None),
        "allow_different_license": given.take("allowDifferentLicense", read.flag, None),
        "minor_only": given.take("minorOnly", read.flag, False),
        "poi_only": given.take("poiOnly", read.flag, False),
        "hide_poi": given.take("disablePoi", read.flag, False),
        "hide_minor": given.take("disableMinor", read.flag, False),
    }


def _model_lists(given: Input) -> dict[str, Any]:
    return {
        "types": given.take("types", _TYPES, ()),
        "status": given.take("status", _STATUSES, ()),
        "base_models": given.take("baseModels", read.names, ()),
        "file_formats": given.take("fileFormats", _FORMATS, ()),
        "allow_commercial_use": given.take("allowCommercialUse", _USES, ()),
        "excluded_tags": given.take("excludedTagIds", read.id_list, ()),
        "excluded_users": given.take("excludedUserIds", read.id_list, ()),
        "excluded_models": given.take("excludedModelIds", read.id_list, ()),
    }


def read_collections(value: Any) -> CollectionQuery:
    """`collection.getInfinite`: public collections; `privacy` and `modes` widen nothing here."""
    given = Input(value)
    given.take("privacy", _READS, ())
    query = CollectionQuery(
        limit=given.take("limit", _ROWS, 0) or 20,
        cursor=given.take("cursor", read.cursor, None),
        sort=CollectionSort(given.take("sort", _COLLECTION_SORT, CollectionSort.NEWEST.value)),
        user_id=given.take("userId", read.one_id, None),
        text=given.take("query", read.text(100), None) or None,
        types=given.take("types", read.many(_COLLECTION_TYPE), ()),
        ids=given.take("ids", read.ids_or_text, ()),
        level=given.take("browsingLevel", _MASK, None) or None,
    )
    given.check()
    return query


def read_own_collections(value: Any) -> OwnCollectionsQuery:
    """`collection.getAllUser`; an empty input does."""
    given = Input(value)
    one = given.take("permission", _PERMISSION, None)
    several = given.take("permissions", read.many(_PERMISSION), ())
    query = OwnCollectionsQuery(
        contributing_only=given.take("contributingOnly", read.flag, True),
        permissions=tuple(dict.fromkeys((*(() if one is None else (one,)), *several))),
        type=given.take("type", _COLLECTION_TYPE, None),
    )
    given.check()
    return query


def read_contents(value: Any) -> ContentsQuery:
    """`collection.getAllCollectionItems`: at most 100 rows; accepted ones where no status is named."""
    given = Input(value, optional=False)
    query = ContentsQuery(
        collection_id=given.need("collectionId", read.one_id, 0, "number"),
        limit=given.take("limit", _CONTENTS, 0) or 50,
        cursor=given.take("cursor", read.cursor, None),
        statuses=given.take("statuses", _ITEM_STATUSES, ()) or ("ACCEPTED",),
    )
    given.check()
    return query


def read_tags(value: Any) -> TagQuery:
    """`tag.getAll`: paged by number. `entityType` says on which things the tags must be. Counts are sent unasked."""
    given = Input(value)
    entities = given.take("entityType", _ENTITIES, ())
    query = TagQuery(
        limit=given.take("limit", _ROWS, 0) or 20,
        page=max(given.take("page", read.coerced_num(0), 1), 1),
        text=given.take("query", read.said, None),
        sort=TagSort(given.take("sort", _TAG_SORT, TagSort.MOST_MODELS.value)),
        entity=entities[0] if entities else "Model",
        categories=given.take("categories", read.flag, None),
        level=given.take("nsfwLevel", _MASK, None) or None,
    )
    given.take("withModels", read.flag, False)
    given.check()
    return query


def read_votable_tags(value: Any) -> VotableTagsInput:
    """`tag.getVotableTags`: `type` and `id` are both needed."""
    given = Input(value, optional=False)
    found = VotableTagsInput(
        kind=given.need("type", read.word(("image", "model")), "image", "string"),
        id=given.need("id", read.one_id, 0, "number"),
        take=given.take("take", read.num(0, 1000), 100),
    )
    given.check()
    return found


def read_creator(value: Any) -> CreatorInput:
    """`user.getCreator`; BadRequest where neither name nor id is given."""
    given = Input(value)
    name = given.take("username", read.username, None)
    found = CreatorInput(username=name.lower() if name else None, id=given.take("id", read.one_id, None))
    given.check()
    if found.username is None and found.id is None:
        raise BadRequest("Must provide username or id")
    return found


def read_follow(value: Any) -> int:
    """`user.toggleFollow`: the user to follow or to follow no more."""
    given = Input(value, optional=False)
    target = given.need("targetUserId", read.one_id, 0, "number")
    given.take("username", read.any_text, None)
    given.check()
    return target


def read_image(value: Any) -> tuple[int, bool]:
    """`image.get`: the id, and whether to leave the post aside."""
    given = Input(value, optional=False)
    id, without_post = given.need("id", read.num(), 0, "number"), given.take("withoutPost", read.flag, False)
    given.check()
    return id, without_post


read_id = read.read_id
"""`image.getGenerationData`, `post.get`, `collection.getById`, `tag.getById`, `model.getById`,
`modelVersion.getById`, `user.getById`: one id; the few other members of theirs change nothing here."""
