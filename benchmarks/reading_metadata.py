"""How fast pictures' metadata is read: small A1111 PNGs, beside Pillow and, where it is installed, sd-parsers.

    python benchmarks/reading_metadata.py [--files 2000] [--rounds 7] [--json FILE]

All ways take turns, two hundred files at a time, each of them first now and then, so that a busy moment touches all and nobody
alone finds warm caches. Beside the means stand the median turn and the processor's time.

`pillow_open` only opens; `pillow_info` takes what Pillow has met before the picture data and splits the settings with one
expression; `pillow_text` does the same with all text of the file, as ours does (chunks may stand behind the data, and Pillow
decodes the picture to get there). The files are in the page cache. Models and networks repeat from file to file as they do in a
folder, and ours remembers what the rest of a settings line came to; prompts and seeds are of every file.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from pinako.metadata import embed_png, read_file

_WORDS = [
    "lighthouse",
    "fog",
    "harbour",
    "dusk",
    "ink",
    "wash",
    "watercolor",
    "mountain",
    "river",
    "bird",
    "tree",
    "sand",
    "gull",
    "rope",
    "sail",
    "pier",
    "wave",
]
TURN = 200
"""Files that one way reads before the next has its turn with the same ones."""
_PAIRS = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def write_files(folder: Path, count: int, seed: int = 1) -> list[Path]:
    """PNGs of 96 x 96 noise (24 KB) with prompts, a LoRA and the usual settings, different in every file."""
    chance = random.Random(seed)
    out = BytesIO()
    Image.effect_noise((96, 96), 40).convert("RGB").save(out, "PNG")
    paths = []
    for number in range(count):
        text = (
            f"{', '.join(chance.choices(_WORDS, k=25))}, <lora:ink_{number % 7}:0.8>\nNegative prompt: blurry, text, watermark\n"
            f"Steps: {20 + number % 10}, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, "
            f"Seed: {chance.getrandbits(32)}, Size: 512x768, Model hash: 45a21ea00a, Model: harbour_v{number % 5}, "
            f'Clip skip: 2, Lora hashes: "ink_{number % 7}: 1a2b3c4d5e6f", Version: v1.10.1'
        )
        path = folder / f"{number:06}.png"
        path.write_bytes(embed_png(out.getvalue(), {"parameters": text}))
        paths.append(path)
    return paths


def _pillow_open(path: Path) -> Any:
    with Image.open(path) as picture:
        return picture.size


def _pillow_info(path: Path) -> Any:
    with Image.open(path) as picture:
        return _split(picture.info["parameters"])


def _pillow_text(path: Path) -> Any:
    with Image.open(path) as picture:
        return _split(picture.text["parameters"])  # type: ignore[attr-defined]


def _split(text: str) -> Any:
    *prompt, settings = text.split("\n")
    return prompt, dict(_PAIRS.findall(settings))


def _ours(path: Path) -> Any:
    generation = read_file(path).generation
    if generation is None or generation.seed is None:
        raise SystemExit(f"{path} was not read")
    return generation


def ways() -> dict[str, Callable[[Path], Any]]:
    """What is compared; sd-parsers only where it can be imported."""
    found: dict[str, Callable[[Path], Any]] = {
        "pillow_open": _pillow_open, "pillow_info": _pillow_info, "pillow_text": _pillow_text, "pinako": _ours,
    }  # fmt: skip
    try:
        from sd_parsers import ParserManager
    except ImportError:
        return found
    manager = ParserManager()
    return found | {"sd_parsers": manager.parse}


def measure(paths: list[Path], rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds per file by the clock and of the processor, files per second, and how many times ours is faster."""
    read_by = ways()
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in read_by}
    turn = list(read_by)
    for _ in range(rounds):
        for start in range(0, len(paths), TURN):
            part = paths[start : start + TURN]
            turn = [*turn[1:], turn[0]]  # whoever comes first finds colder caches
            for name in turn:
                spent[name].append(timed(read_by[name], part))
    ours = sum(clock for clock, _ in spent["pinako"])
    return {name: summed(times, ours, len(paths) * rounds) for name, times in spent.items()}


def timed(read: Callable[[Path], Any], paths: list[Path]) -> tuple[float, float]:
    """Seconds for these files, by the clock and of the processor."""
    before, worked = time.perf_counter(), time.process_time()
    for path in paths:
        read(path)
    return time.perf_counter() - before, time.process_time() - worked


def summed(times: list[tuple[float, float]], ours: float, files: int) -> dict[str, float]:
    """One way's row: totals, and the median turn."""
    clock, worked = (sum(column) for column in zip(*times, strict=True))
    return {
        "us": round(clock / files * 1e6, 1),
        "median_us": round(statistics.median(each for each, _ in times) / (files / len(times)) * 1e6, 1),
        "processor_us": round(worked / files * 1e6, 1),
        "files_per_second": round(files / clock),
        "ours_is_times": round(clock / ours, 2),
    }


def main() -> None:
    """Write the files, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(write_files(Path(folder), wanted.files), wanted.rounds)
    for name, row in found.items():
        print(
            f"{name:12} {row['us']:7.1f} us (median {row['median_us']:.1f}, processor {row['processor_us']:.1f})  "
            f"{row['files_per_second']:7d}/s  ours x {row['ours_is_times']}"
        )
    if wanted.json:
        wanted.json.write_text(json.dumps({"files": wanted.files, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
