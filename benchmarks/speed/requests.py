"""What is asked: pages of images over every documented filter and sort, drawn as skewed as people ask."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from pinako.feed.cursor import write_cursor
from speed.shape import (
    BASES,
    FIRST_IMAGE,
    FIRST_MODEL,
    FIRST_POST,
    FIRST_TAG,
    FIRST_USER,
    FIRST_VERSION,
    TAGS,
    Shape,
    skewed_rank,
)

SORTS = {"Newest": 4, "Most Reactions": 4, "Most Comments": 1, "Most Collected": 1, "Oldest": 1, "Random": 1}
"""How often each is asked, beside the others."""
KEYED = {"Newest": "sort_at", "Most Reactions": "reaction_count"}


class Asker:
    """Draws questions about one library."""

    def __init__(self, folder: Path, shape: Shape, seed: int = 11) -> None:
        self.folder = folder
        self.shape = shape
        self.rng = random.Random(seed)

    def traffic(self, many: int, kinds: int = 5000, limit: int = 20) -> list[str]:
        """So many requests as a gallery meets them: first pages again and again, most others once or twice."""
        asked = self.paths(kinds, limit)
        return [asked[skewed_rank(self.rng, kinds)] for _ in range(many)]

    def paths(self, many: int, limit: int = 20) -> list[str]:
        """So many different paths of pages of images."""
        with closing(sqlite3.connect(self.folder / "library.db")) as db:
            return [self._path(db, limit) for _ in range(many)]

    def _path(self, db: sqlite3.Connection, limit: int) -> str:
        rng, shape = self.rng, self.shape
        filters: list[Callable[[], dict[str, object]]] = [
            dict,
            dict,
            lambda: self.deep(db),
            lambda: self.deep(db),
            lambda: {"username": f"maker_{skewed_rank(rng, shape.users):07d}"},
            lambda: {"userId": FIRST_USER + skewed_rank(rng, shape.users)},
            lambda: {"modelId": FIRST_MODEL + skewed_rank(rng, shape.models)},
            lambda: {"modelVersionId": FIRST_VERSION + skewed_rank(rng, shape.versions)},
            lambda: {"postId": FIRST_POST + rng.randrange(shape.images // 5)},
            lambda: {"tags": FIRST_TAG + skewed_rank(rng, TAGS)},
            lambda: {"tags": ",".join(str(FIRST_TAG + skewed_rank(rng, 2000)) for _ in range(2))},
            lambda: {"baseModels": rng.choice(BASES)},
            lambda: {"type": rng.choice(("image", "video"))},
            lambda: {"period": rng.choice(("Week", "Month", "Year"))},
            lambda: {"page": rng.randint(1, 10)},
            lambda: {"type": "image", "period": "Year", "tags": FIRST_TAG + skewed_rank(rng, 500)},
        ]
        given = rng.choice(filters)()
        sort = given.pop("sort", None) or rng.choices(tuple(SORTS), tuple(SORTS.values()))[0]
        level = rng.choice(({}, {}, {"nsfw": "Soft"}, {"nsfw": "X"}, {"nsfw": "false"}, {"browsingLevel": 3}))
        return "/api/v1/images?" + urlencode({"limit": limit, "sort": sort, **given, **level})

    def deep(self, db: sqlite3.Connection) -> dict[str, object]:
        """A cursor anywhere in the two great lists."""
        sort, column = self.rng.choice(tuple(KEYED.items()))
        id = FIRST_IMAGE + self.rng.randrange(self.shape.images)
        (key,) = db.execute(f"SELECT {column} FROM images WHERE id = ?", (id,)).fetchone()
        return {"sort": sort, "cursor": write_cursor(sort, (key, id))}
