"""The keeping side for models, their versions and files."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pinako.catalog import levels
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.client.reading import read_record
from pinako.client.records.models import ModelFile as FileRow
from pinako.client.records.models import ParentModel
from pinako.client.records.people import Tag
from pinako.errors import UpstreamError
from pinako.intake import journal
from pinako.intake.journal import Item, State
from pinako.intake.mirror.documents import doc_of, keep_document, keep_documents
from pinako.intake.mirror.downloads_here import Said, said_before, said_now
from pinako.intake.mirror.findings import FileFound, ModelFound, VersionFound
from pinako.intake.mirror.ids import NOBODY, People, local_id, reference
from pinako.intake.mirror.model_nouns import file_of, hashes_of, is_gone, model_of, version_of
from pinako.intake.mirror.nouns import Home, at
from pinako.intake.mirror.report import Report
from pinako.intake.mirror.terms import reason_of
from pinako.intake.mirror.upstream import ModelDocs, WholeVersion
from pinako.services import publish
from pinako.services.added import added_here
from pinako.services.publish import TagOn
from pinako.services.settle import Touched
from pinako.storage.engine import Value
from pinako.storage.records import find
from pinako.storage.scopes import Write

OCTETS = "application/octet-stream"


_VERSIONS = (  # those that were listed with it: one that only images name never was
    "SELECT v.source_id FROM model_versions v WHERE v.model_id = ? AND v.source = ? AND EXISTS (SELECT 1 FROM received r "
    "WHERE r.entity_type = 'version' AND r.entity_id = v.id AND r.door <> 'trpc.bare')"
)
_FILES = (
    "SELECT f.source_id FROM model_files f JOIN model_versions v ON v.id = f.version_id "
    "WHERE v.model_id = ? AND f.source = ? AND f.source_id IS NOT NULL AND f.blob IS NOT NULL"
)


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A model file whose bytes are in the store. `header` is what its own head says, as JSON."""

    sha256: str
    size: int
    header: str | None = None


def half(error: UpstreamError) -> str:
    """The reason where one of two questions about a thing was not answered."""
    return f"only half of what the host says of it was given: {reason_of(error)}"


class ModelsKeeper:
    """Writes models of one host."""

    def __init__(self, source: str, people: People, report: Report) -> None:
        self._source, self._people, self._report = source, people, report

    def keep_model(self, w: Write, touched: Touched, found: ModelFound, now: int) -> Item:
        """A model with its versions and files; the journal's line on it."""
        docs, best = found.docs, found.docs.best
        user_id = self._people.keep(w, touched, best.creator, now, id=docs.creator_id, name=docs.creator_name)
        local, here = publish.place(w, "models", self._source, docs.id)
        old = find(w, Model, local) if here else None
        home = Home(id=local, source=self._source, source_id=docs.id, user_id=user_id, now=now)
        for row in docs.trpc.tags_on_models if docs.trpc is not None else ():
            tag = read_record(Tag, row.get("tag"), call="model.getById")
            publish.keep_tag(w, TagOn(name=tag.name, type=tag.type or "UserGenerated", upstream_id=tag.id), "Model")
        # Only tRPC gives tags their ids: where it merely failed they wait for the next run, or they would get others here.
        sources = (docs.trpc,) if found.error is not None else (docs.trpc, docs.rest)
        tags = next((one.tag_names for one in sources if one is not None and one.tag_names), ())
        given = [doc_of(door, one.raw) for door, one in (("trpc", docs.trpc), ("rest", docs.rest)) if one is not None]
        news = keep_documents(w, "model", local, self._source, given, now)
        before = said_before(journal.items(w, self._source, "model", [docs.id]).get(docs.id))
        own = {**added_here(w, "model", local), "download_count": before.here(old.download_count) if old else 0}
        model = model_of(docs, home, old, own, news=news)
        publish.keep_model(w, touched, model, tags if news else ())
        for place, (version, beside) in enumerate(docs.versions()):
            self._keep_version(w, touched, docs, version, beside, local, place, now, before)
        self._report.models += old is None or old.last_version_at is None
        self._report.gone += self._note_left(w, docs, local, now)
        gone = is_gone(best.status)
        self._report.gone += gone and old is not None
        state, reason = (State.KEPT, "") if found.error is None else (State.PARTIAL, half(found.error))
        if gone:
            state, reason = State.GONE, f"upstream says {best.status}"
        said = said_now(docs, before).as_text()
        return Item(entity="model", id=docs.id, state=state, reason=reason, parts=("records",), digest=said)

    def _note_left(self, w: Write, docs: ModelDocs, model_id: int, now: int) -> int:
        """Note versions and files that their model had and has no longer, or has again; how many went. All of it stays."""
        listed = [version.id for version, _ in docs.versions()]
        files = [file.id for id in listed for file, _ in docs.files(id) if file.id is not None]
        if not listed or docs.trpc is None:
            return 0  # a model without versions says nothing of each, and REST alone lists less than there is
        return self._note_gone(w, "version", _VERSIONS, model_id, listed, now) + self._note_gone(
            w, "file", _FILES, model_id, files, now
        )

    def _note_gone(self, w: Write, entity: str, sql: str, model_id: int, listed: Sequence[int], now: int) -> int:
        here = [int(row[0]) for row in w.rows(sql, (model_id, self._source))]
        known = journal.items(w, self._source, entity, here)
        gone = 0
        for id in here:
            item = known.get(id, Item(entity=entity, id=id))
            if id not in listed and item.state is not State.GONE:
                reason = "its model no longer lists it"
                gone += 1
                journal.note(w, self._source, msgspec.structs.replace(item, state=State.GONE, reason=reason), now)
            elif id in listed and (item.state is State.GONE or (entity == "version" and item.state in journal.FAULTS)):
                # Gone no longer; or what was not given by its number has come with its model.
                journal.note(w, self._source, msgspec.structs.replace(item, state=State.KEPT, reason=""), now)
        return gone

    def _keep_version(
        self,
        w: Write,
        touched: Touched,
        docs: ModelDocs,
        version: WholeVersion,
        beside: WholeVersion | None,
        model_id: int,
        place: int,
        now: int,
        before: Said,
    ) -> None:
        local, here = publish.place(w, "model_versions", self._source, version.id)
        home = Home(id=local, source=self._source, source_id=version.id, user_id=0, now=now)
        old = find(w, ModelVersion, local) if here else None
        both = (("trpc" if docs.trpc is not None else "rest", version), ("rest", None if beside is version else beside))
        given = [doc_of(door, one.raw) for door, one in both if one is not None]
        news = keep_documents(w, "version", local, self._source, given, now)
        own = before.here(old.download_count, version.id) if old is not None else 0
        noun = version_of(version, beside, home, model_id=model_id, place=place, old=old, news=news, own=own)
        publish.keep_version(w, touched, noun)
        for file, rest in docs.files(version.id):
            self._keep_file(w, touched, file, rest, local, now, news=news)
        self._report.versions += old is None

    def _keep_file(
        self, w: Write, touched: Touched, file: FileRow, rest: FileRow | None, version_id: int, now: int, *, news: bool
    ) -> int:
        local, old = self._place_file(w, file, version_id)
        home = Home(id=local, source=self._source, source_id=file.id or 0, user_id=0, now=now)
        # Without news of its version it stays where somebody here has put it.
        own = version_id if old is None or news else old.version_id
        noun = file_of(file, rest, home, version_id=own, old=old)
        if file.id is None:
            noun = msgspec.structs.replace(noun, source_id=None)
        if old is not None and old.blob and (sha := file.sha256) and old.blob != sha.lower():
            # Another file under the same number: the old bytes stay in the history until the new ones are here.
            noun = msgspec.structs.replace(noun, blob=None)
        return publish.keep_file(w, touched, noun, hashes_of(file) or (hashes_of(rest) if rest else {}))

    def _place_file(self, w: Write, file: FileRow, version_id: int) -> tuple[int, ModelFile | None]:
        if file.id is not None:
            local, here = publish.place(w, "model_files", self._source, file.id)
            return local, find(w, ModelFile, local) if here else None
        same = w.value("SELECT id FROM model_files WHERE version_id = ? AND name = ?", (version_id, file.name))
        return (int(same), find(w, ModelFile, int(same))) if same is not None else (w.next_id("model_files"), None)

    def keep_bytes(self, w: Write, touched: Touched, found: FileFound, stored: StoredFile, now: int) -> None:
        """A file's bytes are here: its row refers to them."""
        file_id = found.file.id or 0
        local = local_id(w, "model_files", self._source, file_id)
        if local is None:
            return
        publish.keep_blob(w, stored.sha256, stored.size, OCTETS, now)
        values: dict[str, Value] = {"blob": stored.sha256}
        if stored.header is not None:
            values["header"] = stored.header
        w.update("model_files", local, values)
        row: dict[str, Value] = {"file_id": local, "type": "SHA256", "hash": stored.sha256.upper()}
        w.upsert("file_hashes", row, key=("file_id", "type"))
        keep_document(
            w, "file", local, self._source, doc_of("bytes", {"sha256": stored.sha256, "size": stored.size}), now
        )
        version = local_id(w, "model_versions", self._source, found.version.id)
        if version is not None:
            touched.versions.add(version)
        self._report.files += 1
        self._report.fetched += 1

    def keep_credited(self, w: Write, touched: Touched, found: VersionFound, now: int) -> None:
        """A version that images name, and its model as far as the version tells of it.

        Without files it is in no list and has no page; pictures may name it, and it is told from one that never was.
        """
        version = found.version
        parent, model_id = version.model, version.model_id or (version.model.id if version.model else None)
        if parent is None or model_id is None:
            return
        local, here = publish.place(w, "models", self._source, model_id)
        if not here:
            publish.keep_model(w, touched, self._bare_model(w, local, model_id, version, parent, now))
        id, _ = publish.place(w, "model_versions", self._source, version.id)
        home = Home(id=id, source=self._source, source_id=version.id, user_id=0, now=now)
        publish.keep_version(w, touched, version_of(version, None, home, model_id=local, place=0, old=None, news=True))
        keep_document(w, "version", id, self._source, doc_of("trpc.bare", version.raw), now)

    def _bare_model(
        self, w: Write, local: int, model_id: int, version: WholeVersion, parent: ParentModel, now: int
    ) -> Model:
        owner = parent.user.id if parent.user else None
        return Model(
            id=local,
            user_id=reference(w, "users", self._source, owner) or NOBODY,
            name=parent.name,
            type=parent.type or "Other",
            status=parent.status or "Published",
            availability=parent.availability or "Public",
            mode=parent.mode,
            nsfw=parent.nsfw,
            poi=parent.poi,
            level=levels.NSFW if parent.nsfw else version.nsfw_level,
            published_at=at(parent.published_at),
            created_at=at(parent.published_at) or at(version.created_at) or now,
            updated_at=now,
            source=self._source,
            source_id=model_id,
            fetched_at=now,
        )
