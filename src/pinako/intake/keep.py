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
from pinako.intake.rules import Rules, Verdict
from pinako.intake.walk import Source, key_of, shown
from pinako.services import publish
from pinako.services.prepare import PreparedImage
from pinako.services.publish import Arriving, TagOn
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


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """An arrival that becomes an image of its own, with what the rules say of it."""

    arrival: Arrival
    verdict: Verdict
    post_id: int


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
        """Write a batch. New images are gathered and written together, but before their equals are looked at."""
        here = find_here(w, (each.prepared.sha256 for each in arrivals), self._terms.user_id)
        lost = self._lost(w, [each.prepared for each in arrivals])
        fresh: dict[str, Fresh] = {}
        for arrival in arrivals:
            sha256 = arrival.prepared.sha256
            self._report.done_bytes += arrival.source.size if arrival.from_file else 0
            if sha256 in fresh:
                self._keep_fresh(w, touched, fresh, here, now)
            found = here.get(sha256)
            if found is not None and not self._is_new_preview(w, arrival):
                self._know_again(w, touched, arrival, found, now)
                continue
            verdict = self._terms.rules.judge(arrival.source.path, _prompt(arrival.prepared))
            if verdict.skip:
                self._report.skipped += arrival.from_file
                self.unwanted.append(sha256)
                continue
            self._keep_bytes(w, arrival, now)
            id = lost.pop((arrival.prepared.pixel_hash, arrival.prepared.size), None)
            if id is None:
                post_id = self._post(w, touched, arrival, now)
                fresh[sha256] = Fresh(arrival=arrival, verdict=verdict, post_id=post_id)
            else:
                self._refill(w, touched, id, arrival, now)
                here.setdefault(sha256, Here(id=id, trashed=False))
        self._keep_fresh(w, touched, fresh, here, now)

    def _keep_fresh(self, w: Write, touched: Touched, fresh: dict[str, Fresh], here: dict[str, Here], now: int) -> None:
        """Write the images that have gathered; from now on they are here."""
        news = list(fresh.values())
        fresh.clear()
        if not news:
            return
        arriving = [
            Arriving(
                image=self._image(id, each, now),
                about=each.arrival.prepared.about,
                tags=[TagOn(name=name) for name in each.verdict.tags],
            )
            for id, each in zip(w.next_ids("images", len(news)), news, strict=True)
        ]
        rows = []
        for id, each in zip(publish.keep_images(w, touched, arriving), news, strict=True):
            if id is None:  # withheld: nothing of it stays
                self._report.skipped += each.arrival.from_file
                continue
            self._count(each.arrival, each.verdict.level)
            sha256 = each.arrival.prepared.sha256
            here.setdefault(sha256, Here(id=id, trashed=False))
            if each.arrival.from_file:
                rows.append((each.arrival.source, sha256, id))
        known.remember_all(w, rows, known.IMAGE, now)

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

    def _count(self, arrival: Arrival, level: int) -> None:
        if arrival.slot.post.version_id is not None:
            self._report.previews += arrival.from_file
        else:
            self._report.images += 1
        self._report.unrated += level == 0

    def _lost(self, read: Statements, prepared: Sequence[PreparedImage]) -> dict[tuple[str | None, int], int]:
        """Images that lost their bytes (`check --repair` found them damaged), by pixels and size."""
        sql = (
            "SELECT pixel_hash, size, id FROM images WHERE user_id = ? AND blob IS NULL AND withheld = 0 "
            "AND deleted_at IS NULL AND pixel_hash IN (?*) ORDER BY id DESC"
        )
        hashes = list(dict.fromkeys(each.pixel_hash for each in prepared if each.pixel_hash is not None))
        rows = read.by_ids(sql, hashes, (self._terms.user_id,))
        return {(row[0], row[1]): int(row[2]) for row in rows}

    def _refill(self, w: Write, touched: Touched, id: int, arrival: Arrival, now: int) -> None:
        """Give an image its bytes back."""
        w.update("images", id, {"blob": arrival.prepared.sha256})
        touched.images.add(id)
        self._report.restored += 1
        self._report.already += 1
        if arrival.from_file:
            known.remember(w, arrival.source, arrival.prepared.sha256, known.IMAGE, id, now)

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

    def _image(self, id: int, fresh: Fresh, now: int) -> Image:
        arrival, prepared, source = fresh.arrival, fresh.arrival.prepared, fresh.arrival.source
        made = min(source.mtime_ns // 1_000_000, now) if self._terms.dated else now
        return Image(
            id=id,
            user_id=self._terms.user_id,
            post_id=fresh.post_id,
            idx=arrival.slot.place,
            name=name_of(source.path) if arrival.from_file else None,
            media_key=str(uuid.uuid4()),
            **prepared.columns(),
            level=fresh.verdict.level,
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
