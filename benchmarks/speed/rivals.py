"""Two other servers over the same rows: FastAPI with SQLAlchemy and Pydantic, and Datasette; one process each."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from pinako.feed.cursor import write_cursor
from speed.shape import FIRST_USER

HERE = Path(__file__).parent.parent / "peers"
LIMIT = 100
DEEP = 900
INDEXES = {"peers_newest": "images (sort_at, id)", "peers_reactions": "images (reaction_count, id)"}
"""What the others would have; Pinako's own database needs neither."""


def ensure_programs(bench: Path) -> Path:
    """A private environment with the pinned versions of the others; its folder of programs."""
    folder, wanted = bench / "peers-venv", HERE / "requirements.txt"
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    mark = folder / "installed"
    if not mark.exists() or mark.read_text() != wanted.read_text():
        uv = shutil.which("uv") or "uv"
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, os.fspath(folder)], check=True)
        python = os.fspath(programs / "python")
        subprocess.run([uv, "pip", "install", "-q", "--python", python, "-r", os.fspath(wanted)], check=True)
        mark.write_text(wanted.read_text())
    return programs


def set_indexes(folder: Path, *, present: bool) -> None:
    """Make the others' indexes, or take them away so that our writes do not pay for them."""
    with closing(sqlite3.connect(folder / "library.db", isolation_level=None, timeout=60)) as db:
        for name, columns in INDEXES.items():
            db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}" if present else f"DROP INDEX IF EXISTS {name}")


@contextmanager
def running(bench: Path, folder: Path, core: int) -> Iterator[dict[str, tuple[str, int]]]:
    """Both servers; by name, address and process id."""
    programs = ensure_programs(bench)
    database = folder / "library.db"
    ports = {"fastapi": _free_port(), "datasette": _free_port()}
    common = {"env": {**os.environ, "PEER_DATABASE": os.fspath(database), "PYTHONPATH": os.fspath(HERE)}}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    commands = {
        "fastapi": ["uvicorn", "fastapi_app:app", "--port", str(ports["fastapi"]), "--no-access-log"],
        "datasette": [
            "datasette", "serve", os.fspath(database), "--port", str(ports["datasette"]), "--setting",
            "sql_time_limit_ms", "20000", "--setting", "suggest_facets", "off",
        ],
    }  # fmt: skip
    processes = {}
    try:
        for name, (program, *rest) in commands.items():
            processes[name] = subprocess.Popen([os.fspath(programs / program), *rest], **common, **quiet)
            if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
                os.sched_setaffinity(processes[name].pid, {core})
        found = {name: (f"http://127.0.0.1:{port}", processes[name].pid) for name, port in ports.items()}
        _wait(found["fastapi"][0] + "/images?limit=1")
        _wait(found["datasette"][0] + "/-/versions.json")
        yield found
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(address):  # noqa: S310 - an address on this machine
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def questions(folder: Path) -> dict[str, dict[str, str]]:
    """What is asked of all three: by question, the path at each."""
    with closing(sqlite3.connect(folder / "library.db")) as db:
        total = db.execute("SELECT count(*) FROM images WHERE published_at IS NOT NULL AND level > 0").fetchone()[0]
        skipped = min((DEEP - 1) * LIMIT, total // LIMIT * LIMIT - LIMIT)
        deep = db.execute(
            "SELECT sort_at, id FROM images ORDER BY sort_at DESC, id DESC LIMIT 1 OFFSET ?", (skipped,)
        ).fetchone()
        user = db.execute(
            "SELECT user_id FROM images GROUP BY user_id HAVING count(*) > ? LIMIT 1", (LIMIT,)
        ).fetchone()[0]
    user = user or FIRST_USER
    page = skipped // LIMIT + 1
    token = ",".join(map(str, deep))
    newest, reactions = {"_sort_desc": "sort_at"}, {"_sort_desc": "reaction_count"}
    return {
        "newest, page 1": _paths({"sort": "Newest"}, {}, newest),
        f"newest, page {page}": _paths(
            {"sort": "Newest", "cursor": write_cursor("Newest", deep)}, {"page": page}, {**newest, "_next": token}
        ),
        "one user": _paths({"sort": "Newest", "userId": user}, {"user_id": user}, {**newest, "user_id": user}),
        "most reactions": _paths({"sort": "Most Reactions"}, {"sort": "Most Reactions"}, reactions),
    }  # fmt: skip


def _paths(ours: dict[str, object], fastapi: dict[str, object], datasette: dict[str, object]) -> dict[str, str]:
    rows = {"_size": LIMIT, "_shape": "objects", **datasette}
    return {
        "ours": "/api/v1/images?" + urlencode({"limit": LIMIT, "browsingLevel": 31, **ours}, quote_via=quote),
        "fastapi": "/images?" + urlencode({"limit": LIMIT, **fastapi}, quote_via=quote),
        "datasette": "/library/images.json?" + urlencode(rows, quote_via=quote),
    }
