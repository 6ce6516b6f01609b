"""The JSON sidecars of a plain export brought in: pictures with the level, tags, dates, post and author that they had.

A sidecar is an item of `GET /api/v1/images`; what the item does not say is measured and read from the file beside it.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import Event

import msgspec

from pinako.catalog.images import Image, Post
from pinako.catalog.people import User
from pinako.catalog.tags import Tag
from pinako.errors import UnreadableFile
from pinako.intake.export.placing import read_mark
from pinako.intake.guard import attempt
from pinako.intake.keep import name_of
from pinako.intake.takeout.ids import Ids, Named
from pinako.intake.takeout.keep import Keeper, Stored
from pinako.intake.takeout.people import keep_person, place_people
from pinako.intake.takeout.records import (
    ImageRow,
    ImageTag,
    Making,
    Person,
    PostRow,
    TagRow,
    Wanted,
    columns_of,
)
from pinako.intake.takeout.report import TakeoutReport
from pinako.intake.walk import MEDIA_ENDINGS, Folder, walk
from pinako.media.store import MediaStore
from pinako.metadata.modelfiles import MODEL_EXTENSIONS
from pinako.services.prepare import PreparedImage, prepare_image, wants_of
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database
from pinako.storage.scopes import Write
from pinako.wire.times import millis

BATCH = 32
MOST_BYTES = 16 << 20
_KEY = re.compile(r"/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/", re.IGNORECASE)


class _User(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    username: str | None = None


class _Tag(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What of an item is brought back."""

    id: int
    url: str
    created_at: str
    user: _User
    browsing_level: int = 0
    type: str = "image"
    hash: str | None = None
    post_id: int | None = None
    base_model: str | None = None
    stats: dict[str, int] = {}
    meta: dict[str, object] | None = None
    tags: tuple[_Tag, ...] = ()


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A picture and its sidecar. `digest` tells whether either has changed since it was last brought in."""

    path: Path
    item: Item
    digest: str


def is_export(folder: Path) -> bool:
    """Whether a folder is a plain export that has sidecars."""
    return read_mark(folder) is not None and any(_pairs_of(one) for one in walk([folder]))


def _pairs_of(folder: Folder) -> list[tuple[Path, Path]]:
    """Media files of one folder with their sidecars."""
    names = set(folder.names)
    return [
        (source.path, source.path.with_name(f"{source.path.name}.json"))
        for source in folder.files
        if source.path.suffix.lower() in MEDIA_ENDINGS and f"{source.path.name}.json" in names
    ]


def others_in(folder: Path) -> list[Path]:
    """What of an export has no sidecar: folders of model files, and single media. For the ordinary import."""
    found: list[Path] = []
    for one in walk([folder]):
        if any(source.path.suffix.lower() in MODEL_EXTENSIONS for source in one.files):
            found.append(one.path)
            continue
        paired = {path for path, _ in _pairs_of(one)}
        media = (source.path for source in one.files if source.path.suffix.lower() in MEDIA_ENDINGS)
        found += [path for path in media if path not in paired]
    return found


class Sidecars:
    """One plain export into one library. `whose`: the account that everything goes to, where one was named."""

    def __init__(
        self,
        database: Database,
        store: MediaStore,
        folder: Path,
        *,
        whose: int | None = None,
        watcher: Callable[[Sidecars], None] | None = None,
    ) -> None:
        self._database, self._store, self._folder, self._whose = database, store, folder, whose
        self._watcher = watcher or (lambda run: None)
        mark = read_mark(folder)
        self._ids = Ids(database, mark.library if mark is not None else "")
        self.report = TakeoutReport(folder)
        self._keeper = Keeper(database, store, folder, self._ids, self.report)
        self.stopping = Event()
        with store.writer():
            pass

    def stop(self) -> None:
        """End the run after the batch that is under way."""
        self.report.interrupted = True
        self.stopping.set()

    def bring(self) -> TakeoutReport:
        """Every picture that has a sidecar."""
        pairs = self._pairs()
        while not self.stopping.is_set() and (batch := list(islice(pairs, BATCH))):
            self._bring(batch)
            self.report.done += len(batch)
            self._watcher(self)
        return self.report

    def _pairs(self) -> Iterator[Pair]:
        for folder in walk([self._folder]):
            for path, sidecar in _pairs_of(folder):
                self.report.found += 1
                pair, error = attempt(lambda path=path, sidecar=sidecar: read_pair(path, sidecar))  # type: ignore[misc]
                if pair is None:
                    self.report.refuse(sidecar.name, error)
                else:
                    yield pair

    def _bring(self, batch: Sequence[Pair]) -> None:
        self._place(batch)
        fresh = self._fresh(batch)
        ready: list[tuple[Pair, PreparedImage]] = []
        for pair in fresh:
            prepared, error = attempt(lambda pair=pair: self._stored(pair))  # type: ignore[misc]
            if prepared is None:
                self.report.refuse(pair.path.name, error)
            else:
                ready.append((pair, prepared))
        if ready:
            now = self._database.now()
            with self._database.write() as w:
                touched = Touched()
                self._keep_around(w, touched, [pair for pair, _ in ready], now)
                for pair, prepared in ready:
                    self._keep(w, touched, pair, prepared, now)
                settle(w, touched, now)

    def _place(self, batch: Sequence[Pair]) -> None:
        people = {pair.item.user.id: (person_of(pair.item), b"") for pair in batch}
        place_people(self._database, self._ids, list(people.values()), self._whose)
        self._ids.place("image", [Named(id=pair.item.id) for pair in batch])
        posts = dict.fromkeys(pair.item.post_id for pair in batch if pair.item.post_id is not None)
        self._ids.place("post", [Named(id=id) for id in posts])

    def _fresh(self, batch: Sequence[Pair]) -> list[Pair]:
        read = self._database.read()
        before = self._ids.before(read, "image", [pair.item.id for pair in batch])
        here = self._keeper.standing(read, "images", [self._ids.local("image", pair.item.id) for pair in batch])
        fresh = []
        for pair in batch:
            old, row = before.get(pair.item.id), here.get(self._ids.local("image", pair.item.id) or 0)
            if row is not None and row.trashed:
                self.report.trashed += 1
            elif row is not None and (old is None or old.digest == pair.digest) and not row.bare:
                self.report.count(self.report.already, "images")
            else:
                fresh.append(pair)
        return fresh

    def _stored(self, pair: Pair) -> PreparedImage:
        """The picture measured, and its bytes in the store."""
        prepared = _as_told(prepare_image(pair.path), pair.item.hash)
        blob = self._store.put_file(pair.path, sha256=prepared.sha256)
        self.report.bytes += blob.size
        return prepared

    def _keep_around(self, w: Write, touched: Touched, pairs: Sequence[Pair], now: int) -> None:
        """Accounts, tags and posts that these pictures speak of, where they are new."""
        for person in {pair.item.user.id: person_of(pair.item) for pair in pairs}.values():
            keep_person(w, touched, self._ids, person, digest_of(str(person.user["id"]).encode()))
        tags = {tag.id: tag for pair in pairs for tag in pair.item.tags}
        for tag in tags.values():
            row = TagRow(tag=columns_of(Tag(id=tag.id, name=tag.name, name_key=tag.name.lower(), target='["Image"]')))
            if self._keeper.keep(w, touched, "tags", row, Stored(), "", now):
                self.report.count(self.report.made, "tags")
        for pair in pairs:
            post_id = pair.item.post_id
            local = self._ids.local("post", post_id)
            if post_id is None or w.row("SELECT 1 FROM posts WHERE id = ?", (local,)) is not None:
                continue
            at = at_of(pair.item)
            post = Post(
                id=post_id, user_id=pair.item.user.id, published_at=at, sort_at=at, created_at=at, updated_at=at
            )
            if self._keeper.keep(w, touched, "posts", PostRow(post=columns_of(post)), Stored(), "", now):
                self.report.count(self.report.made, "posts")

    def _keep(self, w: Write, touched: Touched, pair: Pair, prepared: PreparedImage, now: int) -> None:
        row = row_of(pair, prepared)
        stored = Stored(prepared.sha256, prepared.size, prepared.mime)

        def keep() -> bool:
            with w.attempt():
                return self._keeper.keep(w, touched, "images", row, stored, pair.digest, now)

        written, error = attempt(keep)
        if error:
            self.report.refuse(pair.path.name, error)
        elif written:
            self.report.count(self.report.made, "images")


def read_pair(path: Path, sidecar: Path) -> Pair:
    """A picture's sidecar. UnreadableFile for one that is no item of the API."""
    try:
        if sidecar.stat().st_size > MOST_BYTES:
            raise UnreadableFile("the sidecar is too long to be one")
        data = sidecar.read_bytes()
        size = path.stat().st_size
        item = msgspec.json.decode(data, type=Item)
    except OSError as error:
        raise UnreadableFile(f"{sidecar.name}: {error.strerror or error}") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnreadableFile(f"no record of an image: {str(error)[:200]}") from error
    return Pair(path=path, item=item, digest=digest_of(data + str(size).encode()))


def digest_of(data: bytes) -> str:
    """What tells one state of a record from another."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def at_of(item: Item) -> int:
    """When an image was posted, milliseconds."""
    return millis(item.created_at) or 0


def person_of(item: Item) -> Person:
    """The author: who has this name here, else a new account."""
    name = item.user.username
    user = User(id=item.user.id, username=name, username_key=name.lower() if name else None, created_at=at_of(item))
    return Person(user=columns_of(user), subject=True)


def _as_told(prepared: PreparedImage, blurhash: str | None) -> PreparedImage:
    """A video's BlurHash is of whichever frame its library looked at, so the one that is told stands."""
    if prepared.type != "video" or blurhash is None:
        return prepared
    return msgspec.structs.replace(prepared, blurhash=blurhash, facts={**prepared.facts, "hash": blurhash})


def row_of(pair: Pair, prepared: PreparedImage) -> ImageRow:
    """The record of an image: what its sidecar says, completed by what its file is."""
    item, at, about = pair.item, at_of(pair.item), prepared.about
    key = _KEY.search(item.url)
    counts = {
        f"{word}_count": int(item.stats.get(f"{word}Count", 0))
        for word in ("like", "dislike", "heart", "laugh", "cry", "comment")
    }
    image = Image(
        id=item.id,
        user_id=item.user.id,
        post_id=item.post_id,
        name=name_of(pair.path),
        media_key=key[1].lower() if key else str(uuid.uuid4()),
        **prepared.columns(),
        level=item.browsing_level,
        base_model=item.base_model,
        created_at=at,
        updated_at=at,
        scanned_at=at,
        sort_at=at,
        reaction_count=sum(counts[f"{word}_count"] for word in ("like", "heart", "laugh", "cry")),
    )
    image = msgspec.structs.replace(image, **counts)
    own = msgspec.json.decode(about.file) if about.file else None
    site = None if not item.meta or item.meta == own else msgspec.json.encode(item.meta).decode()
    claims = wants_of(item.meta) if item.meta else about.wants
    return ImageRow(
        image=columns_of(image),
        making=Making(site_meta=site, file_meta=about.file, generation=about.generation, raw=about.raw),
        wants=tuple(
            Wanted(kind=one.kind, name=one.name, hash=one.hash, version_id=one.version_id, strength=one.strength)
            for one in claims
        ),
        tags=tuple(ImageTag(tag_id=tag.id) for tag in item.tags),
    )
