"""What a `meta` says it was made with, as things to look up among stored versions (domain.md g, "Resolving resources")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pinako.metadata.resources import kind_of, name_or_air, resources_of
from pinako.metadata.values import float_of, hash_of, int_of, stem_of

EMPTY_SHA256 = "e3b0c44298fc"
"""SHA-256 of nothing: a trainer's bug makes thousands of LoRAs claim it."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One lookup: by version id where there is one, else by hash against stored hashes of any type, else by name only.

    `hash` is lower-case. `strength` is round(weight * 100): 100 where a list gives no weight, None for plain hashes.
    """

    kind: str
    hash: str | None = None
    version_id: int | None = None
    name: str | None = None
    weight: float | None = None
    strength: int | None = None


def resource_candidates(meta: Mapping[str, Any]) -> list[Candidate]:
    """Every candidate of a `meta`, in the order of the real rules, without doubles. Those with a name only cannot be
    resolved for certain; they are kept as text and shown as missing."""
    found: dict[tuple[str, Any], Candidate] = {}
    for candidate in _all(meta):
        key = _key(candidate)
        if key is not None:
            found.setdefault(key, candidate)
    hashed = {(found.kind, found.name.lower()) for found in found.values() if found.hash and found.name}
    return [one for one in found.values() if one.hash or one.version_id or (one.kind, _lower(one)) not in hashed]


def _all(meta: Mapping[str, Any]) -> Iterator[Candidate]:
    for entry in _entries(meta.get("resources")):
        name = entry.get("name") if isinstance(entry.get("name"), str) else None
        yield _candidate(_word(entry), entry.get("hash"), name=name, weight=entry.get("weight"), listed=True)
    hashes = meta.get("hashes")
    if isinstance(hashes, dict):
        for key, digest in hashes.items():
            word, _colon, name = str(key).partition(":")
            yield _candidate(word, digest, name=name or None)
    elif meta.get("Model hash"):
        model = meta.get("Model")
        yield _candidate("model", meta["Model hash"], name=model if isinstance(model, str) else None)
    for entry in _entries(meta.get("civitaiResources")):
        version = int_of(entry.get("modelVersionId"))
        yield _candidate(_word(entry), None, version=version, weight=entry.get("weight"), listed=True)
    for entry in _entries(meta.get("additionalResources")):
        urn = entry.get("air", entry.get("name"))
        stem, version, air_type = name_or_air(urn) if isinstance(urn, str) else (None, None, None)
        weight = entry.get("strength")
        yield _candidate(
            air_type or _word(entry), entry.get("hash"), name=stem, version=version, weight=weight, listed=True
        )
    listed_ids = meta.get("versionIds")
    for value in listed_ids[:200] if isinstance(listed_ids, list) else []:
        yield _candidate("other", None, version=int_of(value))
    for resource in resources_of({key: meta.get(key) for key in ("models", "vaes", "upscalers", "controlNets", "VAE")}):
        yield Candidate(kind=resource.kind, version_id=resource.model_version_id, name=resource.name)


def _candidate(
    word: str,
    digest: Any,
    *,
    name: str | None = None,
    version: int | None = None,
    weight: Any = None,
    listed: bool = False,
) -> Candidate:
    number = float_of(weight)
    strength = round(max(-100.0, min(100.0, 1.0 if number is None else number)) * 100) if listed else None
    clean = (hash_of(digest) or "").lower() or None
    if clean is not None and clean.startswith(EMPTY_SHA256):
        clean = None
    return Candidate(
        kind=kind_of(word), hash=clean, version_id=version if version and 0 < version < 2**31 else None,
        name=stem_of(name) or None if name else None, weight=number, strength=strength,
    )  # fmt: skip


def _key(candidate: Candidate) -> tuple[str, Any] | None:
    if (candidate.name or "").lower() == "vae" or (candidate.kind == "vae" and candidate.name is None):
        return None  # the real rules drop what is called only `vae`
    if candidate.version_id is not None:
        return ("version", candidate.version_id)
    if candidate.hash is not None:
        return ("hash", candidate.hash)
    return None if candidate.name is None else ("name", (candidate.kind, candidate.name.lower()))


def _entries(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value[:200] if isinstance(entry, dict)] if isinstance(value, list) else []


def _word(entry: Mapping[str, Any]) -> str:
    word = entry.get("type")
    return word if isinstance(word, str) else "other"


def _lower(candidate: Candidate) -> str:
    return (candidate.name or "").lower()
