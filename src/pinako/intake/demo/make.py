"""Making the demo library: plan, models, pictures painted on all cores, then rows through the same door as every import."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from random import Random

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.intake.demo import resources
from pinako.intake.demo.pictures import Ingredient, Job, get_ready, work
from pinako.intake.demo.plan import Plan, PlannedCollection, PlannedImage, PlannedPost, make_plan
from pinako.intake.workers import prepare_environment
from pinako.media.store import MediaStore
from pinako.services import access, publish
from pinako.services.prepare import PreparedImage
from pinako.services.publish import TagOn
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database
from pinako.storage.engine import Value
from pinako.storage.scopes import Write

YEARS = resources.YEARS
BATCH = 250
WORDS = {"Like": "like", "Heart": "heart", "Laugh": "laugh", "Cry": "cry", "Dislike": "dislike"}
Progress = Callable[[int, int], None]


def fill(
    database: Database, store: MediaStore, media_url: str, *, images: int, seed: int, progress: Progress | None = None
) -> None:
    """Fill an empty library with the demo of this seed. `progress` is told pictures done and in all."""
    with _painters() as pool:
        _fill(database, store, media_url, make_plan(images, seed), pool, progress or (lambda done, all: None))


def _painters() -> ProcessPoolExecutor:
    """A process for each core, started at once, so that they are ready when the models are made."""
    prepare_environment()
    cores = os.cpu_count() or 2
    pool = ProcessPoolExecutor(max_workers=cores, mp_context=multiprocessing.get_context("spawn"))
    for _ in range(cores):
        pool.submit(get_ready)
    return pool


def _fill(
    database: Database, store: MediaStore, media_url: str, plan: Plan, pool: ProcessPoolExecutor, progress: Progress
) -> None:
    now = database.now()
    access.ensure_owner(database, now)
    with database.write() as w:
        touched = Touched()
        users = [_keep_user(w, name, now) for name in plan.users]
        _follow(w, plan, users, now)
        made_with = resources.keep_models(w, touched, store, plan, users, now)
        settle(w, touched, now)
    kept = _keep_posts(database, plan, users, made_with, media_url, now, pool, progress)
    with database.write() as w:
        touched = Touched()
        _keep_collections(w, touched, plan, users, kept, now)
        settle(w, touched, now)


def _keep_user(w: Write, name: str, now: int) -> int:
    row = w.row("SELECT id FROM users WHERE username_key = ?", (name.lower(),))
    if row is not None:
        return int(row[0])
    return publish.keep_user(w, User(id=w.next_id("users"), username=name, created_at=now - YEARS))


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


class _Kept:
    """The ids of what was written, in the plan's order, for the collections."""

    def __init__(self) -> None:
        self.images: list[int] = []
        self.posts: list[int] = []


def _keep_posts(
    database: Database,
    plan: Plan,
    users: list[int],
    made_with: dict[tuple[int, int], Ingredient],
    media_url: str,
    now: int,
    pool: ProcessPoolExecutor,
    progress: Progress,
) -> _Kept:
    films = shutil.which("ffmpeg") is not None
    jobs = [
        Job(
            image=image,
            made_with=tuple(made_with[place] for place in image.models),
            media_url=media_url,
            video=image.video and films,
        )
        for post in plan.posts
        for image in post.images
    ]
    kept, done = _Kept(), 0
    shown = {place: one.version_id for place, one in made_with.items()}
    for batch, painted in _painted(plan, pool.map(work, jobs, chunksize=8)):
        with database.write() as w:
            touched = Touched()
            for post in batch:
                _keep_post(w, touched, post, painted, users, shown, kept, now)
            settle(w, touched, now)
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


def _keep_post(
    w: Write,
    touched: Touched,
    planned: PlannedPost,
    painted: Iterator[PreparedImage],
    users: list[int],
    shown: dict[tuple[int, int], int],
    kept: _Kept,
    now: int,
) -> None:
    at = now - round((1 - planned.at) * YEARS)
    post = Post(
        id=w.next_id("posts"),
        user_id=users[planned.user],
        title=planned.title,
        version_id=shown[planned.shows] if planned.shows else None,
        published_at=None if planned.draft else at,
        sort_at=at,
        created_at=at - 60_000,
        updated_at=at,
    )
    publish.keep_post(w, touched, post, planned.images[0].tags[:2])
    kept.posts.append(post.id)
    for place, image in enumerate(planned.images):
        kept.images.append(_keep_image(w, touched, post, place, image, next(painted), users, at, now))
    _sum_reactions(w, post.id)


def _keep_image(
    w: Write,
    touched: Touched,
    post: Post,
    place: int,
    planned: PlannedImage,
    prepared: PreparedImage,
    users: list[int],
    at: int,
    now: int,
) -> int:
    publish.keep_blob(w, prepared.sha256, prepared.size, prepared.mime, now)
    image = Image(
        id=w.next_id("images"),
        user_id=post.user_id,
        post_id=post.id,
        idx=place,
        name=f"{planned.seed:08x}.{prepared.mime.rpartition('/')[2]}",
        media_key=planned.key,
        **prepared.columns(),
        level=planned.level,
        needs_review="reported" if planned.review else None,
        hide_meta=planned.hide_meta,
        created_at=at - 60_000 + place,
        updated_at=at,
        scanned_at=at - 30_000,
        sort_at=at,
        comment_count=planned.comments,
    )
    image = msgspec.structs.replace(image, **_counts(planned))
    publish.keep_image(w, touched, image, prepared.about, _tags(planned))
    for fan, word in planned.reactions:
        row: dict[str, Value] = {
            "entity_type": "image",
            "entity_id": image.id,
            "user_id": users[fan],
            "reaction": word,
            "created_at": at,
        }
        w.insert("reactions", row)
    _vote(w, image.id, planned, users, at)
    return image.id


def _counts(planned: PlannedImage) -> dict[str, int]:
    counts = {f"{name}_count": 0 for name in WORDS.values()}
    for _, word in planned.reactions:
        counts[f"{WORDS[word]}_count"] += 1
    # A dislike is no reaction in the sums (domain.md e).
    counts["reaction_count"] = sum(counts.values()) - counts["dislike_count"]
    return counts


def _tags(planned: PlannedImage) -> list[TagOn]:
    chance = Random(planned.seed)  # noqa: S311 - confidences of demo tags
    return [
        TagOn(name=name, source="WD14", automated=True, confidence=chance.randrange(50, 100), type=_tag_type(place))
        for place, name in enumerate(dict.fromkeys(planned.tags))
    ]


def _tag_type(place: int) -> str:
    return "Label" if place == 0 else "UserGenerated"


def _vote(w: Write, image_id: int, planned: PlannedImage, users: list[int], at: int) -> None:
    chance = Random(planned.seed + 1)  # noqa: S311 - votes of demo users
    if chance.random() < 0.6:
        return
    tags = [row[0] for row in w.rows("SELECT tag_id FROM image_tags WHERE image_id = ? ORDER BY tag_id", (image_id,))]
    for voter in chance.sample(users, min(3, len(users))):
        row: dict[str, Value] = {
            "image_id": image_id,
            "tag_id": chance.choice(tags),
            "user_id": voter,
            "vote": chance.choice((1, 1, 1, -1)),
        }
        w.insert("image_tag_votes", {**row, "created_at": at})


def _sum_reactions(w: Write, post_id: int) -> None:
    """A post's counts are those of its images; the demo's posts have no reactions of their own."""
    names = [*(f"{name}_count" for name in WORDS.values()), "reaction_count", "comment_count"]
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    row = w.row(f"SELECT {sums} FROM images WHERE post_id = ?", (post_id,))
    if row is not None:
        w.update("posts", post_id, dict(zip(names, (int(value) for value in row), strict=True)))


def _keep_collections(w: Write, touched: Touched, plan: Plan, users: list[int], kept: _Kept, now: int) -> None:
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
