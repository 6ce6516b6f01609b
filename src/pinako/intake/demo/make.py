"""Making the demo library: plan, models, pictures painted on all cores, then rows through the same door as every import."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing.context import BaseContext

from pinako.catalog.collections import Collection
from pinako.catalog.people import User
from pinako.intake.demo import resources
from pinako.intake.demo.pictures import Ingredient, Job, get_ready, work
from pinako.intake.demo.plan import Plan, PlannedCollection, PlannedPost, make_plan
from pinako.intake.demo.posts import Kept, keep_posts
from pinako.intake.workers import prepare_environment
from pinako.media.store import MediaStore
from pinako.services import access, publish
from pinako.services.prepare import PreparedImage
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database
from pinako.storage.engine import Value
from pinako.storage.scopes import Write

YEARS = resources.YEARS
BATCH = 250
AT_ONCE = 8
"""Pictures that a process paints before it answers."""
Progress = Callable[[int, int], None]


def fill(
    database: Database, store: MediaStore, media_url: str, *, images: int, seed: int, progress: Progress | None = None
) -> None:
    """Fill an empty library with the demo of this seed. `progress` is told pictures done and in all."""
    with ThreadPoolExecutor(1) as beside:
        starting = beside.submit(_painters)
        try:
            _fill(database, store, media_url, make_plan(images, seed), starting, progress or (lambda done, all: None))
        finally:
            starting.result().shutdown()


def _painters() -> ProcessPoolExecutor:
    """Processes that are ready when the models are made: while some wait for the disk, others paint."""
    prepare_environment()
    if sys.platform == "win32":
        context: BaseContext = multiprocessing.get_context("spawn")
    else:  # one process imports what all need
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["pinako.intake.demo.pictures"])
    count = (os.cpu_count() or 2) + 2
    pool = ProcessPoolExecutor(max_workers=count, mp_context=context)
    for _ in range(count):
        pool.submit(get_ready)
    return pool


def _fill(
    database: Database,
    store: MediaStore,
    media_url: str,
    plan: Plan,
    starting: Future[ProcessPoolExecutor],
    progress: Progress,
) -> None:
    now = database.now()
    owner = access.ensure_owner(database, now).id
    with database.write() as w:
        touched = Touched()
        users = [_keep_user(w, touched, name, now) for name in plan.users]
        _follow(w, plan, users, now)
        made_with = resources.keep_models(w, touched, store, plan, users, now)
        settle(w, touched, now)
    kept = _keep_posts(database, plan, users, made_with, media_url, now, starting.result(), progress)
    with database.write() as w:
        touched = Touched()
        _keep_collections(w, touched, plan, {None: owner, **dict(enumerate(users))}, kept, now)
        settle(w, touched, now)


def _keep_user(w: Write, touched: Touched, name: str, now: int) -> int:
    row = w.row("SELECT id FROM users WHERE username_key = ?", (name.lower(),))
    if row is not None:
        return int(row[0])
    return publish.keep_user(w, touched, User(id=w.next_id("users"), username=name, created_at=now - YEARS))


def _follow(w: Write, plan: Plan, users: list[int], now: int) -> None:
    for who, whom in plan.follows:
        row: dict[str, Value] = {
            "user_id": users[who],
            "target_type": "user",
            "target_id": users[whom],
            "kind": "Follow",
            "created_at": now,
        }
        if w.insert_new("engagements", row):
            w.run("UPDATE users SET follower_count = follower_count + 1 WHERE id = ?", (users[whom],))
            w.run("UPDATE users SET following_count = following_count + 1 WHERE id = ?", (users[who],))


def _keep_posts(
    database: Database,
    plan: Plan,
    users: list[int],
    made_with: dict[tuple[int, int], Ingredient],
    media_url: str,
    now: int,
    pool: ProcessPoolExecutor,
    progress: Progress,
) -> Kept:
    films = shutil.which("ffmpeg") is not None
    jobs = [
        Job(image=image, made_with=tuple(made_with[place] for place in image.models), video=image.video and films)
        for post in plan.posts
        for image in post.images
    ]
    portions = [jobs[start : start + AT_ONCE] for start in range(0, len(jobs), AT_ONCE)]
    pictures = chain.from_iterable(pool.map(partial(work, media_url=media_url), portions))
    kept, done = Kept(), 0
    shown = {place: one.version_id for place, one in made_with.items()}
    for batch, painted in _painted(plan, pictures):
        with database.write() as w:
            touched = Touched()
            batch_kept = keep_posts(w, touched, batch, painted, users, shown, now)
            settle(w, touched, now)
        kept.posts += batch_kept.posts
        kept.images += batch_kept.images
        done += sum(len(post.images) for post in batch)
        progress(done, len(jobs))
    return kept


def _painted(
    plan: Plan, finished: Iterator[PreparedImage]
) -> Iterator[tuple[list[PlannedPost], Iterator[PreparedImage]]]:
    """Posts in batches, each with its pictures as they come from the painters."""
    batch: list[PlannedPost] = []
    for post in plan.posts:
        batch.append(post)
        if sum(len(one.images) for one in batch) >= BATCH:
            yield batch, finished
            batch = []
    if batch:
        yield batch, finished


def _keep_collections(
    w: Write, touched: Touched, plan: Plan, users: dict[int | None, int], kept: Kept, now: int
) -> None:
    models = [row[0] for row in w.rows("SELECT id FROM models ORDER BY id")]
    things = {"Image": kept.images, "Post": kept.posts, "Model": models}
    for place, planned in enumerate(plan.collections):
        at = now - YEARS // 4 + place * 60_000
        collection = Collection(
            id=w.next_id("collections"),
            name=planned.name,
            user_id=users[planned.user],
            type=planned.type,
            mode=planned.mode,
            read=planned.read,
            write=planned.write,
            image_id=things["Image"][planned.picks[0]] if planned.type == "Image" else None,
            created_at=at,
            updated_at=at,
            follower_count=len(planned.followers),
        )
        publish.keep_collection(w, touched, collection)
        _keep_items(w, touched, collection, planned, things[planned.type], at)
        for who in planned.followers:
            row: dict[str, Value] = {
                "collection_id": collection.id,
                "user_id": users[who],
                "permissions": '["VIEW"]',
                "created_at": at,
            }
            w.insert_new("collection_contributors", row)


_TOUCH = {"Image": "images", "Post": "posts", "Model": "models"}


def _keep_items(
    w: Write, touched: Touched, collection: Collection, planned: PlannedCollection, things: list[int], at: int
) -> None:
    table = _TOUCH[planned.type]
    for place, pick in enumerate(planned.picks):
        row: dict[str, Value] = {
            "id": w.next_id("collection_items"),
            "collection_id": collection.id,
            "entity_type": planned.type,
            "entity_id": things[pick],
            "added_by_id": collection.user_id,
            "created_at": at + place * 1_000,
        }
        w.insert("collection_items", row)
        w.run(f"UPDATE {table} SET collected_count = collected_count + 1 WHERE id = ?", (things[pick],))
        getattr(touched, table).add(things[pick])
