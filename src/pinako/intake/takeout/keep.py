"""Records of a takeout into rows, by the same path as all that arrives; each with its references as they are here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.catalog.tags import Tag
from pinako.catalog.visibility import is_withheld
from pinako.errors import NotFound, PinakoError, StorageError, UnreadableFile
from pinako.intake.export.paths import extension_of
from pinako.intake.takeout import records as out
from pinako.intake.takeout.ids import Ids
from pinako.intake.takeout.report import TakeoutReport
from pinako.intake.takeout.write import ending_of
from pinako.media.blobs import check_hash
from pinako.media.store import MediaStore
from pinako.services import publish
from pinako.services.publish import Metadata, TagOn
from pinako.services.resolve import Want
from pinako.services.settle import Touched
from pinako.storage.database import Database
from pinako.storage.engine import Value
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write

OCTETS = "application/octet-stream"
_HAS_UPDATED = frozenset({"images", "posts", "models", "model_versions", "collections"})
_HAS_TRASH = frozenset({"images", "posts", "models", "collections"})


class Standing(NamedTuple):
    """What a row here says of itself. `bare`: it has lost its bytes, or never had them."""

    updated_at: int
    trashed: bool
    bare: bool


class Stored(NamedTuple):
    """The bytes of a record: in the store now, or not (and then the record is kept without)."""

    sha256: str | None = None
    size: int = 0
    mime: str = OCTETS


class Keeper:
    """Writes the records of one takeout."""

    def __init__(self, database: Database, store: MediaStore, folder: Path, ids: Ids, report: TakeoutReport) -> None:
        self._database, self._store, self._folder = database, store, folder
        self._ids, self._report = ids, report
        self._tags: dict[int, Tag] = {}
        self._keepers: Mapping[str, Callable[[Write, Touched, Any, Stored, int], int | None]] = {
            "tags": self._keep_tag,
            "models": self._keep_model,
            "versions": self._keep_version,
            "files": self._keep_file,
            "posts": self._keep_post,
            "images": self._keep_image,
            "collections": self._keep_collection,
            "items": self._keep_item,
            "reactions": self._keep_reaction,
            "engagements": self._keep_engagement,
            "received": self._keep_received,
        }

    def standing(self, read: Statements, table: str, ids: Sequence[int | None]) -> dict[int, Standing]:
        """Which of these rows are here."""
        updated = "updated_at" if table in _HAS_UPDATED else "0"
        trashed = "deleted_at" if table in _HAS_TRASH else "NULL"
        blob = "blob" if table in ("images", "model_files") else "''"
        if table == "images":  # one that was withheld here stays as it is, bytes and all
            trashed = "CASE WHEN withheld = 1 THEN 1 ELSE deleted_at END"
        sql = f"SELECT id, {updated}, {trashed}, {blob} FROM {table} WHERE id IN (?*)"
        rows = read.by_ids(sql, [id for id in ids if id is not None])
        # A model that upstream deleted has a date too, and is no trash of ours.
        return {row[0]: Standing(row[1], row[2] is not None and table != "models", row[3] is None) for row in rows}

    def store(self, name: str, record: Any) -> Stored:
        """Put the bytes of a record into the store. What is missing or damaged is reported, and the record comes without."""
        if name == "images":
            image = record.image
            if image["blob"] is None or _is_withheld(record):
                return Stored()
            place = out.blob_place(out.MEDIA, check_hash(image["blob"]), extension_of(image["mime"], image["type"]))
            return self._store_bytes(f"image {image['id']}", place, image["blob"], image["mime"])
        if name == "files" and record.owned and record.file["blob"] is not None:
            file = record.file
            place = out.blob_place(out.FILES, check_hash(file["blob"]), ending_of(file["name"]))
            return self._store_bytes(f"model file {file['id']}", place, file["blob"], record.mime)
        return Stored()

    def _store_bytes(self, what: str, place: str, sha256: str, mime: str | None) -> Stored:
        path = self._folder / place
        try:
            if not path.is_file():
                raise NotFound(f"{place} is missing")
            blob = self._store.put_file(path, sha256=sha256)
        except StorageError:
            raise
        except PinakoError as error:
            self._report.refuse(what, f"comes without its bytes: {error.message}")
            return Stored()
        self._report.bytes += blob.size
        return Stored(blob.sha256, blob.size, mime or OCTETS)

    def keep(self, w: Write, touched: Touched, name: str, record: Any, stored: Stored, digest: str, now: int) -> bool:
        """Write one record; whether anything was written."""
        if stored.sha256 is not None:
            publish.keep_blob(w, stored.sha256, stored.size, stored.mime, now)
        local = self._keepers[name](w, touched, record, stored, now)
        if local is None:
            return False
        member = name.removesuffix("s")
        if member in out.TABLE_OF and member != "tag":
            self._ids.remember(w, member, getattr(record, member)["id"], local, digest)
        return True

    def refill(self, w: Write, touched: Touched, name: str, record: Any, stored: Stored, now: int) -> bool:
        """Give a row here its bytes back, and leave the rest of it as it is; whether there were any."""
        if stored.sha256 is None:
            return False
        publish.keep_blob(w, stored.sha256, stored.size, stored.mime, now)
        if name == "images":
            local = self._need("image", record.image["id"])
            touched.images.add(local)
            return w.update("images", local, {"blob": stored.sha256})
        touched.versions.add(self._need("version", record.file["version_id"]))
        return w.update("model_files", self._need("file", record.file["id"]), {"blob": stored.sha256})

    def _need(self, kind: str, id: int | None) -> int:
        local = self._ids.local(kind, id)
        if local is None:
            raise UnreadableFile(f"its {kind} {id} is not in the takeout")
        return local

    def _names(self, ids: Iterable[int]) -> list[str]:
        return [self._tags[id].name for id in ids if id in self._tags]

    # tags, models

    def _keep_tag(self, w: Write, touched: Touched, row: out.TagRow, stored: Stored, now: int) -> int | None:
        tag = out.noun_of(Tag, row.tag)
        self._tags[tag.id] = tag
        key = tag.name_key or tag.name.strip().lower()
        here = w.row("SELECT id FROM tags WHERE name_key = ?", (key,))
        if here is not None:
            self._ids.move("tag", tag.id, int(here[0]))
            return None
        taken = w.row("SELECT 1 FROM tags WHERE id = ?", (tag.id,))
        local = w.next_id("tags") if taken is not None or not 0 < tag.id <= publish.MAX_ID else tag.id
        self._ids.move("tag", tag.id, local)
        publish.keep(w, msgspec.structs.replace(tag, id=local, name_key=key))
        return local

    def _keep_model(self, w: Write, touched: Touched, row: out.ModelRow, stored: Stored, now: int) -> int | None:
        model = out.noun_of(Model, row.model)
        if is_withheld(minor=model.minor, level=model.level):
            self._report.withheld += 1
            return None
        local = self._need("model", model.id)
        kept = msgspec.structs.replace(model, id=local, user_id=self._need("user", model.user_id))
        publish.keep_model(w, touched, kept, self._names(row.tags))
        self._keep_votes(w, "model_tag_votes", "model_id", local, row.votes)
        return local

    def _keep_version(self, w: Write, touched: Touched, row: out.VersionRow, stored: Stored, now: int) -> int | None:
        version = out.noun_of(ModelVersion, row.version)
        local, model_id = self._need("version", version.id), self._need("model", version.model_id)
        if w.row("SELECT 1 FROM models WHERE id = ?", (model_id,)) is None:
            raise UnreadableFile(f"its model {version.model_id} is not here")
        vae_id = self._ids.local("version", version.vae_id)
        publish.keep_version(w, touched, msgspec.structs.replace(version, id=local, model_id=model_id, vae_id=vae_id))
        return local

    def _keep_file(self, w: Write, touched: Touched, row: out.FileRow, stored: Stored, now: int) -> int | None:
        file = out.noun_of(ModelFile, row.file)
        local, version_id = self._need("file", file.id), self._need("version", file.version_id)
        kept = msgspec.structs.replace(file, id=local, version_id=version_id, blob=stored.sha256)
        publish.keep_file(w, touched, kept, row.hashes)
        return local

    # posts, images

    def _keep_post(self, w: Write, touched: Touched, row: out.PostRow, stored: Stored, now: int) -> int | None:
        post = out.noun_of(Post, row.post)
        local = self._need("post", post.id)
        kept = msgspec.structs.replace(
            post,
            id=local,
            user_id=self._need("user", post.user_id),
            version_id=self._ids.local("version", post.version_id),
            collection_id=self._ids.local("collection", post.collection_id),
        )
        publish.keep_post(w, touched, kept, self._names(row.tags))
        self._keep_reactions(w, "post", local, row.reactions)
        return local

    def _keep_image(self, w: Write, touched: Touched, row: out.ImageRow, stored: Stored, now: int) -> int | None:
        if _is_withheld(row):
            self._report.withheld += 1
            return None
        image = out.noun_of(Image, row.image)
        local = self._need("image", image.id)
        old = find(w, Image, local)
        kept = msgspec.structs.replace(
            image,
            id=local,
            user_id=self._need("user", image.user_id),
            post_id=self._ids.local("post", image.post_id),
            remix_of_id=self._ids.local("image", image.remix_of_id),
            blob=stored.sha256 or (old.blob if old is not None else None),
        )
        if publish.keep_image(w, touched, kept, self._about(row), self._tags_on(row)) is None:
            self._report.withheld += 1
            return None
        for tag in row.tags:
            if tag.disabled or tag.needs_review:
                sql = "UPDATE image_tags SET disabled = ?, needs_review = ? WHERE image_id = ? AND tag_id = ?"
                w.run(sql, (int(tag.disabled), int(tag.needs_review), local, self._ids.local("tag", tag.tag_id)))
        self._keep_votes(w, "image_tag_votes", "image_id", local, row.votes)
        self._keep_reactions(w, "image", local, row.reactions)
        return local

    def _about(self, row: out.ImageRow) -> Metadata | None:
        if row.making is None and not row.wants:
            return None
        making = row.making or out.Making()
        wants = tuple(
            Want(
                kind=one.kind,
                name=one.name,
                hash=one.hash,
                version_id=self._ids.local("version", one.version_id),
                strength=one.strength,
            )
            for one in row.wants
        )
        return Metadata(
            site=making.site_meta, file=making.file_meta, generation=making.generation, raw=making.raw, wants=wants
        )

    def _tags_on(self, row: out.ImageRow) -> list[TagOn]:
        named = ((one, self._tags.get(one.tag_id)) for one in row.tags)
        return [
            TagOn(
                name=tag.name,
                source=one.source,
                confidence=one.confidence,
                automated=one.automated,
                type=tag.type,
                level=tag.level,
                upstream_id=tag.id,
            )
            for one, tag in named
            if tag is not None
        ]

    def _keep_votes(self, w: Write, table: str, column: str, id: int, votes: Sequence[out.Vote]) -> None:
        for one in votes:
            tag_id, user_id = self._ids.local("tag", one.tag_id), self._ids.local("user", one.user_id)
            if tag_id is not None and user_id is not None:
                row: dict[str, Value] = {
                    "tag_id": tag_id,
                    "user_id": user_id,
                    "vote": one.vote,
                    "created_at": one.created_at,
                }
                w.insert_new(table, {column: id, **row})

    def _keep_reactions(self, w: Write, kind: str, id: int, reactions: Sequence[out.Reaction]) -> None:
        for one in reactions:
            user_id = self._ids.local("user", one.user_id)
            if user_id is not None:
                row: dict[str, Value] = {"user_id": user_id, "reaction": one.reaction, "created_at": one.created_at}
                w.insert_new("reactions", {"entity_type": kind, "entity_id": id, **row})

    # collections and what people did

    def _keep_collection(
        self, w: Write, touched: Touched, row: out.CollectionRow, stored: Stored, now: int
    ) -> int | None:
        collection = out.noun_of(Collection, row.collection)
        local = self._need("collection", collection.id)
        kept = msgspec.structs.replace(
            collection,
            id=local,
            user_id=self._need("user", collection.user_id),
            image_id=self._ids.local("image", collection.image_id),
        )
        publish.keep_collection(w, touched, kept)
        for tag in row.tags:
            values: dict[str, Value] = {
                "tag_id": self._ids.local("tag", tag.tag_id),
                "filterable_only": int(tag.filterable_only),
            }
            w.insert_new("collection_tags", {"collection_id": local, **values})
        for one in row.contributors:
            user_id = self._ids.local("user", one.user_id)
            if user_id is not None:
                who: dict[str, Value] = {
                    "user_id": user_id,
                    "permissions": one.permissions,
                    "created_at": one.created_at,
                }
                w.insert_new("collection_contributors", {"collection_id": local, **who})
        return local

    def _keep_item(self, w: Write, touched: Touched, item: out.Item, stored: Stored, now: int) -> int | None:
        kind = out.KIND_OF_WORD.get(item.entity_type)
        collection_id = self._ids.local("collection", item.collection_id)
        entity_id = self._ids.local(kind, item.entity_id) if kind is not None else None
        if collection_id is None or entity_id is None:
            self._report.dangling += 1
            return None
        taken = w.row("SELECT 1 FROM collection_items WHERE id = ?", (item.id,))
        values: dict[str, Value] = {
            "collection_id": collection_id,
            "entity_type": item.entity_type,
            "entity_id": entity_id,
            "status": item.status,
            "note": item.note,
            "tag_id": self._ids.local("tag", item.tag_id),
            "added_by_id": self._ids.local("user", item.added_by_id),
            "created_at": item.created_at,
        }
        sql = "SELECT 1 FROM collection_items WHERE collection_id = ? AND entity_type = ? AND entity_id = ?"
        if w.row(sql, (collection_id, item.entity_type, entity_id)) is not None:
            return None
        id = item.id if taken is None and 0 < item.id <= publish.MAX_ID else w.next_id("collection_items")
        w.insert("collection_items", {"id": id, **values})
        touched.collections.add(collection_id)
        return id

    def _keep_reaction(
        self, w: Write, touched: Touched, one: out.GivenReaction, stored: Stored, now: int
    ) -> int | None:
        kind = out.KIND_OF_WORD.get(one.entity_type)
        id = self._ids.local(kind, one.entity_id) if kind is not None else None
        user_id = self._ids.local("user", one.user_id)
        if id is None or user_id is None:
            self._report.dangling += 1
            return None
        row: dict[str, Value] = {"user_id": user_id, "reaction": one.reaction, "created_at": one.created_at}
        return id if w.insert_new("reactions", {"entity_type": one.entity_type, "entity_id": id, **row}) else None

    def _keep_engagement(self, w: Write, touched: Touched, one: out.Engagement, stored: Stored, now: int) -> int | None:
        kind = out.KIND_OF_WORD.get(one.target_type)
        id = self._ids.local(kind, one.target_id) if kind is not None else None
        user_id = self._ids.local("user", one.user_id)
        if id is None or user_id is None:
            self._report.dangling += 1
            return None
        row: dict[str, Value] = {"user_id": user_id, "target_type": one.target_type, "target_id": id, "kind": one.kind}
        return id if w.insert_new("engagements", {**row, "created_at": one.created_at}) else None

    def _keep_received(self, w: Write, touched: Touched, one: out.Received, stored: Stored, now: int) -> int | None:
        id = self._ids.local(one.entity_type, one.entity_id)
        if id is None:
            self._report.dangling += 1
            return None
        row: dict[str, Value] = {
            "entity_type": one.entity_type,
            "entity_id": id,
            "door": one.door,
            "fetched_at": one.fetched_at,
            "source": one.source,
            "digest": one.digest,
            "body": bytes(one.body),
        }
        return id if w.insert_new("received", row) else None


def _is_withheld(row: out.ImageRow) -> bool:
    """The mandatory rule, asked before any byte is stored."""
    image = out.noun_of(Image, row.image)
    if image.withheld:
        return True
    tags = [TagOn(name="", upstream_id=one.tag_id) for one in row.tags if not one.disabled]
    return publish.arrives_withheld(minor=image.minor, level=image.level, tags=tags) or is_withheld(
        minor=image.minor, level=image.level, needs_review=image.needs_review, blocked_for=image.blocked_for
    )
