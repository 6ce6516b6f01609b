"""The inputs of procedures that edit: the trash, levels, models and versions, settings, rights (trpc.md 9, 10; some ours)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.commands import (
    ChangeModel,
    ChangeSettings,
    ChangeVersion,
    GrantRights,
    JsonText,
    RateImages,
)
from pinako.wire import issues
from pinako.wire import trpc_input as read
from pinako.wire.issues import Refused
from pinako.wire.trpc_input import Input

MANY = 1000
NAME_LENGTH, TEXT_LENGTH = 200, 100_000

Reader = Callable[[Any], Any]


def _ids(value: Any) -> tuple[int, ...]:
    found = read.id_list(value)
    if len(found) > MANY:
        raise Refused(issues.too_big(MANY, origin="array", unit="items"))
    return found


def read_some_ids(value: Any) -> tuple[int, ...]:
    """`{id}` or `{ids}`."""
    given = Input(value, optional=False)
    ids = given.take("ids", _ids, ())
    if not ids:
        ids = (given.need("id", read.one_id, 0, "number"),)
    given.check()
    return ids


def read_ids_or_all(value: Any) -> tuple[int, ...] | None:
    """`{ids}`; None: all."""
    given = Input(value)
    ids = given.take("ids", _ids, None)
    given.check()
    return ids


def read_rating(value: Any) -> RateImages:
    """`image.updateImageNsfwLevel`: `{id, nsfwLevel}`; ours: `ids` for several."""
    given = Input(value, optional=False)
    level = given.need("nsfwLevel", read.one_level, 0, "number")
    ids = given.take("ids", _ids, ())
    if not ids:
        ids = (given.need("id", read.one_id, 0, "number"),)
    given.check()
    return RateImages(ids=ids, level=level)


def read_grant(value: Any) -> GrantRights:
    """`collection.setContributor`, ours."""
    given = Input(value, optional=False)
    command = GrantRights(
        collection_id=given.need("collectionId", read.one_id, 0, "number"),
        user_id=given.need("userId", read.one_id, 0, "number"),
        rights=given.need("permissions", read.many(read.word(enums.CONTRIBUTOR_PERMISSIONS)), (), "array"),
    )
    given.check()
    return command


def _name(value: Any) -> str:
    text = read.text(NAME_LENGTH)(value).strip()
    if not text:
        raise Refused(issues.too_small(1, origin="string", unit="characters"))
    return text


def _words(value: Any) -> JsonText:
    found = read.many(read.text(NAME_LENGTH))(value)
    return msgspec.json.encode([word.strip() for word in found if word.strip()][:MANY]).decode()


def _object(value: Any) -> JsonText:
    if not isinstance(value, dict):
        raise Refused(issues.wrong_type("object", read.kind_of(value)))
    return msgspec.json.encode(value).decode()


def _tag_name(value: Any) -> str:
    """A tag by name, or as the object that a model's own answer has: `{id, name}`."""
    return read.any_text(value.get("name") if isinstance(value, dict) else value).strip().lower()


MODEL_FIELDS: dict[str, tuple[str, Reader]] = {
    "name": ("name", _name),
    "description": ("description", read.text(TEXT_LENGTH)),
    "type": ("type", read.word(enums.MODEL_TYPES)),
    "status": ("status", read.word(("Draft", "Published", "Unpublished"))),
    "availability": ("availability", read.word(enums.AVAILABILITIES)),
    "checkpointType": ("checkpoint_type", read.word(enums.CHECKPOINT_TYPES)),
    "nsfw": ("nsfw", read.flag),
    "sfwOnly": ("sfw_only", read.flag),
    "allowNoCredit": ("allow_no_credit", read.flag),
    "allowDerivatives": ("allow_derivatives", read.flag),
    "allowDifferentLicense": ("allow_different_license", read.flag),
    "allowCommercialUse": ("allow_commercial_use", _words),
}
VERSION_FIELDS: dict[str, tuple[str, Reader]] = {
    "name": ("name", _name),
    "description": ("description", read.text(TEXT_LENGTH)),
    "baseModel": ("base_model", _name),
    "trainedWords": ("trained_words", _words),
    "status": ("status", read.word(("Draft", "Published", "Unpublished"))),
    "steps": ("steps", read.num(0)),
    "epochs": ("epochs", read.num(0)),
    "clipSkip": ("clip_skip", read.num(0, 100)),
    "settings": ("settings", _object),
}


def _fields(given: Input, known: dict[str, tuple[str, Reader]]) -> dict[str, Any]:
    """What was given of these members, by its column."""
    return {column: given.take(key, reader, None) for key, (column, reader) in known.items() if key in given}


def read_model_changes(value: Any) -> ChangeModel:
    """`model.upsert` with an id: only what is given is changed."""
    given = Input(value, optional=False)
    command = ChangeModel(
        id=given.need("id", read.one_id, 0, "number"),
        fields=_fields(given, MODEL_FIELDS),
        tags=given.take("tagsOnModels", read.many(_tag_name), None),
        minor=given.take("minor", read.flag, False) is True,
        poi=given.take("poi", read.flag, False) is True,
    )
    given.check()
    return command


def read_version_changes(value: Any) -> ChangeVersion:
    """`modelVersion.upsert` with an id: only what is given is changed."""
    given = Input(value, optional=False)
    command = ChangeVersion(id=given.need("id", read.one_id, 0, "number"), fields=_fields(given, VERSION_FIELDS))
    given.check()
    return command


def read_settings(value: Any) -> ChangeSettings:
    """`user.setSettings` and `user.updateContentSettings`: any members; `browsingLevel` is the mask that lists use."""
    given = Input(value, optional=False)
    browsing = given.take("browsingLevel", read.num(0, 63), None)
    given.check()
    kept = {key: inner for key, inner in given.members.items() if key not in ("browsingLevel", "authed")}
    return ChangeSettings(given=msgspec.json.encode(kept).decode(), browsing=browsing)
