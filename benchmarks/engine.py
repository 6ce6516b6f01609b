"""The feed engine alone over synthetic rows with the skew of real galleries: time per question, memory, build, start.

    .venv/bin/python benchmarks/engine.py --rows 1000000 [--words] [--json FILE]

Build and measurement run in two processes, so that memory is what a start from a snapshot takes.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from pinako.feed.build import Builder
from pinako.feed.index import Index
from pinako.feed.snapshot import load, save
from pinako.feed.spec import (
    DOWN,
    UP,
    Among,
    AnyOf,
    Between,
    Change,
    Ids,
    Move,
    NoneOf,
    Put,
    Row,
    Sight,
    Sort,
    Spec,
    Term,
    pairs,
)

SPEC = Spec(
    name="images",
    columns=("time", "reactions", "comments", "collected"),
    sorts=(
        Sort(name="Newest", by=(("time", DOWN),)),
        Sort(name="Oldest", by=(("time", UP),), id_way=UP),
        Sort(name="Most Reactions", by=(("reactions", DOWN),)),
        Sort(name="Most Comments", by=(("comments", DOWN),)),
        Sort(name="Most Collected", by=(("collected", DOWN),)),
    ),
    fields=("user", "tag", "version", "model", "base", "flag", "word"),
    owner="user",
    random="Random",
)
YEAR = 365 * 86_400_000
NOW = 1_760_000_000_000
RARE = (900_001, 900_002)  # two tags with next to nothing in common
BIG_MODEL = 900_003


def zipf(rng: np.random.Generator, many: int, kinds: int, skew: float) -> npt.NDArray[np.int64]:
    """Ranks from 1 with the weights 1 / rank ** skew."""
    weights = np.cumsum(1.0 / np.arange(1, kinds + 1) ** skew)
    return np.searchsorted(weights, rng.random(many) * weights[-1]) + 1


def build(rows: int, words: bool) -> Index:
    rng = np.random.default_rng(7)
    builder = Builder(SPEC)
    ids = np.arange(1_000, 1_000 + rows, dtype=np.int32)
    age = np.sort(rng.integers(0, 2 * YEAR, rows))
    time_ms = NOW - 2 * YEAR + age + rng.integers(0, 3_600_000, rows)
    reactions = np.where(rng.random(rows) < 0.31, 0, np.minimum(rng.pareto(0.9, rows) * 3, 60_000)).astype(np.int32)
    comments = np.where(rng.random(rows) < 0.9, 0, rng.geometric(0.3, rows))
    collected = np.where(rng.random(rows) < 0.7, 0, np.minimum(rng.pareto(1.2, rows) * 2, 20_000)).astype(np.int32)
    levels = rng.choice([1, 2, 4, 8, 16], rows, p=[0.5, 0.15, 0.15, 0.12, 0.08])
    rooms = np.where(rng.random(rows) < 0.02, 1, 0)
    builder.add_rows(ids, [time_ms, reactions, comments, collected], levels, rooms)
    builder.add_values("user", ids, zipf(rng, rows, rows // 40, 1.0))
    for _ in range(15):
        builder.add_values("tag", ids, zipf(rng, rows, 60_000, 1.0))
    for tag, offset in zip(RARE, (0, 1), strict=True):
        chosen = rng.choice(rows // 2, int(rows * 0.06), replace=False) * 2 + offset
        builder.add_values("tag", ids[chosen], np.full(len(chosen), tag))
        builder.add_values("tag", ids[:20], np.full(20, tag))
    versions = zipf(rng, int(rows * 1.6), max(rows // 30, 100), 0.9)
    owners = rng.integers(0, rows, len(versions))
    builder.add_values("version", ids[owners], versions)
    builder.add_values("model", ids[owners], versions // 2 + 1)
    chosen = rng.choice(rows, int(rows * 0.3) if rows < 1_000_000 else 300_000, replace=False)
    builder.add_values("model", ids[chosen], np.full(len(chosen), BIG_MODEL))
    builder.add_values("base", ids, zipf(rng, rows, 40, 1.1))
    for flag, share in ((1, 0.8), (2, 0.3), (3, 0.02), (4, 0.05)):
        held = ids[rng.random(rows) < share]
        builder.add_values("flag", held, np.full(len(held), flag))
    for _ in range(30 if words else 0):
        builder.add_values("word", ids, zipf(rng, rows, 400_000, 1.0))
    return builder.index()


def questions(rng: random.Random) -> dict[str, Callable[[], tuple[tuple[Term, ...], str]]]:
    def tag() -> int:
        return min(int(1 / max(rng.random(), 1e-5)), 60_000)

    def tags(many: int) -> tuple[tuple[str, int], ...]:
        return pairs("tag", [tag() + offset for offset in range(many)])

    excluded = [pairs("tag", rng.sample(range(20, 3000), 42) + rng.sample(range(3, 20), 8)) for _ in range(40)]
    month = Between("time", NOW - YEAR // 12)
    return {
        "newest": lambda: ((), "Newest"),
        "oldest": lambda: ((), "Oldest"),
        "most reactions": lambda: ((), "Most Reactions"),
        "most comments": lambda: ((), "Most Comments"),
        "random": lambda: ((), "Random"),
        "type and flag": lambda: ((AnyOf(pairs("flag", [2])), NoneOf(pairs("flag", [3, 4]))), "Most Reactions"),
        "one tag": lambda: ((AnyOf(pairs("tag", [tag()])),), rng.choice(["Newest", "Most Reactions"])),
        "two tags": lambda: (
            tuple(AnyOf(pairs("tag", [tag()])) for _ in range(2)),
            rng.choice(["Newest", "Most Reactions"]),
        ),
        "tiny intersection": lambda: (tuple(AnyOf(pairs("tag", [held])) for held in RARE), "Most Reactions"),
        "big model": lambda: ((AnyOf(pairs("model", [BIG_MODEL])),), "Most Reactions"),
        "big model and tag": lambda: (
            (AnyOf(pairs("model", [BIG_MODEL])), AnyOf(pairs("tag", [tag()]))),
            "Most Reactions",
        ),
        "one model": lambda: ((AnyOf(pairs("model", [rng.randint(1, 5000)])),), "Most Reactions"),
        "one user": lambda: ((AnyOf(pairs("user", [min(int(1 / max(rng.random(), 1e-4)), 9000)])),), "Newest"),
        "any of 5 tags": lambda: ((AnyOf(tags(5)),), "Newest"),
        "50 excluded tags": lambda: ((NoneOf(rng.choice(excluded)),), "Most Reactions"),
        "50 excluded, newest": lambda: ((NoneOf(rng.choice(excluded)),), "Newest"),
        "month": lambda: ((month,), "Most Reactions"),
        "month, newest": lambda: ((month,), "Newest"),
        "month and tag": lambda: ((month, AnyOf(pairs("tag", [tag()]))), "Most Reactions"),
        "base and flag": lambda: (
            (AnyOf(pairs("base", [rng.randint(1, 40)])), AnyOf(pairs("flag", [1]))),
            "Most Collected",
        ),
        "two words": lambda: (tuple(AnyOf(pairs("word", [tag() + 5])) for _ in range(2)), "Most Reactions"),
    }


def shelf_of(index: Index, rng: random.Random) -> Ids:
    """A collection of 20,000, whose rows are found as at the start of a server."""
    named = rng.sample(range(index.rows.count), 20_000)
    shelf = Ids(index.rows.ids[named].astype(np.int64))
    index.look_up(shelf)
    return shelf


def sight(rng: random.Random) -> Sight:
    mask = rng.choice([1, 1, 3, 31])
    return Sight(mask, rng.randint(1, 1000), ((1, 95),)) if rng.random() < 0.5 else Sight(mask)


def summary(times: list[float]) -> dict[str, float]:
    times.sort()
    return {"p50": round(statistics.median(times), 4), "p99": round(times[int(len(times) * 0.99)], 4)}


def ask(index: Index, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time of pages (100 ids) and counts; answers are forgotten between, as by a write."""
    rng = random.Random(5)
    results: dict[str, dict[str, float]] = {}
    shelf = shelf_of(index, rng)
    asked = questions(rng) | {"collection of 20,000": lambda: ((Among(shelf),), "Most Reactions")}
    for name, question in asked.items():
        times, counts = [], []
        for _ in range(repeats):
            terms, sort = question()
            seen = sight(rng)
            start = (rng.getrandbits(32),) if sort == "Random" else None
            index._answers.clear()
            before = time.thread_time()
            index.page(seen, terms, sort, 100, start=start)
            times.append((time.thread_time() - before) * 1000)
            index._answers.clear()
            before = time.thread_time()
            index.count(seen, terms)
            counts.append((time.thread_time() - before) * 1000)
        results[name] = summary(times)
        if sort != "Random":
            results[f"{name}: count"] = summary(counts)
    results |= deep(index, rng, repeats)
    return results


def deep(index: Index, rng: random.Random, repeats: int) -> dict[str, dict[str, float]]:
    results = {}
    for sort in ("Newest", "Most Reactions"):
        ids = index.rows.ids[: index.rows.count]
        times = []
        for _ in range(repeats):
            start = index.position(sort, int(rng.choice(ids)))
            before = time.thread_time()
            index.page(Sight(1), (), sort, 100, start=start)
            times.append((time.thread_time() - before) * 1000)
        results[f"{sort}, anywhere"] = summary(times)
        start = None
        for _ in range(10_000):
            page = index.page(Sight(31), (), sort, 20, start=start)
            start = page.next
            if start is None:
                break
        for name, place in ((f"{sort}, page 1 of 20", None), (f"{sort}, page 10000 of 20", start)):
            times = []
            for _ in range(repeats):
                before = time.thread_time()
                index.page(Sight(31), (), sort, 20, start=place)
                times.append((time.thread_time() - before) * 1000)
            results[name] = summary(times)
    return results


def write(index: Index, many: int) -> dict[str, float]:
    rng = random.Random(9)
    count = index.rows.count
    moves: list[Change] = [
        Move(1000 + int(count * rng.random() ** 2) % count, "reactions", rng.randint(0, 300)) for _ in range(many)
    ]
    puts: list[Change] = [
        Put(
            Row(
                id=1000 + count + at,
                keys=(NOW + at, 0, 0, 0),
                values=(
                    (rng.randint(1, 9000),),
                    tuple(min(int(1 / max(rng.random(), 1e-5)), 60_000) for _ in range(15)),
                    (rng.randint(1, 30_000),),
                    (rng.randint(1, 15_000),),
                    (rng.randint(1, 40),),
                    (1, 2),
                    (),
                ),
                level=1,
            )
        )
        for at in range(many)
    ]
    results = {}
    for name, changes in (("reactions", moves), ("new images", puts)):
        before = time.perf_counter()
        index.apply(changes)
        results[name] = round(many / (time.perf_counter() - before))
    before = time.perf_counter()
    for at in range(0, many, 100):
        index.apply(moves[at : at + 50] + puts[at : at + 50][:0])
        index.page(Sight(1), (), "Most Reactions", 100)
        index.page(Sight(1), (), "Newest", 100)
    results["page pairs while writing"] = round(many / 100 / (time.perf_counter() - before))
    return results


def measure(path: Path, repeats: int) -> dict[str, object]:
    process = psutil.Process()
    gc.collect()
    empty = process.memory_info().rss
    before = time.perf_counter()
    index = load(SPEC, path, "bench")
    load_s = time.perf_counter() - before
    gc.collect()
    rows = index.rows.count
    loaded = (process.memory_info().rss - empty) / rows
    results = ask(index, repeats)
    used = (process.memory_info().rss - empty) / rows
    for column in (index.rows.ids, *index.rows.columns.values()):
        column[:rows].max()
    for postings in (*index.fields.values(), index.cells):
        for array in (postings.rows, postings.values, postings.starts):
            if len(array):
                array.max()
    whole = (process.memory_info().rss - empty) / rows
    return {
        "rows": rows,
        "load_s": round(load_s, 2),
        "file_bytes_per_row": round(path.stat().st_blocks * 512 / rows, 1),
        "bytes_per_row": {"loaded": round(loaded, 1), "after use": round(used, 1), "all touched": round(whole, 1)},
        "ms": results,
        "writes_per_s": write(index, 20_000),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--words", action="store_true")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.repeats)))
        return
    path = args.folder / f"bench-{args.rows}{'-words' if args.words else ''}.feed"
    timing = {}
    if not path.exists():
        before = time.perf_counter()
        cpu = time.process_time()
        index = build(args.rows, args.words)
        timing = {"build_s": round(time.perf_counter() - before, 1), "build_cpu_s": round(time.process_time() - cpu, 1)}
        before = time.perf_counter()
        save(index, path, "bench")
        timing["save_s"] = round(time.perf_counter() - before, 2)
        del index
    command = [sys.executable, __file__, "--measure", os.fspath(path), "--repeats", str(args.repeats)]
    report = timing | json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name, value in report.items():
        if name != "ms":
            print(f"{name:22} {value}")
    for name, value in report["ms"].items():
        print(f"{name:32} {value['p50']:9.3f} {value['p99']:9.3f} ms")
    if args.json:
        args.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
