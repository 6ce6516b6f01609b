"""Which local model versions an image was made with (domain.md g, 'Resolving resources').

What an image claims is kept as wants, in their order; what of it is here becomes `image_resources`. A model that arrives
later is found by the same wants, so nothing is lost by importing pictures first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from pinako.storage.engine import Value
from pinako.storage.scopes import Statements, Write

EMPTY_HASH = "E3B0C44298FC"
"""SHA-256 of nothing: a trainer's bug makes thousands of LoRAs claim it."""
UNRESOLVABLE_NAMES = frozenset({"vae"})


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """One claim of an image. `strength` is the weight × 100; `version_id` where the claim names one directly."""

    kind: str
    name: str | None = None
    hash: str | None = None
    version_id: int | None = None
    strength: int | None = None


def stem_of(name: str) -> str:
    """A file name or path as graphs write it, without folders and extension, lower-case."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    for ending in (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft"):
        plain = plain.removesuffix(ending)
    return plain.lower()


def keep_wants(w: Write, wants: Mapping[int, Sequence[Want]]) -> None:
    """Replace what images claim to be made with, by image id."""
    w.run_many("DELETE FROM image_wants WHERE image_id = ?", [(id,) for id in wants])
    w.run_many(
        "INSERT INTO image_wants (image_id, place, kind, name, hash, version_id, strength) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [row for id, claimed in wants.items() for row in _want_rows(id, claimed)],
    )


def _want_rows(image_id: int, wants: Sequence[Want]) -> Iterator[tuple[Value, ...]]:
    usable = (want for want in wants if (want.name or "").lower() not in UNRESOLVABLE_NAMES)
    for place, want in enumerate(usable):
        yield (
            image_id,
            place,
            want.kind,
            stem_of(want.name) if want.name else None,
            want.hash.upper() if want.hash and want.hash.upper() != EMPTY_HASH else None,
            want.version_id,
            want.strength,
        )


class _Found(msgspec.Struct, frozen=True):
    """A version that a hash or name leads to; fields in the order of preference, smaller is better."""

    unpublished: bool
    published_at: int
    file_id: int
    version_id: int

    def rank(self) -> tuple[bool, int, int]:
        return (self.unpublished, self.published_at, self.file_id)


_LOOKUP = (
    "SELECT {key}, v.id, v.status, v.published_at, f.id, v.meta FROM {tables} JOIN model_versions v ON v.id = f.version_id "
    "JOIN models m ON m.id = v.model_id WHERE {key} IN (?*) "
    "AND m.status NOT IN ('Deleted', 'Unpublished', 'UnpublishedViolation') AND m.withheld = 0"
)
_BY_HASH = _LOOKUP.format(key="h.hash", tables="file_hashes h JOIN model_files f ON f.id = h.file_id")
_OF_WITHHELD = (
    "SELECT DISTINCT h.hash FROM file_hashes h JOIN model_files f ON f.id = h.file_id "
    "JOIN model_versions v ON v.id = f.version_id JOIN models m ON m.id = v.model_id "
    "WHERE m.withheld = 1 AND h.hash IN (?*)"
)
_BY_STEM = _LOOKUP.format(key="f.stem", tables="model_files f")


def _candidates(w: Statements, sql: str, keys: Iterable[str]) -> dict[str, list[_Found]]:
    found: dict[str, list[_Found]] = defaultdict(list)
    for key, version_id, status, published_at, file_id, meta in w.by_ids(sql, list(dict.fromkeys(keys))):
        if meta and msgspec.json.decode(meta).get("excludeFromAutoDetection"):
            continue
        found[key].append(_Found(status != "Published", published_at or 2**62, file_id, version_id))
    return found


def _by_hash(w: Statements, keys: Iterable[str]) -> dict[str, int]:
    """The best version of each hash: published first, then the earliest, then the lowest file."""
    return {key: min(rows, key=_Found.rank).version_id for key, rows in _candidates(w, _BY_HASH, keys).items()}


def _by_stem(w: Statements, keys: Iterable[str]) -> dict[str, int]:
    """The version of each file name, where just one has it: a name that several files bear says nothing."""
    return {
        key: rows[0].version_id
        for key, rows in _candidates(w, _BY_STEM, keys).items()
        if len({row.version_id for row in rows}) == 1
    }


def is_known(name: str | None, hash: str | None, hashes: set[str], stems: set[str]) -> bool:
    """Whether a claim leads to a version here, given what `known_keys` found: by its hash, or without one by its name."""
    return hash in hashes if hash else name in stems


def known_keys(read: Statements, hashes: Iterable[str], stems: Iterable[str]) -> tuple[set[str], set[str]]:
    """Of these hashes and file stems those that lead to a version here."""
    return set(_by_hash(read, hashes)), set(_by_stem(read, stems))


def resolve(w: Write, image_ids: Iterable[int]) -> None:
    """Make `image_resources` of these images anew from their wants and their posts' credits."""
    ids = list(dict.fromkeys(image_ids))
    wants = w.by_ids(
        "SELECT image_id, name, hash, version_id, strength FROM image_wants WHERE image_id IN (?*) "
        "ORDER BY image_id, place",
        ids,
    )
    hashes = _by_hash(w, (row[2] for row in wants if row[2]))
    _inherit_from_withheld(w, wants)
    stems = _by_stem(w, (row[1] for row in wants if row[1]))
    rows: dict[tuple[int, int], tuple[Any, ...]] = {}
    for image_id, name, hash_, version_id, strength in wants:
        # A hash says which file it was. One that is not here must not end at another file of the same name.
        found = version_id or (hashes.get(hash_) if hash_ else stems.get(name))
        if found is not None:
            _keep_best(rows, image_id, found, strength, detected=1)
    credits = w.by_ids(
        "SELECT i.id, p.version_id FROM images i JOIN posts p ON p.id = i.post_id "
        "WHERE i.id IN (?*) AND p.version_id IS NOT NULL",
        ids,
    )
    for image_id, version_id in credits:
        _keep_best(rows, image_id, version_id, None, detected=0)
    made_before = _made(w, ids)
    w.run_many("DELETE FROM image_resources WHERE image_id = ?", [(id,) for id in ids])
    w.run_many(
        "INSERT INTO image_resources (image_id, version_id, strength, detected) VALUES (?, ?, ?, ?)",
        list(rows.values()),
    )
    _count_again(w, made_before, _made(w, ids))


def _inherit_from_withheld(w: Write, wants: Sequence[Sequence[Any]]) -> None:
    """An image made with a model of minors is one of a minor, also where that model is withheld (domain.md d, OURS).

    Nothing names such a model, so there is no row that says what the image was made with: only the flag.
    """
    hashes = list(dict.fromkeys(row[2] for row in wants if row[2]))
    hidden = {row[0] for row in w.by_ids(_OF_WITHHELD, hashes)}
    w.run_many(
        "UPDATE images SET minor = 1 WHERE id = ?", [(id,) for id in {row[0] for row in wants if row[2] in hidden}]
    )


def _made(w: Write, image_ids: Sequence[int]) -> Counter[int]:
    """How many of these images were made with each model."""
    sql = (
        "SELECT DISTINCT v.model_id, r.image_id FROM image_resources r JOIN model_versions v ON v.id = r.version_id "
        "WHERE r.image_id IN (?*)"
    )
    return Counter(row[0] for row in w.by_ids(sql, image_ids))


def _count_again(w: Write, before: Counter[int], after: Counter[int]) -> None:
    """Move the models' image counts by the difference: counting a popular model's images anew takes far longer."""
    for model_id in sorted(before | after):
        if more := after[model_id] - before[model_id]:
            w.run("UPDATE models SET image_count = image_count + ? WHERE id = ? AND source = ''", (more, model_id))
            w.note("model", model_id, "k")


def _keep_best(
    rows: dict[tuple[int, int], tuple[Any, ...]], image_id: int, version_id: int, strength: int | None, *, detected: int
) -> None:
    """One row a version: detected before credited, with a strength before without."""
    old = rows.get((image_id, version_id))
    if old is None or (detected, strength is not None) > (old[3], old[2] is not None):
        rows[image_id, version_id] = (image_id, version_id, strength, detected)


def wanting(w: Write, version_ids: Iterable[int]) -> list[int]:
    """The images whose wants name a file of these versions, by hash or by name: those to resolve again."""
    ids = list(version_ids)
    keys = w.by_ids(
        "SELECT h.hash, f.stem FROM model_files f LEFT JOIN file_hashes h ON h.file_id = f.id WHERE f.version_id IN (?*)",
        ids,
    )
    hashes = list({row[0] for row in keys if row[0]})
    stems = list({row[1] for row in keys if row[1]})
    found = {row[0] for row in w.by_ids("SELECT image_id FROM image_wants WHERE hash IN (?*)", hashes)}
    found |= {row[0] for row in w.by_ids("SELECT image_id FROM image_wants WHERE name IN (?*)", stems)}
    found |= {row[0] for row in w.by_ids("SELECT image_id FROM image_wants WHERE version_id IN (?*)", ids)}
    return sorted(found)
