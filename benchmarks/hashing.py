"""How fast a model file is hashed: all six hashes in one read, beside plain hashlib SHA-256 of the same bytes.

    python benchmarks/hashing.py [--megabytes 1024] [--rounds 5] [--json FILE]

Each round measures every case once, one after another, so that a busy moment touches all of them; medians are reported.
`sha256_memory` is hashlib's own speed without reading a file, `sha256_file` is `hashlib.file_digest`. The files are in
the page cache: what is measured is hashing, not the disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pinako.metadata.modelfiles import hash_file
from pinako.metadata.modelfiles.writing import write_safetensors

_MIB = 1 << 20


def _plain_file(path: Path, megabytes: int) -> None:
    block = random.Random(1).randbytes(16 * _MIB)
    with path.open("wb") as file:
        for _ in range(max(1, megabytes // 16)):
            file.write(block)


def _digest(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def _timed(work: Callable[[], object], size_bytes: int) -> float:
    begin = time.perf_counter()
    work()
    return size_bytes / _MIB / (time.perf_counter() - begin)


def measure(megabytes: int, rounds: int) -> dict[str, object]:
    """MiB/s of each case, and the two shares that matter."""
    with tempfile.TemporaryDirectory() as folder:
        plain, model = Path(folder, "plain.bin"), Path(folder, "model.safetensors")
        _plain_file(plain, megabytes)
        payload = plain.read_bytes()
        write_safetensors(model, {"weight": ("U8", (len(payload),), payload)})
        cases: dict[str, Callable[[], object]] = {
            "sha256_memory": lambda: hashlib.sha256(payload),
            "sha256_file": lambda: _digest(plain),
            "five_hashes": lambda: hash_file(plain),
            "six_hashes": lambda: hash_file(model),
            "six_hashes_one_thread": lambda: hash_file(model, threads=1),
        }
        speeds: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, work in cases.items():
                speeds[name].append(_timed(work, len(payload)))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    return {
        "megabytes": len(payload) // _MIB,
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "mib_per_s": {name: round(speed) for name, speed in medians.items()},
        "five_hashes_share": round(medians["five_hashes"] / medians["sha256_memory"], 3),
        "six_hashes_share": round(medians["six_hashes"] / medians["sha256_memory"], 3),
        "five_hashes_share_of_file": round(medians["five_hashes"] / medians["sha256_file"], 3),
        "six_hashes_share_of_file": round(medians["six_hashes"] / medians["sha256_file"], 3),
    }


def main() -> None:
    """Read the options, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = measure(options.megabytes, options.rounds)
    text = json.dumps(result, indent=2)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
