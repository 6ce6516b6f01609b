"""Small random libraries in which everything bears marks of its own, and a plain statement of who may meet what.

`Oracle` is written from the rules of domain.md (c), (d) and rest.md 20 alone; it reads columns and uses no code of the
application, so that the two can be wrong only together.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from random import Random
from typing import Any

from PIL import Image as Picture

from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.people import Scope
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.services import access, publish
from pinako.services.library import Library
from pinako.services.publish import Metadata, TagOn
from pinako.services.resolve import Want
from pinako.services.settle import Touched, settle

DAY = 86_400_000
LEVELS = (1, 1, 1, 2, 4, 8, 16, 0, 32)
CHILD_TAG = 5351
PERSON_TAG = 5161
MATURE, FORBIDDEN = 4 | 8 | 16, 32


@dataclass
class Who:
    """A caller: the key they show, and what the rules know of them."""

    name: str
    key: str | None
    cap: int
    user_id: int | None = None
    moderator: bool = False
    browsing: int | None = None

    def habit(self) -> int:
        """The mask of a list that asks for no level."""
        return (self.browsing or 1) & self.cap & 31

    def mask(self, asked: int | None) -> int:
        """The mask of a list that asks for this one."""
        return (asked or self.browsing or 1) & self.cap & 31


@dataclass
class World:
    """A library and who may ask it."""

    library: Library
    callers: list[Who] = field(default_factory=list)
    keys: dict[int, str] = field(default_factory=dict)


def mark(kind: str, id: int) -> str:
    """A text that stands nowhere but in one thing."""
    return f"zq{kind}{id}qz"


def make_world(library: Library, seed: int, images: int = 36) -> World:
    """A library of random states. The same seed gives the same library."""
    chance = Random(seed)
    now = library.now()
    world = World(library)
    with library.database.write() as w:
        ids = [
            access.add_user(w, name, now, max_level=cap).id for name, cap in (("alice", 31), ("bob", 3), ("carol", 31))
        ]
        w.update("users", ids[2], {"browsing_level": 31})
        moderator = access.add_user(w, "mod", now, moderator=True).id
        keys = {id: access.add_key(w, id, "k", Scope.READ, now) for id in (*ids, moderator)}
    public = library.settings.public_level
    world.callers = [
        Who("anonymous", None, public),
        Who("alice", keys[ids[0]], 31, ids[0]),
        Who("bob", keys[ids[1]], 3, ids[1]),
        Who("carol", keys[ids[2]], 31, ids[2], browsing=31),
        Who("mod", keys[moderator], 31, moderator, moderator=True),
    ]
    versions = _models(library, chance, ids, now)
    made = _posts(library, chance, ids, versions, images, now)
    _raise_flags(library, chance, made["Image"], now)
    _collections(library, chance, ids, made, now)
    return world


def _models(library: Library, chance: Random, users: list[int], now: int) -> list[int]:
    made = []
    statuses = (
        "Published",
        "Published",
        "Published",
        "Draft",
        "Deleted",
        "Unpublished",
        "UnpublishedViolation",
        "Scheduled",
    )
    with library.database.write() as w:
        touched = Touched()
        for _ in range(9):
            id = w.next_id("models")
            model = Model(
                id=id, user_id=chance.choice(users), name=mark("model", id), description=mark("about", id),
                type=chance.choice(("Checkpoint", "LORA")), status=chance.choice(statuses), created_at=now - 9 * DAY,
                updated_at=now, published_at=now - 8 * DAY, minor=chance.random() < 0.12, poi=chance.random() < 0.12,
                availability=chance.choice(("Public", "Public", "Public", "Private")),
                mode=chance.choice((None, None, None, "Archived")),
            )  # fmt: skip
            publish.keep_model(w, touched, model, [mark("modeltag", id), "shared tag"])
            made += [_version(library, w, touched, chance, id, place, now) for place in range(chance.randrange(1, 4))]
        settle(w, touched, now)
    return made


def _version(library: Library, w: Any, touched: Touched, chance: Random, model: int, place: int, now: int) -> int:
    id = w.next_id("model_versions")
    version = ModelVersion(
        id=id, model_id=model, name=mark("version", id), idx=place, created_at=now - 9 * DAY, updated_at=now,
        published_at=now - 8 * DAY, status=chance.choice(("Published", "Published", "Published", "Draft", "Deleted")),
        description=mark("versionabout", id), trained_words=f'["{mark("word", id)}"]',
        base_model=chance.choice(("SD 1.5", "SDXL 1.0")),
        availability=chance.choice(("Public", "Public", "Public", "Private")),
    )  # fmt: skip
    publish.keep_version(w, touched, version)
    blob = library.media.put_bytes(f"model bytes {id}".encode() * 50)
    publish.keep_blob(w, blob.sha256, blob.size, "application/octet-stream", now)
    file = ModelFile(
        id=w.next_id("model_files"), version_id=id, name=f"{mark('file', id)}.safetensors", created_at=now,
        blob=blob.sha256, size_kb=blob.size / 1024, format="SafeTensor",
    )  # fmt: skip
    publish.keep_file(w, touched, file, {"SHA256": blob.sha256, "AutoV2": blob.sha256[:10]})
    return int(id)


def _posts(
    library: Library, chance: Random, users: list[int], versions: list[int], images: int, now: int
) -> dict[str, list[int]]:
    made: dict[str, list[int]] = {"Image": [], "Post": []}
    while len(made["Image"]) < images:
        with library.database.write() as w:
            touched = Touched()
            id, user = w.next_id("posts"), chance.choice(users)
            credited = chance.choice(versions) if chance.random() < 0.6 else None
            if credited is not None and chance.random() < 0.7:
                sql = "SELECT m.user_id FROM models m JOIN model_versions v ON v.model_id = m.id WHERE v.id = ?"
                user = w.value(sql, (credited,))
            when = chance.choice((now - DAY, now - 40 * DAY, now - 3600_000, None, now + DAY, now - DAY))
            post = Post(
                id=id, user_id=user, title=mark("post", id), detail=mark("detail", id), version_id=credited,
                published_at=when, sort_at=when or now, created_at=now - 50 * DAY, updated_at=now,
                availability=chance.choice(("Public", "Public", "Public", "Private")),
                deleted_at=now if chance.random() < 0.05 else None,
            )  # fmt: skip
            publish.keep_post(w, touched, post, [mark("posttag", id)])
            made["Post"].append(id)
            for place in range(chance.randrange(1, 5)):
                made["Image"].append(_image(library, w, touched, chance, post, place, versions, now))
            settle(w, touched, now)
    return made


def _image(
    library: Library, w: Any, touched: Touched, chance: Random, post: Post, place: int, versions: list[int], now: int
) -> int:
    id = 900_000_000 + int(w.value("SELECT COUNT(*) FROM images"))  # unlike the ids of all other things
    out = io.BytesIO()
    Picture.new("RGB", (12, 8), (id % 251, id // 251 % 251, place)).save(out, "PNG")
    blob = library.media.put_bytes(out.getvalue())
    publish.keep_blob(w, blob.sha256, blob.size, "image/png", now)
    rare = chance.random() < 0.35
    image = Image(
        id=id, user_id=post.user_id, post_id=post.id, idx=place, name=f"{mark('image', id)}.png",
        media_key=f"{id:08x}-{chance.getrandbits(16):04x}-f000-7000-{id:012x}", blob=blob.sha256, mime="image/png",
        size=blob.size, width=12, height=8, blurhash=mark("blur", id), created_at=now - 50 * DAY, sort_at=now,
        updated_at=now, scanned_at=now, level=chance.choice(LEVELS), level_locked=chance.random() < 0.1,
        ingestion=chance.choice(("Pending", "Blocked", "Scanned", "Error")) if rare else "Scanned",
        blocked_for=chance.choice(("tos", "CSAM", None, None)) if rare else None,
        needs_review=chance.choice(("reported", "csam", None, None)) if rare else None,
        poi=chance.random() < 0.1, hide_meta=chance.random() < 0.2,
        model_restricted=chance.random() < 0.08, deleted_at=now if chance.random() < 0.05 else post.deleted_at,
        availability=chance.choice(("Public", "Public", "Public", "Public", "Private")),
        like_count=chance.randrange(9), reaction_count=chance.randrange(9),
    )  # fmt: skip
    used = [Want(kind="model", version_id=version) for version in chance.sample(versions, chance.randrange(3))]
    about = Metadata(site=f'{{"prompt":"{mark("prompt", id)} common","seed":{id}}}', wants=tuple(used))
    tags = [TagOn(name=mark("tag", id), confidence=90, automated=True), TagOn(name="common tag")]
    if chance.random() < 0.06 and image.level in (1, 2):
        tags.append(TagOn(name="child", upstream_id=CHILD_TAG))
    if chance.random() < 0.06:
        tags.append(TagOn(name="person", upstream_id=PERSON_TAG))
    assert publish.keep_image(w, touched, image, about, tags) is not None
    return int(id)


def _raise_flags(library: Library, chance: Random, images: list[int], now: int) -> None:
    """What comes in withheld is never kept: here things become so later, when they are known and listed."""
    library.feeds.catch_up()
    with library.database.write() as w:
        touched = Touched()
        for id in chance.sample(images, len(images) // 5):
            w.update("images", id, {"minor": 1})
            touched.images.add(id)
        settle(w, touched, now)


def _collections(library: Library, chance: Random, users: list[int], made: dict[str, list[int]], now: int) -> None:
    with library.database.write() as w:
        touched = Touched()
        made = {**made, "Model": [row[0] for row in w.rows("SELECT id FROM models ORDER BY id")]}
        for place, read in enumerate(("Public", "Public", "Unlisted", "Private", "Public", "Private")):
            id, kind = w.next_id("collections"), ("Image", "Post", "Model")[place % 3]
            collection = Collection(
                id=id, name=mark("set", id), description=mark("setabout", id), user_id=chance.choice(users), type=kind,
                read=read, image_id=chance.choice(made["Image"]), created_at=now - place * DAY, updated_at=now,
            )  # fmt: skip
            publish.keep_collection(w, touched, collection)
            for thing in chance.sample(made[kind], min(len(made[kind]), 9)):
                row = {
                    "id": w.next_id("collection_items"), "collection_id": id, "entity_type": kind, "entity_id": thing,
                    "added_by_id": collection.user_id, "created_at": now,
                    "status": chance.choice(("ACCEPTED", "ACCEPTED", "ACCEPTED", "REVIEW", "REJECTED")),
                }  # fmt: skip
                w.insert("collection_items", row)
                touched.images.update({thing} if kind == "Image" else ())
                touched.posts.update({thing} if kind == "Post" else ())
                touched.models.update({thing} if kind == "Model" else ())
        settle(w, touched, now)


class Oracle:
    """Who may meet what, said from the rules."""

    def __init__(self, library: Library) -> None:
        self.now = library.now()
        read = library.database.read()

        def table(name: str, columns: str) -> list[dict[str, Any]]:
            names = [column.strip() for column in columns.split(",")]
            return [dict(zip(names, row, strict=True)) for row in read.rows(f"SELECT {columns} FROM {name}")]

        self.images = {
            row["id"]: row
            for row in table(
                "images",
                "id, user_id, post_id, level, level_locked, ingestion, blocked_for, needs_review, minor, poi, "
                "model_restricted, availability, deleted_at, media_key, blob, hide_meta",
            )
        }
        self.posts = {
            row["id"]: row for row in table("posts", "id, user_id, published_at, availability, deleted_at, level")
        }
        self.models = {
            row["id"]: row
            for row in table("models", "id, user_id, status, availability, minor, poi, level, mode, deleted_at")
        }
        self.versions = {row["id"]: row for row in table("model_versions", "id, model_id, status, availability, level")}
        self.hashes = {row["version_id"]: row["blob"] for row in table("model_files", "version_id, blob")}
        self.collections = {row["id"]: row for row in table("collections", "id, user_id, read, type, image_id")}
        self.items = table("collection_items", "collection_id, entity_type, entity_id, status")
        self._mark_flags(read)

    def _mark_flags(self, read: Any) -> None:
        """Flags that an image has from its tags and from the models it was made with."""
        for image, tag in read.rows("SELECT image_id, tag_id FROM image_tags WHERE disabled = 0"):
            self.images[image]["minor"] |= tag in {5351, 306619, 154326, 161829, 163032}
            self.images[image]["poi"] |= tag in {5161, 5162, 5188, 5249, 110980, 130401, 130818, 130820, 133182}
        sql = (
            "SELECT r.image_id, m.minor, m.poi FROM image_resources r JOIN model_versions v ON v.id = r.version_id "
            "JOIN models m ON m.id = v.model_id"
        )
        for image, minor, poi in read.rows(sql):
            self.images[image]["minor"] |= bool(minor)
            self.images[image]["poi"] |= bool(poi)

    @staticmethod
    def _within(level: int, mask: int) -> bool:
        return bool(mask & MATURE) if level == 0 or level & FORBIDDEN else bool(level & mask)

    def sees_bytes(self, id: int, who: Who) -> bool:
        """The medium itself: of what is in the trash for those who may bring it back."""
        image = self.images[id]
        trashed = image["deleted_at"] is not None and (who.moderator or who.user_id == image["user_id"])
        return self.sees_image(id, who, trashed=trashed)

    def sees_image(self, id: int, who: Who, mask: int | None = None, *, trashed: bool = False) -> bool:
        """By id (`mask` None), or in a list of this mask. `trashed`: as it is out of the trash."""
        image = self.images[id]
        post = self.posts[image["post_id"]]
        level, minor = image["level"], bool(image["minor"])
        own = who.user_id == image["user_id"]
        if image["deleted_at"] is not None and not trashed:
            return False
        if image["needs_review"] == "csam" or image["blocked_for"] == "CSAM":
            return False
        if minor and (level == 0 or level & (MATURE | FORBIDDEN)):
            return False
        if image["model_restricted"] and level & (MATURE | FORBIDDEN):
            return False
        if not self._within(level, who.cap if mask is None else mask):
            return False
        if not who.moderator:
            standing = who.habit() if mask is None else mask
            if (minor and standing & MATURE) or (image["poi"] and not own):
                return False
        scanned = image["ingestion"] == "Scanned" or (
            image["level_locked"] and image["ingestion"] not in ("Blocked", "Error", "NotFound")
        )
        held = (
            image["blocked_for"] or image["needs_review"] or level & FORBIDDEN or not scanned or (minor and level == 2)
        )
        unposted = post["published_at"] is None or post["published_at"] > self.now
        draft = unposted or "Private" in (image["availability"], post["availability"])
        if held or draft:
            return own or who.moderator
        if level == 0:
            return own or (who.moderator and mask is None)
        return True

    def meets_image(self, id: int, who: Who) -> bool:
        """By id or in any list: a minor's PG image is in lists of tame masks, also for who usually asks for more."""
        return self.sees_image(id, who) or any(self.sees_image(id, who, who.mask(asked)) for asked in (1, 3, 31))

    def is_open(self, id: int, mask: int) -> bool:
        """Whether an image is everybody's whose mask meets its level: in every list of that mask."""
        stranger = Who("stranger", None, 31)
        return self.sees_image(id, stranger, mask) and not self.images[id]["minor"] and not self.images[id]["poi"]

    def sees_post(self, id: int, who: Who) -> bool:
        """By id."""
        post = self.posts[id]
        if post["deleted_at"] is not None:
            return False
        own = who.user_id == post["user_id"] or who.moderator
        hidden = post["published_at"] is None or post["published_at"] > self.now or post["availability"] == "Private"
        return own or not hidden

    def sees_model(self, id: int, who: Who, *, gone: bool = False) -> bool:
        """By id. `gone`: where deleted and unpublished models are still named."""
        model = self.models[id]
        level, minor = model["level"], bool(model["minor"])
        own = who.user_id == model["user_id"] or who.moderator
        if minor and (level == 0 or level & (MATURE | FORBIDDEN)):
            return False
        if not self._within(level, who.cap):
            return False
        if not who.moderator and ((minor and who.habit() & MATURE) or (model["poi"] and not own)):
            return False
        if model["deleted_at"] is not None or (model["status"] == "Deleted" and not gone):
            return False
        dead = {"Deleted", "Unpublished", "UnpublishedViolation"} if gone else set()
        if model["status"] not in {"Published", *dead} or model["availability"] == "Private" or level == 0:
            return own
        return True

    def sees_version(self, id: int, who: Who, *, gone: bool = False) -> bool:
        """By id, its model seen too."""
        version = self.versions[id]
        model = self.models[version["model_id"]]
        if not self.sees_model(version["model_id"], who, gone=gone) or not self._within(version["level"], who.cap):
            return False
        own = who.user_id == model["user_id"] or who.moderator
        dead = {"Deleted", "Unpublished", "UnpublishedViolation"} if gone else set()
        if (
            version["status"] not in {"Published", *dead}
            or version["availability"] == "Private"
            or version["level"] == 0
        ):
            return own
        return True

    def sees_collection(self, id: int, who: Who) -> bool:
        """By id."""
        collection = self.collections[id]
        return collection["read"] in ("Public", "Unlisted") or collection["user_id"] == who.user_id or who.moderator

    def hidden_marks(self, who: Who, *, gone: bool) -> dict[str, str]:
        """Texts that no answer to this caller may hold, each with what it belongs to.

        `gone`: for the two doors that still name deleted and unpublished models.
        """
        found: dict[str, str] = {}
        for id, image in self.images.items():
            if not self.meets_image(id, who):
                kinds = ("image", "prompt", "blur", "tag")
                found |= {mark(kind, id): f"image {id}" for kind in kinds} | {image["media_key"]: f"image {id}"}
                found[f'"id":{id},'] = f"image {id}"
        for id in self.posts:
            met = any(image["post_id"] == id and self.meets_image(one, who) for one, image in self.images.items())
            if not self.sees_post(id, who) or not (met or who.moderator or self.posts[id]["user_id"] == who.user_id):
                found |= {mark(kind, id): f"post {id}" for kind in ("post", "detail", "posttag")}
        for id in self.models:
            if not self.sees_model(id, who, gone=gone):
                found |= {mark(kind, id): f"model {id}" for kind in ("model", "about", "modeltag")}
        for id in self.versions:
            if not self.sees_version(id, who, gone=gone):
                kinds = ("version", "versionabout", "word")
                found |= {mark(kind, id): f"version {id}" for kind in kinds}
            if not self.sees_version(id, who):
                found |= {mark("file", id): f"version {id}", self.hashes[id]: f"version {id}"}
                found[self.hashes[id].upper()] = f"version {id}"
        for id in self.collections:
            if not self.sees_collection(id, who):
                found |= {mark(kind, id): f"collection {id}" for kind in ("set", "setabout")}
        return found
