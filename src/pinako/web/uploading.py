"""Uploads: `POST /api/v1/image-upload` gives an address, the bytes are PUT there in one go or in parts, without a key.

A part says where it belongs with `Content-Range: bytes 0-99/1000`; GET tells how much is here, so that a broken upload goes
on where it stopped. The answer to the last part says what the file is, as does that to the whole file sent once more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from pinako.errors import BadRequest, Conflict, Forbidden, RangeNotSatisfiable, TooLarge, Unauthorized
from pinako.services import uploads
from pinako.services.library import Library
from pinako.services.uploads import Receiving, Upload
from pinako.web.answers import NO_STORE, Answer, json_answer
from pinako.web.ask import Ask
from pinako.web.routes import READS, Route
from pinako.web.threads import Threads
from pinako.wire.delivery import is_key

if TYPE_CHECKING:
    from pinako.media.derive import Darkroom

PATH = "/api/v1/image-upload"
BATCH = 1 << 20
"""Bytes that are gathered before a thread writes them."""
_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the body may say: the file's name. Other members are the original's and make no difference."""

    filename: str | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which bytes of how many a request brings; `total` None: all there are."""

    start: int = 0
    total: int | None = None
    length: int | None = None


def routes(library: Library, threads: Threads, darkroom: Callable[[], Darkroom]) -> list[Route]:
    """The doors."""
    doors = Uploading(library, threads, darkroom)
    return [
        Route(path=PATH, handler=doors.begin, methods=frozenset({"POST"}), writes=True),
        Route(path=f"{PATH}/{{}}", handler=doors.tell, methods=READS),
        Route(path=f"{PATH}/{{}}", handler=doors.receive, methods=frozenset({"PUT"})),
    ]


class Uploading:
    """Handlers that need the threads and, to look at pictures, the darkroom."""

    def __init__(self, library: Library, threads: Threads, darkroom: Callable[[], Darkroom]) -> None:
        self._library = library
        self._threads = threads
        self._darkroom = darkroom

    async def begin(self, ask: Ask) -> Answer:
        """`{"id", "uploadURL"}`: the key that `post.addImage` takes as `url`, and where the bytes go."""
        viewer = ask.viewer
        if not viewer.known:
            raise Unauthorized("Unauthorized")
        if not viewer.may_write:
            raise Forbidden("Your API key does not have the required scope for this action")
        wish = _wish(await ask.body())
        upload = await self._threads.run(uploads.begin, self._library, viewer, wish.filename)
        expires = upload.expires_at // 1000
        signature = uploads.sign(self._library.database.library.link_secret, upload.media_key, expires)
        address = f"{ask.origin}{PATH}/{upload.media_key}?expires={expires}&signature={signature}"
        return json_answer({"id": upload.media_key, "uploadURL": address}, cache=NO_STORE)

    async def tell(self, ask: Ask) -> Answer:
        """How much of it is here: `{"id", "received", "complete"}`."""
        return self._state(await self._threads.run(self._open, ask), 200)

    async def receive(self, ask: Ask) -> Answer:
        """Bytes, all or a part. 200 once it is whole and found good, 202 before that."""
        upload = await self._threads.run(self._open, ask)
        most = uploads.most_bytes(self._library.settings)
        part = _part(ask.header("content-range"), most)
        if upload.state != uploads.OPEN:
            return await self._again(ask, upload, most)
        receiving = await self._threads.run(Receiving, self._library, upload, part.start)
        try:
            length = await self._write(ask, receiving, most - part.start if part.length is None else part.length)
        finally:
            receiving.close()
        if part.length is not None and length != part.length:
            raise BadRequest(f"Content-Range promised {part.length} bytes, {length} came")
        if part.total is not None and part.start + length < part.total:
            return self._state(upload, 202)
        return self._state(await self._threads.run(uploads.finish, self._library, upload, self._darkroom), 200)

    async def _again(self, ask: Ask, upload: Upload, most: int) -> Answer:
        """The answer once more, to a client that missed it and brings the same bytes. Conflict for any others."""
        digest = hashlib.sha256()
        async for piece in ask.pieces(most):
            digest.update(piece)
        if digest.hexdigest() != upload.sha256:
            raise Conflict("This upload is whole already")
        return self._state(upload, 200)

    def _open(self, ask: Ask) -> Upload:
        key, given = ask.args[0], dict(ask.pairs)
        expires = given.get("expires", "")
        if not is_key(key) or not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
            raise Forbidden("This upload address is not valid")
        return uploads.open_address(self._library, key, int(expires), given.get("signature", ""))

    async def _write(self, ask: Ask, receiving: Receiving, limit: int) -> int:
        """Write what arrives, also when the client goes away in the middle; how many bytes that were."""
        held, size = bytearray(), 0
        try:
            async for piece in ask.pieces(limit):
                held += piece
                size += len(piece)
                if len(held) >= BATCH:
                    await self._threads.run(receiving.write, bytes(held))
                    held.clear()
        finally:
            if held:
                await self._threads.run(receiving.write, bytes(held))
        return size

    def _state(self, upload: Upload, status: int) -> Answer:
        whole = upload.state != uploads.OPEN
        body: dict[str, Any] = {
            "id": upload.media_key,
            "received": uploads.received(self._library, upload),
            "complete": whole,
        }
        if whole:
            facts = upload.facts()
            body |= {"type": facts.type, "mimeType": facts.mime, "width": facts.width, "height": facts.height}
        return json_answer(body, status=status, cache=NO_STORE)


def _wish(body: bytes) -> Wish:
    if not body.strip():
        return Wish()
    try:
        return msgspec.json.decode(body, type=Wish)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRequest(str(error) or "The body is not JSON") from None


def _part(text: str, most: int) -> Part:
    if not text:
        return Part()
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise BadRequest("Content-Range is written as: bytes 0-99/1000")
    first, last, total = (int(number) for number in found.groups())
    if not first <= last < total:
        raise RangeNotSatisfiable("Content-Range lies outside the file")
    if total > most:
        raise TooLarge(f"A file has at most {most // uploads.MEBIBYTE} MB")
    return Part(start=first, total=total, length=last + 1 - first)
