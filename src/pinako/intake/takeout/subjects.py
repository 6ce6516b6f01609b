"""Whose things a takeout is of, and the rows of each kind that are theirs and that their owner may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User, Viewer
from pinako.catalog.resources import Model, ModelVersion
from pinako.catalog.visibility import sees_image, sees_model
from pinako.services import detail
from pinako.storage.records import TABLE_OF, columns, fetch, record
from pinako.storage.scopes import Statements

N = TypeVar("N", bound=msgspec.Struct)

BATCH = 500


class Subjects(msgspec.Struct, frozen=True, kw_only=True):
    """`user_id` None: everybody in the library. `viewer` decides what is seen; withheld and trashed things never are."""

    viewer: Viewer
    user_id: int | None = None
    now: int = 0

    def owns(self, user_id: int) -> bool:
        """Whether this is one of theirs."""
        return self.user_id is None or user_id == self.user_id

    def rows(self, read: Statements, noun: type[N], more: str = "") -> Iterator[list[N]]:
        """All rows of a kind that are theirs, by id, in batches."""
        conditions = [text for text in ("user_id = ?" if self.user_id is not None else "", more) if text]
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        params = () if self.user_id is None else (self.user_id,)
        sql = f"SELECT {columns(noun)} FROM {TABLE_OF[noun]} {where}ORDER BY id"
        for rows in read.stream(sql, params, size=BATCH):
            yield [record(noun, row) for row in rows]

    def images(self, read: Statements) -> Iterator[list[Image]]:
        """Their images, drafts and held ones among them."""
        for batch in self.rows(read, Image, "deleted_at IS NULL AND withheld = 0"):
            yield [one for one in batch if sees_image(one, self.viewer, self.now)]

    def posts(self, read: Statements) -> Iterator[list[Post]]:
        """Their posts."""
        for batch in self.rows(read, Post, "deleted_at IS NULL"):
            yield [one for one in batch if detail.sees_post(one, self.viewer, self.now)]

    def models(self, read: Statements) -> Iterator[list[Model]]:
        """Their models."""
        for batch in self.rows(read, Model, "withheld = 0"):
            yield [one for one in batch if sees_model(as_it_was(one), self.viewer)]

    def collections(self, read: Statements) -> Iterator[list[Collection]]:
        """Their collections."""
        yield from self.rows(read, Collection, "deleted_at IS NULL")

    def accounts(self, read: Statements) -> list[User]:
        """They themselves."""
        sql = f"SELECT {columns(User)} FROM users "
        if self.user_id is None:
            rows = read.rows(f"{sql}ORDER BY id")
        else:
            rows = read.rows(f"{sql}WHERE id = ?", (self.user_id,))
        return [record(User, row) for row in rows]

    def sees_version(self, model: Model, version: ModelVersion) -> bool:
        """Whether a version of a model that is seen may go out."""
        return detail.sees_version(as_it_was(model), released(version), self.viewer)


def borrowed_versions(read: Statements, viewer: Viewer, ids: list[int]) -> Iterator[tuple[Model, ModelVersion]]:
    """Of these versions those that this viewer may see, each with its model."""
    versions = fetch(read, ModelVersion, ids)
    models = fetch(read, Model, {version.model_id for version in versions.values()})
    for id in sorted(versions):
        version = versions[id]
        model = models.get(version.model_id)
        if model is None or not sees_model(as_it_was(model), viewer):
            continue
        if detail.sees_version(as_it_was(model), released(version), viewer):
            yield model, version


def as_it_was(model: Model) -> Model:
    """A model before it was deleted or unpublished upstream: what is kept of it is the reason for keeping a library."""
    gone = model.status in detail.GONE_STATUSES
    return msgspec.structs.replace(model, status="Published" if gone else model.status, deleted_at=None)


def released(version: ModelVersion) -> ModelVersion:
    """The same of a version."""
    return msgspec.structs.replace(version, status="Published") if version.status in detail.GONE_STATUSES else version
