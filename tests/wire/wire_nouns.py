"""Nouns with fixed values: one creator, one picture, one model with two files, one collection."""

from __future__ import annotations

import msgspec

from pinako.catalog.collections import Collection, CollectionTag, FullCollection
from pinako.catalog.images import FullImage, FullPost, GenerationData, GenerationResource, Image, Post, UsedVersion
from pinako.catalog.people import User
from pinako.catalog.resources import (
    FileHash,
    FullFile,
    FullModel,
    FullVersion,
    Model,
    ModelFile,
    ModelVersion,
    VersionInModel,
)
from pinako.catalog.tags import Tag

NOON = 1_744_385_592_500
"""2025-04-11T15:33:12.500Z."""
NOON_TEXT = "2025-04-11T15:33:12.500Z"
KEY = "3a1f9c50-0000-4000-8000-000000000003"
META = (
    '{"prompt":"lighthouse in fog, ink wash","negativePrompt":"blurry","seed":42,"steps":30,"sampler":"Euler a",'
    '"cfgScale":5,"Size":"1024x1536","Clip skip":"2","engine":"comfyui","Model":"harbourMix","models":[],"vae":null,'
    '"civitaiResources":[{"type":"checkpoint","modelVersionId":9001}]}'
)
SHA256 = "0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F9"

INK = User(
    id=77, username="inkharbor", image="6f0c1e7a-0000-4000-8000-000000000001", created_at=NOON, email="ink@example.com"
)
SEA = Tag(id=5, name="sea")
STYLE = Tag(id=7, name="comic book", is_category=True)


def image(**changes: object) -> Image:
    """A finished PG picture in a published post."""
    plain = Image(
        id=612001, user_id=77, media_key=KEY, created_at=NOON, sort_at=NOON, updated_at=NOON, published_at=NOON,
        scanned_at=NOON, post_id=138779, name="lighthouse.png", mime="image/png", width=1024, height=1536,
        blurhash="UKHU@6H?_ND*_3M{t84o^+MD%xuXSxasAt7", size=901234, level=1, has_meta=True, has_prompt=True,
        base_model="SDXL 1.0", like_count=9, heart_count=4, laugh_count=1, process="txt2img",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def post(**changes: object) -> Post:
    """The post that the picture is in."""
    plain = Post(
        id=138779, user_id=77, title="Harbour study", sort_at=NOON, created_at=NOON, updated_at=NOON, published_at=NOON,
        level=1, image_count=1, version_id=9001,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def full_image(**changes: object) -> FullImage:
    """The picture with its company; `changes` go to the image row."""
    used = (UsedVersion(version_id=9002, strength=70), UsedVersion(version_id=9001, detected=False))
    return FullImage(image=image(**changes), user=INK, post=post(), tags=(SEA, STYLE), used=used, meta=META)


def full_post(**changes: object) -> FullPost:
    """The post with its company."""
    return FullPost(post=post(**changes), user=INK, tags=(SEA,), version_published=True)


def generation(**changes: object) -> GenerationData:
    """How the picture was made."""
    lora = GenerationResource(
        version_id=8801, model_id=4401, model_name="Soft Watercolour", model_type="LORA", version_name="v2",
        base_model="Illustrious", strength=70,
    )  # fmt: skip
    base = GenerationResource(
        version_id=9001, model_id=4411, model_name="Harbor Lights XL", model_type="Checkpoint", version_name="v1.0",
        base_model="SDXL 1.0", strength=100,
    )  # fmt: skip
    plain = GenerationData(image=image(), meta=META, process="txt2img", resources=(lora, base))
    return msgspec.structs.replace(plain, **changes)


def model(**changes: object) -> Model:
    """A published checkpoint."""
    plain = Model(
        id=4411, user_id=77, name="Harbor Lights XL", type="Checkpoint", status="Published", created_at=NOON,
        updated_at=NOON, published_at=NOON, last_version_at=NOON, sort_at=NOON, description="<p>Ink and wash.</p>",
        checkpoint_type="Trained", level=1, allow_commercial_use='["Image","RentCivit"]', supports_generation=True,
        download_count=88031, thumbs_up_count=5120, thumbs_down_count=12, comment_count=40, tipped_amount=900,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def version(**changes: object) -> ModelVersion:
    """Its only version."""
    plain = ModelVersion(
        id=9001, model_id=4411, name="v1.0", status="Published", created_at=NOON, updated_at=NOON, published_at=NOON,
        base_model="SDXL 1.0", trained_words='["harborstyle"]', level=1, download_count=88031, thumbs_up_count=5120,
        thumbs_down_count=12, settings='{"strength":0.8}', description="<p>First.</p>",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def files() -> tuple[FullFile, ...]:
    """A pruned safetensors file, and the full pickle beside it."""
    main = ModelFile(
        id=70001, version_id=9001, name="harbor_lights.safetensors", created_at=NOON, size_kb=6775430.35,
        format="SafeTensor", size_word="pruned", fp="fp16", pickle_scan_result="Success", virus_scan_result="Success",
        pickle_scan_message="No Pickle imports", scanned_at=NOON,
    )  # fmt: skip
    other = msgspec.structs.replace(
        main, id=70002, name="harbor_lights.ckpt", format="PickleTensor", size_word="full", fp="fp32"
    )
    hashes = (
        FileHash(file_id=70001, type="SHA256", hash=SHA256),
        FileHash(file_id=70001, type="AutoV2", hash=SHA256[:10]),
    )
    return FullFile(file=main, hashes=hashes), FullFile(file=other)


def full_version(**changes: object) -> FullVersion:
    """The version with files and one preview of each of two levels."""
    previews = (full_image(), full_image(id=612002, level=8))
    return FullVersion(version=version(**changes), files=files(), previews=previews, post_ids=(138779,))


def full_model(**changes: object) -> FullModel:
    """The model with its version; `changes` go to the model row."""
    return FullModel(model=model(**changes), user=INK, versions=(full_version(),), tags=(SEA, STYLE))


def version_in_model(**changes: object) -> VersionInModel:
    """The version as the version doors get it; `changes` go to the version row."""
    return VersionInModel(model=model(), user=INK, full=full_version(**changes))


def collection(**changes: object) -> FullCollection:
    """A public collection with a cover."""
    plain = Collection(
        id=1201,
        name="Seaside studies",
        user_id=77,
        created_at=NOON,
        updated_at=NOON,
        type="Image",
        read="Public",
        level=1,
    )
    return FullCollection(
        collection=msgspec.structs.replace(plain, **changes), user=INK, cover=full_image(),
        tags=(CollectionTag(tag=SEA, filterable_only=True),), item_count=42, contributor_count=3,
    )  # fmt: skip
