"""The inputs of the write procedures of tRPC into commands (trpc.md 10)."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.commands import (
    AddImage,
    CreatePost,
    FollowCollection,
    HideTarget,
    ItemRef,
    KeepCollection,
    RemoveItem,
    ReorderImages,
    SaveItem,
    SaveItems,
    SaveTarget,
    TagPost,
    TagWish,
    ToggleHidden,
    ToggleReaction,
    UpdateImage,
    UpdatePost,
    VoteTags,
)
from pinako.wire import issues
from pinako.wire import trpc_input as read
from pinako.wire.coerce import items_of
from pinako.wire.delivery import is_key
from pinako.wire.issues import Refused, ValidationError
from pinako.wire.trpc_input import Input, broken

REACTION_ENTITIES = (
    "question", "answer", "comment", "commentOld", "image", "post", "resourceReview", "article", "bountyEntry",
)  # fmt: skip
HIDDEN_KINDS = ("tag", "user", "image", "model", "model3d", "blockedUser")
ITEM_KEYS = {"imageId": "Image", "postId": "Post", "modelId": "Model", "articleId": "Article"}
BULK_KEYS = {"imageIds": "Image", "postIds": "Post", "modelIds": "Model", "articleIds": "Article"}
NAME_LENGTH = 30
OBJECT_LENGTH = 1_000_000
"""The most letters of an object that is kept as it came: a large workflow is a tenth of that."""
MANY = 1000
"""The most ids of one command."""

_COLLECTION_TYPE = read.word(enums.COLLECTION_TYPES)
_READ = read.word(enums.COLLECTION_READS)
_WRITE = read.word(enums.COLLECTION_WRITES)
_MODE = read.word(enums.COLLECTION_MODES)
_MEDIA_TYPE = read.word(enums.MEDIA_TYPES)
_REACTION = read.word(enums.REACTIONS)
_SIZE = read.num(0)


def _object_text(value: Any) -> str:
    if not isinstance(value, dict):
        raise Refused(issues.wrong_type("object", read.kind_of(value)))
    text = msgspec.json.encode(value).decode()
    if len(text) > OBJECT_LENGTH:
        raise Refused(issues.too_big(OBJECT_LENGTH, origin="string", unit="characters"))
    return text


def _row(value: Any) -> Input:
    """An object inside a list, its issues told under its place."""
    try:
        return Input(value, optional=False)
    except ValidationError as error:
        raise Refused(*error.issues) from None


def _done(row: Input) -> None:
    if row.issues:
        raise Refused(*row.issues)


def _some_ids(value: Any) -> tuple[int, ...]:
    found = read.many(read.coerced_num())(value)
    if len(found) > MANY:
        raise Refused(issues.too_big(MANY, origin="array", unit="items"))
    return found


# --- reactions, votes, hidden things ------------------------------------------------------------------------------


def read_reaction(value: Any) -> ToggleReaction:
    """`reaction.toggle`."""
    given = Input(value, optional=False)
    command = ToggleReaction(
        entity_type=given.need("entityType", read.word(REACTION_ENTITIES), "image", "string"),
        entity_id=given.need("entityId", read.one_id, 0, "number"),
        reaction=given.need("reaction", _REACTION, "Like", "string"),
    )
    given.check()
    return command


def read_votes(value: Any, *, taking_back: bool = False) -> VoteTags:
    """`tag.addTagVotes`, and `tag.removeTagVotes` where `taking_back`."""
    given = Input(value, optional=False)
    tags = given.need("tags", _tags, _NO_TAGS, "array")
    vote = None if taking_back else given.need("vote", _vote, 0.0, "number")
    command = VoteTags(
        kind=given.need("type", read.word(("image", "model")), "image", "string"),
        id=given.need("id", read.one_id, 0, "number"),
        names=tags[0],
        tag_ids=tags[1],
        vote=vote,
        edit=given.take("edit", read.flag, False) is True,
    )
    given.check()
    return command


_NO_TAGS: tuple[tuple[str, ...], tuple[int, ...]] = ((), ())


def _tags(value: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """A list of names (trimmed, lower-cased) or a list of ids, not mixed."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        words = [item.strip().lower() for item in value[:MANY]]
        return tuple(dict.fromkeys(word for word in words if word)), ()
    return (), read.id_list(value)[:MANY]


def _vote(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(issues.wrong_type("number", read.kind_of(value)))
    if value < -1:
        raise Refused(issues.too_small(-1))
    if value > 1:
        raise Refused(issues.too_big(1))
    return float(value)


def read_hidden(value: Any) -> ToggleHidden:
    """`hiddenPreferences.toggleHidden`: one thing, or several tags with their names."""
    given = Input(value, optional=False)
    command = ToggleHidden(
        kind=given.need("kind", read.word(HIDDEN_KINDS), "tag", "string"),
        targets=given.need("data", read.many(_hide_target), (), "array"),
        hidden=given.take("hidden", read.flag, None),
    )
    given.check()
    if command.kind != "tag" and len(command.targets) != 1:
        raise broken("data", "Exactly one thing can be hidden at a time")
    return command


def _hide_target(value: Any) -> HideTarget:
    row = _row(value)
    tag, person = row.take("name", read.said, None), row.take("username", read.said, None)
    target = HideTarget(id=row.need("id", read.one_id, 0, "number"), name=tag or person)
    _done(row)
    return target


# --- collections --------------------------------------------------------------------------------------------------


def _item(given: Input, *, needed: bool = True) -> ItemRef | None:
    """The one thing that an input names."""
    found = [
        ItemRef(type=kind, id=id)
        for key, kind in ITEM_KEYS.items()
        if (id := given.take(key, read.one_id, None)) is not None
    ]
    if len(found) > 1 or (needed and not found):
        given.refuse("item", issues.broken_rule("Exactly one of imageId, postId, modelId, articleId is needed"))
    return found[0] if found else None


def read_collection(value: Any) -> KeepCollection:
    """`collection.upsert`; a new one of no type holds models, as upstream. `image` is the cover, `imageId` the first item."""
    given = Input(value, optional=False)
    cover = given.take("image", _cover, (None, None))
    command = KeepCollection(
        id=given.take("id", read.one_id, None),
        name=given.need("name", read.text(NAME_LENGTH), "", "string").strip(),
        description=given.take("description", read.text(300), None),
        type=given.take("type", _COLLECTION_TYPE, "Model"),
        read=given.take("read", _READ, None),
        write=given.take("write", _WRITE, None),
        nsfw=given.take("nsfw", read.flag, None),
        mode=given.take("mode", _MODE, None),
        image_id=cover[0],
        cover_key=cover[1],
        tags=given.take("tags", read.many(_tag_wish), None),
        metadata=given.take("metadata", _object_text, None),
        item=_item(given, needed=False),
    )
    if not command.name and "name" in given:
        given.refuse("name", issues.too_small(1, origin="string", unit="characters"))
    given.check()
    return command


def _cover(value: Any) -> tuple[int | None, str | None]:
    row = _row(value)
    found = row.take("id", read.one_id, None), row.take("url", read.said, None)
    _done(row)
    return found


def _tag_wish(value: Any) -> TagWish:
    row = _row(value)
    wish = TagWish(name=row.need("name", read.any_text, "", "string").strip(), id=row.take("id", read.one_id, None))
    _done(row)
    return wish


def read_save(value: Any) -> SaveItem:
    """`collection.saveItem`. `type`, where given, must be that of the thing."""
    given = Input(value, optional=False)
    item = _item(given)
    kind = given.take("type", _COLLECTION_TYPE, None)
    command = SaveItem(
        item=item or ItemRef(type="Image", id=0),
        into=given.need("collections", read.many(_save_target), (), "array"),
        out_of=given.take("removeFromCollectionIds", _some_ids, ()),
        note=given.take("note", read.said, None),
    )
    given.check()
    if kind is not None and kind != command.item.type:
        raise broken("type", "Collection type mismatch")
    return command


def _save_target(value: Any) -> SaveTarget:
    row = _row(value)
    target = SaveTarget(
        collection_id=row.need("collectionId", read.coerced_num(), 0, "number"),
        tag_id=row.take("tagId", read.coerced_num(), None),
    )
    _done(row)
    return target


def read_remove(value: Any) -> RemoveItem:
    """`collection.removeFromCollection`."""
    given = Input(value, optional=False)
    command = RemoveItem(
        collection_id=given.need("collectionId", read.coerced_num(), 0, "number"),
        item_id=given.need("itemId", read.coerced_num(), 0, "number"),
    )
    given.check()
    return command


def read_bulk_save(value: Any) -> SaveItems:
    """`collection.bulkSaveItems`."""
    given = Input(value, optional=False)
    found = [(kind, given.take(key, _some_ids, ())) for key, kind in BULK_KEYS.items() if key in given]
    if len(found) != 1:
        given.refuse("item", issues.broken_rule("Exactly one of imageIds, postIds, modelIds, articleIds is needed"))
    collection_id = given.need("collectionId", read.coerced_num(), 0, "number")
    given.check()
    return SaveItems(collection_id=collection_id, type=found[0][0], ids=found[0][1])


def read_follow_collection(value: Any) -> FollowCollection:
    """`collection.follow` and `collection.unfollow`."""
    given = Input(value, optional=False)
    command = FollowCollection(
        collection_id=given.need("collectionId", read.one_id, 0, "number"),
        user_id=given.take("userId", read.one_id, None),
    )
    given.check()
    return command


def read_item(value: Any) -> ItemRef:
    """`collection.getUserCollectionItemsByItem`."""
    given = Input(value, optional=False)
    item = _item(given)
    given.check()
    return item or ItemRef(type="Image", id=0)


# --- posts and images ---------------------------------------------------------------------------------------------


def read_new_post(value: Any) -> CreatePost:
    """`post.create`."""
    given = Input(value)
    command = CreatePost(
        title=given.take("title", read.said, None),
        detail=given.take("detail", read.any_text, None),
        version_id=given.take("modelVersionId", read.one_id, None),
        tag_id=given.take("tag", read.one_id, None),
        tags=given.take("tags", _tag_names, ()),
        collection_id=given.take("collectionId", read.one_id, None),
        published_at=given.take("publishedAt", read.date, None),
    )
    given.check()
    return command


def _tag_names(value: Any) -> tuple[str, ...]:
    """A list of names, or a comma text."""
    words = items_of([value]) if isinstance(value, str) else read.many(read.any_text)(value)
    return tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))


def read_new_image(value: Any) -> AddImage:
    """`post.addImage`."""
    given = Input(value, optional=False)
    command = AddImage(
        post_id=given.need("postId", read.one_id, 0, "number"),
        key=given.need("url", _key, "", "string"),
        name=given.take("name", read.said, None),
        width=given.take("width", _SIZE, None),
        height=given.take("height", _SIZE, None),
        blurhash=given.take("hash", read.said, None),
        mime=given.take("mimeType", read.said, None),
        size_kb=given.take("sizeKB", _number, None),
        idx=given.take("index", _SIZE, None),
        type=given.take("type", _MEDIA_TYPE, "image"),
        meta=given.take("meta", _object_text, None),
        metadata=given.take("metadata", _object_text, None),
        level=given.take("nsfwLevel", read.one_level, 0),
    )
    given.check()
    return command


def _key(value: Any) -> str:
    text = read.any_text(value)
    if not is_key(text):
        raise Refused(issues.wrong_pattern("uuid", "Invalid UUID"))
    return text.lower()


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Refused(issues.wrong_type("number", read.kind_of(value)))
    return float(value)


def read_post_changes(value: Any) -> UpdatePost:
    """`post.update`."""
    given = Input(value, optional=False)
    command = UpdatePost(
        id=given.need("id", read.one_id, 0, "number"),
        title=given.take("title", read.said, None),
        detail=given.take("detail", read.any_text, None),
        published_at=given.take("publishedAt", read.date, None),
        collection_id=given.take("collectionId", read.one_id, None),
        collection_tag_id=given.take("collectionTagId", read.one_id, None),
    )
    given.check()
    return command


def read_image_changes(value: Any) -> UpdateImage:
    """`post.updateImage`."""
    given = Input(value, optional=False)
    command = UpdateImage(
        id=given.need("id", read.one_id, 0, "number"),
        meta=given.take("meta", _object_text, None),
        hide_meta=given.take("hideMeta", read.flag, None),
    )
    given.check()
    return command


def read_order(value: Any) -> ReorderImages:
    """`post.reorderImages`."""
    given = Input(value, optional=False)
    command = ReorderImages(
        post_id=given.need("id", read.one_id, 0, "number"),
        image_ids=given.need("imageIds", read.id_list, (), "array"),
    )
    given.check()
    return command


def read_post_tag(value: Any, *, adding: bool) -> TagPost:
    """`post.addTag` (a name, perhaps an id) and `post.removeTag` (an id)."""
    given = Input(value, optional=False)
    command = TagPost(
        post_id=given.need("id", read.one_id, 0, "number"),
        name=given.need("name", read.said, None, "string") if adding else None,
        tag_id=given.take("tagId", read.one_id, None) if adding else given.need("tagId", read.one_id, 0, "number"),
    )
    given.check()
    return command
