"""What each writing procedure takes and gives, for the OpenAPI document. All need a login or a key that writes."""

from __future__ import annotations

from typing import Any

from pinako.catalog import enums
from pinako.services.withheld import Withheld
from pinako.web.openapi_parameters import FLAG, ID, IDS, NUMBER, TEXT, WORDS, Schema, word, words
from pinako.web.openapi_trpc import ONE_ID, Told, taking
from pinako.wire import trpc_writes as gives
from pinako.wire.trpc_input_writes import HIDDEN_KINDS, REACTION_ENTITIES
from pinako.wire.trpc_posts import PostTag, TrpcPostBody

_OBJECT: Schema = {"type": "object"}
_TAGS: Schema = {"type": "array", "items": taking("name", id=ID, name=TEXT)}
_ITEM: dict[str, Schema] = {"imageId": ID, "postId": ID, "modelId": ID, "articleId": ID}
_LEVEL: Schema = {"enum": [1, 2, 4, 8, 16]}
_UUID: Schema = {"type": "string", "format": "uuid"}
_DATE: Schema = {"type": "string", "format": "date-time"}
_SOME = taking(id=ID, ids=IDS)
_FOLLOW = taking("collectionId", collectionId=ID, userId=ID)
_VOTE = {"type": word(("image", "model")), "id": ID, "tags": WORDS, "edit": FLAG}
_STATUS = word(("Draft", "Published", "Unpublished"))
_NOTHING: Any = None

PROCEDURES: dict[str, Told] = {
    "reaction.toggle": Told(
        text="Give a reaction, or take it back. What the caller may not see is passed over in silence.",
        takes=taking(
            "entityId", "entityType", "reaction",
            entityId=ID, entityType=word(REACTION_ENTITIES), reaction=word(enums.REACTIONS),
        ),
        gives=_NOTHING,
    ),
    "tag.addTagVotes": Told(
        text="Vote on tags of an image or model. With `edit`, ours, an owner's vote also puts a tag there or takes it off.",
        takes=taking(
            "type", "id", "tags", "vote", **_VOTE, vote={"type": "number", "minimum": -1, "maximum": 1}
        ),
        gives=_NOTHING,
    ),
    "tag.removeTagVotes": Told(text="Take votes back.", takes=taking("type", "id", "tags", **_VOTE), gives=_NOTHING),
    "user.setSettings": Told(text="Merge some of one's own settings.", takes=taking(browsingLevel=NUMBER), gives=_NOTHING),
    "user.updateContentSettings": Told(
        text="The same; `browsingLevel` is the mask that lists use.", takes=taking(browsingLevel=NUMBER), gives=_NOTHING
    ),
    "user.getSettings": Told(text="One's own settings.", takes=None, gives=dict[str, Any]),
    "hiddenPreferences.getHidden": Told(text="What the caller hides.", takes=None, gives=gives.HiddenLists),
    "hiddenPreferences.toggleHidden": Told(
        text="Hide a thing, or show it again; several only of tags.",
        takes=taking(
            "kind", "data",
            kind=word(HIDDEN_KINDS), data={"type": "array", "items": taking("id", id=ID, name=TEXT)}, hidden=FLAG,
        ),
        gives=gives.ToggledLists,
    ),
    "collection.upsert": Told(
        text="Make a collection, or with an id change one.",
        takes=taking(
            "name",
            id=ID, name={"type": "string", "minLength": 1, "maxLength": 30}, description=TEXT | {"maxLength": 300},
            type=word(enums.COLLECTION_TYPES, "Model"), read=word(enums.COLLECTION_READS),
            write=word(enums.COLLECTION_WRITES), mode=word(enums.COLLECTION_MODES), nsfw=FLAG, tags=_TAGS, metadata=_OBJECT,
            image=taking(id=ID, url=_UUID), **_ITEM,
        ),
        gives=gives.KeptCollection,
    ),
    "collection.saveItem": Told(
        text="Put one thing into collections and take it out of others.",
        takes=taking(
            "collections",
            **_ITEM, type=word(enums.COLLECTION_TYPES), note=TEXT, removeFromCollectionIds=IDS,
            collections={"type": "array", "items": taking("collectionId", collectionId=ID, tagId=ID)},
        ),
        gives=gives.SavedItem,
    ),
    "collection.bulkSaveItems": Told(
        text="Put several things of one kind into a collection.",
        takes=taking("collectionId", collectionId=ID, imageIds=IDS, postIds=IDS, modelIds=IDS, articleIds=IDS),
        gives=gives.SavedCount,
    ),
    "collection.removeFromCollection": Told(
        text="Take a thing out of a collection; `itemId` is the thing's own id.",
        takes=taking("collectionId", "itemId", collectionId=ID, itemId=ID),
        gives=gives.RemovedItem,
    ),
    "collection.follow": Told(text="Follow a collection.", takes=_FOLLOW, gives=gives.Contributor),
    "collection.unfollow": Told(
        text="Follow a collection no more; its manager may end others' part in it.",
        takes=_FOLLOW,
        gives=gives.Contributor | None,
    ),
    "collection.setContributor": Told(
        text="Ours: give somebody rights in a collection.",
        takes=taking(
            "collectionId", "userId", "permissions",
            collectionId=ID, userId=ID, permissions=words(enums.CONTRIBUTOR_PERMISSIONS),
        ),
        gives=gives.Contributor,
    ),
    "collection.delete": Told(text="Delete a collection.", takes=ONE_ID, gives=_NOTHING),
    "collection.getUserCollectionItemsByItem": Told(
        text="The caller's collections that hold a thing.", takes=taking(**_ITEM), gives=tuple[gives.HeldIn, ...]
    ),
    "post.create": Told(
        text="Make a post, a draft without `publishedAt`.",
        takes=taking(
            title=TEXT, detail=TEXT, modelVersionId=ID, tag=ID, tags=WORDS, collectionId=ID, publishedAt=_DATE
        ),
        gives=TrpcPostBody,
    ),
    "post.addImage": Told(
        text="Put a finished upload into a post. `nsfwLevel` is ours: without it the image is unrated.",
        takes=taking(
            "postId", "url",
            postId=ID, url=_UUID, name=TEXT, index=NUMBER, meta=_OBJECT, metadata=_OBJECT, nsfwLevel=_LEVEL,
            type=word(enums.MEDIA_TYPES), mimeType=TEXT, sizeKB=NUMBER, width=NUMBER, height=NUMBER, hash=TEXT,
        ),
        gives=gives.EditImage,
    ),
    "post.update": Told(
        text="Change a post, or publish it.",
        takes=taking("id", id=ID, title=TEXT, detail=TEXT, publishedAt=_DATE, collectionId=ID, collectionTagId=ID),
        gives=_NOTHING,
    ),
    "post.updateImage": Told(
        text="Change what an image says of its making, or hide it.",
        takes=taking("id", id=ID, meta=_OBJECT, hideMeta=FLAG),
        gives=_NOTHING,
    ),
    "post.reorderImages": Told(
        text="Put the images of a post into this order.",
        takes=taking("id", "imageIds", id=ID, imageIds=IDS),
        gives=tuple[gives.EditImage, ...],
    ),
    "post.addTag": Told(
        text="Put a tag on a post.", takes=taking("id", "name", id=ID, name=TEXT, tagId=ID), gives=PostTag
    ),
    "post.removeTag": Told(
        text="Take a tag off a post.", takes=taking("id", "tagId", id=ID, tagId=ID), gives=_NOTHING
    ),
    "post.delete": Told(text="Put a post and its images into the trash.", takes=ONE_ID, gives=gives.GonePost),
    "post.restore": Told(text="Ours: bring a post back.", takes=ONE_ID, gives=gives.GonePost),
    "image.delete": Told(text="Put an image into the trash.", takes=ONE_ID, gives=gives.GoneImage),
    "image.bulkDelete": Told(text="Ours: put images into the trash.", takes=_SOME, gives=gives.SomeIds),
    "image.restore": Told(text="Ours: bring images back from the trash.", takes=_SOME, gives=gives.SomeIds),
    "image.getTrash": Told(text="Ours: what is in one's trash.", takes=None, gives=gives.Trash),
    "image.emptyTrash": Told(
        text="Ours: remove images of one's trash for good, all where none is named.",
        takes=taking(ids=IDS),
        gives=gives.SavedCount,
    ),
    "image.getWithheld": Told(
        text="Ours, for moderators: what exists for nobody, by ids, hashes, flags and origin.",
        takes=None,
        gives=dict[str, tuple[Withheld, ...]],
    ),
    "image.purgeWithheld": Told(
        text="Ours, for moderators: remove withheld images for good, all where none is named.",
        takes=taking(ids=IDS),
        gives=gives.SavedCount,
    ),
    "image.updateImageNsfwLevel": Told(
        text="Give an image a level; `ids` for several is ours.",
        takes=taking("nsfwLevel", id=ID, ids=IDS, nsfwLevel=_LEVEL),
        gives=gives.SomeIds,
    ),
    "model.upsert": Told(
        text="Change a model's own words.",
        takes=taking(
            "id",
            id=ID, name=TEXT, description=TEXT, type=word(enums.MODEL_TYPES), nsfw=FLAG, minor=FLAG, poi=FLAG,
            tagsOnModels=_TAGS, status=_STATUS, availability=word(enums.AVAILABILITIES), sfwOnly=FLAG,
            checkpointType=word(enums.CHECKPOINT_TYPES), allowNoCredit=FLAG, allowDerivatives=FLAG,
            allowDifferentLicense=FLAG, allowCommercialUse=WORDS,
        ),
        gives=gives.ChangedModel,
    ),
    "modelVersion.upsert": Told(
        text="Change a version's own words.",
        takes=taking(
            "id",
            id=ID, name=TEXT, description=TEXT, baseModel=TEXT, trainedWords=WORDS, status=_STATUS, steps=NUMBER,
            epochs=NUMBER, clipSkip=NUMBER | {"maximum": 100}, settings=_OBJECT,
        ),
        gives=gives.ChangedVersion,
    ),
}  # fmt: skip
