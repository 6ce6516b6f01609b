"""Model files into rows: model, version, file and hashes, with what the header and the sidecars say about them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable

import msgspec

from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.intake import known
from pinako.intake.keep import Terms, name_of
from pinako.intake.modelgroups import ModelPlan, OpenVersion, plan_models
from pinako.intake.report import Report
from pinako.intake.rules import Verdict
from pinako.intake.walk import Refusal, Source, key_of
from pinako.intake.work import OCTETS
from pinako.metadata.modelfiles.records import ModelFileReading
from pinako.metadata.modelfiles.sidecars import Sidecar, is_about
from pinako.services import publish
from pinako.services.settle import Touched
from pinako.storage.scopes import Statements, Write

CIVITAI = "civitai.com"
"""The host that ids in sidecars belong to."""


DANGER = "Danger"
WARNING = (
    "this pickle runs code of others when a program loads it (pinako inspect shows which); it was kept, not opened"
)


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """A model file that was hashed and stored, and where it goes."""

    plan: ModelPlan
    reading: ModelFileReading

    @property
    def source(self) -> Source:
        """The file."""
        return self.plan.head.source


def homes_of(read: Statements, file_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """The model and version of each model file."""
    sql = (
        "SELECT f.id, v.model_id, v.id FROM model_files f JOIN model_versions v ON v.id = f.version_id "
        "WHERE f.id IN (?*)"
    )
    return {row[0]: (row[1], row[2]) for row in read.by_ids(sql, list(file_ids))}


class ModelKeeper:
    """Writes model files for one run."""

    def __init__(self, terms: Terms, report: Report) -> None:
        self._terms = terms
        self._report = report

    def keep(self, w: Write, touched: Touched, weighed: Weighed, now: int) -> None:
        """Write one file, and its version and model where they are new."""
        source, sha256 = weighed.source, weighed.reading.hashes["SHA256"].lower()
        self._report.done_bytes += source.size
        link = key_of(source.path) if self._terms.in_place else None
        publish.keep_blob(w, sha256, source.size, OCTETS, now, link)
        here = self._find(w, touched, sha256)
        if here is not None:
            self._report.already += 1
            known.remember(w, source, sha256, known.MODEL_FILE, here, now)
            return
        plan, sidecar = self._told(weighed)
        verdict = self._terms.rules.judge(source.path)
        self._keep_model(w, touched, plan, weighed.reading, sidecar, verdict, now)
        self._keep_version(w, touched, plan, weighed.reading, sidecar, verdict, now)
        file = self._file(w, plan, weighed.reading, sha256, now)
        publish.keep_file(w, touched, file, weighed.reading.hashes)
        known.remember(w, source, sha256, known.MODEL_FILE, file.id, now)
        self._report.model_files += 1
        if weighed.reading.pickle_scan_result == DANGER:
            self._report.notes.append(Refusal(path=source.path, reason=WARNING))

    def _find(self, w: Write, touched: Touched, sha256: str) -> int | None:
        """A file of this content that the library has. One that was mirrored without its bytes gets them."""
        sql = (
            "SELECT f.id, f.blob, f.version_id FROM file_hashes h JOIN model_files f ON f.id = h.file_id "
            "WHERE h.hash = ? AND h.type = 'SHA256' ORDER BY f.id LIMIT 1"
        )
        row = w.row(sql, (sha256.upper(),))
        if row is None:
            return None
        if row[1] is None:
            w.update("model_files", row[0], {"blob": sha256})
            touched.versions.add(row[2])
            self._report.restored += 1
        return int(row[0])

    def _told(self, weighed: Weighed) -> tuple[ModelPlan, Sidecar]:
        """The plan of a file and its sidecar, unless that turns out to speak of another file: then it is on its own."""
        plan, sidecar = weighed.plan, weighed.plan.head.sidecar
        if sidecar is None or is_about(sidecar, weighed.reading.hashes):
            for problem in sidecar.problems if sidecar is not None else ():
                self._report.notes.append(Refusal(path=weighed.source.path, reason=problem))
            return plan, sidecar or Sidecar()
        note = "the notes beside it are about another file, and were left aside"
        self._report.notes.append(Refusal(path=weighed.source.path, reason=note))
        alone = plan_models([plan.head], use_sidecars=False)
        return alone[weighed.source.path], Sidecar()

    # rows

    def _keep_model(
        self,
        w: Write,
        touched: Touched,
        plan: ModelPlan,
        reading: ModelFileReading,
        sidecar: Sidecar,
        verdict: Verdict,
        now: int,
    ) -> None:
        model = plan.version.model
        if model.id is None:
            model.id, is_here = _place(w, "models", sidecar.model_id)
            if not is_here:
                row = self._model(plan, reading, sidecar, verdict, now)
                publish.keep_model(w, touched, row, [*verdict.tags, *sidecar.tags])
                self._report.models += 1
                self._report.unrated += verdict.level == 0
        touched.models.add(model.id)

    def _model(self, plan: ModelPlan, reading: ModelFileReading, sidecar: Sidecar, verdict: Verdict, now: int) -> Model:
        grouped, at = plan.version.model.grouped, self._at(plan, now)
        kind = grouped.model_type or "Other"
        return Model(
            id=plan.version.model.id or 0,
            user_id=self._terms.user_id,
            name=grouped.name,
            description=sidecar.model_description or _paragraph(reading.facts.description),
            type=kind,
            status="Published",
            checkpoint_type="Trained" if kind == "Checkpoint" else None,
            # A flag for the whole model rates nothing that the user left unrated: that stays theirs alone.
            nsfw=bool(sidecar.nsfw) and verdict.level != 0,
            poi=bool(sidecar.poi),
            minor=bool(sidecar.minor),
            level=verdict.level,
            created_at=at,
            updated_at=now,
            published_at=at,
            sort_at=at,
            source=CIVITAI if sidecar.model_id is not None else "",
            source_id=sidecar.model_id,
        )

    def _keep_version(
        self,
        w: Write,
        touched: Touched,
        plan: ModelPlan,
        reading: ModelFileReading,
        sidecar: Sidecar,
        verdict: Verdict,
        now: int,
    ) -> None:
        version = plan.version
        if version.id is None:
            id, is_here = _place(w, "model_versions", sidecar.version_id)
            version.id = id
            if not is_here:
                publish.keep_version(w, touched, self._version(plan, reading, sidecar, verdict, now))
                self._report.versions += 1
            self._order(w, version)
        touched.versions.add(version.id or 0)

    def _version(
        self, plan: ModelPlan, reading: ModelFileReading, sidecar: Sidecar, verdict: Verdict, now: int
    ) -> ModelVersion:
        version, facts, at = plan.version, reading.facts, self._at(plan, now)
        about = sidecar.version_description or _paragraph(sidecar.notes)
        return ModelVersion(
            id=version.id or 0,
            model_id=version.model.id or 0,
            idx=version.model.versions.index(version),
            name=version.grouped.name,
            description=about,
            status="Published",
            base_model=version.grouped.base_model or "Other",
            base_model_type=reading.base_model_type or "Standard",
            trained_words=json.dumps(sidecar.trained_words or reading.trained_words, ensure_ascii=False),
            steps=facts.steps,
            epochs=facts.epochs,
            clip_skip=facts.clip_skip,
            settings=_settings(sidecar),
            level=verdict.level,
            published_at=at,
            created_at=at,
            updated_at=now,
            source=CIVITAI if sidecar.version_id is not None else "",
            source_id=sidecar.version_id,
        )

    def _order(self, w: Write, version: OpenVersion) -> None:
        """Give the versions of a group their places, the newest name first."""
        for place, sibling in enumerate(version.model.versions):
            if sibling.id is not None:
                w.update("model_versions", sibling.id, {"idx": place})

    def _file(self, w: Write, plan: ModelPlan, reading: ModelFileReading, sha256: str, now: int) -> ModelFile:
        grouped = plan.file
        words = {"format": reading.format, "size": grouped.size, "fp": grouped.fp, "quantType": grouped.quant_type}
        return ModelFile(
            id=w.next_id("model_files"),
            version_id=plan.version.id or 0,
            name=name_of(plan.head.source.path),
            blob=sha256,
            size_kb=reading.size_bytes / 1024,
            type=grouped.file_type,
            format=reading.format,
            size_word=grouped.size,
            fp=grouped.fp,
            quant_type=grouped.quant_type,
            metadata=json.dumps({name: word for name, word in words.items() if word}),
            header=json.dumps(reading.header, ensure_ascii=False) if reading.header else None,
            pickle_scan_result=reading.pickle_scan_result,
            pickle_scan_message=reading.pickle_scan_message,
            virus_scan_result="Success",
            scanned_at=now,
            created_at=self._at(plan, now),
        )

    def _at(self, plan: ModelPlan, now: int) -> int:
        return min(plan.head.source.mtime_ns // 1_000_000, now) if self._terms.dated else now


def _place(w: Write, table: str, source_id: int | None) -> tuple[int, bool]:
    return publish.place(w, table, CIVITAI if source_id is not None else "", source_id)


def _paragraph(text: str | None) -> str | None:
    """Plain text as the HTML that descriptions are."""
    if not text:
        return None
    parts = (part.strip() for part in text.split("\n\n"))
    return "".join(f"<p>{html.escape(part)}</p>" for part in parts if part) or None


def _settings(sidecar: Sidecar) -> str | None:
    return json.dumps({"strength": sidecar.preferred_weight}) if sidecar.preferred_weight else None
