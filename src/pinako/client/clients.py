"""The two runners of the calls: `Client` blocks, `AsyncClient` awaits. Everything else is shared."""

from __future__ import annotations

import asyncio
import inspect
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import httpx2

from pinako.client import sending
from pinako.client.asks import Answer, Ask, Call
from pinako.client.calls import entities, feeds, flow, rest, trpc, writes
from pinako.client.exchange import Failed, Send, Wait, exchange
from pinako.client.listings import AsyncListing, Listing
from pinako.client.options import CIVITAI, Given, Options, host_for, pace_for
from pinako.client.paging import Listed
from pinako.client.records.images import ImageDetails
from pinako.client.records.models import Availability
from pinako.errors import UpstreamError

T = TypeVar("T")
P = ParamSpec("P")
M = TypeVar("M", bound=Callable[..., Any])


def _call(make: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """A generator function as a blocking method with its own signature and docstring."""

    def method(client: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.run(make(*args, **kwargs))

    return _dressed(method, make)


def _list(make: Callable[P, Listed[T]]) -> Callable[Concatenate[Client, P], Listing[T]]:
    def method(client: Client, /, *args: P.args, **kwargs: P.kwargs) -> Listing[T]:
        return Listing(client.run, make(*args, **kwargs))

    return _dressed(method, make)


def _async_call(make: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    async def method(client: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.run(make(*args, **kwargs))

    return _dressed(method, make)


def _async_list(make: Callable[P, Listed[T]]) -> Callable[Concatenate[AsyncClient, P], AsyncListing[T]]:
    def method(client: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncListing[T]:
        return AsyncListing(client.run, make(*args, **kwargs))

    return _dressed(method, make)


def _dressed(method: M, make: Callable[..., Any]) -> M:
    """Docstring and parameters for `help()` and editors; the return annotation stays the generator's words."""
    method.__doc__ = make.__doc__
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = inspect.signature(make).parameters.values()
    vars(method)["__signature__"] = inspect.Signature([own, *parameters])
    return method


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
        self._http = sending.open_http(
            timeouts=self.options.timeouts,
            proxy=self.options.proxy,
            trust_env=self.options.trust_env and not sending.is_loopback(self.host.origin),
            transport=transport,
            connections=self.pace.politeness.api_at_once,
        )

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
        return sending.send(self._http, step)

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

    images = _list(rest.image_list)
    models = _list(rest.model_list)
    creators = _list(rest.creator_list)
    tags = _list(rest.tag_list)
    public_collections = _list(rest.collection_list)
    image_feed = _list(feeds.image_feed)
    posts_of_images = _list(feeds.posts_of_images)
    post_feed = _list(feeds.post_feed)
    model_feed = _list(feeds.model_feed)
    collection_feed = _list(feeds.collection_feed)
    collection_items = _list(feeds.collection_items)
    mixed_collection_items = _list(feeds.mixed_collection_items)
    tag_feed = _list(feeds.tag_feed)

    model = _call(rest.get_model)
    version = _call(rest.get_version)
    find_version = _call(rest.find_version)
    find_versions = _call(rest.find_versions)
    find_version_ids = _call(rest.find_version_ids)
    mini_version = _call(rest.get_mini_version)
    find_users = _call(rest.find_users)
    me = _call(rest.get_me)
    enums = _call(rest.get_enums)
    public_collection = _call(rest.get_public_collection)
    image = _call(entities.get_image)
    generation_data = _call(entities.get_generation_data)
    votable_tags = _call(entities.get_votable_tags)
    tag = _call(entities.get_tag)
    post = _call(entities.get_post)
    model_details = _call(entities.get_model_details)
    version_details = _call(entities.get_version_details)
    collection = _call(entities.get_collection)
    my_collections = _call(entities.get_my_collections)
    collections_of_item = _call(entities.get_collections_of_item)
    creator = _call(entities.get_creator)
    user = _call(entities.get_user)
    settings = _call(entities.get_settings)
    hidden_preferences = _call(entities.get_hidden)
    fetch_basic_info = _call(entities.get_image)
    fetch_generation_data = _call(entities.get_generation_data)
    fetch_image_tags = _call(flow.fetch_image_tags)
    toggle_reaction = _call(writes.toggle_reaction)
    vote_tags = _call(writes.vote_tags)
    remove_tag_votes = _call(writes.remove_tag_votes)
    edit_tags = _call(writes.edit_tags)
    keep_collection = _call(writes.keep_collection)
    save_item = _call(writes.save_item)
    save_items = _call(writes.save_items)
    remove_item = _call(writes.remove_item)
    follow_collection = _call(writes.follow_collection)
    unfollow_collection = _call(writes.unfollow_collection)
    delete_collection = _call(writes.delete_collection)
    create_post = _call(writes.create_post)
    add_image = _call(writes.add_image)
    update_post = _call(writes.update_post)
    update_image = _call(writes.update_image)
    reorder_images = _call(writes.reorder_images)
    add_post_tag = _call(writes.add_post_tag)
    remove_post_tag = _call(writes.remove_post_tag)
    delete_post = _call(writes.delete_post)
    delete_image = _call(writes.delete_image)
    toggle_follow = _call(writes.toggle_follow)
    set_settings = _call(writes.set_settings)
    toggle_hidden = _call(writes.toggle_hidden)

    def close(self) -> None:
        """Close connections and save the day's count."""
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
        self._transport = transport
        self._sleep = sleep
        self._draw = draw
        self._gate = asyncio.Semaphore(self.pace.politeness.api_at_once)
        self._http = sending.open_async_http(
            timeouts=self.options.timeouts,
            proxy=self.options.proxy,
            trust_env=self.options.trust_env and not sending.is_loopback(self.host.origin),
            transport=transport,
            connections=self.pace.politeness.api_at_once,
        )

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

    images = _async_list(rest.image_list)
    models = _async_list(rest.model_list)
    creators = _async_list(rest.creator_list)
    tags = _async_list(rest.tag_list)
    public_collections = _async_list(rest.collection_list)
    image_feed = _async_list(feeds.image_feed)
    posts_of_images = _async_list(feeds.posts_of_images)
    post_feed = _async_list(feeds.post_feed)
    model_feed = _async_list(feeds.model_feed)
    collection_feed = _async_list(feeds.collection_feed)
    collection_items = _async_list(feeds.collection_items)
    mixed_collection_items = _async_list(feeds.mixed_collection_items)
    tag_feed = _async_list(feeds.tag_feed)

    model = _async_call(rest.get_model)
    version = _async_call(rest.get_version)
    find_version = _async_call(rest.find_version)
    find_versions = _async_call(rest.find_versions)
    find_version_ids = _async_call(rest.find_version_ids)
    mini_version = _async_call(rest.get_mini_version)
    find_users = _async_call(rest.find_users)
    me = _async_call(rest.get_me)
    enums = _async_call(rest.get_enums)
    public_collection = _async_call(rest.get_public_collection)
    image = _async_call(entities.get_image)
    generation_data = _async_call(entities.get_generation_data)
    votable_tags = _async_call(entities.get_votable_tags)
    tag = _async_call(entities.get_tag)
    post = _async_call(entities.get_post)
    model_details = _async_call(entities.get_model_details)
    version_details = _async_call(entities.get_version_details)
    collection = _async_call(entities.get_collection)
    my_collections = _async_call(entities.get_my_collections)
    collections_of_item = _async_call(entities.get_collections_of_item)
    creator = _async_call(entities.get_creator)
    user = _async_call(entities.get_user)
    settings = _async_call(entities.get_settings)
    hidden_preferences = _async_call(entities.get_hidden)
    fetch_basic_info = _async_call(entities.get_image)
    fetch_generation_data = _async_call(entities.get_generation_data)
    fetch_image_tags = _async_call(flow.fetch_image_tags)
    toggle_reaction = _async_call(writes.toggle_reaction)
    vote_tags = _async_call(writes.vote_tags)
    remove_tag_votes = _async_call(writes.remove_tag_votes)
    edit_tags = _async_call(writes.edit_tags)
    keep_collection = _async_call(writes.keep_collection)
    save_item = _async_call(writes.save_item)
    save_items = _async_call(writes.save_items)
    remove_item = _async_call(writes.remove_item)
    follow_collection = _async_call(writes.follow_collection)
    unfollow_collection = _async_call(writes.unfollow_collection)
    delete_collection = _async_call(writes.delete_collection)
    create_post = _async_call(writes.create_post)
    add_image = _async_call(writes.add_image)
    update_post = _async_call(writes.update_post)
    update_image = _async_call(writes.update_image)
    reorder_images = _async_call(writes.reorder_images)
    add_post_tag = _async_call(writes.add_post_tag)
    remove_post_tag = _async_call(writes.remove_post_tag)
    delete_post = _async_call(writes.delete_post)
    delete_image = _async_call(writes.delete_image)
    toggle_follow = _async_call(writes.toggle_follow)
    set_settings = _async_call(writes.set_settings)
    toggle_hidden = _async_call(writes.toggle_hidden)

    async def close(self) -> None:
        """Close connections and save the day's count."""
        await self._http.aclose()
        self.pace.flush()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
