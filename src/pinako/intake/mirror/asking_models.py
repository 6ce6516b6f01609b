"""The asking side for models: both doors' documents, which files may be had, previews and galleries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pinako.client.calls import entities, rest
from pinako.client.calls.feeds import shows_one_of
from pinako.client.records.images import Image
from pinako.client.records.models import Model, ModelFile
from pinako.errors import BudgetSpent, UpstreamError, UpstreamNotFound
from pinako.intake.journal import Item, State
from pinako.intake.mirror.asker import Asker
from pinako.intake.mirror.findings import FileFound, ModelFound, Page
from pinako.intake.mirror.options import Part
from pinako.intake.mirror.terms import is_fault
from pinako.intake.mirror.upstream import ModelDocs, WholeVersion, whole
from pinako.wire.times import millis_of


class ModelAsker:
    """Asks about models, for one `Asker`'s run."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def models(self, ids: Sequence[int], page: Page) -> None:
        """Models by id, each with everything that is wanted of it."""
        page.members += [("model", id) for id in ids]
        for id in ids:
            self._asker.check()
            if not self._asker.is_dealt_with(f"model:{id}") and self._asker.launch("model", id, page):
                self.model(id, page)

    def model(self, id: int, page: Page, only_version: int | None = None) -> None:
        """One model. It must have been launched with this page."""
        whole = Page(f"model:{id}" if only_version is None else "", parent=page)
        self._model(id, whole, only_version)
        if whole.spoiled:
            # Its own list may be over by now, or it came without one: this brings the next run back to it.
            self._asker.note(whole, "model", id, State.PARTIAL, "not all lists of its images could be read")
        self._asker.close(whole)

    def _model(self, id: int, page: Page, only_version: int | None) -> None:
        found = self._documents(id, page)
        if found is None:
            return
        self._asker.give(found)
        docs = found.docs
        if only_version is not None and only_version not in {version.id for version, _ in docs.versions()}:
            reason = f"model {id} has no such version, or no longer"
            self._asker.refused(page, "version", only_version, UpstreamNotFound(reason))
            return
        shown = self._shows_images(page)
        for version, beside in docs.versions():
            if only_version in {None, version.id} and self._admits(version):
                self._files(docs, version, beside, page)
                if shown and self._asker.options.wants(Part.PREVIEWS):
                    self._previews(docs, version.id, page)
        if shown and self._asker.options.wants(Part.GALLERY):
            self._gallery(docs, only_version, page)

    def _shows_images(self, page: Page) -> bool:
        """Whether a model's images can be asked for: a host that ignores which model is meant would give everything."""
        options = self._asker.options
        if not options.wants(Part.PREVIEWS) and not options.wants(Part.GALLERY):
            return False
        try:
            if self._asker.heeds("version_id") and self._asker.heeds("model_id"):
                return True
            reason = "the host ignores which model's images are asked for: none of them was used"
        except BudgetSpent:
            raise
        except UpstreamError as error:
            reason = f"whether the host heeds which model's images are asked for: {error}"
        page.spoil()
        self._asker.broken(page, reason)
        return False

    def _admits(self, version: WholeVersion) -> bool:
        bases = self._asker.options.base_models
        return not bases or version.base_model in bases

    def _documents(self, id: int, page: Page) -> ModelFound | None:
        """What both doors say; None where neither gives it, which is noted: as gone only if no door merely failed."""
        trpc = self._ask(entities.get_model_details(id))
        by_rest = self._ask(rest.get_model(id))
        errors = [one for one in (by_rest, trpc) if isinstance(one, UpstreamError)]
        fault = next((error for error in errors if is_fault(error)), None)
        if len(errors) < 2:
            docs = ModelDocs(
                id=id,
                rest=whole(by_rest) if isinstance(by_rest, Model) else None,
                trpc=whole(trpc) if isinstance(trpc, Model) else None,
            )
            return ModelFound(page=page, docs=docs, error=fault)
        self._asker.refused(page, "model", id, fault or errors[0])
        self._asker.landed("model", id)
        return None

    def _ask(self, call: object) -> object:
        try:
            return self._asker.client.run(call)  # type: ignore[arg-type]
        except BudgetSpent:
            raise
        except UpstreamError as error:
            return error

    # files

    def _files(self, docs: ModelDocs, version: WholeVersion, beside: WholeVersion | None, page: Page) -> None:
        if not self._asker.options.wants(Part.MODELS):
            return
        pairs = [(file, by_rest) for file, by_rest in docs.files(version.id) if file.id is not None]
        known = self._asker.known("file", [file.id for file, _ in pairs if file.id is not None])
        closed = self._closed(docs, version)
        for file, by_rest in pairs:
            item = known.get(file.id or 0)
            if self._asker.is_fresh(item) or self._is_here(item, file) or self._rests(item):
                continue
            refused = closed or self._too_large(file)
            page.give()
            self._asker.give(
                FileFound(
                    page=page,
                    model_id=docs.id,
                    version=version,
                    file=file,
                    rest=by_rest,
                    refused=refused[0] if refused else None,
                    reason=refused[1] if refused else "",
                    retry_at=refused[2] if refused else None,
                )
            )

    def _is_here(self, item: Item | None, file: ModelFile) -> bool:
        """Whether these very bytes are here: a file with another hash is a new revision."""
        return item is not None and Part.MODELS in item.parts and item.digest == (file.sha256 or item.digest)

    def _rests(self, item: Item | None) -> bool:
        return item is not None and not self._asker.opens(item) and item.rests(self._asker.now)

    def _closed(self, docs: ModelDocs, version: WholeVersion) -> tuple[State, str, int | None] | None:
        """What the records themselves say against a download: it is not even tried then."""
        model = docs.best
        if model.mode in {"Archived", "TakenDown"}:
            return State.TAKEN_DOWN, f"the model is {model.mode}", None
        if version.usage_control and version.usage_control != "Download":
            return State.DISABLED, f"its creator allows only {version.usage_control}", None
        gate = version.paid_access
        if gate is None or self._asker.client.host.credential is not None:
            return None  # whoever bought access has it with their account
        if gate.ends_at is None:
            return State.EARLY, "it is only for those who bought access", None
        ends = millis_of(gate.ends_at)
        return (
            (State.EARLY, f"early access until {gate.ends_at:%Y-%m-%d %H:%M} UTC", ends)
            if ends > self._asker.now
            else None
        )

    def _too_large(self, file: ModelFile) -> tuple[State, str, int | None] | None:
        limit, size = self._asker.options.file_limit, (file.size_kb or 0) * 1024
        if limit is None or size <= limit:
            return None
        return State.LEFT_OUT, f"{size / 1e6:,.0f} MB is over the size that was asked for", None

    # images

    def _previews(self, docs: ModelDocs, version_id: int, page: Page) -> None:
        """The creator's own images for a version: those of the posts that show it off."""
        creator = docs.creator_name
        if creator is None:
            return

        def shows(row: Image) -> bool:
            return row.model_version_id in {None, version_id} and (row.author or "").lower() == creator.lower()

        listed = self._asker.image_list(version_id=version_id, username=creator, types=(), base_models=())
        self._asker.images(listed, "", parent=page, belongs=shows)

    def _gallery(self, docs: ModelDocs, only_version: int | None, page: Page) -> None:
        id, versions = docs.id, frozenset(version.id for version, _ in docs.versions())
        if only_version is not None:
            listed = self._asker.image_list(version_id=only_version)
            self._asker.images(listed, f"gallery:v{only_version}", parent=page, belongs=lambda row: True)
            return
        listed = self._asker.image_list(model_id=id)
        shows = msgspec.structs.replace(listed, fits=lambda row: shows_one_of(row, versions))
        # A gallery may hold what its row does not show: only a list of which nothing fits is somebody else's.
        self._asker.images(shows, f"gallery:{id}", parent=page, belongs=lambda row: True)

    def version(self, version_id: int, model_id: int | None) -> None:
        """One version: its model's records, and this version's files and images."""
        page = Page(f"version:{version_id}")
        page.members.append(("version", version_id))
        if model_id is None:
            details = self._ask(entities.get_version_details(version_id, with_files=False))
            if isinstance(details, UpstreamError):
                self._asker.refused(page, "version", version_id, details)
            else:
                parent = getattr(details, "model", None)
                model_id = getattr(details, "model_id", None) or (parent.id if parent else None)
        if model_id is not None and self._asker.launch("model", model_id, page):
            self.model(model_id, page, only_version=version_id)
        self._asker.close(page)


def ids_of(rows: Iterable[Model]) -> list[int]:
    """The ids of listed models."""
    return [row.id for row in rows]
