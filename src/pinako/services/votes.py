"""Votable tags of an image or model (domain.md e, trpc.md 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog.images import Image
from pinako.catalog.people import Viewer
from pinako.catalog.resources import Model
from pinako.catalog.tags import Tag, VotableTag, score_of
from pinako.catalog.visibility import sees_image, sees_model
from pinako.services.library import Library
from pinako.services.seeing import seer
from pinako.storage.records import fetch, find
from pinako.storage.scopes import Statements

OLD_LABELLER, NEW_TAGGER = "Rekognition", "WD14"
STYLE_WORDS = frozenset({"anime", "cartoon", "comics", "manga", "man", "woman", "men", "women"})
"""Labels of the old recogniser that stay beside the new tagger's."""


class _Votes(msgspec.Struct):
    score: int = 0
    up: int = 0
    down: int = 0
    last_up: int | None = None
    own: int | None = None


def votable_tags(library: Library, viewer: Viewer, kind: str, id: int, take: int = 100) -> list[VotableTag]:
    """The tags of one image or model, best first. Unknown and hidden things have none, as upstream (never 404)."""
    with library.database.read() as read:
        viewer = seer(read, viewer, "image" if kind == "image" else "model", id)
        if kind == "image":
            image = find(read, Image, id)
            seen = image is not None and sees_image(image, viewer, library.now())
            return _image_tags(read, viewer, id, take) if seen else []
        model = find(read, Model, id)
        return _model_tags(read, viewer, id) if model is not None and sees_model(model, viewer) else []


def _votes(read: Statements, table: str, column: str, id: int, viewer: Viewer) -> dict[int, _Votes]:
    found: dict[int, _Votes] = {}
    sql = f"SELECT tag_id, user_id, vote, created_at FROM {table} WHERE {column} = ?"
    for tag_id, user_id, vote, at in read.rows(sql, (id,)):
        votes = found.setdefault(tag_id, _Votes())
        votes.score += vote
        votes.up += vote > 0
        votes.down += vote < 0
        if vote > 0:
            votes.last_up = max(votes.last_up or 0, at)
        if user_id == viewer.user_id:
            votes.own = vote
    return found


def _image_tags(read: Statements, viewer: Viewer, id: int, take: int) -> list[VotableTag]:
    sql = "SELECT tag_id, confidence, source, automated, disabled, needs_review FROM image_tags WHERE image_id = ?"
    stored = {row[0]: row for row in read.rows(sql, (id,))}
    votes = _votes(read, "image_tag_votes", "image_id", id, viewer)
    tags = fetch(read, Tag, {*stored, *votes})
    tagger = any(row[2] == NEW_TAGGER for row in stored.values())
    shown = [
        _entry(tag, stored.get(tag.id), votes.get(tag.id, _Votes()))
        for tag in tags.values()
        if not tag.unlisted and _shows(tag, stored.get(tag.id), votes.get(tag.id), superseded=tagger)
    ]
    return _best_first(shown)[:take]


def _shows(tag: Tag, row: Sequence[Any] | None, votes: _Votes | None, *, superseded: bool) -> bool:
    """A stored tag that is not disabled; one that only has votes is the voter's own to see."""
    if row is None:
        return votes is not None and (votes.own or 0) > 0
    if row[4]:
        return False
    old_label = superseded and row[2] == OLD_LABELLER
    return not old_label or tag.type == "Moderation" or tag.name_key in STYLE_WORDS


def _entry(tag: Tag, row: Sequence[Any] | None, votes: _Votes) -> VotableTag:
    confidence = (row[1] or 0) if row is not None else 0
    return VotableTag(
        id=tag.id,
        name=tag.name,
        type=tag.type,
        level=tag.level,
        score=score_of(confidence, votes.score),
        up_votes=votes.up,
        down_votes=votes.down,
        automated=bool(row[3]) if row is not None else False,
        needs_review=bool(row[5]) if row is not None else False,
        concrete=row is not None,
        last_upvote=votes.last_up,
        vote=None if not votes.own else (1 if votes.own > 0 else -1),
    )


def _model_tags(read: Statements, viewer: Viewer, id: int) -> list[VotableTag]:
    stored = [row[0] for row in read.rows("SELECT tag_id FROM model_tags WHERE model_id = ?", (id,))]
    votes = _votes(read, "model_tag_votes", "model_id", id, viewer)
    tags = fetch(read, Tag, stored)
    shown = [
        VotableTag(
            id=tag.id,
            name=tag.name,
            type=tag.type,
            level=0,
            score=votes.get(tag.id, _Votes()).score,
            up_votes=votes.get(tag.id, _Votes()).up,
            down_votes=votes.get(tag.id, _Votes()).down,
            vote=votes.get(tag.id, _Votes()).own,
        )
        for tag in tags.values()
        if not tag.unlisted
    ]
    return _best_first(shown)


def _best_first(tags: list[VotableTag]) -> list[VotableTag]:
    return sorted(tags, key=lambda tag: (-tag.score, tag.id))
