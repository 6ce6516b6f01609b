"""The gallery beside Infinite Image Browsing: the same pictures, the same Chromium, turn about.

    uv run python benchmarks/gallery_peer.py --peer DIR [--peer-python PROGRAM] [--visits 5] [--json FILE]

DIR is a checkout of zanllp/sd-webui-infinite-image-browsing, PROGRAM a Python that has its requirements. Both show the
still pictures of a demo library that a stranger may see: the peer as a folder of the originals, Pinako as a copy of the library
without its small versions. Each side is looked at from beginning to end once, which makes its small versions, and then visited
anew, with an empty cache each time, sides alternating: when the largest picture was painted, when the first view was whole, what
the page weighs; and once more from beginning to end. Processor time is of the whole browser and of the server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

HERE = Path(__file__).parent
sys.path.insert(0, os.fspath(HERE))

from gallery import DEMO, PAINT, chromium, ensure_demo, say, tell  # noqa: E402

VIEW = {"width": 1440, "height": 900}
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
PATIENCE_S = 120.0
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""The peer asks after newer versions of itself; a measurement does not leave the machine."""

WHOLE = """() => {
    const seen = [...document.images].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width > 40 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    });
    return seen.length > 8 && seen.every(one => one.complete && one.naturalWidth) ? performance.now() : 0;
}"""
THROUGH = """async () => {
    const frame = () => new Promise(done => requestAnimationFrame(done));
    const place = document.querySelector('.file-list') ?? document.scrollingElement;
    const shown = new Set();
    const inView = () => [...document.images].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width > 40 && box.bottom > 0 && box.top < innerHeight;
    });
    const began = performance.now();
    let nodes = 0, ended = 0, frames = 0, slow = 0;
    while (ended < 20) {
        const since = performance.now();
        for (;;) {
            const before = performance.now();
            await frame();
            frames += 1;
            if (performance.now() - before > 50) slow += 1;
            const seen = inView();
            const waits = seen.some(one => !one.complete) || document.querySelector('.tile:not(:has(img))');
            if (seen.length && !waits || performance.now() - since > 5000) break;
        }
        for (const one of inView()) shown.add((one.currentSrc || one.src).replace(/[?&](size|t)=[^&]*|width=\\d+/g, ''));
        nodes = Math.max(nodes, document.querySelectorAll('*').length);
        const before = place.scrollTop;
        place.scrollTop += 700;
        ended = place.scrollTop === before ? ended + 1 : 0;
    }
    return {pictures: shown.size, ms: performance.now() - began, nodes, frames, slow};
}"""


class Side(NamedTuple):
    """One gallery that is running: where its wall is, and its process."""

    name: str
    address: str
    process: subprocess.Popen[str]


def pictures(demo: Path, folder: Path) -> int:
    """Lay the originals that a stranger may see into a folder, under their numbers."""
    import sqlite3

    folder.mkdir(parents=True)
    with sqlite3.connect(f"file:{demo / 'library.db'}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT i.id, b.sha256, b.mime FROM images i JOIN blobs b ON b.sha256 = i.blob WHERE i.type = 'image' "
            "AND i.level = 1 AND i.deleted_at IS NULL AND i.needs_review IS NULL "
            "AND i.published_at IS NOT NULL AND i.minor = 0 AND i.poi = 0"
        ).fetchall()
    database.close()
    for id, sha256, mime in rows:
        os.link(demo / "media" / sha256[:2] / sha256, folder / f"{id}{ENDINGS[mime]}")
    return len(rows)


def copied(demo: Path, to: Path) -> Path:
    """A copy of the library as it is before anybody looked: without small versions."""
    shutil.copytree(demo / "media", to / "media", copy_function=os.link)
    shutil.copytree(demo / "index", to / "index")
    for name in ("library.db", "demo.json"):
        shutil.copy2(demo / name, to / name)
    return to


@contextmanager
def pinako(library: Path) -> Iterator[Side]:
    """Ours."""
    command = [sys.executable, "-m", "pinako", "serve", "--library", os.fspath(library), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            line = next((one for one in process.stdout or () if "http://" in one), None)
            if line is None:
                raise SystemExit("Pinako did not start")
            yield Side(
                "pinako", "http://" + line.split("http://")[1].split()[0] + "/images?types=image&sort=Newest", process
            )
        finally:
            process.terminate()


@contextmanager
def peer(source: Path, python: str, folder: Path, work: Path) -> Iterator[Side]:
    """Theirs, from a copy: it writes its database beside its program."""
    shutil.copytree(source, work / "peer", ignore=shutil.ignore_patterns(".git", "node_modules"))
    (work / "small").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "app.py", "--port", str(port), "--extra_paths", os.fspath(folder)]
    environment = {**os.environ, "IIB_CACHE_DIR": os.fspath(work / "small")}
    with subprocess.Popen(
        command, cwd=work / "peer", env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/")
            wall = f"http://127.0.0.1:{port}/?action=open&mode=scanned&path={quote(os.fspath(folder))}"
            yield Side("infinite-image-browsing", wall, process)
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        try:
            with urlopen(address):  # noqa: S310 - our own machine
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the peer did not start")


def visit(driver: Any, side: Side, *, through: bool = False) -> dict[str, Any]:
    """One visit by a browser that was never here. `through`: to the end of the wall."""
    browser = driver.chromium.launch(
        executable_path=chromium(), args=["--no-sandbox", "--enable-precise-memory-info", NOWHERE]
    )
    served = _server_s(side)
    try:
        page = browser.new_page(viewport=VIEW)
        page.goto(side.address)
        found: dict[str, Any] = {"view_whole_ms": _whole(page)}
        page.wait_for_timeout(1500)
        found["largest_paint_ms"] = page.evaluate(PAINT)
        found |= _weight(page)
        if through:
            passed = page.evaluate(THROUGH)
            found |= passed | {f"{key}_after": value for key, value in _weight(page).items()}
        session = browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        found["browser_s"] = sum(one["cpuTime"] for one in processes)
        found["tab_mb_after" if through else "tab_mb"] = max(
            _pss(one) for one in processes if one["type"] == "renderer"
        )
    finally:
        browser.close()
    found["server_s"] = _server_s(side) - served
    return {key: round(float(value), 2) for key, value in found.items()}


def _whole(page: Any) -> float:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        at = float(page.evaluate(WHOLE))
        if at:
            return at
        page.wait_for_timeout(10)
    return PATIENCE_S * 1000


def _weight(page: Any) -> dict[str, float]:
    nodes, heap = page.evaluate("() => [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize]")
    return {"nodes": nodes, "heap_mb": heap / 2**20}


def _pss(process: dict[str, Any]) -> float:
    """Megabytes of memory, what is shared counted by its share. Linux only: elsewhere none is told."""
    try:
        lines = Path(f"/proc/{process['id']}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _server_s(side: Side) -> float:
    import psutil

    one = psutil.Process(side.process.pid)
    return float(sum(sum(each.cpu_times()[:2]) for each in (one, *one.children(recursive=True))))


def measure(sides: list[Side], visits: int) -> dict[str, Any]:
    """Every side: the first look of all, later visits, and once more to the end."""
    from playwright.sync_api import sync_playwright

    report: dict[str, Any] = {side.name: {} for side in sides}
    with sync_playwright() as driver:
        for side in sides:
            report[side.name]["nothing made yet"] = visit(driver, side, through=True)
            say(f"{side.name}, first of all: {report[side.name]['nothing made yet']}")
        rounds: dict[str, list[dict[str, Any]]] = {side.name: [] for side in sides}
        for number in range(visits):
            for side in sides if number % 2 else sides[::-1]:
                rounds[side.name].append(visit(driver, side))
                say(f"{side.name}: {rounds[side.name][-1]}")
        for side in sides:
            each = rounds[side.name]
            report[side.name]["a visit"] = {key: statistics.median(one[key] for one in each) for key in each[0]}
            report[side.name]["to the end"] = visit(driver, side, through=True)
            say(f"{side.name}, to the end: {report[side.name]['to the end']}")
    return report


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--demo", type=Path, default=DEMO)
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    ensure_demo(args.demo)
    with tempfile.TemporaryDirectory(dir=args.demo.parent) as made, ExitStack() as running:
        work = Path(made)
        count = pictures(args.demo, work / "pictures")
        sides = [
            running.enter_context(pinako(copied(args.demo, work / "library"))),
            running.enter_context(peer(args.peer.resolve(), args.peer_python, work / "pictures", work)),
        ]
        report = {"pictures": count, **measure(sides, args.visits)}
    tell(report, args.json)


if __name__ == "__main__":
    main()
