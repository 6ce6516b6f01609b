"""Listening and serving: one process, or a parent that loads the library once and watches over forked workers."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from types import FrameType
from typing import NoReturn

import uvicorn

from pinako.errors import PinakoError, SettingsError
from pinako.web.asgi import Door
from pinako.web.protocol import BoundedProtocol

log = logging.getLogger(__name__)

STOPS = (signal.SIGTERM, signal.SIGINT)
GRACE_S = 20
"""How long requests in flight may take to end after SIGTERM."""
BACKLOG = 2048
KEEP_ALIVE_S = 30
_QUICK_DEATH_S = 5.0
_QUICK_DEATHS = 5


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, not listening yet; port 0 is a free one. SettingsError when it is taken or not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind(address)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    bound.set_inheritable(True)
    return bound


def address_of(bound: socket.socket, host: str) -> str:
    """The address to type into a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{bound.getsockname()[1]}"


Begin = Callable[[Door, bool], None]
"""Starts what works beside the answers, in the process that gives them; True in just one of all workers."""


def serve(door: Door, bound: socket.socket, workers: int, begin: Begin, ready: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `ready` is called once, as soon as requests are answered."""
    gc.collect()
    gc.freeze()  # what is loaded stays: no later collection walks the index, and forked pages stay shared
    if workers == 1 or not hasattr(os, "fork"):
        begin(door, True)
        return _serve_here(door, bound, ready)
    return Supervisor(door, bound, workers, begin, ready).run()


class _Server(uvicorn.Server):
    """uvicorn's server that says when it is ready, and as a worker ends with its parent and not by Ctrl-C itself."""

    def __init__(self, config: uvicorn.Config, door: Door, ready: Callable[[], None], parent: int | None) -> None:
        super().__init__(config)
        self._door = door
        self._ready = ready
        self._parent = parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self._parent is not None:
            asyncio.get_running_loop().add_reader(self._parent, self._orphaned, self._parent)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; what streams without an end of its own is ended first."""
        self._door.leave()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A terminal sends Ctrl-C to parent and workers alike; a worker waits for what its parent says."""
        if self._parent is None or sig != signal.SIGINT:
            super().handle_exit(sig, frame)

    def _orphaned(self, parent: int) -> None:
        asyncio.get_running_loop().remove_reader(parent)
        self.should_exit = True


def _serve_here(door: Door, bound: socket.socket, ready: Callable[[], None], parent: int | None = None) -> int:
    config = uvicorn.Config(
        door,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        loop="auto",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, door, ready, parent)
    # uvicorn raises the signal again once it has shut down; for us an end that was asked for is a good end.
    for number in STOPS:
        signal.signal(number, server.handle_exit)
    if parent is not None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    try:
        server.run(sockets=[bound])
    finally:
        door.close()
    return 0


class Supervisor:
    """The parent of forked workers: it starts them, replaces one that dies, and ends them all."""

    def __init__(self, door: Door, bound: socket.socket, workers: int, begin: Begin, ready: Callable[[], None]) -> None:
        self._door = door
        self._bound = bound
        self._workers = workers
        self._begin = begin
        self._ready = ready
        self._born: dict[int, float] = {}
        self._first = 0
        """The worker that does what only one must."""
        self._quick_deaths = 0
        self._stopped_at: float | None = None
        self._alive, self._held = os.pipe()
        """The parent holds one end: the workers see it close when the parent is gone, however it went."""
        self._hears, self._tells = os.pipe()
        """A worker writes here once it answers."""

    def run(self) -> int:
        """Start the workers and stay until they have ended; the exit code."""
        for number in STOPS:
            signal.signal(number, self._stop)
        for _ in range(self._workers):
            self._start()
        told = False
        while self._born:
            heard = bool(select.select([self._hears], [], [], 0.05)[0]) and os.read(self._hears, 1)
            if heard and not told:
                told = True
                self._ready()
            self._mourn()
            self._insist()
        return 0 if self._stopped_at is not None else 3

    def _start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until each side has its own answer to them
        first = self._first not in self._born
        pid = os.fork()
        if pid == 0:
            self._work(first)
        self._born[pid] = time.monotonic()
        self._first = pid if first else self._first
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def _work(self, first: bool) -> NoReturn:
        """The whole life of a worker."""
        code = 3
        try:
            os.close(self._held)
            os.close(self._hears)
            self._begin(self._door, first)
            code = _serve_here(self._door, self._bound, self._tell, self._alive)
        except PinakoError as error:
            log.error("a worker could not go on: %s", error)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _tell(self) -> None:
        os.write(self._tells, b"+")

    def _mourn(self) -> None:
        """Take note of a worker that ended, and replace it unless the end was asked for."""
        pid, _ = os.waitpid(-1, os.WNOHANG)
        born = self._born.pop(pid, None)
        if born is None or self._stopped_at is not None:
            return
        quick = time.monotonic() - born < _QUICK_DEATH_S
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        log.error("worker %d ended; %s", pid, "another takes its place" if self._may_replace else "giving up")
        if self._may_replace:
            self._start()

    @property
    def _may_replace(self) -> bool:
        return self._quick_deaths < _QUICK_DEATHS

    def _insist(self) -> None:
        """A worker that does not end in time is ended."""
        if self._stopped_at is not None and time.monotonic() - self._stopped_at > GRACE_S + 5:
            self._send(signal.SIGKILL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped_at = self._stopped_at or time.monotonic()
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for pid in self._born:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
