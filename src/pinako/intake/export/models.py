"""Model files of an export, with previews and the `.civitai.info` that other tools keep beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from pinako.catalog.images import FullImage
from pinako.catalog.people import Viewer
from pinako.catalog.primary import FileWishes
from pinako.catalog.queries import ModelQuery
from pinako.catalog.resources import ModelFile, VersionInModel
from pinako.errors import Conflict, NotFound, UnreadableFile
from pinako.feed import gather
from pinako.intake.export.options import Options
from pinako.intake.export.paths import extension_of, numbered, safe_part
from pinako.intake.export.placing import Place
from pinako.intake.export.report import Report
from pinako.services import detail, download, exporting
from pinako.services.exporting import Selection
from pinako.services.library import Library
from pinako.wire import fragments, rest_versions

FOLDER = "models"
_WHY = {
    download.Refusal.UNKNOWN: "it is not here, or not for this viewer",
    download.Refusal.ARCHIVED: "its model is archived",
    download.Refusal.DISABLED: "its creator allows no downloads",
    download.Refusal.LOGIN: "its download needs a login",
    download.Refusal.GATED: "early access is not over",
    download.Refusal.PRIVATE: "it is private",
}


class ModelsOut:
    """Versions that images were made with, and those that a selection names itself; each once, by id."""

    def __init__(self, library: Library, viewer: Viewer, report: Report, place: Place | None, options: Options) -> None:
        self._library, self._viewer, self._report = library, viewer, report
        self._place, self._options = place, options
        self._versions: dict[int, None] = {}
        self._bases = exporting.bases_of(library)
        self._taken: set[str] = set()

    def take_used(self, image_ids: Sequence[int]) -> None:
        """The versions that these images were made with."""
        used = gather.used_versions(self._library.database.read(), image_ids)
        for versions in used.values():
            self._versions.update((one.version_id, None) for one in versions)

    def take_selections(self, selections: Sequence[Selection]) -> None:
        """What a user, model, version or collection names itself."""
        for wanted in selections:
            if wanted.version_id is not None:
                self._versions[wanted.version_id] = None
            elif wanted.model_id is not None:
                self._take_list(ModelQuery(ids=(wanted.model_id,), level=self._viewer.cap, archived=True, limit=100))
            elif wanted.collection_id is not None or wanted.username is not None:
                query = ModelQuery(
                    collection_id=wanted.collection_id,
                    username=wanted.username,
                    level=wanted.level or self._viewer.cap,
                    base_models=wanted.base_models,
                    archived=True,
                    limit=100,
                )
                self._take_list(query)

    def _take_list(self, query: ModelQuery) -> None:
        for ids in exporting.model_pages(self._library, self._viewer, query):
            sql = "SELECT id FROM model_versions WHERE model_id IN (?*)"
            rows = self._library.database.read().by_ids(sql, list(ids))
            self._versions.update((row[0], None) for row in sorted(rows))

    def export(self, stopping: Event, tick: Callable[[], None]) -> None:
        """Write everything that was taken."""
        for id in self._versions:
            if stopping.is_set():
                return
            try:
                item = detail.version(self._library, self._viewer, id)
            except NotFound:
                continue  # a version without files, or none of this viewer's business
            self._export_version(item)
            tick()

    def _export_version(self, item: VersionInModel) -> None:
        model, version = item.model, item.full.version
        folder = "/".join(
            (
                FOLDER,
                safe_part(model.type),
                safe_part(f"{model.name} ({model.id})", 120),
                safe_part(f"{version.name} ({version.id})", 120),
            )
        )
        body = fragments.splice(rest_versions.version_body(item, self._library.now()), self._bases)
        for full in item.full.files:
            path = self._export_file(folder, item, full.file)
            if path is not None:
                stem = path.rpartition(".")[0] or path
                self._put(f"{stem}.civitai.info", body, version.created_at)
                self._report.sidecars += 1
                self._export_preview(stem, item.full.previews)

    def _export_file(self, folder: str, item: VersionInModel, file: ModelFile) -> str | None:
        """Where a file went; None where it did not. The conditions are those of a download."""
        if file.blob is None:
            self._report.leave("model file", file.id, "its bytes are not in the library")
            return None
        given = download.decide(self._library, self._viewer, item.full.version.id, FileWishes(), file.id)
        if isinstance(given, download.Refused):
            self._report.leave("model file", file.id, _WHY[given.why])
            return None
        path = f"{folder}/{safe_part(given.name)}"
        if path.casefold() in self._taken:
            path = numbered(path, file.id)
        self._taken.add(path.casefold())
        self._report.models += 1
        try:
            self._put_blob(path, given.sha256, file.created_at)
        except (NotFound, Conflict, UnreadableFile) as error:
            self._report.leave("model file", file.id, error.message)
            return None
        return path

    def _export_preview(self, stem: str, previews: Sequence[FullImage]) -> None:
        """The first picture that this viewer may have, under the name by which other tools find it."""
        for full in previews:
            image = full.image
            if image.type == "image" and image.blob is not None and not self._is_bare(full):
                try:
                    self._put_blob(f"{stem}.preview.{extension_of(image.mime)}", image.blob, image.sort_at)
                except (NotFound, Conflict, UnreadableFile) as error:
                    self._report.leave("preview", image.id, error.message)
                return

    def _is_bare(self, full: FullImage) -> bool:
        return full.image.hide_meta and full.image.user_id != self._viewer.user_id and not self._viewer.moderator

    def _put_blob(self, path: str, sha256: str, at: int) -> None:
        blob = self._library.media.stat(sha256)
        if blob is None:
            raise NotFound("its bytes are not in the library")
        if self._place is None:
            return
        if self._options.dry:
            self._report.count(self._place.would(path, blob.size), blob.size)
            return
        outcome = self._place.put_blob(path, self._library.media, sha256, blob.size, at=at, link=self._options.link)
        self._report.count(outcome, blob.size)

    def _put(self, path: str, data: bytes, at: int) -> None:
        if self._place is None:
            return
        if self._options.dry:
            self._report.count(self._place.would(path, len(data)), len(data))
        else:
            self._report.count(self._place.put_bytes(path, data, at), len(data))
