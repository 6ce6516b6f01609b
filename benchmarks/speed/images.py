"""Posts and images of a synthetic library, in runs of posts: rows, tags, resources, metadata and documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from pinako.catalog.images import FullImage, FullPost, Image, Post, UsedVersion
from pinako.catalog.people import User
from pinako.catalog.tags import Tag
from pinako.feed.documents import DOORS
from pinako.storage.records import TABLE_OF, columns
from speed.bodies import Bodies, insert_many
from speed.shape import (
    BASES,
    FIRST_IMAGE,
    FIRST_POST,
    FIRST_TAG,
    FIRST_VERSION,
    RARE,
    SIZES,
    TAGS,
    TOGETHER,
    Counts,
    Numbers,
    Posts,
    Shape,
    counts_of,
    vocabulary,
    zipf,
)

RUN = 10_000
"""Posts in one run: about 45,000 images."""
SAMPLED = 500
"""The document of one image in so many is compared with what the program's own writer makes."""
WORDS = 40_000
PG, UNRATED = 1, 0
_ITEM, _POST = DOORS["image_rest"], DOORS["post_trpc"]
_META = (
    '{"prompt":"%s","negativePrompt":"lowres, blurry","seed":%d,"steps":%d,"sampler":"DPM++ 2M Karras",'
    '"cfgScale":7,"Size":"%dx%d","Model":"harbor_lights_%05d"}'
)


class Makers(msgspec.Struct, frozen=True, kw_only=True):
    """What images refer to. `credited`: post number → version; `bases` and `checkpoint` by version number."""

    users: list[User]
    tags: list[Tag]
    bodies: Bodies
    credited: dict[int, int]
    bases: list[str]
    checkpoint: Numbers


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn once for the whole library, by image number."""

    big: Numbers
    rare: tuple[Numbers, Numbers]
    words: list[str]
    hashes: list[str]


def _chosen(shape: Shape, rng: np.random.Generator) -> Chosen:
    big = np.zeros(shape.images, bool)
    big[rng.choice(shape.images, shape.big_model_images, replace=False)] = True
    rare = []
    for offset in (0, 1):
        held = np.zeros(shape.images, bool)
        held[rng.choice(shape.images // 2, int(shape.images * 0.06), replace=False) * 2 + offset] = True
        rare.append(held)
    common = rng.choice(shape.images, TOGETHER, replace=False)
    for held in rare:
        held[common] = True
    letters = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$*+,-.:;=?@[]^_{|}~"))
    hashes = ["".join(letters[rng.integers(0, len(letters), 36)]) for _ in range(4096)]
    return Chosen(big=big, rare=(rare[0], rare[1]), words=vocabulary(WORDS), hashes=hashes)


def make_images(
    db: sqlite3.Connection,
    shape: Shape,
    posts: Posts,
    makers: Makers,
    now: int,
    rng: np.random.Generator,
    say: Callable[[str], None],
) -> None:
    """Every post and image with all that hangs on it, oldest first."""
    chosen = _chosen(shape, rng)
    starts = np.concatenate([[0], np.cumsum(posts.size, dtype=np.int64)])
    told = 0
    for first in range(0, len(posts.size), RUN):
        last = min(first + RUN, len(posts.size))
        run = _Run(shape, posts, makers, chosen, first, last, int(starts[first]), int(starts[last]), now, rng)
        run.write(db)
        if int(starts[last]) // 500_000 > told:
            told = int(starts[last]) // 500_000
            say(f"{int(starts[last]):,} images")


class _Run:
    """The posts from `first` to before `last`, with the images from `low` to before `high`."""

    def __init__(
        self,
        shape: Shape,
        posts: Posts,
        makers: Makers,
        chosen: Chosen,
        first: int,
        last: int,
        low: int,
        high: int,
        now: int,
        rng: np.random.Generator,
    ) -> None:
        self.shape, self.makers, self.chosen, self.rng = shape, makers, chosen, rng
        self.first, self.low, self.many, self.now = first, low, high - low, now
        self.sizes = posts.size[first:last].astype(np.int64)
        self.users = posts.user[first:last]
        self.at = posts.at[first:last]
        self.published = posts.published[first:last]
        self.heads = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        self.counts = counts_of(rng, self.many)
        self.draw()

    def draw(self) -> None:
        rng, many = self.rng, self.many
        self.levels = rng.choice([1, 2, 4, 8, 16, UNRATED], many, p=[0.5, 0.15, 0.15, 0.11, 0.08, 0.01])
        self.minor = (rng.random(many) < 0.003) & (self.levels == PG)
        self.poi = rng.random(many) < 0.01
        self.has_meta = rng.random(many) < 0.8
        self.hide_meta = rng.random(many) < 0.03
        self.tag_of, self.tag_starts = self._tags()
        self.used_of, self.used_starts = self._used()

    def _tags(self) -> tuple[Numbers, Numbers]:
        rng, many = self.rng, self.many
        owners = np.repeat(np.arange(many), 15)
        held = zipf(rng, many * 15, TAGS, 1.0)
        rare = [np.flatnonzero(mask[self.low : self.low + many]) for mask in self.chosen.rare]
        owners = np.concatenate([owners, *rare])
        held = np.concatenate([held, *(np.full(len(who), RARE[at] - FIRST_TAG) for at, who in enumerate(rare))])
        return _grouped(owners, held, many)

    def _used(self) -> tuple[Numbers, Numbers]:
        rng, many = self.rng, self.many
        drawn = int(many * 1.6)
        owners = rng.integers(0, many, drawn)
        held = zipf(rng, drawn, self.shape.versions - 2, 0.9) + 2
        big = np.flatnonzero(self.chosen.big[self.low : self.low + many])  # the first model's first version
        return _grouped(np.concatenate([owners, big]), np.concatenate([held, np.zeros(len(big), np.int64)]), many)

    def write(self, db: sqlite3.Connection) -> None:
        self._write_posts(db)
        self._write_images(db)
        insert_many(
            db,
            "image_tags (image_id, tag_id, confidence, source, automated)",
            "(?, ?, 80, 'WD14', 1)",
            self._by_owner(self.tag_starts, self.tag_of + FIRST_TAG),
        )
        insert_many(
            db,
            "image_resources (image_id, version_id, strength, detected)",
            "(?, ?, 80, 1)",
            self._by_owner(self.used_starts, self.used_of + FIRST_VERSION),
        )
        insert_many(db, "image_meta (image_id, site_meta)", "(?, ?)", list(chain.from_iterable(self._metas())))

    def _by_owner(self, starts: Numbers, held: Numbers) -> list[int]:
        """Image id, held id, image id, held id and so on."""
        owners = np.repeat(np.arange(self.many) + self.low + FIRST_IMAGE, np.diff(starts))
        pairs: list[int] = np.column_stack((owners, held)).ravel().tolist()
        return pairs

    def _write_posts(self, db: sqlite3.Connection) -> None:
        posts = list(self._posts())
        db.executemany(_insert(Post), map(msgspec.structs.astuple, posts))
        nouns = (FullPost(post=post, user=self._user(post.user_id)) for post in posts)
        marks = ", ".join("?" * (2 + len(_POST.counts)))
        db.executemany(
            f"INSERT INTO post_trpc ({_POST.columns}) VALUES ({marks})",
            ((noun.post.id, _POST.write(noun), *_POST.counted(noun)) for noun in nouns),
        )
        self.posts = posts

    def _posts(self) -> Iterator[Post]:
        shown = np.where(self.minor | self.poi, 0, self.levels)
        levels = np.bitwise_or.reduceat(shown, self.heads).tolist()
        sums = {
            f"{name}_count": np.add.reduceat(getattr(self.counts, name), self.heads).tolist()
            for name in ("like", "dislike", "heart", "laugh", "cry", "reaction", "comment", "collected")
        }
        for at, (user, when, public, size) in enumerate(
            zip(self.users.tolist(), self.at.tolist(), self.published.tolist(), self.sizes.tolist(), strict=True)
        ):
            yield Post(
                id=FIRST_POST + self.first + at,
                user_id=user,
                title=f"Evening walk {at}",
                version_id=self.makers.credited.get(self.first + at),
                published_at=when if public else None,
                sort_at=when,
                created_at=when,
                updated_at=when,
                level=levels[at],
                image_count=size,
                **{name: values[at] for name, values in sums.items()},
            )

    def _user(self, id: int) -> User:
        return self.makers.users[id - self.makers.users[0].id]

    def _write_images(self, db: sqlite3.Connection) -> None:
        images = list(self._images())
        db.executemany(_insert(Image), map(msgspec.structs.astuple, images))
        used, used_starts = (self.used_of + FIRST_VERSION).tolist(), self.used_starts.tolist()
        write = self.makers.bodies.write
        rows = [
            each
            for at, image in enumerate(images)
            for each in (
                image.id,
                write(image, used[used_starts[at] : used_starts[at + 1]]),
                *(getattr(image, name) for name in _ITEM.counts),
            )
        ]
        insert_many(db, f"image_rest ({_ITEM.columns})", f"({', '.join('?' * (2 + len(_ITEM.counts)))})", rows)
        for at in range(0, self.many, SAMPLED):
            self._check(at, images[at], db)

    def _check(self, at: int, image: Image, db: sqlite3.Connection) -> None:
        """Whether a document is what the program's own writer makes: `Documents` knows the same form by heart."""
        ((body,),) = db.execute("SELECT body FROM image_rest WHERE id = ?", (image.id,)).fetchall()
        if body != _ITEM.write(self._full(at, image)):
            raise ValueError(f"the document of image {image.id} is written otherwise by now: {body!r}")

    def _full(self, at: int, image: Image) -> FullImage:
        tags = self.tag_of[self.tag_starts[at] : self.tag_starts[at + 1]].tolist()
        used = self.used_of[self.used_starts[at] : self.used_starts[at + 1]].tolist()
        return FullImage(
            image=image,
            user=self._user(image.user_id),
            post=self.posts[(image.post_id or 0) - FIRST_POST - self.first],
            tags=tuple([self.makers.tags[tag] for tag in tags]),
            used=tuple([_USED(version) for version in used]),
        )

    def _images(self) -> Iterator[Image]:
        rng, many = self.rng, self.many
        post_of = np.repeat(np.arange(len(self.sizes)), self.sizes)
        sizes = rng.integers(0, len(SIZES), many).tolist()
        hashes = rng.integers(0, len(self.chosen.hashes), many).tolist()
        video = (rng.random(many) < 0.07).tolist()
        on_site = (rng.random(many) < 0.3).tolist()
        keys = rng.bytes(16 * many).hex()
        bases = self._bases()
        columns_of = zip(
            post_of.tolist(),
            (np.arange(many) - self.heads[post_of]).tolist(),
            self.users[post_of].tolist(),
            self.at[post_of].tolist(),
            self.published[post_of].tolist(),
            self.levels.tolist(),
            self.minor.tolist(),
            self.poi.tolist(),
            (self.has_meta & ~self.hide_meta).tolist(),
            self.hide_meta.tolist(),
            *(getattr(self.counts, name).tolist() for name in Counts.__struct_fields__),
            strict=True,
        )
        for at, (
            post, idx, user, when, public, level, minor, poi, meta, hide,
            like, dislike, heart, laugh, cry, reaction, comment, collected, tipped,
        ) in enumerate(columns_of):  # fmt: skip
            key = keys[at * 32 : at * 32 + 32]
            width, height = SIZES[sizes[at]]
            yield Image(
                id=FIRST_IMAGE + self.low + at,
                user_id=user,
                post_id=FIRST_POST + self.first + post,
                idx=idx,
                name=f"{key[:8]}.jpeg",
                media_key=f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}",
                type="video" if video[at] else "image",
                mime="video/mp4" if video[at] else "image/jpeg",
                width=width,
                height=height,
                blurhash=self.chosen.hashes[hashes[at]],
                size=1_200_000 + at,
                level=level,
                minor=minor,
                acceptable_minor=minor and at % 2 == 0,
                poi=poi,
                has_meta=meta,
                has_prompt=meta,
                hide_meta=hide,
                on_site=on_site[at] and meta,
                base_model=bases[at],
                published_at=when if public else None,
                sort_at=when,
                created_at=when,
                scanned_at=when,
                updated_at=when,
                like_count=like,
                dislike_count=dislike,
                heart_count=heart,
                laugh_count=laugh,
                cry_count=cry,
                reaction_count=reaction,
                comment_count=comment,
                collected_count=collected,
                tipped_count=tipped,
            )

    def _bases(self) -> Sequence[str | None]:
        """The base of an image's first checkpoint, else of its first version; of what it says itself where it has none."""
        weight = self.used_of + np.where(self.makers.checkpoint[self.used_of], 0, 1 << 30)
        found: list[str | None] = [BASES[at % 3] if at % 2 else None for at in range(self.many)]
        some = np.flatnonzero(np.diff(self.used_starts))
        if len(some):
            best = np.minimum.reduceat(weight, self.used_starts[some]) & ((1 << 30) - 1)
            for at, version in zip(some.tolist(), best.tolist(), strict=True):
                found[at] = self.makers.bases[version]
        return found

    def _metas(self) -> Iterator[tuple[int, str]]:
        rng, some = self.rng, np.flatnonzero(self.has_meta)
        each = self.shape.prompt_words
        words, drawn = self.chosen.words, zipf(rng, len(some) * each, WORDS, 1.0).tolist()
        seeds = rng.integers(0, 1 << 31, len(some)).tolist()
        for place, at in enumerate(some.tolist()):
            prompt = ", ".join([words[word] for word in drawn[place * each : place * each + each]])
            yield (
                FIRST_IMAGE + self.low + at,
                _META % (prompt, seeds[place], 20 + at % 20, *SIZES[at % len(SIZES)], at % 100),
            )


class _Used(dict[int, UsedVersion]):
    """Version numbers as they are written, each made once."""

    def __missing__(self, version: int) -> UsedVersion:
        made = self[version] = UsedVersion(version_id=FIRST_VERSION + version, strength=80)
        return made


_USED = _Used().__getitem__


def _grouped(owners: Numbers, held: Numbers, many: int) -> tuple[Numbers, Numbers]:
    """Values by owner, each once and rising; and where each owner's begin."""
    pairs = np.sort(owners.astype(np.int64) << 20 | held)
    pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]
    starts = np.searchsorted(pairs, np.arange(many + 1, dtype=np.int64) << 20)
    return pairs & ((1 << 20) - 1), starts


def _insert(noun: type[Any]) -> str:
    return f"INSERT INTO {TABLE_OF[noun]} ({columns(noun)}) VALUES ({', '.join('?' * len(noun.__struct_fields__))})"
