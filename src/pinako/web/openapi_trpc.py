"""What each tRPC procedure takes and gives, for the OpenAPI document. One that is not told of here is described by its name."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.queries import CollectionSort, ImageSort, ModelSort, Period, PostSort, TagSort
from pinako.web.openapi_parameters import FLAG, ID, IDS, NUMBER, ROWS, TEXT, WORDS, Schema, word, words
from pinako.wire import whole_trpc as whole
from pinako.wire.trpc_collections import CollectionAnswer, OwnCollection
from pinako.wire.trpc_images import TrpcGeneration
from pinako.wire.trpc_input_images import INCLUDES
from pinako.wire.trpc_lists import TagPage, TrpcCreator, TrpcTag, TrpcUserBody
from pinako.wire.trpc_model_body import TrpcModel
from pinako.wire.trpc_models import TrpcVersion
from pinako.wire.trpc_posts import TrpcPostBody


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One procedure: a sentence, its input (None: none is needed), what `result.data.json` is."""

    text: str
    takes: Schema | None
    gives: Any


def taking(*needed: str, **members: Schema) -> Schema:
    """The schema of an input object; members that are not told of are ignored, null counts as absent."""
    return {"type": "object", "properties": members} | ({"required": [*needed]} if needed else {})


CURSOR: Schema = {"type": ["string", "number", "null"]}
ONE_ID = taking("id", id=ID)

_PAGED = {"limit": ROWS | {"default": 100}, "cursor": CURSOR}
_WHEN = {"period": word([*Period], "AllTime"), "periodMode": word(("published", "stats"), "published")}
_WHAT = {
    "browsingLevel": NUMBER,
    "excludedTagIds": IDS,
    "excludedUserIds": IDS,
    "disablePoi": FLAG,
    "disableMinor": FLAG,
}

IMAGES = taking(
    **_PAGED, **_WHEN, **_WHAT,
    sort=word([*ImageSort], "Newest"), types=words(enums.MEDIA_TYPES), include=words(INCLUDES), postId=ID, postIds=IDS,
    collectionId=ID, collectionTagId=ID, modelId=ID, modelVersionId=ID, reviewId=ID, userId=ID, username=TEXT, tags=IDS,
    tools=IDS, techniques=IDS, baseModels=WORDS, ids=IDS, imageId=ID, withMeta=FLAG, withTags=FLAG, fromPlatform=FLAG,
    hidden=FLAG, followed=FLAG, pending=FLAG, reactions=words(enums.REACTIONS), prioritizedUserIds=IDS, remixOfId=ID,
    excludedImageIds=IDS, generation=words(enums.GENERATION_PROCESSES), remixesOnly=FLAG, nonRemixesOnly=FLAG,
    hideAutoResources=FLAG, model3dId=ID, minorOnly=FLAG, poiOnly=FLAG, skip=NUMBER, publishedOnly=FLAG,
    notPublished=FLAG, scheduled=FLAG, pendingReviewOnly=FLAG, requiringMeta=FLAG, newCreators=FLAG,
)  # fmt: skip
POSTS = taking(
    **_PAGED, **_WHEN, **_WHAT,
    sort=word([*PostSort], "Newest"), username=TEXT, query=TEXT, tags=IDS, modelVersionId=ID, collectionId=ID, ids=IDS,
    followed=FLAG, draftOnly=FLAG, scheduled=FLAG, pending=FLAG, excludedImageIds=IDS,
)  # fmt: skip
MODELS = taking(
    **_PAGED, **_WHEN, **_WHAT,
    sort=word([*ModelSort], "Highest Rated"), query=TEXT, tag=TEXT, tagname=TEXT, username=TEXT, user=TEXT,
    types=words(enums.MODEL_TYPES), status=words(enums.MODEL_STATUSES), baseModels=WORDS,
    checkpointType=word((*enums.CHECKPOINT_TYPES, "Standard")), ids=IDS, modelVersionIds=IDS, collectionId=ID,
    collectionTagId=ID, availability=word(enums.AVAILABILITIES), fileFormats=words(enums.FILE_FORMATS),
    allowCommercialUse=words(enums.COMMERCIAL_USES), excludedModelIds=IDS, favorites=FLAG, hidden=FLAG, followed=FLAG,
    archived=FLAG, earlyAccess=FLAG, supportsGeneration=FLAG, fromPlatform=FLAG, allowNoCredit=FLAG,
    allowDerivatives=FLAG, allowDifferentLicense=FLAG, minorOnly=FLAG, poiOnly=FLAG, isFeatured=FLAG, newCreators=FLAG,
)  # fmt: skip
COLLECTIONS = taking(
    limit=ROWS | {"default": 20}, cursor=CURSOR, sort=word([*CollectionSort], "Newest"), userId=ID, ids=IDS,
    query=TEXT | {"maxLength": 100}, types=words(enums.COLLECTION_TYPES), privacy=words(enums.COLLECTION_READS),
    browsingLevel=NUMBER,
)  # fmt: skip
CONTENTS = taking(
    "collectionId", collectionId=ID, limit=ROWS | {"maximum": 100, "default": 50}, cursor=CURSOR,
    statuses=words(enums.COLLECTION_ITEM_STATUSES),
)  # fmt: skip
OWN_COLLECTIONS = taking(
    contributingOnly=FLAG | {"default": True}, permission=word(enums.CONTRIBUTOR_PERMISSIONS),
    permissions=words(enums.CONTRIBUTOR_PERMISSIONS), type=word(enums.COLLECTION_TYPES),
)  # fmt: skip
TAGS = taking(
    limit=ROWS | {"default": 20}, page=NUMBER, query=TEXT, sort=word([*TagSort], "Most Models"),
    entityType=words(enums.TAG_TARGETS), categories=FLAG, withModels=FLAG, nsfwLevel=NUMBER,
)  # fmt: skip

PROCEDURES: dict[str, Told] = {
    "image.get": Told(text="One image.", takes=taking("id", id=ID, withoutPost=FLAG), gives=whole.SingleImage),
    "image.getInfinite": Told(text="A list of images.", takes=IMAGES, gives=whole.ImagePage),
    "image.getGenerationData": Told(text="How an image was made.", takes=ONE_ID, gives=TrpcGeneration),
    "image.getImagesAsPostsInfinite": Told(
        text="A list of images, grouped by post; `limit` counts posts.", takes=IMAGES, gives=whole.GalleryPage
    ),
    "post.get": Told(text="One post; its images are `image.getInfinite {postId}`.", takes=ONE_ID, gives=TrpcPostBody),
    "post.getInfinite": Told(text="A list of posts with their first images.", takes=POSTS, gives=whole.PostPage),
    "model.getById": Told(text="One model with its versions and files.", takes=ONE_ID, gives=TrpcModel),
    "model.getAll": Told(text="A list of models.", takes=MODELS, gives=whole.ModelPage),
    "modelVersion.getById": Told(
        text="One version, also where it or its model is deleted or unpublished: then without files.",
        takes=ONE_ID,
        gives=TrpcVersion,
    ),
    "collection.getById": Told(
        text="A collection, null where there is none to read, and what the caller may do.",
        takes=ONE_ID,
        gives=CollectionAnswer,
    ),
    "collection.getAllUser": Told(
        text="The caller's own collections, and by `permissions` others. Needs a login.",
        takes=OWN_COLLECTIONS,
        gives=tuple[OwnCollection, ...],
    ),
    "collection.getInfinite": Told(text="Public collections.", takes=COLLECTIONS, gives=whole.CollectionPage),
    "collection.getAllCollectionItems": Told(
        text="Everything in a collection, of every kind, the latest first. Needs a login.",
        takes=CONTENTS,
        gives=whole.ContentsPage,
    ),
    "tag.getVotableTags": Told(
        text="The tags of an image or model with their votes; an unknown id has none.",
        takes=taking("type", "id", type=word(("image", "model")), id=ID, take=NUMBER),
        gives=tuple[whole.TagWithVotes, ...],
    ),
    "tag.getById": Told(text="One tag, or null.", takes=ONE_ID, gives=TrpcTag | None),
    "tag.getAll": Told(text="Tags by page number.", takes=TAGS, gives=TagPage),
    "user.getCreator": Told(
        text="A user by name or id, with counts.", takes=taking(username=TEXT, id=ID), gives=TrpcCreator | None
    ),
    "user.getById": Told(text="One user.", takes=ONE_ID, gives=TrpcUserBody),
    "user.toggleFollow": Told(
        text="Follow a user, or follow no more. Needs a login.",
        takes=taking("targetUserId", targetUserId=ID, username=TEXT),
        gives=whole.Following,
    ),
}
