"""The two runners of the calls: `Client` blocks, `AsyncClient` awaits. Everything else is shared."""

from __future__ import annotations

import asyncio
import functools
import random
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from pinako.client import asking, sending
from pinako.client.asks import Answer, Ask, Call
from pinako.client.calls import entities, feeds, flow, rest, trpc, writes
from pinako.client.downloads import Downloader
from pinako.client.exchange import Failed, Send, Wait, exchange
from pinako.client.methods import async_listing, awaited, blocking, listing
from pinako.client.options import CIVITAI, Given, Options, host_for, pace_for
from pinako.client.records.images import Image, ImageDetails
from pinako.client.records.models import Availability, ModelFile, ModelVersion
from pinako.client.saving import Saved, wanted_with_details
from pinako.client.transfers import LibraryTransfers, SocketTransfers, Transfers
from pinako.client.wanted import Download, Fetched, Wanted, wanted_file, wanted_image
from pinako.errors import BadRequest, UpstreamError

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")


class Client:
    """Calls a Civitai-compatible host and blocks until it has answered. Safe to share between threads.

    `Client()` is anonymous on civitai.com; `Client("http://127.0.0.1:8765", api_key=…)` is a Pinako. All keywords are the
    fields of `Options`. Every call raises the errors of its docstring, all of them kinds of `pinako.errors.UpstreamError`.
    """

    def __init__(
        self,
        base_url: str = CIVITAI,
        *,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
        **options: Unpack[Given],
    ) -> None:
        self.options = Options(base_url=base_url, **options)
        self.host = host_for(self.options)
        self.pace = pace_for(self.options, self.host)
        self._transport = transport
        self._sleep = sleep
        self._draw = draw
        self._gate = threading.BoundedSemaphore(self.pace.politeness.api_at_once)
        origin = self.host.origin
        plain = transport is None and origin.isascii() and not sending.uses_proxy(self.options.network, origin)
        self._sockets = SocketTransfers(self.options.timeouts) if plain else None
        """Connections of our own; through proxies and given transports the library sends."""
        self._opening = threading.RLock()
        self._http: httpx2.Client | None = None
        self._downloads: Downloader | None = None
        self._closed = False

    def run(self, call: Call[T]) -> T:
        """Run any call generator of `pinako.client.calls`, your own included, to its result."""
        try:
            ask = next(call)
            while True:
                try:
                    answer = self._exchange(ask)
                except UpstreamError as error:
                    ask = call.throw(error)
                else:
                    ask = call.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def batch(self, calls: Sequence[Call[T]]) -> list[T | UpstreamError]:
        """Several tRPC queries in one request: `client.batch([entities.get_image(1), entities.get_image(2)])`."""
        return self.run(trpc.batch(calls))

    def _exchange(self, ask: Ask) -> Answer:
        with self._gate:
            steps = exchange(self.host, ask, self.pace, self.options.retries, self._draw)
            step = next(steps)
            try:
                while True:
                    step = steps.send(self._do(step))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    def _do(self, step: Send | Wait) -> Answer | Failed | None:
        if isinstance(step, Wait):
            self._sleep(step.seconds)
            return None
        return asking.send(self._sockets, step) if self._sockets else sending.send(self._library, step)

    @property
    def _library(self) -> httpx2.Client:
        """The library's client, opened when the first thread needs it."""
        with self._opening:
            if self._closed:
                raise BadRequest("This client is closed.")
            if self._http is None:
                self._http = sending.open_http(self.options.network, self.host.origin, self._transport)
            return self._http

    @property
    def media_base(self) -> str:
        """The address before a media key on this host."""
        return self.options.media_base or flow.media_base_of(self.host.origin)

    def fetch_image(self, image_id: int) -> ImageDetails:
        """One image with author, address, tags, LoRAs and parameters. Errors: UpstreamNotFound."""
        return self.run(flow.fetch_image(image_id, media_base=self.media_base))

    def fetch_images(self, image_ids: Iterable[int]) -> list[ImageDetails | UpstreamError]:
        """Many of them, ten to a request; an error stands in the place of what could not be had."""
        return self.run(flow.fetch_images(image_ids, media_base=self.media_base))

    def model_availability(self, version_id: int, *, model_id: int | None = None) -> Availability:
        """Whether a model version is still there, with its address on the archive where it is deleted."""
        return self.run(flow.model_availability(version_id, origin=self.host.origin, model_id=model_id))

    images = listing(rest.image_list)
    models = listing(rest.model_list)
    creators = listing(rest.creator_list)
    tags = listing(rest.tag_list)
    public_collections = listing(rest.collection_list)
    image_feed = listing(feeds.image_feed)
    posts_of_images = listing(feeds.posts_of_images)
    post_feed = listing(feeds.post_feed)
    model_feed = listing(feeds.model_feed)
    collection_feed = listing(feeds.collection_feed)
    collection_items = listing(feeds.collection_items)
    mixed_collection_items = listing(feeds.mixed_collection_items)
    tag_feed = listing(feeds.tag_feed)

    model = blocking(rest.get_model)
    version = blocking(rest.get_version)
    find_version = blocking(rest.find_version)
    find_versions = blocking(rest.find_versions)
    find_version_ids = blocking(rest.find_version_ids)
    mini_version = blocking(rest.get_mini_version)
    find_users = blocking(rest.find_users)
    me = blocking(rest.get_me)
    enums = blocking(rest.get_enums)
    public_collection = blocking(rest.get_public_collection)
    image = blocking(entities.get_image)
    generation_data = blocking(entities.get_generation_data)
    votable_tags = blocking(entities.get_votable_tags)
    tag = blocking(entities.get_tag)
    post = blocking(entities.get_post)
    model_details = blocking(entities.get_model_details)
    version_details = blocking(entities.get_version_details)
    collection = blocking(entities.get_collection)
    my_collections = blocking(entities.get_my_collections)
    collections_of_item = blocking(entities.get_collections_of_item)
    creator = blocking(entities.get_creator)
    user = blocking(entities.get_user)
    settings = blocking(entities.get_settings)
    hidden_preferences = blocking(entities.get_hidden)
    fetch_basic_info = blocking(entities.get_image)
    fetch_generation_data = blocking(entities.get_generation_data)
    fetch_image_tags = blocking(flow.fetch_image_tags)
    toggle_reaction = blocking(writes.toggle_reaction)
    vote_tags = blocking(writes.vote_tags)
    remove_tag_votes = blocking(writes.remove_tag_votes)
    edit_tags = blocking(writes.edit_tags)
    keep_collection = blocking(writes.keep_collection)
    save_item = blocking(writes.save_item)
    save_items = blocking(writes.save_items)
    remove_item = blocking(writes.remove_item)
    follow_collection = blocking(writes.follow_collection)
    unfollow_collection = blocking(writes.unfollow_collection)
    delete_collection = blocking(writes.delete_collection)
    create_post = blocking(writes.create_post)
    add_image = blocking(writes.add_image)
    update_post = blocking(writes.update_post)
    update_image = blocking(writes.update_image)
    reorder_images = blocking(writes.reorder_images)
    add_post_tag = blocking(writes.add_post_tag)
    remove_post_tag = blocking(writes.remove_post_tag)
    delete_post = blocking(writes.delete_post)
    delete_image = blocking(writes.delete_image)
    toggle_follow = blocking(writes.toggle_follow)
    set_settings = blocking(writes.set_settings)
    toggle_hidden = blocking(writes.toggle_hidden)

    @property
    def downloads(self) -> Downloader:
        """What fetches files, at this client's pace and with its credential."""
        with self._opening:
            if self._downloads is None:
                transfers: Transfers = self._sockets or LibraryTransfers(self._library)
                self._downloads = Downloader(
                    self.host, self.pace, transfers, retries=self.options.retries, sleep=self._sleep, draw=self._draw
                )
            return self._downloads

    def download(self, url: str, to: Path, *, size: int | None = None, sha256: str | None = None) -> Download:
        """A file into the folder or under the path `to`, whole and checked. Errors: see `Downloader.fetch`."""
        return self.downloads.fetch(Wanted(url=url, to=to, size=size, sha256=sha256))

    def download_image(self, image: Image | ImageDetails, to: Path) -> Download:
        """The original of an image."""
        return self.downloads.fetch(wanted_image(image, to, media_base=self.media_base))

    def download_version(self, version: ModelVersion, to: Path, *, file: ModelFile | None = None) -> Download:
        """A model file, the primary one unless said otherwise, checked against the SHA-256 of its record."""
        return self.downloads.fetch(wanted_file(version, to, origin=self.host.origin, file=file))

    def download_all(self, wanted: Iterable[Wanted]) -> Iterator[Fetched]:
        """Many files at once; each outcome as it comes, errors among them. See `Downloader.fetch_all`."""
        return self.downloads.fetch_all(wanted)

    def save_images(
        self, images: Iterable[Image], folder: Path, *, generation: bool = True, tags: bool = False
    ) -> Iterator[Fetched]:
        """The originals of a list's images into an existing folder as `ID.EXT`, each with its record as `ID.EXT.json`.

        The record is the row as received, with its generation data and tags where asked, 40 to a request. Each outcome as
        it comes, errors among them; errors of the list and of a request for details are raised.
        """
        saved = Saved(folder=folder, media_base=self.media_base, generation=generation, tags=tags)
        return self.download_all(wanted_with_details(self.run, images, saved, self.pace.politeness.api_at_once))

    def close(self) -> None:
        """Close connections and save the day's count."""
        with self._opening:
            self._closed = True
        if self._downloads is not None:
            self._downloads.close()
        if self._sockets:
            self._sockets.close()
        if self._http is not None:
            self._http.close()
        self.pace.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """The asynchronous twin of `Client`: the same options and methods, each call awaited, each list `async for`."""

    def __init__(
        self,
        base_url: str = CIVITAI,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        **options: Unpack[Given],
    ) -> None:
        self.options = Options(base_url=base_url, **options)
        self.host = host_for(self.options)
        self.pace = pace_for(self.options, self.host)
        self._has_transport = transport is not None
        self._sleep = sleep
        self._draw = draw
        self._gate = asyncio.Semaphore(self.pace.politeness.api_at_once)
        self._http = sending.open_async_http(self.options.network, self.host.origin, transport)
        self._files_http: httpx2.Client | None = None

    async def run(self, call: Call[T]) -> T:
        """Run any call generator of `pinako.client.calls`, your own included, to its result."""
        try:
            ask = next(call)
            while True:
                try:
                    answer = await self._exchange(ask)
                except UpstreamError as error:
                    ask = call.throw(error)
                else:
                    ask = call.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    async def batch(self, calls: Sequence[Call[T]]) -> list[T | UpstreamError]:
        """Several tRPC queries in one request: `await client.batch([entities.get_image(1), entities.get_image(2)])`."""
        return await self.run(trpc.batch(calls))

    async def _exchange(self, ask: Ask) -> Answer:
        async with self._gate:
            steps = exchange(self.host, ask, self.pace, self.options.retries, self._draw)
            step = next(steps)
            try:
                while True:
                    step = steps.send(await self._do(step))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    async def _do(self, step: Send | Wait) -> Answer | Failed | None:
        if isinstance(step, Wait):
            await self._sleep(step.seconds)
            return None
        return await sending.send_async(self._http, step)

    @property
    def media_base(self) -> str:
        """The address before a media key on this host."""
        return self.options.media_base or flow.media_base_of(self.host.origin)

    async def fetch_image(self, image_id: int) -> ImageDetails:
        """One image with author, address, tags, LoRAs and parameters. Errors: UpstreamNotFound."""
        return await self.run(flow.fetch_image(image_id, media_base=self.media_base))

    async def fetch_images(self, image_ids: Iterable[int]) -> list[ImageDetails | UpstreamError]:
        """Many of them, ten to a request; an error stands in the place of what could not be had."""
        return await self.run(flow.fetch_images(image_ids, media_base=self.media_base))

    async def model_availability(self, version_id: int, *, model_id: int | None = None) -> Availability:
        """Whether a model version is still there, with its address on the archive where it is deleted."""
        return await self.run(flow.model_availability(version_id, origin=self.host.origin, model_id=model_id))

    images = async_listing(rest.image_list)
    models = async_listing(rest.model_list)
    creators = async_listing(rest.creator_list)
    tags = async_listing(rest.tag_list)
    public_collections = async_listing(rest.collection_list)
    image_feed = async_listing(feeds.image_feed)
    posts_of_images = async_listing(feeds.posts_of_images)
    post_feed = async_listing(feeds.post_feed)
    model_feed = async_listing(feeds.model_feed)
    collection_feed = async_listing(feeds.collection_feed)
    collection_items = async_listing(feeds.collection_items)
    mixed_collection_items = async_listing(feeds.mixed_collection_items)
    tag_feed = async_listing(feeds.tag_feed)

    model = awaited(rest.get_model)
    version = awaited(rest.get_version)
    find_version = awaited(rest.find_version)
    find_versions = awaited(rest.find_versions)
    find_version_ids = awaited(rest.find_version_ids)
    mini_version = awaited(rest.get_mini_version)
    find_users = awaited(rest.find_users)
    me = awaited(rest.get_me)
    enums = awaited(rest.get_enums)
    public_collection = awaited(rest.get_public_collection)
    image = awaited(entities.get_image)
    generation_data = awaited(entities.get_generation_data)
    votable_tags = awaited(entities.get_votable_tags)
    tag = awaited(entities.get_tag)
    post = awaited(entities.get_post)
    model_details = awaited(entities.get_model_details)
    version_details = awaited(entities.get_version_details)
    collection = awaited(entities.get_collection)
    my_collections = awaited(entities.get_my_collections)
    collections_of_item = awaited(entities.get_collections_of_item)
    creator = awaited(entities.get_creator)
    user = awaited(entities.get_user)
    settings = awaited(entities.get_settings)
    hidden_preferences = awaited(entities.get_hidden)
    fetch_basic_info = awaited(entities.get_image)
    fetch_generation_data = awaited(entities.get_generation_data)
    fetch_image_tags = awaited(flow.fetch_image_tags)
    toggle_reaction = awaited(writes.toggle_reaction)
    vote_tags = awaited(writes.vote_tags)
    remove_tag_votes = awaited(writes.remove_tag_votes)
    edit_tags = awaited(writes.edit_tags)
    keep_collection = awaited(writes.keep_collection)
    save_item = awaited(writes.save_item)
    save_items = awaited(writes.save_items)
    remove_item = awaited(writes.remove_item)
    follow_collection = awaited(writes.follow_collection)
    unfollow_collection = awaited(writes.unfollow_collection)
    delete_collection = awaited(writes.delete_collection)
    create_post = awaited(writes.create_post)
    add_image = awaited(writes.add_image)
    update_post = awaited(writes.update_post)
    update_image = awaited(writes.update_image)
    reorder_images = awaited(writes.reorder_images)
    add_post_tag = awaited(writes.add_post_tag)
    remove_post_tag = awaited(writes.remove_post_tag)
    delete_post = awaited(writes.delete_post)
    delete_image = awaited(writes.delete_image)
    toggle_follow = awaited(writes.toggle_follow)
    set_settings = awaited(writes.set_settings)
    toggle_hidden = awaited(writes.toggle_hidden)

    @functools.cached_property
    def downloads(self) -> Downloader:
        """What fetches files, on threads: sockets that block are several times faster there than awaited ones."""
        if self._has_transport:
            raise BadRequest("Files cannot be fetched through a transport that only awaits; use Client.")
        transfers: Transfers = SocketTransfers(self.options.timeouts)
        if sending.uses_proxy(self.options.network, self.host.origin):
            self._files_http = sending.open_http(self.options.network, self.host.origin, None)
            transfers = LibraryTransfers(self._files_http)
        return Downloader(self.host, self.pace, transfers, retries=self.options.retries, draw=self._draw)

    async def download(self, url: str, to: Path, *, size: int | None = None, sha256: str | None = None) -> Download:
        """A file into the folder or under the path `to`, whole and checked. Errors: see `Downloader.fetch`."""
        return await asyncio.to_thread(self.downloads.fetch, Wanted(url=url, to=to, size=size, sha256=sha256))

    async def download_image(self, image: Image | ImageDetails, to: Path) -> Download:
        """The original of an image."""
        return await asyncio.to_thread(self.downloads.fetch, wanted_image(image, to, media_base=self.media_base))

    async def download_version(self, version: ModelVersion, to: Path, *, file: ModelFile | None = None) -> Download:
        """A model file, the primary one unless said otherwise, checked against the SHA-256 of its record."""
        wanted = wanted_file(version, to, origin=self.host.origin, file=file)
        return await asyncio.to_thread(self.downloads.fetch, wanted)

    async def download_all(self, wanted: Iterable[Wanted]) -> AsyncIterator[Fetched]:
        """Many files at once; each outcome as it comes, errors among them. See `Downloader.fetch_all`."""
        outcomes = self.downloads.fetch_all(wanted)
        try:
            while (found := await asyncio.to_thread(next, outcomes, None)) is not None:
                yield found
        finally:
            await asyncio.to_thread(outcomes.close)

    async def save_images(
        self, images: AsyncIterable[Image], folder: Path, *, generation: bool = True, tags: bool = False
    ) -> AsyncIterator[Fetched]:
        """See `Client.save_images`; the details of some are asked for, then those are fetched, then the next."""
        saved = Saved(folder=folder, media_base=self.media_base, generation=generation, tags=tags)
        part: list[Image] = []
        async for image in images:
            part.append(image)
            if len(part) == saved.together:
                async for fetched in self.download_all(map(saved.wanted, await self.run(saved.details(part)))):
                    yield fetched
                part = []
        async for fetched in self.download_all(map(saved.wanted, await self.run(saved.details(part)))):
            yield fetched

    async def close(self) -> None:
        """Close connections and save the day's count."""
        if "downloads" in vars(self):
            self.downloads.close()
        if self._files_http is not None:
            self._files_http.close()
        await self._http.aclose()
        self.pace.flush()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
