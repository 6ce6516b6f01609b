"""The gallery's wall at a large library: server time of its pages, what scrolling costs a browser, and the first paint.

    uv run python benchmarks/gallery.py [--images 1000000] [--items 10000] [--json FILE]

Wall pages are asked of a synthetic library (made once, in .bench, as by feed.py) over one kept-alive connection: each page again
and again by the clock, then page after page as one scrolls, none of them asked before. Documents that such a library lacks and
others have are made first. `--no-browser` leaves the rest out. The browser (a
Chromium, system package) looks at a demo library of 2,000 real pictures: the largest contentful
paint of five cold first visits, and a wall of `--items` scrolled to its end.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil

HERE = Path(__file__).parent
sys.path.insert(0, os.fspath(HERE))

from speed.library import ensure_library  # noqa: E402
from speed.walls import ensure_documents  # noqa: E402

BENCH = HERE.parent / ".bench"
DEMO = BENCH / "demo-2000"
WALLS = (
    "/images",
    "/images?sort=Newest",
    "/images?sort=Most+Reactions",
    "/images?sort=Most+Comments&period=Month",
    "/images?baseModels=SDXL+1.0",
    "/videos",
    "/images?query=tag%3Asea",
    "/images?query=steps%3E20",
    "/posts",
    "/models",
    "/",
)
DEEPER = ("/images?sort=Newest", "/posts", "/models")
REQUESTS, VISITS = 40, 5
PAINT = """() => new Promise(done => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
        .observe({type: 'largest-contentful-paint', buffered: true});
})"""
SCROLL = """() => { scrollBy(0, 1600); return [document.querySelectorAll('*').length,
    [...document.querySelectorAll('.wall .tile')].map(tile => tile.dataset.id),
    performance.memory.usedJSHeapSize, !!document.querySelector('.wall-end')?.textContent]; }"""


def say(text: str) -> None:
    """Tell how far this is."""
    print(text, file=sys.stderr, flush=True)


def _used(process: psutil.Process) -> float:
    return 1000 * sum(process.cpu_times()[:2])


def tell(report: dict[str, Any], to: Path | None) -> None:
    """Print what was found, and keep it where that was asked for."""
    text = json.dumps(report, indent=2)
    if to:
        to.write_text(text + "\n")
    print(text)


def ensure_demo(folder: Path) -> bool:
    """Make the demo of 2,000 real pictures where it is not there; whether it was made."""
    if (folder / "demo.json").exists():
        return False
    command = ["-m", "pinako", "demo", "--library", os.fspath(folder), "--images", "2000", "--seed", "7"]
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return True


def chromium() -> str:
    """The system's Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise SystemExit("there is no Chromium")
    return program


@contextmanager
def serving(*command: str) -> Iterator[tuple[str, Callable[[], float]]]:
    """A server whose output names its address; and how much of the processor it has used so far, in ms."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(HERE)}
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            for line in process.stdout or ():
                if "http://" in line:
                    yield "http://" + line.split("http://")[1].split()[0], partial(_used, psutil.Process(process.pid))
                    return
            raise SystemExit("the server did not start")
        finally:
            process.terminate()


def walls(address: str, used: Callable[[], float]) -> dict[str, Any]:
    """Milliseconds of each kind of page: by the clock, and of the server's processor on average."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port)
    found: dict[str, Any] = {}
    for path in WALLS:
        _ask(connection, path), _ask(connection, path)
        found[path] = _figures((_ask(connection, path) for _ in range(REQUESTS)), used)
        say(f"{path}: {found[path]}")
    for path in DEEPER:
        found[f"more of {path}"] = _figures(_scrolled(connection, path), used)
        say(f"more of {path}: {found[f'more of {path}']}")
    return found


def _figures(took: Iterator[float], used: Callable[[], float]) -> dict[str, float]:
    before = used()
    times = sorted(took)
    each = (used() - before) / len(times)
    return {"p50": round(statistics.median(times), 2), "p95": round(times[-3], 2), "processor": round(each, 2)}


def _ask(connection: http.client.HTTPConnection, path: str) -> float:
    return _read(connection, path)[0]


def _scrolled(connection: http.client.HTTPConnection, path: str) -> Iterator[float]:
    """Each page after the first, by the cursor that the one before it gave."""
    more = f"{path}{'&' if '?' in path else '?'}part=items"
    body = _read(connection, more)[1]
    for _ in range(REQUESTS):
        cursor = json.loads(body)["next"]
        if cursor is None:
            return
        took, body = _read(connection, f"{more}&cursor={quote(cursor)}")
        yield took


def _read(connection: http.client.HTTPConnection, path: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    connection.request("GET", path, headers={"accept": "text/html"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    return (time.perf_counter() - began) * 1000, body


def look(address: str, items: int) -> dict[str, Any]:
    """What a real browser makes of it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        paints = [_first_paint(browser, address) for _ in range(VISITS)]
        say(f"largest contentful paint, ms: {paints}")
        scrolled = _scroll(browser, address, items)
        browser.close()
    return {"largest_contentful_paint_ms": statistics.median(paints), "scrolled": scrolled}


def _first_paint(browser: Any, address: str) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address + "/images")
    page.wait_for_timeout(1500)
    paint = round(float(page.evaluate(PAINT)), 1)
    context.close()
    return paint


def _scroll(browser: Any, address: str, items: int) -> dict[str, Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address + "/images?sort=Newest")
    seen: set[str] = set()
    nodes = heap = 0
    while len(seen) < items:
        count, ids, used, over = page.evaluate(SCROLL)
        page.wait_for_timeout(15)
        seen.update(ids)
        nodes, heap = max(nodes, count), max(heap, used)
        if over:
            break
    context.close()
    return {"items": len(seen), "most_nodes": nodes, "most_heap_mb": round(heap / 2**20, 1)}


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    BENCH.mkdir(exist_ok=True)
    library = ensure_library(BENCH, args.images, say)
    ensure_documents(library, REQUESTS + 1, say)
    report: dict[str, Any] = {"images": args.images}
    with serving("-m", "speed.server", os.fspath(library)) as (address, used):
        report["wall_ms"] = walls(address, used)
        if not args.no_browser:
            report["scrolled"] = look(address, args.items).get("scrolled")
    if not args.no_browser:
        report |= look_at_demo(args.items)
    tell(report, args.json)


def look_at_demo(items: int) -> dict[str, Any]:
    """The same of a library of real pictures, which is made first where it is not there."""
    began = time.perf_counter()
    made = ensure_demo(DEMO)
    report: dict[str, Any] = {"demo_s": round(time.perf_counter() - began, 1)} if made else {}
    with serving("-m", "pinako", "serve", "--library", os.fspath(DEMO), "--port", "0") as (address, _):
        report["demo"] = look(address, items)
    return report


if __name__ == "__main__":
    main()
