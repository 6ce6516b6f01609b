"""The importer's run: walks, asks what is known, hands files to the workers, writes what comes back in batches.

Order is file, row: the workers store bytes before the rows that name them are written here, so that a run that is killed
anywhere has lost nothing that was acknowledged, and the next run goes on where it was.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event

import msgspec

from pinako.errors import StorageError
from pinako.intake import known
from pinako.intake.claims import Claims, claim
from pinako.intake.groups import Grouping, Groups, Slot
from pinako.intake.jobs import Bench, Headers, HeadersRead, Job, Kept, Picture, Refused, Weights, WeightsKept
from pinako.intake.keep import Arrival, Terms
from pinako.intake.keep_models import Weighed, homes_of
from pinako.intake.known import Known
from pinako.intake.modelfolder import ModelFolder, Placed
from pinako.intake.report import Report
from pinako.intake.rules import Rules
from pinako.intake.walk import Folder, Refusal, Source, is_plain_text, walk
from pinako.intake.workers import Finished, Running, Workers
from pinako.intake.writing import Writer
from pinako.media.store import MediaStore
from pinako.settings import Settings
from pinako.storage.database import Database

LOOK_SECONDS = 0.1


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How one run is done. `user_id` owns what comes in; `processes` 0 lets the number of cores decide."""

    user_id: int
    rules: Rules = Rules()
    grouping: Grouping = "folder"
    in_place: bool = False
    dated: bool = False
    thumbnails: bool = False
    processes: int = 0


class Run:
    """One import. `watcher` is called some ten times a second, for the display; what it raises ends the run."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: MediaStore,
        options: Options,
        watcher: Callable[[Run], None] | None = None,
    ) -> None:
        self._settings, self._database, self._options = settings, database, options
        self._watcher = watcher or (lambda run: None)
        self.report = Report()
        self.walked = False
        self.stopping = Event()
        terms = Terms(user_id=options.user_id, rules=options.rules, in_place=options.in_place, dated=options.dated)
        self._writer = Writer(database, store, settings.derivatives, terms, self.report)
        self._groups = Groups(options.grouping, dated=options.dated)
        # One more than there are cores: while one waits for the disk, another decodes.
        self._workers = Workers(options.processes or (os.cpu_count() or 1) + 1, self._bench())
        self._next: deque[Job] = deque()
        self._number = 0
        self._slots: dict[int, Slot] = {}
        self._folders: dict[int, ModelFolder] = {}
        self._placed: dict[int, Placed] = {}

    def _bench(self) -> Bench:
        settings = self._settings
        return Bench(
            media_url=settings.media_address,
            in_place=self._options.in_place,
            cache=settings.derivatives if self._options.thumbnails else None,
            cache_bytes=settings.derivative_cache_bytes,
            pixel_limit=settings.pixel_limit,
        )

    def stop(self) -> None:
        """End the run at the next place where nothing is half-done; a signal's handler may call it.

        An exception out of a handler would come anywhere, also between a lock and the place that gives it back.
        """
        self.report.interrupted = True
        self.stopping.set()

    def running(self) -> list[Running]:
        """What the workers do now, the longest first."""
        return self._workers.running()

    def bring(self, paths: Iterable[Path]) -> Report:
        """Import everything below these paths; what became of it. StorageError when the library's disk refuses."""
        jobs = self._jobs(walk(paths, leave_out=[self._settings.folder]))
        self.walked = False
        while not self.stopping.is_set() and not (self.walked and not self._next and self._workers.is_idle):
            self._hand_out(jobs)
            for finished in self._workers.collect(LOOK_SECONDS):
                self._take(finished)
            if self._writer.is_due:
                self._writer.write()
            self._watcher(self)
        self._writer.write()
        self._watcher(self)
        return self.report

    def close(self) -> None:
        """Keep what is finished, and end the workers."""
        try:
            self._writer.write()
        finally:
            self._workers.close()

    def _hand_out(self, jobs: Iterator[Job]) -> None:
        """Give the workers as much as they take, follow-up work before new files."""
        while not self.stopping.is_set() and (self._next or not self.walked):
            if not self._next:
                job = next(jobs, None)
                self.walked = job is None
                self._next.extend([] if job is None else [job])
            elif self._workers.has_room_for(self._next[0]):
                self._workers.submit(self._next.popleft())
            else:
                return

    def _new_number(self) -> int:
        self._number += 1
        return self._number

    # what the walk finds

    def _jobs(self, folders: Iterator[Folder]) -> Iterator[Job]:
        for folder in folders:
            self.report.found += len(folder.files) + len(folder.refused)
            self.report.found_bytes += sum(source.size for source in folder.files)
            self.report.hidden += folder.hidden
            for refusal in folder.refused:
                self.report.refuse(refusal)
            self.report.notes.extend(folder.notes)
            self._watcher(self)
            if self.stopping.is_set():
                return
            yield from self._folder_jobs(folder)

    def _folder_jobs(self, folder: Folder) -> Iterator[Job]:
        claims = claim(folder)
        same = self._known(folder.files)
        fresh = [source for source in folder.files if source.path not in same]
        fresh = [source for source in fresh if not self._is_skipped(source)]
        yield from self._model_jobs(folder, claims, fresh, same)
        others = [one for one in fresh if one.path not in claims.models and one.path not in claims.owners]
        pictures = [one for one in others if not is_plain_text(one)]
        self.report.foreign += len(others) - len(pictures)
        for source, slot in self._groups.plan(folder.path, pictures):
            yield self._picture_job(source, slot)

    def _known(self, sources: Sequence[Source]) -> dict[Path, Known]:
        """The files that are here already, untouched or merely moved: nobody reads them again."""
        read, user_id = self._database.read(), self._options.user_id
        by_path = {source.path: source for source in sources}
        rows = known.by_path(read, sources)
        same = {path: row for path, row in rows.items() if row.is_same(by_path[path])}
        same = known.of_user(read, same, user_id)
        trashed = known.count_trashed(read, same)
        self.report.trashed += trashed
        self.report.already += len(same) - trashed
        strangers = [source for source in sources if source.path not in rows]
        moved = known.of_user(read, known.by_inode(read, strangers), user_id)
        self._writer.move([(by_path[path], row) for path, row in moved.items()])
        self.report.done_bytes += sum(by_path[path].size for path in (*same, *moved))
        same |= moved
        self._writer.know(same)
        return same

    def _is_skipped(self, source: Source) -> bool:
        skipped = self._options.rules.skips(source.path)
        self.report.skipped += skipped
        return skipped

    def _picture_job(self, source: Source, slot: Slot, data: bytes | None = None) -> Picture:
        number = self._new_number()
        self._slots[number] = slot
        return Picture(number=number, source=source, data=data)

    def _loose_picture(self, source: Source) -> Picture:
        """A picture that comes after its folder was planned."""
        [(_, slot)] = self._groups.plan(source.path.parent, [source])
        return self._picture_job(source, slot)

    def _model_jobs(
        self, folder: Folder, claims: Claims, fresh: Sequence[Source], same: dict[Path, Known]
    ) -> Iterator[Job]:
        """The headers of all models of a folder in which something of a model is new."""
        notes = [one for one in fresh if one.path in claims.owners and not claims.is_preview(one.path)]
        self.report.sidecars += len(notes)
        self.report.done_bytes += sum(one.size for one in notes)
        models = [one for one in fresh if one.path in claims.models]
        previews = [one for one in fresh if claims.is_preview(one.path)]
        if models or previews:
            yield from self._open_folder(folder, claims, models, previews, same)

    def _open_folder(
        self,
        folder: Folder,
        claims: Claims,
        models: Sequence[Source],
        previews: Sequence[Source],
        same: dict[Path, Known],
    ) -> Iterator[Job]:
        ids = {path: row.entity_id for path, row in same.items() if row.entity_type == known.MODEL_FILE}
        places = homes_of(self._database.read(), ids.values())
        homes = {path: places[id] for path, id in ids.items() if id in places}
        here = {source.path: source for source in folder.files if source.path in homes}
        home = ModelFolder(folder.path, claims, models, here, homes, previews)
        for sources, names in home.batches():
            number = self._new_number()
            self._folders[number] = home
            yield Headers(number=number, sources=sources, names=names)
        if not models and not here:  # the models of these previews are passed over or unreadable
            for preview in previews:
                yield self._loose_picture(preview)

    # what the workers answer

    def _take(self, finished: Finished) -> None:
        job, outcome = finished.job, finished.outcome
        if isinstance(outcome, Refused) and outcome.fatal:
            raise StorageError(outcome.reason)
        if isinstance(job, Headers):
            self._take_headers(job, self._folders.pop(job.number), outcome)
        elif isinstance(job, Weights):
            self._take_weights(job, self._placed.pop(job.number), outcome)
        else:
            self._take_picture(job, self._slots.pop(job.number), outcome)

    def _take_picture(self, job: Picture, slot: Slot, outcome: object) -> None:
        if isinstance(outcome, Kept):
            prepared = outcome.prepared
            self._writer.take_picture(
                Arrival(source=job.source, prepared=prepared, slot=slot, from_file=job.data is None)
            )
        elif isinstance(outcome, Refused) and outcome.is_model:
            self._take_hidden_model(job.source)
        elif isinstance(outcome, Refused) and job.data is None:
            self._refuse(job.source, outcome)

    def _refuse(self, source: Source, refused: Refused) -> None:
        self.report.done_bytes += source.size
        if refused.foreign:
            self.report.foreign += 1
        else:
            self.report.refuse(Refusal(path=source.path, reason=refused.reason))

    def _take_hidden_model(self, source: Source) -> None:
        """A model file without a model file's name."""
        home = ModelFolder(source.path.parent, Claims(models={source.path: ()}), [source], {}, {}, ())
        for sources, names in home.batches():
            number = self._new_number()
            self._folders[number] = home
            self._next.append(Headers(number=number, sources=sources, names=names))

    def _take_headers(self, job: Headers, home: ModelFolder, outcome: object) -> None:
        if not isinstance(outcome, HeadersRead):
            self._lose_headers(job, home, outcome)
        elif home.take(outcome.heads):
            self._place(home)

    def _lose_headers(self, job: Headers, home: ModelFolder, outcome: object) -> None:
        """A header broke its reader down. Each file of the portion is read again alone, so that one is to blame."""
        reason = outcome.reason if isinstance(outcome, Refused) else "its reader broke down over it"
        if len(job.sources) == 1:
            from pinako.intake.jobs import ModelHead

            if home.take([ModelHead(source=job.sources[0], refused=reason)]):
                self._place(home)
            return
        for source, names in zip(job.sources, job.names, strict=True):
            number = self._new_number()
            self._folders[number] = home
            self._next.append(Headers(number=number, sources=(source,), names=(names,)))

    def _place(self, home: ModelFolder) -> None:
        for head, placed in home.fresh_heads():
            if placed is not None:
                number = self._new_number()
                self._placed[number] = placed
                self._next.append(Weights(number=number, source=head.source))
            elif head.refused is not None:
                self._refuse(head.source, Refused(reason=head.refused))
            else:
                self._next.append(self._loose_picture(head.source))
        for version, preview in home.late_previews():
            if version is None:
                self._next.append(self._loose_picture(preview))
            else:
                slot = Slot(version.previews, version.previews.take_place())
                self._next.append(self._picture_job(preview, slot))

    def _take_weights(self, job: Weights, placed: Placed, outcome: object) -> None:
        if not isinstance(outcome, WeightsKept):
            self.report.sidecars += len(placed.previews)
            self._refuse(job.source, outcome if isinstance(outcome, Refused) else Refused(reason="not read"))
            return
        self._writer.take_model(Weighed(plan=placed.plan, reading=outcome.reading))
        post = placed.plan.version.previews
        for preview in placed.previews:
            self._next.append(self._picture_job(preview, Slot(post, post.take_place())))
        embedded = outcome.reading.preview
        if embedded is not None:
            slot = Slot(post, post.take_place())
            self._next.append(self._picture_job(job.source, slot, embedded.data))
