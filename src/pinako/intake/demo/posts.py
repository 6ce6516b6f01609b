"""The demo's posts and images into rows: a batch of them with as many statements as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple

import msgspec

from pinako.catalog.images import Image, Post
from pinako.intake.demo.plan import PlannedImage, PlannedPost
from pinako.intake.demo.resources import YEARS
from pinako.services import publish
from pinako.services.prepare import PreparedImage
from pinako.services.publish import Arriving, TagOn
from pinako.services.settle import Touched
from pinako.storage.scopes import Write

WORDS = {"Like": "like", "Heart": "heart", "Laugh": "laugh", "Cry": "cry", "Dislike": "dislike"}
_SUMMED = (*(f"{name}_count" for name in WORDS.values()), "reaction_count", "comment_count")


class Kept(msgspec.Struct, kw_only=True):
    """The ids of what was written, in the plan's order, for the collections."""

    images: list[int] = []
    posts: list[int] = []


class _One(NamedTuple):
    """An image of a batch: as planned, and as it is written."""

    planned: PlannedImage
    prepared: PreparedImage
    image: Image


def keep_posts(
    w: Write,
    touched: Touched,
    batch: Sequence[PlannedPost],
    painted: Iterator[PreparedImage],
    users: Sequence[int],
    shown: dict[tuple[int, int], int],
    now: int,
) -> Kept:
    """Write posts with all that is theirs. `shown` are the ids of the versions that posts show."""
    ids = w.next_ids("posts", len(batch))
    posts = [_post(id, planned, users, shown, now) for id, planned in zip(ids, batch, strict=True)]
    images = list(_images(w, batch, posts, painted))
    mine: dict[int, list[Image]] = defaultdict(list)
    for one in images:
        mine[one.image.post_id or 0].append(one.image)
    for post, planned in zip(posts, batch, strict=True):
        publish.keep_post(w, touched, _with_counts(post, mine[post.id]), planned.images[0].tags[:2])
    for one in images:
        publish.keep_blob(w, one.prepared.sha256, one.prepared.size, one.prepared.mime, now)
    arriving = [Arriving(image=one.image, about=one.prepared.about, tags=_tags(one.planned)) for one in images]
    publish.keep_images(w, touched, arriving)
    _react(w, images, users)
    _vote(w, images, users)
    return Kept(images=[one.image.id for one in images], posts=ids)


def _post(id: int, planned: PlannedPost, users: Sequence[int], shown: dict[tuple[int, int], int], now: int) -> Post:
    at = now - round((1 - planned.at) * YEARS)
    return Post(
        id=id,
        user_id=users[planned.user],
        title=planned.title,
        version_id=shown[planned.shows] if planned.shows else None,
        published_at=None if planned.draft else at,
        sort_at=at,
        created_at=at - 60_000,
        updated_at=at,
    )


def _images(
    w: Write, batch: Sequence[PlannedPost], posts: Sequence[Post], painted: Iterator[PreparedImage]
) -> Iterator[_One]:
    ids = iter(w.next_ids("images", sum(len(planned.images) for planned in batch)))
    for post, planned_post in zip(posts, batch, strict=True):
        for place, planned in enumerate(planned_post.images):
            prepared = next(painted)
            yield _One(planned, prepared, _image(next(ids), post, place, planned, prepared))


def _image(id: int, post: Post, place: int, planned: PlannedImage, prepared: PreparedImage) -> Image:
    at = post.sort_at
    image = Image(
        id=id,
        user_id=post.user_id,
        post_id=post.id,
        idx=place,
        name=f"{planned.seed:08x}.{prepared.mime.rpartition('/')[2]}",
        media_key=planned.key,
        **prepared.columns(),
        level=planned.level,
        needs_review="reported" if planned.review else None,
        hide_meta=planned.hide_meta,
        created_at=at - 60_000 + place,
        updated_at=at,
        scanned_at=at - 30_000,
        sort_at=at,
        comment_count=planned.comments,
    )
    return msgspec.structs.replace(image, **_counts(planned))


def _counts(planned: PlannedImage) -> dict[str, int]:
    counts = {f"{name}_count": 0 for name in WORDS.values()}
    for _, word in planned.reactions:
        counts[f"{WORDS[word]}_count"] += 1
    # A dislike is no reaction in the sums (domain.md e).
    counts["reaction_count"] = sum(counts.values()) - counts["dislike_count"]
    return counts


def _with_counts(post: Post, images: Iterable[Image]) -> Post:
    """A post's counts are those of its images; the demo's posts have no reactions of their own."""
    images = list(images)
    return msgspec.structs.replace(post, **{name: sum(getattr(one, name) for one in images) for name in _SUMMED})


def _tags(planned: PlannedImage) -> list[TagOn]:
    chance = Random(planned.seed)  # noqa: S311 - confidences of demo tags
    return [
        TagOn(name=name, source="WD14", automated=True, confidence=chance.randrange(50, 100), type=_tag_type(place))
        for place, name in enumerate(dict.fromkeys(planned.tags))
    ]


def _tag_type(place: int) -> str:
    return "Label" if place == 0 else "UserGenerated"


def _react(w: Write, images: Iterable[_One], users: Sequence[int]) -> None:
    w.run_many(
        "INSERT INTO reactions (entity_type, entity_id, user_id, reaction, created_at) VALUES (?, ?, ?, ?, ?)",
        [
            ("image", one.image.id, users[fan], word, one.image.sort_at)
            for one in images
            for fan, word in one.planned.reactions
        ],
    )


def _vote(w: Write, images: Sequence[_One], users: Sequence[int]) -> None:
    tags: dict[int, list[int]] = defaultdict(list)
    sql = "SELECT image_id, tag_id FROM image_tags WHERE image_id IN (?*)"
    for image_id, tag_id in sorted(w.by_ids(sql, [one.image.id for one in images])):
        tags[image_id].append(tag_id)
    w.run_many(
        "INSERT INTO image_tag_votes (image_id, tag_id, user_id, vote, created_at) VALUES (?, ?, ?, ?, ?)",
        [
            (one.image.id, tag_id, voter, vote, one.image.sort_at)
            for one in images
            for voter, tag_id, vote in _votes(one.planned.seed, tags[one.image.id], users)
        ],
    )


def _votes(seed: int, tags: Sequence[int], users: Sequence[int]) -> list[tuple[int, int, int]]:
    chance = Random(seed + 1)  # noqa: S311 - votes of demo users
    if chance.random() < 0.6:
        return []
    return [
        (voter, chance.choice(tags), chance.choice((1, 1, 1, -1))) for voter in chance.sample(users, min(3, len(users)))
    ]
