"""What a worker does with one file: read once, measure, keep the bytes. Rows are written elsewhere, and later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pinako import metadata
from pinako.errors import NotFound, UnreadableFile
from pinako.intake.jobs import Bench, Headers, HeadersRead, Job, Kept, ModelHead, Outcome, Picture, Refused, WeightsKept
from pinako.intake.thumbnails import Thumbnails, measure_with_thumbnails
from pinako.intake.walk import MEDIA_ENDINGS, Source
from pinako.media.facts import PictureFacts, read_facts
from pinako.media.quickpng import unpack_png
from pinako.media.render import Rendered
from pinako.media.slate import Slate
from pinako.media.store import MediaStore, open_store
from pinako.media.video import has_ffmpeg, take_still
from pinako.metadata.modelfiles import MODEL_EXTENSIONS, probe, read_header_only, read_model_file
from pinako.metadata.modelfiles.kinds import OTHER, SAFETENSORS
from pinako.metadata.modelfiles.sidecars import read_sidecars
from pinako.metadata.reading import Facts, Reading
from pinako.services.prepare import PreparedImage, assemble, digest_of

IN_MEMORY = 96 << 20
"""Bytes up to which a picture is read into memory, once, instead of three times from the disk."""
MEDIA = ("image", "video", "audio")
UNSHOWN = ("image/heic", "image/heic-sequence", "image/jxl")
"""Pictures whose texts are read, and whose pixels nothing here can decode."""
OCTETS = "application/octet-stream"

Progress = Callable[[int], None]


class Pending(NamedTuple):
    """An outcome that counts once its bytes are stored: that is mostly waiting for the disk, and may be done beside."""

    outcome: Outcome
    store: Callable[[], object]

    def finish(self) -> Outcome:
        """Store the bytes; then it counts."""
        self.store()
        return self.outcome


class Workplace:
    """One worker's tools, opened once: the store of originals, and the cache of thumbnails where they are wanted."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.store: MediaStore = open_store(bench.media_url)
        self._films = has_ffmpeg()
        self._slate = Slate()
        self._thumbnails = Thumbnails(bench.cache, bench.cache_bytes) if bench.cache is not None else None

    def do(self, job: Job, progress: Progress) -> Outcome | Pending:
        """One job. Raises PinakoErrors for files that cannot be read."""
        if isinstance(job, Picture):
            return self._picture(job)
        if isinstance(job, Headers):
            heads = (read_head(one, names) for one, names in zip(job.sources, job.names, strict=True))
            return HeadersRead(heads=tuple(heads))
        return self._weights(job.source, progress)

    def close(self) -> None:
        """Let go of everything."""
        if self._thumbnails is not None:
            self._thumbnails.close()
        self.store.close()

    # pictures

    def _picture(self, job: Picture) -> Outcome | Pending:
        source = job.source
        if job.data is None and source.size == 0:
            return Refused(reason="the file is empty")
        if job.data is None and source.size > IN_MEMORY:
            return self._keep_large(source)
        data = job.data if job.data is not None else _read(source)
        reading = metadata.read_bytes(data)
        if reading.facts.kind not in MEDIA:
            return _foreign(source)
        return self._keep(source, reading, data, linked=self.bench.in_place and job.data is None)

    def _keep(self, source: Source, reading: Reading, data: bytes, *, linked: bool) -> Pending:
        """A file in memory: the bytes that are decoded are those that are hashed and stored."""
        measured, thumbnails = self._measure(source.path, reading, data)
        prepared = assemble(reading, measured, hashlib.sha256(data).hexdigest(), len(data))
        self._keep_thumbnails(prepared, thumbnails)
        if linked:
            _check_unchanged(source)
            return Pending(Kept(prepared=prepared), lambda: self._link(prepared.sha256, source.path))
        return Pending(Kept(prepared=prepared), lambda: self.store.put_bytes(data, sha256=prepared.sha256))

    def _keep_large(self, source: Source) -> Outcome:
        reading = metadata.read_file(source.path)
        if reading.facts.kind not in MEDIA:
            return _foreign(source)
        measured, thumbnails = self._measure(source.path, reading, None)
        sha256, size = digest_of(source.path)
        _check_unchanged(source)
        self._store_file(source.path, sha256)
        prepared = assemble(reading, measured, sha256, size)
        self._keep_thumbnails(prepared, thumbnails)
        return Kept(prepared=prepared)

    def _keep_thumbnails(self, prepared: PreparedImage, made: tuple[Rendered, ...]) -> None:
        if self._thumbnails is not None:
            self._thumbnails.keep(prepared.sha256, prepared.mime, made)

    def _measure(
        self, path: Path, reading: Reading, data: bytes | None
    ) -> tuple[PictureFacts | None, tuple[Rendered, ...]]:
        """The pixels' facts, with thumbnails where they are wanted; of a video those of its first frame."""
        limit = self.bench.pixel_limit
        if _ends_early(reading.facts):
            raise UnreadableFile("cut short: it may still be being written, or was not downloaded whole")
        if reading.facts.kind == "image":
            if reading.facts.mime in UNSHOWN:
                raise UnreadableFile(f"{reading.facts.mime} cannot be decoded here; pinako inspect shows what it says")
            source = path if data is None else unpack_png(data) or data
            if isinstance(source, bytes) and self._thumbnails is not None:
                return measure_with_thumbnails(source, limit)
            return read_facts(source, pixel_limit=limit, slate=self._slate), ()
        if reading.facts.kind != "video" or not self._films:
            return None, ()
        try:
            still = take_still(path)
        except UnreadableFile:
            if reading.facts.width is None:
                raise
            return None, ()  # in a coding that is not known here: it is kept as it would be without ffmpeg
        if self._thumbnails is not None:
            return measure_with_thumbnails(still, limit, pixel_hash=False)
        return read_facts(still, pixel_hash=False), ()

    # model files

    def _weights(self, source: Source, progress: Progress) -> Outcome:
        reading = read_model_file(source.path, progress=progress)
        if not reading.complete:
            return Refused(reason=next(problem for problem in reading.problems if problem.startswith("cut short")))
        _check_unchanged(source)
        sha256 = reading.hashes["SHA256"].lower()
        self._store_file(source.path, sha256)
        return WeightsKept(reading=reading)

    def _store_file(self, path: Path, sha256: str) -> None:
        if self.bench.in_place:
            self._link(sha256, path)
        else:
            self.store.put_file(path, sha256=sha256)

    def _link(self, sha256: str, path: Path) -> None:
        try:
            self.store.link(sha256, path)
        except NotFound as error:
            raise UnreadableFile(error.message) from error


def read_head(source: Source, names: tuple[str, ...]) -> ModelHead:
    """One model file's header and sidecars; a refusal in words where it cannot be read."""
    if source.size == 0:
        return ModelHead(source=source, refused="the file is empty")
    kind = probe(source.path)
    if kind is None or (kind == OTHER and _is_medium(source.path)):
        return ModelHead(source=source)
    try:
        reading = read_header_only(source.path)
    except UnreadableFile as error:
        return ModelHead(source=source, refused=error.message)
    if kind == OTHER:
        return ModelHead(source=source, refused="it is not the model file that its name says")
    if not reading.complete:
        return ModelHead(source=source, refused=next((p for p in reading.problems if p.startswith("cut short")), ""))
    if kind == SAFETENSORS and reading.problems and not reading.tensor_count:
        return ModelHead(source=source, refused=reading.problems[0])  # a header that no program could load
    return ModelHead(source=source, reading=reading, sidecar=read_sidecars(source.path, names=names))


def _is_medium(path: Path) -> bool:
    try:
        return metadata.read_file(path).facts.kind in MEDIA
    except UnreadableFile:
        return False


def _foreign(source: Source) -> Refused:
    """Neither picture nor video nor sound: perhaps a model file under another name."""
    if source.path.suffix.lower() not in MODEL_EXTENSIONS and probe(source.path) is not None:
        return Refused(reason="a model file", is_model=True)
    if source.path.suffix.lower() in MEDIA_ENDINGS:
        return Refused(reason="it is not the picture, video or sound that its name says")
    return Refused(reason="not a picture, video, sound or model file", foreign=True)


def _ends_early(facts: Facts) -> bool:
    """Whether a film or sound is cut short, which its first frame does not tell. Of GIFs many lack nothing but their end."""
    still = facts.kind == "image" and (not facts.animated or facts.mime == "image/gif")
    return not facts.complete and not still


def _read(source: Source) -> bytes:
    try:
        with source.path.open("rb", buffering=0) as file:
            data = file.readall() or b""
    except OSError as error:
        raise UnreadableFile((error.strerror or str(error)).lower()) from error
    if len(data) != source.size:
        raise UnreadableFile("it changed while it was read: it may still be being written")
    return data


def _check_unchanged(source: Source) -> None:
    """The file must be the one that was measured: a row with another file's hash would be worse than none."""
    try:
        status = os.stat(source.path)
    except OSError as error:
        raise UnreadableFile((error.strerror or str(error)).lower()) from error
    if (status.st_size, status.st_mtime_ns) != (source.size, source.mtime_ns):
        raise UnreadableFile("it changed while it was read: it may still be being written")
