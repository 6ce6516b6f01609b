"""What the asking side of the mirror hands to its keeping side: things found upstream, each with the page it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from pinako.client.records.images import GenerationData, Image, Post
from pinako.client.records.models import ModelFile
from pinako.client.records.people import Collection, Profile, VotableTag
from pinako.errors import UpstreamError
from pinako.intake.journal import Item, State
from pinako.intake.mirror.upstream import ModelDocs, WholeVersion


class Page:
    """A page of a list, or a single thing: dealt with once everything that came of it is.

    One thread gives things out and closes it, another ticks them off, so each has a counter of its own.
    """

    def __init__(
        self, walk: str, *, mark: str | int | None = None, parent: Page | None = None, collection: int | None = None
    ) -> None:
        self.walk = walk
        self.mark = mark
        """Where the list goes on after it; None at the end."""
        self.collection = collection
        """The collection upstream whose members these are."""
        self.members: list[tuple[str, int]] = []
        """What the page lists."""
        self.beside: list[tuple[str, int]] = []
        """What its things belong to: looked for like them, should it leave, but no member of a collection."""
        self.of_collection = ""
        """At the end of a whole list of the collection's things: of which kind they are."""
        self.parent = parent
        self.previous: Page | None = None
        self.closed = False
        self.settled = False
        self.spoiled = False
        """Whether something of it could not be asked: a list must not go on beyond it."""
        self._given = 0
        self._done = 0
        if parent is not None:
            parent.give()

    def give(self) -> None:
        """One more thing of this page is on its way."""
        self._given += 1

    def spoil(self) -> None:
        """A list below it broke: neither it nor what it is part of is dealt with."""
        self.spoiled = True
        if self.parent is not None:
            self.parent.spoil()

    def tick(self) -> None:
        """One of them is dealt with."""
        self._done += 1

    @property
    def is_done(self) -> bool:
        """Whether everything of it is dealt with."""
        return self.closed and self._done == self._given


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something found. `page` has been told that it is on its way."""

    page: Page


class ImageFound(Found, frozen=True, kw_only=True):
    """An image. `known` is the journal's line on it; `fetch` whether its bytes are wanted, `steady` that only counts moved."""

    row: Image
    digest: str
    generation: GenerationData | None = None
    tags: Sequence[VotableTag] | None = None
    known: Item | None = None
    fetch: bool = False
    steady: bool = False
    parts: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Which details the host did not give, and why: they are asked for again by the next run."""


class PostFound(Found, frozen=True, kw_only=True):
    """A post, as asked by id and as a list shows it."""

    id: int
    single: Post | None = None
    listed: Post | None = None
    error: UpstreamError | None = None
    """Why one of them is not there, where the host failed to answer or where neither is."""


class ModelFound(Found, frozen=True, kw_only=True):
    """A model with its versions and files, bytes apart."""

    docs: ModelDocs
    error: UpstreamError | None = None
    """Why one of the documents is not there, where the host failed to answer."""


class VersionFound(Found, frozen=True, kw_only=True):
    """A version that images name, without files: its model is not mirrored."""

    version: WholeVersion


class FileFound(Found, frozen=True, kw_only=True):
    """A model file whose bytes are wanted, or (`refused`) that cannot be had, which is noted."""

    model_id: int
    version: WholeVersion
    file: ModelFile
    rest: ModelFile | None = None
    refused: State | None = None
    reason: str = ""
    retry_at: int | None = None


class CollectionFound(Found, frozen=True, kw_only=True):
    """A collection, its members apart; `listed` is its row in the list of collections, where the host shows one."""

    collection: Collection
    listed: Collection | None = None


class UserFound(Found, frozen=True, kw_only=True):
    """An account whose page was asked for."""

    profile: Profile


class StateFound(Found, frozen=True, kw_only=True):
    """Only a note: something is gone, closed or failed."""

    entity: str
    id: int | None
    state: State
    reason: str
    retry_at: int | None = None


class PageClosed(Found, frozen=True, kw_only=True):
    """Everything of this page has been given out."""


class ListBroken(Found, frozen=True, kw_only=True):
    """A list that could not be read to its end."""

    reason: str


Finding: TypeAlias = (
    ImageFound
    | PostFound
    | ModelFound
    | VersionFound
    | FileFound
    | CollectionFound
    | UserFound
    | StateFound
    | PageClosed
    | ListBroken
)
