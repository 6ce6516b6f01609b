"""What scrolling through pictures costs the tab: its memory on the way, every view waited for until its pictures are drawn.

    uv run python benchmarks/gallery_memory.py [--items 10000] [--library DIR] [--graphics] [--json FILE]

The library is a copy of the demo of 2,000 real pictures whose rows are multiplied, each with an address of its own, so that the
browser fetches and decodes every one. Chromium as it comes draws without a graphics card; with `--graphics` it draws as it does
where there is one (by SwiftShader, which is slow: take fewer items). The tab is one that Playwright does not know of: its own
ones grow by about what was fetched, even where the browser sweeps. `pss` counts what processes
share by its share, `rss` whole (115 MB of it are the program itself), `private` is what the browser's own task list shows. Linux
only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [os.fspath(HERE), *(os.fspath(HERE.parent / room) for room in ("tests", "tests/gallery"))]

from browsing import multiply  # noqa: E402

from gallery import DEMO, chromium, ensure_demo, say, serving, tell  # noqa: E402

VIEW = {"width": 1440, "height": 900}
GRAPHICS = (
    "--use-angle=swiftshader",
    "--enable-gpu-rasterization",
    "--ignore-gpu-blocklist",
    "--enable-unsafe-swiftshader",
)
PARTS = {"pss": ("Pss",), "rss": ("Rss",), "private": ("Private_Clean", "Private_Dirty")}
EVERY = 50
STEP = """async () => {
    const frame = () => new Promise(done => requestAnimationFrame(done));
    const began = performance.now();
    scrollBy(0, innerHeight - 100);
    for (;;) {
        await frame();
        const seen = [...document.querySelectorAll('.wall .tile')].filter(one => {
            const box = one.getBoundingClientRect();
            return box.bottom > 0 && box.top < innerHeight;
        });
        const waits = seen.some(one => !one.querySelector('.drawn, img:not(.waiting)'));
        if (!waits || performance.now() - began > 4000) break;
    }
    return [[...document.querySelectorAll('.wall .tile')].map(one => one.dataset.id), document.querySelectorAll('*').length,
        performance.memory.usedJSHeapSize / 2 ** 20, !!document.querySelector('.wall-end')?.textContent];
}"""


class Tab:
    """A tab that nobody inspects: it is asked through the browser, and only to evaluate."""

    def __init__(self, session: Any, address: str) -> None:
        self._session, self._answers = session, dict[int, Any]()
        session.on("Target.receivedMessageFromTarget", self._keep)
        context = session.send("Target.createBrowserContext")["browserContextId"]
        made = session.send("Target.createTarget", {"url": address, "browserContextId": context, **VIEW})
        attached = session.send("Target.attachToTarget", {"targetId": made["targetId"], "flatten": False})
        self._id, self._asked = attached["sessionId"], 0

    def _keep(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._answers[message["id"]] = message["result"]["result"].get("value")

    def evaluate(self, function: str) -> Any:
        """What a function in the page says."""
        self._asked += 1
        asked = {"expression": f"({function})()", "awaitPromise": True, "returnByValue": True}
        message = json.dumps({"id": self._asked, "method": "Runtime.evaluate", "params": asked})
        self._session.send("Target.sendMessageToTarget", {"sessionId": self._id, "message": message})
        while self._asked not in self._answers:
            time.sleep(0.01)
            self._session.send("Browser.getVersion")  # events come in while an answer is waited for
        return self._answers.pop(self._asked)


def memory(session: Any) -> dict[str, int]:
    """Megabytes of the largest tab, and of the process that draws for all."""
    found: dict[str, int] = {}
    for one in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        lines = Path(f"/proc/{one['id']}/smaps_rollup").read_text().splitlines()[1:]
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        parts = {name: sum(sizes[key] for key in keys) // 1024 for name, keys in PARTS.items()}
        if one["type"] == "renderer" and parts["pss"] > found.get("pss", 0):
            found |= parts
        elif one["type"] == "GPU":
            found["drawing_process_pss"] = parts["pss"]
    return found


def scroll(address: str, items: int, graphics: bool) -> dict[str, Any]:
    """Scroll so far, and say what the tab held on the way and at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--enable-precise-memory-info", *(GRAPHICS if graphics else ())],
        )
        session = browser.new_browser_cdp_session()
        tab = Tab(session, address + "/images?types=image&sort=Newest")
        time.sleep(2)
        on_the_way, seen, most_nodes, most_heap, over, steps = [memory(session)], set[str](), 0, 0.0, False, 0
        while len(seen) < items and not over:
            ids, nodes, heap, over = tab.evaluate(STEP)
            seen.update(ids)
            most_nodes, most_heap, steps = max(most_nodes, nodes), max(most_heap, heap), steps + 1
            if steps % EVERY == 0:
                on_the_way.append(memory(session) | {"items": len(seen)})
                say(f"{on_the_way[-1]}")
        on_the_way.append(memory(session) | {"items": len(seen)})
        browser.close()
    most = {key: max(one.get(key, 0) for one in on_the_way) for key in on_the_way[-1]}
    held = {"most_nodes": most_nodes, "most_scripts_mb": round(most_heap, 1)}
    return {"items": len(seen), **held, "most": most, "end": on_the_way[-1], "start": on_the_way[0]}


def main() -> None:
    """Make the library, look at it, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--library", type=Path, default=DEMO, help="a demo library; only a copy is written to")
    parser.add_argument("--graphics", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    ensure_demo(args.library)
    with tempfile.TemporaryDirectory(dir=args.library.parent) as made:
        copy = Path(made) / "library"
        shutil.copytree(args.library, copy)
        multiply(copy, args.items, kinds=1500)
        with serving("-m", "pinako", "serve", "--library", os.fspath(copy), "--port", "0") as (address, _):
            report = scroll(address, args.items, args.graphics)
    tell(report, args.json)


if __name__ == "__main__":
    main()
