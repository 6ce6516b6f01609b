"""The past of a mirrored thing: its records as received, revision by revision, and what the mirror's journal says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pinako.catalog.people import Viewer
from pinako.errors import BadRequest, NotFound
from pinako.services import collections, detail
from pinako.services.library import Library
from pinako.storage.scopes import Statements
from pinako.wire.times import iso

TABLES = {
    "image": "images",
    "post": "posts",
    "model": "models",
    "version": "model_versions",
    "file": "model_files",
    "collection": "collections",
}
VOLATILE = frozenset(
    {
        "stats", "rank", "reactions", "metrics", "_count", "judgeScore", "userReactions", "cursorId", "score",
        "upVotes", "downVotes", "lastUpvote", "vote", "imageCount", "covered", "canGenerate", "hasSuggestedResources",
        "itemCount", "cosmetic", "cosmetics", "collectionItemStatus", "generationCoverage", "isContributor",
        "followerCount", "contributorCount", "images",
    }
)  # fmt: skip
"""Members that move by themselves, or belong to another thing: they make no revision."""


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One document of a thing's history. `fetched_at` in milliseconds; `body` as received."""

    door: str
    fetched_at: int
    source: str
    digest: str
    body: msgspec.Raw


def history(read: Statements, entity: str, id: int) -> list[Revision]:
    """Every revision of a thing that was ever received, the oldest first. `id` is the local id."""
    rows = read.rows(
        "SELECT door, fetched_at, source, digest, body FROM received WHERE entity_type = ? AND entity_id = ? "
        "ORDER BY fetched_at, door",
        (entity, id),
    )
    return [
        Revision(door=row[0], fetched_at=row[1], source=row[2], digest=row[3], body=msgspec.Raw(bytes(row[4])))
        for row in rows
    ]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says of a thing upstream. Times in milliseconds."""

    state: str
    reason: str
    since: int
    checked_at: int


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A thing, by upstream's number, that its collection upstream lists no longer; it stays in the one here."""

    entity: str
    source_id: int
    since: int


def members_key(collection: int) -> str:
    """Under which the journal keeps what a collection upstream was seen to list."""
    return f"collection:{collection}"


def left_key(collection: int) -> str:
    """Under which it keeps what that collection lists no longer, and since when."""
    return f"collection:{collection}:left"


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What was ever received of one thing, the oldest first. `standing` None: the journal has no line of its own on it.

    `left` is what a collection lists no longer upstream.
    """

    entity: str
    id: int
    source: str
    source_id: int
    revisions: tuple[Revision, ...]
    standing: Standing | None = None
    left: tuple[Left, ...] = ()

    def changes(self) -> Iterator[tuple[Revision, list[str]]]:
        """Each revision with the members that differ from the one before it at the same door."""
        before: dict[str, Any] = {}
        for revision in self.revisions:
            body = msgspec.json.decode(revision.body)
            old = before.get(revision.door)
            yield revision, _changed(old, body) if old is not None else []
            before[revision.door] = body

    def as_data(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "entity": self.entity,
            "id": self.id,
            "source": self.source,
            "sourceId": self.source_id,
            "state": str(self.standing.state) if self.standing else None,
            "reason": self.standing.reason if self.standing else None,
            "since": iso(self.standing.since) if self.standing else None,
            "checkedAt": iso(self.standing.checked_at) if self.standing else None,
            "left": [{"entity": one.entity, "sourceId": one.source_id, "since": iso(one.since)} for one in self.left],
            "revisions": [
                {
                    "door": revision.door,
                    "fetchedAt": iso(revision.fetched_at),
                    "digest": revision.digest,
                    "changed": changed,
                    "body": msgspec.json.decode(revision.body),
                }
                for revision, changed in self.changes()
            ],
        }


def _changed(old: Any, new: Any) -> list[str]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ["all"]
    names = [name for name in {**old, **new} if name not in VOLATILE]
    return [name for name in names if old.get(name) != new.get(name)]


def past_of(read: Statements, entity: str, id: int) -> Past | None:
    """The past of a thing by its local id; None where it is not mirrored."""
    row = read.row(f"SELECT source, source_id FROM {TABLES[entity]} WHERE id = ?", (id,))
    if row is None or row[1] is None:
        return None
    source, source_id = str(row[0]), int(row[1])
    found = read.row(
        "SELECT state, reason, since, checked_at FROM mirror_items WHERE source = ? AND entity_type = ? AND source_id = ?",
        (source, entity, source_id),
    )
    names = Standing.__struct_fields__
    standing = Standing(**dict(zip(names, found, strict=True))) if found is not None else None
    return Past(
        entity=entity,
        id=id,
        source=source,
        source_id=source_id,
        revisions=tuple(history(read, entity, id)),
        standing=standing,
        left=_left(read, source, source_id) if entity == "collection" else (),
    )


def _left(read: Statements, source: str, collection: int) -> tuple[Left, ...]:
    rows = read.rows(_LEFT, (source, left_key(collection)))
    return tuple(Left(entity=row[0], source_id=row[1], since=row[2]) for row in rows)


_LEFT = (
    "SELECT f.entity_type, f.source_id, f.seen_at FROM mirror_finds f "
    "LEFT JOIN images i ON f.entity_type = 'image' AND i.source = f.source AND i.source_id = f.source_id "
    "LEFT JOIN models m ON f.entity_type = 'model' AND m.source = f.source AND m.source_id = f.source_id "
    "WHERE f.source = ? AND f.target = ? AND COALESCE(i.withheld, m.withheld, 0) = 0 "
    "ORDER BY f.seen_at, f.entity_type, f.source_id"
)


def past(library: Library, viewer: Viewer, entity: str, id: int) -> Past:
    """The past of a thing as its door shows it: moderators alone meet files and what the caller may not see.

    BadRequest for a kind of thing that has no past, NotFound for what is not mirrored or hidden from this caller.
    """
    if entity not in TABLES:
        raise BadRequest(f"There is no past of {entity!r}; there is one of {', '.join(TABLES)}")
    if not viewer.moderator:
        _check(library, viewer, entity, id)
    found = past_of(library.database.read(), entity, id)
    if found is None or _is_withheld(library.database.read(), entity, id):
        raise NotFound(f"No {entity} {id} was ever mirrored")
    # What left a collection may be what this caller must not know of.
    return found if viewer.moderator else msgspec.structs.replace(found, left=())


def _check(library: Library, viewer: Viewer, entity: str, id: int) -> None:
    """Raise NotFound for what this caller may not meet. How an image was made may be its owner's secret."""
    if entity == "image":
        full, _ = detail.image(library, viewer, id)
        if full.image.hide_meta and full.image.user_id != viewer.user_id:
            raise NotFound(f"No image {id} was ever mirrored")
    elif entity == "post":
        detail.post(library, viewer, id)
    elif entity == "model":
        detail.model(library, viewer, id)
    elif entity == "version":
        detail.version(library, viewer, id)
    elif entity == "collection" and collections.may_read(library.database.read(), id, viewer):
        return
    else:
        raise NotFound(f"No {entity} {id} was ever mirrored")


def _is_withheld(read: Statements, entity: str, id: int) -> bool:
    """Withheld things exist for nobody, moderators included (domain.md d)."""
    if entity in {"image", "model"}:
        return bool(read.value(f"SELECT withheld FROM {TABLES[entity]} WHERE id = ?", (id,)))
    if entity == "version":
        sql = "SELECT m.withheld FROM model_versions v JOIN models m ON m.id = v.model_id WHERE v.id = ?"
        return bool(read.value(sql, (id,)))
    return False
