"""Files from a host: to a temporary name, resumed where the host lets us, checked, then renamed (issue 4, rest.md 19)."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pinako.client.answers import is_markup, read_error
from pinako.client.asks import Answer, without_secrets
from pinako.client.exchange import DEFAULT_RETRIES, Host, Retries, is_retryable, origin_of, redirect_target
from pinako.client.filenames import file_name_of, free_path
from pinako.client.pace import Pace
from pinako.client.parts import Part
from pinako.client.together import fetch_together
from pinako.client.transfers import Body, Transfers
from pinako.client.wanted import Download, Fetched, Wanted
from pinako.errors import (
    BadRequest,
    DamagedDownload,
    StorageError,
    UpstreamError,
    UpstreamNonsense,
    UpstreamUnreachable,
)

if TYPE_CHECKING:
    from hashlib import _Hash

T = TypeVar("T")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LONGEST_ERROR = 64 * 1024
_PROGRESS = 64 * 1024
"""A try that brought this much starts the count of tries anew: a host that cuts every connection is still finished."""
_TEXTS = frozenset({".json", ".yaml", ".yml", ".txt"})


class Downloader:
    """Fetches files from one host and from where it redirects to, at the host's pace. Safe to share between threads."""

    def __init__(
        self,
        host: Host,
        pace: Pace,
        transfers: Transfers,
        *,
        retries: Retries = DEFAULT_RETRIES,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._host = host
        self._pace = pace
        self._transfers = transfers
        self._retries = retries
        self._sleep = sleep
        self._draw = draw
        self._gate = threading.BoundedSemaphore(pace.politeness.transfers_at_once)
        self._busy: set[Path] = set()
        self._free = threading.Condition()

    def fetch(self, wanted: Wanted) -> Download:
        """Have the file, whole and checked, or raise with nothing under its name.

        Errors: DamagedDownload (length or hash), UpstreamNonsense (a page instead of a file), UpstreamUnauthorized,
        UpstreamForbidden, UpstreamNotFound, UpstreamGone, UpstreamBusy, UpstreamUnreachable, BudgetSpent, StorageError.
        """
        _check_address(wanted.url)
        part = Part.of(wanted.url, wanted.to)
        with self._gate, _Alone(part.path, self._busy, self._free):
            kept = None if wanted.overwrite else _already_there(wanted)
            download = kept or self._persist(wanted, part)
            if wanted.sidecar is not None and download.fetched:
                _write_sidecar(download.path, wanted.sidecar)
            return download

    def fetch_all(self, wanted: Iterable[Wanted]) -> Generator[Fetched, None, None]:
        """Fetch many, as many at once as the politeness allows, and give each outcome as it comes, in no fixed order.

        `wanted` is read only a few files ahead, so it may be a walk through a list. What it raises is raised here.
        """
        return fetch_together(self.fetch, wanted, self._pace.politeness.transfers_at_once)

    def close(self) -> None:
        """Let go of idle connections."""
        self._transfers.close()

    def _persist(self, wanted: Wanted, part: Part) -> Download:
        attempt = 0
        while True:
            before = part.size
            try:
                return self._attempt(wanted, part)
            except UpstreamError as error:
                delay = self._delay(error, attempt)
                if delay is None:
                    raise
            attempt = 0 if part.size >= before + _PROGRESS else attempt + 1
            if delay:
                self._sleep(delay)

    def _delay(self, error: UpstreamError, attempt: int) -> float | None:
        lost = isinstance(error, UpstreamUnreachable)
        if attempt + 1 >= self._retries.attempts or not (lost or is_retryable(error.answered)):
            return None
        asked = error.retry_after
        if asked is None:
            return self._retries.delay(attempt, self._draw)
        if asked > self._retries.most_patience:
            return None
        self._pace.hold(asked)  # for everybody: the wait itself happens where the next moment is taken
        return 0.0

    def _attempt(self, wanted: Wanted, part: Part) -> Download:
        offset = part.offset(trusted=wanted.sha256 is not None)
        try:
            return self._follow(
                wanted.url, part.range_headers(offset), lambda body: self._take(body, wanted, part, offset)
            )
        except DamagedDownload:
            part.drop()
            if not offset:
                raise
        return self._follow(
            wanted.url, {}, lambda body: self._take(body, wanted, part, 0)
        )  # the old piece was of another file

    def _follow(self, url: str, headers: Mapping[str, str], use: Callable[[Body], T]) -> T:
        """Open an address, redirects included; the credential goes only to the host's own origin."""
        url = self._host.with_token(url) if origin_of(url) == self._host.origin else url
        for _ in range(_MOST_REDIRECTS + 1):
            own = url.startswith(f"{self._host.origin}/api/")
            if seconds := self._pace.take(api=own):
                self._sleep(seconds)
            with self._transfers.open(url, {**self._host.headers(url), **headers}) as body:
                if body.status not in _REDIRECTS or "location" not in body.headers:
                    return use(body)
                answer = Answer(status=body.status, headers=body.headers, body=_beginning(body), call=_name(url))
            url = redirect_target(self._host, url, answer)
        raise UpstreamNonsense("The host redirects in a circle.", call=_name(url))

    def _take(self, body: Body, wanted: Wanted, part: Part, offset: int) -> Download:
        """Store one answer's bytes and give the finished file. Raises the answer's own error where it is one."""
        digest = hashlib.sha256() if wanted.hashed or wanted.sha256 else None
        if body.status == 416 and offset:
            if _is_whole(body, offset):  # killed between the last byte and the renaming
                part.feed(digest, offset)
                return _finish(wanted, part, body, offset, digest, offset)
            part.drop()
            raise UpstreamUnreachable("The host refused to go on in the middle.", call=_name(wanted.url))
        if body.status >= 400:
            raise self._error(body, wanted.url)
        start = _start_of(body, offset, wanted.url)
        _refuse_odd(body, wanted)
        total = _total(body, start)
        if total is not None and wanted.size is not None and total != wanted.size:
            raise _damaged(wanted, f"{total} bytes are offered where {wanted.size} were expected")
        part.begin(start, body.headers, total)
        size = _write(body, part, start, digest, wanted)
        return _finish(wanted, part, body, size, digest, start)

    def _error(self, body: Body, url: str) -> UpstreamError:
        return read_error(Answer(status=body.status, headers=body.headers, body=_beginning(body), call=_name(url)))


class _Alone:
    """One thread per temporary file: the same file asked for twice at once is fetched by the first and found by the second."""

    def __init__(self, path: Path, busy: set[Path], free: threading.Condition) -> None:
        self._path = path
        self._busy = busy
        self._free = free

    def __enter__(self) -> None:
        with self._free:
            self._free.wait_for(lambda: self._path not in self._busy)
            self._busy.add(self._path)

    def __exit__(self, *_: object) -> None:
        with self._free:
            self._busy.discard(self._path)
            self._free.notify_all()


def _check_address(url: str) -> None:
    try:
        readable = origin_of(url).startswith(("http://", "https://")) and bool(urlsplit(url).hostname)
    except ValueError:
        readable = False
    if not readable:
        raise BadRequest(f"{without_secrets(url)!r} is no web address.")


def _already_there(wanted: Wanted) -> Download | None:
    """The file as it lies there, where it fits what is known of it."""
    try:
        size = wanted.to.stat().st_size if wanted.to.is_file() else None
    except OSError:
        return None
    if size is None or (wanted.size is not None and size != wanted.size):
        return None
    digest = _hash_of(wanted.to) if wanted.sha256 or wanted.hashed else None
    if wanted.sha256 and digest != wanted.sha256.lower():
        return None
    return Download(path=wanted.to, size=size, sha256=digest, fetched=False)


def _start_of(body: Body, offset: int, url: str) -> int:
    """The byte at which this answer begins. A range other than the one asked for would tear the file."""
    if body.status != 206:
        return 0
    words = body.headers.get("content-range", "").removeprefix("bytes ").partition("-")
    if not offset or words[0].strip() != str(offset):
        raise UpstreamNonsense("The host answered with another range than was asked.", call=_name(url), answered=206)
    return offset


def _is_whole(body: Body, offset: int) -> bool:
    return body.headers.get("content-range", "").replace(" ", "") == f"bytes*/{offset}"


def _total(body: Body, start: int) -> int | None:
    length = body.headers.get("content-length", "")
    return start + int(length) if length.isdecimal() and "transfer-encoding" not in body.headers else None


def _refuse_odd(body: Body, wanted: Wanted) -> None:
    """Refuse by the head alone what cannot be the file."""
    kind = body.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body.headers.get("content-encoding", "identity").lower() not in {"identity", ""}:
        raise UpstreamNonsense("The host packed the file although it was asked not to.", call=_name(wanted.url))
    may_be_text = wanted.text or wanted.sha256 is not None
    if not may_be_text and kind in {"text/html", "application/xhtml+xml"}:
        raise _no_file(wanted, "a web page")
    if not may_be_text and kind.endswith("json") and wanted.to.suffix.lower() not in _TEXTS:
        raise _no_file(wanted, "a message", _beginning(body))


def _refuse_text(first: bytes, wanted: Wanted) -> None:
    """Refuse by its first bytes a page that travels under a file's type."""
    if wanted.text or wanted.sha256 is not None:
        return
    if is_markup(first[:64], ""):
        raise _no_file(wanted, "a web page")
    if first[:16].lstrip().startswith((b'{"error"', b'{"message"', b'[{"error"')):
        raise _no_file(wanted, "a message", first[:_LONGEST_ERROR])


def _write(body: Body, part: Part, start: int, digest: _Hash | None, wanted: Wanted) -> int:
    """Bytes to the temporary file; the size it has in the end."""
    part.feed(digest, start)
    size = start
    try:
        with part.path.open("r+b" if start else "wb", buffering=0) as stream:
            stream.seek(start)
            for piece in body.chunks():
                if size == 0:
                    _refuse_text(bytes(piece[:256]), wanted)
                stream.write(piece)
                if digest is not None:
                    digest.update(piece)
                size += len(piece)
                if wanted.size is not None and size > wanted.size:
                    raise _damaged(wanted, f"more than the {wanted.size} bytes that were expected")
            stream.truncate()
    except OSError as error:
        raise StorageError(f"{part.path.parent} cannot be written: {error.strerror}.") from error
    return size


def _finish(wanted: Wanted, part: Part, body: Body, size: int, digest: _Hash | None, start: int) -> Download:
    found = digest.hexdigest() if digest is not None else None
    if wanted.size is not None and size != wanted.size:
        raise _damaged(wanted, f"{size} bytes came where {wanted.size} were expected")
    if wanted.sha256 and found != wanted.sha256.lower():
        raise _damaged(wanted, "its SHA-256 is another")
    if size == 0 and wanted.size != 0:
        raise _damaged(wanted, "it is empty")
    return Download(
        path=_rename(wanted, part, body, size),
        size=size,
        sha256=found,
        content_type=body.headers.get("content-type", ""),
        etag=body.headers.get("etag", ""),
        resumed_at=start,
    )


def _rename(wanted: Wanted, part: Part, body: Body, size: int) -> Path:
    try:
        target = wanted.to
        if target.is_dir():
            name = file_name_of(body.headers.get("content-disposition", ""), wanted.url)
            target = free_path(target / name, part.path, size)
        part.finish(target)
    except OSError as error:
        raise StorageError(f"{wanted.to} cannot be written: {error.strerror}.") from error
    return target


def _write_sidecar(path: Path, text: bytes) -> None:
    fresh = path.with_name(f".{path.name}.json.part")
    try:
        fresh.write_bytes(text)
        os.replace(fresh, path.with_name(f"{path.name}.json"))
    except OSError as error:
        raise StorageError(f"{path.parent} cannot be written: {error.strerror}.") from error


def _hash_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _beginning(body: Body) -> bytes:
    """The body if it is short, so that the connection can be kept; else its first part."""
    found = b""
    for piece in body.chunks():
        found += bytes(piece)
        if len(found) >= _LONGEST_ERROR:
            break
    return found


def _no_file(wanted: Wanted, what: str, body: bytes = b"") -> UpstreamNonsense:
    words = " ".join(body[:200].decode("utf-8", "replace").split())
    return UpstreamNonsense(
        f"The host gave {what} instead of the file{': ' + words if words else ''}.",
        call=_name(wanted.url),
        answered=200,
        advice="It may want a login, or stand behind a check for browsers.",
    )


def _damaged(wanted: Wanted, what: str) -> DamagedDownload:
    return DamagedDownload(
        f"The file is not the one expected: {what}.",
        call=_name(wanted.url),
        answered=200,
        advice="It may have changed on the host: read its record again.",
    )


def _name(url: str) -> str:
    return f"GET {without_secrets(url)}"
