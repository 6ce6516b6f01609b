"""Lists of one size of library, end to end: pages a second over HTTP, the engine alone, memory, start, writes, and two peers.

    uv run python benchmarks/feed.py --images 100000 --json figures.json

Makes a synthetic library in `.bench/` (kept for the next run), and a private environment for the peers. Needs no system package.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, os.fspath(HERE))

from speed import rivals  # noqa: E402
from speed.library import ensure_library  # noqa: E402
from speed.requests import Asker  # noqa: E402
from speed.shape import shape_of  # noqa: E402

BENCH = HERE.parent / ".bench"
SERVER_CORE, LOADER_CORE = 0, 1
Report = dict[str, Any]


class Run:
    """One run over one library."""

    def __init__(self, images: int, rounds: int) -> None:
        self.images = images
        self.rounds = rounds
        self.details: Report = {}
        self.began = time.perf_counter()
        BENCH.mkdir(exist_ok=True)
        peers = threading.Thread(target=rivals.ensure_programs, args=(BENCH,))
        peers.start()
        self.folder = ensure_library(BENCH, images, self.say)
        peers.join()

    def say(self, text: str) -> None:
        """Tell how far this is."""
        print(f"{time.perf_counter() - self.began:7.1f} s  {text}", file=sys.stderr, flush=True)

    def part(self, module: str, *options: object) -> Any:
        """Run one of the parts in a process of its own, on the server's core; what it says."""
        command = [sys.executable, "-m", f"speed.{module}", *map(str, options)]
        done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)

    def measure(self) -> Report:
        """Everything."""
        rivals.set_indexes(self.folder, present=False)
        prepared = self.part("memory", self.folder, "--prepare")
        self.say(f"index there (built in {prepared['built_s']} s)")
        plain = self.part("memory", self.folder, "--without-words", "--core", SERVER_CORE)
        loads = [self.part("memory", self.folder, "--core", SERVER_CORE) for _ in range(2)]
        whole = min(loads, key=lambda load: float(load["load_s"]))
        self.say(f"memory: without words {plain}, all indexes {whole}")
        inside = self.part("inside", self.folder, self.images, "--core", SERVER_CORE)
        self.say(f"page 10,000 by page 1: {inside['page_10000_ratio']}")
        writes = self.part("writes", self.folder, "--core", SERVER_CORE)
        self.say(f"writes: {writes}")
        rivals.set_indexes(self.folder, present=True)
        with serving(self.folder) as ours:
            pages = self.pages(ours)
            peers = self.peers(ours)
        return {
            "images": self.images,
            "pages_per_s": pages["pages"]["median"],
            "same_bytes_per_s": pages["same bytes"]["median"],
            "page_10000_ratio": inside["page_10000_ratio"],
            "engine_ms": inside["engine_ms"],
            "bytes_per_image": plain["bytes_per_image"],
            "load_s": whole["load_s"],
            "writes_per_s": min(writes["images_per_s"], writes["reactions_per_s"]),
            "peers": peers,
            "details": {
                "pages": pages,
                "memory": {"without_words": plain, "all": whole},
                "writes": writes,
                "peers": self.details,
            },
        }

    def pages(self, ours: tuple[str, int]) -> Report:
        """Pages of 20 whole items over every filter and sort, and the same requests answered with constant bytes."""
        address, process = ours
        drawn = Asker(self.folder, shape_of(self.images)).traffic(20_000)
        plan = {"address": address, "process": process, "paths": drawn}
        size = load([{**plan, "name": "pages"}], seconds=3, rounds=1)["pages"]["bytes"]
        same = {**plan, "name": "same bytes", "headers": {"x-same-bytes": str(size)}}
        found = load([{**plan, "name": "pages"}, same], seconds=0.6, rounds=self.rounds)
        # Apart from the former, since they would keep pushing one another's pages out of memory.
        once = {**plan, "name": "each page once", "paths": list(dict.fromkeys(drawn))}
        with_meta = {**plan, "name": "with metadata", "paths": [path + "&withMeta=true" for path in drawn]}
        for other in (with_meta, once):
            found |= load([other], seconds=0.6, rounds=3, warm=0.2)
        told = {name: (each["median"], each["cpu_us"]) for name, each in found.items()}
        self.say(f"pages a second, processor µs: {told}")
        return found

    def peers(self, ours: tuple[str, int]) -> Report:
        """Pages of 100 at all three servers, taking turns."""
        asked = rivals.questions(self.folder)
        found: Report = {}
        with rivals.running(BENCH, self.folder, SERVER_CORE) as others:
            self.say("peers run")
            servers = {"ours": ours, **others}
            plans = [
                {"name": f"{name}: {question}", "address": address, "process": process, "paths": [paths[name]]}
                for question, paths in asked.items()
                for name, (address, process) in servers.items()
            ]
            rates = load(plans, seconds=0.3, rounds=5, warm=0.15, connections=4)
            self.details |= rates
            for name in others:
                for question in asked:
                    mine, theirs = (rates[f"{whose}: {question}"]["median"] for whose in ("ours", name))
                    found[f"{name}: {question}"] = {"ours": mine, "theirs": theirs}
                    self.say(f"{name}: {question}: ours {mine}, theirs {theirs}")
        return found


def environment() -> dict[str, str]:
    """Where the parts find one another."""
    return {**os.environ, "PYTHONPATH": os.fspath(HERE)}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """Our server over a library: its address and process id."""
    command = [sys.executable, "-m", "speed.server", os.fspath(folder), "--core", str(SERVER_CORE)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (address := process.stdout.readline().strip()):
                raise SystemExit("the server did not start")
            yield address, process.pid
        finally:
            process.terminate()


def load(
    plans: list[Report], *, seconds: float, rounds: int, warm: float | None = None, connections: int = 16
) -> Report:
    """Run the loader over these plans."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plans.json"
        file.write_text(json.dumps(plans))
        options = {"seconds": seconds, "rounds": rounds, "connections": connections, "core": LOADER_CORE}
        options |= {} if warm is None else {"warm": warm}
        given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "speed.load", os.fspath(file), *given]
        done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    report: Report = json.loads(done.stdout)
    return report


KEYS = (
    "images", "pages_per_s", "same_bytes_per_s", "page_10000_ratio", "engine_ms", "bytes_per_image", "load_s",
    "writes_per_s", "peers",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--details", type=Path, help="write everything that was measured here")
    args = parser.parse_args()
    run = Run(args.images, args.rounds)
    report = run.measure()
    figures = {key: report[key] for key in KEYS}
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    if args.details:
        args.details.write_text(json.dumps(report, indent=1) + "\n")
    worst = max(each["p99"] for each in report["engine_ms"].values())
    against = statistics.median(peer["ours"] / max(peer["theirs"], 0.01) for peer in report["peers"].values())
    run.say(
        f"{args.images:,} images: {report['pages_per_s']:.0f} pages/s, "
        f"{report['pages_per_s'] / report['same_bytes_per_s']:.2f} of constant bytes; engine p99 at most {worst} ms; "
        f"peers by {against:.0f}; 1-minute load {os.getloadavg()[0]:.1f}"
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
