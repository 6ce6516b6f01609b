"""Which file a download gets, or why it gets none: the conditions of rest.md 19 in their order, then the count."""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum

import msgspec

from pinako.catalog.filenames import ascii_name, file_name
from pinako.catalog.people import Viewer
from pinako.catalog.primary import (
    DEFAULT_PREFERENCES,
    FilePreferences,
    FileWishes,
    chosen_file,
    preferences_with,
    primary_file,
)
from pinako.catalog.resources import Model, ModelFile, ModelVersion
from pinako.catalog.visibility import Standing, is_withheld, model_standing, sees, sees_model
from pinako.errors import Forbidden, NotFound
from pinako.services.library import Library
from pinako.services.settle import Touched, settle
from pinako.storage.database import Database
from pinako.storage.records import find, select
from pinako.storage.scopes import Statements

MISSING = "File not found"


class Refusal(Enum):
    """Why a download is refused; the wire has a status and texts for each."""

    UNKNOWN = "unknown"
    ARCHIVED = "archived"
    DISABLED = "disabled"
    LOGIN = "login"
    GATED = "gated"
    PRIVATE = "private"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A download that is not given. `deadline`: when a timed gate opens, milliseconds."""

    why: Refusal
    deadline: int | None = None


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A download that is given: its bytes, and the ASCII name under which they are saved."""

    version_id: int
    model_id: int
    file_id: int
    sha256: str
    name: str


def decide(
    library: Library, viewer: Viewer, version_id: int, wishes: FileWishes, file_id: int | None = None
) -> Granted | Refused:
    """The file of a version for this caller. `file_id` names one exactly, and then the wishes do not matter."""
    with library.database.read() as read:
        version = find(read, ModelVersion, version_id)
        model = find(read, Model, version.model_id) if version is not None else None
        if version is None or model is None:
            return Refused(why=Refusal.UNKNOWN)
        refused = _refused(library, viewer, model, version)
        if refused is not None:
            return refused
        file = _choose(read, viewer, model, version, wishes, file_id)
        if file is None or file.blob is None:
            return Refused(why=Refusal.UNKNOWN)
        return _granted(read, model, version, file)


def _refused(library: Library, viewer: Viewer, model: Model, version: ModelVersion) -> Refused | None:
    if not _knows(viewer, model, version):
        return Refused(why=Refusal.UNKNOWN)
    privileged = _privileged(viewer, model)
    # Before the archive is told of, unlike upstream: a draft of an archived model is unknown, not gone.
    if not privileged and (version.status != "Published" or model.status != "Published"):
        return Refused(why=Refusal.UNKNOWN)
    if model.mode == "Archived":
        return Refused(why=Refusal.ARCHIVED)
    if privileged:
        return None
    if version.usage_control != "Download":
        return Refused(why=Refusal.DISABLED)
    if not viewer.known and (version.require_auth or library.settings.download_needs_login):
        return Refused(why=Refusal.LOGIN)
    if version.gated(library.now()):
        return Refused(why=Refusal.GATED, deadline=None if version.gate_permanent else version.gate_ends_at)
    if version.availability == "Private":
        return Refused(why=Refusal.PRIVATE if viewer.known else Refusal.LOGIN)
    return None


def _knows(viewer: Viewer, model: Model, version: ModelVersion) -> bool:
    """Whether this caller may know of the version at all: levels, withholding, a real person's model (rest.md 20).

    A version that is not published is refused next, and looks the same: unknown.
    """
    standing = model_standing(model)
    if standing is Standing.PUBLIC and version.level == 0:
        standing = Standing.UNRATED
    if not sees_model(model, viewer) or is_withheld(minor=model.minor, level=version.level):
        return False
    return sees(standing, level=version.level, owner_id=model.user_id, viewer=viewer, minor=model.minor, poi=model.poi)


def _privileged(viewer: Viewer, model: Model) -> bool:
    return viewer.moderator or (viewer.user_id is not None and viewer.user_id == model.user_id)


def _choose(
    read: Statements, viewer: Viewer, model: Model, version: ModelVersion, wishes: FileWishes, file_id: int | None
) -> ModelFile | None:
    files = _visible_files(read, version.id, _privileged(viewer, model))
    if file_id is not None:
        return next((file for file in files if file.id == file_id), None)
    preferences = _preferences_of(read, viewer)
    if wishes.type is not None and not any(file.type == wishes.type for file in files):
        return _of_component(read, viewer, version, wishes, preferences)
    return chosen_file(files, wishes, preferences)


def _of_component(
    read: Statements, viewer: Viewer, version: ModelVersion, wishes: FileWishes, preferences: FilePreferences
) -> ModelFile | None:
    """The main file of the version that this one names as its VAE: all a link that lists it has to ask with."""
    linked = find(read, ModelVersion, version.vae_id) if wishes.type == "VAE" and version.vae_id is not None else None
    model = find(read, Model, linked.model_id) if linked is not None else None
    if linked is None or model is None or not _knows(viewer, model, linked) or linked.status != "Published":
        return None
    files = _visible_files(read, linked.id, _privileged(viewer, model))
    return primary_file(files, preferences_with(wishes, preferences))


def _visible_files(read: Statements, version_id: int, privileged: bool) -> list[ModelFile]:
    files = select(read, ModelFile, "version_id = ? ORDER BY id", (version_id,))
    return [file for file in files if privileged or file.visibility == "Public"]


def _preferences_of(read: Statements, viewer: Viewer) -> FilePreferences:
    """What this account likes best among several files; the site's defaults where it does not say."""
    if viewer.user_id is None:
        return DEFAULT_PREFERENCES
    stored = read.value("SELECT file_preferences FROM users WHERE id = ?", (viewer.user_id,))
    try:
        return msgspec.json.decode(stored or "{}", type=_StoredPreferences).filled()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return DEFAULT_PREFERENCES


class _StoredPreferences(msgspec.Struct, frozen=True, kw_only=True):
    """`filePreferences` of an account, as the original spells it."""

    format: str | None = None
    size: str | None = None
    fp: str | None = None
    quantType: str | None = None

    def filled(self) -> FilePreferences:
        wishes = FileWishes(format=self.format, size=self.size, fp=self.fp, quant_type=self.quantType)
        return preferences_with(wishes)


def _granted(read: Statements, model: Model, version: ModelVersion, file: ModelFile) -> Granted:
    owner_version = version
    if file.version_id != version.id:
        owner_version = find(read, ModelVersion, file.version_id) or version
    return Granted(
        version_id=version.id,
        model_id=model.id,
        file_id=file.id,
        sha256=file.blob or "",
        name=name_of(model, owner_version, file),
    )


def name_of(model: Model, version: ModelVersion, file: ModelFile) -> str:
    """The name under which a file is saved (rest.md 8.6), in ASCII."""
    words = msgspec.json.decode(version.trained_words or "[]", type=list[str])
    name = file_name(
        stored_name=file.name,
        file_type=file.type,
        model_name=model.name,
        model_type=model.type,
        version_name=version.name,
        override_name=file.override_name,
        first_trained_word=words[0] if words else None,
    )
    return ascii_name(name)


def sign(secret: str, file_id: int, name: str, expires: int) -> str:
    """The signature of a link to a file: good for this file under this name until `expires` (seconds)."""
    text = f"download\n{file_id}\n{name}\n{expires}".encode()
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def open_link(library: Library, file_id: int, name: str, expires: int, signature: str) -> str:
    """The blob behind a signed link. Forbidden when it is forged or over; NotFound when the thing went meanwhile.

    What became withheld or deleted after the link was given must not leave through it.
    """
    expected = sign(library.database.library.link_secret, file_id, name, expires)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise Forbidden("This download link is not valid")
    if expires * 1000 < library.now():
        raise Forbidden("This download link has expired")
    read = library.database.read()
    file = find(read, ModelFile, file_id)
    version = find(read, ModelVersion, file.version_id) if file is not None else None
    model = find(read, Model, version.model_id) if version is not None else None
    if file is None or version is None or model is None or file.blob is None:
        raise NotFound(MISSING)
    if model_standing(model) is Standing.GONE or is_withheld(minor=model.minor, level=version.level):
        raise NotFound(MISSING)
    return file.blob


def count_download(database: Database, granted: Granted, now: int) -> None:
    """One more download of a version and its model."""
    with database.write() as w:
        w.run("UPDATE model_versions SET download_count = download_count + 1 WHERE id = ?", (granted.version_id,))
        w.run("UPDATE models SET download_count = download_count + 1 WHERE id = ?", (granted.model_id,))
        touched = Touched()
        touched.models.add(granted.model_id)
        settle(w, touched, now)
