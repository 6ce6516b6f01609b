"""How fast the client brings many files with JSON sidecars to disk, beside its HTTP library and beside gallery-dl.

    python benchmarks/transfers.py [--files 2000] [--kilobytes 250] [--latency 0] [--rounds 3] [--gallery-dl PYTHON] [--json FILE]

One server process hands out a user's images (tRPC pages of 100) and their bytes over loopback; each case is a process of its
own that walks the list and saves every file with its record beside it. `--latency` seconds are waited by the server before
each answer. `--gallery-dl` names a Python in which gallery-dl is installed; it is pointed at the server and told not to
pause. Each round does every case once; medians are reported, CPU is that of the case's own process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

PAGE = 100

GALLERY_DL = """
import sys, gallery_dl
from gallery_dl.extractor import civitai
civitai.CivitaiExtractor.root = sys.argv[1]
sys.argv = ["gallery-dl", "-q", "--config-ignore", "--write-metadata", "-d", sys.argv[2], "-o", "sleep-request=0",
            "-o", "metadata=", "https://civitai.red/user/bench/images"]
sys.exit(gallery_dl.main())
"""


def make_app(files: int, content: bytes, latency: float, origin: str) -> Any:
    """A raw ASGI application: the user's list and the bytes."""

    def row(number: int) -> dict[str, Any]:
        key = f"00000000-0000-4000-8000-{number:012d}"
        user = {"id": 7, "username": "bench", "image": None}
        meta = {"prompt": "lighthouse in fog, ink wash, " * 10, "seed": number, "steps": 30, "sampler": "Euler a"}
        return {
            "id": number,
            "url": f"{origin}/media/{key}/original=true/{number}.png",
            "name": f"{number}.png",
            "mimeType": "image/png",
            "type": "image",
            "createdAt": "2026-02-03T10:20:30.000Z",
            "user": user,
            "postId": number // 4 + 1,
            "stats": {"likeCountAllTime": 4},
            "meta": meta,
            "tagIds": [],
        }

    def page(query: str) -> bytes:
        cursor = json.loads(parse_qs(query)["input"][0])["json"].get("cursor") or 0
        start = int(cursor)
        items = [row(number + 1) for number in range(start, min(start + PAGE, files))]
        following = start + PAGE if start + PAGE < files else None
        return json.dumps({"result": {"data": {"json": {"items": items, "nextCursor": following}}}}).encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if latency:
            await asyncio.sleep(latency)
        media = scope["path"].startswith("/media/")
        body = content if media else page(scope["query_string"].decode())
        kind = b"image/png" if media else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"etag", b'"1"')]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def serve(port: int, files: int, kilobytes: int, latency: float) -> None:
    """Run the server until it is ended."""
    import uvicorn

    content = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(kilobytes * 1024)
    app = make_app(files, content, latency, f"http://127.0.0.1:{port}")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False, loop="uvloop")


def save_all(origin: str, folder: Path, at_once: int, library: bool) -> None:
    """What a case of ours does: walk the list, save each file and its record."""
    import httpx2
    import msgspec

    from pinako.client import Client, Politeness
    from pinako.client.wanted import Wanted, wanted_image

    limits = Politeness(requests_per_second=None, requests_per_day=None, transfers_at_once=at_once)
    transport = httpx2.HTTPTransport(limits=httpx2.Limits(max_connections=100)) if library else None
    with Client(origin, politeness=limits, transport=transport) as client:

        def wanted() -> Iterator[Wanted]:
            for image in client.image_feed(username="bench"):
                sidecar = msgspec.json.encode(image.raw)
                yield wanted_image(image, folder, media_base=client.media_base, sidecar=sidecar)

        for fetched in client.download_all(wanted()):
            if fetched.error:
                raise SystemExit(str(fetched.error))


def measure(command: list[str], folder: Path, files: int) -> dict[str, float]:
    """Files per second and CPU milliseconds per file of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([*command, str(folder)], check=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = [path for path in folder.rglob("*") if path.is_file()]
    if len(kept) != files * 2:
        raise SystemExit(f"{command[0]}: {len(kept)} files where {files * 2} were expected")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"files_per_s": files / seconds, "cpu_ms_per_file": 1000 * cpu / files}


def start_server(arguments: argparse.Namespace) -> tuple[subprocess.Popen[bytes], str]:
    """The server as a process of its own, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    given = [str(port), str(arguments.files), str(arguments.kilobytes), str(arguments.latency)]
    server = subprocess.Popen([sys.executable, __file__, "--serve", *given])
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return server, f"http://127.0.0.1:{port}"
    raise SystemExit("The server did not start.")


def cases(arguments: argparse.Namespace, origin: str) -> dict[str, list[str]]:
    """Each case's command, the folder still to come."""
    ours = [sys.executable, __file__, "--save", origin]
    found = {f"pinako, {n} at once": [*ours, str(n), "sockets"] for n in arguments.at_once}
    found["pinako over its HTTP library, 4 at once"] = [*ours, "4", "library"]
    if arguments.gallery_dl:
        found["gallery-dl"] = [arguments.gallery_dl, "-c", GALLERY_DL, origin]
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--kilobytes", type=int, default=250)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--gallery-dl", default="")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    server, origin = start_server(arguments)
    runs: dict[str, list[dict[str, float]]] = {}
    try:
        for _ in range(arguments.rounds):
            for name, command in cases(arguments, origin).items():
                with tempfile.TemporaryDirectory() as folder:
                    runs.setdefault(name, []).append(measure(command, Path(folder), arguments.files))
    finally:
        server.terminate()
        server.wait()
    medians = {
        name: {key: statistics.median(run[key] for run in done) for key in done[0]} for name, done in runs.items()
    }
    for name, values in medians.items():
        print(f"{name:42} {values['files_per_s']:9.0f} files/s {values['cpu_ms_per_file']:8.3f} ms CPU/file")
    if arguments.json:
        conditions = {"files": arguments.files, "kilobytes": arguments.kilobytes, "latency": arguments.latency}
        arguments.json.write_text(json.dumps({**conditions, "cpus": os.cpu_count(), "cases": medians}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
    elif sys.argv[1:2] == ["--save"]:
        save_all(sys.argv[2], Path(sys.argv[5]), int(sys.argv[3]), sys.argv[4] == "library")
    else:
        main()
