"""Models and versions as their owners describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pinako.catalog.commands import ChangeModel, ChangeVersion
from pinako.catalog.people import Viewer
from pinako.catalog.resources import Model, ModelVersion
from pinako.services import permits
from pinako.services.hypertext import harmless
from pinako.services.library import Library
from pinako.services.publish import keep_tags
from pinako.services.settle import Touched, settle


def change_model(library: Library, viewer: Viewer, command: ChangeModel) -> Model:
    """Change a model's own words. Its flags of safety only rise: a moderator lowers them elsewhere, with a note of it."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        model = permits.own_model(w, viewer, command.id)
        changes: dict[str, Any] = {**_harmless(command.fields), "updated_at": now}
        changes |= {"minor": True, "sfw_only": True, "nsfw": False} if command.minor and not model.minor else {}
        changes |= {"poi": True} if command.poi else {}
        if model.minor or model.locked:
            # What a minor's model is marked with stays so against its creator (domain.md d, the flags).
            for name in ("nsfw", "sfw_only"):
                changes.pop(name, None)
        w.update("models", model.id, {name: _stored(value) for name, value in changes.items()})
        if command.tags is not None:
            w.run("DELETE FROM model_tags WHERE model_id = ?", (model.id,))
            for tag_id in keep_tags(w, command.tags, "Model"):
                w.insert_new("model_tags", {"model_id": model.id, "tag_id": tag_id})
        touched = Touched()
        touched.models.add(model.id)
        settle(w, touched, now)
    return msgspec.structs.replace(model, **changes)


def change_version(library: Library, viewer: Viewer, command: ChangeVersion) -> ModelVersion:
    """Change a version's own words."""
    now = library.now()
    with library.database.write() as w:
        permits.writer(w, viewer)
        version = permits.own_version(w, viewer, command.id)
        changes = {**_harmless(command.fields), "updated_at": now}
        w.update("model_versions", version.id, changes)
        touched = Touched()
        touched.versions.add(version.id)
        touched.models.add(version.model_id)
        settle(w, touched, now)
    return msgspec.structs.replace(version, **changes)


def _harmless(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: harmless(value) if name == "description" else value for name, value in fields.items()}


def _stored(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
