"""What images say they were made with and the library does not have: name, hash, and how many images want it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from pinako.services.resolve import is_known, known_keys
from pinako.storage.scopes import Statements


class Missing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that is wanted. `version_id` where images name an upstream version directly."""

    kind: str
    name: str | None
    hash: str | None
    version_id: int | None
    images: int


_WANTED = (
    "SELECT w.kind, w.name, w.hash, w.version_id, COUNT(DISTINCT w.image_id), MIN(w.image_id) FROM image_wants w "
    "JOIN images i ON i.id = w.image_id WHERE i.deleted_at IS NULL AND i.withheld = 0 "
    "GROUP BY w.kind, w.name, w.hash, w.version_id"
)


def list_missing(read: Statements) -> list[Missing]:
    """Everything that is wanted and not here, the most wanted first.

    Claims of one hash are one thing, whatever names they bear; those without a hash are told apart by kind and name.
    """
    rows = [row for row in read.rows(_WANTED) if row[1] or row[2] or row[3]]
    hashes, names = known_keys(read, (row[2] for row in rows if row[2]), (row[1] for row in rows if row[1]))
    versions = _versions_here(read, [row[3] for row in rows if row[3]])
    counts: Counter[tuple[object, ...]] = Counter()
    shown: dict[tuple[object, ...], Counter[tuple[str, str | None, int]]] = {}
    for kind, name, hash, version_id, images, witness in rows:
        if version_id in versions or is_known(name, hash, hashes, names):
            continue
        key = ("version", version_id) if version_id else ("hash", hash) if hash else ("name", kind, name)
        counts[key] += images
        shown.setdefault(key, Counter())[kind, name, witness] += images
    called = {key: names.most_common(1)[0][0] for key, names in shown.items()}
    spelled = _spelled(read, {(name, witness) for _, name, witness in called.values() if name})
    found = [_missing(key, count, called[key], spelled) for key, count in counts.items()]
    return sorted(found, key=lambda one: (-one.images, one.name or "", one.hash or "", one.version_id or 0))


def _spelled(read: Statements, names: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Names as the images say them, by name and image: claims are kept in small letters, to be compared."""
    wanted = list(names)
    sql = "SELECT image_id, generation, file_meta, site_meta FROM image_meta WHERE image_id IN (?*)"
    texts = {row[0]: row[1:] for row in read.by_ids(sql, list({image_id for _, image_id in wanted}))}
    return {
        (name, image_id): found
        for name, image_id in wanted
        if (found := next(filter(None, (_spelling(name, text) for text in texts.get(image_id, ()))), None))
    }


def _spelling(name: str, text: str | None) -> str | None:
    """How a JSON text writes a name that is a value of its own, perhaps with a file's ending."""
    found = re.search(rf'"(?:[^"]*[/\\])?({re.escape(name)})(?:\.\w{{1,11}})?"', text or "", re.IGNORECASE)
    return found[1] if found else None


def _missing(
    key: tuple[object, ...],
    images: int,
    called: tuple[str, str | None, int],
    spelled: dict[tuple[str, int], str],
) -> Missing:
    kind, name, witness = called
    return Missing(
        kind=kind,
        name=spelled.get((name, witness), name) if name else None,
        hash=str(key[1]) if key[0] == "hash" else None,
        version_id=int(str(key[1])) if key[0] == "version" else None,
        images=images,
    )


def _versions_here(read: Statements, ids: Sequence[int]) -> set[int]:
    return {row[0] for row in read.by_ids("SELECT id FROM model_versions WHERE id IN (?*)", ids)}
