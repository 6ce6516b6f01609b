"""One thread that does the steps of many downloads at once, whichever connection has bytes.

Threads of their own would pass the interpreter's lock to and fro for each piece and cost twice the processor time.
Connecting, and bodies without a length, block; those few go to helper threads.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from pinako.client.connections import LONGEST_HEAD, Connection, Place, cut, is_interim, reason, request_for
from pinako.client.exchange import Wait
from pinako.client.transfers import Head, Open, Read, Reply, SocketTransfers, Steps, run
from pinako.client.wanted import Download, Fetched, Wanted
from pinako.errors import PinakoError, UpstreamError, UpstreamNonsense

_BUFFER = 1 << 20
_HELPERS = 8
_USUAL_HEAD = 2048
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Job:
    """One download under way."""

    def __init__(self, wanted: Wanted, steps: Steps[Download]) -> None:
        self.wanted = wanted
        self.steps = steps
        self.connection: Connection | None = None
        self.url = ""
        self.request = b""
        self.used = False
        """Whether the connection had served before: it may have died while idle, which costs one fresh try."""
        self.head: bytes | None = b""
        """The head as far as it came; None once it is read."""
        self.rest: memoryview = memoryview(b"")
        self.left = 0
        self.wants = False
        """Whether the steps wait for a piece."""
        self.since = 0.0


class TransferLoop:
    """Add what is wanted, run it on one thread, take outcomes from the queue."""

    def __init__(
        self,
        steps: Callable[[Wanted], Steps[Download]],
        transfers: SocketTransfers,
        at_once: int,
        sleep: Callable[[float], None],
    ) -> None:
        self.outcomes: queue.SimpleQueue[list[Fetched]] = queue.SimpleQueue()
        self._steps = steps
        self._transfers = transfers
        self._at_once = at_once
        self._sleep = sleep
        self._waiting: deque[Wanted] = deque()
        self._back: deque[Callable[[], None]] = deque()
        self._jobs: set[_Job] = set()
        self._away: set[_Job] = set()
        """Those whose steps a helper does."""
        self._connecting: set[Future[Connection]] = set()
        self._done: list[Fetched] = []
        self._timers: list[tuple[float, int, _Job]] = []
        self._numbers = itertools.count()
        self._stopped = False
        self._asleep = False
        self._buffer = memoryview(bytearray(_BUFFER))
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._helpers = ThreadPoolExecutor(min(at_once, _HELPERS), thread_name_prefix="pinako-connect")

    def add(self, wanted: Wanted) -> None:
        """Want another file. From any thread."""
        self._waiting.append(wanted)
        self._ring()

    def stop(self) -> None:
        """End the loop; what is under way is given up. From any thread."""
        self._stopped = True
        self._ring()

    def _ring(self) -> None:
        if self._asleep:
            self._asleep = False
            self._ringer.send(b"x")

    def run(self) -> None:
        """The thread's life, until `stop`."""
        try:
            while not self._stopped:
                self._begin_jobs()
                self._hand_over()
                self._turn()
        finally:
            self._asleep = False
            for job in self._jobs - self._away:
                self._leave(job)
                job.steps.close()
            self._helpers.shutdown()
            for future in self._connecting:
                if not future.cancelled() and future.exception() is None:
                    future.result().close()  # it came up when nobody wanted it any more
            self._selector.close()
            self._bell.close()
            self._ringer.close()

    def _begin_jobs(self) -> None:
        while self._waiting and len(self._jobs) < self._at_once:
            wanted = self._waiting.popleft()
            job = _Job(wanted, self._steps(wanted))
            self._jobs.add(job)
            self._advance(job, None)

    def _hand_over(self) -> None:
        if self._done:
            self.outcomes.put(self._done)
            self._done = []

    def _turn(self) -> None:
        """Wait for bytes, helpers, timers or the bell, and serve them."""
        self._asleep = True
        busy = bool(self._back or self._stopped or (self._waiting and len(self._jobs) < self._at_once))
        events = self._selector.select(0 if busy else self._patience())
        self._asleep = False
        for key, _ in events:
            if key.data is None:
                self._bell.recv(4096)
            else:
                self._receive(key.data)
        for _ in range(len(self._back)):  # not those that these add: connections must have their turn too
            self._back.popleft()()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._advance(heapq.heappop(self._timers)[2], None)
        if not events:
            self._give_up_slow(now)

    def _patience(self) -> float:
        longest = self._transfers.timeouts.read / 4
        return min(longest, max(0.0, self._timers[0][0] - time.monotonic())) if self._timers else longest

    def _give_up_slow(self, now: float) -> None:
        limit = now - self._transfers.timeouts.read
        for job in [job for job in self._jobs if job.connection is not None and job.since < limit]:
            self._fail(job, cut(job.url, reason(TimeoutError())))

    def _advance(self, job: _Job, reply: Reply, error: UpstreamError | None = None) -> None:
        """Send the steps what they waited for, and do what they ask until they must wait again."""
        try:
            while True:
                step = job.steps.throw(error) if error is not None else job.steps.send(reply)
                error, reply = None, None
                if isinstance(step, Read):
                    if job.left and not job.rest:
                        job.wants = True
                        return
                    reply = self._piece(job)
                elif isinstance(step, Open):
                    self._leave(job)
                    try:
                        self._open(job, step)
                    except UpstreamError as failed:
                        error = failed
                        continue
                    return
                else:
                    self._leave(job)
                    self._wait(job, step)
                    return
        except StopIteration as done:
            self._end(job, Fetched(wanted=job.wanted, download=done.value))
        except PinakoError as failed:
            self._end(job, Fetched(wanted=job.wanted, error=failed))

    def _end(self, job: _Job, outcome: Fetched) -> None:
        self._leave(job)
        self._jobs.discard(job)
        self._away.discard(job)
        self._done.append(outcome)

    def _wait(self, job: _Job, step: Wait) -> None:
        """Time passes here as the client's own `sleep` has it, so that a test's clock may skip it."""
        if self._sleep is time.sleep:
            heapq.heappush(self._timers, (time.monotonic() + step.seconds, next(self._numbers), job))
            return
        self._sleep(step.seconds)
        self._back.append(lambda: self._advance(job, None))

    def _piece(self, job: _Job) -> memoryview:
        piece, job.rest = job.rest, memoryview(b"")
        job.left -= len(piece)
        if not job.left and job.connection is not None:
            job.connection.finish()
        return piece

    def _open(self, job: _Job, step: Open) -> None:
        place, job.request = request_for(step.url, step.headers)
        job.url = step.url
        idle = self._transfers.take(place)
        job.used = idle is not None
        if idle is not None:
            self._ask(job, idle)
        else:
            self._connect(job, place)

    def _connect(self, job: _Job, place: Place) -> None:
        def connected(future: Future[Connection]) -> None:
            self._back.append(lambda: self._connected(job, future))
            self._ring()

        future = self._helpers.submit(self._transfers.connect, place, job.url)
        self._connecting.add(future)
        future.add_done_callback(connected)

    def _connected(self, job: _Job, future: Future[Connection]) -> None:
        self._connecting.discard(future)
        try:
            connection = future.result()
        except UpstreamError as error:
            self._advance(job, None, error)
        else:
            self._ask(job, connection)

    def _ask(self, job: _Job, connection: Connection) -> None:
        """The request is small and the socket's buffer empty: sending it does not block."""
        job.connection, job.head, job.left, job.wants = connection, b"", 0, False
        job.rest = memoryview(b"")
        job.since = time.monotonic()
        connection.reusable = False
        try:
            connection.socket.sendall(job.request)
            connection.socket.setblocking(False)
            self._selector.register(connection.socket, selectors.EVENT_READ, job)
        except OSError as error:
            connection.close()
            self._lost(job, error)

    def _leave(self, job: _Job) -> None:
        """Done with the connection: back to the idle ones if it is at the end of its answer."""
        connection, job.connection = job.connection, None
        if connection is not None:
            self._selector.unregister(connection.socket)
            connection.socket.settimeout(self._transfers.timeouts.read)
            self._transfers.leave(connection)

    def _lost(self, job: _Job, error: Exception) -> None:
        if job.connection is not None and job.connection.socket.fileno() >= 0:
            self._leave(job)
        job.connection = None
        if job.used and job.head == b"":
            job.used = False
            try:
                self._connect(job, request_for(job.url, {})[0])
            except UpstreamError as failed:
                self._advance(job, None, failed)
            return
        self._advance(job, None, cut(job.url, reason(error)))

    def _fail(self, job: _Job, error: UpstreamError) -> None:
        if job.connection is not None:
            job.connection.reusable = False
            self._leave(job)
        self._advance(job, None, error)

    def _receive(self, job: _Job) -> None:
        """Take what has come, as long as more is there at once; encrypted sockets hold back some after the first."""
        while (connection := job.connection) is not None:
            try:
                size = connection.socket.recv_into(self._buffer)
            except _NOT_NOW:
                return
            except OSError as error:
                self._lost(job, error)
                return
            if not size:
                self._lost(job, EOFError() if job.head is not None else ConnectionResetError())
                return
            job.since = time.monotonic()
            self._digest(job, connection, self._buffer[:size])
            if not isinstance(connection.socket, ssl.SSLSocket) or job.connection is not connection:
                return

    def _digest(self, job: _Job, connection: Connection, piece: memoryview) -> None:
        if job.head is not None:
            self._digest_head(job, connection, piece)
        elif len(piece) > job.left:
            self._fail(job, UpstreamNonsense("The host sends more than it announced."))
        else:
            job.rest = piece
            if job.wants:
                job.wants = False
                self._advance(job, self._piece(job))

    def _digest_head(self, job: _Job, connection: Connection, piece: memoryview) -> None:
        """Find the end of the head. Most often it came whole, with much of the body behind it that is not to be copied."""
        if job.head:
            piece = memoryview(job.head + bytes(piece))
        found = _end_of_head(piece)
        if found is None:
            job.head = bytes(piece)
            if len(piece) > LONGEST_HEAD:
                self._fail(job, UpstreamNonsense("The answer's head has no end."))
            return
        head, rest = found
        job.head = None
        try:
            connection.begin(job.url, head)
        except UpstreamNonsense as error:
            self._fail(job, error)
            return
        length = connection.length
        if length is None:
            self._give_away(job, connection, head, bytes(rest))
            return
        job.left, job.rest = length, rest[:length]
        if not length:
            connection.finish()
        self._advance(job, Head(status=connection.status, headers=connection.headers))

    def _give_away(self, job: _Job, connection: Connection, head: bytes, rest: bytes) -> None:
        """A body that only tells its end itself is read by a helper, blocking, with all the steps that follow."""
        self._selector.unregister(connection.socket)
        job.connection = None
        self._away.add(job)
        connection.socket.settimeout(self._transfers.timeouts.read)
        connection.begin(job.url, head, rest)

        def finish() -> Fetched:
            try:
                return Fetched(wanted=job.wanted, download=run(job.steps, self._transfers, self._sleep, connection))
            except PinakoError as error:
                return Fetched(wanted=job.wanted, error=error)

        def finished(future: Future[Fetched]) -> None:
            self._back.append(lambda: self._end(job, future.result()))
            self._ring()

        self._helpers.submit(finish).add_done_callback(finished)


def _end_of_head(piece: memoryview) -> tuple[bytes, memoryview] | None:
    """The answer's head and what follows it; None where it is not whole yet."""
    while True:
        at = bytes(piece[:_USUAL_HEAD]).find(b"\r\n\r\n")
        if at < 0:
            at = bytes(piece[: LONGEST_HEAD + 4]).find(b"\r\n\r\n")
        if at < 0:
            return None
        head, piece = bytes(piece[:at]), piece[at + 4 :]
        if not is_interim(head):
            return head, piece
