"""Documents of images by the hundred thousand: the form of `wire.rest_images.write_image`, known by heart.

Who uses this compares samples with what the writer makes. Nothing here needs escaping: names are plain words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pinako.catalog import levels
from pinako.catalog.images import Image
from pinako.catalog.people import User
from pinako.wire.fragments import encode
from pinako.wire.rest_images import RestUser, avatar
from pinako.wire.times import iso

AT_ONCE = 20
"""Rows in one statement: small rows cost a third of what each costs in its own."""


class Bodies:
    """Writes documents of images whose users are known."""

    def __init__(self, users: Sequence[User]) -> None:
        self._first_user = users[0].id
        self._users = [
            b'"username":%b,"user":%b'
            % (encode(user.username), encode(RestUser(id=user.id, username=user.username, image=avatar(user))))
            for user in users
        ]
        self._bases: dict[str | None, bytes] = {}
        self._levels = {level: _level(level) for level in range(32)}

    def write(self, image: Image, versions: Sequence[int]) -> bytes:
        """One document. `versions`: their ids in the order that is shown."""
        base = self._bases.get(image.base_model)
        if base is None:
            base = self._bases[image.base_model] = encode(image.base_model)
        key, kind = image.media_key.encode(), image.type
        return (
            b'\x03{"id":%d,"url":"\x02/%b/original=true/%b.%b","hash":"%b","width":%d,"height":%d,"nsfwLevel":%b'
            b',"type":"%b",%b,"createdAt":"%b","postId":%d,%b,"baseModel":%b,"modelVersionIds":[%b]'
        ) % (
            image.id,
            key,
            key,
            b"mp4" if kind == "video" else b"jpeg",
            (image.blurhash or "").encode(),
            image.width,
            image.height,
            self._levels[image.level][0],
            kind.encode(),
            self._levels[image.level][1],
            iso(image.sort_at).encode(),
            image.post_id,
            self._users[image.user_id - self._first_user],
            base,
            b",".join([b"%d" % version for version in versions]),
        )


def _level(level: int) -> tuple[bytes, bytes]:
    name = levels.legacy_name(level)
    return encode(name), b'"nsfw":%b,"browsingLevel":%d' % (encode(name != "None"), level)


def insert_many(db: sqlite3.Connection, into: str, row: str, values: Sequence[object]) -> None:
    """Rows of a table, their values one behind the other. `row`: one row of the statement, `(?, ?)`."""
    width = row.count("?")
    whole = width * AT_ONCE
    last = len(values) - len(values) % whole
    db.executemany(
        f"INSERT INTO {into} VALUES {', '.join([row] * AT_ONCE)}",
        (values[at : at + whole] for at in range(0, last, whole)),
    )
    if last < len(values):
        left = (len(values) - last) // width
        db.execute(f"INSERT INTO {into} VALUES {', '.join([row] * left)}", values[last:])
