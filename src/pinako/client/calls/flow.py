"""The seeds' own data flow: basic info, generation data, tags, and one object of all three; is a model still there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from pinako.client.asks import Call
from pinako.client.calls.entities import get_generation_data, get_image, get_version_details, get_votable_tags
from pinako.client.calls.trpc import batch
from pinako.client.records.images import GenerationData, Image, ImageDetails, Resource
from pinako.client.records.models import Availability
from pinako.client.records.people import VotableTag
from pinako.errors import UpstreamError, UpstreamNotFound
from pinako.wire.delivery import DEFAULT_ACCOUNT, media_url

ARCHIVE = "https://civitaiarchive.com"
PRODUCTION_MEDIA = f"https://image.civitai.com/{DEFAULT_ACCOUNT}"
SISTER_HOSTS = ("civitai.com", "civitai.red", "civitai.green")

EXTENSIONS = {
    "image/jpeg": ".jpeg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/tiff": ".tif",
    "image/gif": ".gif",
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "audio/mpeg": ".mp3",
    "audio/vnd.wave": ".wav",
    "audio/wav": ".wav",
}
"""MIME type to file extension: the seeds' table first, then the other types of domain.md (i)."""

_BY_KIND = {"image": ".jpeg", "video": ".mp4", "audio": ".mp3"}
_LORA_TYPES = {"lora", "locon", "lycoris", "dora"}
_TOGETHER = 10
MOST_TOGETHER = 40
"""Calls in one request whose input still fits an address: longer ones would go as POST, which not every host takes."""


def extension_for(mime_type: str | None, media_type: str = "image") -> str:
    """The file extension, with its dot, of a MIME type; without one, that of the kind of medium.

    Parameters and case of the MIME type do not matter; `image/jpg` counts as `image/jpeg`.
    """
    word = (mime_type or "").partition(";")[0].strip().lower().replace("image/jpg", "image/jpeg")
    return EXTENSIONS.get(word) or _BY_KIND.get(media_type, "")


def media_base_of(origin: str) -> str:
    """Where a host keeps its media: production's delivery host for Civitai and its sisters, else the host itself."""
    name = (urlsplit(origin).hostname or "").removeprefix("www.")
    return PRODUCTION_MEDIA if name in SISTER_HOSTS else f"{origin}/{DEFAULT_ACCOUNT}"


def original_url(image: Image, media_base: str) -> str:
    """The address of an image's original bytes, from a media key or from the address that REST gives."""
    return media_url(media_base, image.url, media_type=image.type) if image.url else ""


def fetch_image_tags(image_id: int) -> Call[list[str]]:
    """Names of an image's tags, the most relevant first. `image_id` is the image's own id, never its post's."""
    tags = yield from get_votable_tags(image_id)
    return _names(tags)


def fetch_image(image_id: int, *, media_base: str) -> Call[ImageDetails]:
    """One image with everything, in one batched request where the host can do that.

    Errors: UpstreamNotFound where there is no such image. Generation data and tags that cannot be had are named in
    `missing` and do not fail the whole.
    """
    outcomes = yield from fetch_images([image_id], media_base=media_base)
    if isinstance(outcomes[0], UpstreamError):
        raise outcomes[0]
    return outcomes[0]


def fetch_images(image_ids: Iterable[int], *, media_base: str) -> Call[list[ImageDetails | UpstreamError]]:
    """Many images with everything, ten to a request; for each its object or the error that kept it from us, in order."""
    ids = list(image_ids)
    found: list[ImageDetails | UpstreamError] = []
    for start in range(0, len(ids), _TOGETHER):
        part = ids[start : start + _TOGETHER]
        calls: list[Call[Any]] = [get_image(one) for one in part]
        calls += [get_generation_data(one) for one in part]
        calls += [get_votable_tags(one) for one in part]
        outcomes = yield from batch(calls)
        rows = zip(*(outcomes[at : at + len(part)] for at in range(0, len(outcomes), len(part))), strict=True)
        found += [_details(basic, generation, tags, media_base) for basic, generation, tags in rows]
    return found


def complete_images(
    images: Sequence[Image], *, media_base: str, generation: bool = True, tags: bool = True
) -> Call[list[ImageDetails]]:
    """The rows of a list with what lists do not tell, all in one request; give `MOST_TOGETHER` calls' worth at a time.

    `missing` names what the host did not give for one image. Errors: those of the request as a whole.
    """
    calls: list[Call[Any]] = [get_generation_data(image.id) for image in images] if generation else []
    calls += [get_votable_tags(image.id) for image in images] if tags else []
    outcomes = yield from batch(calls)
    made = outcomes[: len(images)] if generation else [GenerationData()] * len(images)
    named = outcomes[len(images) if generation else 0 :] if tags else [()] * len(images)
    rows = zip(images, made, named, strict=True)
    return [_completed(image, data, votes, media_base) for image, data, votes in rows]


def model_availability(version_id: int, *, origin: str, model_id: int | None = None) -> Call[Availability]:
    """Whether a version can still be had, by its model's status, as the seeds check it.

    A deleted one comes with its address on the archive; `model_id` helps where the host has forgotten the version.
    """
    try:
        version = yield from get_version_details(version_id, with_files=False)
    except UpstreamNotFound:
        page = _page(origin, model_id, version_id)
        return Availability(
            version_id=version_id, available=False, status="Not found", model_id=model_id, page_url=page
        )
    model = version.model
    number = (model.id if model else None) or version.model_id or model_id
    status = (model.status if model else "") or version.status or "Unknown"
    deleted = "Deleted" in {status, version.status}
    return Availability(
        version_id=version_id,
        available=not deleted and status not in {"Unpublished", "UnpublishedViolation"},
        status="Deleted" if deleted else status,
        model_id=number,
        model_name=model.name if model else None,
        model_type=model.type if model else None,
        page_url=_page(origin, number, version_id),
        archive_url=f"{ARCHIVE}/models/{number}" if deleted and number is not None else None,
        raw=version.raw,
    )


def _page(origin: str, model_id: int | None, version_id: int) -> str | None:
    return f"{origin}/models/{model_id}?modelVersionId={version_id}" if model_id is not None else None


def _details(basic: Any, generation: Any, tags: Any, media_base: str) -> ImageDetails | UpstreamError:
    return basic if isinstance(basic, UpstreamError) else _completed(basic, generation, tags, media_base)


def _completed(basic: Image, generation: Any, tags: Any, media_base: str) -> ImageDetails:
    missing = [name for name, part in (("generation", generation), ("tags", tags)) if isinstance(part, UpstreamError)]
    data = GenerationData() if isinstance(generation, UpstreamError) else cast(GenerationData, generation)
    votable: list[VotableTag] = [] if isinstance(tags, UpstreamError) else tags
    return _assemble(basic, data, votable, media_base, tuple(missing))


def _assemble(
    basic: Image, data: GenerationData, tags: Sequence[VotableTag], media_base: str, missing: tuple[str, ...]
) -> ImageDetails:
    return ImageDetails(
        id=basic.id,
        image_url=original_url(basic, media_base),
        extension=extension_for(basic.mime_type, basic.type),
        author=basic.author,
        created_at=basic.created_at,
        mime_type=basic.mime_type,
        post_id=basic.post_id,
        level=basic.level,
        width=basic.width,
        height=basic.height,
        tags=tuple(_names(tags)),
        loras=tuple(one for one in data.resources if (one.model_type or "").lower() in _LORA_TYPES),
        checkpoint=_checkpoint(data.resources),
        resources=data.resources,
        parameters=data.meta,
        basic=basic,
        generation=data,
        votable_tags=tuple(tags),
        missing=missing,
        raw={"basic": basic.raw, "generation": data.raw, "tags": [tag.raw for tag in tags]},
    )


def _checkpoint(resources: Sequence[Resource]) -> Resource | None:
    return next((one for one in resources if (one.model_type or "").lower() == "checkpoint"), None)


def _names(tags: Iterable[VotableTag]) -> list[str]:
    """Falling score, then the host's order: hosts sort so themselves, but nothing promises it."""
    return [tag.name for tag in sorted(tags, key=lambda tag: -tag.score) if tag.name]
