"""Model files that an A1111 text names: prompt tags, hash lists, extensions' keys and the site's JSON blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from pinako.catalog import air
from pinako.catalog.generation import Resource, UsedModel
from pinako.metadata.a1111_settings import LABELS, Infotext
from pinako.metadata.record import TAG, tag_weight, used_model
from pinako.metadata.resources import kind_of, resources_of
from pinako.metadata.values import float_of, hash_of, int_of, stem_of

_BRACKETED = re.compile(r"(.*?)\s*[\[(]([0-9a-fA-F]{6,64})[\])]\s*")
_TAG_TYPES = {"hypernet": "hypernet"}
_CONTROLNET = re.compile(r"ControlNet(?: |-)?\d*(?: Model)?")
_MAX_LISTED = 200
_MAX_NAME = 400
_MEMORABLE = 4000
_NAMING = ("Model", "Model hash", "VAE", "VAE hash", "Lora hashes", "TI hashes", "Refiner")
_SITE = frozenset({"Civitai resources", "Civitai metadata"})
USUAL = LABELS.keys() - {"Hires upscaler"}
"""Labels of which those in `_NAMING` are all that name files."""
_TEXT_OR_NONE = {str, type(None)}


class Files(msgspec.Struct, frozen=True):
    """What a text names: the wire's `hashes` and `resources`, and their records."""

    hashes: dict[str, str]
    listed: list[dict[str, Any]]
    resources: tuple[Resource, ...]
    model: UsedModel | None


def usual_files(parts: Infotext, meta: dict[str, Any]) -> Files | None:
    """The files of a text that has only the usual labels, filled into `meta`; None where `gather_resources` must look.

    Picture after picture of a folder is made with the same files, so what they come to is remembered.
    """
    settings = parts.settings
    if not settings.keys() <= USUAL or len(parts.prompt) > _MEMORABLE:
        return None
    said = tuple([settings.get(label) for label in _NAMING])
    if not {*map(type, said)} <= _TEXT_OR_NONE or sum([len(text) for text in said if text]) > _MEMORABLE:
        return None
    files = _files_of(said, tuple(TAG.findall(parts.prompt)) if "<" in parts.prompt else ())
    if files.hashes:
        meta["hashes"] = files.hashes.copy()
    if files.listed:
        meta["resources"] = [entry.copy() for entry in files.listed]
    return files


@lru_cache(maxsize=256)
def _files_of(said: tuple[str | None, ...], tags: tuple[tuple[str, str, str], ...]) -> Files:
    settings = {label: text for label, text in zip(_NAMING, said, strict=True) if text is not None}
    prompt = "".join(f"<{word}:{name}{weight}>" for word, name, weight in tags)
    meta: dict[str, Any] = settings.copy()
    gather_resources(Infotext(prompt=prompt, negative="", settings=settings), meta)
    resources = resources_of(meta)
    return Files(meta.get("hashes", {}), meta.get("resources", []), resources, used_model(meta, resources))


def gather_resources(parts: Infotext, meta: dict[str, Any]) -> dict[int, str]:
    """Fill `hashes`, `resources` and `civitaiResources` of `meta`. Returns the names that the site's block gives by
    version id: they are not part of its wire shape."""
    settings = parts.settings
    hashes = _hashes(settings)
    if hashes:
        meta["hashes"] = hashes
    listed = [*_models(settings), *_tagged(parts, hashes)]
    if len(hashes) > 1:
        listed += _embedded(hashes)
    if "Hypernet" in settings or "AddNet Enabled" in settings:
        listed += _extensions(settings)
    site, names, unnumbered = _site_resources(settings) if not _SITE.isdisjoint(settings) else ([], {}, [])
    if listed or unnumbered:
        meta["resources"] = _without_doubles([*listed, *unnumbered])
    if site:
        meta["civitaiResources"] = site
        meta.setdefault("resources", [])  # the site has both lists on its own pictures, this one empty
    controlnets = _controlnets(settings)
    if controlnets:
        meta["controlNets"] = controlnets
    return names


def named_hashes(text: Any) -> Iterator[tuple[str, str]]:
    """(name, hash) of `Lora hashes` and `TI hashes`, which are lists inside a quoted value."""
    if isinstance(text, dict):
        yield from ((str(name), value) for name, value in text.items() if isinstance(value, str))
    if not isinstance(text, str):
        return
    for part in text.split(",")[:_MAX_LISTED]:
        name, colon, digest = part.rpartition(":")
        if colon and name.strip() and hash_of(digest):
            yield name.strip(), digest.strip()


def _hashes(settings: dict[str, Any]) -> dict[str, str]:
    block = settings.get("Hashes")
    hashes = {}
    if isinstance(block, dict):
        hashes = {
            str(key): value
            for key, value in islice(block.items(), _MAX_LISTED)
            if isinstance(value, str) and hash_of(value)
        }
    for label, prefix in (("Lora hashes", "lora"), ("TI hashes", "embed")):
        if label in settings:
            for name, digest in named_hashes(settings[label]):
                hashes.setdefault(f"{prefix}:{name}", digest)
    for label, key in (("Model hash", "model"), ("VAE hash", "vae")):
        if label in settings and hash_of(settings[label]):
            hashes.setdefault(key, settings[label])
    if isinstance(settings.get("Refiner"), str):
        refiner = _BRACKETED.fullmatch(settings["Refiner"][:_MAX_NAME])
        if refiner:
            hashes.setdefault("refiner", refiner[2])
    return hashes


def _models(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name, digest = settings.get("Model"), settings.get("Model hash")
    if isinstance(name, str) and name and not name.startswith("urn:air:"):
        yield _entry("model", name, digest)
    elif hash_of(digest):
        yield _entry("model", None, digest)
    refiner = settings.get("Refiner")
    if isinstance(refiner, str) and refiner and refiner != "None":
        match = _BRACKETED.fullmatch(refiner[:_MAX_NAME])
        yield _entry("refiner", match[1] if match else refiner, match[2] if match else settings.get("Refiner hash"))


def _tagged(parts: Infotext, hashes: dict[str, str]) -> Iterator[dict[str, Any]]:
    seen = set()
    if "<" in parts.prompt:
        for match in islice(TAG.finditer(parts.prompt), _MAX_LISTED):
            kind = _TAG_TYPES.get(match[1].lower(), "lora")
            name = match[2].strip()
            seen.add((kind, stem_of(name).lower()))
            yield _entry(kind, name, hashes.get(f"{kind}:{name}"), tag_weight(match[3]))
    for key, digest in hashes.items():
        word, colon, name = key.partition(":")
        if colon and word in ("lora", "hypernet") and (word, stem_of(name).lower()) not in seen:
            yield _entry(word, name, digest)


def _embedded(hashes: dict[str, str]) -> Iterator[dict[str, Any]]:
    for key, digest in hashes.items():
        if key.startswith("embed:"):
            yield _entry("embed", key[6:], digest, 1.0)


def _extensions(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    hypernet = settings.get("Hypernet")
    if isinstance(hypernet, str) and hypernet not in ("", "None"):
        weight = float_of(settings.get("Hypernet strength"))
        yield _entry("hypernet", hypernet, settings.get("Hypernet hash"), 1.0 if weight is None else weight)
    if settings.get("AddNet Enabled") != "True":
        return
    for number in range(1, 11):
        model = settings.get(f"AddNet Model {number}")
        if not isinstance(model, str) or model in ("", "None"):
            continue
        match = _BRACKETED.fullmatch(model[:_MAX_NAME])
        weight = float_of(settings.get(f"AddNet Weight A {number}", settings.get(f"AddNet Weight {number}")))
        yield _entry("lora", match[1] if match else model, match[2] if match else None, weight)


def _controlnets(settings: dict[str, Any]) -> list[str]:
    found = []
    for key, value in settings.items():
        if key[:10] == "ControlNet" and _CONTROLNET.fullmatch(key):
            model = value.get("Model", value.get("model")) if isinstance(value, dict) else value
            if not (isinstance(value, dict) or key.endswith("Model")):
                continue
            if isinstance(model, str) and model not in ("", "None"):
                found.append(model.partition(" [")[0])
    return list(dict.fromkeys(found))


def _site_resources(
    settings: dict[str, Any],
) -> tuple[list[dict[str, Any]], dict[int, str], list[dict[str, Any]]]:
    """(credited by id, their names, those without an id)."""
    extra = settings.get("Civitai metadata")
    entries = [*_objects(settings.get("Civitai resources"))]
    known = {_version_of(entry)[0] for entry in entries}
    more = _objects(extra.get("resources") if isinstance(extra, dict) else None)
    entries += [entry for entry in more if _version_of(entry)[0] not in known]
    credited, names, unnumbered = [], {}, []
    for entry in entries:
        version, word = _version_of(entry)
        name = entry.get("modelName") or entry.get("name")
        name = name if isinstance(name, str) and name else None
        weight = float_of(entry.get("weight", entry.get("strength")))
        if version is None:
            if name:
                unnumbered.append(_entry(word or "other", name, entry.get("hash"), weight))
            continue
        credit: dict[str, Any] = {"type": word} if word else {}
        if weight is not None:
            credit["weight"] = weight
        credited.append(credit | {"modelVersionId": version})
        if name:
            names[version] = name
    return credited, names, unnumbered


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value[:_MAX_LISTED] if isinstance(entry, dict)] if isinstance(value, list) else []


def _version_of(entry: dict[str, Any]) -> tuple[int | None, str | None]:
    word = entry.get("type") if isinstance(entry.get("type"), str) else None
    version = int_of(entry.get("modelVersionId", entry.get("versionId")))
    if version is None and isinstance(entry.get("air"), str):
        urn = air.parse(entry["air"])
        if urn is not None:
            version, word = urn.model_version_id, word or urn.type
    return (version if version and 0 < version < 2**31 else None), word


def _entry(word: str, name: str | None, digest: Any, weight: float | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": word}
    if name:
        entry["name"] = name.strip()
    if weight is not None:
        entry["weight"] = weight
    if hash_of(digest):
        entry["hash"] = digest
    return entry


def _without_doubles(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(entries) == 1:
        return entries
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        key = (kind_of(entry["type"]), str(entry.get("name") or entry.get("hash")).lower())
        found[key] = entry | found.get(key, {})
    return list(found.values())
