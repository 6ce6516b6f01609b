"""What follows from a write, settled in the same transaction: flags, levels, counts, documents, the change log.

Writers only note what they touched. Here every derived column is computed again from rows, so it cannot drift, and a thing
that has become withheld leaves every index before anybody can ask (domain.md c 'Rollups', d 'OURS').
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import islice
from typing import Any, TypeVar

import msgspec

from pinako.catalog import levels, visibility
from pinako.catalog.images import Image, ImageSight, Post
from pinako.catalog.resources import Model, ModelVersion
from pinako.catalog.visibility import Standing
from pinako.feed import documents, gather
from pinako.services import resolve
from pinako.storage.database import Write
from pinako.storage.records import fetch, records, select_in

N = TypeVar("N", Image, Post)

CHUNK = 500


class Touched:
    """What one transaction changed, by kind. Counters that move alone go by `documents.recount` instead."""

    def __init__(self) -> None:
        self.users: set[int] = set()
        """People who are called or look otherwise now: everything of theirs says by whom it is."""
        self.images: set[int] = set()
        self.posts: set[int] = set()
        self.models: set[int] = set()
        self.versions: set[int] = set()
        self.collections: set[int] = set()
        self.claims: set[int] = set()
        """Images whose resources must be resolved again."""


def chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    """Ids in sorted runs that fit one statement."""
    rest = iter(sorted(ids))
    while run := list(islice(rest, CHUNK)):
        yield run


def settle(w: Write, touched: Touched, now: int) -> None:
    """Compute all that follows from what was touched. Call once, last, inside the writing transaction."""
    for run in chunks(touched.versions):
        touched.claims.update(resolve.wanting(w, run))
    for run in chunks(touched.claims):
        resolve.resolve(w, run)
    touched.images |= touched.claims
    for run in chunks(touched.models):
        touched.images.update(_images_of_flagged_models(w, run))
    _spread_posts(w, touched)
    images: dict[int, Image] = {}
    posts: dict[int, Post] = {}
    for run in chunks(touched.images):
        _remember(images, _settle_images(w, run, now))
        touched.posts.update(row[0] for row in w.by_ids(_POSTS_OF, run))
    for run in chunks(touched.posts):
        _remember(posts, _settle_posts(w, run, now))
        touched.versions.update(row[0] for row in w.by_ids(_CREDITED, run))
    _settle_resources(w, touched, now)
    for run in chunks(touched.collections):
        _settle_collections(w, run)
    _publish(w, touched, now, gather.Known(images, posts))


REMEMBERED = 2000
"""Rows that are not read again for their documents. There may be a million of them in one write."""


def _remember(all_of_them: dict[int, N], some: Iterable[N]) -> None:
    if len(all_of_them) < REMEMBERED:
        all_of_them.update((noun.id, noun) for noun in some)


_POSTS_OF = "SELECT DISTINCT post_id FROM images WHERE id IN (?*) AND post_id IS NOT NULL"
_CREDITED = "SELECT DISTINCT version_id FROM posts WHERE id IN (?*) AND version_id IS NOT NULL"


def _images_of_flagged_models(w: Write, model_ids: Sequence[int]) -> Iterator[int]:
    """Images that a model's minor or real-person flag reaches."""
    sql = (
        "SELECT DISTINCT r.image_id FROM models m JOIN model_versions v ON v.model_id = m.id "
        "JOIN image_resources r ON r.version_id = v.id WHERE m.id IN (?*) AND (m.minor = 1 OR m.poi = 1)"
    )
    return (row[0] for row in w.by_ids(sql, model_ids))


def _spread_posts(w: Write, touched: Touched) -> None:
    """A post's publication time is each of its images' (rest.md 20, row 38); those of a private post have none."""
    sql = (
        "SELECT i.id, i.published_at, CASE WHEN p.availability = 'Private' THEN NULL ELSE p.published_at END "
        "FROM images i JOIN posts p ON p.id = i.post_id WHERE p.id IN (?*)"
    )
    for run in chunks(touched.posts):
        touched.images.update(id for id, own, posts in w.by_ids(sql, run) if own != posts)


def _settle_images(w: Write, ids: Sequence[int], now: int) -> list[Image]:
    """Write what follows for these images; how they are now."""
    images = fetch(w, Image, ids)
    posts = fetch(w, Post, (image.post_id for image in images.values() if image.post_id is not None))
    tags: dict[int, set[int]] = defaultdict(set)
    for image_id, tag_id in w.by_ids(_TELLING_TAGS, ids):
        tags[image_id].add(tag_id)
    used: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in w.by_ids(_USED, ids):
        used[row[0]].append(row)
    changes = []
    for image in images.values():
        post = posts.get(image.post_id) if image.post_id is not None else None
        derived = _derive(image, post, tags.get(image.id, _NONE), used.get(image.id, []))
        if derived["withheld"] and not image.withheld and image.blob:
            w.upsert("purges", {"sha256": image.blob, "at": now}, key=("sha256",))
        changes.append((image.id, _changed(image, derived)))
    w.update_many("images", changes)
    return [_with(image, changed) for image, (_, changed) in zip(images.values(), changes, strict=True)]


def _changed(noun: msgspec.Struct, derived: dict[str, Any]) -> dict[str, Any]:
    """Those of the derived columns that hold something else now."""
    return {name: value for name, value in derived.items() if getattr(noun, name) != value}


def _with(noun: N, changed: dict[str, Any]) -> N:
    """The record of a row whose columns were given these values: truth values are numbers there."""
    given = {name: bool(value) if isinstance(getattr(noun, name), bool) else value for name, value in changed.items()}
    return msgspec.structs.replace(noun, **given) if given else noun


_NONE: frozenset[int] = frozenset()
_TELLING_TAGS = (
    "SELECT image_id, tag_id FROM image_tags WHERE disabled = 0 "
    f"AND tag_id IN ({', '.join(map(str, sorted(visibility.MINOR_TAGS | visibility.POI_TAGS)))}) AND image_id IN (?*)"
)
_USED = (
    "SELECT r.image_id, m.type, v.base_model, m.minor, m.poi FROM image_resources r "
    "JOIN model_versions v ON v.id = r.version_id JOIN models m ON m.id = v.model_id WHERE r.image_id IN (?*) "
    "ORDER BY r.image_id, r.detected DESC, r.version_id"
)


def _derive(image: Image, post: Post | None, tags: Set[int], used: list[tuple[Any, ...]]) -> dict[str, Any]:
    """The derived columns of one image. Flags only rise here: a moderator alone lowers one, with an audit row."""
    minor = image.minor or any(row[3] for row in used) or bool(tags & visibility.MINOR_TAGS)
    poi = image.poi or any(row[4] for row in used) or bool(tags & visibility.POI_TAGS)
    review = image.needs_review
    if minor and image.level == levels.PG13 and not image.acceptable_minor:
        review = review or "minor"
    bases = [row[2] for row in used if row[1] == "Checkpoint"] or [row[2] for row in used]
    # What is in a private post is as little published as what is in a draft (trpc.md 4.1).
    published = post.published_at if post is not None and post.availability != "Private" else None
    return {
        "minor": int(minor),
        "poi": int(poi),
        "needs_review": review,
        "withheld": int(
            visibility.is_withheld(minor=minor, level=image.level, needs_review=review, blocked_for=image.blocked_for)
        ),
        "base_model": bases[0] if bases else image.base_model,
        "published_at": published,
        "sort_at": published if published is not None else image.created_at,
    }


# As if the post were published: what an image tells about its post does not depend on that.
_MEMBERS = (
    f"SELECT {', '.join('0' if name == 'published_at' else name for name in ImageSight.__struct_fields__)} "
    "FROM images WHERE deleted_at IS NULL AND withheld = 0 AND post_id IN (?*)"
)


def _settle_posts(w: Write, ids: Sequence[int], now: int) -> list[Post]:
    """A post's level is the union of those of its images that anybody may meet; its count is of images that exist.

    How the posts are now.
    """
    found: dict[int | None, list[ImageSight]] = defaultdict(list)
    for image in records(ImageSight, w.by_ids(_MEMBERS, ids)):
        found[image.post_id].append(image)
    changes = []
    posts = fetch(w, Post, ids)
    for post in posts.values():
        alive = found.get(post.id, ())
        union = 0
        for image in alive:
            if not (image.minor or image.poi) and visibility.image_standing(image, now) is Standing.PUBLIC:
                union |= image.level
        at = post.published_at if post.published_at is not None else post.created_at
        changes.append((post.id, _changed(post, {"level": union, "image_count": len(alive), "sort_at": at})))
    w.update_many("posts", changes)
    return [_with(post, changed) for post, (_, changed) in zip(posts.values(), changes, strict=True)]


def _settle_resources(w: Write, touched: Touched, now: int) -> None:
    for run in chunks(touched.versions):
        _settle_versions(w, run)
        touched.models.update(
            row[0] for row in w.by_ids("SELECT DISTINCT model_id FROM model_versions WHERE id IN (?*)", run)
        )
    for run in chunks(touched.models):
        _settle_models(w, run, now)


_PREVIEW_LEVELS = (
    "SELECT p.version_id, i.level FROM posts p JOIN images i ON i.post_id = p.id "
    "JOIN model_versions v ON v.id = p.version_id JOIN models m ON m.id = v.model_id "
    "WHERE p.version_id IN (?*) AND i.user_id = m.user_id AND i.deleted_at IS NULL AND i.withheld = 0 "
    "AND i.needs_review IS NULL AND i.level NOT IN (0, 32)"
)


def _settle_versions(w: Write, ids: Sequence[int]) -> None:
    """A version's level is the union of its previews', where it has any and nobody upstream said (domain.md c)."""
    union: dict[int, int] = defaultdict(int)
    for version_id, level in w.by_ids(_PREVIEW_LEVELS, ids):
        union[version_id] |= level
    for version in fetch(w, ModelVersion, union).values():
        if not version.source and version.level != union[version.id]:
            w.update("model_versions", version.id, {"level": union[version.id]})


def _settle_models(w: Write, ids: Sequence[int], now: int) -> None:
    versions: dict[int, list[ModelVersion]] = defaultdict(list)
    for version in select_in(w, ModelVersion, "model_id", ids):
        versions[version.model_id].append(version)
    with_files = {row[0] for row in w.by_ids(_WITH_FILES, ids)}
    made: dict[int, int] = dict(w.by_ids(_IMAGES_MADE, ids))
    for model in fetch(w, Model, ids).values():
        derived = _derive_model(model, versions[model.id], with_files, now)
        if not model.source:
            derived["image_count"] = made.get(model.id, 0)
        if changed := _changed(model, derived):
            w.update("models", model.id, changed)


_WITH_FILES = (
    "SELECT DISTINCT f.version_id FROM model_files f JOIN model_versions v ON v.id = f.version_id "
    "WHERE v.model_id IN (?*)"
)
_IMAGES_MADE = (
    "SELECT v.model_id, COUNT(DISTINCT r.image_id) FROM model_versions v JOIN image_resources r ON r.version_id = v.id "
    "WHERE v.model_id IN (?*) GROUP BY v.model_id"
)


def _derive_model(model: Model, versions: Sequence[ModelVersion], with_files: set[int], now: int) -> dict[str, Any]:
    public = [v for v in versions if v.status == "Published" and v.availability != "Private"]
    listed = [v for v in public if v.id in with_files]
    level = model.level
    if not model.source:
        level = levels.NSFW if model.nsfw else 0
        for version in listed if not model.nsfw else ():
            level |= version.level
    newest = max((v.published_at for v in listed if v.published_at is not None), default=None)
    return {
        "level": level,
        "withheld": int(visibility.is_withheld(minor=model.minor, level=level)),
        "last_version_at": newest,
        "sort_at": newest if newest is not None else model.created_at,
    }


_ITEM_LEVELS = (
    "SELECT c.collection_id, COALESCE(i.level, p.level, m.level) FROM collection_items c "
    "LEFT JOIN images i ON c.entity_type = 'Image' AND i.id = c.entity_id AND i.withheld = 0 "
    "LEFT JOIN posts p ON c.entity_type = 'Post' AND p.id = c.entity_id "
    "LEFT JOIN models m ON c.entity_type = 'Model' AND m.id = c.entity_id AND m.withheld = 0 "
    "WHERE c.collection_id IN (?*) AND c.status = 'ACCEPTED'"
)


def _settle_collections(w: Write, ids: Sequence[int]) -> None:
    """Two buckets: 1 if any item has a safe bit, 28 if any has a mature one (domain.md c)."""
    union: dict[int, int] = dict.fromkeys(ids, 0)
    for collection_id, level in w.by_ids(_ITEM_LEVELS, ids):
        safe = levels.PG if (level or 0) & levels.SFW else 0
        mature = levels.MATURE_BITS if (level or 0) & levels.MATURE_BITS else 0
        union[collection_id] |= safe | mature
    for collection_id, level in union.items():
        w.run("UPDATE collections SET level = ? WHERE id = ? AND level <> ?", (level, collection_id, level))


def _things_of(w: Write, entity: str, user_ids: Iterable[int]) -> set[int]:
    """What is shown as somebody's."""
    sql = f"SELECT id FROM {documents.TABLE_OF[entity]} WHERE user_id IN (?*)"
    return {row[0] for row in w.by_ids(sql, list(user_ids))}


def _publish(w: Write, touched: Touched, now: int, known: gather.Known) -> None:
    """Make the documents anew and tell every process."""
    for entity, ids in (("image", touched.images), ("post", touched.posts), ("model", touched.models)):
        for run in chunks(ids | _things_of(w, entity, touched.users)):
            documents.remake(w, entity, run, now, known)
            for id in run:
                w.note(entity, id, "u")
    for id in sorted(touched.collections):
        w.note("collection", id, "u")
