"""How fast things come in: metadata beside its peers, whole imports beside what decoding alone allows, second runs, look-alikes.

    python benchmarks/imports.py [--pictures 1000] [--metadata-files 2000] [--json FILE]

The peer (sd-parsers) is put into `.bench/imports` by this script itself; pictures are made once and kept there. Pictures
are 1024 x 1536, half PNG, half JPEG, with A1111 texts; each half is measured by itself. `decode` opens and decodes them with
Pillow and does nothing else, in as many processes as there are cores, before and after the import; the import's share is of
the mean of the two. Beside the clock stands processor time, of all processes together, which a busy machine changes least.
Everything lies in the page cache: what is measured is work, not the disk, except that imports write their copies and wait
for them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench" / "imports"
PEERS = ("sd-parsers==0.6",)
sys.path.insert(0, str(Path(__file__).parent))


# --- the peer ------------------------------------------------------------------------------------------------------


def prepare_peers() -> list[str]:
    """Install the peers aside, once; what of them can be used."""
    place = BENCH / "peers"
    if not place.is_dir():
        uv = shutil.which("uv") or "uv"
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(place), *PEERS]
        subprocess.run(command, check=True)
    sys.path.append(str(place))  # last, so that Pillow is the same for all
    from importlib.metadata import version

    return [f"{name} {version(name)}" for name in (spec.partition("==")[0] for spec in PEERS)]


def measure_metadata(files: int) -> dict[str, Any]:
    """The comparison of benchmarks/reading_metadata.py."""
    import reading_metadata

    with tempfile.TemporaryDirectory() as folder:
        paths = reading_metadata.write_files(Path(folder), files)
        return reading_metadata.measure(paths, 5 if files <= 5000 else 1)


# --- whole imports -------------------------------------------------------------------------------------------------


def make_pictures(count: int) -> list[Path]:
    """The pictures, made where they are missing: paintings with grain, so that they are as hard to decode as real ones."""
    folder = BENCH / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05}.{'jpg' if number % 2 else 'png'}" for number in range(count)]
    missing = [path for path in paths if not path.exists()]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for _ in pool.imap_unordered(make_picture, missing, chunksize=4):
            pass
    return paths


def make_picture(path: Path) -> None:
    """One picture; its name is its seed."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    from pinako import metadata
    from pinako.media.paint import paint

    seed = int(path.stem)
    grain = np.random.default_rng(seed).integers(-6, 7, (1536, 1024, 3))
    plain = np.asarray(paint(seed, 1024, 1536).convert("RGB")).astype(np.int16)
    image = Image.fromarray((plain + grain).clip(0, 255).astype(np.uint8))
    settings = f"Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 1024x1536"
    text = f"a quiet harbor, view {seed}\nNegative prompt: blurry\n{settings}"
    out = BytesIO()
    if path.suffix == ".png":
        image.save(out, "PNG", compress_level=4)
        data = metadata.embed_png(out.getvalue(), {"parameters": text})
    else:
        image.save(out, "JPEG", quality=92)
        data = metadata.embed_jpeg(out.getvalue(), text)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(data)
    temporary.replace(path)


def decode(path: Path) -> float:
    """Open and decode, nothing else; processor seconds that it took."""
    from PIL import Image

    before = time.process_time()
    with Image.open(path) as image:
        image.load()
    return time.process_time() - before


def measure_decoding(paths: list[Path]) -> tuple[float, float]:
    """Pictures a second that Pillow decodes on all cores, and processor ms each; its processes run before the clock starts."""
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(decode, paths[: cores * 8], chunksize=1)
        before = time.perf_counter()
        spent = sum(pool.imap_unordered(decode, paths, chunksize=4))
        return len(paths) / (time.perf_counter() - before), spent / len(paths) * 1000


def spent_by_all() -> float:
    """Processor seconds of this process and all below it that live."""
    import psutil

    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def measure_import(paths: list[Path], **options: Any) -> dict[str, float]:
    """Pictures a second of a whole import into a fresh library, and of a second run over the same files."""
    from pinako.app import open_catalogue
    from pinako.intake.folder import Options, Run
    from pinako.media.store import open_store
    from pinako.services import access
    from pinako.settings import Settings

    with tempfile.TemporaryDirectory(dir=BENCH) as folder:
        settings = Settings(library=str(Path(folder) / "library"))
        database, store = open_catalogue(settings), open_store(settings.media_address)
        owner = access.owner_of(database.read())
        assert owner is not None  # noqa: S101 - opening a library makes its owner
        found = {}
        for name in ("first", "again"):
            run = Run(settings, database, store, Options(user_id=owner.id, **options))
            warm_up(run, name == "first")
            before, spent, together = time.perf_counter(), time.process_time(), spent_by_all()
            report = run.bring(paths)
            found[f"{name}_per_s"] = round(len(paths) / (time.perf_counter() - before), 1)
            found[f"{name}_main_ms"] = round((time.process_time() - spent) / len(paths) * 1000, 3)
            found[f"{name}_processor_ms"] = round((spent_by_all() - together) / len(paths) * 1000, 2)
            expected = report.images if name == "first" else report.already
            if expected != len(paths):
                raise SystemExit(f"{expected} of {len(paths)}: {report.as_data()}")
            run.close()
        store.close()
        database.close()
    return found


def warm_up(run: Any, wanted: bool) -> None:
    """Start the workers, as the decoders were: a fraction of a second that no large import notices."""
    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / f"{number}.bin" for number in range((os.cpu_count() or 1) + 1)]
        for path in names:
            path.write_bytes(bytes(range(256)))
        run.bring(names)


# --- look-alikes ---------------------------------------------------------------------------------------------------


def measure_near(entries: int) -> dict[str, float]:
    """Milliseconds to answer 'near this image' among that many, by the clock and of the processor."""
    from pinako.metadata.hamming import NearIndex

    chance = random.Random(1)
    index = NearIndex.build((id, chance.getrandbits(64)) for id in range(entries))
    spent, worked = [], []
    for _ in range(200):
        before, at = time.perf_counter(), time.process_time()
        index.near(chance.getrandbits(64), distance=6)
        spent.append((time.perf_counter() - before) * 1000)
        worked.append((time.process_time() - at) * 1000)
    return {
        "entries": entries,
        "median_ms": round(statistics.median(spent), 2),
        "worst_ms": round(max(spent), 2),
        "worst_processor_ms": round(max(worked), 2),
    }


def shown(name: str, values: Iterable[tuple[str, Any]]) -> None:
    """A line for people."""
    print(f"{name:10} " + "  ".join(f"{key} {value}" for key, value in values))


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--metadata-files", type=int, default=2000)
    parser.add_argument(
        "--near", type=int, default=1_000_000, help="entries of the index of look-alikes; 0 leaves it out"
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    result: dict[str, Any] = {
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "peers": prepare_peers(),
    }
    if asked.metadata_files:
        result["metadata"] = measure_metadata(asked.metadata_files)
        for name, row in result["metadata"].items():
            shown(name, row.items())
    if asked.pictures:
        pictures = make_pictures(asked.pictures)
        for kind in ("png", "jpg"):
            result[f"import {kind}"] = measure_imports([path for path in pictures if path.suffix == f".{kind}"])
            shown(f"import {kind}", result[f"import {kind}"].items())
        result["import both"] = together([result["import png"], result["import jpg"]])
        shown("both", result["import both"].items())
    if asked.near:
        result["near"] = measure_near(asked.near)
        shown("near", result["near"].items())
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n")


def measure_imports(paths: list[Path]) -> dict[str, Any]:
    """Decoding, importing, decoding; the share of the limit that the import reaches."""
    before = measure_decoding(paths)
    ours = measure_import(paths)
    linked = measure_import(paths, in_place=True)
    after = measure_decoding(paths)
    limit = statistics.mean((before[0], after[0]))
    processor = statistics.mean((before[1], after[1]))
    return {
        "pictures": len(paths),
        "decode_per_s": [round(before[0], 1), round(after[0], 1)],
        "decode_processor_ms": [round(before[1], 2), round(after[1], 2)],
        **ours,
        "share_of_decoding": round(ours["first_per_s"] / limit, 3),
        "share_by_processor": round(processor / ours["first_processor_ms"], 3),
        "linked_per_s": linked["first_per_s"],
        "linked_share_of_decoding": round(linked["first_per_s"] / limit, 3),
        "linked_share_by_processor": round(processor / linked["first_processor_ms"], 3),
    }


def together(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    """All pictures of all kinds as one import: how long decoding them alone takes, of how long the import takes."""
    decoding = sum(kind["pictures"] / statistics.mean(kind["decode_per_s"]) for kind in kinds)
    return {
        "pictures": sum(kind["pictures"] for kind in kinds),
        "share_of_decoding": round(decoding / sum(kind["pictures"] / kind["first_per_s"] for kind in kinds), 3),
        "linked_share_of_decoding": round(decoding / sum(kind["pictures"] / kind["linked_per_s"] for kind in kinds), 3),
    }


if __name__ == "__main__":
    main()
