"""Answers as their readers get them: bodies that elsewhere are made in parts, whole, for the OpenAPI document and its tests.

Nothing is encoded with these records; they say what comes out when the parts are joined.
"""

# A body that is spliced has raw members where a reader finds texts and lists: they are told here in the reader's words.
# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from pinako.wire.rest_files import RestFile
from pinako.wire.rest_images import RestImage, RestTag
from pinako.wire.rest_lists import CollectionUser, RestCollection, RestCreatorItem, RestTagItem, RestUserItem
from pinako.wire.rest_models import ModelStats, PaidAccess, RestCreator, RestModel, RestPreview, RestVersion
from pinako.wire.rest_versions import MiniBody, RestVersionBody, VersionPreview


class Uploader(msgspec.Struct, frozen=True, kw_only=True):
    """Who uploaded an image."""

    id: int
    username: str | None
    image: str | None


class ReactionCounts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Counts of one image."""

    cry_count: int
    laugh_count: int
    like_count: int
    dislike_count: int
    heart_count: int
    comment_count: int


class ImageItem(RestImage, frozen=True, kw_only=True, rename="camel"):
    """An image. `meta` is filled with `withMeta`, `tags` are there with `withTags`."""

    url: str
    user: Uploader
    stats: ReactionCounts
    meta: dict[str, Any] | None
    tags: tuple[RestTag, ...] | UnsetType = UNSET


class Creator(RestCreator, frozen=True, kw_only=True):
    """Who made a model."""

    image: str | None


class FileItem(RestFile, frozen=True, kw_only=True, rename="camel"):
    """A file to download. On models `primary` is there only where it is true."""

    download_url: str


class PreviewItem(RestPreview, frozen=True, kw_only=True, rename="camel"):
    """A preview image of a version; `meta` is null in lists."""

    url: str
    meta: dict[str, Any] | None = None


class VersionItem(RestVersion, frozen=True, kw_only=True, rename="camel"):
    """A version inside a model. `downloadUrl` is absent where the model is archived."""

    trained_words: tuple[str, ...]
    download_url: str | UnsetType = UNSET
    paid_access: PaidAccess | None
    early_access_deadline: str | UnsetType = UNSET
    files: tuple[FileItem, ...]
    images: tuple[PreviewItem, ...]


class ModelItem(RestModel, frozen=True, kw_only=True, rename="camel"):
    """A model, in lists and by id."""

    stats: ModelStats
    creator: Creator | UnsetType = UNSET
    base_models: tuple[str, ...]
    model_versions: tuple[VersionItem, ...]


class VersionPreviewItem(VersionPreview, frozen=True, kw_only=True, rename="camel"):
    """A preview at the version doors."""

    url: str
    meta: dict[str, Any] | None = None
    metadata: dict[str, Any]


class Version(RestVersionBody, frozen=True, kw_only=True, rename="camel"):
    """A version by its id or by a file's hash."""

    trained_words: tuple[str, ...]
    training_details: dict[str, Any] | None
    files: tuple[FileItem, ...]
    images: tuple[VersionPreviewItem, ...]
    download_url: str | UnsetType = UNSET


class MiniVersion(MiniBody, frozen=True, kw_only=True, rename="camel"):
    """What a generator needs to fetch one file of a version."""

    download_urls: tuple[str, ...]


class CreatorItem(RestCreatorItem, frozen=True, kw_only=True, rename="camel"):
    """Somebody who owns models. `modelCount` is absent at 0, `image` where there is none."""

    link: str
    image: str | UnsetType = UNSET


class TagItem(RestTagItem, frozen=True, kw_only=True, rename="camel"):
    """A tag that models carry. The blanks in `link` are not encoded."""

    link: str


class CollectionItem(RestCollection, frozen=True, kw_only=True, rename="camel"):
    """A public or unlisted collection: `itemCount` in the list, `tags` by id."""

    user: CollectionUser
    cover_image_url: str | None


class NumberedPages(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a list by page number stands. `hasMore` is there with `query`."""

    total_items: int
    current_page: int
    page_size: int
    total_pages: int
    has_more: bool | UnsetType = UNSET
    next_page: str | UnsetType = UNSET
    prev_page: str | UnsetType = UNSET


class CursorPages(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a list by cursor stands; ended without `nextCursor`. The page's number and size in page mode and at its start."""

    current_page: int | UnsetType = UNSET
    page_size: int | UnsetType = UNSET
    next_cursor: str | UnsetType = UNSET
    next_page: str | UnsetType = UNSET


class ModelPages(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the list of models stands: totals of every age, and the cursor while there is more."""

    total_items: int
    current_page: int
    page_size: int
    total_pages: int
    next_cursor: str | UnsetType = UNSET
    next_page: str | UnsetType = UNSET
    prev_page: str | UnsetType = UNSET


class CollectionPages(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the list of collections stands; this cursor is a number."""

    next_cursor: int | UnsetType = UNSET
    next_page: str | UnsetType = UNSET


class Images(msgspec.Struct, frozen=True, kw_only=True):
    """A page of images."""

    items: tuple[ImageItem, ...]
    metadata: CursorPages


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """A page of models."""

    items: tuple[ModelItem, ...]
    metadata: ModelPages


class Creators(msgspec.Struct, frozen=True, kw_only=True):
    """A page of creators."""

    items: tuple[CreatorItem, ...]
    metadata: NumberedPages


class Tags(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tags."""

    items: tuple[TagItem, ...]
    metadata: NumberedPages


class Users(msgspec.Struct, frozen=True, kw_only=True):
    """Users by id or name; there is one page."""

    items: tuple[RestUserItem, ...]


class Collections(msgspec.Struct, frozen=True, kw_only=True):
    """A page of public collections."""

    items: tuple[CollectionItem, ...]
    metadata: CollectionPages


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """That the server answers."""

    status: str
    version: str


class PastRevision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One document of a mirrored thing as it was received; `changed` names what differs from the one before."""

    door: str
    fetched_at: str
    digest: str
    changed: tuple[str, ...]
    body: Any


class PastLeft(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A thing, by its host's number, that its collection there lists no longer; told to moderators."""

    entity: str
    source_id: int
    since: str


class PastBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was ever received of a mirrored thing, and what its host last said of it."""

    entity: str
    id: int
    source: str
    source_id: int
    state: str | None
    reason: str | None
    since: str | None
    checked_at: str | None
    left: tuple[PastLeft, ...]
    revisions: tuple[PastRevision, ...]


# --- errors (rest.md 5) ---------------------------------------------------------------------------------------------


class PlainError(msgspec.Struct, frozen=True, kw_only=True):
    """Most refusals."""

    error: str


class ExplainedError(msgspec.Struct, frozen=True, kw_only=True):
    """A refused download: what, and why."""

    error: str
    message: str | UnsetType = UNSET
    deadline: str | UnsetType = UNSET


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a parameter; more members by its kind."""

    code: str
    path: tuple[str | int, ...]
    message: str


class IssueList(msgspec.Struct, frozen=True, kw_only=True):
    """A failed validation: the text is the JSON of a list of issues."""

    name: str
    message: str
    issues: tuple[dict[str, Any], ...] | UnsetType = UNSET


class WrappedIssues(msgspec.Struct, frozen=True, kw_only=True):
    """A failed validation, one level down."""

    error: IssueList


class MessageError(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal of a list or model; `error` only where something unexpected happened."""

    message: str
    error: str | dict[str, Any] | UnsetType = UNSET


class CodedError(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal of an image list, with a code word."""

    error: str
    code: str | UnsetType = UNSET


class TrpcErrorData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`code` is authoritative; `path` is the procedure."""

    code: str
    http_status: int
    path: str | UnsetType = UNSET


class TrpcErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong with a call."""

    message: str
    code: int
    data: TrpcErrorData


class TrpcErrorJson(msgspec.Struct, frozen=True, kw_only=True):
    """The superjson level."""

    json: TrpcErrorBody


class TrpcError(msgspec.Struct, frozen=True, kw_only=True):
    """A failed call."""

    error: TrpcErrorJson
