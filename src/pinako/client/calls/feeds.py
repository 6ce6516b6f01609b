"""The tRPC lists: images, posts, models, collections (trpc.md 3-6, 8.3). Limit, sort, period and level are always sent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from pinako.catalog import levels
from pinako.client.asks import Call
from pinako.client.calls.trpc import query as ask_query
from pinako.client.paging import Listed, Mark, Page, cursor_mark
from pinako.client.reading import Record, read_records
from pinako.client.records.images import Image, Post, PostOfImages
from pinako.client.records.models import Model
from pinako.client.records.people import Collection, CollectionItem, Tag

R = TypeVar("R", bound=Record)


ALL_REACTIONS = ("Like", "Dislike", "Laugh", "Cry", "Heart")
_FEED_INCLUDES = ("cosmetics",)


def image_feed(
    *,
    limit: int = 100,
    sort: str = "Newest",
    period: str = "AllTime",
    level: int = levels.ALL,
    types: Iterable[str] = (),
    ids: Iterable[int] = (),
    image_id: int | None = None,
    post_id: int | None = None,
    collection_id: int | None = None,
    model_id: int | None = None,
    version_id: int | None = None,
    user_id: int | None = None,
    username: str | None = None,
    tags: Iterable[int] = (),
    excluded_tags: Iterable[int] = (),
    excluded_users: Iterable[int] = (),
    base_models: Iterable[str] = (),
    reactions: Iterable[str] = (),
    followed: bool = False,
    hidden: bool = False,
    pending: bool = False,
    on_site: bool = False,
    with_tags: bool = False,
    with_meta: bool = False,
    hide_minor: bool = False,
    hide_poi: bool = False,
    prioritized_users: Iterable[int] = (),
    more: Mapping[str, Any] | None = None,
) -> Listed[Image]:
    """`image.getInfinite` (trpc.md 4.2). `with_meta` fills `meta`, which some hosts nest; it never filters.

    `reactions` are ignored by hosts where nobody is logged in. Errors: UpstreamNotFound for an unknown user,
    UpstreamUnauthorized for `hidden` without a login, UpstreamBusy.
    """
    include = [*_FEED_INCLUDES, *(["tags"] if with_tags else []), *(["metaSelect"] if with_meta else [])]
    wanted_tags = frozenset(tags)
    values = _given(
        limit=limit,
        sort=sort,
        period=period,
        browsingLevel=level,
        include=include,
        types=types,
        ids=ids,
        imageId=image_id,
        postId=post_id,
        collectionId=collection_id,
        modelId=model_id,
        modelVersionId=version_id,
        userId=user_id,
        username=username,
        tags=wanted_tags,
        excludedTagIds=excluded_tags,
        excludedUserIds=excluded_users,
        baseModels=base_models,
        reactions=reactions,
        followed=followed or None,
        hidden=hidden or None,
        pending=pending or None,
        fromPlatform=on_site or None,
        disableMinor=hide_minor or None,
        disablePoi=hide_poi or None,
        prioritizedUserIds=prioritized_users,
        **(more or {}),
    )
    return Listed(
        page=_pages("image.getInfinite", values, Image),
        key=_id_of,
        fits=_image_fits(image_id, post_id, username, user_id, wanted_tags, version_id),
        what="image feed",
    )


def posts_of_images(
    *,
    limit: int = 50,
    sort: str = "Newest",
    period: str = "AllTime",
    level: int = levels.ALL,
    model_id: int | None = None,
    version_id: int | None = None,
    username: str | None = None,
    tags: Iterable[int] = (),
    excluded_tags: Iterable[int] = (),
    more: Mapping[str, Any] | None = None,
) -> Listed[PostOfImages]:
    """`image.getImagesAsPostsInfinite` (trpc.md 4.4): a model's gallery by post. A page may hold more than `limit`."""
    values = _given(
        limit=limit,
        sort=sort,
        period=period,
        browsingLevel=level,
        modelId=model_id,
        modelVersionId=version_id,
        username=username,
        tags=tags,
        excludedTagIds=excluded_tags,
        hidden=False,
        **(more or {}),
    )
    pages = _pages("image.getImagesAsPostsInfinite", values, PostOfImages)
    return Listed(page=pages, key=lambda row: row.post_id, what="gallery")


def post_feed(
    *,
    limit: int = 100,
    sort: str = "Newest",
    period: str = "AllTime",
    level: int = levels.ALL,
    username: str | None = None,
    query: str | None = None,
    ids: Iterable[int] = (),
    tags: Iterable[int] = (),
    version_id: int | None = None,
    collection_id: int | None = None,
    followed: bool = False,
    drafts: bool = False,
    pending: bool = False,
    more: Mapping[str, Any] | None = None,
) -> Listed[Post]:
    """`post.getInfinite` (trpc.md 5.1).

    Errors: UpstreamNonsense where the host dropped an unknown `username` and answered with everybody's posts.
    """
    values = _given(
        limit=limit,
        sort=sort,
        period=period,
        browsingLevel=level,
        username=username,
        query=query,
        ids=ids,
        tags=tags,
        modelVersionId=version_id,
        collectionId=collection_id,
        followed=followed or None,
        draftOnly=drafts or None,
        pending=pending or None,
        include=_FEED_INCLUDES,
        **(more or {}),
    )
    name = username.casefold() if username else ""

    def fits(post: Post) -> bool:
        return post.user is None or (post.user.username or name).casefold() == name

    pages = _pages("post.getInfinite", values, Post)
    return Listed(page=pages, key=_id_of, fits=fits if username else None, what="post feed")


def model_feed(
    *,
    limit: int = 100,
    sort: str = "Newest",
    period: str = "AllTime",
    level: int = levels.ALL,
    query: str | None = None,
    ids: Iterable[int] = (),
    tag: str | None = None,
    username: str | None = None,
    types: Iterable[str] = (),
    base_models: Iterable[str] = (),
    collection_id: int | None = None,
    favorites: bool = False,
    hidden: bool = False,
    followed: bool = False,
    archived: bool = False,
    more: Mapping[str, Any] | None = None,
) -> Listed[Model]:
    """`model.getAll` (trpc.md 8.3): short rows; ask `model_details` for the whole. At most 100 a page on every host.

    Errors: UpstreamNotFound for an unknown user, UpstreamBusy where the search is overloaded.
    """
    values = _given(
        limit=limit,
        sort=sort,
        period=period,
        browsingLevel=level,
        query=query,
        ids=ids,
        tag=tag,
        username=username,
        types=types,
        baseModels=base_models,
        collectionId=collection_id,
        favorites=favorites or None,
        hidden=hidden or None,
        followed=followed or None,
        archived=archived or None,
        **(more or {}),
    )
    name = username.casefold() if username else ""

    def fits(model: Model) -> bool:
        return model.creator is None or (model.creator.username or name).casefold() == name

    pages = _pages("model.getAll", values, Model)
    return Listed(page=pages, key=_id_of, fits=fits if username else None, what="model feed")


def collection_feed(
    *,
    limit: int = 100,
    sort: str = "Newest",
    query: str | None = None,
    user_id: int | None = None,
    ids: Iterable[int] = (),
    types: Iterable[str] = (),
    level: int = levels.ALL,
    more: Mapping[str, Any] | None = None,
) -> Listed[Collection]:
    """`collection.getInfinite` (trpc.md 6.4): public collections, whoever asks."""
    values = _given(
        limit=limit,
        sort=sort,
        query=query,
        userId=user_id,
        ids=ids,
        types=types,
        browsingLevel=level,
        **(more or {}),
    )

    def fits(row: Collection) -> bool:
        return row.user_id in {None, user_id}

    pages = _pages("collection.getInfinite", values, Collection)
    return Listed(page=pages, key=_id_of, fits=fits if user_id is not None else None, what="collection feed")


def collection_items(
    collection_id: int, *, limit: int = 100, sort: str = "Newest", level: int = levels.ALL
) -> Listed[Image]:
    """Every image of a collection, to the end: `image.getInfinite` as the seeds ask it.

    Collections of posts and models are read with `post_feed` and `model_feed`. Without read access hosts answer with an
    empty list and no error; `collection()` tells the two apart.
    """
    return image_feed(collection_id=collection_id, limit=limit, sort=sort, level=level)


def mixed_collection_items(collection_id: int, *, limit: int = 100) -> Listed[CollectionItem]:
    """`collection.getAllCollectionItems` (trpc.md 6.4): rows of any kind. Errors: UpstreamUnauthorized without a login."""
    values = _given(collectionId=collection_id, limit=min(limit, 100))
    pages = _pages("collection.getAllCollectionItems", values, CollectionItem, rows="collectionItems")
    return Listed(page=pages, key=_id_of, what="collection")


def tag_feed(
    *, limit: int = 100, query: str | None = None, entity: str = "Model", more: Mapping[str, Any] | None = None
) -> Listed[Tag]:
    """`tag.getAll`: tags with ids. This list alone is paged by number; a page's mark is the number of the next."""
    values = _given(limit=limit, query=query, entityType=[entity], **(more or {}))
    return Listed(page=lambda mark: _tag_page(values, mark, limit), key=lambda row: row.id or row.name, what="tag feed")


def _tag_page(values: Mapping[str, Any], mark: Mark | None, limit: int) -> Call[Page[Tag]]:
    number = int(mark) if mark is not None else 1
    body = yield from ask_query("tag.getAll", {**values, "page": number})
    body = body if isinstance(body, dict) else {"items": body}
    found = read_records(Tag, body.get("items") or [], call="tag.getAll")
    pages = body.get("totalPages")
    more = number < pages if isinstance(pages, int) and pages else 0 < limit <= len(found)
    return Page(items=tuple(found), cursor=number + 1 if more else None)


def _pages(
    procedure: str, values: Mapping[str, Any], kind: type[R], *, rows: str = "items"
) -> Callable[[Mark | None], Call[Page[R]]]:
    def page(mark: Mark | None) -> Call[Page[R]]:
        asked = {**values, "cursor": mark} if mark is not None else values
        body = yield from ask_query(procedure, asked)
        if not isinstance(body, dict):
            return Page(items=tuple(read_records(kind, body or [], call=procedure)), call=procedure)
        found = read_records(kind, body.get(rows) or [], call=procedure)
        return Page(items=tuple(found), cursor=cursor_mark(body.get("nextCursor")), call=procedure)

    return page


def _given(**values: Any) -> dict[str, Any]:
    """The input without what was not asked. Empty lists are left out: to some hosts they mean `none`."""
    given = {}
    for name, value in values.items():
        plain = list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else value
        if plain is not None and plain != [] and plain != "":
            given[name] = plain
    return given


def _id_of(row: Image | Post | Model | Collection | CollectionItem) -> Hashable:
    return row.id


def _image_fits(
    image_id: int | None,
    post_id: int | None,
    username: str | None,
    user_id: int | None,
    tags: frozenset[int],
    version_id: int | None,
) -> Callable[[Image], bool] | None:
    """What a row must show, as far as it shows anything: rows without a post or user say nothing against the filter."""
    name = username.casefold() if username else None
    if not (tags or name) and image_id is post_id is user_id is version_id is None:
        return None

    def fits(image: Image) -> bool:
        owner = image.user.id if image.user else image.user_id
        return (
            (image_id is None or image.id == image_id)
            and (post_id is None or image.post_id in {None, post_id})
            and (name is None or (image.author or name).casefold() == name)
            and (user_id is None or owner in {None, user_id})
            and (not tags or has_one_of(image, tags))
            and (version_id is None or shows_one_of(image, frozenset({version_id})))
        )

    return fits


def has_one_of(image: Image, tags: frozenset[int]) -> bool:
    """Whether an image has one of these tags, as far as its row shows any."""
    shown = {*image.tag_ids, *(tag.id for tag in image.tags)}
    return not shown or not tags.isdisjoint(shown)


def shows_one_of(image: Image, versions: frozenset[int]) -> bool:
    """Whether an image names one of these versions; rows that do not list what made the image say nothing against it."""
    listed = {*image.model_version_ids, *image.model_version_ids_manual}
    return not listed or image.model_version_id in versions or not versions.isdisjoint(listed)
