"""A host before a host that behaves as badly as hosts do: it fails, cuts, lies, repeats itself, and forgets filters."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import quote, urlsplit

from mirroring import Host

from scripted_upstream import Reply, Request, page

Fault = Callable[[Reply, Random], Reply]


def refused(reply: Reply, chance: Random) -> Reply:
    return Reply(429, b'{"error":"Too many requests"}', {"content-type": "application/json", "retry-after": "0"})


def failed(reply: Reply, chance: Random) -> Reply:
    return Reply(500, b'{"error":"Unexpected end"}', {"content-type": "application/json"})


def away(reply: Reply, chance: Random) -> Reply:
    return page(503)


def cut(reply: Reply, chance: Random) -> Reply:
    return Reply(
        reply.status, reply.body, reply.headers, cut=chance.randrange(len(reply.body) + 1), length=len(reply.body) + 1
    )


def challenged(reply: Reply, chance: Random) -> Reply:
    return page(200)


def torn(reply: Reply, chance: Random) -> Reply:
    """Short, and its length says so: only a reader of the content can tell."""
    return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)


def message(reply: Reply, chance: Random) -> Reply:
    return Reply(200, b'{"error":"This file is not available"}', {"content-type": "application/json"})


def empty(reply: Reply, chance: Random) -> Reply:
    return Reply(200, b"", {"content-type": "image/png"})


def of_lists(name: str, change: Callable[[dict[str, Any]], None]) -> Fault:
    """A fault in each list of an answer."""

    def spoil(reply: Reply, chance: Random) -> Reply:
        body = json.loads(reply.body)
        for element in body if isinstance(body, list) else [body]:
            found = element.get("result", {}).get("data", {}).get("json")
            if isinstance(found, dict) and isinstance(found.get("items"), list):
                change(found)
        return Reply(reply.status, json.dumps(body).encode(), reply.headers)

    spoil.__name__ = name
    return spoil


def holes(reply: Reply, chance: Random) -> Reply:
    """A batch of which some questions have no answer."""
    body = json.loads(reply.body)
    for place in range(len(body)):
        if chance.random() < 0.5:
            data = {"code": "INTERNAL_SERVER_ERROR", "httpStatus": 500}
            body[place] = {"error": {"json": {"message": "Unexpected end", "code": -32603, "data": data}}}
    return Reply(207, json.dumps(body).encode(), reply.headers)


def circle(found: dict[str, Any]) -> None:
    found["nextCursor"] = CIRCLE


def double(found: dict[str, Any]) -> None:
    found["items"] = [row for row in found["items"] for _ in range(2)]


LISTS = re.compile(r"getInfinite|model\.getAll|^/api/v1/(images|users)$")
CIRCLE = "around-again"
PASSING: tuple[Fault, ...] = (refused, failed, away, cut)
"""Faults that the next attempt of the same run outlives."""
LIES: dict[str, tuple[Fault, ...]] = {
    "batch": (challenged, torn, holes, of_lists("double", double)),
    "list": (challenged, torn, of_lists("circle", circle), of_lists("double", double)),
    "thing": (challenged, torn),
    "file": (challenged, torn, message, empty),
}
"""Lies that another run outlives, by what is asked: each kind is told in its turn."""
MOST_TRUTHS = 2
"""On end, while there are lies left to be told."""


class Hostile:
    """Answers for a real host. Each address meets `passing` faults first; each kind of question is lied to `lies` times.

    `deaf`: filters that never reach the host's lists, as if it had dropped them.
    """

    def __init__(
        self, host: Host, *, seed: int = 1, lies: int = 0, passing: int = 0, deaf: tuple[str, ...] = ()
    ) -> None:
        self._host, self._chance, self._passing, self._deaf = host, Random(seed), passing, deaf
        self._lies = dict.fromkeys(LIES, lies)
        self._seen: Counter[str] = Counter()
        self._truths: Counter[str] = Counter()
        self._passed = 0
        self._lock = threading.Lock()
        self.met: Counter[str] = Counter()
        self.address = ""

    def __call__(self, request: Request) -> Reply:
        key = f"{request.path}?{request.query}"
        number, self._seen[key] = self._seen[key], self._seen[key] + 1
        reply = self._forward(request)
        fault = self._fault(request, number, reply)
        if fault is None:
            return reply
        self.met[fault.__name__] += 1
        return fault(reply, self._chance)

    def _fault(self, request: Request, number: int, reply: Reply) -> Fault | None:
        if number < self._passing:
            self._passed += 1
            return PASSING[self._passed % len(PASSING)]
        kind = _kind_of(request)
        if reply.status != 200 or number != self._passing or not self._lies[kind]:
            return None
        if self._chance.random() < 0.5 and self._truths[kind] < MOST_TRUTHS:
            self._truths[kind] += 1
            return None
        self._truths[kind] = 0
        self._lies[kind] -= 1
        return LIES[kind][self._lies[kind] % len(LIES[kind])]

    def _forward(self, request: Request) -> Reply:
        connection = HTTPConnection(urlsplit(self._host.address).netloc, timeout=60)
        passed = {
            name: text for name, text in request.headers.items() if name in {"authorization", "range", "if-range"}
        }
        connection.request("GET", self._target(request), headers={**passed, "accept-encoding": "identity"})
        answer = connection.getresponse()
        body = answer.read()
        kept = {"content-type", "etag", "content-range", "accept-ranges", "content-disposition", "location"}
        headers = {name.lower(): self._own(text) for name, text in answer.getheaders() if name.lower() in kept}
        connection.close()
        if "json" in headers.get("content-type", ""):
            body = self._own(body.decode()).encode()
        return Reply(answer.status, body, headers)

    def _own(self, text: str) -> str:
        return text.replace(self._host.address, self.address)

    def _target(self, request: Request) -> str:
        if CIRCLE in request.query:  # a cursor of our own: the list from its beginning
            return self._target(Request(request.method, request.path, _without(request, "cursor"), {}, b""))
        query = _without(request, *self._deaf) if self._deaf and LISTS.search(request.path) else request.query
        return f"{request.path}?{query}" if query else request.path


def _kind_of(request: Request) -> str:
    if not request.path.startswith("/api/") or "download" in request.path:
        return "file"
    if "batch" in request.params:
        return "batch"
    return "list" if ".getInfinite" in request.path or ".getAll" in request.path else "thing"


def _without(request: Request, *names: str) -> str:
    """A query that lacks some members; of tRPC, in each of its inputs."""
    pairs = request.params
    if "input" not in pairs:
        return "&".join(f"{name}={quote(text)}" for name, text in pairs.items() if name not in names)
    values = json.loads(pairs["input"])
    for inside in values.values() if "batch" in pairs else [values]:
        for name in names:
            inside.get("json", {}).pop(name, None)
    return "&".join(f"{name}={quote(json.dumps(values) if name == 'input' else text)}" for name, text in pairs.items())
