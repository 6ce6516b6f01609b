"""Pictures into rows: what the workers have read, in batches, each batch whole or not at all.

The bytes lie in the store before a row names them. Whether a content is here already is asked inside the transaction, so
that two importers at once make one image of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from pinako.catalog.filenames import safe_name
from pinako.catalog.images import Image, Post
from pinako.intake import known
from pinako.intake.groups import Slot
from pinako.intake.report import Report
from pinako.intake.rules import Rules
from pinako.intake.walk import Source, key_of, shown
from pinako.services import publish
from pinako.services.prepare import PreparedImage
from pinako.services.publish import TagOn
from pinako.services.settle import Touched
from pinako.storage.scopes import Statements, Write


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that was read and stored, and where it goes. `file` None: it came out of a model file."""

    source: Source
    prepared: PreparedImage
    slot: Slot
    from_file: bool = True


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What all arrivals of a run share: whose they are, how they are rated, whether bytes are linked and files dated."""

    user_id: int
    rules: Rules
    in_place: bool = False
    dated: bool = False


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the same content that the library has."""

    id: int
    trashed: bool
    version_id: int | None = None


def find_here(read: Statements, hashes: Iterable[str], user_id: int) -> dict[str, Here]:
    """The images of these contents that are this user's or mirrored, one for each; those in the trash only where no other is."""
    wanted = list(dict.fromkeys(hashes))
    sql = (
        "SELECT i.blob, i.id, i.deleted_at, i.user_id, i.source, p.version_id FROM images i "
        "LEFT JOIN posts p ON p.id = i.post_id WHERE i.blob IN (?*)"
    )
    found: dict[str, Here] = {}
    for sha256, id, deleted_at, owner, source, version_id in sorted(read.by_ids(sql, wanted), key=lambda row: row[1]):
        if owner != user_id and not source:
            continue
        here = Here(id=id, trashed=deleted_at is not None, version_id=version_id)
        if sha256 not in found or (found[sha256].trashed and not here.trashed):
            found[sha256] = here
    return found | _without_bytes(read, [sha256 for sha256 in wanted if sha256 not in found])


def _without_bytes(read: Statements, hashes: Sequence[str]) -> dict[str, Here]:
    """Images that were imported from these contents and have no bytes any more: withheld ones, which must stay so."""
    ids = known.by_content(read, hashes, known.IMAGE)
    withheld = {
        row[0] for row in read.by_ids("SELECT id FROM images WHERE withheld = 1 AND id IN (?*)", list(ids.values()))
    }
    return {sha256: Here(id=id, trashed=False) for sha256, id in ids.items() if id in withheld}


class PictureKeeper:
    """Writes arrivals for one run."""

    def __init__(self, terms: Terms, report: Report) -> None:
        self._terms = terms
        self._report = report
        self.unwanted: list[str] = []
        """Contents that were stored and then not kept; to be removed once the transaction is over."""

    def keep(self, w: Write, touched: Touched, arrivals: Sequence[Arrival], now: int) -> None:
        """Write a batch."""
        here = find_here(w, (each.prepared.sha256 for each in arrivals), self._terms.user_id)
        for arrival in arrivals:
            self._report.done_bytes += arrival.source.size if arrival.from_file else 0
            found = here.get(arrival.prepared.sha256)
            if found is not None and not self._is_new_preview(w, arrival):
                self._know_again(w, touched, arrival, found, now)
            else:
                id = self._keep_new(w, touched, arrival, now)
                if id is not None:
                    here.setdefault(arrival.prepared.sha256, Here(id=id, trashed=False))

    def _is_new_preview(self, w: Write, arrival: Arrival) -> bool:
        """A version's preview may be somebody's picture elsewhere; what counts is whether the version shows it."""
        version_id = arrival.slot.post.version_id
        if version_id is None:
            return False
        sql = "SELECT 1 FROM images i JOIN posts p ON p.id = i.post_id WHERE p.version_id = ? AND i.blob = ?"
        return w.row(sql, (version_id, arrival.prepared.sha256)) is None

    def _know_again(self, w: Write, touched: Touched, arrival: Arrival, found: Here, now: int) -> None:
        if found.trashed:
            self._report.trashed += arrival.from_file
        else:
            self._report.already += arrival.from_file
            self._keep_bytes(w, arrival, now)
        if arrival.from_file:
            known.remember(w, arrival.source, arrival.prepared.sha256, known.IMAGE, found.id, now)
        verdict = self._terms.rules.judge(arrival.source.path, _prompt(arrival.prepared))
        self._report.rated += rate(w, touched, [found.id], verdict.level, verdict.tags)

    def _keep_bytes(self, w: Write, arrival: Arrival, now: int) -> None:
        prepared, link = arrival.prepared, None
        if self._terms.in_place and arrival.from_file:
            link = key_of(arrival.source.path)
        publish.keep_blob(w, prepared.sha256, prepared.size, prepared.mime, now, link)
        if link is not None:  # the newest place of a linked file is where it is looked for
            sql = "UPDATE blobs SET link_path = ? WHERE sha256 = ? AND link_path IS NOT NULL"
            w.run(sql, (link, prepared.sha256))

    def _keep_new(self, w: Write, touched: Touched, arrival: Arrival, now: int) -> int | None:
        prepared = arrival.prepared
        verdict = self._terms.rules.judge(arrival.source.path, _prompt(prepared))
        if verdict.skip:
            self._report.skipped += arrival.from_file
            self.unwanted.append(prepared.sha256)
            return None
        self._keep_bytes(w, arrival, now)
        id = self._refill(w, touched, prepared)
        if id is None:
            image = self._image(w, arrival, verdict.level, self._post(w, touched, arrival, now), now)
            tags = [TagOn(name=name) for name in verdict.tags]
            id = publish.keep_image(w, touched, image, prepared.about, tags)
            self._count(arrival, verdict.level)
        if id is not None and arrival.from_file:
            known.remember(w, arrival.source, prepared.sha256, known.IMAGE, id, now)
        return id

    def _count(self, arrival: Arrival, level: int) -> None:
        if arrival.slot.post.version_id is not None:
            self._report.previews += arrival.from_file
        else:
            self._report.images += 1
        self._report.unrated += level == 0

    def _refill(self, w: Write, touched: Touched, prepared: PreparedImage) -> int | None:
        """An image that lost its bytes (`check --repair` found them damaged) gets them back. Its id."""
        if prepared.pixel_hash is None:
            return None
        sql = (
            "SELECT id FROM images WHERE pixel_hash = ? AND size = ? AND user_id = ? AND blob IS NULL "
            "AND withheld = 0 AND deleted_at IS NULL ORDER BY id LIMIT 1"
        )
        id = w.value(sql, (prepared.pixel_hash, prepared.size, self._terms.user_id))
        if id is None:
            return None
        w.update("images", id, {"blob": prepared.sha256})
        touched.images.add(id)
        self._report.restored += 1
        self._report.already += 1
        return int(id)

    def _post(self, w: Write, touched: Touched, arrival: Arrival, now: int) -> int:
        """The id of an arrival's post, made with its first picture."""
        post = arrival.slot.post
        if post.id is None:
            at = min(post.at, now) if post.at else now
            if post.version_id is not None and not self._is_ours(w, post.version_id):
                post.version_id = None
            post.id = w.next_id("posts")
            row = Post(
                id=post.id,
                user_id=self._terms.user_id,
                title=post.title,
                version_id=post.version_id,
                published_at=at,
                sort_at=at,
                created_at=now,
                updated_at=now,
            )
            publish.keep_post(w, touched, row)
            self._report.posts += 1
        touched.posts.add(post.id)
        return post.id

    def _is_ours(self, w: Write, version_id: int) -> bool:
        """Whether a version's page is ours to fill: a mirrored one shows its creator's images."""
        sql = "SELECT m.user_id FROM model_versions v JOIN models m ON m.id = v.model_id WHERE v.id = ?"
        return bool(w.value(sql, (version_id,)) == self._terms.user_id)

    def _image(self, w: Write, arrival: Arrival, level: int, post_id: int, now: int) -> Image:
        prepared, source = arrival.prepared, arrival.source
        made = min(source.mtime_ns // 1_000_000, now) if self._terms.dated else now
        return Image(
            id=w.next_id("images"),
            user_id=self._terms.user_id,
            post_id=post_id,
            idx=arrival.slot.place,
            name=name_of(source.path) if arrival.from_file else None,
            media_key=str(uuid.uuid4()),
            type=prepared.type,
            mime=prepared.mime,
            width=prepared.width,
            height=prepared.height,
            blurhash=prepared.blurhash,
            phash=prepared.phash,
            pixel_hash=prepared.pixel_hash,
            blob=prepared.sha256,
            size=prepared.size,
            metadata=msgspec.json.encode(prepared.facts).decode(),
            level=level,
            process=prepared.process,
            generator=prepared.generator,
            created_at=made,
            updated_at=now,
            scanned_at=now,
            sort_at=made,
        )


def name_of(path: Path) -> str:
    """A file's name as it is shown: valid text, without what no name should hold."""
    return safe_name(shown(path.name))


def _prompt(prepared: PreparedImage) -> str | None:
    """The prompt, for rules that look at it."""
    text = prepared.about.file
    meta = msgspec.json.decode(text) if text else {}
    found = meta.get("prompt")
    return found if isinstance(found, str) else None


def rate(w: Write, touched: Touched, ids: Sequence[int], level: int, tags: Sequence[str]) -> int:
    """Give a level to those of these images that have none, and tags to all; how many were rated."""
    rated = []
    if level:
        sql = (
            "UPDATE images SET level = ? WHERE level = 0 AND level_locked = 0 AND withheld = 0 AND deleted_at IS NULL "
            "AND id IN (?*) RETURNING id"
        )
        rated = [row[0] for row in w.by_ids(sql, ids, (level,))]
    touched.images.update(rated)
    for name in tags:
        tag_id = publish.keep_tag(w, TagOn(name=name), "Image")
        for id in ids:
            if w.insert_new("image_tags", {"image_id": id, "tag_id": tag_id, "source": "User"}):
                touched.images.add(id)
    return len(rated)
