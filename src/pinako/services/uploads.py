"""Files on their way in over the wire: an address that is signed and ends, parts that can be resumed, a look at what came.

The bytes lie in the library's folder until a post takes them. What a file is, its content decides: its name and its claimed
type are never believed, and what is neither picture, video nor sound is not kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec

from pinako import metadata
from pinako.catalog.derivative import Derivative
from pinako.catalog.filenames import safe_name
from pinako.catalog.people import Viewer
from pinako.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    StorageError,
    TooLarge,
    TooManyRequests,
    UnreadableFile,
    UnsupportedMediaType,
)
from pinako.media.derive import Darkroom
from pinako.services import permits
from pinako.services.library import Library
from pinako.services.prepare import PreparedImage, assemble, digest_of
from pinako.settings import Settings
from pinako.storage.scopes import Statements, Write

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FOLDER = "uploads"
OPEN, WHOLE, USED = "open", "whole", "used"
MOST_OPEN = 1000
"""Uploads that one account may have waiting."""
KEPT_MS = 86_400_000
"""How long a finished upload waits for its post."""
MEBIBYTE = 1 << 20
WISHES = (Derivative(width=450),)
"""Made from the same decode: what pages ask for first."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One upload. `expires_at`: when its address ends, milliseconds."""

    media_key: str
    user_id: int
    name: str | None
    state: str
    sha256: str | None
    prepared: str | None
    created_at: int
    expires_at: int

    def facts(self) -> PreparedImage:
        """What its bytes say; of a whole one."""
        return msgspec.json.decode(self.prepared or "{}", type=PreparedImage)


_COLUMNS = ", ".join(Upload.__struct_fields__)


def find_upload(read: Statements, key: str) -> Upload | None:
    """The upload of a key."""
    row = read.row(f"SELECT {_COLUMNS} FROM uploads WHERE media_key = ?", (key,))
    return None if row is None else Upload(**dict(zip(Upload.__struct_fields__, row, strict=True)))


def begin(library: Library, viewer: Viewer, name: str | None) -> Upload:
    """A place for one file of the caller's."""
    now = library.now()
    with library.database.write() as w:
        user_id = permits.writer(w, viewer, guarded=True)
        waiting = w.value("SELECT COUNT(*) FROM uploads WHERE user_id = ? AND state <> ?", (user_id, USED))
        if waiting >= MOST_OPEN:
            raise TooManyRequests("Too many uploads are waiting for their posts")
        upload = Upload(
            media_key=str(uuid.uuid4()),
            user_id=user_id,
            name=safe_name(name) if name else None,
            state=OPEN,
            sha256=None,
            prepared=None,
            created_at=now,
            expires_at=now + library.settings.upload_link_seconds * 1000,
        )
        w.insert("uploads", msgspec.structs.asdict(upload))
    return upload


def sign(secret: str, key: str, expires: int) -> str:
    """What proves that this library made an upload's address. `expires` in seconds."""
    return hmac.new(secret.encode(), f"upload\n{key}\n{expires}".encode(), hashlib.sha256).hexdigest()


def open_address(library: Library, key: str, expires: int, signature: str) -> Upload:
    """The upload of a signed address. Forbidden for one that ended or is not ours."""
    expected = sign(library.database.library.link_secret, key, expires)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise Forbidden("This upload address is not valid")
    if expires * 1000 < library.now():
        raise Forbidden("This upload address has ended")
    upload = find_upload(library.database.read(), key)
    if upload is None:
        raise NotFound("No such upload")
    return upload


def path_of(settings: Settings, key: str) -> Path:
    """Where the bytes of an upload wait. The key is one of ours: it was read from the table."""
    return settings.folder / FOLDER / key


def received(library: Library, upload: Upload) -> int:
    """How many bytes are here."""
    if upload.state != OPEN:
        return upload.facts().size
    try:
        return path_of(library.settings, upload.media_key).stat().st_size
    except OSError:
        return 0


class Receiving:
    """An upload that is being written to, by one request at a time. A context manager."""

    def __init__(self, library: Library, upload: Upload, offset: int) -> None:
        """Go on at `offset`, in bytes; 0 begins anew. Conflict where that is not where it stands, or another request writes."""
        if upload.state != OPEN:
            raise Conflict("This upload is whole already")
        path = path_of(library.settings, upload.media_key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise StorageError(f"the upload cannot be kept: {error.strerror}") from error
        with ExitStack() as undo:
            undo.callback(os.close, self._handle)
            self._begin(offset)
            undo.pop_all()

    def _begin(self, offset: int) -> None:
        try:
            _lock(self._handle)
        except OSError as error:
            raise Conflict("Another request writes to this upload") from error
        here = os.fstat(self._handle).st_size
        if offset == 0:
            os.ftruncate(self._handle, 0)
        elif offset != here:
            raise Conflict(f"The next byte is number {here}")
        os.lseek(self._handle, offset, os.SEEK_SET)

    def write(self, data: bytes) -> None:
        """Add bytes."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            raise StorageError(f"the upload cannot be kept: {error.strerror}") from error

    def close(self) -> None:
        """Let the next request write."""
        os.close(self._handle)


def _lock(handle: int) -> None:
    """Keep other requests and processes from this file until it is closed. OSError where one has it."""
    if sys.platform == "win32":
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def most_bytes(settings: Settings) -> int:
    """The largest file of any kind."""
    return max(settings.image_upload_limit_bytes, settings.video_upload_limit_bytes)


def finish(library: Library, upload: Upload, darkroom: Callable[[], Darkroom]) -> Upload:
    """Look at what came. What is no medium, cannot be read or is too large is removed, and the address stays good.

    UnsupportedMediaType, UnreadableFile, TooLarge.
    """
    path = path_of(library.settings, upload.media_key)
    try:
        prepared = _prepare(library, path, darkroom)
    except (UnsupportedMediaType, UnreadableFile, TooLarge):
        path.unlink(missing_ok=True)
        raise
    changes: dict[str, Any] = {
        "state": WHOLE,
        "sha256": prepared.sha256,
        "prepared": msgspec.json.encode(prepared).decode(),
    }
    with library.database.write() as w:
        w.run(
            "UPDATE uploads SET state = ?, sha256 = ?, prepared = ? WHERE media_key = ? AND state = ?",
            (*changes.values(), upload.media_key, OPEN),
        )
    return msgspec.structs.replace(upload, **changes)


def _prepare(library: Library, path: Path, darkroom: Callable[[], Darkroom]) -> PreparedImage:
    settings, size = library.settings, path.stat().st_size
    try:
        reading = metadata.read_file(path)
    except UnreadableFile as error:
        raise UnreadableFile(_plain(error, path)) from error
    kind = reading.facts.kind
    if kind not in ("image", "video", "audio"):
        raise UnsupportedMediaType("This is neither a picture nor a video nor sound")
    limit = settings.image_upload_limit_bytes if kind == "image" else settings.video_upload_limit_bytes
    if size > limit:
        raise TooLarge(f"A file of this kind has at most {limit // MEBIBYTE} MB")
    if not reading.facts.complete:
        raise UnreadableFile("The file ends too early")
    sha256, size = digest_of(path)
    if kind != "image":
        return assemble(reading, None, sha256, size)
    room = darkroom()
    try:
        measured = room.workshop.measure(path, thumbnails=WISHES)
    except UnreadableFile as error:
        raise UnreadableFile(_plain(error, path)) from error
    if not measured.facts.animated:
        for wish, rendered in zip(WISHES, measured.thumbnails, strict=True):
            room.keep(sha256, measured.facts.mime, wish, rendered)
    return assemble(reading, measured.facts, sha256, size)


def _plain(error: UnreadableFile, path: Path) -> str:
    """The message without the name that the file has here."""
    return error.message.replace(str(path), "the file").replace(path.name, "the file")


def need_whole(read: Statements, user_id: int, key: str) -> Upload:
    """A finished upload of this user's. BadRequest where there is none."""
    upload = find_upload(read, key)
    if upload is None or upload.user_id != user_id or upload.state == OPEN:
        raise BadRequest("No finished upload has this url")
    return upload


def store(library: Library, upload: Upload) -> None:
    """Bring an upload's bytes to the originals, before any row names them."""
    if upload.state == WHOLE:
        library.media.put_file(path_of(library.settings, upload.media_key), sha256=upload.sha256)
    elif library.media.stat(upload.sha256 or "") is None:
        raise BadRequest("No finished upload has this url")


def mark_used(w: Write, library: Library, upload: Upload) -> None:
    """An image has it now: the waiting copy goes once that is kept."""
    w.run("UPDATE uploads SET state = ? WHERE media_key = ?", (USED, upload.media_key))
    w.after_commit(lambda: path_of(library.settings, upload.media_key).unlink(missing_ok=True))


def sweep(library: Library) -> int:
    """Remove uploads that nobody finished or took, and files that no row knows; how many files went."""
    now = library.now()
    folder = library.settings.folder / FOLDER
    with library.database.write() as w:
        w.run("DELETE FROM uploads WHERE state = ? AND expires_at < ?", (OPEN, now))
        w.run("DELETE FROM uploads WHERE state <> ? AND expires_at < ?", (OPEN, now - KEPT_MS))
    known = {str(row[0]) for row in library.database.read().rows("SELECT media_key FROM uploads")}
    gone = 0
    with suppress(FileNotFoundError):
        for path in list(folder.iterdir()):
            # A row is written before its file: a file without one has lost it.
            if path.name not in known:
                path.unlink(missing_ok=True)
                gone += 1
    return gone
