"""A Pinako host mirrored over loopback: our bulk transfer and our mirror beside gallery-dl, in one run.

    python benchmarks/mirroring.py [--images 2000] [--latency 0.05] [--rounds 3] [--gallery-dl PYTHON] [--json FILE]

The host is a Pinako over a demo library (made once, in .bench). Each case is a process of its own that walks the list of all
images and brings each original with its record. Like for like with gallery-dl is `transfer`: files and JSON sidecars in a
folder. `mirror` does more: posts, tags and generation data of each image are asked, each file is decoded, measured and stored
by its content, and there is a library at the end. Nobody is polite. The host waits `--latency` seconds before each answer.
Rounds take the cases in turn; medians are reported, CPU is that of the case's own process and its children.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GALLERY_DL = """
import sys, gallery_dl
from gallery_dl.extractor import civitai
origin, media, folder = sys.argv[1:4]
there = civitai.CivitaiExtractor._url
civitai.CivitaiExtractor.root = origin
civitai.CivitaiExtractor._url = lambda self, image: media + there(self, image).split("/", 4)[4]
sys.argv = ["gallery-dl", "-q", "--config-ignore", "--write-metadata", "-d", folder, "-o", "sleep-request=0",
            "-o", "metadata=", "https://civitai.red/images?period=AllTime"]
sys.exit(gallery_dl.main())
"""


def transfer(origin: str, folder: Path) -> None:
    """Our like for like: walk the list, save each file and its record."""
    import msgspec

    from pinako.client import Client, Politeness
    from pinako.client.wanted import Wanted, wanted_image

    politeness = Politeness(requests_per_second=None, requests_per_day=None, transfers_at_once=32)
    with Client(origin, politeness=politeness) as client:

        def wanted() -> Iterator[Wanted]:
            for image in client.image_feed(types=["image"]):
                yield wanted_image(image, folder, media_base=client.media_base, sidecar=msgspec.json.encode(image.raw))

        for fetched in client.download_all(wanted()):
            if fetched.error:
                raise SystemExit(str(fetched.error))


def serve(library: Path, latency: float) -> None:
    """The host, until its standard input closes."""
    from pinako.client import Client
    from pinako.testing import start_server

    with start_server(library, public_level=31) as server:
        with Client(server.url) as client:
            count, media = sum(1 for _ in client.image_feed(types=["image"])), client.media_base
        if latency:
            server.faults.slow(latency, times=None)
        print(server.url, f"{media}/", count, flush=True)
        while sys.stdin.read(1):
            server.faults.requests.clear()


@contextmanager
def serving(library: Path, latency: float) -> Iterator[tuple[str, str, int]]:
    """The host as a process of its own: its address, that of its media, and how many images it shows."""
    command = [sys.executable, __file__, "--serve", str(library), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise SystemExit("The host cannot be spoken to.")
        url, media, count = process.stdout.readline().split()
        try:
            yield url, media, int(count)
        finally:
            process.stdin.close()


def measure(command: list[str], count: int, folder: Path, *, files: bool) -> dict[str, float]:
    """Files per second and CPU milliseconds per file of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = sum(1 for path in folder.rglob("*") if path.is_file()) if files else 2 * count
    if found != 2 * count:
        raise SystemExit(f"{command[0]}: {found} files where {2 * count} were expected")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"files_per_s": count / seconds, "cpu_ms_per_file": 1000 * cpu / count, "seconds": seconds}


def cases(gallery_dl: str, url: str, media: str, count: int, folder: Path) -> dict[str, list[str]]:
    """Each case's command."""
    mirror = ["mirror", f"{url}/images", "--limit", str(count), "--type", "image", "--library", str(folder)]
    found = {
        "transfer": [sys.executable, __file__, "--transfer", url, str(folder)],
        "mirror": [sys.executable, "-m", "pinako", *mirror],
    }
    if gallery_dl:
        found["gallery-dl"] = [gallery_dl, "-c", GALLERY_DL, url, media, str(folder)]
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=["transfer", "mirror", "gallery-dl"])
    parser.add_argument("--gallery-dl", default="")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    from pinako.testing import make_library

    library = ROOT / ".bench" / f"mirror-{asked.images}"
    make_library(library, images=asked.images)
    runs: dict[str, list[dict[str, float]]] = {}
    with serving(library, asked.latency) as (url, media, count):
        for _ in range(asked.rounds):
            for name in asked.cases:
                with tempfile.TemporaryDirectory() as folder:
                    command = cases(asked.gallery_dl, url, media, count, Path(folder)).get(name)
                    if command is not None:
                        runs.setdefault(name, []).append(measure(command, count, Path(folder), files=name != "mirror"))
    medians = {
        name: {key: statistics.median(run[key] for run in done) for key in done[0]} for name, done in runs.items()
    }
    print(f"{count} images, {asked.latency * 1000:.0f} ms before each answer, {os.cpu_count()} cores")
    for name, values in medians.items():
        print(f"{name:12} {values['files_per_s']:9.0f} files/s {values['cpu_ms_per_file']:8.2f} ms CPU/file")
    if asked.json:
        conditions = {"images": count, "latency": asked.latency, "cpus": os.cpu_count()}
        asked.json.write_text(json.dumps({**conditions, "cases": medians}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), float(sys.argv[3]))
    elif sys.argv[1:2] == ["--transfer"]:
        transfer(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
