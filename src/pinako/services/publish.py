"""The only path from what arrives to rows: importer, mirror, upload and demo all keep things through here.

Each function writes one noun inside the caller's transaction and notes what it touched; `settle` then derives the rest. All
are idempotent: keeping the same thing again changes nothing but its newer fields. Flags of safety only rise (domain.md d.7).
"""

from __future__ import annotations

import operator
from collections import defaultdict
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
from pinako.storage.records import TABLE_OF, fetch, find, row_of

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


class Arriving(msgspec.Struct, frozen=True, kw_only=True):
    """One image with what comes along."""

    image: Image
    about: Metadata | None = None
    tags: Sequence[TagOn] = ()


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
    keep_many(w, (noun,))


def keep_many(w: Write, nouns: Sequence[msgspec.Struct]) -> None:
    """Write the rows of nouns of one kind."""
    if nouns:
        kind = type(nouns[0])
        w.upsert_many(TABLE_OF[kind], kind.__struct_fields__, [row_of(noun) for noun in nouns], key=("id",))


def keep_blob(w: Write, sha256: str, size: int, mime: str, now: int, link_path: str | None = None) -> None:
    """Record bytes that the media store holds already: the file comes first, so that a row never points at nothing."""
    row: dict[str, Value] = {"sha256": sha256, "size": size, "mime": mime, "link_path": link_path, "created_at": now}
    if not w.insert_new("blobs", row) and link_path is None:
        # A copy of ours is better than a link into somebody's folder.
        w.run("UPDATE blobs SET link_path = NULL WHERE sha256 = ?", (sha256,))


_FACE = operator.attrgetter("username", "image", "deleted_at")
"""What everything of somebody shows of them."""


def keep_user(w: Write, touched: Touched, user: User) -> int:
    """Write an account. A name that somebody else has gets `_HOST` appended (mirrored accounts only)."""
    name = user.username
    if name is not None:
        row = w.row("SELECT id FROM users WHERE username_key = ? AND id <> ?", (name.lower(), user.id))
        if row is not None:
            name = f"{name}_{user.source}"
    known = msgspec.structs.replace(user, username=name, username_key=name.lower() if name is not None else None)
    old = find(w, User, known.id)
    if old is not None and _FACE(old) != _FACE(known):
        touched.users.add(known.id)
    keep(w, known)
    w.note("user", known.id, "u")
    return known.id


def keep_post(w: Write, touched: Touched, post: Post, tags: Iterable[str] = ()) -> int:
    """Write a post; its level, counts and order follow on settling."""
    keep_posts(w, touched, (post,))
    for tag_id in keep_tags(w, tags, "Post"):
        w.insert_new("post_tags", {"post_id": post.id, "tag_id": tag_id})
    return post.id


def keep_posts(w: Write, touched: Touched, posts: Sequence[Post]) -> None:
    """Write posts without tags."""
    keep_many(w, posts)
    touched.posts.update(post.id for post in posts)


def arrives_withheld(*, minor: bool, level: int, tags: Sequence[TagOn] = ()) -> bool:
    """Whether an image must not be kept at all: asked before its bytes are written (domain.md d, OURS 3)."""
    child = not visibility.MINOR_TAGS.isdisjoint([tag.upstream_id for tag in tags])
    return visibility.is_withheld(minor=minor or child, level=level)


def keep_image(
    w: Write, touched: Touched, image: Image, about: Metadata | None = None, tags: Sequence[TagOn] = ()
) -> int | None:
    """Write an image with its metadata, tags and claims. None: it must not be kept, and only a tombstone of it is."""
    return keep_images(w, touched, [Arriving(image=image, about=about, tags=tags)])[0]


def keep_images(w: Write, touched: Touched, arriving: Sequence[Arriving]) -> list[int | None]:
    """`keep_image` for many, each id once among them, with as many statements as for one."""
    here = fetch(w, Image, (each.image.id for each in arriving))
    names = {name: _plain(name) for name in {tag.name for each in arriving for tag in each.tags}}
    telling = _child_names(w, names) if names else frozenset()
    kept: list[Arriving] = []
    ids: list[int | None] = []
    for each in arriving:
        image = _merged(w, each, here.get(each.image.id), telling)
        ids.append(None if image is None else image.id)
        if image is not None:
            kept.append(msgspec.structs.replace(each, image=image))
    keep_many(w, _dated(w, [each.image for each in kept]))
    _keep_metadata(w, kept)
    keep_wants(w, {each.image.id: each.about.wants for each in kept if each.about is not None})
    _tag_images(w, kept, names)
    for each in kept:
        touched.images.add(each.image.id)
        touched.claims.add(each.image.id)
        if each.image.post_id is not None:
            touched.posts.add(each.image.post_id)
    return ids


def _dated(w: Write, images: Sequence[Image]) -> list[Image]:
    """With the times that settling will find for them, so that it need not write their rows a second time."""
    posts = {image.post_id for image in images if image.post_id is not None}
    sql = "SELECT id, published_at FROM posts WHERE availability <> 'Private' AND id IN (?*)"
    told = {row[0]: row[1] for row in w.by_ids(sql, sorted(posts))}
    dated = []
    for image in images:
        at = told.get(image.post_id)
        sort_at = at if at is not None else image.created_at
        if image.published_at != at or image.sort_at != sort_at:
            image = msgspec.structs.replace(image, published_at=at, sort_at=sort_at)
        dated.append(image)
    return dated


def _child_names(read: Write, names: Mapping[str, str]) -> frozenset[str]:
    """Those of the names (as given → plain) that this library calls a tag of the child group: most tags come by name alone."""
    sql = "SELECT name_key FROM tags WHERE id IN (?*)"
    known = {row[0] for row in read.by_ids(sql, sorted(visibility.MINOR_TAGS))}
    return frozenset(name for name, plain in names.items() if plain in known)


def _merged(w: Write, each: Arriving, old: Image | None, child_names: frozenset[str]) -> Image | None:
    """An arriving image as it is kept, with what is known of it already; None for one that must not be kept.

    Bytes that were stored before that was known are queued to go.
    """
    image = each.image if old is None else _raise_flags(old, each.image)
    child = bool(child_names) and any(tag.name in child_names for tag in each.tags)
    if arrives_withheld(minor=image.minor or child, level=image.level, tags=each.tags):
        if image.source_id is not None:
            keep_tombstone(w, "image", image.source, image.source_id, "withheld", image.updated_at)
        if old is None and image.blob is not None:
            w.upsert("purges", {"sha256": image.blob, "at": image.updated_at}, key=("sha256",))
        if old is None:
            return None
    return image if each.about is None else _with_meta_flags(image, each.about)


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


_META = ("site_meta", "file_meta", "generation", "raw")


def _keep_metadata(w: Write, kept: Sequence[Arriving]) -> None:
    """What is not told anew stays. Images that come together mostly tell the same kinds of things: one statement."""
    alike: dict[tuple[str, ...], list[list[Value]]] = defaultdict(list)
    for image, about in ((each.image, each.about) for each in kept if each.about is not None):
        given = zip(_META, (about.site, about.file, about.generation, about.raw), strict=True)
        told = {name: text for name, text in given if text is not None}
        alike["image_id", *told].append([image.id, *told.values()])
    for names, rows in alike.items():
        w.upsert_many("image_meta", names, rows, key=("image_id",))


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


def _tag_images(w: Write, kept: Sequence[Arriving], names: Mapping[str, str]) -> None:
    """Tags are most of an image's rows, and nearly all are known: one look for all of them, one statement for all rows.

    `names`: what they are called → the plain name.
    """
    known = _known_tags(w, list(dict.fromkeys(names.values())), "Image")
    ids = {name: known[plain] for name, plain in names.items() if plain in known}
    rows: list[tuple[Value, ...]] = []
    for each in kept:
        image_id = each.image.id
        for tag in each.tags:
            tag_id = ids.get(tag.name)
            if tag_id is None:
                tag_id = ids[tag.name] = keep_tag(w, tag, "Image")
            rows.append((image_id, tag_id, tag.confidence, tag.source, int(tag.automated)))
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
