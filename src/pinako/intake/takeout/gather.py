"""The rows of a takeout in one snapshot: what the subjects own, and of what it speaks of just enough to be understood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.catalog.resources import FullFile, Model, ModelVersion
from pinako.catalog.tags import Tag
from pinako.catalog.visibility import sees_image
from pinako.feed import gather
from pinako.intake.takeout import records as out
from pinako.intake.takeout.subjects import BATCH, Subjects, borrowed_versions
from pinako.services.detail import sees_post
from pinako.services.settle import chunks
from pinako.storage.records import columns, fetch, record, select_in
from pinako.storage.scopes import Statements

Tell = Callable[[msgspec.Struct], None]
Rows = dict[int, list[Any]]

_VOTES = "SELECT {0}, tag_id, user_id, vote, created_at FROM {1} WHERE {0} IN (?*)"
_REACTIONS = (
    "SELECT entity_id, user_id, reaction, created_at FROM reactions WHERE entity_type = ? AND entity_id IN (?*)"
)


class Gathering:
    """Tells every record of a takeout to the file that it belongs into."""

    def __init__(self, read: Statements, subjects: Subjects, tell: Mapping[str, Tell]) -> None:
        self._read, self._subjects, self._tell = read, subjects, tell
        self._told: dict[str, set[int]] = defaultdict(set)
        """Ids in the takeout, for what is much referred to; images and posts are asked of the database."""
        self._people: set[int] = set()
        self._tags: set[int] = set()
        self._versions: set[int] = set()
        self._spoken: dict[tuple[str, int], None] = {}

    def gather(self) -> None:
        """Everything. The order in here is free: each kind has its own file."""
        for models in self._subjects.models(self._read):
            self._tell_models(models, owned=True)
        for posts in self._subjects.posts(self._read):
            self._tell_posts(posts)
        for images in self._subjects.images(self._read):
            self._tell_images(images)
        # Read before their items are: PostgreSQL has one long answer at a time.
        collections = list(self._subjects.collections(self._read))
        for found in collections:
            self._tell_collections(found)
        self._tell_borrowed()
        self._tell_given()
        self._tell_tags()
        self._tell_people()
        self._tell_references()

    # models

    def _tell_models(self, models: Sequence[Model], *, owned: bool) -> None:
        ids = [model.id for model in models]
        tags = self._joined("model_tags", "model_id", ids)
        votes = self._votes("model_tag_votes", "model_id", ids)
        for model in models:
            self._people.add(model.user_id)
            self._told["model"].add(model.id)
            row = out.ModelRow(
                model=out.columns_of(model), tags=tuple(tags[model.id]), votes=tuple(votes[model.id]), owned=owned
            )
            self._tell["models"](row)
        self._tell_received("model", [model.id for model in models if model.source])
        if owned:
            by_id = {model.id: model for model in models}
            versions = select_in(self._read, ModelVersion, "model_id", ids, "ORDER BY id")
            self._tell_versions(
                [one for one in versions if self._subjects.sees_version(by_id[one.model_id], one)], owned=True
            )

    def _tell_versions(self, versions: Sequence[ModelVersion], *, owned: bool) -> None:
        files = gather.full_files(self._read, [version.id for version in versions])
        sizes = self._sizes(full.file.blob for found in files.values() for full in found)
        for version in versions:
            self._told["version"].add(version.id)
            if version.vae_id is not None:
                self._versions.add(version.vae_id)
            self._tell["versions"](out.VersionRow(version=out.columns_of(version), owned=owned))
            for full in files.get(version.id, ()):
                self._tell_file(full, sizes, owned=owned)
        self._tell_received("version", [version.id for version in versions if version.source])

    def _tell_file(self, full: FullFile, sizes: Mapping[str, tuple[int, str]], *, owned: bool) -> None:
        if not owned and full.file.visibility != "Public":
            return
        size, mime = sizes.get(full.file.blob or "", (None, None))
        row = out.FileRow(
            file=out.columns_of(full.file),
            hashes={one.type: one.hash for one in full.hashes},
            size=size,
            mime=mime,
            owned=owned,
        )
        self._tell["files"](row)

    def _sizes(self, blobs: Iterable[str | None]) -> dict[str, tuple[int, str]]:
        wanted = list(dict.fromkeys(blob for blob in blobs if blob is not None))
        rows = self._read.by_ids("SELECT sha256, size, mime FROM blobs WHERE sha256 IN (?*)", wanted)
        return {row[0]: (int(row[1]), row[2]) for row in rows}

    def _tell_borrowed(self) -> None:
        """Models of others that images here were made with: their records, so that the images can say so, and no bytes."""
        wanted = self._versions - self._told["version"]
        for run in chunks(wanted):
            found = list(borrowed_versions(self._read, self._subjects.viewer, run))
            fresh = {model.id: model for model, _ in found if model.id not in self._told["model"]}
            self._tell_models(list(fresh.values()), owned=False)
            self._tell_versions([version for _, version in found], owned=False)
        for id in sorted(self._versions - self._told["version"]):
            self._spoken["version", id] = None

    # posts and images

    def _tell_posts(self, posts: Sequence[Post]) -> None:
        ids = [post.id for post in posts]
        tags = self._joined("post_tags", "post_id", ids)
        reactions = self._reactions("post", ids)
        self._speak("collection", [post.collection_id for post in posts])
        for post in posts:
            self._people.add(post.user_id)
            if post.version_id is not None:
                self._versions.add(post.version_id)
            row = out.PostRow(post=out.columns_of(post), tags=tuple(tags[post.id]), reactions=tuple(reactions[post.id]))
            self._tell["posts"](row)
        self._tell_received("post", [post.id for post in posts if post.source])

    def _tell_images(self, images: Sequence[Image]) -> None:
        ids = [image.id for image in images]
        making = {row[0]: out.Making(site_meta=row[1], file_meta=row[2], generation=row[3], raw=row[4])
                  for row in self._read.by_ids(_MAKING, ids)}  # fmt: skip
        wants, tags = self._wants(ids), self._image_tags(ids)
        used = gather.used_versions(self._read, ids)
        votes = self._votes("image_tag_votes", "image_id", ids)
        reactions = self._reactions("image", ids)
        self._speak("image", [image.remix_of_id for image in images])
        self._speak("post", [image.post_id for image in images])
        for image in images:
            self._people.add(image.user_id)
            self._versions.update(one.version_id for one in used.get(image.id, ()))
            row = out.ImageRow(
                image=out.columns_of(image),
                making=making.get(image.id),
                wants=tuple(wants[image.id]),
                used=tuple(
                    out.Used(version_id=one.version_id, strength=one.strength, detected=one.detected)
                    for one in used.get(image.id, ())
                ),
                tags=tuple(tags[image.id]),
                votes=tuple(votes[image.id]),
                reactions=tuple(reactions[image.id]),
            )
            self._tell["images"](row)
        self._tell_received("image", [image.id for image in images if image.source])

    def _wants(self, ids: Sequence[int]) -> Rows:
        found: Rows = defaultdict(list)
        for row in sorted(self._read.by_ids(_WANTS, ids), key=lambda row: row[:2]):
            if row[5] is not None:
                self._versions.add(row[5])
            found[row[0]].append(out.Wanted(kind=row[2], name=row[3], hash=row[4], version_id=row[5], strength=row[6]))
        return found

    def _image_tags(self, ids: Sequence[int]) -> Rows:
        found: Rows = defaultdict(list)
        for row in sorted(self._read.by_ids(_IMAGE_TAGS, ids), key=lambda row: row[:2]):
            self._tags.add(row[1])
            found[row[0]].append(
                out.ImageTag(
                    tag_id=row[1],
                    confidence=row[2],
                    source=row[3],
                    automated=bool(row[4]),
                    disabled=bool(row[5]),
                    needs_review=bool(row[6]),
                )
            )
        return found

    def _votes(self, table: str, column: str, ids: Sequence[int]) -> Rows:
        found: Rows = defaultdict(list)
        for row in sorted(self._read.by_ids(_VOTES.format(column, table), ids)):
            self._tags.add(row[1])
            self._people.add(row[2])
            found[row[0]].append(out.Vote(tag_id=row[1], user_id=row[2], vote=row[3], created_at=row[4]))
        return found

    def _reactions(self, kind: str, ids: Sequence[int]) -> Rows:
        found: Rows = defaultdict(list)
        for row in sorted(self._read.by_ids(_REACTIONS, ids, (kind,))):
            self._people.add(row[1])
            found[row[0]].append(out.Reaction(user_id=row[1], reaction=row[2], created_at=row[3]))
        return found

    def _joined(self, table: str, column: str, ids: Sequence[int]) -> Rows:
        found: Rows = defaultdict(list)
        for owner, tag in sorted(
            self._read.by_ids(f"SELECT {column}, tag_id FROM {table} WHERE {column} IN (?*)", ids)
        ):
            self._tags.add(tag)
            found[owner].append(tag)
        return found

    # collections

    def _tell_collections(self, found: Sequence[Collection]) -> None:
        ids = [one.id for one in found]
        tags: Rows = defaultdict(list)
        for id, tag_id, filterable in sorted(self._read.by_ids(_COLLECTION_TAGS, ids)):
            self._tags.add(tag_id)
            tags[id].append(out.CollectionTagRow(tag_id=tag_id, filterable_only=bool(filterable)))
        people: Rows = defaultdict(list)
        for id, user_id, permissions, at in sorted(self._read.by_ids(_CONTRIBUTORS, ids)):
            self._people.add(user_id)
            people[id].append(out.Contributor(user_id=user_id, permissions=permissions, created_at=at))
        self._speak("image", [one.image_id for one in found])
        for one in found:
            self._people.add(one.user_id)
            row = out.CollectionRow(
                collection=out.columns_of(one), tags=tuple(tags[one.id]), contributors=tuple(people[one.id])
            )
            self._tell["collections"](row)
            self._tell_items(one.id)
        self._tell_received("collection", [one.id for one in found if one.source])

    def _tell_items(self, collection_id: int) -> None:
        for rows in self._read.stream(_ITEMS, (collection_id,), size=BATCH):
            items = [out.Item(**dict(zip(out.Item.__struct_fields__, row, strict=True))) for row in rows]
            for word, kind in out.KIND_OF_WORD.items():
                self._speak(kind, [item.entity_id for item in items if item.entity_type == word])
            for item in items:
                self._people.update([item.added_by_id] if item.added_by_id is not None else [])
                self._tags.update([item.tag_id] if item.tag_id is not None else [])
                self._tell["items"](item)

    # what the subjects did to others' things

    def _tell_given(self) -> None:
        """Reactions to things of others, and follows, hides, blocks and favourites: those of everybody, or of the one."""
        mine, params = (
            (" WHERE user_id = ?", (self._subjects.user_id,)) if self._subjects.user_id is not None else ("", ())
        )
        for rows in self._read.stream(f"{_ENGAGED}{mine} ORDER BY user_id, target_type, target_id", params, size=BATCH):
            found = [out.Engagement(**dict(zip(out.Engagement.__struct_fields__, row, strict=True))) for row in rows]
            for word, kind in out.KIND_OF_WORD.items():
                self._speak(kind, [one.target_id for one in found if one.target_type == word])
            for one in found:
                self._people.add(one.user_id)
                self._tell["engagements"](one)
        if self._subjects.user_id is None:
            return  # every reaction stands beside its thing
        for rows in self._read.stream(f"{_GIVEN}{mine} ORDER BY entity_type, entity_id, reaction", params, size=BATCH):
            given = [
                out.GivenReaction(**dict(zip(out.GivenReaction.__struct_fields__, row, strict=True))) for row in rows
            ]
            for word, kind in out.KIND_OF_WORD.items():
                self._speak(kind, [one.entity_id for one in given if one.entity_type == word])
            for each in given:
                self._tell["reactions"](each)

    def _speak(self, kind: str, given: Sequence[int | None]) -> None:
        """Note what is spoken of. Of what there are millions of, only what is not in the takeout."""
        ids = list(dict.fromkeys(id for id in given if id is not None))
        if not ids:
            return
        if kind == "user":
            self._people.update(ids)
        elif kind == "tag":
            self._tags.update(ids)
        elif kind == "model":
            self._spoken.update(((kind, id), None) for id in ids)
        else:
            here = self._included(kind, ids)
            self._spoken.update(((kind, id), None) for id in ids if id not in here)

    # what is spoken of

    def _tell_tags(self) -> None:
        if self._subjects.user_id is None:
            for rows in self._read.stream(f"SELECT {columns(Tag)} FROM tags ORDER BY id", size=BATCH):
                for row in rows:
                    self._tell["tags"](out.TagRow(tag=out.columns_of(record(Tag, row))))
            return
        for run in chunks(self._tags):
            found = fetch(self._read, Tag, run)
            for id in sorted(found):
                self._tell["tags"](out.TagRow(tag=out.columns_of(found[id])))

    def _tell_people(self) -> None:
        subjects = {user.id: user for user in self._subjects.accounts(self._read)}
        for id in sorted(subjects):
            self._tell["people"](out.Person(user=out.columns_of(subjects[id]), subject=True))
            self._speak("image", [subjects[id].profile_picture_id])
        for run in chunks(id for id in self._people if id not in subjects):
            found = fetch(self._read, User, run)
            for id in sorted(found):
                self._tell["people"](out.Person(user=out.columns_of(_stranger(found[id]))))

    def _tell_references(self) -> None:
        """Things that are spoken of and are not here, so that a reader need not look for them."""
        for kind in ("image", "post", "model", "version", "collection"):
            here = self._told[kind] if kind in ("model", "version") else set()
            ids = [id for word, id in self._spoken if word == kind and id not in here]
            for run in chunks(ids):
                for id, source, source_id in sorted(self._elsewhere(kind, run)):
                    self._tell["references"](out.Reference(kind=kind, id=id, source=source, source_id=source_id))

    def _elsewhere(self, kind: str, ids: Sequence[int]) -> list[tuple[int, str, int | None]]:
        sql = f"SELECT id, source, source_id FROM {out.TABLE_OF[kind]} WHERE id IN (?*)"
        origins = {row[0]: (row[1], row[2]) for row in self._read.by_ids(sql, ids)}
        return [(id, *origins.get(id, ("", None))) for id in ids]

    def _included(self, kind: str, ids: Sequence[int]) -> set[int]:
        """Of these those that this takeout has: asked of the same rules again, since nobody keeps a million ids."""
        subjects = self._subjects
        if kind == "image":
            images = fetch(self._read, Image, ids).values()
            return {
                one.id
                for one in images
                if subjects.owns(one.user_id) and not one.withheld and sees_image(one, subjects.viewer, subjects.now)
            }
        if kind == "post":
            posts = fetch(self._read, Post, ids).values()
            seen = (one for one in posts if sees_post(one, subjects.viewer, subjects.now))
            return {one.id for one in seen if subjects.owns(one.user_id)}
        found = fetch(self._read, Collection, ids).values()
        return {one.id for one in found if subjects.owns(one.user_id) and one.deleted_at is None}

    def _tell_received(self, kind: str, ids: Sequence[int]) -> None:
        """Documents of mirrored things, every revision."""
        rows = self._read.by_ids(_RECEIVED, ids, (kind,))
        for row in sorted(rows, key=lambda row: (row[1], row[3], row[2])):
            body = bytes(row[6])
            if b"\n" in body:  # one line each
                body = msgspec.json.encode(msgspec.json.decode(body))
            fields = dict(zip(out.Received.__struct_fields__, (*row[:6], msgspec.Raw(body)), strict=True))
            self._tell["received"](out.Received(**fields))


def _stranger(user: User) -> User:
    """What anybody may know of an account that is only spoken of."""
    return User(
        id=user.id,
        username=user.username,
        username_key=user.username_key,
        image=user.image,
        created_at=user.created_at,
        deleted_at=user.deleted_at,
        source=user.source,
        source_id=user.source_id,
        fetched_at=user.fetched_at,
    )


_MAKING = "SELECT image_id, site_meta, file_meta, generation, raw FROM image_meta WHERE image_id IN (?*)"
_WANTS = "SELECT image_id, place, kind, name, hash, version_id, strength FROM image_wants WHERE image_id IN (?*)"
_IMAGE_TAGS = (
    "SELECT image_id, tag_id, confidence, source, automated, disabled, needs_review FROM image_tags "
    "WHERE image_id IN (?*)"
)
_COLLECTION_TAGS = "SELECT collection_id, tag_id, filterable_only FROM collection_tags WHERE collection_id IN (?*)"
_CONTRIBUTORS = (
    "SELECT collection_id, user_id, permissions, created_at FROM collection_contributors WHERE collection_id IN (?*)"
)
_ITEMS = (
    "SELECT id, collection_id, entity_type, entity_id, created_at, status, note, tag_id, added_by_id "
    "FROM collection_items WHERE collection_id = ? ORDER BY created_at, id"
)
_ENGAGED = "SELECT user_id, target_type, target_id, kind, created_at FROM engagements"
_GIVEN = "SELECT entity_type, entity_id, user_id, reaction, created_at FROM reactions"
_RECEIVED = (
    "SELECT entity_type, entity_id, door, fetched_at, source, digest, body FROM received "
    "WHERE entity_type = ? AND entity_id IN (?*)"
)
