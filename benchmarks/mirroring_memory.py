"""What a long mirror keeps in memory: the resident size of `pinako mirror` while it brings many small images.

    python benchmarks/mirroring_memory.py [--images 100000] [--folder FOLDER] [--json FILE]

The host is made up as it is asked: lists of 200, posts of four images, generation data and tags of each, and a picture of its own
for each image, 16 by 16. The mirror is a process of its own with its workers, as installed; its size and theirs are noted at each
twentieth of the files. Flat means: what it has in the last half is not more than in the first, but for page caches that fill up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

ROOT = Path(__file__).resolve().parents[1]
PAGE = 200
SIDE = 16
WORDS = ("lighthouse", "heron", "harbour", "fog", "kite", "meadow", "lantern", "orchard", "comet", "ferry")


def picture(number: int) -> bytes:
    """A PNG that no other number has."""
    colours = number.to_bytes(3, "big") * SIDE
    rows = zlib.compress((b"\0" + colours) * SIDE, 1)
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def user(number: int) -> dict[str, Any]:
    """One of a thousand people."""
    return {"id": number % 1000 + 1, "username": f"painter_{number % 1000 + 1}", "image": None, "deletedAt": None}


def image(number: int) -> dict[str, Any]:
    """A row of the list, and the answer to `image.get`."""
    key = f"00000000-0000-4000-8000-{number:012d}"
    post = (number - 1) // 4 + 1
    return {
        "id": number,
        "url": key,
        "name": f"{number}.png",
        "width": SIDE,
        "height": SIDE,
        "hash": None,
        "mimeType": "image/png",
        "type": "image",
        "nsfwLevel": 1,
        "createdAt": "2026-02-03T10:20:30.000Z",
        "publishedAt": "2026-02-03T10:20:30.000Z",
        "sortAt": "2026-02-03T10:20:30.000Z",
        "user": user(post),
        "postId": post,
        "index": (number - 1) % 4,
        "hasMeta": True,
        "stats": {"likeCountAllTime": number % 7},
        "tagIds": [],
    }


def answer(procedure: str, given: dict[str, Any], count: int) -> Any:
    """The value of one call; None where the host knows nothing."""
    number = int(given.get("id") or 0)
    if procedure == "image.getInfinite":
        start = int(given.get("cursor") or 0)
        end = min(start + min(int(given.get("limit") or 100), PAGE), count)
        return {"items": [image(n + 1) for n in range(start, end)], "nextCursor": end if end < count else None}
    if procedure == "image.get":
        return image(number)
    if procedure == "image.getGenerationData":
        prompt = ", ".join(WORDS[(number // 10**place) % 10] for place in range(5))
        meta = {"prompt": f"{prompt}, ink wash", "seed": number, "steps": 30, "sampler": "Euler a"}
        return {"type": "image", "meta": meta, "resources": [], "tools": [], "techniques": []}
    if procedure == "tag.getVotableTags":
        names = {WORDS[(number // 10**place) % 10] for place in range(3)}
        return [{"id": WORDS.index(name) + 1, "name": name, "type": "Label", "score": 9} for name in sorted(names)]
    if procedure == "post.get":
        moment = "2026-02-03T10:20:30.000Z"
        return {
            "id": number,
            "title": None,
            "detail": None,
            "publishedAt": moment,
            "user": user(number),
            "nsfwLevel": 1,
        }
    return None


class Host:
    """The made-up host, and how many pictures it has given."""

    def __init__(self, count: int) -> None:
        self.count, self.given = count, 0
        self.unknown: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        path, kind = scope["path"], b"application/json"
        status, body = 200, b"{}"
        if path.startswith("/api/trpc/"):
            body = await self._calls(path.removeprefix("/api/trpc/"), scope, receive)
        elif path.endswith((".png", ".jpeg")):
            self.given += 1
            kind, body = b"image/png", picture(int(path.split("/")[2][-12:]))
        else:
            self.unknown.add(path)
            status, body = 404, b'{"error":"Not found"}'
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(body)),
            (b"etag", b'"%x"' % zlib.crc32(body)),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _calls(self, path: str, scope: Any, receive: Any) -> bytes:
        asked = parse_qs(scope["query_string"].decode())
        text = asked["input"][0] if "input" in asked else (await receive())["body"].decode()
        values = json.loads(text)
        if asked.get("batch") == ["1"]:
            outcomes = [self._call(name, values[str(at)]["json"] or {}) for at, name in enumerate(path.split(","))]
            return json.dumps(outcomes).encode()
        return json.dumps(self._call(path, values["json"] or {})).encode()

    def _call(self, procedure: str, given: dict[str, Any]) -> Any:
        value = answer(procedure, given, self.count)
        if value is not None:
            return {"result": {"data": {"json": value}}}
        self.unknown.add(procedure)
        data = {"code": "NOT_FOUND", "httpStatus": 404, "path": procedure}
        return {"error": {"json": {"message": "No such thing", "code": -32004, "data": data}}}


def serve(host: Host) -> tuple[Any, threading.Thread, str]:
    """The host on a thread: its server, thread and address."""
    import uvicorn

    from pinako.web.serving import address_of, bind

    bound = bind("127.0.0.1", 0)
    config = uvicorn.Config(host, lifespan="off", ws="none", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
    thread.start()
    return server, thread, address_of(bound, "127.0.0.1")


def follow(process: subprocess.Popen[bytes], host: Host) -> list[dict[str, float]]:
    """The sizes at each twentieth, until the mirror ends."""
    import psutil

    seen, samples, start = psutil.Process(process.pid), [], time.perf_counter()
    while process.poll() is None:
        time.sleep(0.2)
        if host.given < host.count * (len(samples) + 1) / 20:
            continue
        try:
            own, workers = seen.memory_info().rss, [child.memory_info().rss for child in seen.children(recursive=True)]
        except psutil.NoSuchProcess:
            break
        seconds = time.perf_counter() - start
        sample = {"files": host.given, "mb": own / 2**20, "workers_mb": sum(workers) / 2**20, "seconds": seconds}
        samples.append(sample)
        print(f"{host.given:8} files {sample['mb']:7.0f} MB {sample['workers_mb']:6.0f} MB in workers {seconds:6.0f} s")
    return samples


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--folder", help="where the library is made; the system's temporary folder")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    host = Host(asked.images)
    server, thread, url = serve(host)
    try:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            given = [f"{url}/images", "--limit", str(asked.images), "--library", folder, "--json"]
            command = [sys.executable, "-m", "pinako", "mirror", *given]
            told = Path(folder) / "told.jsonl"
            with told.open("wb") as out, subprocess.Popen(command, stdout=out) as process:
                samples = follow(process, host)
            print(told.read_text().strip().splitlines()[-1][:900])
    finally:
        server.should_exit = True
        thread.join()
    if host.unknown:
        print("asked for and not known:", ", ".join(sorted(host.unknown)[:5]))
    half = samples[len(samples) // 2]["mb"]
    print(f"from the middle to the end: {samples[-1]['mb'] - half:+.0f} MB on {half:.0f}")
    if asked.json:
        asked.json.write_text(
            json.dumps({"images": asked.images, "cpus": os.cpu_count(), "samples": samples}, indent=2)
        )


if __name__ == "__main__":
    main()
