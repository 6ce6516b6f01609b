"""Models of REST v1: one fragment for list items and for `/models/:id`, cut on joining to what a viewer may see.

The two doors of the original differ in small things; ours sends the union of both on both (rest.md 20.31, 20.57).
A stored fragment is msgpack: the item's head, then its versions, each with its files and previews apart.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from pinako.catalog.images import FullImage
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ModelQuery
from pinako.catalog.resources import FullModel, FullVersion, Model, ModelVersion
from pinako.catalog.visibility import Standing, sees_version, version_standing
from pinako.wire.delivery import preview_url
from pinako.wire.fragments import MEDIA, ORIGIN, PUBLIC, address, encode, gate_of, head_of, raw
from pinako.wire.rest_files import listed_files, words_of
from pinako.wire.rest_images import avatar
from pinako.wire.times import iso

PREVIEWS = 20
"""The most previews of a version in lists and models."""
EVERYTHING = b"\x01" * 256
"""The sight of a caller whose previews were cut already."""

SYSTEM_USER = -1


class RestCreator(msgspec.Struct, frozen=True, kw_only=True):
    """Who made a model."""

    username: str | None
    image: msgspec.Raw | None


class ModelStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All-time counts. A hidden one is null. The last three are the names of 2023 (rest.md 20.32)."""

    download_count: int | None
    thumbs_up_count: int
    thumbs_down_count: int
    comment_count: int
    tipped_amount_count: int | None
    favorite_count: int
    rating_count: int
    rating: float


class VersionStats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All-time counts of a version, with the names of 2023."""

    download_count: int | None
    thumbs_up_count: int
    thumbs_down_count: int
    rating_count: int
    rating: float


class RestModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item up to its versions."""

    id: int
    name: str
    description: str | None
    allow_no_credit: bool
    allow_commercial_use: str
    allow_derivatives: bool
    allow_different_license: bool
    type: str
    minor: bool
    sfw_only: bool
    poi: bool
    nsfw: bool
    nsfw_level: int
    availability: str
    mode: str | UnsetType = UNSET
    user_id: int
    cosmetic: None = None
    supports_generation: bool
    stats: ModelStats
    creator: RestCreator | UnsetType = UNSET
    tags: tuple[str, ...]


class RestVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A version inside a model, up to its gate, files and previews."""

    id: int
    index: int
    name: str
    base_model: str
    base_model_type: str | None
    created_at: str
    updated_at: str
    published_at: str | None
    status: str
    availability: str
    nsfw_level: int
    flags: int
    description: str | None
    trained_words: msgspec.Raw
    vae_id: int | None
    stats: VersionStats
    supports_generation: bool
    covered: bool
    download_url: msgspec.Raw | UnsetType = UNSET


class RestPreview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A version's preview image. `nsfw` is for programs of 2022 (rest.md 20.23); `meta` is null in lists (20.56)."""

    id: int
    url: msgspec.Raw
    nsfw_level: int
    nsfw: bool
    width: int | None
    height: int | None
    hash: str | None
    type: str
    minor: bool
    poi: bool
    has_meta: bool
    has_positive_prompt: bool
    on_site: bool
    remix_of_id: int | None
    meta: msgspec.Raw | None = None


class PaidAccess(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An active gate."""

    permanent: bool
    ends_at: str | None


class VersionPart(msgspec.Struct, frozen=True, array_like=True):
    """One version of a stored fragment."""

    id: int
    base_model: str
    level: int
    head: bytes
    gate_ends_at: int | None
    gate_permanent: bool
    files: bytes
    primary: bytes
    """The primary file alone, as a list; what `primaryFileOnly` shows."""
    previews: tuple[tuple[int, bytes], ...]
    standing: int

    def met_by(self, viewer: Viewer, owner_id: int) -> bool:
        """Whether this caller may know of the version."""
        return sees_version(Standing(self.standing), level=self.level, owner_id=owner_id, viewer=viewer)


class ModelParts(msgspec.Struct, frozen=True, array_like=True):
    """A stored fragment: everything of a model but what a viewer or a query decides."""

    head: bytes
    versions: tuple[VersionPart, ...]
    user_id: int


_unpack = msgspec.msgpack.Decoder(ModelParts)


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """What a query leaves of the versions and files of an item."""

    version_ids: tuple[int, ...] = ()
    base_models: tuple[str, ...] = ()
    public_only: bool = False
    primary_file_only: bool = False


ALL_OF_IT = Narrowing()


def write_model(full: FullModel) -> bytes:
    """The fragment of one model. `full.versions` are those that may be listed."""
    versions = tuple(_version_part(full.model, item) for item in full.versions)
    return msgspec.msgpack.encode(ModelParts(head_of(_model(full)), versions, full.model.user_id))


def split_model(body: bytes) -> ModelParts:
    """A stored fragment, unpacked once when it is cached."""
    return _unpack.decode(body)


def join_model(
    parts: ModelParts, *, sight: bytes, now: int, narrowing: Narrowing = ALL_OF_IT, viewer: Viewer | None = None
) -> bytes:
    """One item as one viewer sees it: previews by `sight` (fragments.sight), gates by the clock.

    `viewer`: whose versions are shown; None: all, they were cut already. Empty text where none is left.
    """
    met = [
        part
        for part in parts.versions
        if (viewer is None or part.met_by(viewer, parts.user_id)) and (not narrowing.public_only or PUBLIC in part.head)
    ]
    kept = [part for part in met if _kept(part, narrowing)]
    if not kept:
        return b""
    # Of all that is listed to the viewer, whatever versions and base models the query narrows to (rest.md 11).
    bases = encode(tuple(dict.fromkeys([part.base_model for part in met])))
    joined = b",".join([_join_version(part, sight, now, primary=narrowing.primary_file_only) for part in kept])
    return b"".join((parts.head, b',"baseModels":', bases, b',"modelVersions":[', joined, b"]}"))


def _kept(part: VersionPart, narrowing: Narrowing) -> bool:
    if narrowing.version_ids and part.id not in narrowing.version_ids:
        return False
    return not narrowing.base_models or part.base_model in narrowing.base_models


def _join_version(part: VersionPart, sight: bytes, now: int, *, primary: bool) -> bytes:
    seen = [text for gate, text in part.previews if sight[gate]][:PREVIEWS]
    return b"".join((
        part.head, _gate_text(part, now), b',"files":', part.primary if primary else part.files,
        b',"images":[', b",".join(seen), b"]}",
    ))  # fmt: skip


def _gate_text(part: VersionPart, now: int) -> bytes:
    ends = part.gate_ends_at
    if not part.gate_permanent and (ends is None or ends <= now):
        return b',"paidAccess":null'
    access = PaidAccess(permanent=part.gate_permanent, ends_at=iso(ends))
    deadline = b"" if ends is None else b',"earlyAccessDeadline":' + encode(iso(ends))
    return b',"paidAccess":' + encode(access) + deadline


def model_body(full: FullModel, now: int) -> bytes:
    """`/models/:id` of a model that was cut for its caller already. Marks are still in it: splice."""
    return join_model(split_model(write_model(full)), sight=EVERYTHING, now=now)


def _model(full: FullModel) -> RestModel:
    model = full.model
    creator = RestCreator(username=full.user.username, image=avatar(full.user))
    return RestModel(
        id=model.id, name=model.name, description=model.description, allow_no_credit=model.allow_no_credit,
        allow_commercial_use=brace_list(model.allow_commercial_use), allow_derivatives=model.allow_derivatives,
        allow_different_license=model.allow_different_license, type=model.type, minor=model.minor,
        sfw_only=model.sfw_only, poi=model.poi, nsfw=model.nsfw, nsfw_level=model.level,
        availability=model.availability, mode=model.mode or UNSET, user_id=model.user_id,
        supports_generation=model.supports_generation, stats=model_stats(model),
        creator=UNSET if model.user_id == SYSTEM_USER else creator, tags=tuple(tag.name for tag in full.tags),
    )  # fmt: skip


def brace_list(stored: str) -> str:
    """`["Image","Rent"]` as the database's own text of a list, `{Image,Rent}`, which is what DOC shows."""
    return "{" + ",".join(words_of(stored)) + "}"


def rating_of(up: int, down: int) -> float:
    """Thumbs as the five-star mean that 2023 sent; 0 where nobody voted."""
    return round(5 * up / (up + down), 2) if up + down else 0.0


def model_stats(model: Model) -> ModelStats:
    """The counts of a model; those that its creator hides are null, not 0 (rest.md 8.9)."""
    hidden = words_of(model.hidden_metrics)
    up, down = model.thumbs_up_count, model.thumbs_down_count
    return ModelStats(
        download_count=None if "downloads" in hidden else model.download_count,
        thumbs_up_count=up,
        thumbs_down_count=down,
        comment_count=model.comment_count,
        tipped_amount_count=None if "buzz" in hidden else model.tipped_amount,
        favorite_count=up,
        rating_count=up + down,
        rating=rating_of(up, down),
    )


def version_stats(model: Model, version: ModelVersion) -> VersionStats:
    """The counts of a version; downloads are hidden with the model's."""
    up, down = version.thumbs_up_count, version.thumbs_down_count
    return VersionStats(
        download_count=None if "downloads" in words_of(model.hidden_metrics) else version.download_count,
        thumbs_up_count=up,
        thumbs_down_count=down,
        rating_count=up + down,
        rating=rating_of(up, down),
    )


def _version_part(model: Model, full: FullVersion) -> VersionPart:
    version = full.version
    files = () if model.mode == "Archived" else listed_files(model, version, full.files, always_primary=False)
    primary = tuple(file for file in files if file.primary is True)
    previews = () if model.mode == "TakenDown" else full.previews
    return VersionPart(
        version.id,
        version.base_model,
        version.level,
        head_of(_version(model, version)),
        version.gate_ends_at,
        version.gate_permanent,
        encode(files),
        encode(primary),
        tuple((_gate(item), encode(preview(item))) for item in previews),
        version_standing(version),
    )


def _gate(full: FullImage) -> int:
    return gate_of(level=full.image.level, minor=full.image.minor, poi=full.image.poi)


def _version(model: Model, version: ModelVersion) -> RestVersion:
    url = address(f"{ORIGIN}/api/download/models/{version.id}")
    return RestVersion(
        id=version.id, index=version.idx, name=version.name, base_model=version.base_model,
        base_model_type=version.base_model_type, created_at=iso(version.created_at),
        updated_at=iso(version.updated_at), published_at=iso(version.published_at), status=version.status,
        availability=version.availability, nsfw_level=version.level, flags=version.flags,
        description=version.description, trained_words=raw(version.trained_words or "[]"), vae_id=version.vae_id,
        stats=version_stats(model, version), supports_generation=model.supports_generation,
        covered=model.supports_generation, download_url=UNSET if model.mode == "Archived" else url,
    )  # fmt: skip


def preview(full: FullImage, *, meta: msgspec.Raw | None = None) -> RestPreview:
    """One preview; `meta` only on the version doors."""
    image = full.image
    return RestPreview(
        id=image.id, url=address(preview_url(MEDIA, image.media_key, image.id, image.type)), nsfw_level=image.level,
        nsfw=image.level > 1, width=image.width, height=image.height, hash=image.blurhash, type=image.type,
        minor=image.minor, poi=image.poi, has_meta=image.has_meta, has_positive_prompt=image.has_prompt,
        on_site=image.on_site, remix_of_id=image.remix_of_id, meta=meta,
    )  # fmt: skip


def narrowed(query: ModelQuery) -> Narrowing:
    """What a query leaves of each item."""
    return Narrowing(
        version_ids=query.version_ids,
        base_models=query.base_models,
        public_only=query.public_versions,
        primary_file_only=query.primary_file_only,
    )
