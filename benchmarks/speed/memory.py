"""What the index of a library takes: memory an image without the words of prompts, memory with them, and time to load.

    python -m speed.memory FOLDER [--prepare | --without-words] [--core N]

A fresh process that has imported everything and opened the database; then the saved index is loaded. Memory is the process's
resident memory after less before. "Touched": once every page of the mapped arrays has been read, as after long use.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import gc
import json
import time
from pathlib import Path

import msgspec
import numpy as np
import psutil

from pinako.app import INDEX_FOLDER, open_catalogue, open_library
from pinako.feed import image_rows, model_rows, post_rows, snapshot
from pinako.feed.index import Index
from pinako.feed.spec import Spec
from speed.library import settings_of
from speed.server import pin

PLAIN = "index-without-words"
SPECS = {"image": image_rows.IMAGES, "post": post_rows.POSTS, "model": model_rows.MODELS}


def plain_spec() -> Spec:
    """Images without the words of their prompts."""
    fields = tuple(name for name in image_rows.IMAGES.fields if name != "word")
    return msgspec.structs.replace(image_rows.IMAGES, fields=fields)


def ensure_index(folder: Path) -> float:
    """Build and save the index where it is not saved yet, or in a form that is no longer read; seconds that it took."""
    began = time.perf_counter()
    if all(_fits(folder / INDEX_FOLDER, spec, name, folder) for name, spec in SPECS.items()):
        return 0.0
    with open_library(settings_of(folder)) as library:
        library.feeds.save()
    return time.perf_counter() - began


def _fits(index: Path, spec: Spec, name: str, folder: Path) -> bool:
    """Whether a saved index can be loaded."""
    with open_catalogue(settings_of(folder)) as database:
        library = database.library.library_id
    try:
        snapshot.load(spec, index / f"{name}.feed", library)
    except snapshot.Unusable:
        return False
    return True


def ensure_plain(folder: Path) -> None:
    """The index of images without the words of prompts, saved apart."""
    if _fits(folder / PLAIN, plain_spec(), "image", folder):
        return
    with open_catalogue(settings_of(folder)) as database:
        library = database.library.library_id
    whole = snapshot.load(image_rows.IMAGES, folder / INDEX_FOLDER / "image.feed", library)
    (folder / PLAIN).mkdir(exist_ok=True)
    spec = plain_spec()
    fields = {name: whole.fields[name] for name in spec.fields}
    plain = Index(spec, whole.rows, fields, whole.visibility, whole.cells, whole.log).hang(whole.tiers)
    snapshot.save(plain, folder / PLAIN / "image.feed", library)


def resident() -> int:
    """Resident bytes, with what can be given back given back."""
    gc.collect()
    libc = ctypes.util.find_library("c")
    if libc is not None and hasattr(ctypes.CDLL(libc), "malloc_trim"):
        ctypes.CDLL(libc).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


def touch(index: Index) -> None:
    """Read every page of the mapped arrays."""
    count = index.rows.count
    for column in (index.rows.ids, *index.rows.columns.values()):
        column[:count].max()
    for postings in (*index.fields.values(), index.cells):
        for array in (postings.rows, postings.values, postings.starts):
            if len(array):
                np.max(array)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without-words", action="store_true")
    parser.add_argument("--prepare", action="store_true", help="only build and save what is not there")
    parser.add_argument("--core", type=int)
    args = parser.parse_args()
    pin(args.core)
    if args.prepare:
        built = ensure_index(args.folder)
        ensure_plain(args.folder)
        print(json.dumps({"built_s": round(built, 1)}))
        return
    with open_catalogue(settings_of(args.folder)) as database:
        library = database.library.library_id
    specs = {"image": plain_spec()} if args.without_words else SPECS
    folder = args.folder / (PLAIN if args.without_words else INDEX_FOLDER)
    snapshot.load(model_rows.MODELS, args.folder / INDEX_FOLDER / "model.feed", library)  # what a first use imports
    before = resident()
    began = time.perf_counter()
    loaded = {name: snapshot.load(spec, folder / f"{name}.feed", library) for name, spec in specs.items()}
    seconds = time.perf_counter() - began
    after = resident()
    for index in loaded.values():
        touch(index)
    images = loaded["image"].rows.count
    print(
        json.dumps(
            {
                "load_s": round(seconds, 3),
                "bytes_per_image": round((after - before) / images, 1),
                "bytes_per_image_touched": round((resident() - before) / images, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
