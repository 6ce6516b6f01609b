"""Resources of a wire `meta` as records: every list that generators and the site use, merged and without doubles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from pinako.catalog import air
from pinako.catalog.generation import Resource
from pinako.metadata.values import float_of, hash_of, int_of, stem_of

_KINDS = {
    "model": "checkpoint", "checkpoint": "checkpoint", "ckpt": "checkpoint", "unet": "checkpoint", "refiner": "checkpoint",
    "diffusionmodel": "checkpoint", "main": "checkpoint", "base": "checkpoint",
    "lora": "lora", "locon": "lora", "lycoris": "lora", "lyco": "lora", "dora": "lora", "addnet": "lora", "loha": "lora",
    "embed": "embedding", "embedding": "embedding", "textualinversion": "embedding", "ti": "embedding",
    "hypernet": "hypernetwork", "hypernetwork": "hypernetwork",
    "vae": "vae", "upscaler": "upscaler", "upscale": "upscaler", "controlnet": "controlnet",
}  # fmt: skip
_MORE = frozenset(
    {"civitaiResources", "additionalResources", "models", "vaes", "upscalers", "controlNets", "VAE", "Hires upscaler"}
)
_REMEMBERED = 400
_LISTS = (("models", "checkpoint"), ("vaes", "vae"), ("upscalers", "upscaler"), ("controlNets", "controlnet"))


def kind_of(word: str | None) -> str:
    """The normalised kind of a generator's or the site's type word; unknown words are `other`."""
    return _KINDS.get(word or "") or _KINDS.get((word or "").lower().replace(" ", "").replace("_", ""), "other")


def name_or_air(text: str) -> tuple[str | None, int | None, str | None]:
    """(name, version id, type word) of a loader's value, which on the site is an AIR instead of a file name."""
    if text.startswith("urn:air:") or (text.startswith("civitai:") and "@" in text):
        urn = air.parse(text)
        if urn is not None:
            return (None if urn.model_version_id else urn.id), urn.model_version_id, urn.type
    return stem_of(text) or None, None, None


def resources_of(meta: Mapping[str, Any], names: Mapping[int, str] | None = None) -> tuple[Resource, ...]:
    """Every resource that a `meta` names, in its order. `names` are version names that the file itself gave by id."""
    if _MORE.isdisjoint(meta):
        plain = _only_listed(meta)
        if plain is not None:
            return plain
    found: dict[tuple[Any, ...], Resource] = {}
    for resource in _all(meta, names or {}):
        key = _key(resource, found)
        if key is not None:
            found[key] = _merged(found[key], resource) if key in found else resource
    return tuple(found.values())


def _only_listed(meta: Mapping[str, Any]) -> tuple[Resource, ...] | None:
    """The usual case, a short list of different named files whose hashes are in it; None for any other."""
    entries = meta.get("resources")
    if not isinstance(entries, list) or len(entries) > 20:
        return None
    found = tuple([_listed(entry) for entry in entries if isinstance(entry, dict)])
    names = {(one.kind, one.name) for one in found}
    if len(names) != len(found) or any(one.name is None for one in found):
        return None
    hashes = meta.get("hashes")
    if isinstance(hashes, dict):
        said = {one.hash for one in found}
        if not all(hash_of(value) in said for value in hashes.values()):
            return None
    return found


def _all(meta: Mapping[str, Any], names: Mapping[int, str]) -> Iterator[Resource]:
    said = set()
    for entry in _objects(meta.get("resources")):
        resource = _listed(entry)
        said.add(resource.hash)
        yield resource
    for entry in _objects(meta.get("civitaiResources")):
        yield _credited(entry, names)
    for entry in _objects(meta.get("additionalResources")):
        yield _loaded(entry)
    for key, kind in _LISTS:
        for text in _texts(meta.get(key)):
            name, version, word = name_or_air(text)
            yield Resource(kind=kind_of(word) if word else kind, name=name, model_version_id=version, raw_type=key)
    vae = meta.get("VAE")
    if isinstance(vae, str) and vae not in ("None", "Automatic", ""):
        digest = hash_of(meta.get("VAE hash"))
        said.add(digest)
        yield Resource(kind="vae", name=stem_of(vae), hash=digest, raw_type="VAE")
    yield from _hashed(meta.get("hashes"), said)
    upscaler = meta.get("Hires upscaler")
    if isinstance(upscaler, str) and upscaler not in ("None", "Latent", "") and not upscaler.startswith("Latent"):
        yield Resource(kind="upscaler", name=stem_of(upscaler), raw_type="Hires upscaler")


def _listed(entry: dict[str, Any]) -> Resource:
    word, name, digest = entry.get("type"), entry.get("name"), entry.get("hash")
    word = word if isinstance(word, str) else None
    name = name if isinstance(name, str) else None
    return make_resource(word, name, digest if isinstance(digest, str) else None, float_of(entry.get("weight")))


def make_resource(word: str | None, name: str | None, digest: str | None, weight: float | None) -> Resource:
    """The record of one listed file. The same files come with picture after picture, so records are remembered."""
    if len(word or "") + len(name or "") + len(digest or "") > _REMEMBERED:
        return _make.__wrapped__(word, name, digest, weight)
    return _make(word, name, digest, weight)


@lru_cache(maxsize=1024)
def _make(word: str | None, name: str | None, digest: str | None, weight: float | None) -> Resource:
    return Resource(
        kind=kind_of(word), name=stem_of(name) or None if name else None, hash=hash_of(digest), weight=weight,
        raw_type=word,
    )  # fmt: skip


def _credited(entry: dict[str, Any], names: Mapping[int, str]) -> Resource:
    word = entry.get("type") if isinstance(entry.get("type"), str) else None
    version = int_of(entry.get("modelVersionId"))
    return Resource(
        kind=kind_of(word), name=names.get(version or 0), weight=float_of(entry.get("weight")),
        model_version_id=version, raw_type=word,
    )  # fmt: skip


def _loaded(entry: dict[str, Any]) -> Resource:
    word = entry.get("type") if isinstance(entry.get("type"), str) else None
    urn, name = entry.get("air"), entry.get("name")
    stem, version, _type = name_or_air(urn if isinstance(urn, str) else name if isinstance(name, str) else "")
    return Resource(
        kind=kind_of(word), name=stem, weight=float_of(entry.get("strength")), model_version_id=version,
        raw_type=word, hash=hash_of(entry.get("hash")),
    )  # fmt: skip


def _hashed(hashes: Any, said: set[str | None]) -> Iterator[Resource]:
    if not isinstance(hashes, dict):
        return
    for key, value in islice(hashes.items(), 300):
        digest = hash_of(value)
        if digest is None or digest in said:
            continue
        word, colon, name = str(key).partition(":")
        if colon or word in ("model", "vae", "refiner"):
            yield Resource(kind=kind_of(word), name=stem_of(name) or None, hash=digest, raw_type=word)


def _key(resource: Resource, found: Mapping[tuple[Any, ...], Resource]) -> tuple[Any, ...] | None:
    if resource.model_version_id is not None:
        return ("version", resource.model_version_id)
    if resource.name:
        return (resource.kind, "name", resource.name.lower())
    if resource.hash is None:
        return None
    same = resource.hash.lower()
    for key, other in found.items():
        if other.kind == resource.kind and other.hash and _same_hash(other.hash.lower(), same):
            return key
    return (resource.kind, "hash", same)


def _same_hash(one: str, other: str) -> bool:
    # The 10-letter AutoV2 is the start of the SHA-256, so both may stand for one file.
    return one.startswith(other) or other.startswith(one)


def _merged(one: Resource, other: Resource) -> Resource:
    return Resource(
        kind=one.kind if one.kind != "other" else other.kind,
        name=one.name or other.name,
        hash=one.hash or other.hash,
        weight=one.weight if one.weight is not None else other.weight,
        model_version_id=one.model_version_id or other.model_version_id,
        raw_type=one.raw_type or other.raw_type,
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value[:200] if isinstance(entry, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [entry for entry in value[:200] if isinstance(entry, str) and entry] if isinstance(value, list) else []
