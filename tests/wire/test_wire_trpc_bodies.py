"""tRPC bodies against every example of the documents and what gallery-dl reads; dates and undefined are marked."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import wire_nouns as nouns
from shapes import missing

from pinako.catalog.collections import Permissions
from pinako.catalog.images import Reacted
from pinako.catalog.people import Profile
from pinako.catalog.tags import CountedTag, TagScore, VotableTag
from pinako.wire import (
    fragments,
    trpc_collections,
    trpc_images,
    trpc_lists,
    trpc_model_body,
    trpc_models,
    trpc_posts,
)
from pinako.wire.trpc import Reply, envelope, join_list

COUNTS = (9, 4, 1, 0, 2, 7, 0)
POST_COUNTS = (9, 3, 4, 1, 0, 2, 7)
LATER = nouns.NOON + 1000


def data(reply: Reply) -> Any:
    return json.loads(envelope(reply))["result"]["data"]


def value(reply: Reply) -> Any:
    return data(reply)["json"]


def dates(reply: Reply) -> dict[str, Any]:
    """The marked paths, each with the value that it leads to."""
    found = data(reply)
    marks = found.get("meta", {"values": {}})["values"]
    return {path: at(found["json"], path) for path, mark in marks.items() if mark == ["Date"]}


def undefined(reply: Reply) -> set[str]:
    found = data(reply)
    return {path for path, mark in found.get("meta", {"values": {}})["values"].items() if mark == ["undefined"]}


def at(whole: Any, path: str) -> Any:
    for step in path.split("."):
        whole = whole[int(step)] if isinstance(whole, list) else whole[step]
    return whole


def image_item(**options: Any) -> tuple[bytes, tuple[str, ...]]:
    parts = trpc_images.split_image(trpc_images.write_image(nouns.full_image()))
    return trpc_images.join_image(parts, COUNTS, **options)


USER = {"id": 1, "username": "x", "image": "x", "deletedAt": None, "profilePicture": None, "cosmetics": []}
STATS = {
    "likeCountAllTime": 1, "laughCountAllTime": 1, "heartCountAllTime": 1, "cryCountAllTime": 1,
    "commentCountAllTime": 1, "collectedCountAllTime": 1, "tippedAmountCountAllTime": 1, "dislikeCountAllTime": 1,
    "viewCountAllTime": 1,
}  # fmt: skip
IMAGE_OF_A = {
    "id": 1, "url": "x", "width": 1, "height": 1, "nsfwLevel": 1, "type": "image", "postId": 1, "user": USER,
    "stats": STATS,
}  # fmt: skip
IMAGE_OF_B = {
    **IMAGE_OF_A, "name": "x", "hash": "x", "createdAt": "x", "mimeType": "x", "onSite": True, "tagIds": [1],
}  # fmt: skip
IMAGE_TODAY = {
    **IMAGE_OF_B, "hideMeta": False, "hasMeta": True, "hasPositivePrompt": True, "minor": False, "poi": False,
    "acceptableMinor": False, "scannedAt": "x", "needsReview": None, "blockedFor": None, "ingestion": "x", "index": 0,
    "metadata": {"hash": "x", "width": 1, "height": 1, "size": 1}, "remixOfId": None, "profilePictureId": None,
    "availability": "x", "publishedAt": "x", "sortAt": "x", "model3dId": None, "cosmetic": None, "reactions": [],
    "modelVersionId": 1, "modelVersionIds": [1], "modelVersionIdsManual": [1], "baseModel": "x", "meta": None,
    "tags": None, "thumbnailUrl": None, "judgeScore": None, "postTitle": "x", "userId": 1,
}  # fmt: skip
GENERATION_OF_B = {
    "type": "image", "onSite": False, "process": "txt2img", "engine": "comfyui",
    "meta": {"prompt": "x", "negativePrompt": "x", "cfgScale": 3, "steps": 34, "sampler": "x", "seed": 1, "clipSkip": 2,
             "engine": "comfyui", "Model": "x", "civitaiResources": []},
    "resources": [{"modelType": "x", "modelName": "x", "modelVersionId": 1, "versionName": "x", "baseModel": "x",
                   "modelId": 1, "versionId": 1, "imageId": 1, "strength": None}],
    "tools": [], "techniques": [], "external": None, "canRemix": True, "remixOfId": None, "displayKeys": None,
}  # fmt: skip
POST_OF_B = {
    "id": 1, "nsfw": False, "nsfwLevel": 1, "title": "x", "detail": None, "modelVersionId": 1, "modelVersion": {"id": 1},
    "user": USER, "publishedAt": "x", "availability": "Public", "tags": [{"id": 1, "name": "x", "isCategory": False}],
    "collectionId": None, "wasPublished": False, "unpublishedAt": None, "unpublishedBy": None, "parentModelId": None,
}  # fmt: skip
POST_ITEM = {
    "id": 1, "nsfwLevel": 1, "title": "x", "publishedAt": "x", "modelVersionId": 1, "collectionId": None,
    "imageCount": 1, "user": USER, "cosmetic": None, "images": [IMAGE_TODAY],
    "stats": {"postId": 1, "commentCount": 1, "likeCount": 1, "dislikeCount": 1, "heartCount": 1, "laughCount": 1,
              "cryCount": 1, "collectedCount": 1},
}  # fmt: skip
GALLERY_ITEM = {
    "postId": 1, "pinned": False, "nsfwLevel": 1, "modelVersionId": 1, "publishedAt": "x", "sortAt": "x",
    "createdAt": "x", "user": USER, "images": [IMAGE_TODAY], "review": None,
}  # fmt: skip
FILE = {
    "id": 1, "url": "x", "sizeKB": 1, "name": "x", "overrideName": None, "type": "x", "visibility": "Public",
    "metadata": {"format": "x"}, "pickleScanResult": "x", "pickleScanMessage": "x", "virusScanResult": "x",
    "virusScanMessage": None, "scannedAt": "x", "modelVersionId": 1, "hashes": [],
}  # fmt: skip
VERSION_OF_B = {
    "id": 1, "name": "x", "description": "x", "baseModel": "x", "baseModelType": "x", "status": "x", "createdAt": "x",
    "model": {"id": 1, "name": "x", "type": "x", "status": "x", "publishedAt": "x", "nsfw": False, "uploadType": "x",
              "user": {"id": 1}, "availability": "x"},
    "files": [FILE], "settings": {"strength": 0.5}, "trainedWords": ["x"], "epochs": None, "steps": None,
    "clipSkip": None, "trainingDetails": None, "trainingStatus": None, "uploadType": "x", "usageControl": "x",
    "availability": "x", "licensingFee": None, "flags": 0, "meta": None, "posts": [{"id": 1, "userId": 1}],
    "requireAuth": False, "recommendedResources": [], "monetization": None, "generationCoverage": {"covered": True},
    "canGenerate": True, "wildcardSetId": None, "paidAccess": None, "donationGoal": None, "linkedComponents": [],
    "earlyAccessConfig": None, "earlyAccessEndsAt": None, "vaeId": None,
}  # fmt: skip
MODEL = {
    "id": 1, "name": "x", "description": "x", "poi": False, "minor": False, "sfwOnly": False, "nsfwLevel": 1,
    "nsfw": False, "type": "x", "uploadType": "x", "updatedAt": "x", "deletedAt": None, "status": "x",
    "checkpointType": "x", "allowNoCredit": True, "allowCommercialUse": ["x"], "allowDerivatives": True,
    "allowDifferentLicense": True, "licenses": [], "publishedAt": "x", "locked": False, "mode": None,
    "availability": "x", "user": {**USER, "rank": None}, "hiddenMetrics": {"buzz": False}, "canGenerate": True,
    "rank": {"downloadCountAllTime": 1, "thumbsUpCountAllTime": 1, "imageCountAllTime": 1},
    "modelVersions": [{
        "id": 1, "modelId": 1, "name": "x", "createdAt": "x", "baseModel": "x", "files": [FILE], "posts": [{"id": 1}],
        "hashes": ["x"], "trainedWords": ["x"], "rank": {"downloadCountAllTime": 1}, "canDownload": True,
        "earlyAccessDeadline": None, "paidAccess": None, "settings": {}, "nsfwLevel": 1,
    }],
    "tagsOnModels": [{"tag": {"id": 1, "name": "x", "isCategory": True}}],
}  # fmt: skip
MODEL_ITEM = {
    "id": 1, "name": "x", "type": "x", "minor": False, "sfwOnly": False, "poi": False, "nsfw": False, "nsfwLevel": 1,
    "status": "x", "createdAt": "x", "lastVersionAt": "x", "publishedAt": "x", "locked": False, "mode": None,
    "availability": "x", "userId": 1, "earlyAccessDeadline": None, "hashes": ["x"], "hiddenMetrics": {}, "tags": [1],
    "rank": {"downloadCount": 1, "thumbsUpCount": 1, "thumbsDownCount": 1, "commentCount": 1, "collectedCount": 1,
             "tippedAmountCount": 1},
    "baseModels": ["x"], "user": USER, "cosmetic": None, "canGenerate": True,
    "version": {"id": 1, "index": 0, "name": "x", "earlyAccessTimeFrame": 0, "baseModel": "x", "baseModelType": "x",
                "createdAt": "x", "trainingStatus": None, "publishedAt": "x", "status": "x", "flags": 0,
                "availability": "x", "nsfwLevel": 1, "description": "x", "trainedWords": ["x"], "vaeId": None,
                "covered": True},
    "images": [{"id": 1, "userId": 1, "name": "x", "url": "x", "nsfwLevel": 1, "width": 1, "height": 1, "hash": "x",
                "type": "x", "metadata": {}, "tags": [1]}],
}  # fmt: skip
COVER = {
    "id": 1, "name": "x", "url": "x", "nsfwLevel": 1, "width": 1, "height": 1, "hash": "x", "userId": 1, "postId": 1,
    "type": "x", "metadata": {}, "createdAt": "x", "hideMeta": False, "scannedAt": "x", "ingestion": "x",
}  # fmt: skip
COLLECTION = {
    "collection": {
        "id": 1, "name": "x", "description": None, "read": "x", "write": "x", "type": "x", "nsfw": False, "nsfwLevel": 1,
        "mode": None, "metadata": {}, "availability": "x", "userId": 1, "user": USER,
        "image": {**COVER, "tags": [{"tag": {"id": 1, "name": "x", "isCategory": False, "type": "x"},
                                     "automated": False, "needsReview": False}]},
        "tags": [{"id": 1, "name": "x", "filterableOnly": True}],
    },
    "permissions": {
        "collectionId": 1, "read": True, "write": False, "writeReview": False, "manage": False, "follow": True,
        "isContributor": False, "isOwner": False, "followPermissions": ["VIEW"], "publicCollection": True,
        "collectionType": "x", "collectionMode": None,
    },
}  # fmt: skip
LISTED_COLLECTION = {
    "id": 1, "name": "x", "read": "x", "type": "x", "userId": 1, "user": USER, "nsfwLevel": 1, "mode": None,
    "image": {**COVER, "tags": [{"id": 1, "name": "x", "isCategory": False, "type": "x"}]},
    "createdAt": "x", "metadata": {}, "_count": {"items": 1, "contributors": 1}, "images": [], "srcs": [],
}  # fmt: skip
MAY = Permissions(
    collection_id=1201,
    read=True,
    follow=True,
    follow_permissions=("VIEW",),
    public_collection=True,
    collection_type="Image",
)


def post_item() -> Reply:
    parts = trpc_posts.split_post(trpc_posts.write_post(nouns.full_post()))
    return join_list([trpc_posts.join_post(parts, 138779, POST_COUNTS, 1, [image_item()])], None)


def gallery_item() -> Reply:
    parts = trpc_posts.split_post(trpc_posts.write_post(nouns.full_post()))
    return join_list([trpc_posts.join_gallery_post(parts, 1, [image_item()])], "x")


def model_item(sight: bytes = fragments.sight(31)) -> Reply:
    parts = trpc_models.split_model(trpc_models.write_model(nouns.full_model()))
    return join_list([trpc_models.join_model(parts, sight=sight, now=LATER)], "14|98|4377")


def model() -> Reply:
    return trpc_model_body.model_reply(nouns.full_model(), LATER)


def version() -> Reply:
    return trpc_models.version_reply(nouns.version_in_model(), LATER)


ANSWERS: list[tuple[Any, Any]] = [
    (lambda: join_list([image_item()], None), {"items": [IMAGE_OF_A], "nextCursor": None}),
    (lambda: join_list([image_item()], "62702|16646466"), {"items": [IMAGE_TODAY], "nextCursor": "x"}),
    (lambda: trpc_images.image_reply(nouns.full_image(), None), IMAGE_OF_B),
    (lambda: trpc_images.image_reply(nouns.full_image(), None), IMAGE_TODAY),
    (lambda: trpc_images.generation_reply(nouns.generation()), GENERATION_OF_B),
    (lambda: trpc_posts.post_reply(nouns.full_post()), POST_OF_B),
    (post_item, {"items": [POST_ITEM]}),
    (gallery_item, {"items": [GALLERY_ITEM]}),
    (version, VERSION_OF_B),
    (model, MODEL),
    (model_item, {"items": [MODEL_ITEM], "nextCursor": "x"}),
    (lambda: trpc_collections.collection_reply(nouns.collection(), MAY), COLLECTION),
    (
        lambda: trpc_collections.collections_reply([nouns.collection()], 1180),
        {"items": [LISTED_COLLECTION], "nextCursor": 1},
    ),
]


@pytest.mark.parametrize(("answer", "example"), ANSWERS)
def test_answers_have_all_that_the_examples_show(answer: Any, example: Any) -> None:
    assert list(missing(value(answer()), example)) == []


@pytest.mark.parametrize("answer", [answer for answer, _ in ANSWERS])
def test_all_dates_and_nothing_else_is_marked_as_dates(answer: Any) -> None:
    reply = answer()
    marked = dates(reply)
    assert set(marked.values()) <= {nouns.NOON_TEXT}
    assert json.dumps(value(reply)).count(nouns.NOON_TEXT) == len(marked)
    assert all(at(value(reply), path) is None for path in undefined(reply))


def test_an_image_has_the_callers_reactions_and_a_bare_key() -> None:
    found = value(trpc_images.image_reply(nouns.full_image(), Reacted(user_id=3, words=("Heart", "Like"))))
    assert found["reactions"] == [{"userId": 3, "reaction": "Heart"}, {"userId": 3, "reaction": "Like"}]
    assert found["url"] == nouns.KEY
    assert (found["modelVersionIds"], found["modelVersionIdsManual"], found["modelVersionId"]) == ([9002], [9001], 9001)
    assert found["stats"]["likeCountAllTime"] == 9
    assert found["tags"][0] == {
        "imageId": 612001, "id": 5, "name": "sea", "type": "UserGenerated", "nsfwLevel": 1, "score": 0, "upVotes": 0,
        "downVotes": 0, "automated": False, "needsReview": False, "concrete": True, "lastUpvote": None,
        "source": "User",
    }  # fmt: skip


def test_an_image_without_its_post_does_not_say_when_that_was_published() -> None:
    with_post, without = (
        value(trpc_images.image_reply(nouns.full_image(), None, without_post=bare)) for bare in (False, True)
    )
    assert with_post.pop("publishedAt") == nouns.NOON_TEXT
    assert without == with_post


def test_list_items_show_meta_and_tags_where_asked() -> None:
    assert json.loads(image_item()[0])["meta"] is None
    shown = json.loads(image_item(meta=nouns.META.encode(), tags=True, reactions=b'{"userId":1,"reaction":"Cry"}')[0])
    assert shown["meta"]["prompt"].startswith("lighthouse")
    assert len(shown["tags"]) == 2
    assert shown["reactions"][0]["reaction"] == "Cry"


@pytest.mark.parametrize("automated", [False, True])
@pytest.mark.parametrize("source", ["User", "WD14", "Computed"])
def test_a_tag_says_who_put_it_there_and_what_the_caller_voted(source: str, automated: bool) -> None:
    full = msgspec.structs.replace(nouns.full_image(), scores={5: TagScore(automated=automated, source=source)})
    parts = trpc_images.split_image(trpc_images.write_image(full))
    first, second = json.loads(trpc_images.join_image(parts, COUNTS, tags=True, votes={5: -1})[0])["tags"]
    assert (first["source"], first["automated"], first["vote"]) == (source, automated, -1)
    assert "vote" not in second


def test_what_the_original_leaves_undefined_is_marked_where_it_is_null() -> None:
    assert undefined(join_list([image_item(), image_item(tags=True)], "x")) == {
        "items.0.tags", "items.0.thumbnailUrl", "items.1.thumbnailUrl",
    }  # fmt: skip
    bare = msgspec.structs.replace(nouns.full_image().image, base_model=None, published_at=None)
    full = msgspec.structs.replace(nouns.full_image(), image=bare)
    item = trpc_images.join_image(trpc_images.split_image(trpc_images.write_image(full)), COUNTS, tags=True)
    assert undefined(join_list([item], "x")) == {"items.0.baseModel", "items.0.publishedAt", "items.0.thumbnailUrl"}
    assert undefined(trpc_images.image_reply(full, None)) == set()
    assert "items.0.review" in undefined(gallery_item())


def test_an_unposted_image_is_not_published() -> None:
    full = msgspec.structs.replace(nouns.full_image(published_at=None, post_id=None), post=None)
    reply = trpc_images.image_reply(full, None)
    assert value(reply)["publishedAt"] is None
    assert "publishedAt" not in dates(reply)


def test_generation_data_is_cleaned() -> None:
    reply = trpc_images.generation_reply(nouns.generation())
    found = value(reply)
    assert found["meta"]["clipSkip"] == 2
    assert not {"Clip skip", "models", "vae"} & set(found["meta"])
    assert (found["canRemix"], found["engine"]) == (True, "comfyui")
    assert [used["strength"] for used in found["resources"]] == [0.7, None]
    assert undefined(reply) == {"external", "remixOfId", "displayKeys"}


@pytest.mark.parametrize(
    ("seed", "shown"),
    [(" 7 ", 7), ("-7", -7), ("1e3", 1000.0), ("seven", "seven"), ("0" * 5000 + "7", 7.0), ("9" * 5000, None)],
)
def test_numbers_in_texts_are_numbers(seed: str, shown: object) -> None:
    found = value(trpc_images.generation_reply(nouns.generation(meta=json.dumps({"seed": seed}))))
    assert found["meta"]["seed"] == shown


def test_generation_data_of_a_hidden_prompt_keeps_the_resources() -> None:
    reply = trpc_images.generation_reply(nouns.generation(meta=None))
    found = value(reply)
    assert (found["meta"], found["canRemix"], len(found["resources"])) == (None, False, 2)
    assert "meta" in undefined(reply)


def test_external_details_move_out_of_meta() -> None:
    meta = '{"prompt":"x","external":{"source":{"name":"y"}},"steps":"28"}'
    external = '{"source":{"name":"y"}}'
    found = value(trpc_images.generation_reply(nouns.generation(meta=meta, external=external)))
    assert (found["external"], found["meta"]) == ({"source": {"name": "y"}}, {"prompt": "x", "steps": 28})


def test_models_show_each_viewer_the_images_inside_its_mask() -> None:
    for mask, ids in ((1, [612001]), (31, [612001, 612002]), (2, [])):
        assert [image["id"] for image in value(model_item(fragments.sight(mask)))["items"][0]["images"]] == ids


def test_a_missing_collection_is_null_and_permits_nothing() -> None:
    found = data(trpc_collections.collection_reply(None, Permissions(collection_id=5)))
    assert found["json"]["collection"] is None
    assert "collection" not in found
    assert not any(found["json"]["permissions"][word] for word in ("read", "write", "manage", "follow", "isOwner"))


def test_a_collection_is_readable_at_both_documented_places() -> None:
    found = data(trpc_collections.collection_reply(nouns.collection(), MAY))
    assert found["collection"] == found["json"]["collection"]


def test_own_collections() -> None:
    bare = msgspec.structs.replace(nouns.collection(), cover=None)
    reply = trpc_collections.own_collections_reply([nouns.collection(), bare], 77)
    first, second = value(reply)
    assert {"id", "name", "description", "type", "read", "write", "userId", "isOwner", "image", "tags"} <= set(first)
    assert (first["isOwner"], second["image"]) == (True, None)
    assert undefined(reply) == {"1.image"}


def test_covers_fall_back_to_images_of_the_collection() -> None:
    bare = msgspec.structs.replace(nouns.collection(), cover=None, fallbacks=(nouns.full_image(),) * 12)
    item = value(trpc_collections.collections_reply([bare], None))["items"][0]
    assert (item["image"], len(item["images"])) == (None, 10)


def test_tags() -> None:
    tag = VotableTag(id=5, name="sea", score=9, automated=True, last_upvote=nouns.NOON, vote=1)
    reply = trpc_lists.votable_tags_reply([tag, VotableTag(id=6, name="ink")], "image")
    first, second = value(reply)
    assert first == {
        "score": 9, "upVotes": 0, "downVotes": 0, "automated": True, "needsReview": False, "concrete": True,
        "lastUpvote": nouns.NOON_TEXT, "id": 5, "type": "UserGenerated", "nsfwLevel": 1, "name": "sea", "vote": 1,
    }  # fmt: skip
    assert dates(reply) == {"0.lastUpvote": nouns.NOON_TEXT}
    assert "vote" not in second
    assert set(value(trpc_lists.votable_tags_reply([tag], "model"))[0]) == {
        "score", "upVotes", "downVotes", "id", "type", "nsfwLevel", "name", "vote",
    }  # fmt: skip
    assert value(trpc_lists.tag_reply(nouns.SEA)) == {"id": 5, "name": "sea", "type": "UserGenerated"}
    assert value(trpc_lists.tag_reply(None)) is None
    page = value(trpc_lists.tags_reply([CountedTag(tag=nouns.SEA, model_count=3)], total=41, page=2, limit=20))
    assert (page["totalItems"], page["currentPage"], page["totalPages"], page["items"][0]["modelCount"]) == (
        41,
        2,
        3,
        3,
    )


def test_users() -> None:
    profile = Profile(user=nouns.INK, model_count=1, reaction_count=4)
    reply = trpc_lists.creator_reply(profile)
    example = {
        "id": 1, "image": "x", "username": "x", "muted": False, "bannedAt": None, "deletedAt": None, "createdAt": "x",
        "publicSettings": {}, "excludeFromLeaderboards": False, "links": [], "rank": None, "cosmetics": [],
        "stats": {"downloadCountAllTime": 1, "reactionCountAllTime": 1, "uploadCountAllTime": 1},
        "profilePicture": None, "creatorShopEnabled": False, "_count": {"models": 1},
    }  # fmt: skip
    assert list(missing(value(reply), example)) == []
    assert dates(reply) == {"createdAt": nouns.NOON_TEXT}
    assert value(trpc_lists.creator_reply(None)) is None
    assert "email" not in value(trpc_lists.user_reply(nouns.INK))
    assert value(trpc_lists.follow_reply(following=True)) == {"following": True}
