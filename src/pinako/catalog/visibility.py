"""The one visibility predicate (domain.md d). Every door asks it: lists through the index, the rest row by row.

First `standing` says what a thing is, whoever asks; it is computed when the thing changes and is what the index keeps.
Then `sees` says whether one viewer meets it. A withheld thing has no standing at all: nobody meets it, at any door.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from pinako.catalog import levels
from pinako.catalog.people import Viewer

POI_TAGS = frozenset({5161, 5162, 5188, 5249, 110980, 130401, 130818, 130820, 133182})
"""Upstream ids of the tags that mark a real person, at any level."""
MINOR_TAGS = frozenset({5351, 306619, 154326, 161829, 163032})
"""Upstream ids of the child group."""
BLOCKED_TAGS = POI_TAGS | MINOR_TAGS | {114467, 6641, 115249}
"""Asking for one of these alone yields an empty list, not an error."""

WITHHELD_REVIEWS = frozenset({"csam"})


class Standing(IntEnum):
    """Who may meet a thing at all, before levels."""

    GONE = 0
    """Nobody: withheld, in the trash, or a restricted base model with a mature level."""
    PUBLIC = 1
    """Everybody whose mask meets its level."""
    HELD = 2
    """Its owner and moderators: in review, blocked, or not scanned."""
    DRAFT = 3
    """Its owner and moderators, where they ask for drafts: not published yet, scheduled, or private."""
    UNRATED = 4
    """Its owner, under any mask with a mature bit: level 0 says nothing about it."""


class ImageLike(Protocol):
    """The columns of an image that the rule reads; times in milliseconds."""

    @property
    def user_id(self) -> int: ...
    @property
    def level(self) -> int: ...
    @property
    def level_locked(self) -> bool: ...
    @property
    def ingestion(self) -> str: ...
    @property
    def blocked_for(self) -> str | None: ...
    @property
    def needs_review(self) -> str | None: ...
    @property
    def minor(self) -> bool: ...
    @property
    def poi(self) -> bool: ...
    @property
    def withheld(self) -> bool: ...
    @property
    def model_restricted(self) -> bool: ...
    @property
    def availability(self) -> str: ...
    @property
    def published_at(self) -> int | None: ...
    @property
    def deleted_at(self) -> int | None: ...


def is_withheld(*, minor: bool, level: int, needs_review: str | None = None, blocked_for: str | None = None) -> bool:
    """The mandatory rule: a minor at a mature or unknown level exists for nobody. Fails closed."""
    if needs_review in WITHHELD_REVIEWS or (blocked_for or "").upper() == "CSAM":
        return True
    return minor and (level == levels.UNRATED or bool(level & levels.NSFW))


def _scanned(image: ImageLike) -> bool:
    if image.ingestion == "Scanned":
        return True
    # A rating that a moderator locked stands in for a scan that never came.
    return image.level_locked and image.ingestion not in {"Blocked", "Error", "NotFound"}


def image_standing(image: ImageLike, now: int) -> Standing:
    """What an image is at time `now` (milliseconds), whoever asks."""
    if image.deleted_at is not None or image.withheld:
        return Standing.GONE
    if is_withheld(
        minor=image.minor, level=image.level, needs_review=image.needs_review, blocked_for=image.blocked_for
    ):
        return Standing.GONE
    if image.model_restricted and image.level & levels.NSFW:
        return Standing.GONE
    if image.blocked_for or image.level & levels.BLOCKED or image.needs_review or not _scanned(image):
        return Standing.HELD
    if image.published_at is None or image.published_at > now or image.availability == "Private":
        return Standing.DRAFT
    return Standing.UNRATED if image.level == levels.UNRATED else Standing.PUBLIC


def meets_level(level: int, mask: int) -> bool:
    """Whether a thing of this level is inside a mask. Level 0 could be anything, so it asks for a mature mask."""
    if level & levels.BLOCKED or level == levels.UNRATED:
        return bool(mask & levels.MATURE_BITS)
    return bool(level & mask)


def sees(
    standing: Standing,
    *,
    level: int,
    owner_id: int,
    viewer: Viewer,
    minor: bool = False,
    poi: bool = False,
    mask: int | None = None,
) -> bool:
    """Whether `viewer` meets a thing. `mask` is a list's effective mask; by id it is the cap (rest.md 20).

    A minor's image at PG is hidden from everybody whose standing mask has a mature bit, its owner included; a real
    person's from everybody but its owner; moderators meet both.
    """
    within = viewer.cap if mask is None else mask
    if standing is Standing.GONE or not meets_level(level, within):
        return False
    own = viewer.user_id == owner_id
    if not viewer.moderator:
        habit = viewer.mask(None) if mask is None else mask
        if (minor and habit & levels.MATURE_BITS) or (poi and not own):
            return False
    if standing is Standing.PUBLIC:
        return True
    if standing is Standing.UNRATED:
        return own or (viewer.moderator and mask is None)
    return own or viewer.moderator


def sees_image(image: ImageLike, viewer: Viewer, now: int, mask: int | None = None) -> bool:
    """The whole predicate for one image row."""
    return sees(
        image_standing(image, now),
        level=image.level,
        owner_id=image.user_id,
        viewer=viewer,
        minor=image.minor,
        poi=image.poi,
        mask=mask,
    )


class ModelLike(Protocol):
    """The columns of a model that the rule reads."""

    @property
    def user_id(self) -> int: ...
    @property
    def level(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def availability(self) -> str: ...
    @property
    def minor(self) -> bool: ...
    @property
    def poi(self) -> bool: ...
    @property
    def withheld(self) -> bool: ...
    @property
    def deleted_at(self) -> int | None: ...


def model_standing(model: ModelLike) -> Standing:
    """What a model is, whoever asks. Deleted upstream is GONE here; that it existed is told by modelVersion.getById."""
    if model.withheld or is_withheld(minor=model.minor, level=model.level):
        return Standing.GONE
    if model.deleted_at is not None or model.status == "Deleted":
        return Standing.GONE
    if model.status == "UnpublishedViolation":
        return Standing.HELD
    if model.status != "Published" or model.availability == "Private":
        return Standing.DRAFT
    return Standing.UNRATED if model.level == levels.UNRATED else Standing.PUBLIC


def sees_model(model: ModelLike, viewer: Viewer, mask: int | None = None) -> bool:
    """The whole predicate for one model row."""
    return sees(
        model_standing(model),
        level=model.level,
        owner_id=model.user_id,
        viewer=viewer,
        minor=model.minor,
        poi=model.poi,
        mask=mask,
    )


class VersionLike(Protocol):
    """The columns of a version that the rule reads."""

    @property
    def level(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def availability(self) -> str: ...


def version_standing(version: VersionLike) -> Standing:
    """What a version is beside its model, whoever asks."""
    if version.status != "Published" or version.availability == "Private":
        return Standing.DRAFT
    return Standing.UNRATED if version.level == levels.UNRATED else Standing.PUBLIC


def sees_version(standing: Standing, *, level: int, owner_id: int, viewer: Viewer) -> bool:
    """The predicate for a version of a model that the viewer is known to meet."""
    if standing is Standing.PUBLIC:
        return meets_level(level, viewer.cap)
    return sees(standing, level=level, owner_id=owner_id, viewer=viewer)
