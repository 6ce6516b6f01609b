"""The only path from what arrives to rows: importer, mirror, upload and demo all keep things through here.

Each function writes one noun inside the caller's transaction and notes what it touched; `settle` then derives the rest. All
are idempotent: keeping the same thing again changes nothing but its newer fields. Flags of safety only rise (domain.md d.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pinako.catalog import visibility
from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.catalog.tags import Tag
from pinako.metadata import on_site
from pinako.services.resolve import Want, keep_wants, stem_of
from pinako.services.settle import Touched
from pinako.storage.database import Write
from pinako.storage.engine import Value
from pinako.storage.records import TABLE_OF, find, values_of

MAX_ID = 2**31 - 1


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of how an image was made. `site` and `file` are wire-shaped metas as JSON text; `raw` the untouched text."""

    site: str | None = None
    file: str | None = None
    generation: str | None = None
    raw: str | None = None
    wants: tuple[Want, ...] = ()


class TagOn(msgspec.Struct, frozen=True, kw_only=True):
    """A tag on an image. `confidence` 0-100; `source` says who put it there."""

    name: str
    source: str = "User"
    confidence: int | None = None
    automated: bool = False
    type: str = "UserGenerated"
    level: int = 1
    upstream_id: int | None = None


def place(w: Write, table: str, source: str = "", source_id: int | None = None) -> tuple[int, bool]:
    """The local id of a thing and whether it is here already.

    Identity is (source, source_id). The upstream id is used where it is free, else a new local one (issue 2, section 3).
    """
    if source_id is None:
        return w.next_id(table), False
    row = w.row(f"SELECT id FROM {table} WHERE source = ? AND source_id = ?", (source, source_id))
    if row is not None:
        return int(row[0]), True
    taken = w.row(f"SELECT 1 FROM {table} WHERE id = ?", (source_id,))
    if taken is None and 0 < source_id <= MAX_ID:
        return source_id, False
    return w.next_id(table), False


def keep(w: Write, noun: msgspec.Struct) -> None:
    """Write one noun's row whole: new, or over the old one."""
    w.upsert(TABLE_OF[type(noun)], values_of(noun), key=("id",))


def keep_blob(w: Write, sha256: str, size: int, mime: str, now: int, link_path: str | None = None) -> None:
    """Record bytes that the media store holds already: the file comes first, so that a row never points at nothing."""
    row: dict[str, Value] = {"sha256": sha256, "size": size, "mime": mime, "link_path": link_path, "created_at": now}
    if not w.insert_new("blobs", row) and link_path is None:
        # A copy of ours is better than a link into somebody's folder.
        w.run("UPDATE blobs SET link_path = NULL WHERE sha256 = ?", (sha256,))


def keep_user(w: Write, user: User) -> int:
    """Write an account. A name that somebody else has gets `_HOST` appended (mirrored accounts only)."""
    name = user.username
    if name is not None:
        row = w.row("SELECT id FROM users WHERE username_key = ? AND id <> ?", (name.lower(), user.id))
        if row is not None:
            name = f"{name}_{user.source}"
    known = msgspec.structs.replace(user, username=name, username_key=name.lower() if name is not None else None)
    keep(w, known)
    return known.id


def keep_post(w: Write, touched: Touched, post: Post, tags: Iterable[str] = ()) -> int:
    """Write a post; its level, counts and order follow on settling."""
    keep(w, post)
    for tag_id in keep_tags(w, tags, "Post"):
        w.insert_new("post_tags", {"post_id": post.id, "tag_id": tag_id})
    touched.posts.add(post.id)
    return post.id


def arrives_withheld(*, minor: bool, level: int, tags: Sequence[TagOn] = ()) -> bool:
    """Whether an image must not be kept at all: asked before its bytes are written (domain.md d, OURS 3)."""
    child = any(tag.upstream_id in visibility.MINOR_TAGS for tag in tags)
    return visibility.is_withheld(minor=minor or child, level=level)


def keep_image(
    w: Write, touched: Touched, image: Image, about: Metadata | None = None, tags: Sequence[TagOn] = ()
) -> int | None:
    """Write an image with its metadata, tags and claims. None: it must not be kept, and only a tombstone of it is."""
    old = find(w, Image, image.id)
    if old is not None:
        image = _raise_flags(old, image)
    if arrives_withheld(minor=image.minor, level=image.level, tags=tags):
        if image.source_id is not None:
            keep_tombstone(w, "image", image.source, image.source_id, "withheld", image.updated_at)
        if old is None:
            return None
    if about is not None:
        image = _with_meta_flags(image, about)
        _keep_metadata(w, image.id, about)
        keep_wants(w, image.id, about.wants)
    keep(w, image)
    _tag_image(w, image.id, tags)
    touched.images.add(image.id)
    touched.claims.add(image.id)
    if image.post_id is not None:
        touched.posts.add(image.post_id)
    return image.id


def _raise_flags(old: Image, new: Image) -> Image:
    """Merging two sources: OR the flags, take the higher level, keep the counters of the rows that are here."""
    return msgspec.structs.replace(
        new,
        minor=old.minor or new.minor,
        poi=old.poi or new.poi,
        level=old.level if old.level_locked else max(old.level, new.level),
        level_locked=old.level_locked,
        blocked_for=old.blocked_for or new.blocked_for,
        created_at=min(old.created_at, new.created_at),
    )


def _with_meta_flags(image: Image, about: Metadata) -> Image:
    text = about.site or about.file
    meta: dict[str, Any] = msgspec.json.decode(text) if text else {}
    shown = bool(meta) and not image.hide_meta
    return msgspec.structs.replace(
        image, has_meta=shown, has_prompt=shown and bool(meta.get("prompt")), on_site=shown and on_site(meta)
    )


def _keep_metadata(w: Write, image_id: int, about: Metadata) -> None:
    row: dict[str, Value] = {
        "image_id": image_id,
        "site_meta": about.site,
        "file_meta": about.file,
        "generation": about.generation,
        "raw": about.raw,
    }
    w.upsert("image_meta", {name: value for name, value in row.items() if value is not None}, key=("image_id",))


def keep_tags(w: Write, names: Iterable[str], target: str) -> list[int]:
    """The ids of tags by name, made where they are new. Names are trimmed and lower-cased (domain.md e)."""
    return [keep_tag(w, TagOn(name=name), target) for name in dict.fromkeys(_plain(name) for name in names) if name]


def _plain(name: str) -> str:
    return name.strip().lower()


def keep_tag(w: Write, tag: TagOn, target: str) -> int:
    """The id of one tag, made where it is new, for things of kind `target` (Image, Model, Post)."""
    name = _plain(tag.name)
    row = w.row("SELECT id, target FROM tags WHERE name_key = ?", (name,))
    if row is not None:
        targets = msgspec.json.decode(row[1], type=list[str])
        if target not in targets:
            w.update("tags", row[0], {"target": msgspec.json.encode([*targets, target]).decode()})
        return int(row[0])
    id = _free_tag_id(w, tag.upstream_id)
    keep(w, Tag(id=id, name=name, name_key=name, type=tag.type, level=tag.level, target=f'["{target}"]'))
    return id


def _free_tag_id(w: Write, wanted: int | None) -> int:
    if wanted is None or not 0 < wanted <= MAX_ID or w.row("SELECT 1 FROM tags WHERE id = ?", (wanted,)) is not None:
        return w.next_id("tags")
    return wanted


_TAG = "INSERT INTO image_tags (image_id, tag_id, confidence, source, automated) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


def _tag_image(w: Write, image_id: int, tags: Sequence[TagOn]) -> None:
    """Tags are most of an image's rows, and nearly all are known: one look for all of them, one statement for all rows."""
    known = _known_tags(w, [_plain(tag.name) for tag in tags], "Image")
    rows: list[tuple[Value, ...]] = []
    for tag in tags:
        id = known.get(_plain(tag.name))
        place = keep_tag(w, tag, "Image") if id is None else id
        rows.append((image_id, place, tag.confidence, tag.source, int(tag.automated)))
    if rows:
        w.run_many(_TAG, rows)


def _known_tags(w: Write, names: Sequence[str], target: str) -> dict[str, int]:
    """The ids of those tags that are here and are used for things of this kind already."""
    rows = w.by_ids("SELECT name_key, id, target FROM tags WHERE name_key IN (?*)", names)
    return {name: int(id) for name, id, targets in rows if f'"{target}"' in targets}


def keep_model(w: Write, touched: Touched, model: Model, tags: Iterable[str] = ()) -> int:
    """Write a model. Its minor and real-person flags only rise."""
    old = find(w, Model, model.id)
    if old is not None:
        model = msgspec.structs.replace(model, minor=old.minor or model.minor, poi=old.poi or model.poi)
    keep(w, model)
    for tag_id in keep_tags(w, tags, "Model"):
        w.insert_new("model_tags", {"model_id": model.id, "tag_id": tag_id})
    touched.models.add(model.id)
    return model.id


def keep_version(w: Write, touched: Touched, version: ModelVersion) -> int:
    """Write a version of a model."""
    keep(w, version)
    touched.versions.add(version.id)
    touched.models.add(version.model_id)
    return version.id


def keep_file(w: Write, touched: Touched, file: ModelFile, hashes: Mapping[str, str]) -> int:
    """Write a file of a version with its hashes (type → hex, stored upper-case)."""
    keep(w, msgspec.structs.replace(file, stem=stem_of(file.name)))
    for kind, value in hashes.items():
        row: dict[str, Value] = {"file_id": file.id, "type": kind, "hash": value.upper()}
        w.upsert("file_hashes", row, key=("file_id", "type"))
    touched.versions.add(file.version_id)
    return file.id


def keep_collection(w: Write, touched: Touched, collection: Collection) -> int:
    """Write a collection; its items come by `collect`."""
    keep(w, collection)
    touched.collections.add(collection.id)
    return collection.id


def keep_tombstone(w: Write, entity: str, source: str, source_id: int, reason: str, now: int) -> None:
    """Remember that a thing must not, or can not, be kept, so that it is not fetched again."""
    row: dict[str, Value] = {
        "source": source,
        "entity_type": entity,
        "source_id": source_id,
        "reason": reason,
        "at": now,
    }
    w.upsert("tombstones", row, key=("source", "entity_type", "source_id"))
