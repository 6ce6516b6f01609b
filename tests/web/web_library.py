"""Small real libraries for the doors' tests: files on disk, rows in a database, fixed ids and times."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image as Picture

from pinako.catalog.images import Image, Post
from pinako.catalog.people import Scope, User
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.services import access, publish
from pinako.services.library import Library
from pinako.services.settle import Touched, settle

MODEL_BYTES = bytes(range(256)) * 1024
"""A quarter of a megabyte that differs everywhere, so that a wrong range shows."""


def png(colour: str = "teal", size: tuple[int, int] = (640, 480), text: str = "") -> bytes:
    """A real PNG; `text` goes into its `parameters` chunk, as generators do."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if text:
        info.add_text("parameters", text)
    out = io.BytesIO()
    Picture.new("RGB", size, colour).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def keep_bytes(library: Library, data: bytes, mime: str) -> str:
    """Bytes into the store and their row into the database; their hash."""
    blob = library.media.put_bytes(data)
    with library.database.write() as w:
        publish.keep_blob(w, blob.sha256, blob.size, mime, library.now())
    return blob.sha256


def add_user(library: Library, name: str, **values: Any) -> int:
    """An account."""
    with library.database.write() as w:
        user = access.add_user(w, name, library.now(), **values)
    return user.id


def add_key(library: Library, name: str, scope: Scope = Scope.WRITE) -> str:
    """A key of an account."""
    with library.database.write() as w:
        return access.add_key(w, access.need_user(w, name).id, "test", scope, library.now())


def owner(library: Library) -> User:
    """The library's owner."""
    found = access.owner_of(library.database.read())
    assert found is not None
    return found


def key_of(number: int) -> str:
    """A media key."""
    return f"00000000-0000-f000-7000-{number:012d}"


def add_image(
    library: Library, user_id: int, number: int, data: bytes, mime: str = "image/png", **values: Any
) -> Image:
    """A published image of its own post."""
    now = library.now()
    sha256 = keep_bytes(library, data, mime)
    values = {"level": 1, "type": "image"} | values
    image = Image(
        id=number,
        user_id=user_id,
        post_id=number,
        media_key=key_of(number),
        blob=sha256,
        mime=mime,
        created_at=now,
        sort_at=now,
        updated_at=now,
        **values,
    )
    post = Post(id=number, user_id=user_id, sort_at=now, created_at=now, updated_at=now, published_at=now)
    with library.database.write() as w:
        touched = Touched()
        publish.keep_post(w, touched, post)
        publish.keep_image(w, touched, image)
        settle(w, touched, now)
    return image


@dataclass(frozen=True)
class Made:
    """A model with one version and one file."""

    model: int
    version: int
    file: int
    sha256: str


def add_model(
    library: Library,
    user_id: int,
    number: int,
    *,
    model: Mapping[str, Any] | None = None,
    version: Mapping[str, Any] | None = None,
    file: Mapping[str, Any] | None = None,
    data: bytes = MODEL_BYTES,
    level: int = 1,
) -> Made:
    """A published model at that level, as if mirrored: then its level is not computed from previews.

    Model, version and file ids: number, number + 1, number + 2.
    """
    now = library.now()
    blob = keep_bytes(library, data, "application/octet-stream")
    stamps: dict[str, Any] = {"created_at": now, "updated_at": now, "level": level, "source": "pics.example"}
    with library.database.write() as w:
        touched = Touched()
        noun = {"id": number, "user_id": user_id, "name": "Harbor Lights XL", "type": "Checkpoint", "source_id": number}
        publish.keep_model(w, touched, Model(**({**noun, "status": "Published", **stamps} | dict(model or {}))))
        release = {"id": number + 1, "model_id": number, "name": "v1.0", "source_id": number}
        release |= {"status": "Published", "published_at": now}
        publish.keep_version(w, touched, ModelVersion(**({**release, **stamps} | dict(version or {}))))
        stored = {"id": number + 2, "version_id": number + 1, "name": "harbor_lights.safetensors", "blob": blob}
        content = {"created_at": now, "size_kb": len(data) / 1024, "format": "SafeTensor"}
        publish.keep_file(w, touched, ModelFile(**({**stored, **content} | dict(file or {}))), {"SHA256": blob})
        settle(w, touched, now)
    return Made(number, number + 1, number + 2, blob)
