"""A Pinako host mirrored over loopback: our bulk transfer and our mirror beside gallery-dl, in one run.

    python benchmarks/mirroring.py [--images 2000] [--details generation] [--latency 0.05] [--rounds 3]
                                   [--gallery-dl PYTHON] [--folder FOLDER] [--json FILE]

The host is `pinako serve` as it is, over a demo library (made once, in .bench), a process of its own; it waits `--latency`
seconds before each answer. Each case is a process too, that walks the list of all images and brings each original with its
metadata. Like for like with gallery-dl is `transfer` (`Client.save_images`): files and JSON sidecars in a folder, the sidecars
with the row of the list and the same `--details` (generation, tags, or none) for both, which gallery-dl asks for image by image
and we forty at a time. `mirror` does more: posts, tags and generation data are kept, each file is decoded, measured and
stored by its content, and there is a library at the end. Nobody is polite. Rounds take the cases in turn; medians are reported,
CPU is that of the case's own process and its children, start included, and beside it the host's. Take three rounds or more: in
the first one each program still writes its byte code.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GALLERY_DL = """
import sys, gallery_dl
from gallery_dl.extractor import civitai
origin, media, folder, details = sys.argv[1:5]
there = civitai.CivitaiExtractor._url
civitai.CivitaiExtractor.root = origin
civitai.CivitaiExtractor._url = lambda self, image: media + there(self, image).split("/", 4)[4]
sys.argv = ["gallery-dl", "-q", "--config-ignore", "--write-metadata", "-d", folder, "-o", "sleep-request=0",
            "-o", "metadata=" + details, "https://civitai.red/images?period=AllTime"]
sys.exit(gallery_dl.main())
"""


def transfer(origin: str, folder: Path, details: set[str]) -> None:
    """Our like for like: walk the list, save each file and its record."""
    from pinako.client import Client, Politeness

    politeness = Politeness(requests_per_second=None, requests_per_day=None, api_at_once=8, transfers_at_once=64)
    with Client(origin, politeness=politeness) as client:
        images = client.image_feed(types=["image"], limit=200)
        asked = {"generation": "generation" in details, "tags": "tags" in details}
        for fetched in client.save_images(images, folder, **asked):
            if fetched.error:
                raise SystemExit(str(fetched.error))


class Late:
    """The door of a host that is some way off."""

    def __init__(self, door: Any, seconds: float) -> None:
        self.door = door
        self.leave, self.close = door.leave, door.close
        self.seconds = seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Wait, then answer."""
        await asyncio.sleep(self.seconds)
        await self.door(scope, receive, send)


def serve(library: Path, latency: float) -> None:
    """The host, until SIGTERM."""
    from pinako.app import open_library
    from pinako.settings import load_settings
    from pinako.web import serving
    from pinako.web.asgi import make_app

    with open_library(load_settings({}, given={"library": str(library), "public_level": 31})) as opened:
        door: Any = make_app(opened)
        bound = serving.bind("127.0.0.1", 0)
        url = serving.address_of(bound, "127.0.0.1")
        door = Late(door, latency) if latency else door
        serving.serve(door, bound, 1, lambda door, first: None, lambda: print(url, flush=True))


@contextmanager
def serving(library: Path, latency: float) -> Iterator[tuple[str, int]]:
    """The host as a process of its own: its address and number."""
    command = [sys.executable, __file__, "--serve", str(library), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise SystemExit("The host cannot be heard.")
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def look_around(url: str) -> tuple[str, int]:
    """Where a host's media are, and how many pictures it shows; with that it is warm for everybody."""
    from pinako.client import Client

    with Client(url) as client:
        return f"{client.media_base}/", sum(1 for _ in client.image_feed(types=["image"]))


def measure(command: list[str], count: int, folder: Path, host: int, *, files: bool) -> dict[str, float]:
    """Files per second and CPU milliseconds per file of one run, its own and the host's."""
    import psutil

    server = psutil.Process(host)
    # As installed programs do, both have their byte code ready, which the first of their runs writes.
    kept = {"PYTHONPYCACHEPREFIX": str(ROOT / ".bench" / "pycache")}
    environment = {**os.environ, **kept, "PYTHONDONTWRITEBYTECODE": ""}
    before, served, start = resource.getrusage(resource.RUSAGE_CHILDREN), server.cpu_times(), perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    seconds, after, serves = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN), server.cpu_times()
    found = sum(1 for path in folder.rglob("*") if path.is_file()) if files else 2 * count
    if found != 2 * count:
        raise SystemExit(f"{command[0]}: {found} files where {2 * count} were expected")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    host_cpu = serves.user + serves.system - served.user - served.system
    return {
        "files_per_s": count / seconds,
        "cpu_ms_per_file": 1000 * cpu / count,
        "host_cpu_ms_per_file": 1000 * host_cpu / count,
        "seconds": seconds,
    }


def cases(asked: argparse.Namespace, url: str, media: str, count: int, folder: Path) -> dict[str, list[str]]:
    """Each case's command."""
    mirror = ["mirror", f"{url}/images", "--limit", str(count), "--type", "image", "--library", str(folder)]
    found = {
        "transfer": [sys.executable, __file__, "--transfer", url, str(folder), asked.details],
        "mirror": [sys.executable, "-m", "pinako", *mirror],
    }
    if asked.gallery_dl:
        found["gallery-dl"] = [asked.gallery_dl, "-c", GALLERY_DL, url, media, str(folder), asked.details]
    return found


def report(medians: dict[str, dict[str, float]]) -> None:
    """The figures, and how far ours are ahead."""
    for name, values in medians.items():
        print(
            f"{name:12} {values['files_per_s']:9.0f} files/s {values['cpu_ms_per_file']:8.2f} ms CPU/file"
            f" {values['host_cpu_ms_per_file']:8.2f} ms of the host's"
        )
    if {"transfer", "gallery-dl"} <= medians.keys():
        ours, theirs = medians["transfer"], medians["gallery-dl"]
        clock = ours["files_per_s"] / theirs["files_per_s"]
        cpu = theirs["cpu_ms_per_file"] / ours["cpu_ms_per_file"]
        print(f"transfer beside gallery-dl: {clock:.1f} x by the clock, {cpu:.1f} x by CPU")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--details", default="generation", help="generation, tags, both with a comma, or nothing")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=["transfer", "mirror", "gallery-dl"])
    parser.add_argument("--gallery-dl", default="")
    parser.add_argument(
        "--folder", help="where to write, 0.3 GB for each case and round; the system's temporary folder"
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    from pinako.testing import make_library

    library = ROOT / ".bench" / f"mirror-{asked.images}"
    make_library(library, images=asked.images)
    runs: dict[str, list[dict[str, float]]] = {}
    # Nothing is removed before the end: file systems are slow to make files where many were just removed.
    with serving(library, asked.latency) as (url, host), tempfile.TemporaryDirectory(dir=asked.folder) as kept:
        media, count = look_around(url)
        for number in range(asked.rounds):
            for name in asked.cases:
                folder = Path(kept) / f"{name}-{number}"
                folder.mkdir()
                command = cases(asked, url, media, count, folder).get(name)
                if command is not None:
                    found = measure(command, count, folder, host, files=name != "mirror")
                    runs.setdefault(name, []).append(found)
    medians = {
        name: {key: statistics.median(run[key] for run in done) for key in done[0]} for name, done in runs.items()
    }
    conditions = {"images": count, "details": asked.details, "latency": asked.latency, "cpus": os.cpu_count()}
    print(", ".join(f"{name} {value}" for name, value in conditions.items()))
    report(medians)
    if asked.json:
        asked.json.write_text(json.dumps({**conditions, "cases": medians}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), float(sys.argv[3]))
    elif sys.argv[1:2] == ["--transfer"]:
        transfer(sys.argv[2], Path(sys.argv[3]), set(sys.argv[4].split(",")))
    else:
        main()
