"""From the client's records to rows: models, versions and files as their tables have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.client.records.models import ModelFile as FileRow
from pinako.intake.mirror.nouns import Home, at, json_of
from pinako.intake.mirror.upstream import ModelDocs, WholeModel, WholeVersion

GONE_STATUSES = frozenset({"Deleted", "Unpublished", "UnpublishedViolation"})


def model_of(docs: ModelDocs, home: Home, old: Model | None, own: Mapping[str, int], *, news: bool) -> Model:
    """A model's row. What upstream took away keeps the status that it had here; `own` goes on top of the counters.

    Without `news` upstream says what it said before: then what was edited here stays.
    """
    if old is not None and not news:
        return msgspec.structs.replace(old, fetched_at=home.now, **_counts(docs, old, own))
    best = docs.best
    created = at(best.created_at) or at(best.published_at) or _first_version(docs) or home.now
    base = old or Model(
        id=home.id,
        user_id=home.user_id,
        name=best.name,
        type=best.type or "Other",
        status=best.status or "Published",
        created_at=created,
        updated_at=home.now,
        source=home.source,
        source_id=home.source_id,
    )
    return msgspec.structs.replace(
        base,
        user_id=home.user_id,
        name=best.name or base.name,
        type=best.type or base.type,
        status=base.status if is_gone(best.status) and _was_listed(old) else best.status or base.status,
        description=best.description if best.description is not None else base.description,
        availability=best.availability or base.availability,
        upload_type=best.upload_type or base.upload_type,
        checkpoint_type=best.checkpoint_type or base.checkpoint_type,
        mode=best.mode,
        nsfw=best.nsfw,
        poi=best.poi or base.poi,
        minor=best.minor or base.minor,
        sfw_only=best.sfw_only,
        locked=best.locked,
        level=max(best.nsfw_level, 0) or base.level,
        meta=json_of(best.meta) if best.meta is not None else base.meta,
        gallery_settings=json_of(best.gallery_settings) if best.gallery_settings is not None else base.gallery_settings,
        allow_no_credit=best.allow_no_credit,
        allow_commercial_use=json_of(best.commercial_uses),
        allow_derivatives=best.allow_derivatives,
        allow_different_license=best.allow_different_license,
        supports_generation=best.can_generate or best.supports_generation,
        published_at=at(best.published_at) or base.published_at,
        last_version_at=at(best.last_version_at) or base.last_version_at,
        created_at=created if best.created_at is not None else base.created_at,
        updated_at=at(best.updated_at) or home.now,
        fetched_at=home.now,
        hidden_metrics=_hidden(best),
        **_counts(docs, base, own),
    )


def _was_listed(old: Model | None) -> bool:
    """Whether a model was here with its records, not only by its name."""
    return old is not None and old.last_version_at is not None


def is_gone(status: str) -> bool:
    """Whether upstream has taken a thing away."""
    return status in GONE_STATUSES


def _first_version(docs: ModelDocs) -> int | None:
    times = [at(version.created_at) for version, _ in docs.versions()]
    return min((time for time in times if time is not None), default=None)


def _hidden(best: WholeModel) -> str:
    return json_of([word for word, hidden in (best.hidden_metrics or {}).items() if hidden is True])


def _counts(docs: ModelDocs, base: Model, own: Mapping[str, int]) -> dict[str, Any]:
    """Counters; one that its creator hides is kept as it was, never read as zero."""
    given = [one.stats for one in (docs.trpc, docs.rest) if one is not None]
    changes: dict[str, Any] = {}
    for column, name in _COUNTERS.items():
        value = next((value for one in given if (value := getattr(one, name)) is not None), None)
        changes[column] = getattr(base, column) if value is None else value + own.get(column, 0)
    return changes


_COUNTERS = {
    "download_count": "download_count",
    "thumbs_up_count": "thumbs_up_count",
    "thumbs_down_count": "thumbs_down_count",
    "comment_count": "comment_count",
    "collected_count": "collected_count",
    "image_count": "image_count",
    "tipped_amount": "tipped_amount_count",
    "generation_count": "generation_count",
}


def version_of(
    version: WholeVersion,
    rest: WholeVersion | None,
    home: Home,
    *,
    model_id: int,
    place: int,
    old: ModelVersion | None,
    news: bool,
    own: int = 0,
) -> ModelVersion:
    """A version's row. `home.user_id` is not used: a version belongs to its model. `news`: as for a model; `own`: downloads
    that were made here."""
    beside = rest or version
    created = at(version.created_at) or at(beside.created_at) or home.now
    base = old or ModelVersion(
        id=home.id,
        model_id=model_id,
        name=version.name,
        status=version.status or "Published",
        created_at=created,
        updated_at=home.now,
        source=home.source,
        source_id=home.source_id,
    )
    gate = version.paid_access or beside.paid_access
    ends = at(gate.ends_at) if gate is not None else at(version.early_access_deadline or version.early_access_ends_at)
    counts = _version_counts(version, beside, base, own)
    idx = beside.index if beside.index is not None else place
    if old is not None and not news:
        return msgspec.structs.replace(old, idx=idx, fetched_at=home.now, **counts)
    return msgspec.structs.replace(
        base,
        model_id=model_id,
        idx=idx,
        name=version.name or base.name,
        description=version.description if version.description is not None else base.description,
        status=base.status if is_gone(version.status) and base.status == "Published" else version.status or base.status,
        base_model=version.base_model or base.base_model,
        base_model_type=version.base_model_type,
        trained_words=json_of(version.trained_words),
        steps=version.steps,
        epochs=version.epochs,
        clip_skip=version.clip_skip,
        vae_id=beside.vae_id,
        settings=json_of(version.settings) if version.settings is not None else base.settings,
        availability=version.availability or beside.availability or base.availability,
        usage_control=version.usage_control or base.usage_control,
        upload_type=version.upload_type or base.upload_type,
        training_status=version.training_status,
        training_details=json_of(version.training_details) if version.training_details is not None else None,
        require_auth=version.require_auth,
        level=version.nsfw_level or beside.nsfw_level or base.level,
        meta=json_of(version.meta) if version.meta is not None else base.meta,
        flags=beside.flags or 0,
        licensing_fee=version.licensing_fee,
        gate_ends_at=ends,
        gate_permanent=gate is not None and gate.ends_at is None,
        published_at=at(version.published_at) or at(beside.published_at) or base.published_at,
        created_at=created,
        updated_at=at(version.updated_at) or home.now,
        fetched_at=home.now,
        **counts,
    )


def _version_counts(version: WholeVersion, beside: WholeVersion, base: ModelVersion, own: int) -> dict[str, int]:
    def pick(name: str, old: int, own: int = 0) -> int:
        found = getattr(version.stats, name)
        found = found if found is not None else getattr(beside.stats, name)
        return int(found) + own if found is not None else old

    return {
        "download_count": pick("download_count", base.download_count, own),
        "thumbs_up_count": pick("thumbs_up_count", base.thumbs_up_count),
        "thumbs_down_count": pick("thumbs_down_count", base.thumbs_down_count),
        "image_count": pick("image_count", base.image_count),
    }


def file_of(file: FileRow, rest: FileRow | None, home: Home, *, version_id: int, old: ModelFile | None) -> ModelFile:
    """A file's row, bytes apart."""
    beside = rest or file
    facts = file.metadata or beside.metadata
    base = old or ModelFile(
        id=home.id,
        version_id=version_id,
        name=file.name or f"{home.source_id}.bin",
        created_at=at(file.scanned_at) or home.now,
        source=home.source,
        source_id=home.source_id,
    )
    return msgspec.structs.replace(
        base,
        version_id=version_id,
        name=file.name or base.name,
        override_name=file.override_name or base.override_name,
        size_kb=file.size_kb if file.size_kb is not None else base.size_kb,
        type=file.type or base.type,
        format=_word(facts, "format") or beside.format or base.format,
        size_word=_word(facts, "size"),
        fp=_word(facts, "fp"),
        quant_type=_word(facts, "quantType"),
        metadata=json_of(facts) if facts else base.metadata,
        pickle_scan_result=file.pickle_scan_result or base.pickle_scan_result,
        pickle_scan_message=file.pickle_scan_message,
        virus_scan_result=file.virus_scan_result or base.virus_scan_result,
        virus_scan_message=file.virus_scan_message,
        scanned_at=at(file.scanned_at) or base.scanned_at,
        visibility=file.visibility or base.visibility,
        fetched_at=home.now,
    )


def _word(facts: dict[str, Any], name: str) -> str | None:
    value = facts.get(name)
    return value if isinstance(value, str) and value else None


def hashes_of(file: FileRow) -> dict[str, str]:
    """Every hash of a file by its kind."""
    kinds = ("AutoV1", "AutoV2", "AutoV3", "SHA256", "CRC32", "BLAKE3")
    return {kind: value for kind in kinds if (value := file.hash(kind)) is not None}
