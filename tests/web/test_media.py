"""Media by address: the right bytes, to those who may see them, in a form that does no harm."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from starlette.testclient import TestClient
from web_library import add_image, add_key, add_user, key_of, owner, png

from pinako.catalog.images import Image
from pinako.catalog.visibility import sees_image
from pinako.services.access import anonymous, viewer_of_key
from pinako.services.library import Library
from pinako.storage.records import find

ACCOUNT = "xG1nkqKTMzGDvpLrqFT7WA"
A1111 = "lighthouse in fog\nSteps: 30, Sampler: Euler a, CFG scale: 5, Seed: 42, Size: 640x480"


def url(number: int, *rest: str) -> str:
    return "/".join(("", ACCOUNT, key_of(number), *rest))


@pytest.fixture
def user(library: Library) -> int:
    """An account that owns images."""
    return add_user(library, "inkharbor")


@pytest.mark.parametrize(
    "rest",
    [
        (),
        ("original=true", "550001.jpeg"),
        ("name.jpeg",),
        ("original=true,quality=90", "x.jpeg"),
        ("",),
        ("original=true", "%2e%2e.jpeg"),
    ],
)
def test_every_form_of_the_original_gives_its_own_bytes(
    client: TestClient, library: Library, user: int, rest: tuple[str, ...]
) -> None:
    data = png(text=A1111)
    add_image(library, user, 7, data)
    answer = client.get(url(7, *rest))
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_account_segment_of_ones_own(open_with: Any, client_of: Callable[[Library], TestClient]) -> None:
    library = open_with(media_account="mine")
    data = png()
    add_image(library, add_user(library, "inkharbor"), 7, data)
    client = client_of(library)
    assert client.get(f"/mine/{key_of(7)}").content == data
    assert client.get(url(7)).content == data


@pytest.mark.parametrize("params", ["width=450", "width=449", "anim=false,width=450,optimized=true"])
def test_a_width_gives_a_picture_of_the_ladder(client: TestClient, library: Library, user: int, params: str) -> None:
    add_image(library, user, 7, png(text=A1111))
    answer = client.get(url(7, params, "x.jpeg"))
    assert answer.status_code == 200
    made = Picture.open(io.BytesIO(answer.content))
    assert made.width == 450
    assert answer.headers["content-type"] == Picture.MIME[made.format or ""]
    again = client.get(url(7, params, "x.jpeg"), headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    part = client.get(url(7, params, "x.jpeg"), headers={"range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, answer.content[3:10])


def test_nothing_is_enlarged(client: TestClient, library: Library, user: int) -> None:
    add_image(library, user, 7, png(size=(200, 100)))
    assert Picture.open(io.BytesIO(client.get(url(7, "width=1600", "x.jpeg")).content)).width == 200


def test_levels_stand_before_every_byte(client: TestClient, library: Library, user: int) -> None:
    for number, level in ((7, 1), (8, 2), (9, 16), (10, 0), (11, 32)):
        add_image(library, user, number, png(size=(64 + number, 64)), level=level)
    add_user(library, "kid", max_level=3)
    add_user(library, "papercrane")

    def seen(name: str | None) -> list[int]:
        headers = {"authorization": f"Bearer {add_key(library, name)}"} if name else {}
        asked = {number: client.get(url(number, "width=96"), headers=headers) for number in (7, 8, 9, 10, 11)}
        assert {answer.status_code for answer in asked.values()} <= {200, 404}
        return [number for number, answer in asked.items() if answer.status_code == 200]

    assert seen(None) == [7]
    assert seen("kid") == [7, 8]
    assert seen("papercrane") == [7, 8, 9]
    assert seen("inkharbor") == [7, 8, 9, 10, 11]
    assert client.get(url(9)).content == client.get(url(12345)).content, "hidden and unknown must look the same"


def test_what_is_withheld_reaches_nobody(client: TestClient, library: Library, user: int) -> None:
    add_image(library, user, 7, png())
    with library.database.write() as w:
        w.update("images", 7, {"minor": 1, "level": 4})
    moderator = add_key(library, owner(library).username or "")
    for headers in ({}, {"authorization": f"Bearer {moderator}"}):
        assert client.get(url(7, "width=96"), headers=headers).status_code == 404


def test_answers_to_a_credential_are_for_no_shared_cache(client: TestClient, library: Library, user: int) -> None:
    add_image(library, user, 7, png())
    add_image(library, user, 8, png("navy"), level=2)
    key = {"authorization": f"Bearer {add_key(library, 'inkharbor')}"}
    for number in (7, 8):
        assert client.get(url(number), headers=key).headers["cache-control"].startswith("private")


def test_hidden_metadata_stays_hidden_in_the_bytes(client: TestClient, library: Library, user: int) -> None:
    data = png(text=A1111)
    add_image(library, user, 7, data, hide_meta=True)
    for rest in (("original=true", "x.jpeg"), (), ("original=true,metadata=keep", "x.jpeg")):
        answer = client.get(url(7, *rest))
        assert answer.status_code == 200
        assert b"lighthouse" not in answer.content
        made = Picture.open(io.BytesIO(answer.content))
        assert (made.size, made.info.get("parameters")) == ((640, 480), None)
    key = {"authorization": f"Bearer {add_key(library, 'inkharbor')}"}
    assert client.get(url(7), headers=key).content == data


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
        ("text/html", b"<script>1</script>"),
    ],
)
def test_what_could_run_is_saved_and_not_shown(
    client: TestClient, library: Library, user: int, mime: str, data: bytes
) -> None:
    add_image(library, user, 7, data, mime=mime)
    answer = client.get(url(7))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        f"/{ACCOUNT}/../../library.db",
        f"/{ACCOUNT}/..%2f..%2flibrary.db",
        f"/{ACCOUNT}/%2e%2e/library.db",
        f"/{ACCOUNT}/{key_of(7)}/..%5c..%5clibrary.db",
        f"/{ACCOUNT}/{key_of(7)}%00/x",
        f"/{ACCOUNT}/nothing",
        f"/{ACCOUNT}/",
        f"/{ACCOUNT}/%ff%fe",
        f"/{ACCOUNT}/{'a' * 3000}",
    ],
)
def test_tricks_with_the_path_lead_nowhere(client: TestClient, library: Library, user: int, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {400, 404}
    assert answer.text == "Not found" or set(answer.json()) == {"error"}


def test_a_damaged_picture_is_an_error_and_the_server_goes_on(client: TestClient, library: Library, user: int) -> None:
    add_image(library, user, 7, png()[:200])
    answer = client.get(url(7, "width=96"))
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
    add_image(library, user, 8, png("navy"))
    assert client.get(url(8, "width=96")).status_code == 200


def test_a_video_without_ffmpeg_is_a_clear_501(
    client: TestClient, library: Library, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    add_image(library, user, 7, b"\0\0\0\x18ftypwebm", mime="video/webm", type="video")
    answer = client.get(url(7, "anim=false,transcode=true,width=450", "x.jpeg"))
    assert answer.status_code == 501
    assert "ffmpeg" in answer.json()["error"]


def test_an_avatar_and_an_open_cover_are_seen_though_no_post_publishes_them(
    client: TestClient, library: Library, user: int
) -> None:
    from pinako.catalog.collections import Collection
    from pinako.services import publish
    from pinako.services.settle import Touched, settle

    for number, level in ((7, 1), (8, 1), (9, 1), (10, 4)):
        add_image(library, user, number, png(size=(64 + number, 64)), level=level)
    now = library.now()
    with library.database.write() as w:
        touched = Touched()
        for number in (7, 8, 9, 10):
            w.update("images", number, {"post_id": None, "published_at": None})
            touched.images.add(number)
        w.update("users", user, {"image": key_of(7), "profile_picture_id": 10})
        for number, read in ((8, "Public"), (9, "Private")):
            cover = Collection(
                id=number, name="c", user_id=user, image_id=number, read=read, created_at=now, updated_at=now
            )
            publish.keep_collection(w, touched, cover)
        settle(w, touched, now)
    assert [client.get(url(number)).status_code for number in (7, 8, 9, 10)] == [200, 200, 404, 404]


LEVELS = st.sampled_from([0, 1, 2, 4, 8, 16, 32])
STATES = st.fixed_dictionaries(
    {
        "level": LEVELS,
        "minor": st.booleans(),
        "poi": st.booleans(),
        "withheld": st.booleans(),
        "model_restricted": st.booleans(),
        "level_locked": st.booleans(),
        "needs_review": st.sampled_from([None, None, "poi", "csam"]),
        "blocked_for": st.sampled_from([None, None, "tos", "CSAM"]),
        "ingestion": st.sampled_from(["Scanned", "Scanned", "Pending", "Blocked"]),
        "availability": st.sampled_from(["Public", "Public", "Private"]),
        "published_at": st.sampled_from([None, 0, 2**45]),
        "deleted_at": st.sampled_from([None, None, 5]),
    }
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=STATES, second=STATES, width=st.sampled_from(["", "/width=96"]))
def test_bytes_are_given_exactly_where_one_image_of_the_key_is_seen(
    crowd: Crowd, first: dict[str, Any], second: dict[str, Any], width: str
) -> None:
    images = [crowd.become(7, first), crowd.become(8, second)]
    now = crowd.library.now()
    for headers, viewer in crowd.callers:
        status = crowd.client.get(url(7) + width, headers=headers).status_code
        seen = [image for image in images if sees_image(image, viewer, now)]
        assert status == (200 if seen else 404)
        for image in seen:
            assert not image.withheld
            assert image.deleted_at is None
            assert not (image.minor and (image.level == 0 or image.level > 2)), "the mandatory rule"


class Crowd:
    """Two images under one key, and everybody who might ask for them."""

    def __init__(self, library: Library, client: TestClient) -> None:
        self.library, self.client = library, client
        user = add_user(library, "inkharbor")
        add_user(library, "kid", max_level=3)
        add_user(library, "papercrane")
        for number in (7, 8):
            add_image(library, user, number, png())
        with library.database.write() as w:
            w.update("images", 8, {"media_key": key_of(7)})
        names = ["inkharbor", "kid", "papercrane", owner(library).username or ""]
        keys = [add_key(library, name) for name in names]
        read = library.database.read()
        self.callers = [({"authorization": f"Bearer {key}"}, viewer_of_key(read, key, library.caps)[0]) for key in keys]
        self.callers.append(({}, anonymous(library.caps)))

    def become(self, number: int, state: dict[str, Any]) -> Image:
        """Give one image this state."""
        row = {name: int(value) if isinstance(value, bool) else value for name, value in state.items()}
        with self.library.database.write() as w:
            w.update("images", number, row)
        found = find(self.library.database.read(), Image, number)
        assert found is not None
        return found


@pytest.fixture
def crowd(library: Library, client: TestClient) -> Crowd:
    return Crowd(library, client)
