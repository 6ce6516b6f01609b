"""Votes on the tags of images and models, and what enough of them do (domain.md e, trpc.md 7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pinako.catalog.commands import VoteTags
from pinako.catalog.images import Image
from pinako.catalog.people import Viewer
from pinako.catalog.resources import Model
from pinako.catalog.tags import Tag
from pinako.services import permits
from pinako.services.library import Library
from pinako.services.publish import keep_tags
from pinako.services.settle import Touched, settle
from pinako.storage.records import fetch, find
from pinako.storage.scopes import Write

MODERATORS, OWNERS = 10, 3
"""How much a vote weighs."""
APPLIED_FROM = 3
REVIEWED_TO = 3
STRONG = 5

VOTES = {"image": ("image_tag_votes", "image_id"), "model": ("model_tag_votes", "model_id")}


def vote(library: Library, viewer: Viewer, command: VoteTags) -> None:
    """Vote on tags, or take votes back. Unknown tags, and things that the caller does not meet, are passed over."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        if not permits.visible(w, viewer, command.kind.capitalize(), [command.id], now):
            return
        weight = round((command.vote or 0) * _weight(w, viewer, command))
        if command.edit and weight >= APPLIED_FROM:
            keep_tags(w, command.names, command.kind.capitalize())
        tags = _tags(w, command)
        table, column = VOTES[command.kind]
        for id in tags:
            key = (command.id, id, user_id)
            w.run(f"DELETE FROM {table} WHERE {column} = ? AND tag_id = ? AND user_id = ?", key)
            if weight:
                w.run(
                    f"INSERT INTO {table} ({column}, tag_id, user_id, vote, created_at) VALUES (?, ?, ?, ?, ?)",
                    (*key, weight, now),
                )
        touched = Touched()
        if command.kind == "image":
            _apply(w, command.id, tags, weight, edit=command.edit and weight <= -OWNERS)
            touched.images.add(command.id)  # its documents tell how its tags stand
        else:
            w.note("model", command.id, "k")
        settle(w, touched, now)


def _tags(w: Write, command: VoteTags) -> dict[int, Tag]:
    """The tags that are meant and exist."""
    if command.tag_ids:
        return fetch(w, Tag, command.tag_ids)
    rows = w.by_ids("SELECT id FROM tags WHERE name_key IN (?*)", list(command.names))
    return fetch(w, Tag, (row[0] for row in rows))


def _weight(w: Write, viewer: Viewer, command: VoteTags) -> int:
    if viewer.moderator:
        return MODERATORS
    thing = find(w, Image, command.id) if command.kind == "image" else find(w, Model, command.id)
    return OWNERS if thing is not None and thing.user_id == viewer.user_id else 1


def _apply(w: Write, image_id: int, tags: dict[int, Tag], weight: int, *, edit: bool) -> None:
    """Do what the votes of an image's tags have come to."""
    stored = {row[0]: row for row in w.rows("SELECT tag_id, automated FROM image_tags WHERE image_id = ?", (image_id,))}
    sums = _sums(w, image_id, tags)
    for id, tag in sorted(tags.items()):
        _apply_one(w, image_id, tag, stored.get(id), sums.get(id, []), weight, edit=edit)


def _sums(w: Write, image_id: int, tag_ids: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {id: [] for id in tag_ids}
    for id, value in w.rows("SELECT tag_id, vote FROM image_tag_votes WHERE image_id = ?", (image_id,)):
        if id in found:
            found[id].append(value)
    return found


def _apply_one(
    w: Write, image_id: int, tag: Tag, row: Sequence[int] | None, votes: Sequence[int], weight: int, *, edit: bool
) -> None:
    total, key = sum(votes), (image_id, tag.id)
    if row is None:
        if total >= APPLIED_FROM:
            w.insert_new("image_tags", {"image_id": image_id, "tag_id": tag.id, "source": "User"})
    elif tag.type == "Moderation":
        _moderate(w, key, total, votes, weight)
    elif (row[1] or edit) and weight < 0 and total <= 0:
        w.run("DELETE FROM image_tags WHERE image_id = ? AND tag_id = ?", key)


def _moderate(w: Write, key: tuple[int, int], total: int, votes: Sequence[int], weight: int) -> None:
    """A tag of the moderation list is looked at before it goes, and only strong votes decide."""
    if weight > STRONG:
        w.run("UPDATE image_tags SET disabled = 0 WHERE image_id = ? AND tag_id = ?", key)
    elif weight < 0 and total <= 0 and any(vote < -STRONG for vote in votes):
        w.run("UPDATE image_tags SET disabled = 1 WHERE image_id = ? AND tag_id = ?", key)
    elif weight < 0 and total <= REVIEWED_TO:
        w.run("UPDATE image_tags SET needs_review = 1 WHERE image_id = ? AND tag_id = ?", key)
