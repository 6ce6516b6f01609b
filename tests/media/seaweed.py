"""Starts a real S3 server (SeaweedFS) for tests, where its program is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx2

from pinako.errors import PinakoError
from pinako.media.s3 import open_bucket


def weed_program() -> str | None:
    """The server program, beside this Python or on the path."""
    return shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")


TRIES = 5
"""It takes eight ports, and another test may take one of them first: then it ends at once."""


@contextmanager
def running_bucket(directory: Path) -> Iterator[str]:
    """The address of an empty bucket on a server that runs for the scope."""
    with (directory / "weed.log").open("wb") as log:
        for number in range(TRIES):
            process, url = _start(directory / str(number), log)
            try:
                if _is_ready(url, process):
                    yield url
                    return
            finally:
                process.kill()  # it has nothing to save
                process.wait()
    raise AssertionError(f"SeaweedFS did not start: {(directory / 'weed.log').read_text()[-2000:]}")


def _start(directory: Path, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], str]:
    program = weed_program()
    assert program is not None
    directory.mkdir()
    ports = _free_ports(4)
    options = ["-ip=127.0.0.1", f"-dir={directory}", "-s3", "-filer", "-volume.max=3", "-master.volumeSizeLimitMB=64"]
    options += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    options += [f"-{name}.port={port}" for name, port in zip(("master", "volume", "filer", "s3"), ports, strict=True)]
    url = f"s3://pinako/library?endpoint=http://127.0.0.1:{ports[3]}/&region=us-east-1"
    process = subprocess.Popen([program, "server", *options], stdout=log, stderr=log)
    return process, url + "&access_key_id=test&secret_access_key=test"


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it answers before it ends, or two minutes are over."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx2.put(f"{url.partition('endpoint=')[2].partition('/&')[0]}/pinako", timeout=5)
            store = open_bucket(url)
            store.put_bytes(b"ready?")
            store.delete(store.put_bytes(b"ready?").sha256)
        except (httpx2.HTTPError, PinakoError):  # whatever a server that is still starting answers
            time.sleep(0.2)
            continue
        return True
    return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(item.getsockname()[1]) for item in sockets]
    for item in sockets:
        item.close()
    return [port if port < 55000 else port - 12000 for port in ports]
