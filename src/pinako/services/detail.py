"""Things by id or hash, as one caller may see them. What the predicate hides answers exactly as what never was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pinako.catalog.images import FullImage, FullPost, GenerationData, GenerationResource, Image, Post, Reacted
from pinako.catalog.people import Viewer
from pinako.catalog.resources import (
    FullModel,
    FullVersion,
    HashMatch,
    Model,
    ModelVersion,
    VersionInModel,
)
from pinako.catalog.tags import Tag
from pinako.catalog.visibility import Standing, meets_level, sees, sees_image, sees_model
from pinako.errors import NotFound
from pinako.feed import gather
from pinako.services.library import Library
from pinako.storage.records import columns, find, record
from pinako.storage.scopes import Statements

GONE_STATUSES = frozenset({"Deleted", "Unpublished", "UnpublishedViolation"})
IMAGE_MISSING = "No image with id {}"
ENTITY_MISSING = "Could not find entity"


def image(library: Library, viewer: Viewer, id: int) -> tuple[FullImage, Reacted | None]:
    """One image with its user, post, tags and versions, and the caller's own reactions. NotFound as the original says it."""
    with library.database.read() as read:
        found = find(read, Image, id)
        if found is None or not sees_image(found, viewer, library.now()):
            raise NotFound(IMAGE_MISSING.format(id))
        full = gather.complete_images(read, [found])[0]
        return full, own_reactions(read, viewer, "image", id)


def own_reactions(read: Statements, viewer: Viewer, entity: str, id: int) -> Reacted | None:
    """The words that the caller gave to one thing; None for anonymous callers."""
    if viewer.user_id is None:
        return None
    sql = "SELECT reaction FROM reactions WHERE entity_type = ? AND entity_id = ? AND user_id = ? ORDER BY reaction"
    words = tuple(row[0] for row in read.rows(sql, (entity, id, viewer.user_id)))
    return Reacted(user_id=viewer.user_id, words=words)


_RESOURCES = (
    "SELECT v.id, m.id, m.name, m.type, v.name, v.base_model, r.strength, m.status, m.level, m.minor, m.poi, m.user_id, "
    "m.withheld, m.deleted_at, m.availability FROM image_resources r JOIN model_versions v ON v.id = r.version_id "
    "JOIN models m ON m.id = v.model_id WHERE r.image_id = ? ORDER BY r.detected DESC, v.id"
)


def generation_data(library: Library, viewer: Viewer, id: int) -> GenerationData:
    """How one image was made. The original checks nothing here; ours asks the predicate (domain.md d, weak point 2)."""
    with library.database.read() as read:
        found = find(read, Image, id)
        if found is None or not sees_image(found, viewer, library.now()):
            raise NotFound(ENTITY_MISSING)
        meta = gather.metas(read, [id]).get(id)
        resources = [
            GenerationResource(
                version_id=row[0],
                model_id=row[1],
                model_name=row[2],
                model_type=row[3],
                version_name=row[4],
                base_model=row[5],
                strength=row[6],
            )
            for row in read.rows(_RESOURCES, (id,))
            if _named_to(viewer, row)
        ]
    hidden = found.hide_meta and viewer.user_id != found.user_id
    return GenerationData(image=found, meta=None if hidden else meta, process=found.process, resources=tuple(resources))


def _named_to(viewer: Viewer, row: Sequence[object]) -> bool:
    """Whether a model may be named beside an image: a gone one still may, a withheld or foreign draft never."""
    model = Model(
        id=int(str(row[1])),
        user_id=int(str(row[11])),
        name="",
        type="",
        # A deleted or unpublished model is still named: that is what the picture was made with.
        status="Published" if row[7] in GONE_STATUSES else str(row[7]),
        created_at=0,
        updated_at=0,
        level=int(str(row[8])),
        minor=bool(row[9]),
        poi=bool(row[10]),
        withheld=bool(row[12]),
        availability=str(row[14]),
    )
    return sees_model(model, viewer)


def post(library: Library, viewer: Viewer, id: int) -> FullPost:
    """One post. Its images are asked of `image.getInfinite`."""
    now = library.now()
    with library.database.read() as read:
        full = gather.full_posts(read, [id]).get(id)
    if full is None or not sees_post(full.post, viewer, now):
        raise NotFound(ENTITY_MISSING)
    return full


def sees_post(post: Post, viewer: Viewer, now: int, mask: int | None = None) -> bool:
    """The predicate for a post: its level is the union of what of it anybody may meet."""
    if post.deleted_at is not None:
        return False
    standing = Standing.UNRATED if post.level == 0 else Standing.PUBLIC
    if post.published_at is None or post.published_at > now or post.availability == "Private":
        standing = Standing.DRAFT
    return sees(standing, level=post.level, owner_id=post.user_id, viewer=viewer, mask=mask)


def model(library: Library, viewer: Viewer, id: int) -> FullModel:
    """One model with its visible versions, their files and the previews that the caller may see."""
    now = library.now()
    with library.database.read() as read:
        found = gather.full_models(read, [id], now).get(id)
    if found is None or not sees_model(found.model, viewer):
        raise NotFound(f"No model with id {id}")
    seen = tuple(cut_previews(v, viewer, now) for v in found.versions if sees_version(found.model, v.version, viewer))
    if not seen:
        raise NotFound(f"No model with id {id}")
    return msgspec.structs.replace(found, versions=seen)


def sees_version(model: Model, version: ModelVersion, viewer: Viewer) -> bool:
    """The predicate for a version beside its model, which the caller is known to see: its own level and status."""
    standing = Standing.UNRATED if version.level == 0 else Standing.PUBLIC
    if version.status != "Published" or version.availability == "Private":
        standing = Standing.DRAFT
    return sees(standing, level=version.level, owner_id=model.user_id, viewer=viewer)


def cut_previews(full: FullVersion, viewer: Viewer, now: int) -> FullVersion:
    """A version with only those previews that the caller may see."""
    seen = tuple(item for item in full.previews if sees_image(item.image, viewer, now))
    return msgspec.structs.replace(full, previews=seen[: gather.PREVIEWS])


def shows_version(level: int, viewer: Viewer) -> bool:
    """Whether a list shows a version of this level: the rule of its by-id door."""
    return meets_level(level, viewer.cap)


def _versions(library: Library, read: Statements, ids: Iterable[int]) -> list[VersionInModel]:
    rows = read.by_ids(f"SELECT {columns(ModelVersion)} FROM model_versions WHERE id IN (?*)", list(ids))
    versions = [record(ModelVersion, row) for row in rows]
    models = gather.full_models_alone(read, {version.model_id for version in versions})
    owners = {model.id: model.user_id for model, _ in models.values()}
    full = gather.full_versions(read, versions, owners, library.now())
    return [
        VersionInModel(model=models[item.version.model_id][0], user=models[item.version.model_id][1], full=item)
        for item in full
        if item.version.model_id in models
    ]


def version(library: Library, viewer: Viewer, id: int) -> VersionInModel:
    """One published version for REST. NotFound `Model not found`, or `Missing model file` where it has none."""
    with library.database.read() as read:
        found = _versions(library, read, [id])
    if not found or not _lists_version(found[0], viewer):
        raise NotFound("Model not found")
    return _with_files(library, viewer, found[0])


def _with_files(library: Library, viewer: Viewer, item: VersionInModel) -> VersionInModel:
    if not item.full.files:
        raise NotFound("Missing model file")
    return msgspec.structs.replace(item, full=cut_previews(item.full, viewer, library.now()))


def _lists_version(item: VersionInModel, viewer: Viewer) -> bool:
    return sees_model(item.model, viewer) and sees_version(item.model, item.full.version, viewer)


def version_as_it_was(library: Library, viewer: Viewer, id: int) -> VersionInModel:
    """One version for `modelVersion.getById`, which also answers for what is gone: so clients tell gone from never.

    A version whose model or self is Deleted or Unpublished comes without files, posts and previews; one that is withheld or
    over the cap is NotFound like one that never was (issue 2, section 8).
    """
    with library.database.read() as read:
        found = _versions(library, read, [id])
    if not found:
        raise NotFound(f"No version with id {id}")
    item = found[0]
    if (
        item.model.status in GONE_STATUSES
        or item.full.version.status in GONE_STATUSES
        or item.model.deleted_at is not None
    ):
        alive = msgspec.structs.replace(item.model, status="Published", deleted_at=None)
        lived = msgspec.structs.replace(item.full.version, status="Published")
        if sees_model(alive, viewer) and sees_version(alive, lived, viewer):
            bare = msgspec.structs.replace(item.full, files=(), previews=(), post_ids=())
            return msgspec.structs.replace(item, full=bare)
    elif _lists_version(item, viewer):
        return msgspec.structs.replace(item, full=cut_previews(item.full, viewer, library.now()))
    raise NotFound(f"No version with id {id}")


_BY_HASH = (
    "SELECT v.id, v.model_id, h.hash, v.published_at, f.id FROM file_hashes h JOIN model_files f ON f.id = h.file_id "
    "JOIN model_versions v ON v.id = f.version_id JOIN models m ON m.id = v.model_id "
    "WHERE v.status = 'Published' AND m.status = 'Published' AND f.visibility = 'Public' "
)


def _hash_forms(hash: str) -> list[str]:
    """What a hash may be stored as. CRC32 is asked in both byte orders (domain.md h)."""
    upper = hash.upper()
    if len(upper) != 8:
        return [upper]
    return [upper, "".join(upper[i : i + 2] for i in (6, 4, 2, 0))]


def version_by_hash(library: Library, viewer: Viewer, hash: str) -> VersionInModel:
    """The version of a file hash of any type and case: the earliest published, then the lowest id (rest.md 13.2)."""
    with library.database.read() as read:
        rows = read.by_ids(_BY_HASH + "AND h.hash IN (?*)", _hash_forms(hash))
        best = sorted({(row[3] or 0, row[0]) for row in rows})
        found = {item.full.version.id: item for item in _versions(library, read, [id for _, id in best])}
    for _, id in best:
        if id in found and _lists_version(found[id], viewer):
            return _with_files(library, viewer, found[id])
    raise NotFound("Model not found")


def versions_by_sha256(library: Library, viewer: Viewer, hashes: Sequence[str]) -> list[VersionInModel]:
    """One version for each matching file, in the order asked; what does not match is absent (rest.md 13.3, 20.42)."""
    matches = matches_of(library, viewer, hashes)
    with library.database.read() as read:
        found = {item.full.version.id: item for item in _versions(library, read, {m.version_id for m in matches})}
    now = library.now()
    return [
        msgspec.structs.replace(item, full=cut_previews(item.full, viewer, now))
        for match in matches
        if (item := found.get(match.version_id)) is not None and item.full.files
    ]


def matches_of(library: Library, viewer: Viewer, hashes: Sequence[str]) -> list[HashMatch]:
    """Version and model of each matching SHA-256, one entry a file, in the order asked."""
    wanted = {hash.upper(): place for place, hash in reversed(list(enumerate(hashes)))}
    with library.database.read() as read:
        rows = read.by_ids(_BY_HASH + "AND h.type = 'SHA256' AND h.hash IN (?*)", list(wanted))
        models = gather.full_models_alone(read, {row[1] for row in rows})
    seen = [row for row in rows if row[1] in models and sees_model(models[row[1]][0], viewer)]
    seen.sort(key=lambda row: (wanted.get(row[2], 0), row[0], row[4]))
    return [HashMatch(version_id=row[0], model_id=row[1], hash=row[2]) for row in seen]


def tag(library: Library, id: int) -> Tag | None:
    """One tag, or None: the original answers null for an unknown one."""
    return find(library.database.read(), Tag, id)
