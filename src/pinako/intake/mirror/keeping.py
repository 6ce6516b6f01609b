"""The keeping side's transactions: what was found, written in batches; each batch with its notes, or nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from pinako.catalog.images import Image
from pinako.catalog.images import Post as PostNoun
from pinako.catalog.visibility import MINOR_TAGS, is_withheld
from pinako.client.records.images import Image as Row
from pinako.feed import documents
from pinako.intake import journal
from pinako.intake.guard import attempt
from pinako.intake.journal import Item, State
from pinako.intake.mirror.documents import doc_of, keep_document, keep_documents
from pinako.intake.mirror.findings import (
    CollectionFound,
    FileFound,
    ImageFound,
    ListBroken,
    ModelFound,
    Page,
    PageClosed,
    PostFound,
    StateFound,
    UserFound,
    VersionFound,
)
from pinako.intake.mirror.ids import People, local_id, local_ids, reference
from pinako.intake.mirror.keeping_collections import CollectionsKeeper
from pinako.intake.mirror.keeping_models import ModelsKeeper, StoredFile, half
from pinako.intake.mirror.nouns import (
    Home,
    image_counts,
    image_of,
    metadata_of,
    post_of,
    process_of,
    tags_of,
    used_versions,
    with_bytes,
)
from pinako.intake.mirror.options import Part
from pinako.intake.mirror.remembered import GENERATION, TAGS, with_remembered
from pinako.intake.mirror.report import Missing, Report
from pinako.intake.mirror.terms import Flying, reason_of, state_of
from pinako.intake.mirror.votes import keep_votes, without_voted_off
from pinako.services import publish
from pinako.services.added import added_here
from pinako.services.prepare import PreparedImage
from pinako.services.publish import TagOn
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write

DAY = 86_400_000
TABLE_OF = {
    "image": "images",
    "post": "posts",
    "model": "models",
    "collection": "collections",
    "version": "model_versions",
}


_NOT_OF_BYTES = frozenset({State.GONE, State.PARTIAL})
"""States that say nothing of why an image's bytes are not here."""


class Medium(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an image's bytes: measured and stored, or why not."""

    prepared: PreparedImage | None = None
    blob: str | None = None
    """A content that is here already, under the same media key."""
    state: State = State.KEPT
    reason: str = ""


class ImageReady(msgspec.Struct, frozen=True, kw_only=True):
    """An image that can be written. `medium` None: its bytes were not wanted."""

    found: ImageFound
    medium: Medium | None = None
    spent: Path | None = None
    """The file that was fetched; not needed once this is written."""


class FileReady(msgspec.Struct, frozen=True, kw_only=True):
    """A model file that can be written."""

    found: FileFound
    stored: StoredFile | None = None
    state: State = State.KEPT
    reason: str = ""
    retry_at: int | None = None
    spent: Path | None = None


Ready: TypeAlias = (
    ImageReady
    | FileReady
    | PostFound
    | ModelFound
    | VersionFound
    | CollectionFound
    | UserFound
    | StateFound
    | PageClosed
    | ListBroken
)


def is_to_be_withheld(read: Statements, source: str, found: ImageFound) -> bool:
    """The mandatory rule, asked before any byte is fetched: flags, child tags, and models flagged as minor (domain.md d)."""
    row = found.row
    minor = row.minor or any(tag.id in MINOR_TAGS for tag in row.tags) or bool(MINOR_TAGS & set(row.tag_ids))
    minor = minor or any(tag.id in MINOR_TAGS for tag in found.tags or ())
    if is_withheld(minor=minor, level=row.level, needs_review=row.needs_review, blocked_for=row.blocked_for):
        return True
    if not is_withheld(minor=True, level=row.level):
        return False  # no model could change the answer
    versions = [*used_versions(row, found.generation), *row.model_version_ids_manual]
    versions += [row.model_version_id] if row.model_version_id else []
    sql = (
        "SELECT 1 FROM model_versions v JOIN models m ON m.id = v.model_id "
        "WHERE v.source = ? AND m.minor = 1 AND v.source_id IN (?*) LIMIT 1"
    )
    return bool(read.by_ids(sql, versions, (source,)))


class Keeper:
    """Writes what one run has ready."""

    def __init__(
        self,
        database: Database,
        source: str,
        key: str,
        flying: Flying,
        report: Report,
        *,
        retry_days: int,
        begun_at: int,
    ) -> None:
        self._database, self._source, self._key = database, source, key
        self._flying, self._report, self._retry = flying, report, retry_days * DAY
        self._people = People(source)
        self._models = ModelsKeeper(source, self._people, report)
        self._collections = CollectionsKeeper(source, self._people, report, begun_at)
        self._closed: list[Page] = []
        self.events: list[dict[str, object]] = []

    def write(self, batch: Sequence[Ready]) -> None:
        """Keep a batch: rows, documents and notes in one transaction."""
        now = self._database.now()
        try:
            with self._database.write() as w:
                touched = Touched()
                for each in batch:
                    self._guarded(w, touched, each, now)
                self._settle_pages(w, touched, now)
                settle(w, touched, now)
        finally:
            self._flying.written()

    def _guarded(self, w: Write, touched: Touched, each: Ready, now: int) -> None:
        """One thing; what it does to its keeper is its own trouble, not the run's."""
        _, error = attempt(lambda: self._kept(w, touched, each, now))
        if error:
            self._spoiled(w, each, error, now)
        self._landed(each)

    def _kept(self, w: Write, touched: Touched, each: Ready, now: int) -> bool:
        with w.attempt():
            self._keep(w, touched, each, now)
        return True

    def _spoiled(self, w: Write, each: Ready, reason: str, now: int) -> None:
        self._people.forget()
        entity, id = _name_of(each)
        if entity:
            self._note(w, Item(entity=entity, id=id or 0, state=State.FAILED, reason=reason), now)
        self._miss(entity or "list", id, State.FAILED, reason)

    def _landed(self, each: Ready) -> None:
        """Tell the pages that wait for it."""
        if isinstance(each, PageClosed):
            return
        if isinstance(each, FileReady):
            each.found.page.tick()
        elif isinstance(each, StateFound | ListBroken):
            each.page.tick()
        else:
            entity, id = _name_of(each)
            self._flying.land(entity, id or 0, unwritten=True)

    def _keep(self, w: Write, touched: Touched, each: Ready, now: int) -> None:
        if isinstance(each, ImageReady):
            self._keep_image(w, touched, each, now)
        elif isinstance(each, PostFound):
            self._keep_post(w, touched, each, now)
        elif isinstance(each, ModelFound):
            item = self._models.keep_model(w, touched, each, now)
            self._note(w, item, now)
            if item.state is State.PARTIAL:
                self._miss("model", item.id, item.state, item.reason)
        elif isinstance(each, VersionFound):
            self._models.keep_credited(w, touched, each, now)
            self._note(w, Item(entity="version", id=each.version.id, parts=("record",)), now)
        elif isinstance(each, FileReady):
            self._keep_file(w, touched, each, now)
        elif isinstance(each, CollectionFound):
            self._collections.keep(w, touched, each, now)
            self._note(w, Item(entity="collection", id=each.collection.id), now)
        elif isinstance(each, UserFound):
            self._people.keep_profile(w, touched, each.profile, now)
            self._note(w, Item(entity="user", id=each.profile.id), now)
        elif isinstance(each, StateFound):
            self._keep_state(w, each, now)
        elif isinstance(each, PageClosed):
            self._closed.append(each.page)
        else:
            self.break_list(each.reason)

    def break_list(self, reason: str) -> None:
        """A list could not be read to its end: the run is not whole."""
        self._report.whole = False
        self._miss("list", None, State.FAILED, reason)

    # images

    def _keep_image(self, w: Write, touched: Touched, ready: ImageReady, now: int) -> None:
        found, row = ready.found, ready.found.row
        if is_to_be_withheld(w, self._source, found):
            self._withhold(w, touched, found, now)
            return
        local, here = publish.place(w, "images", self._source, row.id)
        old = find(w, Image, local) if here else None
        if found.steady and old is not None:
            self._keep_counts(w, local, row)
            self._report.already += 1
            self._note_image(w, ready, now)
            return
        found = with_remembered(w, found, local) if old is not None else found
        user_id = self._people.keep(w, touched, row.user, now, id=row.user_id, name=row.username)
        home = Home(id=local, source=self._source, source_id=row.id, user_id=user_id, now=now)
        image = self._image(w, found, ready.medium, home, old, now)
        about = metadata_of(row, found.generation, _prepared(ready), self._versions(w, found))
        tags = tags_of(row, found.tags)
        id = publish.keep_image(w, touched, image, about, tags if old is None else without_voted_off(w, local, tags))
        if id is None:
            self._withhold(w, touched, found, now)
            return
        keep_votes(w, id, found.tags if found.tags is not None else row.tags, now)
        self._document(w, found, id, ready.medium, now)
        self._note_image(w, ready, now)
        for reason in found.failed:
            self._miss("image", row.id, State.PARTIAL, reason)
        self._report.images += old is None
        self._report.changed += old is not None

    def _keep_counts(self, w: Write, id: int, row: Row) -> None:
        counts = image_counts(row.stats, added_here(w, "image", id))
        if counts:
            w.update("images", id, counts)
            documents.recount(w, "image", [id])

    def _image(
        self, w: Write, found: ImageFound, medium: Medium | None, home: Home, old: Image | None, now: int
    ) -> Image:
        row = found.row
        post_id = None if row.post_id is None else reference(w, "posts", self._source, row.post_id)
        own = added_here(w, "image", home.id) if old is not None else {}
        process = process_of(row, found.generation)
        image = image_of(row, home, post_id=post_id, old=old, process=process, own=own)
        if medium is None:
            return image
        if medium.blob is not None:
            return msgspec.structs.replace(image, blob=medium.blob)
        if medium.prepared is None:
            return image
        prepared = medium.prepared
        publish.keep_blob(w, prepared.sha256, prepared.size, prepared.mime, now)
        self._report.fetched += 1
        return with_bytes(image, row, prepared)

    def _versions(self, w: Write, found: ImageFound) -> dict[int, int]:
        used = used_versions(found.row, found.generation)
        here = local_ids(w, "model_versions", self._source, used)
        return {
            id: local
            for id in used
            if (local := here.get(id) or reference(w, "model_versions", self._source, id)) is not None
        }

    def _document(self, w: Write, found: ImageFound, id: int, medium: Medium | None, now: int) -> None:
        docs = [doc_of("trpc", found.row.raw, found.digest)]
        if found.generation is not None:
            docs.append(doc_of(GENERATION, found.generation.raw))
        if found.tags is not None:
            docs.append(doc_of(TAGS, [tag.raw for tag in found.tags]))
        if medium is not None and medium.prepared is not None:
            docs.append(
                doc_of("bytes", {"key": found.row.url, "sha256": medium.prepared.sha256, "size": medium.prepared.size})
            )
        for doc in docs:
            keep_document(w, "image", id, self._source, doc, now)

    def _note_image(self, w: Write, ready: ImageReady, now: int) -> None:
        found, medium = ready.found, ready.medium
        parts, state, reason = {*found.parts}, State.KEPT, ""
        if medium is not None and medium.state is State.KEPT:
            parts.add(str(Part.MEDIA))
        elif medium is not None:
            state, reason = medium.state, medium.reason
            self._miss("image", found.row.id, state, reason)
        elif found.known is not None and Part.MEDIA not in parts and found.known.state not in _NOT_OF_BYTES:
            state, reason = found.known.state, found.known.reason
        if found.failed and state not in journal.FAULTS:
            # Its bytes may be here or closed for good: it is this that the next run asks again.
            state, reason = State.PARTIAL, "; ".join(found.failed)
        item = Item(
            entity="image",
            id=found.row.id,
            state=state,
            reason=reason,
            digest=found.digest,
            parts=tuple(parts),
            retry_at=self._retry_at(state, now),
        )
        self._note(w, item, now)

    def _withhold(self, w: Write, touched: Touched, found: ImageFound, now: int) -> None:
        """Nothing of it is kept but its number. A row that was here before becomes withheld with all that follows."""
        local = local_id(w, "images", self._source, found.row.id)
        if local is not None:
            row = {"minor": int(found.row.minor or True), "level": found.row.level}
            w.update("images", local, row)
            touched.images.add(local)
        publish.keep_tombstone(w, "image", self._source, found.row.id, "withheld", now)
        item = Item(entity="image", id=found.row.id, state=State.WITHHELD, digest=found.digest)
        self._note(w, item, now)
        self._report.withheld += 1

    # posts

    def _keep_post(self, w: Write, touched: Touched, found: PostFound, now: int) -> None:
        given = found.single or found.listed
        if given is None:
            state = state_of(found.error) if found.error is not None else State.FAILED
            reason = "its images are here, the post itself could not be read"
            reason += f": {reason_of(found.error)}" if found.error is not None else ""
            item = Item(entity="post", id=found.id, state=state, reason=reason, retry_at=self._retry_at(state, now))
            self._note(w, item, now)
            self._miss("post", found.id, state, reason)
            return
        local, here = publish.place(w, "posts", self._source, found.id)
        user = next((one.user for one in (found.single, found.listed) if one and one.user), None)
        home = Home(
            id=local, source=self._source, source_id=found.id, user_id=self._people.keep(w, touched, user, now), now=now
        )
        docs = [doc_of(door, one.raw) for door, one in (("trpc", found.single), ("trpc.row", found.listed)) if one]
        news = keep_documents(w, "post", local, self._source, docs, now)
        post = post_of(
            home,
            single=found.single,
            listed=found.listed,
            version_id=reference(w, "model_versions", self._source, given.model_version_id),
            collection_id=reference(w, "collections", self._source, given.collection_id),
            old=find(w, PostNoun, local) if here else None,
            own=added_here(w, "post", local) if here else {},
            news=news,
        )
        tags = found.single.tags if found.single and news else ()
        for tag in tags:
            publish.keep_tag(w, TagOn(name=tag.name, type=tag.type or "UserGenerated", upstream_id=tag.id), "Post")
        publish.keep_post(w, touched, post, [tag.name for tag in tags])
        state, reason = (State.KEPT, "") if found.error is None else (State.PARTIAL, half(found.error))
        self._note(w, Item(entity="post", id=found.id, state=state, reason=reason), now)
        if reason:
            self._miss("post", found.id, state, reason)
        self._report.posts += not here

    # files and notes

    def _keep_file(self, w: Write, touched: Touched, ready: FileReady, now: int) -> None:
        found = ready.found
        parts: tuple[str, ...] = ()
        state, reason, retry_at = ready.state, ready.reason, ready.retry_at
        if ready.stored is not None:
            self._models.keep_bytes(w, touched, found, ready.stored, now)
            parts = (str(Part.MODELS),)
        elif state is State.LEFT_OUT:
            self._report.left_out += 1
        else:
            self._miss("file", found.file.id, state, reason)
        digest = found.file.sha256 or ""
        item = Item(
            entity="file",
            id=found.file.id or 0,
            state=state,
            reason=reason,
            digest=digest if ready.stored is not None else "",
            parts=parts,
            retry_at=retry_at if retry_at is not None else self._retry_at(state, now),
        )
        self._note(w, item, now)

    def _keep_state(self, w: Write, found: StateFound, now: int) -> None:
        old = None
        if found.id is not None:
            old = journal.items(w, self._source, found.entity, [found.id]).get(found.id)
            item = Item(
                entity=found.entity,
                id=found.id,
                state=found.state,
                reason=found.reason,
                digest=old.digest if old is not None else "",
                parts=old.parts if old is not None else (),
                retry_at=found.retry_at or self._retry_at(found.state, now),
            )
            self._note(w, item, now)
        self._report.withheld += found.state is State.WITHHELD
        self._report.left_out += found.state is State.LEFT_OUT
        if found.state is State.GONE:
            self._report.gone += old is None or old.state is not State.GONE
        elif found.reason:
            self._miss(found.entity, found.id, found.state, found.reason)

    def _retry_at(self, state: State, now: int) -> int | None:
        return now + self._retry if state in journal.CLOSED else None

    def _note(self, w: Write, item: Item, now: int) -> None:
        journal.note(w, self._source, item, now)
        self.events.append({"event": "item", "entity": item.entity, "id": item.id, "state": str(item.state)})

    def _miss(self, entity: str, id: int | None, state: State, reason: str) -> None:
        self._report.miss(Missing(source=self._source, entity=entity, id=id, state=str(state), reason=reason))

    # pages

    def _settle_pages(self, w: Write, touched: Touched, now: int) -> None:
        """Note what pages named, and how far each list is dealt with: never beyond a page that is not."""
        settled = True
        while settled:
            settled = False
            for page in list(self._closed):
                if page.is_done and (page.previous is None or page.previous.settled):
                    self._closed.remove(page)
                    self._settle_page(w, touched, page, now)
                    settled = True

    def _settle_page(self, w: Write, touched: Touched, page: Page, now: int) -> None:
        page.spoiled = page.spoiled or (page.previous is not None and page.previous.spoiled)
        page.settled, page.previous = True, None
        if page.parent is not None:
            page.parent.tick()
        else:
            journal.keep_finds(w, self._source, self._key, [*page.members, *page.beside], now)
        if page.collection is not None:
            self._collections.keep_members(w, touched, page.collection, page, now)
        if page.walk and not page.spoiled:
            journal.keep_place(w, self._source, self._key, page.walk, page.mark)


def _prepared(ready: ImageReady) -> PreparedImage | None:
    return ready.medium.prepared if ready.medium is not None else None


def _name_of(each: Ready) -> tuple[str, int | None]:
    """What a thing is called in the journal."""
    if isinstance(each, ImageReady):
        return "image", each.found.row.id
    if isinstance(each, FileReady):
        return "file", each.found.file.id
    if isinstance(each, PostFound):
        return "post", each.id
    if isinstance(each, ModelFound):
        return "model", each.docs.id
    if isinstance(each, VersionFound):
        return "version", each.version.id
    if isinstance(each, CollectionFound):
        return "collection", each.collection.id
    if isinstance(each, UserFound):
        return "user", each.profile.id
    return (each.entity, each.id) if isinstance(each, StateFound) else ("", None)
