"""Items of tRPC lists: fragments joined with counts, the caller's reactions, and the images of posts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from pinako.catalog.collections import CollectionItem
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort, PostQuery
from pinako.services import browse, collections
from pinako.services.browse import Listed
from pinako.services.library import Library
from pinako.wire import fragments, trpc_images, trpc_models, trpc_posts
from pinako.wire.trpc import Item
from pinako.wire.trpc_input_images import ImagesInput

POST_IMAGES = 8
"""Images of a post in lists (trpc.md 5.1); `imageCount` says how many there are."""
MOST_IMAGES = 200
NO_STANDING: Mapping[int, str] = {}
BY_TIME = (ImageSort.NEWEST, ImageSort.OLDEST)


def images(
    library: Library,
    ids: Sequence[int],
    viewer: Viewer,
    *,
    meta: bool = False,
    tags: bool = False,
    collection_id: int | None = None,
) -> list[Item]:
    """The items of these images, in their order. `collection_id`: say how each stands in this collection."""
    standing = {} if collection_id is None else collections.standings(library, collection_id, "Image", ids)
    return list(images_by_id(library, ids, viewer, meta=meta, tags=tags, standing=standing).values())


def images_by_id(
    library: Library,
    ids: Sequence[int],
    viewer: Viewer,
    *,
    meta: bool = False,
    tags: bool = False,
    standing: Mapping[int, str] = NO_STANDING,
) -> dict[int, Item]:
    """The same by id; `standing` is how each stands in a collection."""
    own = _own_reactions(library, ids, viewer)
    votes = _own_votes(library, ids, viewer) if tags else {}
    shown = library.feeds.documents.metas(ids, viewer.user_id) if meta else {}
    return {
        one.id: trpc_images.join_image(
            one.parts,
            one.counts,
            reactions=own.get(one.id, b""),
            meta=shown.get(one.id),
            tags=tags,
            votes=votes.get(one.id, trpc_images.NO_VOTES),
            standing=standing.get(one.id, ""),
        )
        for one in library.feeds.documents.fetch("image_trpc", ids)
    }


def _own_reactions(library: Library, ids: Sequence[int], viewer: Viewer) -> dict[int, bytes]:
    if viewer.user_id is None or not ids:
        return {}
    sql = "SELECT entity_id, reaction FROM reactions WHERE user_id = ? AND entity_type = 'image' AND entity_id IN (?*)"
    words: dict[int, list[str]] = defaultdict(list)
    for id, word in library.database.read().by_ids(sql, ids, (viewer.user_id,)):
        words[id].append(word)
    return {id: trpc_images.reactions_text(viewer.user_id, tuple(sorted(found))) for id, found in words.items()}


def _own_votes(library: Library, ids: Sequence[int], viewer: Viewer) -> dict[int, dict[int, int]]:
    """The caller's votes on the tags of these images, 1 or -1, by image and tag."""
    if viewer.user_id is None or not ids:
        return {}
    sql = "SELECT image_id, tag_id, vote FROM image_tag_votes WHERE user_id = ? AND image_id IN (?*) AND vote <> 0"
    votes: dict[int, dict[int, int]] = defaultdict(dict)
    for id, tag_id, vote in library.database.read().by_ids(sql, ids, (viewer.user_id,)):
        votes[id][tag_id] = 1 if vote > 0 else -1
    return votes


def posts_by_id(library: Library, page: Listed, query: PostQuery, viewer: Viewer) -> dict[int, Item]:
    """The items of a page of posts in its order, each with the images that the caller may see."""
    seen = browse.visible_post_images(
        library,
        page.ids,
        viewer,
        page.mask,
        hide_minor=query.hide_minor,
        hide_poi=query.hide_poi,
        pending=query.drafts or query.unpublished or query.scheduled,
    )
    wanted = [id for found in seen.values() for id in found[:POST_IMAGES]]
    items = images_by_id(library, wanted, viewer)
    return {
        one.id: trpc_posts.join_post(
            one.parts,
            one.id,
            one.counts,
            len(seen.get(one.id, ())),
            [items[id] for id in seen.get(one.id, ())[:POST_IMAGES] if id in items],
        )
        for one in library.feeds.documents.fetch("post_trpc", page.ids)
    }


def models_by_id(library: Library, page: Listed, *, public_only: bool = False) -> dict[int, Item]:
    """The items of a page of models, cut to the caller: versions by the predicate and the query, images by the mask."""
    now, viewer = library.now(), page.viewer
    sight = fragments.sight_of(page.mask, page.mask, moderator=viewer.moderator, owner=False)
    return {
        one.id: item
        for one in library.feeds.documents.fetch("model_trpc", page.ids)
        if (item := trpc_models.join_model(one.parts, sight=sight, now=now, viewer=viewer, public_only=public_only))[0]
    }


def held_things(library: Library, rows: Sequence[CollectionItem], viewer: Viewer) -> list[tuple[CollectionItem, Item]]:
    """Rows of a collection, each with its thing as the lists of its kind have it."""
    ids = {kind: [row.entity_id for row in rows if row.entity_type == kind] for kind in ("Image", "Post", "Model")}
    page = {kind: Listed(ids=ids[kind], next_cursor=None, viewer=viewer, mask=viewer.cap) for kind in ("Post", "Model")}
    standing = {row.entity_id: row.status for row in rows if row.entity_type == "Image"}
    things = {
        "Image": images_by_id(library, ids["Image"], viewer, standing=standing),
        "Post": posts_by_id(library, page["Post"], PostQuery(), viewer),
        "Model": models_by_id(library, page["Model"]),
    }
    return [(row, item) for row in rows if (item := things[row.entity_type].get(row.entity_id)) is not None]


def gallery_posts(library: Library, given: ImagesInput, viewer: Viewer) -> tuple[list[Item], str | None, Listed]:
    """`image.getImagesAsPostsInfinite`: the image feed grouped by post, `limit` counting posts.

    Images are read in rounds until there are enough posts or the feed ends, so a page may hold a few more (trpc.md 4.4).
    By time each post is in one page, with all its images. By other sorts images of one post that follow in a later round
    are in a later page: grouping never drops one.
    """
    grouped: dict[int, list[int]] = {}
    page = _rounds(library, given.query, viewer, grouped)
    ids = [id for found in grouped.values() for id in found]
    items = images_by_id(library, ids, viewer, tags=given.with_tags)
    levels: dict[int, int] = (
        dict(library.database.read().by_ids("SELECT id, level FROM images WHERE id IN (?*)", ids)) if ids else {}
    )
    joined = []
    for one in library.feeds.documents.fetch("post_trpc", list(grouped)):
        inside = [id for id in grouped[one.id] if id in items]
        union = 0
        for id in inside:
            union |= levels.get(id, 0)
        joined.append(trpc_posts.join_gallery_post(one.parts, union, [items[id] for id in inside]))
    return joined, page.next_cursor, page


def _rounds(library: Library, query: ImageQuery, viewer: Viewer, grouped: dict[int, list[int]]) -> Listed:
    wanted = query.limit
    query = msgspec.structs.replace(query, limit=min(MOST_IMAGES, 2 * max(wanted, 1)))
    while True:
        page = browse.images(library, query, viewer)
        found = _posts_of(library, page.ids)
        for id, post_id in found:
            grouped.setdefault(post_id, []).append(id)
        whole = query.sort in BY_TIME
        if page.next_cursor is None or len(grouped) - whole >= wanted:
            return _without_the_last(library, query, viewer, grouped, found, page) if whole else page
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


def _without_the_last(
    library: Library,
    query: ImageQuery,
    viewer: Viewer,
    grouped: dict[int, list[int]],
    found: list[tuple[int, int]],
    page: Listed,
) -> Listed:
    """By time the images of a post stand together: the last post is left to the next page whole, so that none is in two."""
    if page.next_cursor is None or not found:
        return page
    last = found[-1][1]
    images = [id for id, post_id in found if post_id == last]
    first = images[0]
    if grouped[last] != images or images != [id for id, _ in found[-len(images) :]]:
        return page  # posts of the same millisecond that stand in one another
    del grouped[last]
    if first == page.ids[0]:
        return msgspec.structs.replace(page, next_cursor=query.cursor)
    return browse.images(library, msgspec.structs.replace(query, limit=page.ids.index(first)), viewer)


def _posts_of(library: Library, ids: Sequence[int]) -> list[tuple[int, int]]:
    """(image, post) in the order of the images; those without a post are left out."""
    rows = library.database.read().by_ids("SELECT id, post_id FROM images WHERE id IN (?*)", ids) if ids else []
    found = {id: post_id for id, post_id in rows if post_id is not None}
    return [(id, found[id]) for id in ids if id in found]
