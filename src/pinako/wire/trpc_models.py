"""Models and versions as tRPC sends them: the fragment of a list item, `model.getById`, `modelVersion.getById`."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog.images import FullImage
from pinako.catalog.people import Viewer
from pinako.catalog.resources import FullFile, FullModel, FullVersion, Model, ModelVersion, VersionInModel
from pinako.catalog.visibility import Standing, sees_version, version_standing
from pinako.wire.fragments import PUBLIC, encode, gate_of, raw
from pinako.wire.rest_files import hashes_of, words_of
from pinako.wire.superjson import Marks, date_marks, under
from pinako.wire.times import iso
from pinako.wire.trpc import Item, Reply, reply
from pinako.wire.trpc_images import TrpcUser, file_facts, trpc_user

IMAGES = 12
"""The most images of a list item."""


class TrpcRank(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All-time counts of a list item."""

    download_count: int
    thumbs_up_count: int
    thumbs_down_count: int
    comment_count: int
    collected_count: int
    tipped_amount_count: int


class ListVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The newest listed version inside a list item."""

    id: int
    index: int
    name: str
    early_access_time_frame: int
    base_model: str
    base_model_type: str | None
    created_at: str
    training_status: str | None
    published_at: str | None
    status: str
    flags: int
    availability: str
    nsfw_level: int
    description: str | None
    trained_words: msgspec.Raw
    vae_id: int | None
    covered: bool


class ListImage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A preview inside a list item."""

    id: int
    user_id: int
    name: str | None
    url: str
    nsfw_level: int
    width: int | None
    height: int | None
    hash: str | None
    type: str
    metadata: dict[str, Any]
    index: int
    post_id: int | None
    minor: bool
    poi: bool
    has_meta: bool
    has_positive_prompt: bool
    on_site: bool
    remix_of_id: int | None
    created_at: str
    tags: tuple[int, ...]


class ListModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list item without its gate and images."""

    id: int
    name: str
    type: str
    minor: bool
    sfw_only: bool
    poi: bool
    nsfw: bool
    nsfw_level: int
    status: str
    created_at: str
    last_version_at: str | None
    published_at: str | None
    locked: bool
    mode: str | None
    availability: str
    user_id: int
    rank: TrpcRank
    tags: tuple[int, ...]
    hidden_metrics: msgspec.Raw
    user: TrpcUser
    cosmetic: None = None
    can_generate: bool


class VersionPart(msgspec.Struct, frozen=True, array_like=True):
    """One version of a stored fragment: what decides who meets it, and what an item tells of it."""

    standing: int
    level: int
    base_model: str
    hashes: tuple[str, ...]
    gate_ends_at: int | None
    body: bytes
    marks: Marks

    def met_by(self, viewer: Viewer, owner_id: int) -> bool:
        """Whether this caller may know of the version."""
        return sees_version(Standing(self.standing), level=self.level, owner_id=owner_id, viewer=viewer)


class ModelParts(msgspec.Struct, frozen=True, array_like=True):
    """A stored fragment: head, its marks, each version, and each image with its gate."""

    head: bytes
    marks: Marks
    user_id: int
    versions: tuple[VersionPart, ...]
    images: tuple[tuple[int, bytes, Marks], ...]


_unpack = msgspec.msgpack.Decoder(ModelParts)


def write_model(full: FullModel) -> bytes:
    """The fragment of one model. `full.versions` are those that may be listed."""
    head = encode(_list_model(full))
    seen = {item.image.id: item for version in full.versions for item in version.previews}
    parts = ModelParts(
        head[:-1],
        date_marks(head),
        full.model.user_id,
        tuple(_version_part(full.model, item) for item in full.versions),
        tuple(_image_part(item) for item in seen.values()),
    )
    return msgspec.msgpack.encode(parts)


def split_model(body: bytes) -> ModelParts:
    """A stored fragment, unpacked once when it is cached."""
    return _unpack.decode(body)


def versions_met(parts: ModelParts, viewer: Viewer | None) -> list[VersionPart]:
    """The versions that this caller may know of, newest first; None: all."""
    return [part for part in parts.versions if viewer is None or part.met_by(viewer, parts.user_id)]


def images_seen(parts: ModelParts, sight: bytes) -> list[tuple[bytes, Marks]]:
    """The first images that `sight` (fragments.sight) lets through, each with its marks."""
    return [(text, marks) for gate, text, marks in parts.images if sight[gate]][:IMAGES]


def join_model(
    parts: ModelParts, *, sight: bytes, now: int, viewer: Viewer | None = None, public_only: bool = False
) -> Item:
    """One item as one viewer sees it: images by `sight` (fragments.sight), the gate by the clock.

    `viewer`: whose versions are told of; None: all. `public_only`: of those, the Public ones. Empty text where none is left.
    """
    met = [part for part in versions_met(parts, viewer) if not public_only or PUBLIC in part.body]
    if not met:
        return b"", ()
    seen = images_seen(parts, sight)
    newest = met[0]
    gated = newest.gate_ends_at is not None and newest.gate_ends_at > now
    deadline = encode(iso(newest.gate_ends_at)) if gated else b"null"
    hashes = encode([hash for part in met for hash in part.hashes])
    bases = encode(tuple(dict.fromkeys([part.base_model for part in met])))
    body = b"".join((
        parts.head, b',"hashes":', hashes, b',"baseModels":', bases, b',"version":', newest.body,
        b',"earlyAccessDeadline":', deadline, b',"images":[', b",".join([text for text, _ in seen]), b"]}",
    ))  # fmt: skip
    marks = [mark for i, (_, found) in enumerate(seen) for mark in under(found, f"images.{i}")]
    told = under(newest.marks, "version")
    return body, (*parts.marks, *told, *(("earlyAccessDeadline",) if gated else ()), *marks)


def _version_part(model: Model, full: FullVersion) -> VersionPart:
    version = full.version
    body = encode(_list_version(model, version))
    found = [hashes_of(file).get("SHA256", "") for file in full.files if file.file.visibility == "Public"]
    return VersionPart(
        version_standing(version),
        version.level,
        version.base_model,
        tuple(hash.lower() for hash in found if hash),
        version.gate_ends_at,
        body,
        date_marks(body),
    )


def _image_part(full: FullImage) -> tuple[int, bytes, Marks]:
    image = full.image
    body = encode(ListImage(
        id=image.id, user_id=image.user_id, name=image.name, url=image.media_key, nsfw_level=image.level,
        width=image.width, height=image.height, hash=image.blurhash, type=image.type, metadata=file_facts(full),
        index=image.idx, post_id=image.post_id, minor=image.minor, poi=image.poi, has_meta=image.has_meta,
        has_positive_prompt=image.has_prompt, on_site=image.on_site, remix_of_id=image.remix_of_id,
        created_at=iso(image.created_at), tags=tuple(tag.id for tag in full.tags),
    ))  # fmt: skip
    return gate_of(level=image.level, minor=image.minor, poi=image.poi), body, date_marks(body)


def _list_model(full: FullModel) -> ListModel:
    model = full.model
    return ListModel(
        id=model.id, name=model.name, type=model.type, minor=model.minor, sfw_only=model.sfw_only, poi=model.poi,
        nsfw=model.nsfw, nsfw_level=model.level, status=model.status, created_at=iso(model.created_at),
        last_version_at=iso(model.last_version_at), published_at=iso(model.published_at), locked=model.locked,
        mode=model.mode, availability=model.availability, user_id=model.user_id, rank=_rank(model),
        tags=tuple(tag.id for tag in full.tags), hidden_metrics=hidden_metrics(model), user=trpc_user(full.user),
        can_generate=model.supports_generation,
    )  # fmt: skip


def _rank(model: Model) -> TrpcRank:
    hidden = words_of(model.hidden_metrics)
    return TrpcRank(
        download_count=0 if "downloads" in hidden else model.download_count,
        thumbs_up_count=model.thumbs_up_count,
        thumbs_down_count=model.thumbs_down_count,
        comment_count=model.comment_count,
        collected_count=model.collected_count,
        tipped_amount_count=0 if "buzz" in hidden else model.tipped_amount,
    )


def hidden_metrics(model: Model) -> msgspec.Raw:
    """`{buzz, downloads, generations}`: which counts the creator hides."""
    hidden = words_of(model.hidden_metrics)
    return msgspec.Raw(encode({word: word in hidden for word in ("buzz", "downloads", "generations")}))


def _list_version(model: Model, version: ModelVersion) -> ListVersion:
    return ListVersion(
        id=version.id, index=version.idx, name=version.name, early_access_time_frame=0, base_model=version.base_model,
        base_model_type=version.base_model_type, created_at=iso(version.created_at),
        training_status=version.training_status, published_at=iso(version.published_at), status=version.status,
        flags=version.flags, availability=version.availability, nsfw_level=version.level,
        description=version.description, trained_words=raw(version.trained_words or "[]"), vae_id=version.vae_id,
        covered=model.supports_generation,
    )  # fmt: skip


# --- by id --------------------------------------------------------------------------------------------------------


class TrpcHash(msgspec.Struct, frozen=True, kw_only=True):
    """A hash of a file."""

    type: str
    hash: str


class TrpcFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A public file. `url` is where it is downloaded from: where its bytes lie is nobody's business."""

    id: int
    url: str
    size_kb: float = msgspec.field(name="sizeKB")
    name: str
    override_name: str | None
    type: str
    visibility: str
    metadata: dict[str, str]
    pickle_scan_result: str
    pickle_scan_message: str | None
    virus_scan_result: str
    virus_scan_message: str | None
    scanned_at: str | None
    model_version_id: int
    hashes: tuple[TrpcHash, ...]


def trpc_files(full: FullVersion) -> tuple[TrpcFile, ...]:
    """The public files of a version."""
    return tuple(_file(item) for item in full.files if item.file.visibility == "Public")


def _file(full: FullFile) -> TrpcFile:
    file = full.file
    facts = {"format": file.format or "Other", "size": file.size_word, "fp": file.fp, "quantType": file.quant_type}
    return TrpcFile(
        id=file.id, url=f"/api/download/models/{file.version_id}?fileId={file.id}", size_kb=file.size_kb,
        name=file.name, override_name=file.override_name, type=file.type, visibility=file.visibility,
        metadata={key: value for key, value in facts.items() if value is not None},
        pickle_scan_result=file.pickle_scan_result, pickle_scan_message=file.pickle_scan_message,
        virus_scan_result=file.virus_scan_result, virus_scan_message=file.virus_scan_message,
        scanned_at=iso(file.scanned_at), model_version_id=file.version_id,
        hashes=tuple(TrpcHash(type=kind, hash=hash) for kind, hash in hashes_of(full).items()),
    )  # fmt: skip


class TrpcPaidAccess(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An active gate."""

    ends_at: str | None
    timeframe_days: int | None = None
    terms: None = None


def paid_access(version: ModelVersion, now: int) -> TrpcPaidAccess | None:
    """The gate of a version, None where it is open."""
    return TrpcPaidAccess(ends_at=iso(version.gate_ends_at)) if version.gated(now) else None


class VersionOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a model is."""

    id: int


class VersionParent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The model of a version; its status tells what is gone from what never was."""

    id: int
    name: str
    type: str
    status: str
    published_at: str | None
    nsfw: bool
    upload_type: str
    user: VersionOwner
    availability: str


class VersionPost(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A post that credits a version."""

    id: int
    user_id: int | None = None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a version can generate here."""

    covered: bool


class TrpcVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`modelVersion.getById`. The members of older servers are there and null."""

    id: int
    name: str
    description: str | None
    base_model: str
    base_model_type: str | None
    trained_words: msgspec.Raw
    epochs: int | None
    steps: int | None
    clip_skip: int | None
    status: str
    created_at: str
    updated_at: str
    published_at: str | None
    training_details: msgspec.Raw
    training_status: str | None
    upload_type: str
    usage_control: str
    availability: str
    nsfw_level: int
    licensing_fee: float | None
    licensing_fee_type: None = None
    licensing_fee_settlement_currency: None = None
    licensing_source_version_id: None = None
    flags: int
    meta: msgspec.Raw
    model_id: int
    model: VersionParent
    files: tuple[TrpcFile, ...]
    posts: tuple[VersionPost, ...]
    require_auth: bool
    settings: msgspec.Raw
    recommended_resources: tuple[()] = ()
    monetization: None = None
    generation_coverage: Coverage
    can_generate: bool
    wildcard_set_id: None = None
    paid_access: TrpcPaidAccess | None
    donation_goal: None = None
    linked_components: tuple[()] = ()
    early_access_config: None = None
    early_access_ends_at: str | None
    vae_id: int | None


def version_reply(item: VersionInModel, now: int) -> Reply:
    """`modelVersion.getById`. Posts and files were cut for the caller already."""
    model, version = item.model, item.full.version
    access = paid_access(version, now)
    body = encode(TrpcVersion(
        id=version.id, name=version.name, description=version.description, base_model=version.base_model,
        base_model_type=version.base_model_type, trained_words=raw(version.trained_words or "[]"),
        epochs=version.epochs, steps=version.steps, clip_skip=version.clip_skip, status=version.status,
        created_at=iso(version.created_at), updated_at=iso(version.updated_at),
        published_at=iso(version.published_at), training_details=raw(version.training_details),
        training_status=version.training_status, upload_type=version.upload_type, usage_control=version.usage_control,
        availability=version.availability, nsfw_level=version.level, licensing_fee=version.licensing_fee,
        flags=version.flags, meta=raw(version.meta), model_id=model.id, model=_parent(model),
        files=trpc_files(item.full),
        posts=tuple(VersionPost(id=id, user_id=model.user_id) for id in item.full.post_ids),
        require_auth=version.require_auth, settings=raw(version.settings),
        generation_coverage=Coverage(covered=model.supports_generation), can_generate=model.supports_generation,
        paid_access=access, early_access_ends_at=access.ends_at if access else None, vae_id=version.vae_id,
    ))  # fmt: skip
    return reply(body, (*date_marks(body), "wildcardSetId?"))


def _parent(model: Model) -> VersionParent:
    return VersionParent(
        id=model.id, name=model.name, type=model.type, status=model.status, published_at=iso(model.published_at),
        nsfw=model.nsfw, upload_type=model.upload_type, user=VersionOwner(id=model.user_id),
        availability=model.availability,
    )  # fmt: skip
