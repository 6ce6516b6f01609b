"""What the demo library will hold, decided by its seed alone: nothing here opens a file or a database.

Times are shares of two years, 1.0 being the moment the library is made, so that the same seed gives the same library
whenever that is. Every level, status and kind that the wire can show is there; at least half of the images are PG.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec

from pinako.catalog import levels
from pinako.intake.demo import words

LEVEL_SHARES = ((levels.PG, 60), (levels.PG13, 14), (levels.R, 12), (levels.X, 8), (levels.XXX, 6))
SIZES = ((512, 512), (512, 768), (768, 512), (640, 640), (576, 768), (768, 576), (448, 832), (832, 448), (600, 600))
FORMATS = ("png", "png", "jpeg", "webp")
REACTIONS = ("Like", "Like", "Like", "Heart", "Heart", "Laugh", "Cry", "Dislike")
BASES = ("SDXL 1.0", "SD 1.5", "Flux.1 D", "Pony", "Illustrious", "SDXL 1.0")
LORA_TYPES = ("LORA", "LORA", "LORA", "TextualInversion", "LoCon", "DoRA")
FIRST_TYPES = ("Checkpoint", "LORA", "TextualInversion", "Checkpoint")
"""Kinds of the first creator's models, which are PG and everyday."""
MOST_MODELS = len(words.MODEL_NAMES)
DAY = 1 / 730
"""A day as a share of the two years."""
RECENT = {0: 0.5, 1: 4, 2: 20}
"""Models whose newest version is this many days old, so that every period has a model; all of them PG."""


class PlannedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version: one file, or two where `pruned` adds a second."""

    name: str
    base_model: str
    seed: int
    words: tuple[str, ...]
    pruned: bool
    at: float


class PlannedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model by its creator's place in `users`. `level` is that of all its previews."""

    name: str
    type: str
    user: int
    level: int
    status: str = "Published"
    mode: str | None = None
    gated: bool = False
    tags: tuple[str, ...]
    versions: tuple[PlannedVersion, ...]
    downloads: int
    thumbs: int


class PlannedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One picture to paint. `models` are (model, version) places of what it was made with, the checkpoint first."""

    seed: int
    width: int
    height: int
    format: str
    level: int
    writer: str
    """a1111, comfyui, or onsite."""
    negative: str
    models: tuple[tuple[int, int], ...]
    weight: float
    steps: int
    cfg: float
    sampler: int
    tags: tuple[str, ...]
    comments: int
    reactions: tuple[tuple[int, str], ...]
    video: bool = False
    review: bool = False
    hide_meta: bool = False
    key: str


class PlannedPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post of 1 to 8 images at a share of the two years. `shows` is the version that it credits."""

    user: int
    at: float
    title: str | None
    images: tuple[PlannedImage, ...]
    draft: bool = False
    shows: tuple[int, int] | None = None


class PlannedCollection(msgspec.Struct, frozen=True, kw_only=True):
    """A collection; `picks` are places among the things of its type. `user` None is the library's owner."""

    name: str
    user: int | None
    type: str
    read: str
    write: str
    mode: str | None = None
    picks: tuple[int, ...]
    followers: tuple[int, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demo."""

    seed: int
    users: tuple[str, ...]
    models: tuple[PlannedModel, ...]
    posts: tuple[PlannedPost, ...]
    collections: tuple[PlannedCollection, ...]
    follows: tuple[tuple[int, int], ...]


def make_plan(images: int, seed: int) -> Plan:
    """The plan for about two years of `images` pictures."""
    chance = Random(f"pinako demo {seed}")  # noqa: S311 - art and words, not secrets
    users = words.USERS[: min(len(words.USERS), max(6, images // 40))]
    models = _models(chance, len(users), images)
    posts = _posts(chance, models, len(users), images)
    return Plan(
        seed=seed,
        users=users,
        models=models,
        posts=posts,
        collections=_collections(chance, len(users), images, len(posts), len(models)),
        follows=tuple(
            (who, whom) for who in range(len(users)) for whom in chance.sample(range(len(users)), 3) if who != whom
        ),
    )


def _models(chance: Random, users: int, images: int) -> tuple[PlannedModel, ...]:
    count = min(MOST_MODELS, max(12, images // 30))
    names = list(words.MODEL_NAMES)
    models = [_model(chance, place, names[place], users) for place in range(count)]
    # The special ones stand among the listed ones, so that their version ids lie beside listed ids.
    models[5] = msgspec.structs.replace(models[5], status="Deleted", level=levels.PG)
    models[7] = msgspec.structs.replace(models[7], mode="Archived", level=levels.R)
    models[8] = msgspec.structs.replace(models[8], gated=True, level=levels.X)
    models[9] = msgspec.structs.replace(models[9], status="Draft")
    models[10] = msgspec.structs.replace(models[10], level=levels.XXX)
    return tuple(_by_known_makers(models))


def _by_known_makers(models: list[PlannedModel]) -> list[PlannedModel]:
    """The same with makers who all have something that everybody may see: each creator then has a count to show."""
    shown = sorted({model.user for model in models if _is_for_all(model)})
    return [
        model if model.user in shown else msgspec.structs.replace(model, user=shown[place % len(shown)])
        for place, model in enumerate(models)
    ]


def _is_for_all(model: PlannedModel) -> bool:
    return model.status == "Published" and model.level == levels.PG and not model.mode


def _model(chance: Random, place: int, name: str, users: int) -> PlannedModel:
    drawn = "Checkpoint" if place == 6 or chance.random() < 0.25 else chance.choice(LORA_TYPES)
    kind = FIRST_TYPES[place] if place < len(FIRST_TYPES) else drawn
    base = BASES[place % len(BASES)]
    word = name.split()[0].lower()
    count = 1 if place % 3 == 1 else chance.randrange(2, 4)
    versions = tuple(
        PlannedVersion(
            name=f"v{number + 1}.0",
            base_model=base if number == 0 else chance.choice((base, "SDXL 1.0")),
            seed=chance.randrange(2**31),
            words=() if kind == "Checkpoint" else (f"{word} style", word),
            pruned=kind == "Checkpoint" and chance.random() < 0.4,
            at=_released(chance, place, count - 1 - number),
        )
        for number in range(count)
    )
    special = place in (5, 7, 8, 9, 10)
    return PlannedModel(
        name=name if kind != "Checkpoint" else f"{name} XL",
        type=kind,
        user=0 if place < 4 else 1 + chance.randrange(users - 1),
        level=levels.PG if place < 4 or special or chance.random() < 0.75 else levels.PG13,
        tags=(*chance.sample(words.TAGS, 3), chance.choice(words.CATEGORIES)),
        versions=versions,
        downloads=int(chance.paretovariate(0.7) * 40) % 90_000,
        thumbs=int(chance.paretovariate(0.8) * 5) % 6_000,
    )


def _released(chance: Random, place: int, before: int) -> float:
    """When a version appeared; `before` is how many versions of its model are newer. Later versions are later."""
    latest = 1 - RECENT[place] * DAY if place in RECENT else 0.05 + 0.9 * chance.random()
    return latest * (1 - 0.04 * before)


def _usable(models: tuple[PlannedModel, ...], level: int, *, checkpoints: bool) -> list[int]:
    """Listed models that whoever sees a picture of this level may see too, so that its links lead somewhere."""
    return [
        place
        for place, model in enumerate(models)
        if model.status == "Published" and model.level <= level and (model.type == "Checkpoint") is checkpoints
    ]


def _posts(chance: Random, models: tuple[PlannedModel, ...], users: int, images: int) -> tuple[PlannedPost, ...]:
    posts = _previews(chance, models, users, images)
    left = images - sum(len(post.images) for post in posts)
    shown = _public_levels(posts)
    number = 0
    sizes: list[int] = []
    while left > 0:
        sizes = sizes or [8, *chance.sample((1, 1, 2, 3, 4, 5), 6)]
        size = min(left, sizes.pop())
        left -= size
        # Half of what is shown is PG, also if this whole post were not.
        tame = 2 * shown[levels.PG] < shown.total() + size
        posts.append(_post(chance, models, users, number, size, tame=tame))
        shown += _public_levels(posts[-1:])
        number += 1
    return tuple(sorted(posts, key=lambda post: (post.at, post.user)))


def _public_levels(posts: Iterable[PlannedPost]) -> Counter[int]:
    return Counter(image.level for post in posts if not post.draft for image in post.images)


def _previews(chance: Random, models: tuple[PlannedModel, ...], users: int, images: int) -> list[PlannedPost]:
    """A post by its creator for every version, one picture each where there are few, published right after it."""
    versions = [(place, number) for place, model in enumerate(models) for number in range(len(model.versions))]
    most = 3 if images >= 6 * len(versions) else 1
    if images < len(versions):  # what everybody may see comes first, of each model the newest version
        versions.sort(key=lambda at: (not _is_for_all(models[at[0]]), len(models[at[0]].versions) - at[1]))
    posts = []
    for place, number in versions[:images]:
        model = models[place]
        shows = (place, number)
        pictures = [_image(chance, models, model.level, users, made=shows) for _ in range(chance.randint(1, most))]
        after = model.versions[number].at + DAY / 12
        post = PlannedPost(user=model.user, at=after, title=model.name, images=tuple(pictures), shows=shows)
        # What is not out, or no longer, has no public pictures that link to it either.
        posts.append(msgspec.structs.replace(post, draft=model.status != "Published"))
    return posts


def _post(
    chance: Random, models: tuple[PlannedModel, ...], users: int, number: int, size: int, *, tame: bool
) -> PlannedPost:
    """The post of this number. Who, when and which level is dealt, not left to chance, where something must be there:
    a PG post by everybody, each period, each level, drafts, films; `tame`: nothing mature that need not be."""
    round_ = number % (2 * users + 30)
    film = number % 30 == 4 and number < 200  # a few, however large the library
    level = _level(chance, round_ - users - 1, tame=tame) if round_ > users and not film else levels.PG
    pictures = [
        _image(chance, models, _near(chance, level, tame=tame) if place else level, users, video=film and place == 0)
        for place in range(size)
    ]
    return PlannedPost(
        user=number if number < users else chance.randrange(users),
        at=_when(chance, number),
        title=chance.choice(words.TITLES) if chance.random() < 0.6 else None,
        images=tuple(pictures),
        draft=round_ == users,
    )


def _level(chance: Random, place: int, *, tame: bool) -> int:
    """One post of each level, then by their shares."""
    if place < len(LEVEL_SHARES):
        return LEVEL_SHARES[place][0]
    if tame:
        return levels.PG
    return chance.choices([level for level, _ in LEVEL_SHARES], [share for _, share in LEVEL_SHARES])[0]


def _near(chance: Random, level: int, *, tame: bool) -> int:
    """Mostly the post's own level; a mature post may hold a tamer picture."""
    return levels.PG if tame or (level > levels.PG and chance.random() < 0.2) else level


def _when(chance: Random, number: int) -> float:
    """Every period has something: the first posts and each eighth fall into the last day, week or month, others anywhere."""
    window = number if number < 3 else number // 8 % 3 if number % 8 == 0 else None
    return chance.random() if window is None else 1 - chance.random() * DAY * (0.9, 6.5, 28)[window]


def _image(
    chance: Random,
    models: tuple[PlannedModel, ...],
    level: int,
    users: int,
    *,
    made: tuple[int, int] | None = None,
    video: bool = False,
) -> PlannedImage:
    width, height = chance.choice(SIZES)
    writer = chance.choices(("a1111", "comfyui", "onsite"), (52, 26, 14))[0]
    used = _made_with(chance, models, level, made)
    fans = chance.sample(range(users), min(users, int(chance.paretovariate(0.9)) - 1)) if chance.random() > 0.31 else []
    return PlannedImage(
        seed=chance.randrange(2**31),
        width=width,
        height=height,
        format="png" if writer == "comfyui" else chance.choice(FORMATS),
        level=level,
        writer=writer,
        negative=chance.choice(words.NEGATIVES),
        models=used,
        weight=chance.choice((0.6, 0.7, 0.8, 1.0)),
        steps=chance.choice((20, 24, 28, 30, 35, 45)),
        cfg=chance.choice((3.5, 4.5, 5, 6, 7, 7.5)),
        sampler=chance.randrange(len(words.SAMPLERS)),
        tags=(*chance.sample(words.TAGS, chance.randrange(2, 7)), chance.choice(words.CATEGORIES)),
        comments=int(chance.paretovariate(1.2)) - 1 if chance.random() < 0.4 else 0,
        reactions=tuple((fan, chance.choice(REACTIONS)) for fan in fans),
        video=video,
        review=level > levels.PG13 and chance.random() < 0.03,
        hide_meta=level > levels.PG and chance.random() < 0.04,
        key=_key(chance),
    )


def _key(chance: Random) -> str:
    """A media key in the shape of a random UUID."""
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _made_with(
    chance: Random, models: tuple[PlannedModel, ...], level: int, made: tuple[int, int] | None
) -> tuple[tuple[int, int], ...]:
    checkpoints = _usable(models, level, checkpoints=True)
    others = _usable(models, level, checkpoints=False)
    base = made if made is not None and models[made[0]].type == "Checkpoint" else _any(chance, models, checkpoints)
    add = made if made is not None and made != base else _any(chance, models, others) if chance.random() < 0.6 else None
    return (base,) if add is None else (base, add)


def _any(chance: Random, models: tuple[PlannedModel, ...], places: list[int]) -> tuple[int, int]:
    """A model by popularity (early ones far more often) and one of its versions."""
    place = places[min(len(places) - 1, int(chance.paretovariate(0.8)) - 1)]
    return place, chance.randrange(len(models[place].versions))


def _collections(chance: Random, users: int, images: int, posts: int, models: int) -> tuple[PlannedCollection, ...]:
    sizes = {"Image": images, "Post": posts, "Model": models}
    planned = []
    for place, name in enumerate(words.COLLECTIONS * max(1, users // 8)):
        kind = ("Image", "Post", "Model")[place % 3]
        picks = chance.sample(range(sizes[kind]), min(sizes[kind], chance.randrange(6, 40)))
        planned.append(
            PlannedCollection(
                name=name,
                user=place % users,
                type=kind,
                read=("Public", "Public", "Public", "Public", "Unlisted", "Private")[place % 6],
                write=("Private", "Private", "Public", "Review")[place % 4],
                picks=tuple(picks),
                followers=tuple(chance.sample(range(users), chance.randrange(0, min(5, users)))),
            )
        )
    planned += [
        PlannedCollection(
            name="Bookmarked Model",
            user=user,
            type="Model",
            read="Private",
            write="Private",
            mode="Bookmark",
            picks=(user % models,),
        )
        for user in range(0, users, 3)
    ]
    planned += [
        PlannedCollection(name=name, user=None, type=kind, read="Private", write="Private", picks=tuple(picks))
        for name, kind, picks in (
            ("Kept for later", "Image", range(0, images, max(1, images // 12))),
            ("Posts to read again", "Post", range(0, posts, max(1, posts // 6))),
        )
    ]
    return tuple(planned)
