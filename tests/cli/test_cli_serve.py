"""`pinako serve` as a process: it answers, says where it is, and ends as it should; over real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

PINAKO = [str(Path(sys.executable).with_name("pinako"))]
PATIENCE_S = 120


class Server:
    """A running `pinako serve`."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [*PINAKO, "serve", "--library", str(folder), "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                self.address = found[1]
                break
        else:
            raise AssertionError(self.said)
        self._rest = threading.Thread(target=self._read, daemon=True)
        self._rest.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        answer = httpx2.get(self.address + path, headers=headers, timeout=PATIENCE_S)
        return answer.status_code, answer.json()

    def connect(self) -> socket.socket:
        host, port = self.address.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=PATIENCE_S)

    def workers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.close()
        return code

    def close(self) -> None:
        """Let go of a server that has ended."""
        self._rest.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    """Starts servers on this test's library; what still runs at its end is ended."""
    servers: list[Server] = []

    def start(*options: str) -> Server:
        servers.append(Server(tmp_path / "library", *options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.end()
        else:
            server.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that only ask, or that must not harm it."""
    server = Server(tmp_path_factory.mktemp("shared") / "library")
    yield server
    assert server.end() == 0
    assert "Traceback" not in server.said


def pinako(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PINAKO, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, **options)


def until(condition: Any) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def refuses(server: Server) -> bool:
    """Whether it takes no more connections."""
    try:
        server.connect().close()
    except ConnectionError:
        return True
    return False


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request, and everything that comes back until the server closes."""
    connection.sendall(request)
    pieces = []
    while piece := connection.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_once_it_says_so_and_ends_well(serve: Any, tmp_path: Path, number: int) -> None:
    server = serve()
    assert server.get("/api/health") == (200, {"status": "ok", "version": server.get("/api/health")[1]["version"]})
    assert str(tmp_path / "library") in server.said
    assert "public_level" in server.said
    assert server.end(number) == 0
    assert "Traceback" not in server.said
    assert (tmp_path / "library" / "index" / "image.feed").exists(), "the next start loads instead of building"


def test_a_small_answer_comes_in_one_piece(shared: Server) -> None:
    with shared.connect() as connection:
        for _ in range(50):
            connection.sendall(b"GET /api/v1/images?limit=2 HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.recv(1 << 16)
            assert answer.endswith(b'{"items":[],"metadata":{}}')


def test_a_request_in_flight_is_finished_and_no_new_one_begun(serve: Any) -> None:
    server = serve()
    with server.connect() as connection:
        head = b"POST /api/v1/model-versions/by-hash/ids HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n[")
        assert connection.recv(1 << 10) == b"HTTP/1.1 100 Continue\r\n\r\n", "it waits for the rest"
        server.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(server))
        assert exchange(connection, b"]").endswith(b"\r\n\r\n[]")
    assert server.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("filler", [b"GET /" + b"a" * 200_000, b"GET / HTTP/1.1\r\n" + b"X-Y: z\r\n" * 30_000])
def test_a_head_without_end_is_cut_off(shared: Server, filler: bytes) -> None:
    # A reset instead of an answer, where the server closes while we are still sending, is just as well.
    with shared.connect() as connection, suppress(ConnectionError):
        assert exchange(connection, filler).startswith(b"HTTP/1.1 431 ")
    assert shared.get("/api/health")[0] == 200


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_address_may_be_sent_as_it_was_typed(shared: Server, pieces: int) -> None:
    said = "/api/v1/images?foo=café&limit=1"
    with shared.connect() as connection:
        for _ in range(2):  # on a kept connection, too
            request = f"GET {said} HTTP/1.1\r\nHost: x\r\nX-Name: é\r\n\r\n".encode()
            half = request.index("é".encode()) + 1 if pieces == 2 else len(request)
            connection.sendall(request[:half])
            connection.sendall(request[half:])
            answer = connection.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
    with shared.connect() as connection:
        answer = exchange(connection, b"GET /api/v1/models?query=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.endswith(b'{"message":"The query is not valid UTF-8"}')


def test_what_is_no_http_is_refused_in_our_own_form(shared: Server) -> None:
    for nonsense in (
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xc3\x00\r\n\r\n",
    ):
        with shared.connect() as connection:
            head, _, body = exchange(connection, nonsense).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"content-type: application/json" in head
        assert "error" in json.loads(body)


def test_a_client_that_sends_a_body_far_too_large_reads_the_refusal(shared: Server) -> None:
    # It sends everything before it reads: the server lets the rest arrive, or the answer is lost in a reset.
    head = b"POST /api/v1/model-versions/by-hash HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = b"[" + b" " * (8 << 20)
    with shared.connect() as connection:
        answer = exchange(connection, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"Body exceeded 1mb limit")


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"])
def test_nonsense_is_a_400_and_the_server_goes_on(shared: Server, nonsense: bytes) -> None:
    with shared.connect() as connection:
        assert exchange(connection, nonsense).startswith(b"HTTP/1.1 400 ")
    assert shared.get("/api/health")[0] == 200


def test_a_worker_that_dies_is_replaced_and_all_end_together(serve: Any) -> None:
    server = serve("--workers", "2")
    until(lambda: len(server.workers()) == 2)
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(server.workers()) == 2 and victim not in server.workers())
    assert server.get("/api/health")[0] == 200
    workers = server.workers()
    assert server.end() == 0
    until(lambda: not any(psutil.pid_exists(pid) for pid in workers))


def test_workers_end_when_their_parent_is_killed(serve: Any) -> None:
    server = serve("--workers", "2")
    until(lambda: len(server.workers()) == 2)
    workers = server.workers()
    server.process.kill()
    until(lambda: not any(psutil.pid_exists(pid) for pid in workers))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_verbs_beside_a_running_server_count_at_once(serve: Any, tmp_path: Path, workers: str) -> None:
    server = serve("--workers", workers)
    library = ("--library", str(tmp_path / "library"))
    made = pinako("key", "add", "laptop", *library)
    assert made.returncode == 0
    key = made.stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{32}", key), "the key alone"
    signed = {"Authorization": f"Bearer {key}"}
    for _ in range(8):
        assert server.get("/api/v1/me", **signed)[1]["username"] == "owner"
    assert pinako("key", "revoke", "laptop", *library).returncode == 0
    for _ in range(8):
        assert server.get("/api/v1/me", **signed) == (401, {"error": "Unauthorized"})
    for _ in range(8):
        assert server.get("/api/v1/users?query=ink")[1] == {"items": []}
    assert pinako("user", "add", "ink_harbor", *library).returncode == 0
    for _ in range(8):
        until(
            lambda: [user["username"] for user in server.get("/api/v1/users?query=ink")[1]["items"]] == ["ink_harbor"]
        )
    assert pinako("check", *library).stdout == "all is well\n"
    assert pinako("compact", *library).returncode == 0
    assert server.get("/api/v1/images")[0] == 200


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    answer = pinako("serve", "--port", "0", *options)
    assert "Traceback" not in answer.stderr
    return answer


EVERYWHERE = "0.0.0.0"


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "example.org"])
def test_other_machines_need_a_word(tmp_path: Path, host: str) -> None:
    answer = refused("--library", str(tmp_path), "--host", host)
    assert answer.returncode == 2
    assert "--allow-remote" in answer.stderr


def test_a_taken_port_is_said_plainly(shared: Server, tmp_path: Path) -> None:
    port = shared.address.rpartition(":")[2]
    answer = pinako("serve", "--library", str(tmp_path / "other"), "--port", port)
    assert answer.returncode == 2
    assert f"port {port}" in answer.stderr


def test_with_leave_it_listens_for_other_machines(serve: Any) -> None:
    server = serve("--host", EVERYWHERE, "--allow-remote")
    assert server.address.startswith("http://127.0.0.1:")
    assert server.get("/api/health")[0] == 200


def broken(tmp_path: Path) -> Sequence[str]:
    (tmp_path / "library.db").write_bytes(b"no database " * 1000)
    return ("--library", str(tmp_path))


def test_a_damaged_library_is_exit_3(tmp_path: Path) -> None:
    answer = refused(*broken(tmp_path))
    assert answer.returncode == 3
    assert "library.db" in answer.stderr


def test_a_setting_that_cannot_be_read_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "pinako.toml").write_text("port = 'many'\n")
    answer = refused("--library", str(tmp_path))
    assert answer.returncode == 2
    assert "port" in answer.stderr
