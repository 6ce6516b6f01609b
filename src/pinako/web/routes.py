"""The route table: which path has which handler, methods and error shape; exact paths are found by one dictionary look."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import msgspec

from pinako.errors import PinakoError, TooLarge
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.wire.failures import PLAIN, ErrorAnswer, Shapes, error_answer

Quick: TypeAlias = Callable[[Ask], Answer]
Slow: TypeAlias = Callable[[Ask], Awaitable[Answer]]
Told: TypeAlias = Callable[[PinakoError], ErrorAnswer]

READS = frozenset({"GET"})
ANY = frozenset[str]()
"""No method is refused: the original's Public endpoints do not look at it (rest.md 3)."""


def rest_errors(shapes: Shapes = PLAIN) -> Told:
    """Errors in a REST endpoint's documented shapes; a body over the limit is bare text everywhere (rest.md 5)."""

    def tell(error: PinakoError) -> ErrorAnswer:
        if isinstance(error, TooLarge):
            return ErrorAnswer(error.status, error.message.encode(), "text/plain; charset=utf-8")
        return error_answer(error, shapes)

    return tell


PLAIN_ERRORS = rest_errors()


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint.

    `path` has `{}` for each variable segment, whose decoded texts are `ask.args`; a last `{*}` takes the rest of the path.
    `handler` runs on the event loop: a plain function for what is surely under 5 ms, else a coroutine that moves its work
    to a thread (`Threads.run`). HEAD comes with GET, OPTIONS with everything.
    """

    path: str
    handler: Quick | Slow
    methods: frozenset[str] = READS
    errors: Told = PLAIN_ERRORS
    body_limit: int | None = None
    """Bytes of the largest body; None: what the settings say for REST."""
    limited: bool = True
    """Whether the caller's rate counts here."""
    writes: bool = False
    """Whether it changes something: then a caller who is known by cookie must show the page's word (web/csrf.py)."""
    plain_options: bool = False
    """Whether OPTIONS that is no browser's question about another origin goes to the handler, as any other method does."""
    others: frozenset[str] = ANY
    """The methods of other routes at the same path."""

    @property
    def allowed(self) -> str:
        """The value of `Allow` and of the CORS list of methods."""
        methods = (self.methods or {"GET", "POST"}) | self.others
        return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}))

    def allows(self, method: str) -> bool:
        """Whether this endpoint answers a method."""
        return not self.methods or method in self.methods or (method == "HEAD" and "GET" in self.methods)


def neighbours(routes: Iterable[Route]) -> list[Route]:
    """The same routes, each knowing the methods that others answer at its path."""
    methods: dict[str, frozenset[str]] = {}
    found = list(routes)
    for route in found:
        methods[route.path] = methods.get(route.path, ANY) | route.methods
    return [msgspec.structs.replace(route, others=methods[route.path] - route.methods) for route in found]


_Pattern: TypeAlias = tuple[re.Pattern[str], Route]


class Table:
    """Routes by path, and by method where several share one. Doubled slashes and one at the end make no difference."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, Route] = {}
        self._patterns: list[_Pattern] = []
        self._below: dict[str, list[_Pattern]] = {}
        """Patterns by the first segment of the paths that they can fit, in their order."""
        self._at: dict[str, list[Route]] = {}
        for route in routes:
            same = self._at.setdefault(route.path, [])
            same.append(route)
            if len(same) > 1:
                continue
            if "{" in route.path:
                self._patterns.append((_pattern(route.path), route))
            else:
                self._exact[route.path] = route
        heads = {_head(route.path) for _, route in self._patterns}
        for head in heads:
            self._below[head] = [each for each in self._patterns if _head(each[1].path) in {head, ""}]

    def find(self, path: str, method: str = "GET") -> tuple[Route, tuple[str, ...]] | None:
        """The route of a decoded path with the texts of its variable segments, or None.

        Where no route of the path answers the method, its first one, which refuses it.
        """
        found = self._find(path)
        if found is None or not found[0].others or found[0].allows(method):
            return found
        same = self._at[found[0].path]
        return next((route for route in same if route.allows(method)), found[0]), found[1]

    def _find(self, path: str) -> tuple[Route, tuple[str, ...]] | None:
        route = self._exact.get(path)
        if route is not None:
            return route, ()
        if "//" in path or path.endswith("/"):
            path = re.sub("/{2,}", "/", path).rstrip("/") or "/"
            route = self._exact.get(path)
            if route is not None:
                return route, ()
        for pattern, route in self._below.get(_head(path), self._below.get("", ())):
            found = pattern.fullmatch(path)
            if found:
                return route, found.groups()
        return None


def _head(path: str) -> str:
    """The first segment, empty where it is variable."""
    first = path.split("/", 2)[1] if path.startswith("/") else path
    return "" if "{" in first else first


def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(re.escape("{}"), "([^/]+)").replace(re.escape("{*}"), "(.+)")
    return re.compile(text, re.DOTALL)
