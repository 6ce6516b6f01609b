"""What was made with a model that nobody may see: it inherits the model's flag, and names the model nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from web_library import MODEL_BYTES, add_image, add_key, add_model, add_user, png

from pinako.catalog.images import Image
from pinako.services import publish
from pinako.services.library import Library
from pinako.services.publish import Metadata
from pinako.services.resolve import Want
from pinako.services.settle import Touched, settle
from pinako.storage.records import find

MATURE, PG = 4, 1


def claim(library: Library, image: Image, want: Want) -> Image:
    """The image as it is once it says what it was made with."""
    with library.database.write() as w:
        touched = Touched()
        publish.keep_image(w, touched, image, Metadata(site='{"prompt":"a lighthouse"}', wants=(want,)))
        settle(w, touched, library.now())
    found = find(library.database.read(), Image, image.id)
    assert found is not None
    return found


@pytest.mark.parametrize("level", [MATURE, PG])
def test_a_hash_hands_the_flag_on_and_shows_nothing(library: Library, client: Any, level: int) -> None:
    user = add_user(library, "inkharbor")
    hidden = add_model(library, user, 300, model={"minor": True}, data=MODEL_BYTES, level=MATURE)
    key = {"authorization": f"Bearer {add_key(library, 'inkharbor')}"}
    mine = claim(library, add_image(library, user, 7, png(), level=level), Want(kind="checkpoint", hash=hidden.sha256))
    assert (mine.minor, mine.withheld) == (True, level == MATURE)
    answer = client.get("/api/v1/images?imageId=7&browsingLevel=31", headers=key)
    assert str(hidden.version) not in answer.text
    assert client.get("/api/trpc/image.get?input=%7B%22json%22:%7B%22id%22:7%7D%7D", headers=key).status_code == (
        404 if level == MATURE else 200
    )


def test_a_name_alone_finds_no_withheld_model(library: Library) -> None:
    user = add_user(library, "inkharbor")
    add_model(library, user, 300, model={"minor": True}, level=MATURE)
    named = claim(
        library, add_image(library, user, 7, png(), level=MATURE), Want(kind="checkpoint", name="harbor_lights")
    )
    assert not named.minor
    assert not named.withheld
