"""A takeout being written: records of one moment first, then the bytes that they name, then sums and head.

The head is the last file that is written and tells what the others must be, so one that was cut short is known for what it
is; the next run goes on, since every file that is there already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import msgspec

from pinako.catalog.people import Viewer
from pinako.errors import Conflict, NotFound, UnreadableFile
from pinako.intake.export.paths import extension_of
from pinako.intake.export.placing import Outcome, Place
from pinako.intake.export.report import Report
from pinako.intake.takeout.gather import Gathering
from pinako.intake.takeout.lines import Lines, read_lines
from pinako.intake.takeout.records import FILES, HEAD, MEDIA, RECORDS, SUMS, Columns, Head, Sum, blob_place
from pinako.intake.takeout.subjects import Subjects
from pinako.services.library import Library


class _Bytes(msgspec.Struct, frozen=True, kw_only=True):
    """What of a line the second half needs."""

    image: Columns = {}
    file: Columns = {}
    size: int | None = None
    mime: str | None = None
    owned: bool = True


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that a record names, and where they lie in the takeout."""

    kind: str
    id: int
    sha256: str
    size: int
    path: str
    at: int


class TakeoutRun:
    """One takeout. `watcher` is called after each file; `total` is how many there are."""

    def __init__(
        self,
        library: Library,
        viewer: Viewer,
        user_id: int | None,
        to: Path,
        *,
        link: bool = False,
        force: bool = False,
        watcher: Callable[[TakeoutRun], None] | None = None,
    ) -> None:
        self._library, self._to, self._link, self._force = library, to, link, force
        self._subjects = Subjects(viewer=viewer, user_id=user_id, now=library.now())
        self._watcher = watcher or (lambda run: None)
        self.report = Report()
        self.total = 0
        self.stopping = Event()

    def stop(self) -> None:
        """End the run after the file that is under way."""
        self.report.interrupted = True
        self.stopping.set()

    def dry(self) -> Report:
        """Only count what would be written."""
        read, subjects = self._library.database.read(), self._subjects
        place = Place.looked_at(self._to)
        with read:
            for batch in subjects.images(read):
                for one in batch:
                    self.report.images += 1
                    if one.blob is not None and one.size is not None:
                        path = blob_place(MEDIA, one.blob, extension_of(one.mime, one.type))
                        self.report.count(place.would(path, one.size), one.size)
        return self.report

    def write(self) -> Report:
        """The whole takeout. Conflict for a folder that holds other things."""
        with ExitStack() as closing:
            library_id = self._library.database.library.library_id
            place = Place(self._to, library=library_id, force=self._force)
            closing.callback(place.close)
            files = self._write_records(place)
            self.total = files["images"].rows + files["files"].rows
            self._write_bytes(place)
            if not self.stopping.is_set():
                self._write_sums(place, files)
                self._write_head(place, files)
        return self.report

    def _write_records(self, place: Place) -> dict[str, Sum]:
        sums: dict[str, Sum] = {}
        with ExitStack() as closing, self._library.database.read() as read:
            files = {name: Lines(place, f"{name}.jsonl") for name in RECORDS}
            for lines in files.values():
                closing.callback(lines.close)
            Gathering(read, self._subjects, {name: lines.write for name, lines in files.items()}).gather()
            for name, lines in files.items():
                sums[name], outcome = lines.settle()
                self.report.count(outcome, sums[name].size)
                self.report.records += sums[name].rows
        return sums

    def _write_bytes(self, place: Place) -> None:
        for blob in self._blobs():
            if self.stopping.is_set():
                return
            if blob.kind == "image":
                self.report.images += 1
            else:
                self.report.models += 1
            self._watcher(self)
            try:
                outcome = place.put_blob(
                    blob.path, self._library.media, blob.sha256, blob.size, at=blob.at, link=self._link
                )
                self.report.count(outcome, blob.size)
            except (NotFound, Conflict, UnreadableFile) as error:
                self.report.leave(blob.kind, blob.id, error.message)

    def _blobs(self) -> Iterator[Blob]:
        """What the records name, read from them: nothing of it is held in memory."""
        for one, _ in read_lines(self._to / "images.jsonl", _Bytes):
            image = one.image
            if image["blob"] is not None and image["size"] is not None:
                path = blob_place(MEDIA, image["blob"], extension_of(image["mime"], image["type"]))
                yield Blob(
                    kind="image",
                    id=image["id"],
                    sha256=image["blob"],
                    size=image["size"],
                    path=path,
                    at=image["sort_at"],
                )
        for one, _ in read_lines(self._to / "files.jsonl", _Bytes):
            file = one.file
            if one.owned and file["blob"] is not None and one.size is not None:
                path = blob_place(FILES, file["blob"], ending_of(file["name"]))
                at = file["created_at"]
                yield Blob(kind="file", id=file["id"], sha256=file["blob"], size=one.size, path=path, at=at)

    def _write_sums(self, place: Place, files: dict[str, Sum]) -> None:
        """`SHA256SUMS`, as `sha256sum -c` reads it."""
        aside = place.aside()
        with aside.open("w", encoding="utf-8", newline="\n") as out:
            for name, found in files.items():
                out.write(f"{found.sha256}  {name}.jsonl\n")
            for blob in self._blobs():
                if place.would(blob.path, blob.size) is Outcome.SAME:
                    out.write(f"{blob.sha256}  {blob.path}\n")
        self.report.count(place.settle(aside, SUMS), 0)

    def _write_head(self, place: Place, files: dict[str, Sum]) -> None:
        """Last. One that says the same but for the time is left as it is."""
        subjects = self._subjects
        head = Head(
            library=self._library.database.library.library_id,
            made_at=subjects.now,
            users=() if subjects.user_id is None else (subjects.user_id,),
            everyone=subjects.user_id is None,
            files=files,
        )
        old = read_head(self._to)
        if old is not None and msgspec.structs.replace(old, made_at=head.made_at) == head:
            head = old
        data = msgspec.json.format(msgspec.json.encode(head), indent=2)
        self.report.count(place.put_bytes(HEAD, data), len(data))


def ending_of(name: str) -> str:
    """The ending of a model file, for its bytes in a takeout: letters and digits only."""
    ending = name.rpartition(".")[2].lower()
    return ending if ending.isascii() and ending.isalnum() and len(ending) <= 16 and "." in name else "bin"


def read_head(folder: Path) -> Head | None:
    """What a folder says of itself where it is a takeout; None where it is none."""
    try:
        head = msgspec.json.decode((folder / HEAD).read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError):
        return None
    return head if head.format == Head.__struct_defaults__[0] else None
