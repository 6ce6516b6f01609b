"""Makes methods of the call generators, so that each call is one line in each client."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pinako.client.asks import Call
from pinako.client.listings import AsyncListing, Listing
from pinako.client.paging import Listed

T = TypeVar("T")
P = ParamSpec("P")
M = TypeVar("M", bound=Callable[..., Any])


class Runs(Protocol):
    """What the blocking methods need of their client."""

    def run(self, call: Call[T]) -> T:
        """Run a call to its result."""
        ...


class RunsAsync(Protocol):
    """What the awaited methods need of their client."""

    async def run(self, call: Call[T]) -> T:
        """Run a call to its result."""
        ...


def blocking(make: Callable[P, Call[T]]) -> Callable[Concatenate[Runs, P], T]:
    """A call generator as a blocking method with its own signature and docstring."""

    def method(client: Runs, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.run(make(*args, **kwargs))

    return _dressed(method, make)


def listing(make: Callable[P, Listed[T]]) -> Callable[Concatenate[Runs, P], Listing[T]]:
    """A list's question as a method that gives an iterable."""

    def method(client: Runs, /, *args: P.args, **kwargs: P.kwargs) -> Listing[T]:
        return Listing(client.run, make(*args, **kwargs))

    return _dressed(method, make)


def awaited(make: Callable[P, Call[T]]) -> Callable[Concatenate[RunsAsync, P], Coroutine[Any, Any, T]]:
    """A call generator as an asynchronous method with its own signature and docstring."""

    async def method(client: RunsAsync, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.run(make(*args, **kwargs))

    return _dressed(method, make)


def async_listing(make: Callable[P, Listed[T]]) -> Callable[Concatenate[RunsAsync, P], AsyncListing[T]]:
    """A list's question as a method that gives an asynchronous iterable."""

    def method(client: RunsAsync, /, *args: P.args, **kwargs: P.kwargs) -> AsyncListing[T]:
        return AsyncListing(client.run, make(*args, **kwargs))

    return _dressed(method, make)


def _dressed(method: M, make: Callable[..., Any]) -> M:
    """Docstring and parameters for `help()` and editors; annotations stay the generator's own words."""
    method.__doc__ = make.__doc__
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = inspect.signature(make).parameters.values()
    vars(method)["__signature__"] = inspect.Signature([own, *parameters])
    return method
