"""Writes a second, until lists show them: reactions, and new posts with images, in batches by the services' own path.

    python -m speed.writes FOLDER [--database-url postgresql://…] [--reactions 6000] [--images 3000] [--core N]

Three rounds of each; the medians. Each batch is one transaction with rows, derived columns, documents and notes; when it returns,
this process's index has it (which is checked). What was written is taken away again at the end. An empty database is furnished
first with users and tags.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pinako.app import open_library
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.catalog.queries import ImageQuery, ImageSort
from pinako.catalog.tags import Tag
from pinako.feed import documents
from pinako.services import access, publish
from pinako.services.library import Library
from pinako.services.settle import Touched, settle
from speed.library import settings_of
from speed.server import pin
from speed.shape import FIRST_IMAGE, FIRST_TAG, FIRST_USER, skewed_rank

BATCH = 500
ROUNDS = 3
FAN = 10_000_000
"""A user whom the library does not have: its reactions are easily found again."""


def furnish(library: Library) -> None:
    """What new images refer to, where it is not there."""
    now = library.now()
    with library.database.write() as w:
        if w.value("SELECT count(*) FROM tags") < 1000:
            users = range(FIRST_USER, FIRST_USER + 100)
            publish.keep_many(
                w, [User(id=id, created_at=now, username=f"maker_{id}", username_key=f"maker_{id}") for id in users]
            )
            names = [f"tag word {at:05d}" for at in range(5000)]
            tags = enumerate(names, start=FIRST_TAG)
            publish.keep_many(w, [Tag(id=id, name=name, name_key=name, target='["Image"]') for id, name in tags])


def react(library: Library, rng: random.Random, ids: Sequence[int], batch: int) -> None:
    """One batch of reactions: the row, the image's counters, a note."""
    now = library.now()
    rows = [(ids[skewed_rank(rng, len(ids))], FAN + at) for at in range(batch)]
    with library.database.write() as w:
        w.run_many(
            "INSERT INTO reactions (entity_type, entity_id, user_id, reaction, created_at) "
            "VALUES ('image', ?, ?, 'Heart', ?) ON CONFLICT DO NOTHING",
            [(*row, now) for row in rows],
        )
        w.run_many(
            "UPDATE images SET heart_count = heart_count + 1, reaction_count = reaction_count + 1 WHERE id = ?",
            [(id,) for id, _ in rows],
        )
        documents.recount(w, "image", [id for id, _ in rows])


Drawn = list[tuple[publish.TagOn, ...]]


def draw(rng: random.Random, batch: int) -> Drawn:
    """The tags of a batch of new images, fifteen each."""
    words = [f"tag word {skewed_rank(rng, 5000):05d}" for _ in range(15 * batch)]
    tags = [publish.TagOn(name=word, source="WD14", automated=True) for word in words]
    return [tuple(tags[at : at + 15]) for at in range(0, len(tags), 15)]


def post(library: Library, rng: random.Random, drawn: Drawn) -> int:
    """One batch of new images, four to a post, with tags, metadata and documents; the newest one's id."""
    now = library.now()
    stamps = {"sort_at": now, "created_at": now, "updated_at": now}
    with library.database.write() as w:
        touched = Touched()
        posts = [
            Post(id=id, user_id=FIRST_USER + rng.randrange(100), title="Evening walk", published_at=now, **stamps)
            for id in w.next_ids("posts", len(drawn) // 4)
        ]
        publish.keep_posts(w, touched, posts)
        ids = w.next_ids("images", len(drawn))
        publish.keep_images(
            w, touched, [arriving(rng, posts[at // 4], id, at % 4, drawn[at], now) for at, id in enumerate(ids)]
        )
        settle(w, touched, now)
    return ids[-1]


def arriving(
    rng: random.Random, post: Post, id: int, place: int, tags: tuple[publish.TagOn, ...], now: int
) -> publish.Arriving:
    """One image with metadata and tags."""
    key = f"{rng.getrandbits(128):032x}"
    image = Image(
        id=id,
        user_id=post.user_id,
        post_id=post.id,
        idx=place,
        media_key=f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}",
        width=1024,
        height=1024,
        blurhash="LEHV6nWB2yk8pyo0adR*.7kCMdnj",
        level=1,
        created_at=now,
        sort_at=now,
        updated_at=now,
        scanned_at=now,
    )
    about = publish.Metadata(site='{"prompt":"a harbour at night, lanterns, rain","seed":7,"steps":20}')
    return publish.Arriving(image=image, about=about, tags=tags)


def timed(many: int, write: Callable[[], None]) -> tuple[int, int]:
    """Some rounds of so many writes: how many a second, and processor µs each; the medians."""
    rates, costs = [], []
    for _ in range(ROUNDS):
        began, busy = time.perf_counter(), time.process_time()
        write()
        rates.append(many / (time.perf_counter() - began))
        costs.append((time.process_time() - busy) / many * 1e6)
    return round(statistics.median(rates)), round(statistics.median(costs))


def clear(library: Library) -> None:
    """Take away what was written."""
    first = library.database.library.first_id
    with library.database.write() as w:
        gone = [row[0] for row in w.rows("SELECT id FROM images WHERE id >= ?", (first,))]
        posts = [row[0] for row in w.rows("SELECT id FROM posts WHERE id >= ?", (first,))]
        for table in ("image_tags", "image_resources", "image_wants", "image_meta"):
            w.run(f"DELETE FROM {table} WHERE image_id >= ?", (first,))
        for table in ("images", "image_rest", "image_trpc", "posts", "post_trpc"):
            w.run(f"DELETE FROM {table} WHERE id >= ?", (first,))
        moved = w.rows("SELECT entity_id, count(*) FROM reactions WHERE user_id >= ? GROUP BY entity_id", (FAN,))
        w.run("DELETE FROM reactions WHERE user_id >= ?", (FAN,))
        undo = "UPDATE images SET heart_count = heart_count - ?, reaction_count = reaction_count - ? WHERE id = ?"
        w.run_many(undo, [(many, many, id) for id, many in moved])
        documents.recount(w, "image", [id for id, _ in moved])
        for id in gone:
            w.note("image", id, "u")
        for id in posts:
            w.note("post", id, "u")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reactions", type=int, default=6000)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--core", type=int)
    parser.add_argument("--database-url", help="write there instead; FOLDER keeps the rest")
    args = parser.parse_args()
    pin(args.core)
    rng = random.Random(3)
    elsewhere = {"database_url": args.database_url} if args.database_url else {}
    with open_library(settings_of(args.folder, **elsewhere)) as library:
        clear(library)
        furnish(library)
        viewer, images = access.anonymous(library.caps), len(library.feeds.index("image"))
        shown = ImageQuery(sort=ImageSort.NEWEST, limit=1)
        post(library, rng, draw(rng, 40))
        drawn = [draw(rng, BATCH) for _ in range(0, args.images * ROUNDS, BATCH)]
        newest = 0

        def arrive() -> None:
            nonlocal newest
            for _ in range(0, args.images, BATCH):
                newest = post(library, rng, drawn.pop())
                if library.feeds.images(shown, viewer).ids != [newest]:
                    raise SystemExit("a new image is not in the list of the newest")

        images_s, images_us = timed(args.images, arrive)
        ids = range(FIRST_IMAGE, FIRST_IMAGE + images) if images else range(newest - args.images, newest)

        def applaud() -> None:
            for _ in range(0, args.reactions, BATCH):
                react(library, rng, ids, BATCH)

        reactions_s, reactions_us = timed(args.reactions, applaud)
        clear(library)
        library.feeds.save()
    rates = {"images_per_s": images_s, "reactions_per_s": reactions_s}
    print(json.dumps({**rates, "images_cpu_us": images_us, "reactions_cpu_us": reactions_us}))


if __name__ == "__main__":
    main()
