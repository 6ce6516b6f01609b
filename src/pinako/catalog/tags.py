"""Tags, and tags with the votes they have on one thing."""

from __future__ import annotations

import msgspec


class Tag(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One word for things. `target` is JSON text: the kinds of things it may be on."""

    id: int
    name: str
    name_key: str = ""
    type: str = "UserGenerated"
    level: int = 1
    target: str = "[]"
    unlisted: bool = False
    unfeatured: bool = False
    is_category: bool = False
    admin_only: bool = False
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None


class CountedTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a list with the number of listed models that carry it."""

    tag: Tag
    model_count: int = 0
    image_count: int = 0
    post_count: int = 0


def score_of(confidence: int, votes: int) -> int:
    """A tag's score: a tenth of the recogniser's confidence (0..100), and the votes (domain.md e)."""
    return confidence * 10 // 100 + votes


class TagScore(msgspec.Struct, frozen=True, kw_only=True):
    """How a tag stands on one image, whoever asks. `last_upvote` in milliseconds; `source` says who put it there."""

    score: int = 0
    up_votes: int = 0
    down_votes: int = 0
    automated: bool = False
    needs_review: bool = False
    last_upvote: int | None = None
    source: str = "User"


UNSCORED = TagScore()


class VotableTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag on one image or model. `vote` is the caller's own, None where there is none; `last_upvote` in milliseconds."""

    id: int
    name: str
    type: str = "UserGenerated"
    level: int = 1
    score: int = 0
    up_votes: int = 0
    down_votes: int = 0
    automated: bool = False
    needs_review: bool = False
    concrete: bool = True
    last_upvote: int | None = None
    vote: int | None = None
