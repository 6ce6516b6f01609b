"""What a caller can ask to be done: one record for each write that a gallery needs (trpc.md 10). Times in milliseconds.

A field that is None was not given and changes nothing.
"""

from __future__ import annotations

import msgspec

JsonText = str
"""JSON text of an object, as it came."""


class ItemRef(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a collection can hold. `type` is the collection type that holds it: Image, Post, Model, Article."""

    type: str
    id: int


class ToggleReaction(msgspec.Struct, frozen=True, kw_only=True):
    """Give a reaction, or take it back where it was given."""

    entity_type: str
    entity_id: int
    reaction: str


class TagWish(msgspec.Struct, frozen=True, kw_only=True):
    """A tag by id where it is known, else by name."""

    name: str
    id: int | None = None


class KeepCollection(msgspec.Struct, frozen=True, kw_only=True):
    """Make a collection (no `id`) or change one. `cover_key` is the media key of an uploaded cover."""

    id: int | None = None
    name: str = ""
    description: str | None = None
    type: str = "Model"
    read: str | None = None
    write: str | None = None
    nsfw: bool | None = None
    mode: str | None = None
    image_id: int | None = None
    cover_key: str | None = None
    tags: tuple[TagWish, ...] | None = None
    metadata: JsonText | None = None
    item: ItemRef | None = None
    """The first thing in it."""


class SaveTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A collection to save into, with the label of the item there."""

    collection_id: int
    tag_id: int | None = None


class SaveItem(msgspec.Struct, frozen=True, kw_only=True):
    """Put one thing into collections and take it out of others."""

    item: ItemRef
    into: tuple[SaveTarget, ...]
    out_of: tuple[int, ...] = ()
    note: str | None = None


class RemoveItem(msgspec.Struct, frozen=True, kw_only=True):
    """Take one thing out of a collection; `item_id` is the thing's own id."""

    collection_id: int
    item_id: int


class SaveItems(msgspec.Struct, frozen=True, kw_only=True):
    """Put several things of one type into a collection."""

    collection_id: int
    type: str
    ids: tuple[int, ...]


class FollowCollection(msgspec.Struct, frozen=True, kw_only=True):
    """Follow a collection, or no more; `user_id` is whom it is done for, where not the caller."""

    collection_id: int
    user_id: int | None = None


class CreatePost(msgspec.Struct, frozen=True, kw_only=True):
    """Make a post; without `published_at` a draft."""

    title: str | None = None
    detail: str | None = None
    version_id: int | None = None
    tag_id: int | None = None
    tags: tuple[str, ...] = ()
    collection_id: int | None = None
    published_at: int | None = None


class AddImage(msgspec.Struct, frozen=True, kw_only=True):
    """Put an uploaded medium into a post; `key` refers to the upload."""

    post_id: int
    key: str
    name: str | None = None
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None
    mime: str | None = None
    size_kb: float | None = None
    idx: int | None = None
    type: str = "image"
    meta: JsonText | None = None
    metadata: JsonText | None = None
    level: int = 0
    """Ours: the level that its uploader gives it; 0 leaves it unrated."""


class UpdatePost(msgspec.Struct, frozen=True, kw_only=True):
    """Change a post. A blank title is left as it was."""

    id: int
    title: str | None = None
    detail: str | None = None
    published_at: int | None = None
    collection_id: int | None = None
    collection_tag_id: int | None = None


class UpdateImage(msgspec.Struct, frozen=True, kw_only=True):
    """Change an image's metadata, or hide it."""

    id: int
    meta: JsonText | None = None
    hide_meta: bool | None = None


class ReorderImages(msgspec.Struct, frozen=True, kw_only=True):
    """Put the images of a post into this order."""

    post_id: int
    image_ids: tuple[int, ...]


class TagPost(msgspec.Struct, frozen=True, kw_only=True):
    """Put a tag on a post (made where it is new), or take one off by its id."""

    post_id: int
    tag_id: int | None = None
    name: str | None = None


class VoteTags(msgspec.Struct, frozen=True, kw_only=True):
    """Vote on tags of one image or model; `vote` None takes the votes back. Tags by name or by id, never both."""

    kind: str
    id: int
    names: tuple[str, ...] = ()
    tag_ids: tuple[int, ...] = ()
    vote: float | None = None
    edit: bool = False
    """Ours: a vote that decides alone makes its tag where there is none, and takes off also what no machine put on."""


class HideTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A thing to hide; tags and people may come with their name, which the answer repeats."""

    id: int
    name: str | None = None


class ToggleHidden(msgspec.Struct, frozen=True, kw_only=True):
    """Hide things or show them again; `hidden` None toggles."""

    kind: str
    targets: tuple[HideTarget, ...]
    hidden: bool | None = None


class RateImages(msgspec.Struct, frozen=True, kw_only=True):
    """Give images a level: one bit."""

    ids: tuple[int, ...]
    level: int


class GrantRights(msgspec.Struct, frozen=True, kw_only=True):
    """Give somebody rights in a collection: VIEW, ADD, ADD_REVIEW, MANAGE."""

    collection_id: int
    user_id: int
    rights: tuple[str, ...]


class ChangeModel(msgspec.Struct, frozen=True, kw_only=True):
    """Change a model. `minor` and `poi` are only ever raised; `fields` are its plain columns."""

    id: int
    fields: dict[str, str | bool | int | None]
    tags: tuple[str, ...] | None = None
    minor: bool = False
    poi: bool = False


class ChangeVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Change a version's plain columns."""

    id: int
    fields: dict[str, str | int | None]


class ChangeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the caller's settings, as JSON text; `browsing`: the levels that lists use."""

    given: JsonText
    browsing: int | None = None
