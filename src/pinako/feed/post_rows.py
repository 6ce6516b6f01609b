"""Posts as the index holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pinako.catalog import levels
from pinako.catalog.queries import PostSort
from pinako.catalog.visibility import Standing
from pinako.feed.image_rows import room_of
from pinako.feed.sources import Filed, Pairs, Source
from pinako.feed.spec import DOWN, Sort, Spec


class _Row(NamedTuple):
    id: int
    user_id: int
    version_id: int | None
    published_at: int | None
    availability: str
    unlisted: bool
    level: int
    sort_at: int
    reaction_count: int
    comment_count: int
    collected_count: int


POSTS = Spec(
    name="posts",
    columns=("time", "reactions", "comments", "collected"),
    sorts=(
        Sort(name=PostSort.NEWEST, by=(("time", DOWN),)),
        Sort(name=PostSort.MOST_REACTIONS, by=(("reactions", DOWN),)),
        Sort(name=PostSort.MOST_COMMENTS, by=(("comments", DOWN),)),
        Sort(name=PostSort.MOST_COLLECTED, by=(("collected", DOWN),)),
    ),
    fields=("user", "version", "model", "tag"),
    owner="user",
)

_MODELS = "SELECT p.id, v.model_id FROM posts p JOIN model_versions v ON v.id = p.version_id WHERE 1 = 1"
_PAIRS = {
    "tag": Pairs(sql="SELECT post_id, tag_id FROM post_tags WHERE 1 = 1", column="post_id"),
    "model": Pairs(sql=_MODELS, column="p.id"),
}


def _standing(post: _Row, now: int) -> Standing:
    """What a post is at `now`; its level is the union of those of its images that anybody may meet."""
    if post.published_at is None or post.published_at > now or post.availability == "Private" or post.unlisted:
        return Standing.DRAFT
    return Standing.UNRATED if post.level == levels.UNRATED else Standing.PUBLIC


def _file(row: Sequence[Any], now: int) -> Filed | None:
    post = _Row._make(row)
    standing = _standing(post, now)
    scheduled = post.published_at is not None and post.published_at > now
    return Filed(
        id=post.id,
        keys=(post.sort_at, post.reaction_count, post.comment_count, post.collected_count),
        level=post.level,
        room=room_of(standing),
        singles={"user": (post.user_id,), "version": (post.version_id,) if post.version_id else ()},
        due=post.published_at if scheduled else None,
    )


SOURCE = Source(
    entity="post",
    spec=POSTS,
    rows_sql=f"SELECT {', '.join(_Row._fields)} FROM posts WHERE deleted_at IS NULL AND image_count > 0",
    id_column="id",
    pairs=_PAIRS,
    file=_file,
)
