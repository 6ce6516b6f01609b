"""Posts as their owners write them: make, fill from uploads, change, publish, delete (trpc.md 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog.commands import AddImage, CreatePost, ItemRef, ReorderImages, TagPost, UpdateImage, UpdatePost
from pinako.catalog.filenames import safe_name
from pinako.catalog.images import FullImage, FullPost, Image, Post
from pinako.catalog.people import Viewer
from pinako.catalog.resources import ModelVersion
from pinako.catalog.tags import Tag
from pinako.errors import BadRequest, NotFound, Unauthorized
from pinako.feed import gather
from pinako.services import curate, permits, trash, uploads
from pinako.services.detail import sees_version
from pinako.services.hypertext import harmless
from pinako.services.library import Library
from pinako.services.prepare import wants_of
from pinako.services.publish import Metadata, keep_blob, keep_image, keep_post, keep_tags
from pinako.services.settle import Touched, settle
from pinako.services.uploads import Upload
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write

HOUR = 3_600_000
TITLE_LENGTH, DETAIL_LENGTH = 1000, 100_000


def create(library: Library, viewer: Viewer, command: CreatePost) -> FullPost:
    """A post, a draft unless it says when it is published."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer, guarded=True)
        _check_texts(command.title, command.detail)
        if command.version_id is not None:
            _check_version(w, viewer, command.version_id)
        if command.collection_id is not None:
            curate.check_fillable(w, viewer, command.collection_id)
        at = None if command.published_at is None else _time(command.published_at, now)
        post = Post(
            id=w.next_id("posts"), user_id=user_id, title=command.title, detail=harmless(command.detail),
            version_id=command.version_id, collection_id=command.collection_id, published_at=at, sort_at=at or now,
            created_at=now, updated_at=now,
        )  # fmt: skip
        touched = Touched()
        keep_post(w, touched, post, (*command.tags, *_tag_names(w, command.tag_id)))
        settle(w, touched, now)
        return gather.full_posts(w, [post.id])[post.id]


def _check_texts(title: str | None, detail: str | None) -> None:
    if len(title or "") > TITLE_LENGTH or len(detail or "") > DETAIL_LENGTH:
        raise BadRequest("That text is too long")


def _check_version(read: Statements, viewer: Viewer, id: int) -> None:
    version = find(read, ModelVersion, id)
    seen = [] if version is None else permits.visible(read, viewer, "Model", [version.model_id], 0)
    if version is None or not seen or not sees_version(permits.model_of(read, version), version, viewer):
        raise NotFound(permits.MISSING)


def _tag_names(read: Statements, id: int | None) -> list[str]:
    tag = None if id is None else find(read, Tag, id)
    return [] if tag is None else [tag.name]


def _time(at: int, now: int) -> int:
    """A time less than an hour ahead is now, as upstream: nothing waits for so little."""
    return at if at - now >= HOUR else now


# --- images -------------------------------------------------------------------------------------------------------


def add_image(library: Library, viewer: Viewer, command: AddImage) -> FullImage:
    """Put a finished upload into a post. The same upload in the same post is the image that is there already.

    What a file is, how large and how it was made is read from its bytes; of what the caller says only the name, the place,
    the level and the metadata count.
    """
    now = library.now()
    with library.database.read() as read:
        user_id = permits.writer(read, viewer, guarded=True)
        permits.own_post(read, viewer, command.post_id, now, missing=True)
        here = _in_post(read, command)
        if here is not None:
            return gather.complete_images(read, [here])[0]
        upload = uploads.need_whole(read, user_id, command.key)
    uploads.store(library, upload)
    with library.database.write() as w:
        post = permits.own_post(w, viewer, command.post_id, now, missing=True)
        image = _in_post(w, command) or _keep_upload(w, library, post, command, upload, now)
        return gather.full_images(w, [image.id])[image.id]


def _in_post(read: Statements, command: AddImage) -> Image | None:
    sql = "SELECT MIN(id) FROM images WHERE post_id = ? AND media_key = ? AND deleted_at IS NULL AND withheld = 0"
    id = read.value(sql, (command.post_id, command.key))
    return None if id is None else find(read, Image, id)


def _keep_upload(w: Write, library: Library, post: Post, command: AddImage, upload: Upload, now: int) -> Image:
    facts = upload.facts()
    place = command.idx
    if place is None:
        place = int(w.value("SELECT COALESCE(MAX(idx) + 1, 0) FROM images WHERE post_id = ?", (post.id,)))
    image = Image(
        id=w.next_id("images"), user_id=post.user_id, post_id=post.id, idx=place,
        name=safe_name(command.name) if command.name else upload.name, media_key=upload.media_key,
        type=facts.type, mime=facts.mime, width=facts.width, height=facts.height, blurhash=facts.blurhash,
        phash=facts.phash, pixel_hash=facts.pixel_hash, blob=facts.sha256, size=facts.size,
        metadata=msgspec.json.encode(facts.facts).decode(), level=command.level, process=facts.process,
        generator=facts.generator, created_at=now, updated_at=now, scanned_at=now, sort_at=now,
    )  # fmt: skip
    touched = Touched()
    keep_blob(w, facts.sha256, facts.size, facts.mime, now)
    w.run("DELETE FROM purges WHERE sha256 = ?", (facts.sha256,))
    keep_image(w, touched, image, _about(facts.about, command.meta))
    uploads.mark_used(w, library, upload)
    settle(w, touched, now)
    return image


def _about(file: Metadata, told: str | None) -> Metadata:
    """What the file says, with what its uploader says in the site's place."""
    meta: dict[str, Any] = msgspec.json.decode(told) if told else {}
    if not meta:
        return file
    return msgspec.structs.replace(file, site=told, wants=wants_of(meta))


def change_image(library: Library, viewer: Viewer, command: UpdateImage) -> None:
    """Change how an image says it was made, or hide it."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        image = permits.own_image(w, viewer, command.id, now)
        row = w.row("SELECT site_meta, file_meta FROM image_meta WHERE image_id = ?", (image.id,)) or (None, None)
        site = row[0] if command.meta is None else command.meta
        hide = image.hide_meta if command.hide_meta is None else command.hide_meta
        wants = wants_of(msgspec.json.decode(site or row[1] or "{}"))
        touched = Touched()
        changed = msgspec.structs.replace(image, hide_meta=hide, updated_at=now)
        keep_image(w, touched, changed, Metadata(site=site, file=row[1], wants=wants))
        settle(w, touched, now)


def reorder(library: Library, viewer: Viewer, command: ReorderImages) -> list[FullImage]:
    """Put the images of a post into this order; those that are not named stay behind them."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        post = permits.own_post(w, viewer, command.post_id, now)
        ids = [row[0] for row in w.rows(_IMAGES_OF, (post.id,))]
        named = [id for id in dict.fromkeys(command.image_ids) if id in set(ids)]
        ordered = [*named, *(id for id in ids if id not in set(named))]
        w.run_many("UPDATE images SET idx = ? WHERE id = ?", [(place, id) for place, id in enumerate(ordered)])
        touched = Touched()
        touched.images.update(ordered)
        settle(w, touched, now)
        full = gather.full_images(w, permits.visible(w, viewer, "Image", named, now))
    return [full[id] for id in named if id in full]


_IMAGES_OF = "SELECT id FROM images WHERE post_id = ? AND deleted_at IS NULL AND withheld = 0 ORDER BY idx, id"


# --- the post itself ----------------------------------------------------------------------------------------------


def change(library: Library, viewer: Viewer, command: UpdatePost) -> None:
    """Change a post. A blank title stays what it was; what is public cannot be published for another time."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        post = permits.own_post(w, viewer, command.id, now)
        _check_texts(command.title, command.detail)
        changes: dict[str, Any] = {"updated_at": now}
        if command.title:
            changes["title"] = command.title
        if command.detail is not None:
            changes["detail"] = harmless(command.detail)
        if command.collection_id is not None:
            curate.check_fillable(w, viewer, command.collection_id)
            changes["collection_id"] = command.collection_id
        if command.published_at is not None:
            if post.published_at is not None and post.published_at <= now:
                raise BadRequest("You cannot reschedule a post that is already published")
            changes["published_at"] = _time(command.published_at, now)
        changed = msgspec.structs.replace(post, **changes)
        touched = Touched()
        keep_post(w, touched, changed)
        settle(w, touched, now)
        if changed.collection_id is not None and changed.published_at is not None:
            items = _collected(w, changed)
            curate.put_items(w, viewer, changed.collection_id, items, now, tag_id=command.collection_tag_id)


def _collected(read: Statements, post: Post) -> Sequence[ItemRef]:
    """What of a post goes into the collection it was made for: itself, or its images."""
    kind = read.value("SELECT type FROM collections WHERE id = ?", (post.collection_id,))
    if kind == "Post":
        return [ItemRef(type="Post", id=post.id)]
    return [ItemRef(type="Image", id=row[0]) for row in read.rows(_IMAGES_OF, (post.id,))]


def tag(library: Library, viewer: Viewer, command: TagPost) -> Tag:
    """Put a tag on a post, made where it is new."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        post = permits.own_post(w, viewer, command.post_id, now)
        known = None if command.tag_id is None else find(w, Tag, command.tag_id)
        name = known.name if known is not None else command.name or ""
        ids = keep_tags(w, [name], "Post")
        if not ids:
            raise BadRequest("A tag has a name")
        w.insert_new("post_tags", {"post_id": post.id, "tag_id": ids[0]})
        touched = Touched()
        touched.posts.add(post.id)
        settle(w, touched, now)
        found = find(w, Tag, ids[0])
    if found is None:
        raise NotFound(permits.MISSING)
    return found


def untag(library: Library, viewer: Viewer, command: TagPost) -> None:
    """Take a tag off a post."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        post = permits.own_post(w, viewer, command.post_id, now)
        w.run("DELETE FROM post_tags WHERE post_id = ? AND tag_id = ?", (post.id, command.tag_id))
        touched = Touched()
        touched.posts.add(post.id)
        settle(w, touched, now)


def delete(library: Library, viewer: Viewer, id: int) -> Post:
    """Put a post and its images into the trash; the post as it was. Unauthorized for foreign and missing ones."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        post = permits.own_post(w, viewer, id, now)
        touched = Touched()
        trash.throw_away(w, touched, (row[0] for row in w.rows(_IMAGES_OF, (id,))), now)
        w.update("posts", id, {"deleted_at": now})
        touched.posts.add(id)
        settle(w, touched, now)
    return post


def restore(library: Library, viewer: Viewer, id: int) -> Post:
    """Bring a post back from the trash, with the images that went with it."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer)
        post = find(w, Post, id)
        if post is None or post.deleted_at is None or not (post.user_id == user_id or viewer.moderator):
            raise Unauthorized(permits.NOT_YOURS)
        touched = Touched()
        gone = "SELECT id FROM images WHERE post_id = ? AND deleted_at = ?"
        trash.take_back(w, touched, [row[0] for row in w.rows(gone, (id, post.deleted_at))])
        w.update("posts", id, {"deleted_at": None})
        touched.posts.add(id)
        settle(w, touched, now)
        return find(w, Post, id) or post
