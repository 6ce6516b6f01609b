"""Taking models apart and putting them together by hand, where names and headers grouped files wrongly."""

from __future__ import annotations

import msgspec

from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.errors import BadRequest, NotFound
from pinako.services.publish import keep
from pinako.services.settle import Touched
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write


class Place(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A file and where it belongs now."""

    model_id: int
    model: str
    type: str
    version_id: int
    version: str
    base_model: str
    file_id: int
    file: str


def list_places(read: Statements) -> list[Place]:
    """Every file by model and version, in the order in which pages show them."""
    sql = (
        "SELECT m.id, m.name, m.type, v.id, v.name, v.base_model, f.id, f.name FROM model_files f "
        "JOIN model_versions v ON v.id = f.version_id JOIN models m ON m.id = v.model_id "
        "WHERE m.deleted_at IS NULL AND m.withheld = 0 ORDER BY m.name, m.id, v.idx, v.id, f.id"
    )
    names = Place.__struct_fields__
    return [Place(**dict(zip(names, row, strict=True))) for row in read.rows(sql)]


def move_version(w: Write, touched: Touched, version_id: int, model_id: int, now: int) -> None:
    """Make a version one of another model's, its newest. A model that is left without any goes."""
    version, model = _need_version(w, version_id), _need_model(w, model_id)
    if version.model_id == model.id:
        raise BadRequest("It is a version of that model already")
    old = _need_model(w, version.model_id)
    if old.user_id != model.user_id:
        raise BadRequest("The two models belong to different people")
    w.run("UPDATE model_versions SET idx = idx + 1 WHERE model_id = ?", (model.id,))
    w.update("model_versions", version.id, {"model_id": model.id, "idx": 0, "updated_at": now})
    _settle_ends(w, touched, old, model.id, now)
    touched.versions.add(version.id)


def split_version(w: Write, touched: Touched, version_id: int, name: str | None, now: int) -> int:
    """Make a version a model of its own; the new model's id."""
    version = _need_version(w, version_id)
    old = _need_model(w, version.model_id)
    if w.value("SELECT COUNT(*) FROM model_versions WHERE model_id = ?", (old.id,)) < 2:
        raise BadRequest("It is the only version of its model already")
    made = msgspec.structs.replace(
        old,
        id=w.next_id("models"),
        name=name or f"{old.name} {version.name}",
        source="",
        source_id=None,
        fetched_at=None,
        created_at=now,
        updated_at=now,
        download_count=version.download_count,
    )
    keep(w, made)
    w.run(
        "INSERT INTO model_tags (model_id, tag_id) SELECT ?, tag_id FROM model_tags WHERE model_id = ?",
        (made.id, old.id),
    )
    w.update("model_versions", version.id, {"model_id": made.id, "idx": 0, "updated_at": now})
    _settle_ends(w, touched, old, made.id, now)
    touched.versions.add(version.id)
    return made.id


def move_file(w: Write, touched: Touched, file_id: int, version_id: int, now: int) -> None:
    """Make a file one of another version's. A version, or model, that is left empty goes."""
    file, version = _need_file(w, file_id), _need_version(w, version_id)
    if file.version_id == version.id:
        raise BadRequest("It is a file of that version already")
    old = _need_version(w, file.version_id)
    if _need_model(w, old.model_id).user_id != _need_model(w, version.model_id).user_id:
        raise BadRequest("The two models belong to different people")
    w.update("model_files", file.id, {"version_id": version.id})
    touched.versions |= {old.id, version.id}
    if not w.value("SELECT COUNT(*) FROM model_files WHERE version_id = ?", (old.id,)):
        _close_version(w, touched, old, version.id, now)


def _close_version(w: Write, touched: Touched, version: ModelVersion, heir_id: int, now: int) -> None:
    """A version without files is told as gone; its posts show the version that has its files now."""
    for (post_id,) in w.rows("SELECT id FROM posts WHERE version_id = ?", (version.id,)):
        touched.posts.add(post_id)
        touched.claims.update(row[0] for row in w.rows("SELECT id FROM images WHERE post_id = ?", (post_id,)))
    w.run("UPDATE posts SET version_id = ? WHERE version_id = ?", (heir_id, version.id))
    w.update("model_versions", version.id, {"status": "Deleted", "updated_at": now})
    _settle_ends(w, touched, _need_model(w, version.model_id), version.model_id, now)


def _settle_ends(w: Write, touched: Touched, old: Model, new_id: int, now: int) -> None:
    touched.models |= {old.id, new_id}
    sql = "SELECT COUNT(*) FROM model_versions WHERE model_id = ? AND status <> 'Deleted'"
    if not w.value(sql, (old.id,)):
        w.update("models", old.id, {"status": "Deleted", "deleted_at": now, "updated_at": now})


def _need_version(read: Statements, id: int) -> ModelVersion:
    found = find(read, ModelVersion, id)
    if found is None:
        raise NotFound(f"No model version {id}")
    return found


def _need_model(read: Statements, id: int) -> Model:
    found = find(read, Model, id)
    if found is None or found.deleted_at is not None:
        raise NotFound(f"No model {id}")
    return found


def _need_file(read: Statements, id: int) -> ModelFile:
    found = find(read, ModelFile, id)
    if found is None:
        raise NotFound(f"No model file {id}")
    return found
