"""`pinako serve` as its own process, for what only a real server proves: sockets, signals, keep-alive, other languages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, its process, and what that writes down."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return self.address + path


@contextmanager
def serving(library: Path, *options: str, **environment: str) -> Iterator[Server]:
    """A server on a free port over this library, ended with SIGTERM after the block.

    `environment`: settings such as PINAKO_PUBLIC_LEVEL="31".
    """
    log = library.with_name(f"{library.name}.serve.log")
    program = [sys.executable, "-c", "from pinako.cli import main; main()"]
    command = [*program, "serve", "--library", str(library), "--port", "0", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment)
    try:
        yield Server(_address(log, process), process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"listening on (http://\S+)", log.read_text(errors="replace"))
        if found:
            return found.group(1)
        time.sleep(0.02)
    raise AssertionError(f"the server did not come up:\n{log.read_text(errors='replace')}")
