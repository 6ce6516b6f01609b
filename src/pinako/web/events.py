"""`GET /api/events`: server-sent events of what changed, for pages that are open.

Each stream waits for this process's follower of the change log, so it hears of every process's writes within the follower's
pause. What a slow client has not taken is bounded: beyond that it is told to look at everything again.

    event: change    data: {"entity": "image", "id": 5, "counts": {"like": 1, …}}    or {…, "gone": true}
    event: reset     data: {}                                                        more happened than is told

What a caller may not see is not told of, nor that it went. A page that shows things names them (`?about=model:7,8;image:5`): of
those that this caller does not meet when the stream opens it says `gone` at once, whether hidden since the page was made
or never were, and later once of each that is hidden from them meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import msgspec

from pinako.catalog.people import Viewer
from pinako.errors import TooManyRequests
from pinako.services import events
from pinako.services.events import MOST, Happened, Touch
from pinako.services.library import Library
from pinako.web.answers import NO_STORE, Answer, Stream
from pinako.web.ask import Ask
from pinako.web.identity import Identities
from pinako.web.routes import Route
from pinako.web.threads import Threads

PATH = "/api/events"
HEARTBEAT_S = 15.0
GATHER_S = 0.05
"""How long changes are gathered before they are told together."""
MOST_ABOUT = 300
"""Things that a page may name; what is on it beyond that is looked at again when the page is."""
STREAMS, STREAMS_EACH = 1000, 20
"""Open streams of one process, and of one caller."""


class Client:
    """One open stream: what happened that it has not been told."""

    def __init__(self, about: frozenset[Touch] = frozenset()) -> None:
        self.about = about
        self.met: set[Touch] = set()
        """Those of `about` that the caller met when last looked at."""
        self.pending: dict[Touch, None] = {}
        self.lost = False
        self.woken = asyncio.Event()

    def add(self, touched: Sequence[Touch]) -> None:
        """Something happened; nothing touched: anything may have."""
        if not touched or len(self.pending) + len(touched) > MOST:
            self.lost = True
            self.pending.clear()
        elif not self.lost:
            self.pending.update(dict.fromkeys(touched))
        self.woken.set()

    def meet(self, found: Sequence[Happened]) -> list[Happened]:
        """Begin with what the caller meets of `about`. The rest is gone, and for all that is told never was."""
        self.met = {(one.entity, one.id) for one in found} & self.about
        return _gone(sorted(self.about - self.met))

    def follow(self, touched: Sequence[Touch], found: Sequence[Happened]) -> list[Happened]:
        """What of these the caller met before and does not any more."""
        here = {(one.entity, one.id) for one in found}
        lost = [touch for touch in touched if touch in self.met and touch not in here]
        self.met = (self.met | (here & self.about)) - set(lost)
        return _gone(lost)

    def take(self) -> tuple[list[Touch], bool]:
        """What has come together, and whether more did than is known."""
        taken, lost = list(self.pending), self.lost
        self.pending.clear()
        self.lost = False
        self.woken.clear()
        return taken, lost


class Events:
    """The streams of one process."""

    def __init__(self, library: Library, threads: Threads, identities: Identities) -> None:
        self._library = library
        self._threads = threads
        self._identities = identities
        self._clients: set[Client] = set()
        self._each: Counter[str] = Counter()
        self._ending = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._fresh: list[Touch] = []
        self._all = False

    def routes(self) -> list[Route]:
        """The one door."""
        return [Route(path=PATH, handler=self.open)]

    def open(self, ask: Ask) -> Answer:
        """A stream for this caller."""
        name = f"user {ask.viewer.user_id}" if ask.viewer.known else f"from {ask.client}"
        if len(self._clients) >= STREAMS or self._each[name] >= STREAMS_EACH:
            raise TooManyRequests("Too many open streams", retry_after=30)
        self._listen()
        return Answer(
            content_type=b"text/event-stream",
            headers=[(b"x-accel-buffering", b"no")],
            cache=NO_STORE,
            stream=Stream(length=None, pieces=self._stream(ask, name)),
        )

    def end(self) -> None:
        """End every stream now: a server that ends must not wait for them."""
        self._ending = True
        for client in tuple(self._clients):
            client.woken.set()

    # --- from the follower to the clients

    def _listen(self) -> None:
        """Hear of changes, from the first stream on: the loop is that of the process that serves."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._library.feeds.follower.listeners.append(self._changed)

    def _changed(self, entity: str, ids: Sequence[int]) -> None:
        """Called by whoever filed a change, on any thread."""
        if not self._clients or self._loop is None or self._loop.is_closed():
            return
        with self._lock:
            waking = not self._fresh and not self._all
            self._all |= not ids or len(self._fresh) + len(ids) > 4 * MOST
            if not self._all:
                self._fresh += ((entity, id) for id in ids)
        if waking:
            self._loop.call_soon_threadsafe(self._spread)

    def _spread(self) -> None:
        with self._lock:
            fresh, everything = self._fresh, self._all
            self._fresh, self._all = [], False
        for client in self._clients:
            client.add(() if everything else fresh)

    # --- from a client to its stream

    async def _stream(self, ask: Ask, name: str) -> AsyncIterator[bytes]:
        client = Client(about_of(ask))
        self._clients.add(client)
        self._each[name] += 1
        try:
            yield b"retry: 2000\n: what changes is told from here on\n\n"
            if client.about:
                found = await self._threads.run(events.visible, self._library, ask.viewer, sorted(client.about))
                yield _written(client.meet(found))
            await self._catch_up(ask, client)
            async for piece in self._tell(ask, client):
                yield piece
        finally:
            self._clients.discard(client)
            self._each[name] -= 1

    async def _catch_up(self, ask: Ask, client: Client) -> None:
        """What a stream that broke off has missed since its last event, or a page since it was made (`?since=`)."""
        since = next((value for key, value in ask.pairs if key == "since"), "")
        last = ask.header("last-event-id") or since
        if last.isascii() and last.isdecimal() and len(last) < 16:
            touched = await self._threads.run(events.missed, self._library, int(last))
            if touched is None:
                client.add(())
            elif touched:
                client.add(touched)

    async def _tell(self, ask: Ask, client: Client) -> AsyncIterator[bytes]:
        while not self._ending:
            if not await _waits(client.woken, HEARTBEAT_S):
                yield b": still here\n\n"
            elif not self._ending:
                await asyncio.sleep(GATHER_S)
            viewer = self._identities.viewer_of(ask)
            if viewer.user_id != ask.viewer.user_id or self._ending:
                return  # logged out meanwhile, or the key is no more
            touched, lost = client.take()
            text = await self._text(client, viewer, touched, lost=lost)
            if text:
                yield text

    async def _text(self, client: Client, viewer: Viewer, touched: Sequence[Touch], *, lost: bool) -> bytes:
        at = b"id: %d\n" % self._library.feeds.follower.place.seq
        if lost:
            return at + b"event: reset\ndata: {}\n\n"
        found: list[Happened] = []
        if touched:
            found = await self._threads.run(events.visible, self._library, viewer, touched)
            found += client.follow(touched, found)
        return _written(found, at)


def _written(found: Sequence[Happened], at: bytes = b"") -> bytes:
    return b"".join(b"%sevent: change\ndata: %s\n\n" % (at, msgspec.json.encode(one)) for one in found)


def _gone(touched: Sequence[Touch]) -> list[Happened]:
    return [Happened(entity=entity, id=id, gone=True) for entity, id in touched]


def about_of(ask: Ask) -> frozenset[Touch]:
    """The things that a page names: `model:7,8;image:5`. What cannot be read is passed over."""
    text = next((value for key, value in ask.pairs if key == "about"), "")
    found: dict[Touch, None] = {}
    for group in text.split(";"):
        entity, _, ids = group.partition(":")
        if entity in events.TELLERS:
            found |= {
                (entity, int(id)): None for id in ids.split(",") if id.isascii() and id.isdecimal() and len(id) < 11
            }
    return frozenset(list(found)[:MOST_ABOUT])


async def _waits(event: asyncio.Event, seconds: float) -> bool:
    """Whether something came within this time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
