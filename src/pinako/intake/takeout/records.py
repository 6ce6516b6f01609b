"""The lines of a takeout: one record for each kind, with the columns of our own tables. docs/takeout.md tells others of them.

Times are milliseconds since the epoch, UTC. Ids are those of the library that wrote them; whoever reads them maps them.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import msgspec

from pinako.errors import UnreadableFile

N = TypeVar("N", bound=msgspec.Struct)

Columns: TypeAlias = dict[str, Any]
"""A noun's columns by name: in a file that others read, what a value is must stand beside it."""

FORMAT = "pinako-takeout"
VERSION = 1
HEAD = "takeout.json"
SUMS = "SHA256SUMS"
MEDIA, FILES = "media", "files"


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of records was when the takeout was whole."""

    sha256: str
    size: int
    rows: int


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`takeout.json`, written last. `users` are those whose things these are; `everyone`: the whole library."""

    format: str = FORMAT
    version: int = VERSION
    library: str
    made_at: int
    users: tuple[int, ...]
    everyone: bool = False
    files: dict[str, Sum] = {}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account without its secrets. `subject`: the takeout is of what it owns; others are only referred to."""

    user: Columns
    subject: bool = False


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One vote on one tag of a thing. Users below -1 are strangers upstream of whom only the vote is known."""

    tag_id: int
    user_id: int
    vote: int
    created_at: int


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """A reaction that a thing got."""

    user_id: int
    reaction: str
    created_at: int


class GivenReaction(msgspec.Struct, frozen=True, kw_only=True):
    """A reaction that a subject gave to a thing that is not in the takeout."""

    entity_type: str
    entity_id: int
    user_id: int
    reaction: str
    created_at: int


class TagRow(msgspec.Struct, frozen=True, kw_only=True):
    """A word."""

    tag: Columns


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model. `owned` False: images here were made with it; it comes without bytes."""

    model: Columns
    tags: tuple[int, ...] = ()
    votes: tuple[Vote, ...] = ()
    owned: bool = True


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model."""

    version: Columns
    owned: bool = True


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a version with its hashes; `size` and `mime` of its bytes, which lie in `files/`."""

    file: Columns
    hashes: dict[str, str] = {}
    size: int | None = None
    mime: str | None = None
    owned: bool = True


class PostRow(msgspec.Struct, frozen=True, kw_only=True):
    """A post."""

    post: Columns
    tags: tuple[int, ...] = ()
    reactions: tuple[Reaction, ...] = ()


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """How an image was made: what the site said and what the file says, as JSON text, and the untouched text."""

    site_meta: str | None = None
    file_meta: str | None = None
    generation: str | None = None
    raw: str | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an image says it was made with. `strength` is the weight × 100."""

    kind: str
    name: str | None = None
    hash: str | None = None
    version_id: int | None = None
    strength: int | None = None


class ImageTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag on an image: who put it there, and how sure a recogniser was (0 to 100)."""

    tag_id: int
    confidence: int | None = None
    source: str = "User"
    automated: bool = False
    disabled: bool = False
    needs_review: bool = False


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """A model version that an image was made with, as far as the library knew it. For readers; we find it out again."""

    version_id: int
    strength: int | None = None
    detected: bool = True


class ImageRow(msgspec.Struct, frozen=True, kw_only=True):
    """An image, video or sound. Its bytes lie in `media/` under the SHA-256 in `image.blob`."""

    image: Columns
    making: Making | None = None
    wants: tuple[Wanted, ...] = ()
    used: tuple[Used, ...] = ()
    tags: tuple[ImageTag, ...] = ()
    votes: tuple[Vote, ...] = ()
    reactions: tuple[Reaction, ...] = ()


class CollectionTagRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a collection."""

    tag_id: int
    filterable_only: bool = False


class Contributor(msgspec.Struct, frozen=True, kw_only=True):
    """A follower or contributor of a collection; `permissions` is a JSON list."""

    user_id: int
    permissions: str
    created_at: int


class CollectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A collection without its items."""

    collection: Columns
    tags: tuple[CollectionTagRow, ...] = ()
    contributors: tuple[Contributor, ...] = ()


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a collection. A collection's own order is by `created_at`, then `id`, newest first."""

    id: int
    collection_id: int
    entity_type: str
    entity_id: int
    created_at: int
    status: str = "ACCEPTED"
    note: str | None = None
    tag_id: int | None = None
    added_by_id: int | None = None


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """A follow, hide, block or favourite of a subject."""

    user_id: int
    target_type: str
    target_id: int
    kind: str
    created_at: int


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The document of a mirrored thing as it was received, one a revision."""

    entity_type: str
    entity_id: int
    door: str
    fetched_at: int
    source: str
    digest: str
    body: msgspec.Raw


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that is spoken of and is not in the takeout; `source` and `source_id` where it came from, if it did."""

    kind: str
    id: int
    source: str = ""
    source_id: int | None = None


RECORDS: dict[str, type[msgspec.Struct]] = {
    "people": Person,
    "tags": TagRow,
    "models": ModelRow,
    "versions": VersionRow,
    "files": FileRow,
    "posts": PostRow,
    "images": ImageRow,
    "collections": CollectionRow,
    "items": Item,
    "reactions": GivenReaction,
    "engagements": Engagement,
    "received": Received,
    "references": Reference,
}
"""The files of records (`people.jsonl`, …) in the order in which they are brought in."""

TABLE_OF = {
    "user": "users", "tag": "tags", "model": "models", "version": "model_versions", "file": "model_files",
    "post": "posts", "image": "images", "collection": "collections",
}  # fmt: skip
"""Kinds of things that others refer to, and their tables."""

KIND_OF_WORD = {"Image": "image", "Post": "post", "Model": "model", "image": "image", "post": "post", "model": "model",
                "user": "user", "tag": "tag", "collection": "collection"}  # fmt: skip
"""The words by which collection items, reactions and engagements say what they are about."""


def blob_place(folder: str, sha256: str, ending: str) -> str:
    """Where bytes lie in a takeout: `media/ab/abcd….png`."""
    return f"{folder}/{sha256[:2]}/{sha256}.{ending}"


def columns_of(noun: msgspec.Struct) -> Columns:
    """A noun as it is written down."""
    return {name: getattr(noun, name) for name in noun.__struct_fields__}


def noun_of(kind: type[N], columns: Columns) -> N:
    """The noun that was written down. What a newer Pinako added is passed over; UnreadableFile where something is wrong."""
    known = {name: columns[name] for name in kind.__struct_fields__ if name in columns}
    try:
        noun = kind(**known)
        return msgspec.convert(msgspec.to_builtins(noun), kind)
    except (TypeError, msgspec.ValidationError) as error:
        raise UnreadableFile(f"a record that is no {kind.__name__}: {str(error)[:200]}") from error
