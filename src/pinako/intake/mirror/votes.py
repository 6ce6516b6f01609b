"""Votes on tags as upstream counts them: how many, never whose.

They are kept as votes of nobody in particular (ids below -1), so that sums, order and local votes on top of them are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pinako.catalog.visibility import MINOR_TAGS
from pinako.client.records.people import VotableTag
from pinako.intake.mirror.nouns import at
from pinako.services.publish import TagOn
from pinako.storage.scopes import Statements, Write

FIRST_STRANGER = -2
MOST = 50
"""Votes of one direction on one tag that are kept; no list tells more of them apart."""


def confidence_of(tag: VotableTag) -> int:
    """What of a tag's score its votes do not explain, as the confidence that gives it (tenfold, 0 to 100)."""
    return min(max(tag.score - _weight(tag), 0) * 10, 100)


def _weight(tag: VotableTag) -> int:
    return min(max(tag.up_votes, 0), MOST) - min(max(tag.down_votes, 0), MOST)


_VOTED_OFF = (
    "SELECT t.name_key FROM image_tag_votes v JOIN tags t ON t.id = v.tag_id WHERE v.image_id = ? AND v.user_id > 0 "
    "AND NOT EXISTS (SELECT 1 FROM image_tags i WHERE i.image_id = v.image_id AND i.tag_id = v.tag_id) "
    "GROUP BY t.name_key HAVING SUM(v.vote) < 0"
)


def without_voted_off(read: Statements, image_id: int, tags: Sequence[TagOn]) -> list[TagOn]:
    """Without the tags that people here have voted off an image; those that say that it shows a child always stay."""
    off = {row[0] for row in read.rows(_VOTED_OFF, (image_id,))}
    return [tag for tag in tags if tag.upstream_id in MINOR_TAGS or tag.name.strip().lower() not in off]


def keep_votes(w: Write, image_id: int, tags: Sequence[VotableTag], now: int) -> None:
    """Put an image's tags at the standing that upstream gives them."""
    names = [tag.name.strip().lower() for tag in tags]
    ids: dict[str, int] = dict(w.by_ids("SELECT name_key, id FROM tags WHERE name_key IN (?*)", names))
    w.run("DELETE FROM image_tag_votes WHERE image_id = ? AND user_id <= ?", (image_id, FIRST_STRANGER))
    for name, tag in zip(names, tags, strict=True):
        if name in ids:
            w.run(
                "UPDATE image_tags SET confidence = ? WHERE image_id = ? AND tag_id = ?",
                (confidence_of(tag), image_id, ids[name]),
            )
            w.run_many(
                "INSERT INTO image_tag_votes (image_id, tag_id, user_id, vote, created_at) VALUES (?, ?, ?, ?, ?)",
                [(image_id, ids[name], user, vote, time) for user, vote, time in _votes(tag, now)],
            )


def _votes(tag: VotableTag, now: int) -> Iterable[tuple[int, int, int]]:
    """One row a vote; only the last upvote's time is known."""
    last = at(tag.last_upvote) or now
    ups, downs = min(max(tag.up_votes, 0), MOST), min(max(tag.down_votes, 0), MOST)
    for place in range(ups + downs):
        yield FIRST_STRANGER - place, 1 if place < ups else -1, last
