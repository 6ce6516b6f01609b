"""Writes to a library for ever, one line on stdout for each write that was acknowledged: to be killed at any moment.

Called with the library's folder, a seed, and the first number that it may use for media keys.
"""

from __future__ import annotations

import io
import sys
from itertools import count
from pathlib import Path
from random import Random

from PIL import Image as Picture

from pinako.app import open_catalogue
from pinako.catalog.images import Image, Post
from pinako.media.store import open_store
from pinako.services import access, publish
from pinako.services.publish import Metadata, TagOn
from pinako.services.settle import Touched, settle
from pinako.settings import load_settings


def main(folder: Path, seed: int, first: int) -> None:
    """Keep a post of one to four pictures, again and again."""
    chance = Random(seed)
    settings = load_settings({}, given={"library": str(folder)})
    database, store = open_catalogue(settings), open_store(settings.media_address)
    owner = access.owner_of(database.read())
    assert owner is not None
    for number in count(first):
        now = database.now()
        pictures = [_picture(number, place) for place in range(chance.randrange(1, 5))]
        kept = [store.put_bytes(data) for data in pictures]
        with database.write() as w:
            touched = Touched()
            id = w.next_id("posts")
            post = Post(
                id=id, user_id=owner.id, published_at=now, sort_at=now, created_at=now, updated_at=now, title="round"
            )
            publish.keep_post(w, touched, post)
            for place, blob in enumerate(kept):
                publish.keep_blob(w, blob.sha256, blob.size, "image/png", now)
                image = Image(
                    id=w.next_id("images"), user_id=owner.id, post_id=id, idx=place, level=1, blob=blob.sha256,
                    media_key=f"{number:08x}-{place:04x}-f000-7000-{seed % 2**48:012x}", mime="image/png", created_at=now,
                    sort_at=now, updated_at=now,
                )  # fmt: skip
                about = Metadata(site='{"prompt":"a round of writes"}')
                publish.keep_image(w, touched, image, about, [TagOn(name="round"), TagOn(name=f"tag {number % 50}")])
            settle(w, touched, now)
        print(id, *(blob.sha256 for blob in kept), flush=True)  # noqa: T201 - this is what it is for


def _picture(number: int, place: int) -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (16, 16), (number % 251, number // 251 % 251, place * 50)).save(out, "PNG")
    return out.getvalue() + number.to_bytes(8, "big")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
