"""Bodies of the version doors of REST v1: by id, by hash, the batch calls, and the small one that generators ask."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from pinako.catalog import air
from pinako.catalog.images import FullImage
from pinako.catalog.primary import primary_file
from pinako.catalog.resources import FullFile, HashMatch, Model, ModelVersion, VersionInModel
from pinako.errors import NotFound
from pinako.wire.fragments import ORIGIN, address, encode, raw
from pinako.wire.rest_files import RestFile, download_path, hashes_of, listed_files
from pinako.wire.rest_models import PaidAccess, RestPreview, VersionStats, preview, version_stats
from pinako.wire.times import iso

PREVIEWS = 10
"""The most previews of a version at its own door."""


class VersionModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The model as its version tells of it."""

    name: str
    type: str
    nsfw: bool
    poi: bool
    mode: str | UnsetType = UNSET


class VersionPreview(RestPreview, frozen=True, kw_only=True, rename="camel"):
    """A preview at the version doors, which also has the file's facts."""

    metadata: msgspec.Raw
    availability: str


class RestVersionBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`/model-versions/:id` and `/by-hash/:hash`. `modelName`, `availability`, `earlyAccessEndsAt`: rest.md 20.29."""

    id: int
    model_id: int
    model_name: str
    name: str
    nsfw_level: int
    created_at: str
    updated_at: str
    status: str
    published_at: str | None
    availability: str
    trained_words: msgspec.Raw
    training_status: str | None
    training_details: msgspec.Raw
    base_model: str
    base_model_type: str | None
    description: str | None
    upload_type: str
    usage_control: str
    licensing_fee: float | None
    early_access_ends_at: str | None
    paid_access: PaidAccess | None
    air: str
    stats: VersionStats
    model: VersionModel
    files: tuple[RestFile, ...]
    images: tuple[VersionPreview, ...]
    download_url: msgspec.Raw | UnsetType = UNSET


class HashPair(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of `POST …/by-hash/ids`."""

    model_version_id: int
    model_id: int
    hash: str


class MiniBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`/model-versions/mini/:id`: what a generator needs to fetch one file."""

    air: str
    version_name: str
    model_name: str
    user_id: int
    base_model: str
    availability: str
    published_at: str | None
    size: float | None
    file_type: str
    file_name: str
    hashes: dict[str, str]
    download_urls: tuple[msgspec.Raw, ...]
    format: str | UnsetType = UNSET
    can_generate: bool
    is_featured: bool = False
    require_auth: bool
    check_permission: bool
    early_access_ends_at: str | UnsetType | None = UNSET
    free_trial_limit: int | UnsetType | None = UNSET
    additional_resource_charge: bool
    minor: bool
    sfw_only: bool
    fees: tuple[()] = ()
    payout_enabled: bool = True


def version_body(item: VersionInModel, now: int) -> bytes:
    """One version. Previews were cut for its caller already; marks are still in it: splice."""
    return encode(rest_version(item, now))


def versions_body(items: Iterable[VersionInModel], now: int) -> bytes:
    """The answer of `POST …/by-hash`: no nulls, the addresses of this host (rest.md 20.42)."""
    return encode([rest_version(item, now) for item in items])


def pairs_body(matches: Iterable[HashMatch]) -> bytes:
    """The answer of `POST …/by-hash/ids`."""
    return encode(
        [
            HashPair(model_version_id=match.version_id, model_id=match.model_id, hash=match.hash.upper())
            for match in matches
        ]
    )


def rest_version(item: VersionInModel, now: int) -> RestVersionBody:
    """The record behind a version's body."""
    model, version, files = item.model, item.full.version, item.full.files
    archived, taken_down = model.mode == "Archived", model.mode == "TakenDown"
    gated = version.gated(now)
    ends = iso(version.gate_ends_at) if gated else None
    url = address(f"{ORIGIN}/api/download/models/{version.id}")
    return RestVersionBody(
        id=version.id, model_id=model.id, model_name=model.name, name=version.name, nsfw_level=version.level,
        created_at=iso(version.created_at), updated_at=iso(version.updated_at), status=version.status,
        published_at=iso(version.published_at), availability=version.availability,
        trained_words=raw(version.trained_words or "[]"), training_status=version.training_status,
        training_details=raw(version.training_details), base_model=version.base_model,
        base_model_type=version.base_model_type, description=version.description, upload_type=version.upload_type,
        usage_control=version.usage_control, licensing_fee=version.licensing_fee, early_access_ends_at=ends,
        paid_access=PaidAccess(permanent=version.gate_permanent, ends_at=ends) if gated else None,
        air=air_of(model, version, files), stats=version_stats(model, version),
        model=VersionModel(
            name=model.name, type=model.type, nsfw=model.nsfw, poi=model.poi, mode=model.mode or UNSET
        ),
        files=() if archived else listed_files(model, version, files, always_primary=True),
        images=() if taken_down else tuple(_preview(full) for full in item.full.previews[:PREVIEWS]),
        download_url=UNSET if archived else url,
    )  # fmt: skip


def air_of(model: Model, version: ModelVersion, files: Iterable[FullFile], file_id: int | None = None) -> str:
    """The urn of a version; its type word may come from the primary file."""
    chosen = primary_file([full.file for full in files])
    return air.build(
        base_model=version.base_model, model_type=model.type, model_id=model.id, version_id=version.id,
        file_type=chosen.type if chosen else None, file_id=file_id,
    )  # fmt: skip


def _preview(full: FullImage) -> VersionPreview:
    plain = preview(full, meta=raw(full.meta))
    fields = {name: getattr(plain, name) for name in plain.__struct_fields__}
    return VersionPreview(**fields, metadata=raw(full.image.metadata or "{}"), availability=full.image.availability)


def mini_body(item: VersionInModel, now: int, file_id: int | None = None) -> bytes:
    """The small body, about one file: the asked one, else the primary. NotFound as the original words it."""
    model, version = item.model, item.full.version
    full = _chosen(item, file_id)
    file, gated = full.file, version.gated(now)
    check = gated or "Private" in (version.availability, model.availability)
    files = [other.file for other in item.full.files]
    return encode(MiniBody(
        air=air_of(model, version, [full], file_id), version_name=version.name, model_name=model.name,
        user_id=model.user_id, base_model=version.base_model, availability=version.availability,
        published_at=iso(version.published_at), size=file.size_kb, file_type=file.type, file_name=file.name,
        hashes=hashes_of(full),
        download_urls=(address(download_path(version.id, file, files, primary_file(files))),),
        format=file.format or UNSET, can_generate=model.supports_generation, require_auth=version.require_auth,
        check_permission=check,
        early_access_ends_at=(iso(version.gate_ends_at) if gated else None) if check else UNSET,
        free_trial_limit=None if check else UNSET,
        additional_resource_charge=file.size_kb > 10 * 1024 and model.type not in ("Checkpoint", "VAE"),
        minor=model.minor, sfw_only=model.sfw_only,
    ))  # fmt: skip


def _chosen(item: VersionInModel, file_id: int | None) -> FullFile:
    if file_id is not None:
        found = [full for full in item.full.files if full.file.id == file_id and full.file.visibility == "Public"]
        if not found:
            raise NotFound(f"Model file {file_id} not found in version {item.full.version.id}")
        return found[0]
    listed = [full for full in item.full.files if full.file.visibility == "Public"]
    best = primary_file([full.file for full in listed])
    if best is None:
        raise NotFound("Missing model file")
    return next(full for full in listed if full.file is best)
