"""Models, their versions and files as the client reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from pinako.client.digits import number_of
from pinako.client.reading import Record
from pinako.client.records.people import User


class ModelFile(Record, frozen=True, kw_only=True):
    """One file of a version (rest.md 8.1, trpc.md 8.1). `size_kb` is KiB."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"size_kb": ("sizeKB", "sizeKb")}

    id: int | None = None
    name: str = ""
    override_name: str | None = None
    type: str = ""
    size_kb: float | None = msgspec.field(default=None, name="sizeKB")
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    format: str | None = None
    hashes: Any = None
    pickle_scan_result: str = ""
    pickle_scan_message: str | None = None
    virus_scan_result: str = ""
    virus_scan_message: str | None = None
    scanned_at: datetime | None = None
    download_url: str | None = None
    primary: bool = False
    url: str | None = None
    visibility: str | None = None

    def hash(self, kind: str) -> str | None:
        """One hash in upper case (`SHA256`, `AutoV2`, `BLAKE3`…), from the object of REST or the list of tRPC."""
        wanted = kind.lower()
        if isinstance(self.hashes, dict):
            pairs = [(name, value) for name, value in self.hashes.items()]
        else:
            rows = self.hashes if isinstance(self.hashes, list) else []
            pairs = [(row.get("type"), row.get("hash")) for row in rows if isinstance(row, dict)]
        found = next((value for name, value in pairs if str(name).lower() == wanted), None)
        return str(found).upper() if found else None

    @property
    def sha256(self) -> str | None:
        """The SHA-256 in upper case, where the host gives it: what a download is checked against."""
        return self.hash("SHA256")


class Preview(Record, frozen=True, kw_only=True):
    """A version's preview (rest.md 8.2). `nsfw` was a word, a boolean and nothing in the course of the years."""

    id: int | None = None
    url: str = ""
    hash: str | None = None
    width: int | None = None
    height: int | None = None
    type: str = "image"
    nsfw: str | bool | int | None = None
    nsfw_level: int = 0
    meta: dict[str, Any] | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    minor: bool = False
    poi: bool = False
    has_meta: bool = False
    on_site: bool = False
    remix_of_id: int | None = None

    @property
    def image_id(self) -> int | None:
        """The image's id, read from the address where the row has none (rest.md 21.5)."""
        if self.id is not None:
            return self.id
        found = re.search(r"/(\d+)\.[A-Za-z0-9]+$", self.url)
        return number_of(found[1]) if found else None


class ModelStats(Record, frozen=True, kw_only=True):
    """Counts of a model or version. None: hidden by the creator, or not said; never to be read as zero."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "download_count": ("downloadCountAllTime",),
        "thumbs_up_count": ("thumbsUpCountAllTime",),
        "thumbs_down_count": ("thumbsDownCountAllTime",),
        "comment_count": ("commentCountAllTime",),
        "collected_count": ("collectedCountAllTime",),
        "tipped_amount_count": ("tippedAmountCountAllTime",),
    }

    download_count: int | None = None
    thumbs_up_count: int | None = None
    thumbs_down_count: int | None = None
    comment_count: int | None = None
    collected_count: int | None = None
    tipped_amount_count: int | None = None


class ParentModel(Record, frozen=True, kw_only=True):
    """The model that a version belongs to. `status` is what tells a deleted model from one that never was."""

    id: int | None = None
    name: str = ""
    type: str = ""
    status: str = ""
    nsfw: bool = False
    poi: bool = False
    mode: str | None = None
    availability: str = ""
    published_at: datetime | None = None
    upload_type: str = ""
    user: User | None = None


class ModelVersion(Record, frozen=True, kw_only=True):
    """A version of either door, inside a model or by itself (rest.md 11-13, trpc.md 8)."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"stats": ("rank",), "supports_generation": ("covered",)}

    id: int
    name: str = ""
    model_id: int | None = None
    model: ParentModel | None = None
    model_name: str | None = None
    index: int | None = None
    description: str | None = None
    base_model: str = ""
    base_model_type: str | None = None
    status: str = ""
    availability: str = ""
    nsfw_level: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    published_at: datetime | None = None
    trained_words: tuple[str, ...] = ()
    training_status: str | None = None
    training_details: dict[str, Any] | None = None
    upload_type: str = ""
    usage_control: str = ""
    early_access_deadline: datetime | None = None
    early_access_ends_at: datetime | None = None
    paid_access: dict[str, Any] | None = None
    air: str | None = None
    vae_id: int | None = None
    stats: ModelStats = ModelStats()
    files: tuple[ModelFile, ...] = ()
    images: tuple[Preview, ...] = ()
    posts: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] | None = None
    recommended_resources: tuple[Any, ...] = ()
    require_auth: bool = False
    supports_generation: bool = False
    download_url: str | None = None

    @property
    def primary_file(self) -> ModelFile | None:
        """The file that a download without parameters gives: the one marked, else the first."""
        return next((file for file in self.files if file.primary), self.files[0] if self.files else None)


class Model(Record, frozen=True, kw_only=True):
    """A model of either door (rest.md 11, 12; trpc.md 8.2, 8.3)."""

    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {"stats": ("rank",), "creator": ("user",)}

    id: int
    name: str = ""
    description: str | None = None
    type: str = ""
    nsfw: bool = False
    nsfw_level: int = 0
    poi: bool = False
    minor: bool = False
    sfw_only: bool = False
    status: str = ""
    availability: str = ""
    mode: str | None = None
    user_id: int | None = None
    creator: User | None = None
    base_models: tuple[str, ...] = ()
    allow_no_credit: bool = False
    allow_derivatives: bool = False
    allow_different_license: bool = False
    allow_commercial_use: Any = None
    checkpoint_type: str | None = None
    supports_generation: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    published_at: datetime | None = None
    last_version_at: datetime | None = None
    early_access_deadline: datetime | None = None
    stats: ModelStats = ModelStats()
    tags: tuple[str | int, ...] = ()
    tags_on_models: tuple[dict[str, Any], ...] = ()
    model_versions: tuple[ModelVersion, ...] = ()
    version: ModelVersion | None = None
    images: tuple[dict[str, Any], ...] = ()

    @property
    def commercial_uses(self) -> tuple[str, ...]:
        """The allowed commercial uses, from one word, a list, or the brace text of today (rest.md 20, row 33)."""
        value = self.allow_commercial_use
        if isinstance(value, str):
            return tuple(word.strip() for word in value.strip("{}").split(",") if word.strip())
        return tuple(str(word) for word in value) if isinstance(value, list) else ()

    @property
    def tag_names(self) -> tuple[str, ...]:
        """Names of the tags, from either door's form; lists of tRPC carry bare ids and give none."""
        rows = [row.get("tag") for row in self.tags_on_models]
        nested = tuple(str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name"))
        return nested or tuple(tag for tag in self.tags if isinstance(tag, str))


class MiniVersion(Record, frozen=True, kw_only=True):
    """`GET /model-versions/mini/:id` (rest.md 13.5): what a generator needs to load a version."""

    air: str
    version_name: str = ""
    model_name: str = ""
    user_id: int | None = None
    base_model: str = ""
    availability: str = ""
    published_at: datetime | None = None
    size: float | None = None
    file_type: str = ""
    file_name: str = ""
    hashes: dict[str, Any] = msgspec.field(default_factory=dict)
    download_urls: tuple[str, ...] = ()
    format: str | None = None
    can_generate: bool = False
    is_featured: bool = False
    require_auth: bool = False
    check_permission: bool = False
    additional_resource_charge: bool = False
    minor: bool = False
    sfw_only: bool = False
    early_access_ends_at: datetime | None = None
    free_trial_limit: int | None = None
    fees: tuple[dict[str, Any], ...] = ()
    payout_enabled: bool = False


class HashMatch(Record, frozen=True, kw_only=True):
    """An answer of `POST /model-versions/by-hash/ids` (rest.md 13.4)."""

    model_version_id: int
    model_id: int | None = None
    hash: str = ""


class Availability(Record, frozen=True, kw_only=True):
    """Whether a model version can still be had, by the seeds' rule: its model's status.

    `archive_url` is set only where the host says Deleted and the model's id is known. `status` is the host's word, or
    `Not found` where it knows nothing.
    """

    version_id: int
    available: bool
    status: str = ""
    model_id: int | None = None
    model_name: str | None = None
    model_type: str | None = None
    page_url: str | None = None
    archive_url: str | None = None
