"""The keeping side's hands: files fetched to temporary names, checked, stored; never a row before its bytes."""

from __future__ import annotations

import os
import queue
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import msgspec

from pinako.client import Client
from pinako.client.addresses import is_internal
from pinako.client.calls.flow import extension_for, original_url
from pinako.client.wanted import Fetched, Wanted, wanted_file
from pinako.errors import PinakoError, StorageError, UpstreamError
from pinako.intake import journal
from pinako.intake.guard import attempt
from pinako.intake.jobs import Kept, Picture, Refused
from pinako.intake.journal import State
from pinako.intake.mirror.findings import FileFound, ImageFound
from pinako.intake.mirror.keeping import FileReady, ImageReady, Medium
from pinako.intake.mirror.keeping_models import StoredFile
from pinako.intake.mirror.nouns import media_key_of
from pinako.intake.mirror.options import Part
from pinako.intake.mirror.terms import state_of
from pinako.intake.walk import INODE_BITS, Source
from pinako.intake.workers import Workers
from pinako.media.store import MediaStore
from pinako.metadata.modelfiles import read_header_only
from pinako.storage.scopes import Statements

Wish: TypeAlias = ImageFound | FileFound

_EARLY = re.compile(r"early.?access", re.IGNORECASE)
_IMAGE_FILE = re.compile(r"(\d+)-")
_MODEL_FILE = re.compile(r"v\d+-f(\d+)-")


class _Gotten(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer's end. `stored`: a model file, which is in the store by then."""

    wish: Wish
    fetched: Fetched
    stored: StoredFile | None = None


class Hands:
    """Fetches, checks and stores. For the keeping side's thread.

    `folder` is where unfinished files lie between runs; `workers` look at pictures.
    """

    def __init__(self, client: Client, store: MediaStore, workers: Workers, folder: Path, *, at_once: int) -> None:
        self._client, self._store, self._folder = client, store, folder
        self._most = at_once * 8
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="pinako-mirror")
        # No SimpleQueue: a signal whose handler takes longer than the rest of its timeout has it wait for ever.
        self._gotten: queue.Queue[_Gotten] = queue.Queue()
        self._workers = workers
        self._looked: dict[int, tuple[ImageFound, Path]] = {}
        self._waiting: list[tuple[ImageFound, Picture, Path]] = []
        self._number = 0
        self._under_way = 0
        self.bytes = 0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def has_room(self) -> bool:
        """Whether another wish can be taken without piling up."""
        return self._under_way < self._most

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self._under_way == 0

    def wish(self, found: Wish) -> ImageReady | FileReady | None:
        """Begin to fetch; what is refused or here at once, or None."""
        try:
            wanted = self._wanted(found)
        except PinakoError as error:
            return _refused(found, error)
        if isinstance(found, FileFound) and (stored := self._stored_already(wanted.sha256)) is not None:
            return FileReady(found=found, stored=stored)
        self._under_way += 1
        self._pool.submit(self._fetch, found, wanted)
        return None

    def _wanted(self, found: Wish) -> Wanted:
        if isinstance(found, ImageFound):
            row = found.row
            url = original_url(row, self._client.media_base)
            self._check(url)
            name = re.sub(r"[^A-Za-z0-9-]", "_", media_key_of(row))[-64:]
            to = self._folder / f"{row.id}-{name}{extension_for(row.mime_type, row.type)}"
            return Wanted(url=url, to=to)
        file = found.rest or found.file
        sha256 = found.file.sha256 or file.sha256
        to = self._folder / f"v{found.version.id}-f{found.file.id}-{(sha256 or 'unknown')[:16].lower()}.model"
        wanted = wanted_file(found.version, to, origin=self._client.host.origin, file=file)
        self._check(wanted.url)
        if not file.download_url and found.file.id:
            address = f"{self._client.host.origin}/api/download/models/{found.version.id}?fileId={found.file.id}"
            wanted = msgspec.structs.replace(wanted, url=address)
        return msgspec.structs.replace(wanted, sha256=sha256, hashed=True)

    def _check(self, url: str) -> None:
        """A record of another host must not send us to this machine's own services."""
        if url.startswith("http") and is_internal(url) and not is_internal(self._client.host.origin):
            raise UpstreamError("Its record names an address of this machine's own network.", call=url[:200])
        if not url:
            raise UpstreamError("Its record names no address.")

    def _fetch(self, found: Wish, wanted: Wanted) -> None:
        """On a thread of the pool."""
        stored = None
        try:
            download = self._client.downloads.fetch(wanted)
            fetched = Fetched(wanted=wanted, download=download)
            if isinstance(found, FileFound):
                blob = self._store.put_file(download.path, sha256=download.sha256)
                stored = StoredFile(sha256=blob.sha256, size=blob.size, header=_header_of(download.path))
        except PinakoError as error:
            fetched = Fetched(wanted=wanted, error=error)
        except OSError as error:
            fetched = Fetched(wanted=wanted, error=StorageError(str(error)))
        self._gotten.put(_Gotten(wish=found, fetched=fetched, stored=stored))

    def _stored_already(self, sha256: str | None) -> StoredFile | None:
        """A model file whose very content the library has: another version's, or one whose row a killed run did not reach."""
        blob = self._store.stat(sha256.lower()) if sha256 else None
        if blob is None:
            return None
        with self._store.borrow(blob.sha256) as path:
            return StoredFile(sha256=blob.sha256, size=blob.size, header=_header_of(path))

    def collect(self, seconds: float) -> Iterator[ImageReady | FileReady]:
        """What is finished by now; waits so long where nothing is."""
        yield from self._take_gotten(0.0 if self._looked or self._waiting else seconds)
        self._hand_out()
        for finished in self._workers.collect(seconds if self._looked else 0.0):
            found, path = self._looked.pop(finished.job.number)
            self._under_way -= 1
            yield self._seen(found, path, finished.outcome)
        self._hand_out()

    def _take_gotten(self, seconds: float) -> Iterator[ImageReady | FileReady]:
        while True:
            try:
                gotten = self._gotten.get(timeout=seconds) if seconds else self._gotten.get_nowait()
            except queue.Empty:
                return
            seconds = 0.0
            ready = self._take(gotten)
            if ready is not None:
                self._under_way -= 1
                yield ready

    def _take(self, gotten: _Gotten) -> ImageReady | FileReady | None:
        found, download, error = gotten.wish, gotten.fetched.download, gotten.fetched.error
        if error is not None or download is None:
            if isinstance(error, StorageError):
                raise error
            return _refused(found, error)
        self.bytes += download.size if download.fetched else 0
        if isinstance(found, FileFound):
            return FileReady(found=found, stored=gotten.stored, spent=download.path)
        self._number += 1
        self._waiting.append((found, Picture(number=self._number, source=_source(download.path)), download.path))
        return None

    def _hand_out(self) -> None:
        while self._waiting and self._workers.has_room_for(self._waiting[0][1]):
            found, job, path = self._waiting.pop(0)
            self._looked[job.number] = (found, path)
            self._workers.submit(job)

    def _seen(self, found: ImageFound, path: Path, outcome: object) -> ImageReady:
        """A picture was looked at, and stored where it is one."""
        if isinstance(outcome, Refused) and outcome.fatal:
            raise StorageError(outcome.reason)
        if isinstance(outcome, Kept):
            return ImageReady(found=found, medium=Medium(prepared=outcome.prepared), spent=path)
        reason = outcome.reason if isinstance(outcome, Refused) else "it could not be read"
        medium = Medium(state=State.DAMAGED, reason=f"what came is no whole medium: {reason}")
        return ImageReady(found=found, medium=medium, spent=path)

    def close(self) -> None:
        """Let go of threads; what is not finished goes on in another run."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        try:
            self._folder.rmdir()
        except OSError:
            return  # unfinished files wait there


def known_blob(read: Statements, source: str, found: ImageFound) -> str | None:
    """The content of an image whose very media key is here: it need not be fetched again."""
    sql = "SELECT blob FROM images WHERE media_key = ? AND source = ? AND blob IS NOT NULL AND withheld = 0 LIMIT 1"
    blob = read.value(sql, (media_key_of(found.row), source))
    return None if blob is None else str(blob)


def remove_spent(ready: Iterable[object]) -> None:
    """Files whose rows are written are not needed any more. Not before: a run that is killed would fetch them again."""
    for each in ready:
        if isinstance(each, ImageReady | FileReady) and each.spent is not None:
            each.spent.unlink(missing_ok=True)


def remove_leftovers(folder: Path, read: Statements, source: str) -> None:
    """Remove what a killed run had written down and not removed."""
    for entity, pattern, part in (("image", _IMAGE_FILE, Part.MEDIA), ("file", _MODEL_FILE, Part.MODELS)):
        found = {int(match[1]): path for path in _files(folder) if (match := pattern.match(path.name))}
        for id, item in journal.items(read, source, entity, list(found)).items():
            if part in item.parts:
                found[id].unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _header_of(path: Path) -> str | None:
    """What a model file's own head says, as JSON."""
    reading, _ = attempt(lambda: read_header_only(path))
    return msgspec.json.encode(reading.header).decode() if reading is not None and reading.header else None


def _source(path: Path) -> Source:
    status = os.stat(path)
    return Source(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino & INODE_BITS)


def _refused(found: Wish, error: PinakoError | None) -> ImageReady | FileReady:
    state = state_of(error) if isinstance(error, UpstreamError) else State.FAILED
    reason = str(error) if error is not None else "it was not given"
    if isinstance(found, ImageFound):
        return ImageReady(found=found, medium=Medium(state=state, reason=reason))
    if state is State.PRIVATE and error is not None and _EARLY.search(error.message):  # its advice names both
        state = State.EARLY
    return FileReady(found=found, state=state, reason=reason)
