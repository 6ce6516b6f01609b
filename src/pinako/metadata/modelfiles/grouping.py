"""Which model files belong together: versions of one model, and files of one version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from pinako.metadata.modelfiles.naming import NameHints, hints_of_name


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What grouping looks at, of one file. `key` is the caller's own (a path, an id); ids are the site's.

    `folder` keeps apart files of equal names in different places. `model_name` is a sidecar's, `title` the header's
    `modelspec.title` (not a trainer's output name, which is `last` for half the world).
    """

    key: str
    name: str
    folder: str = ""
    model_type: str | None = None
    base_model: str | None = None
    model_id: int | None = None
    version_id: int | None = None
    model_name: str | None = None
    version_name: str | None = None
    title: str | None = None
    sha256: str | None = None
    file_type: str = "Model"
    size: str | None = None
    fp: str | None = None
    quant_type: str | None = None


class GroupedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file's place in its version, with the traits by which the name sets it apart from its siblings."""

    key: str
    file_type: str
    size: str | None
    fp: str | None
    quant_type: str | None


class GroupedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version: its name, the site's id where known, and its files, the most primary kind first."""

    name: str
    version_id: int | None
    base_model: str | None
    files: tuple[GroupedFile, ...]


class GroupedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model: its name and type, the site's id where known, and its versions, newest name first."""

    name: str
    model_id: int | None
    model_type: str | None
    versions: tuple[GroupedVersion, ...]


class _Placed(msgspec.Struct, frozen=True):
    facts: FileFacts
    hints: NameHints


# Parts that ship beside a checkpoint of the same name become files of its version, not models.
_COMPONENTS = {
    "VAE": "VAE", "TextEncoder": "Text Encoder", "CLIPVision": "CLIPVision", "UNet": "UNet",
}  # fmt: skip
_EMPTY_TITLES = {"lora", "model", "last", "untitled", "output", "test", "checkpoint", "mylora", "mymodel", "default"}
_DEFAULT_VERSION = "v1.0"


def group_files(files: Iterable[FileFacts]) -> tuple[GroupedModel, ...]:
    """The models that these files make, in the order in which their first file came. Every file is in exactly one.

    The site's ids decide first. Then a model's name (sidecar's, else the file name without version and packing words)
    within one folder and model type; files whose headers bear one title are together whatever they are called. Variants
    that differ only in packing (pruned, fp16, Q4_K_M) are files of one version. Files that agree in all this but not in
    content become versions of their own, so that nothing is ever hidden behind another file.
    """
    placed = [_Placed(facts, hints_of_name(facts.name)) for facts in files]
    homes = _component_homes(placed)
    titles: dict[tuple[object, ...], tuple[object, ...]] = {}
    by_model: dict[tuple[object, ...], list[_Placed]] = {}
    for one in placed:
        key = _model_key(one, homes)
        title_key = _title_key(one)
        if title_key is not None and one.facts.model_id is None:
            key = titles.setdefault((*key[:3], title_key), key)
        by_model.setdefault(key, []).append(one)
    return tuple(_model(members) for members in by_model.values())


def _component_homes(placed: Sequence[_Placed]) -> set[tuple[str, str]]:
    return {(one.facts.folder, one.hints.key) for one in placed if one.facts.model_type == "Checkpoint"}


def _is_component(one: _Placed, homes: set[tuple[str, str]]) -> bool:
    return one.facts.model_type in _COMPONENTS and (one.facts.folder, one.hints.key) in homes


def _model_key(one: _Placed, homes: set[tuple[str, str]]) -> tuple[object, ...]:
    facts = one.facts
    if facts.model_id is not None:
        return ("id", facts.model_id)
    kind = "Checkpoint" if _is_component(one, homes) else facts.model_type
    return ("name", facts.folder, kind, _model_name_key(one))


def _model_name_key(one: _Placed) -> str:
    stated = one.facts.model_name or ""
    return hints_of_name(stated).key if stated else one.hints.key


def _title_key(one: _Placed) -> str | None:
    # A header's title often carries the version too ("Calm Harbour v2"), so it is taken apart like a file name.
    key = hints_of_name(one.facts.title).key if one.facts.title else ""
    return key if len(key) > 3 and key not in _EMPTY_TITLES else None


def _model(members: list[_Placed]) -> GroupedModel:
    by_version: dict[tuple[object, ...], list[_Placed]] = {}
    for one in members:
        by_version.setdefault(_version_key(one), []).append(one)
    versions = [version for group in by_version.values() for version in _versions(group)]
    versions.sort(key=lambda version: version_order(version.name), reverse=True)
    return GroupedModel(
        name=_model_name(members),
        model_id=next((one.facts.model_id for one in members if one.facts.model_id is not None), None),
        model_type=_model_type(members),
        versions=tuple(_distinct(versions)),
    )


def _model_name(members: list[_Placed]) -> str:
    for one in members:
        if one.facts.model_name:
            return one.facts.model_name
    titled = [one.facts.title for one in members if one.facts.title]
    if titled and len(titled) == len(members):
        hints = hints_of_name(titled[0])
        return hints.model if len(members) > 1 else titled[0]
    return members[0].hints.model


def _model_type(members: list[_Placed]) -> str | None:
    types = [one.facts.model_type for one in members if one.facts.model_type is not None]
    return next((kind for kind in types if kind not in _COMPONENTS), types[0] if types else None)


def _version_key(one: _Placed) -> tuple[object, ...]:
    facts = one.facts
    if facts.version_id is not None:
        return ("id", facts.version_id)
    name = facts.version_name or ""
    return ("name", hints_of_name(name).key if name else one.hints.version_key)


def _versions(group: list[_Placed]) -> list[GroupedVersion]:
    """The group as one version, with files that collide in every trait moved out to versions of their own."""
    kept: list[_Placed] = []
    extra: list[list[_Placed]] = []
    seen: dict[tuple[object, ...], _Placed] = {}
    for one in group:
        traits = _traits(one)
        twin = traits in seen and not _same_bytes(seen[traits], one)
        if one.facts.version_id is None and (twin or _other_base(kept, one)):
            extra.append([one])
        else:
            seen.setdefault(traits, one)
            kept.append(one)
    return [_version(members) for members in [kept, *extra]]


def _other_base(kept: list[_Placed], one: _Placed) -> bool:
    bases = {other.facts.base_model for other in kept} - {None}
    return one.facts.base_model is not None and bool(bases) and one.facts.base_model not in bases


def _same_bytes(one: _Placed, other: _Placed) -> bool:
    return one.facts.sha256 is not None and one.facts.sha256 == other.facts.sha256


def _traits(one: _Placed) -> tuple[object, ...]:
    file = _file(one)
    inpainting = "inpaint" in one.facts.name.lower()
    extension = one.facts.name.rsplit(".", 1)[-1].lower()
    return (file.file_type, file.size, file.fp, file.quant_type, extension, inpainting)


def _version(members: list[_Placed]) -> GroupedVersion:
    ordered = sorted(members, key=lambda one: one.facts.model_type in _COMPONENTS)
    first = ordered[0]
    version_id = next((one.facts.version_id for one in members if one.facts.version_id is not None), None)
    stated = next((one.facts.version_name for one in members if one.facts.version_name), None)
    base_model = next((one.facts.base_model for one in ordered if one.facts.base_model), None)
    return GroupedVersion(
        name=stated or first.hints.version or _version_of_title(first) or _DEFAULT_VERSION,
        version_id=version_id,
        base_model=base_model,
        files=tuple(_file(one, beside=len(members) > 1) for one in ordered),
    )


def _version_of_title(one: _Placed) -> str:
    return hints_of_name(one.facts.title).version if one.facts.title else ""


def _file(one: _Placed, *, beside: bool = True) -> GroupedFile:
    facts, hints = one.facts, one.hints
    file_type = facts.file_type
    if beside and facts.file_type == "Model":
        file_type = _COMPONENTS.get(facts.model_type or "", "Model")
        if hints.part == "Negative" and facts.model_type == "TextualInversion":
            file_type = "Negative"
    return GroupedFile(
        key=facts.key,
        file_type=file_type,
        size=hints.size or facts.size,
        fp=facts.fp or hints.fp,
        quant_type=facts.quant_type or hints.quant_type,
    )


def _distinct(versions: list[GroupedVersion]) -> list[GroupedVersion]:
    """The versions with names that nobody can mistake: a repeated one gets a number."""
    seen: dict[str, int] = {}
    named: list[GroupedVersion] = []
    for version in versions:
        count = seen[version.name] = seen.get(version.name, 0) + 1
        name = version.name if count == 1 else f"{version.name} ({count})"
        named.append(msgspec.structs.replace(version, name=name))
    return named


def version_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `v10` comes after `v9` and `final` after numbers; for names of versions of one model."""
    parts = re.findall(r"\d+|[^\W\d_]+", name.casefold())
    return tuple((0, int(part[:18]), "") if part.isdecimal() else (_word_rank(part), 0, part) for part in parts)


def _word_rank(word: str) -> int:
    if word in ("v", "ver", "version"):
        return 0
    return -1 if word in ("alpha", "beta", "rc", "preview", "test", "epoch", "e", "step") else 1
