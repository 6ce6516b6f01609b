"""`model.getById`: one model in full, with its versions, files and counts, as tRPC sends it (trpc.md 8.2)."""

from __future__ import annotations

import msgspec

from pinako.catalog.resources import FullModel, FullVersion, Model
from pinako.wire.fragments import encode, raw
from pinako.wire.rest_files import hashes_of, words_of
from pinako.wire.superjson import Marks, date_marks
from pinako.wire.times import iso
from pinako.wire.trpc import Reply, reply
from pinako.wire.trpc_images import TrpcUser, trpc_user
from pinako.wire.trpc_models import (
    Coverage,
    TrpcFile,
    TrpcPaidAccess,
    VersionPost,
    hidden_metrics,
    paid_access,
    trpc_files,
)
from pinako.wire.trpc_posts import PostTag

_UNDEFINED = ("metrics", "flags", "wildcardSetId")


class ModelRank(msgspec.Struct, frozen=True, kw_only=True):
    """All-time counts of a model, in the spelling of this body."""

    downloadCountAllTime: int | None
    thumbsUpCountAllTime: int
    thumbsDownCountAllTime: int
    commentCountAllTime: int
    tippedAmountCountAllTime: int | None
    imageCountAllTime: int
    collectedCountAllTime: int
    generationCountAllTime: int | None


class VersionRank(msgspec.Struct, frozen=True, kw_only=True):
    """All-time counts of a version."""

    downloadCountAllTime: int | None
    thumbsUpCountAllTime: int
    thumbsDownCountAllTime: int
    imageCountAllTime: int


class TagOnModel(msgspec.Struct, frozen=True, kw_only=True):
    """A tag, one level down as the original has it."""

    tag: PostTag


class ModelUser(TrpcUser, frozen=True, kw_only=True, rename="camel"):
    """The creator, with a rank that nobody has here."""

    rank: None = None


class BodyVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A version inside the model. It has no images: clients ask the feed for them."""

    id: int
    model_id: int
    name: str
    description: str | None
    steps: int | None
    epochs: int | None
    clip_skip: int | None
    created_at: str
    updated_at: str
    trained_words: msgspec.Raw
    training_status: str | None
    training_details: msgspec.Raw
    inaccurate: bool = False
    base_model: str
    base_model_type: str | None
    availability: str
    status: str
    published_at: str | None
    meta: msgspec.Raw
    settings: msgspec.Raw
    require_auth: bool
    nsfw_level: int
    upload_type: str
    usage_control: str
    licensing_fee: float | None
    effective_licensing_fee: float | None
    files: tuple[TrpcFile, ...]
    generation_coverage: Coverage
    recommended_resources: tuple[()] = ()
    linked_components: tuple[()] = ()
    posts: tuple[VersionPost, ...]
    hashes: tuple[str, ...]
    rank: VersionRank
    hidden_metrics: msgspec.Raw
    early_access_deadline: str | None
    paid_access: TrpcPaidAccess | None
    donation_goal: None = None
    can_download: bool
    can_generate: bool
    metrics: None = None
    flags: None = None
    wildcard_set_id: None = None


class TrpcModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`model.getById`."""

    id: int
    name: str
    description: str | None
    poi: bool
    minor: bool
    sfw_only: bool
    is_official: bool = False
    nsfw_level: int
    nsfw: bool
    type: str
    upload_type: str
    created_at: str
    updated_at: str
    deleted_at: str | None
    deleted_by: None = None
    status: str
    checkpoint_type: str | None
    allow_no_credit: bool
    allow_commercial_use: msgspec.Raw
    allow_derivatives: bool
    allow_different_license: bool
    licenses: tuple[()] = ()
    published_at: str | None
    last_version_at: str | None
    locked: bool
    meta: msgspec.Raw
    mode: str | None
    availability: str
    locked_properties: tuple[()] = ()
    report_stats: None = None
    gallery_settings: msgspec.Raw
    user: ModelUser
    model_versions: tuple[BodyVersion, ...]
    metrics: None = None
    hidden_metrics: msgspec.Raw
    rank: ModelRank
    can_generate: bool
    has_suggested_resources: bool = False
    minor_flagged: bool = False
    minor_appeal: None = None
    tags_on_models: tuple[TagOnModel, ...]


def model_reply(full: FullModel, now: int) -> Reply:
    """The whole model. `full.versions` are those that the caller may see."""
    model = full.model
    user = trpc_user(full.user)
    body = encode(TrpcModel(
        id=model.id, name=model.name, description=model.description, poi=model.poi, minor=model.minor,
        sfw_only=model.sfw_only, nsfw_level=model.level, nsfw=model.nsfw, type=model.type,
        upload_type=model.upload_type, created_at=iso(model.created_at), updated_at=iso(model.updated_at),
        deleted_at=iso(model.deleted_at), status=model.status, checkpoint_type=model.checkpoint_type,
        allow_no_credit=model.allow_no_credit, allow_commercial_use=raw(model.allow_commercial_use or "[]"),
        allow_derivatives=model.allow_derivatives, allow_different_license=model.allow_different_license,
        published_at=iso(model.published_at), last_version_at=iso(model.last_version_at), locked=model.locked,
        meta=raw(model.meta), mode=model.mode, availability=model.availability,
        gallery_settings=raw(model.gallery_settings),
        user=ModelUser(id=user.id, username=user.username, image=user.image, deleted_at=user.deleted_at),
        model_versions=tuple(_version(model, item, now) for item in full.versions),
        hidden_metrics=hidden_metrics(model), rank=_rank(model), can_generate=model.supports_generation,
        tags_on_models=tuple(
            TagOnModel(tag=PostTag(id=tag.id, name=tag.name, is_category=tag.is_category)) for tag in full.tags
        ),
    ))  # fmt: skip
    return reply(body, (*date_marks(body), "metrics?", *_absent(full, now)))


def _absent(full: FullModel, now: int) -> Marks:
    """The members of versions that the original leaves undefined."""
    return tuple(
        f"modelVersions.{at}.{name}?"
        for at, item in enumerate(full.versions)
        for name in (*_UNDEFINED, *(() if paid_access(item.version, now) else ("earlyAccessDeadline",)))
    )


def _rank(model: Model) -> ModelRank:
    hidden = words_of(model.hidden_metrics)
    return ModelRank(
        downloadCountAllTime=None if "downloads" in hidden else model.download_count,
        thumbsUpCountAllTime=model.thumbs_up_count,
        thumbsDownCountAllTime=model.thumbs_down_count,
        commentCountAllTime=model.comment_count,
        tippedAmountCountAllTime=None if "buzz" in hidden else model.tipped_amount,
        imageCountAllTime=model.image_count,
        collectedCountAllTime=model.collected_count,
        generationCountAllTime=None if "generations" in hidden else model.generation_count,
    )


def _version(model: Model, full: FullVersion, now: int) -> BodyVersion:
    version, access = full.version, paid_access(full.version, now)
    downloads = version.usage_control == "Download" and model.mode != "Archived"
    hidden = "downloads" in words_of(model.hidden_metrics)
    hashes = [hashes_of(file).get("SHA256", "").lower() for file in full.files if file.file.visibility == "Public"]
    return BodyVersion(
        id=version.id, model_id=model.id, name=version.name, description=version.description, steps=version.steps,
        epochs=version.epochs, clip_skip=version.clip_skip, created_at=iso(version.created_at),
        updated_at=iso(version.updated_at), trained_words=raw(version.trained_words or "[]"),
        training_status=version.training_status, training_details=raw(version.training_details),
        base_model=version.base_model, base_model_type=version.base_model_type, availability=version.availability,
        status=version.status, published_at=iso(version.published_at), meta=raw(version.meta),
        settings=raw(version.settings), require_auth=version.require_auth, nsfw_level=version.level,
        upload_type=version.upload_type, usage_control=version.usage_control, licensing_fee=version.licensing_fee,
        effective_licensing_fee=version.licensing_fee, files=trpc_files(full) if downloads else (),
        generation_coverage=Coverage(covered=model.supports_generation),
        posts=tuple(VersionPost(id=id) for id in full.post_ids), hashes=tuple(hash for hash in hashes if hash),
        rank=VersionRank(
            downloadCountAllTime=None if hidden else version.download_count,
            thumbsUpCountAllTime=version.thumbs_up_count, thumbsDownCountAllTime=version.thumbs_down_count,
            imageCountAllTime=version.image_count,
        ),
        hidden_metrics=hidden_metrics(model), early_access_deadline=access.ends_at if access else None,
        paid_access=access, can_download=downloads and access is None, can_generate=model.supports_generation,
    )  # fmt: skip
