"""Downloads of model files: the API address that decides (rest.md 19), and the signed address that has the bytes."""

from __future__ import annotations

import logging
from urllib.parse import quote

from pinako.errors import BadRequest, Forbidden, NotFound, PinakoError
from pinako.services import download
from pinako.services.download import Granted, Refusal, Refused
from pinako.services.library import Library
from pinako.web.answers import NO_STORE, Answer, json_answer, redirect_answer, text_answer
from pinako.web.ask import Ask
from pinako.web.routes import ANY, Route, rest_errors
from pinako.web.sending import FileTraits, answer_file
from pinako.web.threads import Threads
from pinako.wire import failures, params, times

log = logging.getLogger(__name__)

_BROWSERS = ("mozilla", "chrome", "safari", "firefox", "opera", "edge")

_DISABLED = "The creator of this asset has disabled downloads on this file"
_LOGIN = "The creator of this asset requires you to be logged in to download it"
_GATED = "This asset is in Early Access. You can use Buzz access it now!"

_PLAIN = {
    Refusal.UNKNOWN: (404, download.MISSING),
    Refusal.ARCHIVED: (410, "Model archived, not available for download"),
    Refusal.PRIVATE: (403, "You do not have access to download this file"),
}


def routes(library: Library, threads: Threads) -> tuple[Route, ...]:
    """The download doors of a library. The original looks at no method here (rest.md 19)."""
    doors = Downloads(library, threads)
    errors = rest_errors(failures.DOWNLOAD)
    return (
        Route(path="/api/download/models/{}", handler=doors.ask_for, methods=ANY, errors=errors),
        Route(path="/api/download/training-data/{}", handler=doors.training_data, methods=ANY, errors=errors),
        Route(path="/api/download/files/{}/{}", handler=doors.send, errors=errors),
    )


class Downloads:
    """Handlers that need the worker threads."""

    def __init__(self, library: Library, threads: Threads) -> None:
        self._library = library
        self._threads = threads

    async def ask_for(self, ask: Ask) -> Answer:
        """`/api/download/models/{versionId}`: 307 to the bytes, the bytes at once by setting, or why not."""
        version_id = params.read_version_id(ask.args[0])
        asked = params.read_download(ask.pairs)
        found = await self._threads.run(
            download.decide, self._library, ask.viewer, version_id, asked.wishes, asked.file_id
        )
        if isinstance(found, Refused):
            return _refusal(ask, version_id, found)
        # A row whose bytes are gone is a 404 here and now, not a link that leads nowhere.
        size = await self._threads.run(self._size, found.sha256)
        self._count(ask, found)
        if self._library.settings.download_redirect:
            address = self._link(ask, found)
            return redirect_answer(address, 307, body=address)
        return self._bytes(ask, found.sha256, size, found.name)

    def training_data(self, ask: Ask) -> Answer:
        """The older address of a version's training data."""
        version_id = params.read_version_id(ask.args[0])
        return redirect_answer(f"/api/download/models/{version_id}?type=Training%20Data", 308)

    async def send(self, ask: Ask) -> Answer:
        """The signed address. It needs no header; one that a client sends along makes no difference."""
        file_id = params.read_path_id(ask.args[0])
        given = dict(ask.pairs)
        expires = given.get("expires", "")
        if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            raise Forbidden("This download link is not valid")
        name, signature = ask.args[1], given.get("signature", "")
        sha256 = await self._threads.run(download.open_link, self._library, file_id, name, int(expires), signature)
        return self._bytes(ask, sha256, await self._threads.run(self._size, sha256), name)

    def _bytes(self, ask: Ask, sha256: str, size: int, name: str) -> Answer:
        traits = FileTraits(
            size=size,
            etag=f'"{sha256}"',
            mime="application/octet-stream",
            cache=b"private, no-cache",
            headers=((b"content-disposition", _disposition(name).encode("ascii")),),
        )
        store = self._library.media
        return answer_file(ask, self._threads, traits, lambda start, stop: store.read(sha256, start, stop))

    def _size(self, sha256: str) -> int:
        blob = self._library.media.stat(sha256)
        if blob is None:
            raise NotFound(download.MISSING)
        return blob.size

    def _link(self, ask: Ask, granted: Granted) -> str:
        expires = self._library.now() // 1000 + self._library.settings.download_link_seconds
        secret = self._library.database.library.link_secret
        signature = download.sign(secret, granted.file_id, granted.name, expires)
        shown = quote(_disposition(granted.name), safe="")
        path = f"/api/download/files/{granted.file_id}/{quote(granted.name, safe='')}"
        return f"{ask.origin}{path}?expires={expires}&response-content-disposition={shown}&signature={signature}"

    def _count(self, ask: Ask, granted: Granted) -> None:
        """Count a download that begins; looking at the head and resuming do not count."""
        resumed = ask.header("range") and not ask.header("range").replace(" ", "").startswith("bytes=0-")
        if ask.method != "HEAD" and not resumed:
            self._threads.start(self._write_count, granted)

    def _write_count(self, granted: Granted) -> None:
        try:
            download.count_download(self._library.database, granted, self._library.now())
        except PinakoError as error:
            log.warning("a download of version %d could not be counted: %s", granted.version_id, error)


def _disposition(name: str) -> str:
    """Exactly this form: clients split the header at `filename=`. The name is ASCII without quotes by its making."""
    if not name.isascii() or '"' in name:
        raise BadRequest("This is not a file name")
    return f'attachment; filename="{name}"'


def _refusal(ask: Ask, version_id: int, refused: Refused) -> Answer:
    browser = _is_browser(ask)
    if refused.why in _PLAIN:
        status, text = _PLAIN[refused.why]
        if browser:
            return text_answer(text, status=status, cache=NO_STORE)
        return json_answer({"error": text}, status=status, cache=NO_STORE)
    if refused.why is Refusal.DISABLED:
        return json_answer({"error": "Unauthorized", "message": _DISABLED}, status=401, cache=NO_STORE)
    if refused.why is Refusal.LOGIN:
        if browser:
            return redirect_answer(f"/login?returnUrl=%2Fmodel-versions%2F{version_id}&reason=download-auth")
        return json_answer({"error": "Unauthorized", "message": _LOGIN}, status=401, cache=NO_STORE)
    if browser:
        return redirect_answer(f"/model-versions/{version_id}")
    return json_answer(_gate(refused), status=403, cache=NO_STORE)


def _gate(refused: Refused) -> dict[str, str]:
    deadline = {} if refused.deadline is None else {"deadline": times.iso(refused.deadline)}
    return {"error": "Early Access", **deadline, "message": _GATED}


def _is_browser(ask: Ask) -> bool:
    agent = ask.header("user-agent").lower()
    return any(word in agent for word in _BROWSERS)
