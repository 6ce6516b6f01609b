"""What a synthetic library looks like: how many of each thing, and how skewed (the galleries that people have)."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

DAY = 86_400_000
YEAR = 365 * DAY

FIRST_USER = 10_001
FIRST_MODEL = 50_001
FIRST_VERSION = 100_001
FIRST_FILE = 200_001
FIRST_TAG = 1_000_001
FIRST_POST = 20_000_001
FIRST_IMAGE = 5_000_001
FIRST_COLLECTION = 1_001

TAGS = 60_000
RARE = (FIRST_TAG + TAGS, FIRST_TAG + TAGS + 1)
"""Two tags with 6 % of the images each, and twenty images in common."""
TOGETHER = 20
BASES = ("SD 1.5", "SDXL 1.0", "Pony", "Illustrious", "Flux.1 D", "NoobAI", "SD 3.5", "Qwen", "HiDream", "SD 1.4")
KINDS = ("LORA", "Checkpoint", "LORA", "TextualInversion", "LORA", "LoCon", "Checkpoint", "LORA")
SIZES = ((832, 1216), (1024, 1024), (1216, 832), (512, 768), (896, 1152), (1344, 768), (1024, 1536), (768, 1344))

Numbers = npt.NDArray[Any]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How many of each thing there are."""

    images: int
    users: int
    models: int
    versions: int
    collections: int
    big_model_images: int
    prompt_words: int


def shape_of(images: int) -> Shape:
    """The shape of a library of so many images."""
    versions = min(max(images // 60 * 2, 200), 20_000)
    return Shape(
        images=images,
        users=max(images // 40, 100),
        models=versions // 2,
        versions=versions,
        collections=200,
        big_model_images=min(300_000, images * 3 // 10),
        prompt_words=25 if images <= 2_000_000 else 8,
    )


def zipf(rng: np.random.Generator, many: int, kinds: int, skew: float) -> Numbers:
    """Ranks from 0 with the weights 1 / (rank + 1) ** skew."""
    weights = np.cumsum(1.0 / np.arange(1, kinds + 1) ** skew)
    found: Numbers = np.minimum(np.searchsorted(weights, rng.random(many) * weights[-1]), kinds - 1)
    return found


def skewed_rank(rng: random.Random, kinds: int) -> int:
    """One rank from 0, as often as 1 / (rank + 1)."""
    return min(int(kinds ** rng.random()) - 1, kinds - 1)


def vocabulary(many: int) -> list[str]:
    """Words that look like words, each once."""
    heads = (
        "bri",
        "cal",
        "dor",
        "el",
        "fen",
        "gla",
        "hol",
        "ivo",
        "jun",
        "kel",
        "lum",
        "mar",
        "nor",
        "os",
        "pel",
        "qui",
    )
    tails = ("da", "len", "mir", "no", "ran", "sel", "ta", "von", "wick", "yor", "zan", "th", "ble", "ster", "ne", "ly")
    words = [head + middle + tail for head in heads for middle in ("", *tails) for tail in tails]
    return [words[at % len(words)] + (str(at // len(words)) if at >= len(words) else "") for at in range(many)]


class Posts(msgspec.Struct, frozen=True, kw_only=True):
    """Every post at once: who, when, how many images, and whether it is published."""

    user: Numbers
    at: Numbers
    size: Numbers
    published: Numbers


def posts_of(shape: Shape, now: int, rng: np.random.Generator) -> Posts:
    """Posts of 1 to 8 images, oldest first, over the two years before `now`."""
    sizes = rng.integers(1, 9, shape.images)
    ends = np.cumsum(sizes)
    count = int(np.searchsorted(ends, shape.images)) + 1
    sizes = sizes[:count].astype(np.int8)
    sizes[-1] -= int(ends[count - 1]) - shape.images
    return Posts(
        user=zipf(rng, count, shape.users, 1.0).astype(np.int32) + FIRST_USER,
        at=now - 2 * YEAR + np.sort(rng.integers(0, 2 * YEAR - 60_000, count)),
        size=sizes,
        published=rng.random(count) >= 0.02,
    )


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a run of images, an array each."""

    like: Numbers
    dislike: Numbers
    heart: Numbers
    laugh: Numbers
    cry: Numbers
    reaction: Numbers
    comment: Numbers
    collected: Numbers
    tipped: Numbers


def counts_of(rng: np.random.Generator, many: int) -> Counts:
    """31 % of images without a reaction, a few with tens of thousands."""
    total = np.where(rng.random(many) < 0.31, 0, np.minimum(rng.pareto(0.9, many) * 3 + 1, 60_000)).astype(np.int64)
    heart, laugh, cry = (total * share // 100 for share in (25, 8, 4))
    return Counts(
        like=total - heart - laugh - cry,
        dislike=np.where(rng.random(many) < 0.03, 1, 0),
        heart=heart,
        laugh=laugh,
        cry=cry,
        reaction=total,
        comment=np.where(rng.random(many) < 0.9, 0, rng.geometric(0.3, many)),
        collected=np.where(rng.random(many) < 0.7, 0, np.minimum(rng.pareto(1.2, many) * 2, 20_000)).astype(np.int64),
        tipped=np.where(rng.random(many) < 0.99, 0, rng.integers(1, 500, many)),
    )
