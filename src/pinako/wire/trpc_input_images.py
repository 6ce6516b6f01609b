"""The inputs of the image feeds of tRPC (trpc.md 3) into an ImageQuery and how to show the page."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.queries import ImageQuery, ImageSort, Period
from pinako.errors import BadRequest
from pinako.wire import trpc_input as read
from pinako.wire.params_images import NOTHING
from pinako.wire.trpc_input import Input, broken

INCLUDES = ("tags", "count", "cosmetics", "report", "meta", "tagIds", "profilePictures", "metaSelect")

_ROWS = read.num(0, 200)
_SORT = read.word([*ImageSort])
_PERIOD = read.word([*Period])
_PERIOD_MODE = read.word(("stats", "published"))
_TYPES = read.many(read.word(enums.MEDIA_TYPES))
_PROCESSES = read.many(read.word(enums.GENERATION_PROCESSES))
_REACTIONS = read.many(read.word(enums.REACTIONS))
_INCLUDES = read.many(read.word(INCLUDES))
_MASK = read.num(0)


class ImagesInput(msgspec.Struct, frozen=True, kw_only=True):
    """`image.getInfinite` and `image.getImagesAsPostsInfinite`; for the latter the limit counts posts."""

    query: ImageQuery
    with_tags: bool = False
    with_meta: bool = False


def read_images(value: Any, *, as_posts: bool = False, default_sort: ImageSort = ImageSort.NEWEST) -> ImagesInput:
    """Read the input; ValidationError for what does not fit, BadRequest for a cursor with prioritised users.

    `default_sort`: the order where none is asked (trpc.md 11: one setting).
    `as_posts`: `hidden` then means another thing (what a gallery's owner hid) and filters nothing here.
    """
    given = Input(value)
    include = given.take("include", _INCLUDES, ("cosmetics",))
    query = ImageQuery(
        limit=given.take("limit", _ROWS, 0) or 100,
        cursor=given.take("cursor", read.cursor, None),
        skip=given.take("skip", read.num(0), 0),
        level=given.take("browsingLevel", _MASK, None) or None,
        **_time(given, default_sort),
        **_scope(given),
        **_narrowing(given),
        **_viewer_filters(given, as_posts=as_posts),
        has_meta="meta" in include or given.take("withMeta", read.flag, False),
    )
    with_tags = "tags" in include or given.take("withTags", read.flag, False)
    given.check()
    if query.collection_tag_id is not None and query.collection_id is None:
        raise broken("collectionTagId", "collectionTagId requires collectionId")
    if query.prioritized_users and query.cursor is not None:
        raise BadRequest("Cannot use cursor with prioritizedUserIds")
    return ImagesInput(query=query, with_tags=with_tags, with_meta="metaSelect" in include)


def _time(given: Input, default_sort: ImageSort) -> dict[str, Any]:
    return {
        "period": Period(given.take("period", _PERIOD, Period.ALL_TIME.value)),
        "period_filters": given.take("periodMode", _PERIOD_MODE, "published") == "published",
        "sort": _sort(given, default_sort),
    }


def _sort(given: Input, default_sort: ImageSort) -> ImageSort | None:
    """A post keeps its own order whatever is asked, a collection if nothing is."""
    asked = given.take("sort", _SORT, None)
    in_post = "postId" in given and "modelId" not in given
    if in_post or (asked is None and "collectionId" in given):
        return None
    return default_sort if asked is None else ImageSort(asked)


def _scope(given: Input) -> dict[str, Any]:
    version_id = given.take("modelVersionId", read.one_id, None)
    model_id = given.take("modelId", read.one_id, None)
    user_id = given.take("userId", read.one_id, None)
    name = given.take("username", read.username, None)
    post_id = given.take("postId", read.one_id, None)
    posts = given.take("postIds", read.id_list, ())
    return {
        "ids": _ids(given),
        "post_ids": posts if post_id is None else (post_id,),
        "model_id": None if version_id is not None else model_id,
        "version_id": version_id,
        "user_id": user_id,
        "username": None if user_id is not None else name,
        "collection_id": given.take("collectionId", read.one_id, None),
        "collection_tag_id": given.take("collectionTagId", read.one_id, None),
        "prioritized_users": given.take("prioritizedUserIds", read.id_list, ()),
    }


def _ids(given: Input) -> tuple[int, ...]:
    """Exact images; nothing at all for things that a library does not hold (reviews, 3D models, tools, techniques, a
    newcomers' board, images held back for want of metadata)."""
    image_id = given.take("imageId", read.one_id, None)
    found = given.take("ids", read.id_list, ())
    elsewhere = [given.take(key, read.one_id, None) for key in ("reviewId", "model3dId")]
    crafts = [given.take(key, read.id_list, ()) for key in ("tools", "techniques")]
    held = [given.take(key, read.flag, False) for key in ("newCreators", "requiringMeta")]
    if any(id is not None for id in elsewhere) or any(crafts) or any(held):
        return NOTHING
    return found if image_id is None else (image_id,)


def _narrowing(given: Input) -> dict[str, Any]:
    return {
        "types": given.take("types", _TYPES, ()),
        "any_tags": given.take("tags", read.id_list, ()),
        "excluded_tags": given.take("excludedTagIds", read.id_list, ()),
        "excluded_users": given.take("excludedUserIds", read.id_list, ()),
        "excluded_images": given.take("excludedImageIds", read.id_list, ()),
        "base_models": given.take("baseModels", read.names, ()),
        "on_site": given.take("fromPlatform", read.coerced_flag, False),
        "processes": given.take("generation", _PROCESSES, ()),
        "remix_of": given.take("remixOfId", read.one_id, None),
        "remixes": _remixes(given),
        "credited": given.take("hideAutoResources", read.flag, False),
        "minor_only": given.take("minorOnly", read.flag, False),
        "poi_only": given.take("poiOnly", read.flag, False),
        "hide_poi": given.take("disablePoi", read.flag, False),
        "hide_minor": given.take("disableMinor", read.flag, False),
    }


def _remixes(given: Input) -> bool | None:
    only, never = given.take("remixesOnly", read.flag, False), given.take("nonRemixesOnly", read.flag, False)
    return True if only else False if never else None


def _viewer_filters(given: Input, *, as_posts: bool) -> dict[str, Any]:
    hidden = given.take("hidden", read.flag, False)
    return {
        "hidden": hidden and not as_posts,
        "followed": given.take("followed", read.flag, False),
        "reactions": given.take("reactions", _REACTIONS, ()),
        "drafts": given.take("pending", read.flag, False) and not given.take("publishedOnly", read.flag, False),
        "unpublished": given.take("notPublished", read.flag, False),
        "scheduled": given.take("scheduled", read.coerced_flag, False),
        "in_review": given.take("pendingReviewOnly", read.flag, False),
    }
