"""From the client's records to rows: images and posts as their tables have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pinako.catalog.images import Image, Post
from pinako.client.records.images import GenerationData, Stats
from pinako.client.records.images import Image as Row
from pinako.client.records.images import Post as PostRow
from pinako.client.records.people import VotableTag
from pinako.intake.mirror.findings import ImageFound
from pinako.metadata.record import generation_process
from pinako.services.added import with_own
from pinako.services.prepare import PreparedImage, wants_of
from pinako.services.publish import Metadata, TagOn
from pinako.services.resolve import Want
from pinako.wire.delivery import KEY_PATTERN
from pinako.wire.times import millis_of


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row belongs here: local ids. `old` is the row that is here already."""

    id: int
    source: str
    source_id: int
    user_id: int
    now: int


def at(moment: datetime | None) -> int | None:
    """A record's time in milliseconds."""
    return None if moment is None else millis_of(moment)


def json_of(value: Any) -> str:
    """JSON text as the database keeps it."""
    return msgspec.json.encode(value).decode()


def media_key_of(row: Row) -> str:
    """An image's media key: tRPC has it alone, REST inside an address. An address without one is kept whole."""
    if not row.url.startswith("http"):
        return row.url
    found = KEY_PATTERN.search(row.url)
    return found[0].lower() if found else row.url


def image_of(
    row: Row, home: Home, *, post_id: int | None, old: Image | None, process: str | None, own: Mapping[str, int]
) -> Image:
    """An image's row, bytes apart. What was decided here (trash, review, rating) stays; `own` goes on top of the counters."""
    created = at(row.created_at) or at(row.published_at) or home.now
    base = old or Image(
        id=home.id,
        user_id=home.user_id,
        media_key=media_key_of(row),
        created_at=created,
        sort_at=created,
        updated_at=home.now,
        source=home.source,
        source_id=home.source_id,
    )
    return msgspec.structs.replace(
        base,
        user_id=home.user_id,
        media_key=media_key_of(row),
        post_id=post_id if post_id is not None else base.post_id,
        idx=row.index if row.index is not None else base.idx,
        name=row.name if row.name is not None else base.name,
        type=row.type or base.type,
        mime=row.mime_type or base.mime,
        width=row.width or base.width,
        height=row.height or base.height,
        blurhash=row.hash or base.blurhash,
        size=_size(row) or base.size,
        metadata=json_of(row.metadata) if row.metadata else base.metadata,
        level=row.level or base.level,
        ingestion=row.ingestion or base.ingestion,
        blocked_for=row.blocked_for or base.blocked_for,
        needs_review=row.needs_review or base.needs_review,
        minor=row.minor or base.minor,
        acceptable_minor=row.acceptable_minor or base.acceptable_minor,
        poi=row.poi or base.poi,
        availability=row.availability or base.availability,
        hide_meta=row.hide_meta,
        on_site=row.on_site or base.on_site,
        process=process or base.process,
        base_model=row.base_model or base.base_model,
        remix_of_id=row.remix_of_id if row.remix_of_id is not None else base.remix_of_id,
        scanned_at=at(row.scanned_at) or base.scanned_at,
        created_at=at(row.created_at) or base.created_at,
        updated_at=home.now,
        fetched_at=home.now,
        **image_counts(row.stats, own),
    )


def _size(row: Row) -> int | None:
    size = row.metadata.get("size")
    return size if type(size) is int and size > 0 else None


def image_counts(stats: Stats, own: Mapping[str, int]) -> dict[str, int]:
    """The counters of an image: upstream's, and on top what was added here. None where upstream says nothing of them."""
    counts = _counts(stats)
    return with_own({**counts, "tipped_count": stats.tipped_amount_count}, own) if counts else {}


def _counts(stats: Stats) -> dict[str, int]:
    if not stats.raw:
        return {}  # some rows come without: that is no zero
    # A dislike is no reaction in the sums (domain.md e).
    reactions = stats.like_count + stats.heart_count + stats.laugh_count + stats.cry_count
    return {
        "like_count": stats.like_count,
        "dislike_count": stats.dislike_count,
        "heart_count": stats.heart_count,
        "laugh_count": stats.laugh_count,
        "cry_count": stats.cry_count,
        "reaction_count": reactions,
        "comment_count": stats.comment_count,
        "collected_count": stats.collected_count,
    }


def process_of(row: Row, generation: GenerationData | None) -> str | None:
    """The stored process (txt2img, …) of an image; what generation data shows is an engine's own word as often."""
    meta = row.generation_meta or (generation.meta if generation else {})
    return generation_process(meta) if meta else None


def with_bytes(image: Image, row: Row, prepared: PreparedImage) -> Image:
    """The image with what was measured in its bytes; what upstream says of it goes before, also that it has none."""
    return msgspec.structs.replace(
        image,
        blob=prepared.sha256,
        phash=prepared.phash,
        pixel_hash=prepared.pixel_hash,
        mime=image.mime or prepared.mime,
        width=image.width or prepared.width,
        height=image.height or prepared.height,
        blurhash=image.blurhash if "hash" in row.raw else prepared.blurhash,
        size=image.size or prepared.size,
        generator=prepared.generator or image.generator,
        process=image.process or prepared.process,
        metadata=json_of(prepared.facts) if image.metadata in {"", "{}"} else image.metadata,
    )


def metadata_of(
    row: Row, generation: GenerationData | None, prepared: PreparedImage | None, versions: Mapping[int, int]
) -> Metadata | None:
    """What is known of how an image was made; None where nothing new is. `versions`: local ids of upstream's."""
    meta = row.generation_meta or (generation.meta if generation else {})
    file = prepared.about if prepared is not None else None
    if not meta and generation is None and file is None:
        return None
    return Metadata(
        site=json_of(meta) if meta else None,
        file=file.file if file else None,
        generation=file.generation if file else None,
        raw=file.raw if file else None,
        wants=_wants(row, generation, meta, file, versions),
    )


def _wants(
    row: Row,
    generation: GenerationData | None,
    meta: dict[str, Any],
    file: Metadata | None,
    versions: Mapping[int, int],
) -> tuple[Want, ...]:
    """What upstream found it to be made with; only where it names nothing is the metadata asked."""
    used = used_versions(row, generation)
    if used:
        kinds = {one.version_id: one for one in generation.resources} if generation else {}
        return tuple(
            Want(
                kind=((kinds[id].model_type if id in kinds else None) or "other").lower(),
                version_id=versions[id],
                strength=_strength(kinds[id].strength) if id in kinds else None,
            )
            for id in used
            if id in versions
        )
    return wants_of(meta) if meta else (file.wants if file else ())


def used_versions(row: Row, generation: GenerationData | None) -> list[int]:
    """The versions that upstream detected in an image; those it was merely posted to are credited by the post."""
    if "modelVersionIds" in row.raw:
        return list(dict.fromkeys(row.model_version_ids))
    resources = generation.resources if generation else ()
    return [
        one.version_id for one in resources if one.version_id and one.version_id not in row.model_version_ids_manual
    ]


def credited_versions(found: ImageFound) -> list[int]:
    """Every version that an image's records name, those of its post included."""
    row, generation = found.row, found.generation
    ids = [*row.model_version_ids, *row.model_version_ids_manual, row.model_version_id]
    ids += [one.version_id for one in generation.resources] if generation else []
    return list(dict.fromkeys(id for id in ids if id))


def _strength(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def tags_of(row: Row, votable: Sequence[VotableTag] | None) -> list[TagOn]:
    """The tags of an image, from its votable tags or else from its row, which alone says who put each there."""
    sources = {tag.id: tag.source for tag in row.tags}
    return [
        TagOn(
            name=tag.name,
            source=sources.get(tag.id) or ("Computed" if tag.automated else "User"),
            automated=tag.automated,
            type=tag.type or "UserGenerated",
            level=tag.nsfw_level or 1,
            upstream_id=tag.id,
        )
        for tag in (votable if votable is not None else row.tags)
        if tag.name
    ]


def post_of(
    home: Home,
    *,
    single: PostRow | None,
    listed: PostRow | None,
    version_id: int | None,
    collection_id: int | None,
    old: Post | None,
    own: Mapping[str, int],
    news: bool,
) -> Post:
    """A post's row from what either call says. `own` goes on top of the counters.

    Without `news` upstream says what it said before: then what was edited here stays.
    """
    given = [one for one in (single, listed) if one is not None]
    published = next((at(one.published_at) for one in given if one.published_at is not None), None)
    created = at(_created(listed)) or published or home.now
    base = old or Post(
        id=home.id,
        user_id=home.user_id,
        sort_at=published or created,
        created_at=created,
        updated_at=home.now,
        source=home.source,
        source_id=home.source_id,
    )
    changes: dict[str, Any] = with_own(_counts(listed.stats), own) if listed is not None else {}
    if news or old is None:
        changes |= {
            "title": next((one.title for one in given if one.title is not None), base.title),
            "detail": single.detail if single is not None else base.detail,
            "published_at": published if published is not None else base.published_at,
            "availability": next((one.availability for one in given if one.availability), base.availability),
        }
    return msgspec.structs.replace(
        base,
        user_id=home.user_id,
        version_id=version_id if version_id is not None else base.version_id,
        collection_id=collection_id if collection_id is not None else base.collection_id,
        created_at=created if listed is not None else base.created_at,
        updated_at=home.now,
        fetched_at=home.now,
        **changes,
    )


def _created(listed: PostRow | None) -> datetime | None:
    from pinako.client.reading import read_time

    text = listed.raw.get("createdAt") if listed is not None else None
    try:
        return read_time(text) if text is not None else None
    except (TypeError, ValueError):
        return None
