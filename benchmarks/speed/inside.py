"""What questions cost inside the process: filters and sorts to ids, over many draws, in milliseconds.

    python -m speed.inside FOLDER IMAGES [--draws 300] [--core N]

Pages of 100 ids by `Feeds.images`, from the query record to ids and the next cursor. What is kept between requests is forgotten
before each draw, as a write would do, save where the name says "warm". Times are processor time of the thread: it waits for
nothing, and on a machine that others use too the clock on the wall measures them.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from pinako.app import open_library
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort, Period
from pinako.services import access
from pinako.services.library import Library
from pinako.web.asgi import Door, make_app
from speed.library import settings_of
from speed.server import pin
from speed.shape import (
    FIRST_COLLECTION,
    FIRST_IMAGE,
    FIRST_MODEL,
    FIRST_TAG,
    FIRST_USER,
    RARE,
    TAGS,
    Shape,
    shape_of,
    skewed_rank,
    vocabulary,
)

Draw = Callable[[], ImageQuery]
NEWEST, REACTIONS = ImageSort.NEWEST, ImageSort.MOST_REACTIONS
WARM = " (warm)"


def forget(library: Library) -> None:
    """As after a write."""
    library.feeds.forget_pages()
    library.feeds.index("image")._answers.clear()


def questions(library: Library, shape: Shape, rng: random.Random) -> dict[str, Draw]:
    """A drawer of each kind of question."""
    words = vocabulary(2000)
    index = library.feeds.index("image")

    def query(**given: object) -> ImageQuery:
        level = rng.choice((1, 1, 3, 31))
        return ImageQuery(**{"level": level, "hide_minor": True, "hide_poi": True, "sort": NEWEST, **given})  # type: ignore[arg-type]

    def either() -> ImageSort:
        return rng.choice((NEWEST, REACTIONS))

    def tags(kinds: int, many: int) -> tuple[int, ...]:
        return tuple(FIRST_TAG + skewed_rank(rng, kinds) for _ in range(many))

    def deep() -> ImageQuery:
        sort = either()
        place = index.position(sort, FIRST_IMAGE + rng.randrange(shape.images)) or ()
        return query(sort=sort, cursor=f"{sort.value.lower().replace(' ', '')}.{'|'.join(map(str, place))}")

    def excluded() -> tuple[int, ...]:
        return tuple(FIRST_TAG + tag for tag in (*rng.sample(range(20), 5), *rng.sample(range(20, 3000), 45)))

    standing = [excluded() for _ in range(10)]
    return {
        "newest": query,
        "oldest": lambda: query(sort=ImageSort.OLDEST),
        "most reactions": lambda: query(sort=REACTIONS),
        "most comments": lambda: query(sort=ImageSort.MOST_COMMENTS),
        "most collected": lambda: query(sort=ImageSort.MOST_COLLECTED),
        "anywhere deep": deep,
        "big model, most reactions": lambda: query(sort=REACTIONS, model_id=FIRST_MODEL),
        "one model": lambda: query(sort=either(), model_id=FIRST_MODEL + skewed_rank(rng, shape.models)),
        "one user": lambda: query(sort=either(), user_id=FIRST_USER + skewed_rank(rng, shape.users)),
        "one user by name": lambda: query(sort=either(), username=f"maker_{skewed_rank(rng, shape.users):07d}"),
        "one tag": lambda: query(sort=either(), all_tags=tags(TAGS, 1)),
        "two tags, tiny intersection": lambda: query(sort=either(), level=31, all_tags=RARE),
        "two popular tags": lambda: query(sort=either(), all_tags=tags(50, 2)),
        "50 excluded tags (cold)": lambda: query(sort=either(), excluded_tags=excluded()),
        "50 excluded tags" + WARM: lambda: query(sort=either(), excluded_tags=rng.choice(standing)),
        "level mask and type": lambda: query(sort=either(), level=rng.randint(1, 31), types=("video",)),
        "week, most reactions": lambda: query(sort=REACTIONS, period=Period.WEEK),
        "month and tag": lambda: query(sort=REACTIONS, period=Period.MONTH, all_tags=tags(500, 1)),
        "base model": lambda: query(sort=either(), base_models=(rng.choice(("Pony", "SDXL 1.0", "SD 1.4")),)),
        "prompt word": lambda: query(sort=either(), text=words[skewed_rank(rng, 2000)]),
        "two prompt words": lambda: query(
            sort=either(), text=" ".join(words[skewed_rank(rng, 2000)] for _ in range(2))
        ),
        "random": lambda: query(sort=ImageSort.RANDOM),
        "collection, own order": lambda: query(sort=None, collection_id=FIRST_COLLECTION + skewed_rank(rng, 200)),
        "collection, most reactions": lambda: query(
            sort=REACTIONS, collection_id=FIRST_COLLECTION + skewed_rank(rng, 200)
        ),
    }


def summary(times: list[float]) -> dict[str, float]:
    """Median and 99th percentile of milliseconds."""
    times.sort()
    return {"p50": round(statistics.median(times), 3), "p99": round(times[int(len(times) * 0.99)], 3)}


def measure(library: Library, viewer: Viewer, shape: Shape, draws: int) -> dict[str, dict[str, float]]:
    """Every kind of question."""
    drawers = questions(library, shape, random.Random(5))
    found: dict[str, dict[str, float]] = {}
    for name, draw in drawers.items():
        times = []
        for _ in range(draws):
            asked = draw()
            if WARM not in name:
                forget(library)
            else:
                library.feeds.forget_pages()
            began = time.thread_time()
            library.feeds.images(asked, viewer)
            times.append((time.thread_time() - began) * 1000)
        found[name] = summary(times)
    return found | counts(library, viewer, drawers, draws)


def counts(library: Library, viewer: Viewer, drawers: dict[str, Draw], draws: int) -> dict[str, dict[str, float]]:
    """Exact counts of whole lists."""
    found = {}
    for name in ("level mask and type", "50 excluded tags (cold)", "one tag"):
        times = []
        for _ in range(draws):
            asked = drawers[name]()
            forget(library)
            began = time.thread_time()
            library.feeds.count_images(asked, viewer)
            times.append((time.thread_time() - began) * 1000)
        found[f"count: {name}"] = summary(times)
    return found


def depth_ratio(library: Library, viewer: Viewer, draws: int) -> float:
    """What page 10,000 costs, by page 1: whole requests at the door, with the documents in memory; the worse of two sorts.

    Each is asked right after the other, and the median of their ratios is told: what else the machine does meets both alike.

    Pages of 20, or smaller ones where the library has fewer than 10,000 of those.
    """
    with closing(make_app(library)) as door:
        return max(_depth_ratio(library, door, viewer, sort, draws * 5) for sort in (NEWEST, REACTIONS))


def _depth_ratio(library: Library, door: Door, viewer: Viewer, sort: ImageSort, draws: int) -> float:
    first = ImageQuery(sort=sort, level=31, hide_minor=True, hide_poi=True)
    limit = min(20, library.feeds.count_images(first, viewer) // 10_001)
    *_, cursor = _cursors(library, viewer, first, 9_999 * limit)
    asked = {"sort": sort.value, "browsingLevel": 31, "limit": limit}
    queries = [urlencode(asked), urlencode({**asked, "cursor": cursor})]
    times: list[list[float]] = [[], []]
    for _ in range(draws):
        for query, taken in zip(queries, times, strict=True):
            forget(library)
            began = time.thread_time()
            _ask(door, query)
            taken.append(time.thread_time() - began)
    return statistics.median([deep / first for first, deep in zip(*times, strict=True)])


def _ask(door: Door, query: str) -> None:
    """One request without a network: the coroutine never waits."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/images",
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1:8765")],
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8765),
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise ValueError(f"{query}: {message}")

    with suppress(StopIteration):
        door(scope, receive, send).__await__().__next__()


def _cursors(library: Library, viewer: Viewer, first: ImageQuery, rows: int) -> Iterator[str]:
    """Walk on by so many rows; the cursors on the way."""
    walked, cursor = 0, None
    while walked < rows:
        step = msgspec.structs.replace(first, limit=min(200, rows - walked), cursor=cursor)
        page = library.feeds.images(step, viewer)
        walked, cursor = walked + len(page.ids), page.next_cursor
        if cursor is None:
            raise ValueError(f"the list ends after {walked} rows")
        yield cursor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=int)
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--core", type=int)
    args = parser.parse_args()
    pin(args.core)
    with open_library(settings_of(args.folder)) as library:
        gc.collect()
        gc.freeze()
        viewer = access.anonymous(library.caps)
        shape = shape_of(args.images)
        for draw in questions(library, shape, random.Random(1)).values():  # what first uses make is made once
            library.feeds.images(draw(), viewer)
        report = {
            "page_10000_ratio": round(depth_ratio(library, viewer, args.draws), 3),
            "engine_ms": measure(library, viewer, shape, args.draws),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
