"""Things by id or hash, as one caller may see them. What the predicate hides answers exactly as what never was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pinako.catalog import visibility
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
from pinako.catalog.visibility import Standing, sees, sees_image, sees_model
from pinako.errors import NotFound
from pinako.feed import gather
from pinako.metadata import shown_process
from pinako.services.blocking import ENTITY_MISSING, heed_block
from pinako.services.library import Library
from pinako.services.seeing import seer
from pinako.storage.records import columns, fetch, find, record
from pinako.storage.scopes import Statements

GONE_STATUSES = frozenset({"Deleted", "Unpublished", "UnpublishedViolation"})
IMAGE_MISSING = "No image with id {}"


def image(library: Library, viewer: Viewer, id: int) -> tuple[FullImage, Reacted | None]:
    """One image with its user, post, tags and versions, and the caller's own reactions. NotFound as the original says it."""
    with library.database.read() as read:
        found, viewer = find(read, Image, id), seer(read, viewer, "image", id)
        if found is None or not sees_image(found, viewer, library.now()):
            raise NotFound(IMAGE_MISSING.format(id))
        heed_block(read, viewer, found.user_id)
        full = gather.complete_images(read, [found])[0]
        return full, own_reactions(read, viewer, "image", id)


def own_reactions(read: Statements, viewer: Viewer, entity: str, id: int) -> Reacted | None:
    """The words that the caller gave to one thing; None for anonymous callers."""
    if viewer.user_id is None:
        return None
    sql = "SELECT reaction FROM reactions WHERE entity_type = ? AND entity_id = ? AND user_id = ? ORDER BY reaction"
    words = tuple(row[0] for row in read.rows(sql, (entity, id, viewer.user_id)))
    return Reacted(user_id=viewer.user_id, words=words)


def generation_data(library: Library, viewer: Viewer, id: int) -> GenerationData:
    """How one image was made. The original checks nothing here; ours asks the predicate (domain.md d, weak point 2)."""
    found = generation_data_of(library, viewer, [id]).get(id)
    if found is None:
        raise NotFound(ENTITY_MISSING)
    return found


def generation_data_of(library: Library, viewer: Viewer, ids: Sequence[int]) -> dict[int, GenerationData]:
    """The same of many images in a few statements, by id; those that the caller may not see are left out."""
    now = library.now()
    with library.database.read() as read:
        found = fetch(read, Image, ids) if len(ids) > 1 else {id: find(read, Image, id) for id in ids}
        lookers = {id: seer(read, viewer, "image", id) for id in found}
        seen = {id: image for id, image in found.items() if image is not None and sees_image(image, lookers[id], now)}
        metas = gather.metas(read, list(seen))
        resources = _resources(read, {id: lookers[id] for id in seen})
    return {id: _made(image, lookers[id], metas.get(id), resources[id]) for id, image in seen.items()}


def _made(image: Image, viewer: Viewer, meta: str | None, resources: tuple[GenerationResource, ...]) -> GenerationData:
    value = msgspec.json.decode(meta) if meta else None
    whole = value if isinstance(value, dict) else {}
    hidden = image.hide_meta and viewer.user_id != image.user_id
    external = whole.get("external")
    return GenerationData(
        image=image,
        meta=None if hidden else meta,
        external=None if external is None else msgspec.json.encode(external).decode(),
        # its words: `comfy` where a graph is known, `txt2img + Hi-Res` and so on (trpc.md 4.3)
        process=shown_process(whole) if whole and not hidden else image.process,
        resources=resources,
    )


_RESOURCES = """
SELECT image_id, version_id, strength FROM image_resources WHERE image_id IN (?*)
ORDER BY image_id, detected DESC, version_id"""


def _resources(read: Statements, viewers: Mapping[int, Viewer]) -> dict[int, tuple[GenerationResource, ...]]:
    """What images were made with, as far as who looks at each may know of it."""
    rows = read.by_ids(_RESOURCES, list(viewers))
    versions = fetch(read, ModelVersion, (row[1] for row in rows))
    models = fetch(read, Model, (version.model_id for version in versions.values()))
    used: dict[int, list[GenerationResource]] = {id: [] for id in viewers}
    for image_id, version_id, strength in rows:
        version = versions.get(version_id)
        model = models.get(version.model_id) if version is not None else None
        if version is not None and model is not None and _named_to(viewers[image_id], model, version):
            used[image_id].append(_resource(model, version, strength))
    return {id: tuple(found) for id, found in used.items()}


def _resource(model: Model, version: ModelVersion, strength: int | None) -> GenerationResource:
    return GenerationResource(
        version_id=version.id,
        model_id=model.id,
        model_name=model.name,
        model_type=model.type,
        version_name=version.name,
        base_model=version.base_model,
        strength=strength,
    )


def _named_to(viewer: Viewer, model: Model, version: ModelVersion) -> bool:
    """Whether a version may be named beside an image: a gone one still may, a withheld or foreign draft never."""
    return sees_model(_lived(model), viewer) and sees_version(_lived(model), _released(version), viewer)


def _lived(model: Model) -> Model:
    """A model as it was before it was deleted or unpublished: that is what pictures were made with."""
    status = "Published" if model.status in GONE_STATUSES else model.status
    return msgspec.structs.replace(model, status=status, deleted_at=None)


def _released(version: ModelVersion) -> ModelVersion:
    """The same of a version."""
    return msgspec.structs.replace(version, status="Published") if version.status in GONE_STATUSES else version


def post(library: Library, viewer: Viewer, id: int) -> FullPost:
    """One post. Its images are asked of `image.getInfinite`."""
    now = library.now()
    with library.database.read() as read:
        full, viewer = gather.full_posts(read, [id]).get(id), seer(read, viewer, "post", id)
        if full is None or not sees_post(full.post, viewer, now):
            raise NotFound(ENTITY_MISSING)
        heed_block(read, viewer, full.post.user_id)
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
    full = listed_model(library, viewer, id)
    heed_block(library.database.read(), viewer, full.model.user_id)
    return full


def listed_model(library: Library, viewer: Viewer, id: int) -> FullModel:
    """The same for REST, which shows by id all that its lists show: there nobody is blocked."""
    now = library.now()
    with library.database.read() as read:
        found, viewer = gather.full_models(read, [id], now).get(id), seer(read, viewer, "model", id)
    if found is None or not sees_model(found.model, viewer):
        raise NotFound(f"No model with id {id}")
    seen = tuple(cut(library, v, viewer) for v in found.versions if sees_version(found.model, v.version, viewer))
    if not seen:
        raise NotFound(f"No model with id {id}")
    return msgspec.structs.replace(found, versions=seen)


def sees_version(model: Model, version: ModelVersion, viewer: Viewer) -> bool:
    """The predicate for a version beside its model, which the caller is known to see: its own level and status."""
    standing = visibility.version_standing(version)
    return visibility.sees_version(standing, level=version.level, owner_id=model.user_id, viewer=viewer)


def cut(library: Library, full: FullVersion, viewer: Viewer) -> FullVersion:
    """A version with only those previews and posts that the caller may see."""
    now = library.now()
    seen = tuple(item for item in full.previews if sees_image(item.image, viewer, now))
    posts = fetch(library.database.read(), Post, full.post_ids)
    shown = tuple(id for id in full.post_ids if id in posts and sees_post(posts[id], viewer, now))
    return msgspec.structs.replace(full, previews=seen[: gather.PREVIEWS], post_ids=shown)


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
    return msgspec.structs.replace(item, full=cut(library, item.full, viewer))


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
        if _named_to(viewer, item.model, item.full.version):
            bare = msgspec.structs.replace(item.full, files=(), previews=(), post_ids=())
            return msgspec.structs.replace(item, full=bare)
    elif _lists_version(item, viewer):
        return msgspec.structs.replace(item, full=cut(library, item.full, viewer))
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
    shown = {
        id: msgspec.structs.replace(item, full=cut(library, item.full, viewer))
        for id, item in found.items()
        if item.full.files
    }
    return [shown[match.version_id] for match in matches if match.version_id in shown]


def matches_of(library: Library, viewer: Viewer, hashes: Sequence[str]) -> list[HashMatch]:
    """Version and model of each matching SHA-256, one entry a file, in the order asked."""
    wanted = {hash.upper(): place for place, hash in reversed(list(enumerate(hashes)))}
    with library.database.read() as read:
        rows = read.by_ids(_BY_HASH + "AND h.type = 'SHA256' AND h.hash IN (?*)", list(wanted))
        versions = fetch(read, ModelVersion, {row[0] for row in rows})
        models = fetch(read, Model, {row[1] for row in rows})
    seen = {
        id
        for id, version in versions.items()
        if (model := models.get(version.model_id)) is not None
        and sees_model(model, viewer)
        and sees_version(model, version, viewer)
    }
    rows = [row for row in rows if row[0] in seen]
    rows.sort(key=lambda row: (wanted.get(row[2], 0), row[0], row[4]))
    return [HashMatch(version_id=row[0], model_id=row[1], hash=row[2]) for row in rows]


def tag(library: Library, id: int) -> Tag | None:
    """One tag, or None: the original answers null for an unknown one."""
    return find(library.database.read(), Tag, id)
