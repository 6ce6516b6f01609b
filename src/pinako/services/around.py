"""What lies around one image: how it was made, where it came from, its collections, look-alikes and the same recipe."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from pinako.catalog.collections import Collection
from pinako.catalog.generation import Generation
from pinako.catalog.images import Image
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, Sought
from pinako.catalog.visibility import sees_image
from pinako.errors import NotFound, StorageError
from pinako.feed.made import recipe_code
from pinako.metadata import from_meta
from pinako.metadata.hamming import NearIndex
from pinako.services import browse, collections
from pinako.services.blocking import heed_block
from pinako.services.detail import IMAGE_MISSING
from pinako.services.duplicates import load_lookalikes
from pinako.services.hiding import without_hidden
from pinako.services.library import Library
from pinako.services.resolve import is_known, known_keys
from pinako.services.seeing import seer
from pinako.storage.records import fetch, find
from pinako.storage.scopes import Statements

log = logging.getLogger(__name__)

ALIKE_BITS = 14
"""Of 64: further apart, pictures have little in common. Look-alikes for people, so wider than for duplicates."""
MOST_ALIKE = 200


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an image says it was made with and the library does not have. `strength` is the weight × 100."""

    kind: str
    name: str | None = None
    hash: str | None = None
    version_id: int | None = None
    strength: int | None = None


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """How an image was made, as far as the caller may know.

    `meta` is the wire's metadata, decoded; `raw` the file's own text; `hidden`: its owner shows neither.
    """

    generation: Generation | None = None
    meta: dict[str, Any] = {}
    raw: str = ""
    wanted: tuple[Wanted, ...] = ()
    hidden: bool = False

    @property
    def workflow(self) -> str:
        """ComfyUI's own graph, as its editor reads it; empty where there is none."""
        text = self.meta.get("comfy")
        try:
            graphs = msgspec.json.decode(text) if isinstance(text, str) else text
        except msgspec.DecodeError:
            return ""
        if not isinstance(graphs, dict):
            return ""
        graph = graphs.get("workflow") or graphs.get("prompt")
        return msgspec.json.format(msgspec.json.encode(graph)).decode() if graph else ""


def seen_image(library: Library, viewer: Viewer, read: Statements, id: int) -> Image:
    """The image's row. NotFound where this caller does not see it."""
    image = find(read, Image, id)
    if image is None or not sees_image(image, seer(read, viewer, "image", id), library.now()):
        raise NotFound(IMAGE_MISSING.format(id))
    heed_block(read, viewer, image.user_id)
    return image


def making(library: Library, viewer: Viewer, id: int) -> Making:
    """How one image was made. NotFound as `detail.image`."""
    sql = "SELECT COALESCE(site_meta, file_meta), generation, raw FROM image_meta WHERE image_id = ?"
    with library.database.read() as read:
        image = seen_image(library, viewer, read, id)
        if image.hide_meta and viewer.user_id != image.user_id:
            return Making(hidden=True)
        text, generation, raw = read.row(sql, (id,)) or (None, None, None)
        wanted = _wanted(read, id)
    meta = msgspec.json.decode(text) if text else {}
    meta = meta if isinstance(meta, dict) else {}
    return Making(generation=_generation(meta, generation), meta=meta, raw=raw or "", wanted=wanted)


def _generation(meta: dict[str, Any], stored: str | None) -> Generation | None:
    if stored:
        return msgspec.structs.replace(msgspec.json.decode(stored, type=Generation), meta=meta)
    return msgspec.structs.replace(from_meta(meta, generator="civitai"), meta=meta) if meta else None


def _wanted(read: Statements, id: int) -> tuple[Wanted, ...]:
    """The claims of an image that nothing in the library meets."""
    sql = "SELECT kind, name, hash, version_id, strength FROM image_wants WHERE image_id = ? ORDER BY place"
    rows = read.rows(sql, (id,))
    hashes, names = known_keys(read, (row[2] for row in rows if row[2]), (row[1] for row in rows if row[1]))
    versions = [row[3] for row in rows if row[3]]
    here = (
        {row[0] for row in read.by_ids("SELECT id FROM model_versions WHERE id IN (?*)", versions)}
        if versions
        else set()
    )
    return tuple(
        Wanted(kind=kind, name=name, hash=hash, version_id=version_id, strength=strength)
        for kind, name, hash, version_id, strength in rows
        if (name or hash or version_id) and not (version_id in here or is_known(name, hash, hashes, names))
    )


def same_recipe(library: Library, viewer: Viewer, id: int, limit: int) -> list[int]:
    """Ids of other images that were made by asking for the same with another seed, newest first; none that the caller hides."""
    read = library.database.read()
    image = seen_image(library, viewer, read, id)
    if image.hide_meta and viewer.user_id != image.user_id:
        return []
    stored = read.value("SELECT generation FROM image_meta WHERE image_id = ?", (id,))
    code = recipe_code(stored) if stored else None
    if code is None:
        return []
    query = ImageQuery(limit=limit + 1, sought=Sought(recipe=code))
    found = browse.images(library, without_hidden(library, viewer, query), viewer).ids
    return [other for other in found if other != id][:limit]


def collections_with(library: Library, viewer: Viewer, id: int) -> list[Collection]:
    """The collections that hold an image and that the caller may know of: public ones and those with a right in them."""
    sql = "SELECT collection_id FROM collection_items WHERE entity_type = 'Image' AND entity_id = ? AND status = 'ACCEPTED'"
    with library.database.read() as read:
        found = fetch(read, Collection, [row[0] for row in read.rows(sql, (id,))]).values()
        return [one for one in found if _known(read, one, viewer)]


def _known(read: Statements, collection: Collection, viewer: Viewer) -> bool:
    if collection.read == "Public" and collection.deleted_at is None:
        return True
    may = collections.permissions(read, collection, viewer, collection.id)
    return may.read and (may.is_owner or may.is_contributor or viewer.moderator)


def imported_from(library: Library, viewer: Viewer, id: int) -> list[str]:
    """The files that an image was imported from: for moderators, since paths tell of this machine."""
    if not viewer.moderator:
        return []
    sql = "SELECT path FROM imported_files WHERE entity_type = 'image' AND entity_id = ? ORDER BY path"
    return [row[0] for row in library.database.read().rows(sql, (id,))]


class Lookalikes:
    """Which images look like one. The index of all hashes is made at the first question; where it is stale a new one is made
    aside, by what `start` does with the making of it, while questions are answered out of the old one.
    """

    def __init__(
        self,
        library: Library,
        start: Callable[[Callable[[], None]], None],
        lasts_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._start = start
        self._lasts_s = lasts_s
        self._clock = clock
        self._lock = threading.Lock()
        self._made: tuple[float, int, NearIndex] | None = None
        self._renewing = False

    def of(self, viewer: Viewer, id: int, limit: int) -> list[int]:
        """Ids of what looks like an image, the nearest first, as the caller may and wants to see it.

        Slow at first: ask on a thread.
        """
        image = seen_image(self._library, viewer, self._library.database.read(), id)
        if not image.phash:
            return []
        with self._lock:
            near = self._index().near(image.phash, distance=ALIKE_BITS, limit=MOST_ALIKE)
        order = [one.id for one in near if one.id != id]
        if not order:
            return []
        query = without_hidden(self._library, viewer, ImageQuery(limit=MOST_ALIKE, ids=tuple(order)))
        seen = set(browse.images(self._library, query, viewer).ids)
        return [other for other in order if other in seen][:limit]

    def _index(self) -> NearIndex:
        made = self._made = self._made or self._make()
        stale = made[1] != self._library.feeds.index("image").version and self._clock() - made[0] > self._lasts_s
        if stale and not self._renewing:
            self._renewing = True
            self._start(self._renew)
        return made[2]

    def _make(self) -> tuple[float, int, NearIndex]:
        now, version = self._clock(), self._library.feeds.index("image").version
        return now, version, load_lookalikes(self._library.database.read())

    def _renew(self) -> None:
        try:
            self._made = self._make()
        except StorageError as error:  # a busy database: whoever asks next begins anew
            log.warning("the index of look-alikes was not renewed: %s", error)
        finally:
            self._renewing = False
