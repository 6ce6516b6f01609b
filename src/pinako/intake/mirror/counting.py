"""A run that only counts: what would come and how many bytes, as the lists say; nothing is fetched or kept."""

from __future__ import annotations

from pinako.intake.journal import State
from pinako.intake.mirror.findings import (
    CollectionFound,
    FileFound,
    Finding,
    ImageFound,
    ListBroken,
    ModelFound,
    StateFound,
)
from pinako.intake.mirror.ids import local_ids
from pinako.intake.mirror.keeping import TABLE_OF, is_to_be_withheld
from pinako.intake.mirror.media import known_blob
from pinako.intake.mirror.report import Missing, Report
from pinako.media.store import MediaStore
from pinako.storage.database import Database
from pinako.storage.scopes import Statements


class Counter:
    """Counts findings as the run that keeps them would, each thing once however many addresses show it."""

    def __init__(self, database: Database, store: MediaStore, report: Report) -> None:
        self._database, self._store, self._report = database, store, report
        self._seen: set[tuple[str, str, int]] = set()

    def count(self, source: str, finding: Finding) -> None:
        """Count one finding."""
        if isinstance(finding, ImageFound):
            self._count_image(source, finding)
        elif isinstance(finding, FileFound):
            self._count_file(source, finding)
        elif isinstance(finding, ModelFound):
            self._report.models += self._is_new(source, "model", finding.docs.id)
        elif isinstance(finding, CollectionFound):
            self._report.collections += self._is_new(source, "collection", finding.collection.id)
        elif isinstance(finding, StateFound):
            self._count_state(source, finding)
        elif isinstance(finding, ListBroken):
            self._report.whole = False
            self._miss(source, "list", None, State.FAILED, finding.reason)

    def _count_image(self, source: str, found: ImageFound) -> None:
        row, read, report = found.row, self._database.read(), self._report
        if not self._is_first(source, "image", row.id):
            return
        report.found += 1
        if is_to_be_withheld(read, source, found):
            report.withheld += 1
            return
        if row.post_id is not None and not found.steady:
            report.posts += self._is_new(source, "post", row.post_id)
        here = _is_here(read, source, "image", row.id)
        report.already += found.steady
        report.changed += here and not found.steady
        report.images += not here
        size = row.metadata.get("size")
        if found.fetch and type(size) is int and known_blob(read, source, found) is None:
            report.expected_bytes += size

    def _count_file(self, source: str, found: FileFound) -> None:
        id, sha256 = found.file.id or 0, found.file.sha256
        if not self._is_first(source, "file", id):
            return
        if found.refused is State.LEFT_OUT:
            self._report.left_out += 1
        elif found.refused is not None:
            self._miss(source, "file", id, found.refused, found.reason)
        else:
            self._report.files += 1
            if not sha256 or self._store.stat(sha256.lower()) is None:
                self._report.expected_bytes += round((found.file.size_kb or 0) * 1024)

    def _count_state(self, source: str, found: StateFound) -> None:
        if found.id is not None and not self._is_first(source, found.entity, found.id):
            return
        self._report.withheld += found.state is State.WITHHELD
        self._report.left_out += found.state is State.LEFT_OUT
        self._report.gone += found.state is State.GONE
        if found.reason and found.state is not State.GONE:
            self._miss(source, found.entity, found.id, found.state, found.reason)

    def _is_new(self, source: str, entity: str, id: int) -> bool:
        return self._is_first(source, entity, id) and not _is_here(self._database.read(), source, entity, id)

    def _is_first(self, source: str, entity: str, id: int) -> bool:
        before = len(self._seen)
        self._seen.add((source, entity, id))
        return len(self._seen) > before

    def _miss(self, source: str, entity: str, id: int | None, state: State, reason: str) -> None:
        self._report.miss(Missing(source=source, entity=entity, id=id, state=str(state), reason=reason))


def _is_here(read: Statements, source: str, entity: str, id: int) -> bool:
    return bool(local_ids(read, TABLE_OF[entity], source, [id]))
