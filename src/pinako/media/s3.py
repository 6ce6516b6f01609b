"""Originals in a bucket of any S3-compatible store. The only room that knows the object store library."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore, S3Store

from pinako.errors import NotFound, SettingsError, StorageError, UnreadableFile
from pinako.media.blobs import (
    CHUNK,
    Blob,
    BlobWriter,
    check_hash,
    follow_link,
    hash_bytes,
    hash_file,
    read_pieces,
    split_link,
    write_link,
)

_LINK_SUFFIX: Final = ".link"
_SETTINGS: Final = frozenset(
    {
        "endpoint",
        "region",
        "access_key_id",
        "secret_access_key",
        "session_token",
        "virtual_hosted_style_request",
    }
)


def open_bucket(url: str) -> BucketStore:
    """Open `s3://bucket/prefix?endpoint=http://…&region=…&retries=3`; SettingsError for a word that means nothing."""
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    retries = options.pop("retries", "")
    unknown = sorted(options.keys() - _SETTINGS)
    if unknown or not parts.netloc:
        raise SettingsError(f"media store: s3 address with {', '.join(unknown) or 'no bucket'}")
    if retries and not re.fullmatch("[0-9]{1,3}", retries):
        raise SettingsError("media store: s3 address with retries that are no number up to 999")
    if retries:
        options["retry_config"] = {"max_retries": int(retries)}
    if options.get("endpoint", "").startswith("http://"):
        options["client_options"] = {"allow_http": True}
    return BucketStore(S3Store(parts.netloc, prefix=parts.path.strip("/") or None, **options))


class BucketStore:
    """A MediaStore in a bucket: `ab/abcd…` for contents, `ab/abcd….link` for references to files of this machine.

    An object appears whole or not at all, so nothing half-written can be found. Contents on their way in and borrowed
    ones lie in the system's directory for temporary files.
    """

    def __init__(self, bucket: ObjectStore) -> None:
        self._bucket = bucket

    def writer(self) -> BlobWriter:
        return _SpooledWriter(self)

    def put_bytes(self, data: bytes, *, sha256: str | None = None) -> Blob:
        known = check_hash(sha256) if sha256 else hash_bytes(data)
        if self._size(_place(known)) != len(data):
            self._put(_place(known), data)
        return Blob(sha256=known, size=len(data))

    def put_file(self, path: Path, *, sha256: str | None = None) -> Blob:
        try:
            found = hash_file(path)
            size = path.stat().st_size
        except OSError as error:
            raise UnreadableFile(f"{path.name}: {error.strerror}") from error
        if sha256 and found != check_hash(sha256):
            raise UnreadableFile(f"{path.name} changed while it was read")
        if self._size(_place(found)) != size:
            self._put(_place(found), path)
        return Blob(sha256=found, size=size)

    def link(self, sha256: str, path: Path) -> Blob:
        known = check_hash(sha256)
        try:
            note = write_link(path)
        except OSError as error:
            raise NotFound(f"{path.name} cannot be read in place") from error
        self._put(_place(known) + _LINK_SUFFIX, note)
        blob = self.stat(known)
        if blob is None:
            raise NotFound(f"{path.name} changed while it was linked")
        return blob

    def stat(self, sha256: str) -> Blob | None:
        known = check_hash(sha256)
        size = self._size(_place(known))
        if size is not None:
            return Blob(sha256=known, size=size)
        note = self._note(known)
        return None if note is None else follow_link(known, note)

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        blob = self._found(sha256)
        if blob.linked_to is not None:
            return read_pieces(blob.linked_to.open("rb", buffering=0), start, stop)
        end = blob.size if stop is None else min(stop, blob.size)
        return self._stream(_place(blob.sha256), start, end) if start < end else iter(())

    def locate(self, sha256: str) -> Path | None:
        blob = self.stat(sha256)
        return None if blob is None else blob.linked_to

    @contextmanager
    def borrow(self, sha256: str) -> Iterator[Path]:
        blob = self._found(sha256)
        if blob.linked_to is not None:
            yield blob.linked_to
            return
        with tempfile.TemporaryDirectory(prefix="pinako-") as directory:
            path = Path(directory) / blob.sha256
            with path.open("xb") as file:
                for piece in self._stream(_place(blob.sha256), 0, blob.size):
                    file.write(piece)
            yield path

    def delete(self, sha256: str) -> bool:
        place = _place(check_hash(sha256))
        there = [name for name in (place, place + _LINK_SUFFIX) if self._size(name) is not None]
        with _bucket_errors():
            for name in there:
                obstore.delete(self._bucket, name)
        return bool(there)

    def blobs(self) -> Iterator[Blob]:
        links: list[str] = []
        for name, size in self._names():
            if name.endswith(_LINK_SUFFIX):
                links.append(name.removesuffix(_LINK_SUFFIX))
            else:
                yield Blob(sha256=name, size=size)
        for name in links:
            blob = self.stat(name)
            if blob is not None and blob.linked_to is not None:
                yield blob

    def dangling(self) -> Iterator[tuple[str, Path]]:
        links = [name.removesuffix(_LINK_SUFFIX) for name, _ in self._names() if name.endswith(_LINK_SUFFIX)]
        for name in links:
            note = self._note(name)
            if note is not None and self.stat(name) is None:
                yield name, split_link(note)[2]

    def sign(self, sha256: str, expires: timedelta) -> str | None:
        """An address that gives the content to anybody until it expires; None where the store cannot sign."""
        if not isinstance(self._bucket, S3Store):
            return None
        with _bucket_errors():
            return obstore.sign(self._bucket, "GET", _place(check_hash(sha256)), expires)

    def sweep(self) -> int:
        return 0  # uploads that broke off are no objects, and the bucket's own rules clear their parts

    def is_quiet(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is held."""

    def _found(self, sha256: str) -> Blob:
        blob = self.stat(sha256)
        if blob is None:
            raise NotFound("Not found")
        return blob

    def _size(self, name: str) -> int | None:
        try:
            with _bucket_errors():
                return obstore.head(self._bucket, name)["size"]
        except NotFound:
            return None

    def _note(self, sha256: str) -> bytes | None:
        try:
            with _bucket_errors():
                return bytes(obstore.get(self._bucket, _place(sha256) + _LINK_SUFFIX).bytes())
        except NotFound:
            return None

    def _put(self, name: str, content: bytes | Path) -> None:
        with _bucket_errors():
            obstore.put(self._bucket, name, content)

    def _stream(self, name: str, start: int, end: int) -> Iterator[bytes]:
        with _bucket_errors():
            answer = obstore.get(self._bucket, name, options={"range": (start, end)})
            for part in answer.stream(min_chunk_size=CHUNK):
                whole = memoryview(part)  # may be longer than asked
                yield from (bytes(whole[at : at + CHUNK]) for at in range(0, len(whole), CHUNK))

    def _names(self) -> Iterator[tuple[str, int]]:
        with _bucket_errors():
            for page in obstore.list(self._bucket, chunk_size=1000):
                for item in page:
                    name = item["path"].rpartition("/")[2]
                    if len(name.removesuffix(_LINK_SUFFIX)) == 64:
                        yield name, item["size"]


class _SpooledWriter:
    """A content collected in a temporary file, then sent as one object."""

    def __init__(self, store: BucketStore) -> None:
        self._store = store
        handle, name = tempfile.mkstemp(prefix="pinako-")
        self._path = Path(name)
        self._file = os.fdopen(handle, "wb", buffering=0)

    def __enter__(self) -> _SpooledWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise StorageError(f"media store: {error}") from error

    def keep(self, sha256: str | None = None) -> Blob:
        return self._store.put_file(self._path, sha256=sha256)


def _place(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


@contextmanager
def _bucket_errors() -> Iterator[None]:
    """The library's errors as ours: absent is NotFound, anything else StorageError."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFound("Not found") from error
    except (BaseError, OSError) as error:
        raise StorageError(f"media store: {error}"[:500]) from error
