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

import httpx2

from pinako.errors import PinakoError
from pinako.media.s3 import open_bucket


def weed_program() -> str | None:
    """The server program, beside this Python or on the path."""
    return shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")


@contextmanager
def running_bucket(directory: Path) -> Iterator[str]:
    """The address of an empty bucket on a server that runs for the scope."""
    program = weed_program()
    assert program is not None
    ports = _free_ports(4)
    options = ["-ip=127.0.0.1", f"-dir={directory}", "-s3", "-filer", "-volume.max=3", "-master.volumeSizeLimitMB=64"]
    options += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    options += [f"-{name}.port={port}" for name, port in zip(("master", "volume", "filer", "s3"), ports, strict=True)]
    log = (directory / "weed.log").open("wb")
    process = subprocess.Popen([program, "server", *options], stdout=log, stderr=log)
    try:
        url = f"s3://pinako/library?endpoint=http://127.0.0.1:{ports[3]}/&region=us-east-1"
        url += "&access_key_id=test&secret_access_key=test"
        _wait_until_ready(f"http://127.0.0.1:{ports[3]}", url, process)
        yield url
    finally:
        process.kill()  # it has nothing to save
        process.wait()
        log.close()


def _wait_until_ready(endpoint: str, url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx2.put(f"{endpoint}/pinako", timeout=5)
            store = open_bucket(url)
            store.put_bytes(b"ready?")
            store.delete(store.put_bytes(b"ready?").sha256)
        except (httpx2.HTTPError, PinakoError):  # whatever a server that is still starting answers
            time.sleep(0.2)
            continue
        return
    raise AssertionError("SeaweedFS did not start")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(item.getsockname()[1]) for item in sockets]
    for item in sockets:
        item.close()
    return [port if port < 55000 else port - 12000 for port in ports]
