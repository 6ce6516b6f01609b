"""Models (checkpoints, LoRAs and the like), their versions, files and hashes, and what an answer about one is made of.

The first four records mirror the columns of their tables; times are integer milliseconds since the epoch, UTC.
"""

from __future__ import annotations

import msgspec

from pinako.catalog.images import FullImage, JsonText
from pinako.catalog.people import User
from pinako.catalog.tags import Tag


class Model(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A checkpoint, LoRA or other thing to download. `level` is the union of its published versions' levels."""

    id: int
    user_id: int
    name: str
    type: str
    status: str
    created_at: int
    updated_at: int
    description: str | None = None
    availability: str = "Public"
    upload_type: str = "Created"
    checkpoint_type: str | None = None
    mode: str | None = None
    nsfw: bool = False
    poi: bool = False
    minor: bool = False
    sfw_only: bool = False
    locked: bool = False
    withheld: bool = False
    level: int = 0
    meta: JsonText = "{}"
    gallery_settings: JsonText = "{}"
    allow_no_credit: bool = True
    allow_commercial_use: JsonText = "[]"
    """A JSON list of words."""
    allow_derivatives: bool = True
    allow_different_license: bool = True
    supports_generation: bool = False
    published_at: int | None = None
    last_version_at: int | None = None
    sort_at: int = 0
    deleted_at: int | None = None
    download_count: int = 0
    thumbs_up_count: int = 0
    thumbs_down_count: int = 0
    comment_count: int = 0
    collected_count: int = 0
    image_count: int = 0
    tipped_amount: int = 0
    generation_count: int = 0
    hidden_metrics: JsonText = "[]"
    """A JSON list of the counters that the creator hides: any of buzz, downloads, generations."""
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One release of a model. A gate is active until `gate_ends_at`, or for good where `gate_permanent`."""

    id: int
    model_id: int
    name: str
    status: str
    created_at: int
    updated_at: int
    idx: int = 0
    description: str | None = None
    base_model: str = "Other"
    base_model_type: str | None = "Standard"
    trained_words: JsonText = "[]"
    steps: int | None = None
    epochs: int | None = None
    clip_skip: int | None = None
    vae_id: int | None = None
    settings: JsonText | None = None
    availability: str = "Public"
    usage_control: str = "Download"
    upload_type: str = "Created"
    training_status: str | None = None
    training_details: JsonText | None = None
    require_auth: bool = False
    level: int = 0
    meta: JsonText | None = None
    flags: int = 0
    licensing_fee: float | None = None
    gate_ends_at: int | None = None
    gate_permanent: bool = False
    published_at: int | None = None
    download_count: int = 0
    thumbs_up_count: int = 0
    thumbs_down_count: int = 0
    image_count: int = 0
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None

    def gated(self, now: int) -> bool:
        """Whether early or paid access is needed at `now` (milliseconds)."""
        return self.gate_permanent or (self.gate_ends_at is not None and self.gate_ends_at > now)


class FileHash(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One hash of one file, upper-case hex. `type` is AutoV1, AutoV2, AutoV3, SHA256, CRC32 or BLAKE3."""

    file_id: int
    type: str
    hash: str


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A file of a version. `size_word` is `full` or `pruned`; `name` is the stored name (rest.md 8.6 makes the sent one)."""

    id: int
    version_id: int
    name: str
    created_at: int
    override_name: str | None = None
    blob: str | None = None
    stem: str | None = None
    """The stored name without its extension, lower-case: what a graph that knows no hashes calls it."""
    size_kb: float = 0
    type: str = "Model"
    format: str | None = None
    size_word: str | None = None
    fp: str | None = None
    quant_type: str | None = None
    metadata: JsonText = "{}"
    header: JsonText | None = None
    pickle_scan_result: str = "Pending"
    pickle_scan_message: str | None = None
    virus_scan_result: str = "Pending"
    virus_scan_message: str | None = None
    scanned_at: int | None = None
    visibility: str = "Public"
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None

    @property
    def size(self) -> str | None:
        """`size_word` under the name that the choice of the primary file reads."""
        return self.size_word


class FullFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its hashes."""

    file: ModelFile
    hashes: tuple[FileHash, ...] = ()


class FullVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version with all its files (also those that are not public: the primary is chosen among all) and its previews.

    `previews` are the owner's images for it in their order, held ones left out; levels and unrated ones are cut on joining.
    """

    version: ModelVersion
    files: tuple[FullFile, ...] = ()
    previews: tuple[FullImage, ...] = ()
    post_ids: tuple[int, ...] = ()


class FullModel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an answer about a model says. `versions` are those that may be listed, in the creator's order."""

    model: Model
    user: User
    versions: tuple[FullVersion, ...] = ()
    tags: tuple[Tag, ...] = ()


class VersionInModel(msgspec.Struct, frozen=True, kw_only=True):
    """A version beside the model it belongs to: what the by-id and by-hash doors answer with."""

    model: Model
    user: User
    full: FullVersion


class HashMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A version found by a file's hash. `hash` is the stored SHA-256, upper-case."""

    version_id: int
    model_id: int
    hash: str
