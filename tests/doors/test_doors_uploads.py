"""Uploads: a signed address, bytes in one go or in parts, and nothing that is not what it should be."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Actor, actor, path_of, picture
from asking import Doors, opened

from pinako.catalog.people import Scope
from pinako.services import uploads

ACCOUNT = "xG1nkqKTMzGDvpLrqFT7WA"
LIMIT = 200_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """An empty library."""
    folder: Path = tmp_path_factory.mktemp("house") / "library"
    given = {
        "image_upload_limit_bytes": LIMIT,
        "video_upload_limit_bytes": 2 * LIMIT,
        "body_limit_bytes": 2000,
        "trpc_body_limit_bytes": 5000,
    }
    with opened(folder, **given) as doors:
        yield doors


@pytest.fixture(scope="module")
def owl(house: Doors) -> Actor:
    """Who uploads."""
    return actor(house, "owl")


def begin(owl: Actor, **body: Any) -> tuple[str, str]:
    """A new upload: its id, and the path that its bytes go to."""
    answer = owl.doors.client.post("/api/v1/image-upload", json=body, headers=owl.headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["uploadURL"].startswith("http://pics.example:8765/api/v1/image-upload/")
    return found["id"], path_of(found["uploadURL"])


def put(owl: Actor, path: str, data: bytes, part: str | None = None) -> Any:
    """An answer to bytes; `part` is the Content-Range. No key is sent along."""
    return owl.doors.client.put(path, content=data, headers={"content-range": part} if part else {})


def noise(size: int = 240) -> bytes:
    """A picture of so many pixels a side that no compression makes small."""
    import os

    from PIL import Image as Picture

    out = io.BytesIO()
    Picture.frombytes("RGB", (size, size), os.urandom(3 * size * size)).save(out, "PNG")
    return out.getvalue()


def test_who_may_begin(house: Doors, owl: Actor) -> None:
    assert house.client.post("/api/v1/image-upload").status_code == 401
    reader = actor(house, "reader", scope=Scope.READ)
    assert house.client.post("/api/v1/image-upload", headers=reader.headers).status_code == 403
    assert house.client.post("/api/v1/image-upload", headers=owl.headers).status_code == 200  # a body is not needed
    long = b'{"filename":"' + b"x" * 3000 + b'"}'
    assert house.client.post("/api/v1/image-upload", content=long, headers=owl.headers).status_code == 413


def test_bodies_are_as_large_as_the_settings_say(house: Doors, owl: Actor) -> None:
    def post(path: str, size: int) -> int:
        return int(house.client.post(path, json={"json": {"title": "x" * size}}, headers=owl.headers).status_code)

    assert [post("/api/trpc/post.create", size) for size in (900, 6000)] == [200, 413]
    assert house.client.post("/api/v1/model-versions/by-hash", content=b"x" * 2001).status_code == 413
    assert post("/api/v1/pinako/keys", 3000) == 413


def test_an_upload_arrives_as_it_was_sent(owl: Actor) -> None:
    data = noise(60)
    id, path = begin(owl, filename="../../etc/harbour.png")
    done = put(owl, path, data)
    assert done.status_code == 200
    assert done.json() == {
        "id": id, "received": len(data), "complete": True, "type": "image", "mimeType": "image/png", "width": 60,
        "height": 60,
    }  # fmt: skip
    post = owl.do("post.create", {})["id"]
    image = owl.do("post.addImage", {"postId": post, "url": id, "nsfwLevel": 1})
    assert image["name"] == "harbour.png"
    owl.do("post.update", {"id": post, "publishedAt": "2020-01-01T00:00:00.000Z"})
    assert owl.doors.get(f"/{ACCOUNT}/{id}/original=true/x.png").content == data
    assert not uploads.path_of(owl.doors.library.settings, id).exists()
    assert put(owl, path, data).json() == done.json()  # from a client that missed the answer
    assert put(owl, path, noise(61)).status_code == put(owl, path, b"").status_code == 409


def test_a_broken_upload_goes_on_where_it_stopped(owl: Actor) -> None:
    data = noise(120)
    id, path = begin(owl)
    first = put(owl, path, data[:1000], f"bytes 0-999/{len(data)}")
    assert (first.status_code, first.json()["received"], first.json()["complete"]) == (202, 1000, False)
    assert owl.doors.get(path).json() == {"id": id, "received": 1000, "complete": False}
    assert put(owl, path, data[900:], f"bytes 900-{len(data) - 1}/{len(data)}").status_code == 409
    last = put(owl, path, data[1000:], f"bytes 1000-{len(data) - 1}/{len(data)}")
    assert (last.status_code, last.json()["complete"]) == (200, True)
    post = owl.do("post.create", {})["id"]
    assert owl.do("post.addImage", {"postId": post, "url": id})["width"] == 120


@pytest.mark.parametrize("part", ["bytes */5", "bytes 0-4/3", "bytes 4-2/9", "bytes 0-99/100", "0-4/5"])
def test_a_part_is_what_it_says(owl: Actor, part: str) -> None:
    _, path = begin(owl)
    assert put(owl, path, b"12345", part).status_code in (400, 416)


def test_an_address_is_good_for_one_upload_and_a_while(owl: Actor) -> None:
    id, path = begin(owl)
    other, _ = begin(owl)
    signature = path.partition("signature=")[2]
    for wrong in (
        path.replace(id, other),
        path.replace(signature, "0" * 64),
        path.replace("expires=", "expires=9"),
        path.partition("?")[0],
        path.replace(id, "not-an-id"),
    ):
        assert put(owl, wrong, picture()).status_code == 403, wrong
    secret = owl.doors.library.database.library.link_secret
    ended = owl.doors.library.now() // 1000 - 1
    late = f"/api/v1/image-upload/{id}?expires={ended}&signature={uploads.sign(secret, id, ended)}"
    assert put(owl, late, picture()).status_code == 403


HOSTILE = {
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
    "html": (b"<!doctype html><script>alert(1)</script>", 415),
    "text": (b"hello", 415),
    "program": (b"\x7fELF" + b"\0" * 64, 415),
    "cut": (noise(60)[:2000], 422),
    "png in name only": (b"\x89PNG\r\n\x1a\n" + b"<script>" * 50, 422),
    "empty": (b"", 422),
    "archive": (b"PK\x03\x04" + b"\0" * 40, 415),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_medium_is_not_kept(owl: Actor, kind: str) -> None:
    data, status = HOSTILE[kind]
    id, path = begin(owl, filename="a.png")
    refused = put(owl, path, data)
    assert refused.status_code == status, refused.text
    assert id not in refused.json()["error"]
    assert not uploads.path_of(owl.doors.library.settings, id).exists()
    post = owl.do("post.create", {})["id"]
    assert owl.do("post.addImage", {"postId": post, "url": id}, status=400)
    assert put(owl, path, picture()).status_code == 200  # the address stays good


def test_limits_are_kept_by_kind_and_before_the_bytes_are_read(owl: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    # This client holds back the end of a body until it is answered, which a socket does not.
    monkeypatch.setattr("pinako.web.ask.DRAINED_S", 0.2)
    _, path = begin(owl)
    large = noise(300)
    assert LIMIT < len(large) < 2 * LIMIT
    assert put(owl, path, large).status_code == 413
    assert put(owl, path, b"x" * (2 * LIMIT + 1)).status_code == 413
    assert put(owl, path, b"12345", f"bytes 0-4/{2 * LIMIT + 1}").status_code == 413


def test_what_nobody_finished_or_took_is_swept(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from pinako.app import open_library
    from pinako.settings import load_settings

    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    settings = load_settings({}, given={"library": str(tmp_path / "library")})
    with open_library(settings, clock=lambda: now[0]) as library:
        from pinako.catalog.people import Viewer

        with library.database.write() as w:
            from pinako.services import access

            user = access.add_user(w, "owl", library.now()).id
        viewer = Viewer(user_id=user, scope=Scope.WRITE, cap=31)
        upload = uploads.begin(library, viewer, "a.png")
        receiving = uploads.Receiving(library, upload, 0)
        receiving.write(b"half")
        receiving.close()
        stray = uploads.path_of(settings, "stray")
        stray.write_bytes(b"x")
        assert uploads.sweep(library) == 1
        assert uploads.path_of(settings, upload.media_key).exists()
        now[0] += timedelta(hours=2)
        assert uploads.sweep(library) == 1
        assert not uploads.path_of(settings, upload.media_key).exists()
        assert uploads.find_upload(library.database.read(), upload.media_key) is None
