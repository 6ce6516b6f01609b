"""One export: every image that a viewer's wish names, once, to its place; resumable because what is there is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from threading import Event

from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery
from pinako.errors import Conflict, NotFound, PinakoError, UnreadableFile
from pinako.intake.export import embedding
from pinako.intake.export.models import ModelsOut
from pinako.intake.export.options import Options
from pinako.intake.export.paths import extension_of, numbered, read_template
from pinako.intake.export.placing import Place
from pinako.intake.export.records import RecordFile, open_records
from pinako.intake.export.report import Report
from pinako.media.blobs import hash_bytes
from pinako.services import exporting
from pinako.services.exporting import Leaving, Selection
from pinako.services.library import Library


class Run:
    """One export. `watcher` is called after each image, for the display."""

    def __init__(
        self,
        library: Library,
        viewer: Viewer,
        options: Options,
        watcher: Callable[[Run], None] | None = None,
    ) -> None:
        self._library, self._viewer, self._options = library, viewer, options
        self._watcher = watcher or (lambda run: None)
        self._template = read_template(options.path)
        self._bases = exporting.bases_of(library)
        self._taken: set[str] = set()
        self.report = Report()
        self.total = 0
        self._lists = 0
        self.stopping = Event()

    def stop(self) -> None:
        """End the run after the image that is under way."""
        self.report.interrupted = True
        self.stopping.set()

    def export(self, selections: Sequence[Selection]) -> Report:
        """Everything that these selections name. BadRequest and NotFound before anything is written."""
        for query in self._queries(selections):
            self._lists += 1
            self.total += exporting.count(self._library, self._viewer, query)
        if self._options.limit:
            self.total = min(self.total, self._options.limit)
        with ExitStack() as closing:
            place = self._opened_place(closing)
            records = None
            if self._options.records is not None and not self._options.dry:
                records = closing.enter_context(open_records(*self._options.records))
            models = ModelsOut(self._library, self._viewer, self.report, place, self._options)
            for batch in self._batches(selections):
                self._export_batch(batch, place, records, models)
            if not self.stopping.is_set():
                models.take_selections(self._of_models(selections))
                models.export(self.stopping, lambda: self._watcher(self))
            if records is not None:
                records.keep = not self.stopping.is_set()
        return self.report

    def _opened_place(self, closing: ExitStack) -> Place | None:
        options = self._options
        if options.to is None:
            return None
        if options.dry:
            return Place.looked_at(options.to)
        place = Place(options.to, library=self._library.database.library.library_id, force=options.force)
        closing.callback(place.close)
        return place

    def _of_models(self, selections: Sequence[Selection]) -> Sequence[Selection]:
        """Whose own models go out: all where asked, else those of collections that hold nothing but models."""
        if self._options.models:
            return selections
        return [
            one for one in selections if self._options.to is not None and exporting.is_of_models(self._library, one)
        ]

    def _batches(self, selections: Sequence[Selection]) -> Iterator[list[Leaving]]:
        """Pages of what leaves, each image once, up to the limit."""
        seen: set[int] = set()
        left = self._options.limit or -1
        for query in self._queries(selections):
            for ids in exporting.pages(self._library, self._viewer, query):
                fresh = [id for id in ids if id not in seen][: left if left >= 0 else None]
                if self._lists > 1:  # one list names each image once by itself
                    seen.update(fresh)
                left -= len(fresh) if left >= 0 else 0
                yield exporting.leaving(self._library, self._viewer, fresh, self._bases)
                if left == 0 or self.stopping.is_set():
                    return

    def _queries(self, selections: Sequence[Selection]) -> Iterator[ImageQuery]:
        for wanted in selections:
            yield from exporting.image_queries(self._library, self._viewer, wanted)

    def _export_batch(
        self, batch: Sequence[Leaving], place: Place | None, records: RecordFile | None, models: ModelsOut
    ) -> None:
        for one in batch:
            if self.stopping.is_set():
                return
            path = self._path_of(one) if place is not None else ""
            if place is not None:
                self._export(place, one, path)
            if records is not None:
                records.write(one, path)
                self.report.records += 1
            self.report.images += 1
            self._watcher(self)
        if self._options.models:
            models.take_used([one.image.id for one in batch])

    def _path_of(self, one: Leaving) -> str:
        path = self._template.path(one)
        if self._template.is_unique:
            return path
        # Disks that know no case would have one file of two.
        if path.casefold() in self._taken:
            path = numbered(path, one.image.id)
        self._taken.add(path.casefold())
        return path

    def _export(self, place: Place, one: Leaving, path: str) -> None:
        """One image; what is wrong with it is its own trouble, what is wrong with the disk ends the run."""
        try:
            self._export_medium(place, one, path)
        except (NotFound, Conflict, UnreadableFile) as error:
            self.report.leave("image", one.image.id, error.message)
        try:
            if self._options.sidecars and one.item:
                self.report.sidecars += 1
                self._put(place, f"{path}.json", one.item, one)
        except Conflict as error:
            self.report.leave("sidecar", one.image.id, error.message)

    def _export_medium(self, place: Place, one: Leaving, path: str) -> None:
        image, store = one.image, self._library.media
        if one.bare:
            raise NotFound("its owner hides how it was made, which its bytes would tell")
        if image.blob is None or image.size is None:
            raise NotFound("its bytes are not in the library")
        if self._options.embed and self._embed(place, one, path):
            return
        if self._options.dry:
            self.report.count(place.would(path, image.size), image.size)
            return
        outcome = place.put_blob(path, store, image.blob, image.size, at=image.sort_at, link=self._options.link)
        self.report.count(outcome, image.size)

    def _embed(self, place: Place, one: Leaving, path: str) -> bool:
        """Write a copy that says how it was made; False where the file goes out as it is."""
        text = embedding.text_of(one, self._options.embed)
        if text is None:
            return False
        data = None
        try:
            data = embedding.carried(self._stored(one), text, self._options.embed)
        except PinakoError as error:
            if isinstance(error, NotFound):
                raise
            self.report.note("image", one.image.id, f"{error.message}; its text lies beside it")
            self._put(place, f"{path}.{embedding.BESIDE[self._options.embed]}", text.encode(), one)
        if data is None:
            return False
        self.report.embedded += 1
        self._put(place, path, data, one)
        return True

    def _stored(self, one: Leaving) -> bytes:
        image = one.image
        if image.mime not in embedding.CARRIERS:
            kind = extension_of(image.mime, image.type).upper()
            raise UnreadableFile(f"{kind} files cannot carry it")
        data = b"".join(self._library.media.read(image.blob or ""))
        if hash_bytes(data) != image.blob:
            raise UnreadableFile("its stored bytes are damaged")
        return data

    def _put(self, place: Place, path: str, data: bytes, one: Leaving) -> None:
        if self._options.dry:
            self.report.count(place.would(path), len(data))
        else:
            self.report.count(place.put_bytes(path, data, one.image.sort_at), len(data))
