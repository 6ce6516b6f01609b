"""Files from a host: to a temporary name, resumed where the host lets us, checked, then renamed (issue 4, rest.md 19)."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pinako.client.answers import is_markup, read_error
from pinako.client.asks import Answer, without_secrets
from pinako.client.connections import has_host
from pinako.client.digits import number_of
from pinako.client.exchange import DEFAULT_RETRIES, Host, Retries, Wait, is_retryable, redirect_target
from pinako.client.filenames import file_name_of, free_path
from pinako.client.pace import Pace
from pinako.client.parts import Part, storage_error
from pinako.client.together import fetch_together
from pinako.client.transfers import READ, Head, Open, Steps, Transfers, run
from pinako.client.wanted import Download, Fetched, Wanted
from pinako.errors import BadRequest, DamagedDownload, UpstreamError, UpstreamNonsense, UpstreamUnreachable

if TYPE_CHECKING:
    from hashlib import _Hash

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LONGEST_ERROR = 64 * 1024
_PROGRESS = 64 * 1024
"""A try that brought this much starts the count of tries anew: a host that cuts every connection is still finished."""
_TEXTS = frozenset({".json", ".yaml", ".yml", ".txt"})
_WAIT_FOR_TWIN = 0.05


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
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def fetch(self, wanted: Wanted) -> Download:
        """Have the file, whole and checked, or raise with nothing under its name.

        Errors: DamagedDownload (length or hash), UpstreamNonsense (a page instead of a file), UpstreamUnauthorized,
        UpstreamForbidden, UpstreamNotFound, UpstreamGone, UpstreamBusy, UpstreamUnreachable, BudgetSpent, StorageError.
        """
        with self._gate:
            return run(self.steps(wanted), self._transfers, self._sleep)

    def fetch_all(self, wanted: Iterable[Wanted]) -> Generator[Fetched, None, None]:
        """Fetch many, as many at once as the politeness allows, and give each outcome as it comes, in no fixed order.

        `wanted` is read only a few files ahead, so it may be a walk through a list. What it raises is raised here.
        """
        at_once = self._pace.politeness.transfers_at_once
        return fetch_together(self.steps, wanted, self._transfers, at_once=at_once, sleep=self._sleep)

    def close(self) -> None:
        """Let go of idle connections."""
        self._transfers.close()

    def steps(self, wanted: Wanted) -> Steps[Download]:
        """The download as steps that do no network I/O themselves; see `fetch` for its errors."""
        _check_address(wanted.url)
        to = os.fspath(wanted.to)
        there = _stat(to)
        folder = there == _FOLDER
        part_key = f"{wanted.url} {to}"
        while not self._claim(part_key):
            yield Wait(_WAIT_FOR_TWIN)  # the same file asked for twice at once: the second finds what the first fetched
            there = there if folder else _stat(to)
        try:
            download = None if wanted.overwrite or there is None or folder else _already_there(wanted, there)
            if download is None:
                part = Part.of(wanted.url, to, to if folder else os.path.dirname(to))
                download = yield from self._persist(wanted, part, folder)
                if wanted.sidecar is not None:
                    _write_sidecar(download.path, wanted.sidecar)
            return download
        finally:
            with self._lock:
                self._busy.discard(part_key)

    def _claim(self, key: str) -> bool:
        with self._lock:
            if key in self._busy:
                return False
            self._busy.add(key)
            return True

    def _persist(self, wanted: Wanted, part: Part, folder: bool) -> Steps[Download]:
        attempt = 0
        while True:
            before = part.size
            try:
                return (yield from self._attempt(wanted, part, folder))
            except UpstreamError as error:
                delay = self._delay(error, attempt)
                if delay is None:
                    raise
            attempt = 0 if part.size >= before + _PROGRESS else attempt + 1
            if delay:
                yield Wait(delay)

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

    def _attempt(self, wanted: Wanted, part: Part, folder: bool) -> Steps[Download]:
        offset = part.offset(trusted=wanted.sha256 is not None)
        try:
            head = yield from self._follow(wanted.url, part.range_headers(offset))
            return (yield from _take(head, wanted, part, offset, folder))
        except DamagedDownload:
            part.drop()
            if not offset:
                raise
        head = yield from self._follow(wanted.url, {})  # the old piece was of another file
        return (yield from _take(head, wanted, part, 0, folder))

    def _follow(self, url: str, headers: Mapping[str, str]) -> Steps[Head]:
        """Open an address, redirects included; the credential goes only to the host's own origin."""
        origin = self._host.origin
        url = self._host.with_token(url) if url.startswith(f"{origin}/") else url
        for _ in range(_MOST_REDIRECTS + 1):
            if seconds := self._pace.take(url, api=url.startswith(f"{origin}/api/")):
                yield Wait(seconds)
            head = yield Open(url=url, headers={**self._host.headers(url), **headers})
            if not isinstance(head, Head):
                raise UpstreamUnreachable("Nothing was sent.", call=_name(url))
            if head.status not in _REDIRECTS or "location" not in head.headers:
                return head
            answer = Answer(status=head.status, headers=head.headers, body=(yield from _beginning()), call=_name(url))
            url = redirect_target(self._host, url, answer)
        raise UpstreamNonsense("The host redirects in a circle.", call=_name(url))


def _take(head: Head, wanted: Wanted, part: Part, offset: int, folder: bool) -> Steps[Download]:
    """Store one answer's bytes and give the finished file. Raises the answer's own error where it is one."""
    digest = hashlib.sha256() if wanted.hashed or wanted.sha256 else None
    if head.status == 416 and offset:
        if head.headers.get("content-range", "").replace(" ", "") == f"bytes*/{offset}":
            part.feed(digest, offset)  # killed between the last byte and the renaming
            return _finish(wanted, part, head, digest, offset, folder)
        part.drop()
        raise UpstreamUnreachable("The host refused to go on in the middle.", call=_name(wanted.url))
    if head.status >= 400:
        body = yield from _beginning()
        raise read_error(Answer(status=head.status, headers=head.headers, body=body, call=_name(wanted.url)))
    start = _start_of(head, offset, wanted.url)
    yield from _refuse_odd(head, wanted)
    total = _total(head, start)
    if total is not None and wanted.size is not None and total != wanted.size:
        raise _damaged(wanted, f"{total} bytes are offered where {wanted.size} were expected")
    part.feed(digest, start)
    yield from _write(head, part, start, digest, wanted)
    return _finish(wanted, part, head, digest, start, folder)


def _write(head: Head, part: Part, start: int, digest: _Hash | None, wanted: Wanted) -> Steps[None]:
    """Bytes to the temporary file as they come."""
    stream = part.begin(start, head.headers, _total(head, start))
    try:
        while piece := (yield READ):
            if isinstance(piece, Head):
                break
            if not part.size:
                _refuse_text(bytes(piece[:_LONGEST_ERROR]), wanted)
            stream.write(piece)
            part.size += len(piece)
            if digest is not None:
                digest.update(piece)
            if wanted.size is not None and part.size > wanted.size:
                raise _damaged(wanted, f"more than the {wanted.size} bytes that were expected")
    except OSError as error:
        raise storage_error(part.path, error) from error
    finally:
        stream.close()


_FOLDER = -1


def _stat(path: str) -> int | None:
    """A file's size, `_FOLDER`, or None where there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return _FOLDER if found.st_mode & 0o170000 == 0o040000 else found.st_size


def _check_address(url: str) -> None:
    if not has_host(url):
        raise BadRequest(f"{without_secrets(url)!r} is no web address.")


def _already_there(wanted: Wanted, size: int) -> Download | None:
    """The file as it lies there, where it fits what is known of it."""
    if wanted.size is not None and size != wanted.size:
        return None
    digest = _hash_of(wanted.to) if wanted.sha256 or wanted.hashed else None
    if wanted.sha256 and digest != wanted.sha256.lower():
        return None
    return Download(path=wanted.to, size=size, sha256=digest, fetched=False)


def _start_of(head: Head, offset: int, url: str) -> int:
    """The byte at which this answer begins. A range other than the one asked for would tear the file."""
    if head.status != 206:
        return 0
    first = head.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    if not offset or first.strip() != str(offset):
        raise UpstreamNonsense("The host answered with another range than was asked.", call=_name(url), answered=206)
    return offset


def _total(head: Head, start: int) -> int | None:
    length = number_of(head.headers.get("content-length", ""))
    return None if length is None or "transfer-encoding" in head.headers else start + length


def _refuse_odd(head: Head, wanted: Wanted) -> Steps[None]:
    """Refuse by the head alone what cannot be the file."""
    kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if head.headers.get("content-encoding", "identity").lower() not in {"identity", ""}:
        raise UpstreamNonsense("The host packed the file although it was asked not to.", call=_name(wanted.url))
    if wanted.text or wanted.sha256 is not None:
        return
    if kind in {"text/html", "application/xhtml+xml"}:
        raise _no_file(wanted, "a web page")
    if kind.endswith("json") and wanted.to.suffix.lower() not in _TEXTS:
        raise _no_file(wanted, "a message", (yield from _beginning()))


def _refuse_text(first: bytes, wanted: Wanted) -> None:
    """Refuse by its first bytes a page that travels under a file's type."""
    if wanted.text or wanted.sha256 is not None:
        return
    if is_markup(first[:64], ""):
        raise _no_file(wanted, "a web page")
    if first[:16].lstrip().startswith((b'{"error"', b'{"message"', b'[{"error"')):
        raise _no_file(wanted, "a message", first)


def _finish(wanted: Wanted, part: Part, head: Head, digest: _Hash | None, start: int, folder: bool) -> Download:
    found = digest.hexdigest() if digest is not None else None
    if wanted.size is not None and part.size != wanted.size:
        raise _damaged(wanted, f"{part.size} bytes came where {wanted.size} were expected")
    if wanted.sha256 and found != wanted.sha256.lower():
        raise _damaged(wanted, "its SHA-256 is another")
    if part.size == 0 and wanted.size != 0:
        raise _damaged(wanted, "it is empty")
    target = wanted.to
    if folder:
        name = file_name_of(head.headers.get("content-disposition", ""), wanted.url)
        target = free_path(target / name, Path(part.path), part.size)
    part.finish(os.fspath(target))
    return Download(
        path=target,
        size=part.size,
        sha256=found,
        content_type=head.headers.get("content-type", ""),
        etag=head.headers.get("etag", ""),
        resumed_at=start,
    )


def _write_sidecar(path: Path, text: bytes) -> None:
    target = f"{os.fspath(path)}.json"
    fresh = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.part")
    try:
        with open(fresh, "wb", buffering=0) as stream:
            stream.write(text)
        os.replace(fresh, target)
    except OSError as error:
        raise storage_error(target, error) from error


def _hash_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise storage_error(os.fspath(path), error) from error


def _beginning() -> Steps[bytes]:
    """The body if it is short, so that the connection can be kept; else its first part."""
    found = b""
    while piece := (yield READ):
        found += bytes(piece) if not isinstance(piece, Head) else b""
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
