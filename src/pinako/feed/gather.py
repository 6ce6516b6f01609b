"""Rows into full nouns: everything that a fragment or a by-id answer says, in a fixed number of queries for any number of ids.

Nothing here looks at who is asking. What a viewer may see is decided on joining (previews, covers, images of a post carry
their level) or by the service that asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pinako.catalog.images import FullImage, FullPost, Image, Post, UsedVersion
from pinako.catalog.people import User
from pinako.catalog.resources import FileHash, FullFile, FullModel, FullVersion, Model, ModelFile, ModelVersion
from pinako.catalog.tags import Tag, TagScore, score_of
from pinako.catalog.visibility import Standing, image_standing
from pinako.storage.records import columns, fetch, record, select_in
from pinako.storage.scopes import Statements

PREVIEWS = 20
"""Most preview images of a version (rest.md 8.2)."""
POST_IMAGES = 8
UNKNOWN_USER = User(id=-1)


class Known(NamedTuple):
    """Rows that the caller has read or written already, as they are now, by id. What is not among them is read."""

    images: Mapping[int, Image] = {}
    posts: Mapping[int, Post] = {}

    def images_of(self, read: Statements, ids: Iterable[int]) -> dict[int, Image]:
        """Images by id; missing ones are left out."""
        wanted = dict.fromkeys(ids)
        here = {id: self.images[id] for id in wanted if id in self.images}
        return here | fetch(read, Image, wanted.keys() - here.keys())

    def posts_of(self, read: Statements, ids: Iterable[int]) -> dict[int, Post]:
        """Posts by id; missing ones are left out."""
        wanted = dict.fromkeys(ids)
        here = {id: self.posts[id] for id in wanted if id in self.posts}
        return here | fetch(read, Post, wanted.keys() - here.keys())


NOTHING_KNOWN = Known()


def tags_of(read: Statements, table: str, column: str, ids: Sequence[int]) -> dict[int, list[Tag]]:
    """The tags of each id by a join table such as `post_tags`; disabled ones left out, by tag id."""
    held = " AND disabled = 0" if table == "image_tags" else ""
    rows = read.by_ids(
        f"SELECT {column}, tag_id FROM {table} WHERE {column} IN (?*){held} ORDER BY {column}, tag_id", ids
    )
    return _tags_by(read, rows)


def _tags_by(read: Statements, rows: Sequence[Sequence[Any]]) -> dict[int, list[Tag]]:
    """The tags of rows (id, tag id, …) by id. Each is read once, however many things carry it."""
    tags = fetch(read, Tag, (row[1] for row in rows))
    found: dict[int, list[Tag]] = defaultdict(list)
    for id, tag_id, *_ in rows:
        if tag_id in tags:
            found[id].append(tags[tag_id])
    return found


_VOTES = (
    "SELECT image_id, tag_id, sum(vote), sum(CASE WHEN vote > 0 THEN 1 ELSE 0 END), "
    "sum(CASE WHEN vote < 0 THEN 1 ELSE 0 END), max(CASE WHEN vote > 0 THEN created_at END) "
    "FROM image_tag_votes WHERE image_id IN (?*) GROUP BY image_id, tag_id"
)
_TAGGED = (
    "SELECT image_id, tag_id, confidence, automated, needs_review, source FROM image_tags "
    "WHERE image_id IN (?*) AND disabled = 0 ORDER BY image_id, tag_id"
)
"""In the order of the key, so that nothing is sorted."""


_NO_VOTES = (0, 0, 0, None)


def image_tags(read: Statements, ids: Sequence[int]) -> tuple[dict[int, list[Tag]], dict[int, dict[int, TagScore]]]:
    """The tags of each image by tag id, disabled ones left out; and how each of them stands, by image and tag id."""
    rows = read.by_ids(_TAGGED, ids)
    votes = {(row[0], row[1]): tuple(row[2:]) for row in read.by_ids(_VOTES, ids)}
    found: dict[int, dict[int, TagScore]] = defaultdict(dict)
    for image_id, tag_id, confidence, automated, review, source in rows:
        voted = votes.get((image_id, tag_id), _NO_VOTES) if votes else _NO_VOTES
        found[image_id][tag_id] = _score(confidence or 0, automated, review, source, *voted)
    return _tags_by(read, rows), found


@lru_cache(maxsize=4096)
def _score(
    confidence: int, automated: int, review: int, source: str, total: int, up: int, down: int, last: int | None
) -> TagScore:
    """Most tags stand like many others: nobody has voted."""
    return TagScore(
        score=score_of(confidence, int(total)),
        up_votes=int(up),
        down_votes=int(down),
        automated=bool(automated),
        needs_review=bool(review),
        last_upvote=last,
        source=source,
    )


def used_versions(read: Statements, ids: Sequence[int]) -> dict[int, list[UsedVersion]]:
    """The model versions that each image was made with, by version id."""
    sql = (
        "SELECT image_id, version_id, strength, detected FROM image_resources "
        "WHERE image_id IN (?*) ORDER BY image_id, version_id"
    )
    found: dict[int, list[UsedVersion]] = defaultdict(list)
    for image_id, version_id, strength, detected in read.by_ids(sql, ids):
        found[image_id].append(UsedVersion(version_id=version_id, strength=strength, detected=bool(detected)))
    return found


def metas(read: Statements, ids: Sequence[int]) -> dict[int, str]:
    """The generation metadata (JSON text) of each image: the site's where there is one, else the file's."""
    sql = "SELECT image_id, COALESCE(site_meta, file_meta) FROM image_meta WHERE image_id IN (?*)"
    return {image_id: meta for image_id, meta in read.by_ids(sql, ids) if meta is not None}


def complete_images(read: Statements, images: Sequence[Image], known: Known = NOTHING_KNOWN) -> list[FullImage]:
    """Images with their users, posts, tags, used versions and metadata, in the order given."""
    ids = [image.id for image in images]
    users = fetch(read, User, (image.user_id for image in images))
    posts = known.posts_of(read, (image.post_id for image in images if image.post_id is not None))
    (tags, scores), used, meta = image_tags(read, ids), used_versions(read, ids), metas(read, ids)
    return [
        FullImage(
            image=image,
            user=users.get(image.user_id, UNKNOWN_USER),
            post=posts.get(image.post_id) if image.post_id is not None else None,
            tags=tuple(tags.get(image.id, ())),
            scores=scores.get(image.id, {}),
            used=tuple(used.get(image.id, ())),
            meta=None if image.hide_meta else meta.get(image.id),
        )
        for image in images
    ]


def full_images(read: Statements, ids: Iterable[int], known: Known = NOTHING_KNOWN) -> dict[int, FullImage]:
    """Full images by id; missing ones are left out."""
    found = known.images_of(read, ids)
    return {full.image.id: full for full in complete_images(read, list(found.values()), known)}


def full_posts(
    read: Statements, ids: Iterable[int], known: Known = NOTHING_KNOWN, *, with_images: bool = False
) -> dict[int, FullPost]:
    """Full posts by id. Their images come only where asked: a page fetches them as fragments of their own."""
    posts = known.posts_of(read, ids)
    users = fetch(read, User, (post.user_id for post in posts.values()))
    tags = tags_of(read, "post_tags", "post_id", list(posts))
    versions = fetch(read, ModelVersion, (p.version_id for p in posts.values() if p.version_id is not None))
    images: dict[int, list[FullImage]] = defaultdict(list)
    if with_images:
        rows = select_in(read, Image, "post_id", posts, "ORDER BY post_id, idx, id")
        for full in complete_images(read, rows):
            images[full.image.post_id or 0].append(full)
    return {
        post.id: FullPost(
            post=post,
            user=users.get(post.user_id, UNKNOWN_USER),
            images=tuple(images.get(post.id, ())),
            tags=tuple(tags.get(post.id, ())),
            version_published=_published(versions, post.version_id),
        )
        for post in posts.values()
    }


def _published(versions: dict[int, ModelVersion], id: int | None) -> bool:
    return id is not None and id in versions and versions[id].status == "Published"


def full_files(read: Statements, version_ids: Sequence[int]) -> dict[int, list[FullFile]]:
    """The files of each version with their hashes, by file id."""
    files = select_in(read, ModelFile, "version_id", version_ids, "ORDER BY id")
    hashes: dict[int, list[FileHash]] = defaultdict(list)
    for item in select_in(read, FileHash, "file_id", (file.id for file in files), "ORDER BY file_id, type"):
        hashes[item.file_id].append(item)
    found: dict[int, list[FullFile]] = defaultdict(list)
    for file in files:
        found[file.version_id].append(FullFile(file=file, hashes=tuple(hashes.get(file.id, ()))))
    return found


def previews(
    read: Statements, versions: Sequence[ModelVersion], owners: dict[int, int], now: int
) -> dict[int, list[FullImage]]:
    """The preview images of each version: those in its owner's posts for it, by post and place (rest.md 8.2).

    Unrated ones are among them, for their owner; where there are too many, they are the first to go. `owners` maps model
    ids to user ids; a model of the system account (-1) shows everybody's.
    """
    ids = [version.id for version in versions]
    sql = (
        f"SELECT p.version_id, {columns(Image, 'i.')} FROM posts p JOIN images i ON i.post_id = p.id "
        "WHERE p.version_id IN (?*) AND p.deleted_at IS NULL ORDER BY p.id, i.idx, i.id"
    )
    owner_of = {version.id: owners.get(version.model_id, -1) for version in versions}
    chosen: dict[int, list[Image]] = defaultdict(list)
    for row in read.by_ids(sql, ids):
        image, owner = record(Image, row[1:]), owner_of[row[0]]
        if owner in (-1, image.user_id) and image_standing(image, now) in (Standing.PUBLIC, Standing.UNRATED):
            chosen[row[0]].append(image)
    most = PREVIEWS * 4
    kept = {
        version: images if len(images) <= most else [image for image in images if image.level][:most]
        for version, images in chosen.items()
    }
    whole = {full.image.id: full for full in complete_images(read, [i for images in kept.values() for i in images])}
    return {version: [whole[image.id] for image in images] for version, images in kept.items()}


def post_ids_of(read: Statements, version_ids: Sequence[int]) -> dict[int, list[int]]:
    """The posts in which the creator of each version shows it, by id; others' posts are found by the image feed."""
    sql = (
        "SELECT p.version_id, p.id FROM posts p JOIN model_versions v ON v.id = p.version_id "
        "JOIN models m ON m.id = v.model_id AND m.user_id = p.user_id WHERE p.version_id IN (?*) "
        "AND p.deleted_at IS NULL AND p.published_at IS NOT NULL ORDER BY p.id"
    )
    found: dict[int, list[int]] = defaultdict(list)
    for version_id, post_id in read.by_ids(sql, version_ids):
        found[version_id].append(post_id)
    return {id: sorted(posts) for id, posts in found.items()}


def full_versions(
    read: Statements, versions: Sequence[ModelVersion], owners: dict[int, int], now: int
) -> list[FullVersion]:
    """Versions with files, hashes, previews and posts, in the order given."""
    ids = [version.id for version in versions]
    files, shown = full_files(read, ids), previews(read, versions, owners, now)
    posts = post_ids_of(read, ids)
    return [
        FullVersion(
            version=version,
            files=tuple(files.get(version.id, ())),
            previews=tuple(shown.get(version.id, ())),
            post_ids=tuple(posts.get(version.id, ())),
        )
        for version in versions
    ]


def full_models(read: Statements, ids: Iterable[int], now: int, *, all_versions: bool = False) -> dict[int, FullModel]:
    """Full models by id. Without `all_versions` only the published ones that have a file, as lists show them."""
    models = fetch(read, Model, ids)
    users = fetch(read, User, (model.user_id for model in models.values()))
    tags = tags_of(read, "model_tags", "model_id", list(models))
    rows = select_in(read, ModelVersion, "model_id", models, "ORDER BY model_id, idx, id")
    if not all_versions:
        rows = [row for row in rows if row.status == "Published"]
    owners = {model.id: model.user_id for model in models.values()}
    versions: dict[int, list[FullVersion]] = defaultdict(list)
    for full in full_versions(read, rows, owners, now):
        if all_versions or full.files:
            versions[full.version.model_id].append(full)
    return {
        model.id: FullModel(
            model=model,
            user=users.get(model.user_id, UNKNOWN_USER),
            versions=tuple(versions.get(model.id, ())),
            tags=tuple(tags.get(model.id, ())),
        )
        for model in models.values()
    }


def full_models_alone(read: Statements, ids: Iterable[int]) -> dict[int, tuple[Model, User]]:
    """Models with their users and nothing else."""
    models = fetch(read, Model, ids)
    users = fetch(read, User, (model.user_id for model in models.values()))
    return {model.id: (model, users.get(model.user_id, UNKNOWN_USER)) for model in models.values()}
