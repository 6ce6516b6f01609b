"""The one ASGI application: route, caller, rate, handler, error into body, headers. Everything else here is a handler.

Plain ASGI without layers of middleware: for a page that costs 60 µs to make, each layer would be a tenth of the answer.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

from pinako.errors import MethodNotAllowed, NotFound, PinakoError, TooLarge, TooManyRequests, Unavailable
from pinako.services.library import Library
from pinako.web import csrf, downloads, files, gallery, health, history, openapi, rest, trpc, uploading
from pinako.web.answers import NO_STORE, PRIVATE, PUBLIC, TEXT_TYPE, Answer, Header
from pinako.web.ask import Ask, Disconnected, Receive, Scope, Send
from pinako.web.events import Events
from pinako.web.headers import Network, etag_of, matches, preflight_headers, standing_headers
from pinako.web.identity import Identities
from pinako.web.limits import Rates
from pinako.web.routes import ANY, Route, Table, neighbours, rest_errors
from pinako.web.sending import pour
from pinako.web.sessions import Sessions
from pinako.web.sharing import Sharing
from pinako.web.threads import Threads
from pinako.wire.failures import is_internal

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2
"""What 503 asks for, as the original (rest.md 5)."""


def make_app(library: Library, clock: Callable[[], float] = time.time) -> Door:
    """The application of an open library. Made before workers are forked, so that they share what counts rates.

    `clock` gives seconds since the epoch, for rates.
    """
    threads = Threads()
    media = files.Media(library, threads)
    door = Door(library, threads, clock)
    sessions = Sessions(library, threads, door.identities.forget, clock)
    door.add(health.ROUTES)
    door.add(downloads.routes(library, threads))
    door.add(rest.routes(library, threads, clock))
    door.add(trpc.routes(library, threads, door.identities.forget))
    door.add(history.routes(threads))
    door.add(openapi.routes(lambda: door.routes))
    door.add(files.routes(library, media))
    door.add(sessions.routes())
    door.add(uploading.routes(library, threads, media.darkroom))
    door.add(Sharing(library, threads, door.identities.forget).routes())
    streams = Events(library, threads, door.identities)
    door.add(streams.routes())
    door.at_leaving(streams.end)
    shown, door.elsewhere = gallery.routes(library, threads)
    door.add(shown)
    door.at_close(threads.close)
    door.at_close(media.close)
    return door


class Door:
    """An ASGI application over one library."""

    def __init__(self, library: Library, threads: Threads, clock: Callable[[], float]) -> None:
        settings = library.settings
        self.library = library
        self.threads = threads
        self.identities = Identities(library, threads)
        self.network = Network(settings.public_url, settings.trusted_proxies)
        self.rates = Rates(settings.rate_limit_per_minute, clock)
        self._cors = () if "*" in settings.cors_origins else settings.cors_origins
        self._leaving: list[Callable[[], None]] = []
        self._closing: list[Callable[[], None]] = []
        self._routes: list[Route] = []
        self._table = Table(())
        self.elsewhere = ELSEWHERE
        self._standing: dict[str, tuple[Header, ...]] = {}

    def add(self, routes: Iterable[Route]) -> None:
        """Add routes; of two patterns that fit, the earlier one is taken, of several at one path the one of the method."""
        self._routes = neighbours([*self._routes, *routes])
        self._table = Table(self._routes)
        self._standing = {route.path: standing_headers(route.allowed) for route in (*self._routes, NOWHERE, ELSEWHERE)}

    def at_leaving(self, callback: Callable[[], None]) -> None:
        """Call this when the server begins to end, while requests are still being answered."""
        self._leaving.append(callback)

    def leave(self) -> None:
        """End what would never end by itself."""
        for callback in self._leaving:
            callback()

    def at_close(self, callback: Callable[[], None]) -> None:
        """Call this when the application ends, after what was given before."""
        self._closing.append(callback)

    def close(self) -> None:
        """End what works beside: threads, processes. What the threads were doing is finished first."""
        closing, self._closing = self._closing, []
        for callback in closing:
            callback()

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route, for the documentation and the tests that walk them."""
        return tuple(self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(Ask(self.library, scope, receive, self.network), send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                self.close()
                return

    async def _serve(self, ask: Ask, send: Send) -> None:
        found = self._table.find(ask.path, ask.method)
        if found is None:
            found = (NOWHERE if _is_api(ask.path) else self.elsewhere), ()
        route, ask.args = found
        ask.body_limit = route.body_limit or self.library.settings.body_limit_bytes
        try:
            answer = await self._answer(ask, route)
        except PinakoError as error:
            answer = self._refusal(ask, route, error)
            if isinstance(error, TooLarge):
                await ask.drain()
        except Disconnected:
            return
        except asyncio.CancelledError:  # a body that never came whole, say
            answer = self._refusal(ask, route, Unavailable("The server had to end, please retry shortly."))
        except Exception as error:
            answer = self._accident(ask, route, error)
        try:
            await self._send(ask, route, answer, send)
        except PinakoError as error:  # the head is out: all that is left is to end the connection
            log.warning("%s %s broke off: %s", ask.method, ask.path, error)
        except asyncio.CancelledError:
            log.warning("%s %s was cut off, since the server had to end", ask.method, ask.path)

    async def _answer(self, ask: Ask, route: Route) -> Answer:
        if ask.method == "OPTIONS" and not (
            route.plain_options and b"access-control-request-method" not in ask.headers
        ):
            return Answer(status=204, headers=preflight_headers(route.allowed), content_type=b"", cache=NO_STORE)
        ask.viewer = self.identities.viewer_of(ask)
        if self.rates.per_minute and route.limited:
            viewer = ask.viewer.user_id
            self.rates.count(f"user {viewer}" if viewer is not None else f"from {ask.client}")
        if route.methods and not route.allows(ask.method):
            raise MethodNotAllowed("Method not allowed")
        if route.writes:
            csrf.check(ask)
        answer = route.handler(ask)
        return answer if isinstance(answer, Answer) else await answer

    def _refusal(self, ask: Ask, route: Route, error: PinakoError) -> Answer:
        told = route.errors(error)
        headers: list[Header] = []
        if isinstance(error, MethodNotAllowed):
            headers.append((b"allow", route.allowed.encode()))
        if isinstance(error, TooManyRequests | Unavailable):
            wait = getattr(error, "retry_after", None)
            headers.append((b"retry-after", str(RETRY_AFTER_S if wait is None else wait).encode()))
        if told.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            headers.append((b"connection", b"close"))  # what is left of the body is not worth reading
        if told.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s %s: %s", ask.method, ask.path, error, exc_info=error if is_internal(error) else None)
        return Answer(
            told.body, status=told.status, content_type=told.content_type.encode(), headers=headers, cache=NO_STORE
        )

    def _accident(self, ask: Ask, route: Route, error: Exception) -> Answer:
        """An error that nobody foresaw: the log has it whole, the caller a number to ask the log for."""
        number = secrets.token_hex(6)
        log.error("request %s: %s %s failed", number, ask.method, ask.path, exc_info=error)
        told = route.errors(PinakoError())
        return Answer(
            told.body,
            status=500,
            content_type=told.content_type.encode(),
            headers=[(b"x-request-id", number.encode())],
            cache=NO_STORE,
        )

    async def _send(self, ask: Ask, route: Route, answer: Answer, send: Send) -> None:
        headers = self._head(ask, route, answer)
        status, body = answer.status, answer.body
        if answer.tagged:
            etag = etag_of(body)
            headers.append((b"etag", etag))
            asked = ask.headers.get(b"if-none-match")
            if asked is not None and matches(asked, etag):
                status, body = 304, b""
        stream = answer.stream
        if status not in {204, 304}:
            length = len(body) if stream is None else stream.length
            if length is not None:
                headers.append((b"content-length", b"%d" % length))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if stream is not None and ask.method != "HEAD":
            await pour(ask, stream, send)
            return
        await send({"type": "http.response.body", "body": b"" if ask.method == "HEAD" else body})

    def _head(self, ask: Ask, route: Route, answer: Answer) -> list[Header]:
        if ask.method == "OPTIONS" and answer.status == HTTPStatus.NO_CONTENT:
            return self._narrowed(ask, list(answer.headers)) if self._cors else list(answer.headers)
        cache = answer.cache or (PRIVATE if ask.secured else PUBLIC)
        if ask.secured and cache.startswith(b"public"):
            cache = b"private" + cache[len(b"public") :]
        headers = [*self._standing[route.path], (b"cache-control", cache), *answer.headers]
        if answer.content_type:
            headers.append((b"content-type", answer.content_type))
        if cache.startswith(b"public"):
            headers.append((b"vary", b"Authorization, Cookie"))
        return self._narrowed(ask, headers) if self._cors else headers

    def _narrowed(self, ask: Ask, headers: list[Header]) -> list[Header]:
        """The same for an instance that names the origins which may read it."""
        origin = ask.header("origin")
        kept = [(name, value) for name, value in headers if name != b"access-control-allow-origin"]
        if origin in self._cors:
            kept.append((b"access-control-allow-origin", origin.encode("latin-1")))
        return [*kept, (b"vary", b"Origin")]


def _is_api(path: str) -> bool:
    """Whether programs ask there: below /api, whose errors are JSON, and not at a page whose name only begins so."""
    return path.lstrip("/").split("/", 1)[0] == "api"


def _nowhere(ask: Ask) -> Answer:
    raise NotFound("Not found")


def _elsewhere(ask: Ask) -> Answer:
    return Answer(b"Not found", status=404, content_type=TEXT_TYPE)


NOWHERE = Route(path="/api/{*}", handler=_nowhere, methods=ANY, errors=rest_errors())
"""What an unknown path under /api meets."""
ELSEWHERE = Route(path="/{*}", handler=_elsewhere, methods=ANY)
"""What any other unknown path meets."""
