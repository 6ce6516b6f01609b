"""Pictures that the library has more than once: the same bytes, the same pixels, or alike; and which of them to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from pinako.metadata.hamming import NearIndex
from pinako.storage.scopes import Statements

ALIKE = 4
"""Bits in which perceptual hashes of look-alikes may differ; of 64."""


class Sameness(StrEnum):
    """In what way pictures are the same, the strictest first."""

    EXACT = "exact"
    PIXELS = "pixels"
    ALIKE = "alike"


class Twin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One picture of a group. `shown` tells a model version's preview: it is never proposed for the trash."""

    id: int
    name: str | None
    size: int | None
    width: int | None
    height: int | None
    mime: str | None
    has_meta: bool
    liked: int
    created_at: int
    shown: bool = False
    sha256: str | None = None
    pixel_hash: str | None = None

    @property
    def pixels(self) -> int:
        """How many it has."""
        return (self.width or 0) * (self.height or 0)


class Group(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Pictures that are the same: the one to keep by the rule, and the others."""

    sameness: Sameness
    keep: Twin
    others: tuple[Twin, ...]


Rule = Callable[[Twin], tuple[Any, ...]]

_LOSSLESS = ("image/png", "image/webp", "image/tiff", "image/bmp")

RULES: dict[str, Rule] = {
    # What says how it was made cannot be made again; then more pixels, no loss, what people liked, what was here first.
    "best": lambda t: (
        not t.has_meta,
        -t.pixels,
        t.mime not in _LOSSLESS,
        -t.liked,
        -(t.size or 0),
        t.created_at,
        t.id,
    ),
    "largest": lambda t: (-t.pixels, -(t.size or 0), t.created_at, t.id),
    "oldest": lambda t: (t.created_at, t.id),
    "newest": lambda t: (-t.created_at, -t.id),
}
"""Rules by name: the picture that sorts first is kept."""


def find_duplicates(
    read: Statements,
    *,
    sameness: Iterable[Sameness] = tuple(Sameness),
    rule: str = "best",
    user_id: int | None = None,
    distance: int = ALIKE,
) -> list[Group]:
    """Groups of the same pictures, of one user or of all, the strictest kind first.

    A picture that a stricter group proposes for the trash is in no looser one. What is in the trash counts as gone.
    """
    wanted, groups, gone = set(sameness), [], set[int]()
    for kind in Sameness:
        if kind in wanted:
            found = _grouped(read, kind, RULES[rule], user_id, gone, distance)
            groups += found
            gone |= {twin.id for group in found for twin in group.others}
    return groups


def _grouped(
    read: Statements, kind: Sameness, rule: Rule, user_id: int | None, gone: set[int], distance: int
) -> list[Group]:
    sets = _alike(read, user_id, gone, distance) if kind is Sameness.ALIKE else _equal(read, kind, user_id, gone)
    twins = _twins(read, [id for ids in sets for id in ids])
    groups = (_group(kind, [twins[id] for id in ids if id in twins], rule) for ids in sets)
    return [group for group in groups if group is not None]


def _group(kind: Sameness, members: Sequence[Twin], rule: Rule) -> Group | None:
    """The group with its choice; None where nothing could go."""
    ordered = sorted(members, key=lambda twin: (not twin.shown, rule(twin)))
    others = tuple(twin for twin in ordered[1:] if not twin.shown)
    return Group(sameness=kind, keep=ordered[0], others=others) if others else None


def _alive(user_id: int | None) -> tuple[str, tuple[int, ...]]:
    mine, params = (" AND user_id = ?", (user_id,)) if user_id is not None else ("", ())
    return f"deleted_at IS NULL AND withheld = 0{mine}", params


def _equal(read: Statements, kind: Sameness, user_id: int | None, gone: set[int]) -> list[tuple[int, ...]]:
    """Ids of images whose bytes, or pixels, are equal."""
    column = "blob" if kind is Sameness.EXACT else "pixel_hash"
    where, params = _alive(user_id)
    repeated = (
        f"SELECT {column} FROM images WHERE {column} IS NOT NULL AND {where} GROUP BY {column} HAVING COUNT(*) > 1"
    )
    keys = [row[0] for row in read.rows(repeated, params)]
    by_key: dict[str, list[int]] = {}
    for key, id in read.by_ids(f"SELECT {column}, id FROM images WHERE {where} AND {column} IN (?*)", keys, params):
        if id not in gone:
            by_key.setdefault(key, []).append(id)
    return sorted(tuple(sorted(ids)) for ids in by_key.values() if len(ids) > 1)


def _alike(read: Statements, user_id: int | None, gone: set[int], distance: int) -> list[tuple[int, ...]]:
    index = load_lookalikes(read, user_id=user_id, leave_out=gone)
    return index.groups(distance=distance)


def load_lookalikes(read: Statements, *, user_id: int | None = None, leave_out: Iterable[int] = ()) -> NearIndex:
    """The index of all pictures by what they look like. Flat ones, whose hash is 0, are like nothing in particular."""
    where, params = _alive(user_id)
    passed = set(leave_out)
    index = NearIndex()
    for rows in read.stream(
        f"SELECT id, phash FROM images WHERE phash IS NOT NULL AND phash <> 0 AND {where} ORDER BY id", params
    ):
        index.add_many((id, phash) for id, phash in rows if id not in passed)
    index.prepare()
    return index


def _twins(read: Statements, ids: Sequence[int]) -> dict[int, Twin]:
    sql = (
        "SELECT i.id, i.name, i.size, i.width, i.height, i.mime, i.has_meta, i.reaction_count + i.collected_count, "
        "i.created_at, CASE WHEN p.version_id IS NULL THEN 0 ELSE 1 END, i.blob, i.pixel_hash FROM images i "
        "LEFT JOIN posts p ON p.id = i.post_id WHERE i.id IN (?*)"
    )
    names = Twin.__struct_fields__
    found = {}
    for row in read.by_ids(sql, ids):
        values = dict(zip(names, row, strict=True))
        flags = {"has_meta": bool(values["has_meta"]), "shown": bool(values["shown"])}
        found[row[0]] = Twin(**values | flags)
    return found
