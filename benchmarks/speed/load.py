"""Asks servers as fast as they answer: ready-made requests over kept-alive connections, in a process of its own.

    python -m speed.load PLANS.json [--connections 16] [--seconds 0.5] [--rounds 8] [--warm S] [--core N]

PLANS.json is a list of {"name", "address", "process", "paths", "headers"}. The plans take turns, `rounds` times `seconds` each,
so that whatever else the machine does meets all of them. Prints one JSON object: by plan, requests a second of each round, bytes
of a body, and (where the server's process id is told) microseconds of its processor time a request, which other programs disturb
less. Prepared bytes and epoll keep its own cost near 10 µs a request, a tenth of a page's.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_LENGTH = b"content-length: "
_END = b"\r\n0\r\n\r\n"
"""The end of an answer in chunks."""


class Unanswered(Exception):
    """The server gave something that is no good answer."""


class Line:
    """One connection: sends a request, gathers its answer, sends the next."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.left = -1
        self.head = b""
        self.tail = b""
        self.chunked = False
        self.body = 0

    def ask(self, request: bytes) -> None:
        """Send one request."""
        self.left, self.chunked = -1, False
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Read what came; whether the answer is whole now."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise Unanswered("the server closed a connection")
        if self.chunked:
            self.body += len(data)
            self.tail = (self.tail + data)[-len(_END) :]
            return self.tail == _END
        if self.left >= 0:
            self.left -= len(data)
            return self.left <= 0
        if self.head:
            data, self.head = self.head + data, b""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.head = data
            return False
        if not data.startswith(b"HTTP/1.1 200"):
            raise Unanswered(data[:300].decode("latin-1"))
        at = data.lower().find(_LENGTH, 0, end) + len(_LENGTH)
        if at < len(_LENGTH):
            self.chunked, self.body, self.tail = True, len(data) - end - 4, data[-len(_END) :]
            return self.tail == _END
        self.body = int(data[at : data.index(b"\r\n", at)])
        self.left = self.body - (len(data) - end - 4)
        return self.left <= 0


class Plan:
    """One kind of requests, taken in turn."""

    def __init__(self, given: dict[str, Any], connections: int) -> None:
        self.name: str = given["name"]
        where = urlsplit(given["address"])
        headers = {"host": where.netloc, **given.get("headers", {})}
        self.used = clock_of(given.get("process"))
        self.where = where.hostname or "", where.port or 80
        self.connections = connections
        tail = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.requests = [f"GET {path} HTTP/1.1\r\n{tail}\r\n".encode() for path in given["paths"]]
        self.at = 0
        self.rates: list[float] = []
        self.busy: list[float] = []
        self.bytes = 0
        self.answers = 0

    def next(self) -> bytes:
        """The next request of this plan."""
        request = self.requests[self.at % len(self.requests)]
        self.at += 1
        return request


def run(plan: Plan, seconds: float) -> None:
    """One round over new connections (idle ones are closed by many servers): all busy until the time is over; answers on
    their way then are waited for."""
    lines, before = [Line(*plan.where) for _ in range(plan.connections)], plan.used()
    poll = select.epoll()
    by_file = {line.socket.fileno(): line for line in lines}
    for number in by_file:
        poll.register(number, select.EPOLLIN)
    began = time.perf_counter()
    until = began + seconds
    for line in lines:
        line.ask(plan.next())
    busy, answers = len(lines), 0
    while busy:
        ready = poll.poll(20)
        if not ready:
            raise Unanswered("no answer within 20 seconds")
        more = time.perf_counter() < until
        for number, _ in ready:
            line = by_file[number]
            if not line.hear():
                continue
            answers += 1
            plan.bytes += line.body
            if more:
                line.ask(plan.next())
            else:
                busy -= 1
    plan.rates.append(answers / (time.perf_counter() - began))
    plan.busy.append((plan.used() - before) / answers * 1e6)
    plan.answers += answers
    poll.close()
    for line in lines:
        line.socket.close()


def clock_of(process: int | None) -> Callable[[], float]:
    """Processor seconds of a process, where the system tells them to the nanosecond; else nothing."""
    file = Path(f"/proc/{process}/schedstat")
    if process is None or not file.exists():
        return lambda: 0.0
    tasks = Path(f"/proc/{process}/task")
    return lambda: sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plans", type=Path)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--warm", type=float, help="seconds of asking that do not count, before the rounds; as a round")
    parser.add_argument("--core", type=int)
    args = parser.parse_args()
    if args.core is not None and hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {args.core})
    plans = [Plan(given, args.connections) for given in json.loads(args.plans.read_text())]
    asked = ""
    try:
        for plan in plans:  # once without counting: connections, caches, and the first growth of everything
            asked = plan.name
            run(plan, args.seconds if args.warm is None else args.warm)
            plan.rates.clear()
            plan.busy.clear()
        for _ in range(args.rounds):
            for plan in plans:
                asked = plan.name
                run(plan, args.seconds)
    except (Unanswered, OSError) as error:
        sys.exit(f"{asked}: {error}")
    report = {
        plan.name: {
            "rates": [round(rate, 2) for rate in plan.rates],
            "median": round(statistics.median(plan.rates), 2),
            "cpu_us": round(statistics.median(plan.busy), 1),
            "bytes": round(plan.bytes / max(plan.answers, 1)),
        }
        for plan in plans
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
