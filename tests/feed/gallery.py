"""Random small galleries straight in the database, with every column that a list looks at."""

from __future__ import annotations

import json
import random
from typing import Any

from pinako.storage.database import Database
from pinako.storage.scopes import Write

USERS = (1, 2, 3, 4)
MODERATOR = 4
TAGS = (*range(10, 18), 5351, 5161)
MODELS = (30, 31, 32, 33)
VERSIONS = {40: 30, 41: 30, 42: 31, 43: 32, 44: 33}
BASES = ("SDXL 1.0", "Flux.1 D", "Other")
WORDS = ("harbour", "lighthouse", "Fog", "boats", "été", "dawn")
COLLECTION = 90
IMAGES = range(100, 180)
POSTS = range(200, 230)
DAY = 86_400_000
EVERYTHING = (
    "users", "images", "image_meta", "image_resources", "image_tags", "posts", "post_tags", "models", "model_versions",
    "model_files", "model_tags", "tags", "collections", "collection_items", "reactions", "engagements",
)  # fmt: skip


def empty(w: Write) -> None:
    for table in EVERYTHING:
        w.run(f"DELETE FROM {table}")


def fill(database: Database, seed: int) -> None:
    """A gallery of its own for each seed, in place of the one before."""
    chance = random.Random(seed)
    now = database.now()
    with database.write() as w:
        empty(w)
        for id in USERS:
            name = f"user{id}"
            w.insert("users", {"id": id, "username": name, "username_key": name, "created_at": now})
        for id in TAGS:
            w.insert("tags", {"id": id, "name": f"tag{id}", "name_key": f"tag{id}"})
        for id in MODELS:
            put_model(w, chance, id, now)
        for id, model in VERSIONS.items():
            put_version(w, chance, id, model, now)
        for id in chance.sample(POSTS, 20):
            put_post(w, chance, id, now)
        for id in chance.sample(IMAGES, 60):
            put_image(w, chance, id, now)
        put_lists(w, chance, now)


def stamp(chance: random.Random, now: int) -> int:
    return now - chance.choice([0, 1, 1, 3, 8, 40, 400]) * DAY // 2 - chance.choice([0, 0, 1])


def counts(chance: random.Random) -> dict[str, int]:
    names = ("reaction_count", "comment_count", "collected_count")
    return {name: chance.choice([0, 0, 0, 1, 2, 70_000]) for name in names}


def put_model(w: Write, chance: random.Random, id: int, now: int) -> None:
    names = ("download_count", "thumbs_up_count", "comment_count", "collected_count", "image_count")
    at = stamp(chance, now)
    row: dict[str, Any] = {
        "id": id,
        "user_id": chance.choice(USERS),
        "name": f"{chance.choice(WORDS)} {chance.choice(WORDS)}",
        "type": chance.choice(["Checkpoint", "LORA"]),
        "status": chance.choice(["Published"] * 5 + ["Draft", "Deleted", "UnpublishedViolation"]),
        "availability": chance.choice(["Public"] * 4 + ["EarlyAccess", "Private"]),
        "checkpoint_type": chance.choice([None, "Trained", "Merge"]),
        "mode": chance.choice([None, None, None, "Archived"]),
        "minor": int(chance.random() < 0.1),
        "poi": int(chance.random() < 0.1),
        "level": chance.choice([0, 1, 1, 3, 5, 28, 60, 33]),
        "allow_commercial_use": json.dumps(chance.sample(["Image", "Rent", "Sell"], chance.randint(0, 2))),
        "supports_generation": chance.randint(0, 1),
        "allow_no_credit": chance.randint(0, 1),
        "last_version_at": at if chance.random() < 0.9 else None,
        "sort_at": at,
        "created_at": now,
        "updated_at": now,
    }
    row |= {name: chance.choice([0, 0, 1, 1, 9, 70_000]) for name in names}
    w.upsert("models", row)
    w.run("DELETE FROM model_tags WHERE model_id = ?", (id,))
    for tag in chance.sample(TAGS, 2):
        w.insert("model_tags", {"model_id": id, "tag_id": tag})
    w.note("model", id, "u")


def put_version(w: Write, chance: random.Random, id: int, model: int, now: int) -> None:
    version: dict[str, Any] = {
        "id": id,
        "model_id": model,
        "name": "v1",
        "status": chance.choice(["Published", "Published", "Draft"]),
        "availability": chance.choice(["Public", "Public", "EarlyAccess"]),
        "base_model": chance.choice(BASES),
        "gate_ends_at": chance.choice([None, None, now + DAY, now - DAY]),
        "created_at": now,
        "updated_at": now,
    }
    w.insert("model_versions", version)
    if chance.random() < 0.8:
        form = chance.choice(["SafeTensor", "PickleTensor", None])
        w.insert("model_files", {"id": id, "version_id": id, "name": "file", "format": form, "created_at": now})


def put_post(w: Write, chance: random.Random, id: int, now: int) -> None:
    published = chance.choice([None, now + DAY, now + 2 * DAY, *[stamp(chance, now)] * 6])
    row: dict[str, Any] = {
        "id": id,
        "user_id": chance.choice(USERS),
        "title": chance.choice([None, *WORDS]),
        "version_id": chance.choice([None, *VERSIONS]),
        "published_at": published,
        "sort_at": published if published is not None else now,
        "availability": chance.choice(["Public"] * 5 + ["Private"]),
        "level": chance.choice([0, 1, 1, 3, 28]),
        "image_count": chance.choice([0, 1, 2]),
        "created_at": now,
        "updated_at": now,
        "deleted_at": now if chance.random() < 0.1 else None,
    }
    w.upsert("posts", row | counts(chance))
    w.run("DELETE FROM post_tags WHERE post_id = ?", (id,))
    for tag in chance.sample(TAGS, 2):
        w.insert("post_tags", {"post_id": id, "tag_id": tag})
    w.note("post", id, "u")


def put_image(w: Write, chance: random.Random, id: int, now: int) -> None:
    published = chance.choice([None, now + DAY, now + 2 * DAY, *[stamp(chance, now)] * 8])
    minor, level = int(chance.random() < 0.15), chance.choice([0, 1, 1, 1, 2, 4, 8, 16, 32])
    row: dict[str, Any] = {
        "id": id,
        "user_id": chance.choice(USERS),
        "post_id": chance.choice([None, *POSTS]),
        "idx": chance.randint(0, 3),
        "media_key": f"key{id}",
        "type": chance.choice(["image", "image", "video"]),
        "level": level,
        "ingestion": chance.choice(["Scanned"] * 8 + ["Pending"]),
        "needs_review": chance.choice([None] * 9 + ["minor"]),
        "minor": minor,
        "acceptable_minor": int(minor and chance.random() < 0.3),
        "poi": int(chance.random() < 0.1),
        "withheld": int(minor and (level == 0 or level > 2)),
        "model_restricted": int(chance.random() < 0.05),
        "availability": chance.choice(["Public"] * 9 + ["Private"]),
        "hide_meta": int(chance.random() < 0.2),
        "has_meta": 1,
        "has_prompt": 1,
        "on_site": chance.randint(0, 1),
        "process": chance.choice([None, "txt2img", "img2img"]),
        "base_model": chance.choice([None, *BASES]),
        "remix_of_id": chance.choice([None, None, 100, 101]),
        "published_at": published,
        "sort_at": published if published is not None else now,
        "created_at": now,
        "updated_at": now,
        "deleted_at": now if chance.random() < 0.05 else None,
    }
    w.upsert("images", row | counts(chance))
    for table in ("image_tags", "image_resources", "image_meta"):
        w.run(f"DELETE FROM {table} WHERE image_id = ?", (id,))
    for tag in chance.sample(TAGS, chance.randint(0, 5)):
        w.insert("image_tags", {"image_id": id, "tag_id": tag, "disabled": int(chance.random() < 0.1)})
    for version in chance.sample(sorted(VERSIONS), chance.randint(0, 2)):
        w.insert("image_resources", {"image_id": id, "version_id": version, "detected": chance.randint(0, 1)})
    prompt = ", ".join(chance.sample(WORDS, 3))
    meta = {"site_meta": json.dumps({"prompt": prompt}), "file_meta": json.dumps({"prompt": "nothing"})}
    w.insert("image_meta", {"image_id": id} | meta)
    w.note("image", id, "u")


def put_lists(w: Write, chance: random.Random, now: int) -> None:
    """What users have put together: a collection, reactions, whom they follow, what they hide."""
    collection = {"id": COLLECTION, "name": "All", "user_id": 1, "read": "Public", "level": 1}
    w.insert("collections", collection | {"created_at": now, "updated_at": now})
    things = [*(("Image", id) for id in IMAGES), *(("Post", id) for id in POSTS), *(("Model", id) for id in MODELS)]
    for at, (entity, id) in enumerate(chance.sample(things, 50)):
        item = {
            "collection_id": COLLECTION,
            "entity_type": entity,
            "entity_id": id,
            "tag_id": chance.choice([None, 10]),
        }
        status = chance.choice(["ACCEPTED", "ACCEPTED", "REVIEW", "REJECTED"])
        added = {"added_by_id": chance.choice(USERS), "created_at": now - chance.randint(0, 3), "status": status}
        w.insert("collection_items", {"id": at} | item | added)
    for user in USERS:
        for id in chance.sample(IMAGES, 20):
            what = {"entity_type": "image", "entity_id": id, "user_id": user, "created_at": now}
            w.insert("reactions", what | {"reaction": chance.choice(["Like", "Heart"])})
        engaged = [("user", chance.choice(USERS), "Follow"), ("image", 105, "Hide"), ("model", 30, "Hide")]
        for target, id, kind in engaged:
            engagement = {"user_id": user, "target_type": target, "target_id": id, "kind": kind, "created_at": now}
            w.insert("engagements", engagement)
