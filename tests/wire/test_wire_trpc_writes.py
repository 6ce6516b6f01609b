"""The inputs of the write procedures: what each makes of a good one, and that a bad one is told by its issue."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.commands import (
    FollowCollection,
    HideTarget,
    ItemRef,
    RemoveItem,
    SaveItems,
    SaveTarget,
    TagPost,
    TagWish,
)
from pinako.errors import PinakoError
from pinako.wire import trpc_input_writes as writes
from pinako.wire.issues import ValidationError

KEY = "1F0C9A52-6d3b-4c0e-9b7a-3f1f5a2c7d10"
NOON = datetime(2026, 2, 3, 10, 21, tzinfo=UTC)
NOON_MS = 1_770_114_060_000


def test_reactions() -> None:
    command = writes.read_reaction({"entityId": 900101, "entityType": "image", "reaction": "heart"})
    assert (command.entity_type, command.entity_id, command.reaction) == ("image", 900101, "Heart")


def test_votes_are_by_name_or_by_id() -> None:
    named = writes.read_votes({"type": "image", "id": 9, "tags": [" Lighthouse ", "lighthouse"], "vote": 1})
    assert (named.names, named.tag_ids, named.vote) == (("lighthouse",), (), 1.0)
    taken = writes.read_votes({"type": "model", "id": 9, "tags": [5, 6]}, taking_back=True)
    assert (taken.names, taken.tag_ids, taken.vote) == ((), (5, 6), None)


def test_hidden_things() -> None:
    tags = writes.read_hidden(
        {"kind": "tag", "data": [{"id": 5, "name": "sea"}, {"id": 6, "name": "ink"}], "hidden": True}
    )
    assert tags.targets == (HideTarget(id=5, name="sea"), HideTarget(id=6, name="ink"))
    assert writes.read_hidden({"kind": "user", "data": [{"id": 5}]}).hidden is None


def test_collections() -> None:
    made = writes.read_collection({"name": " Quiet harbours ", "type": "Image", "read": "Public", "imageId": 900101})
    assert (made.id, made.name, made.type, made.read, made.item) == (
        None, "Quiet harbours", "Image", "Public", ItemRef(type="Image", id=900101),
    )  # fmt: skip
    changed = writes.read_collection(
        {"id": 3, "name": "x", "image": {"url": KEY}, "tags": [{"name": "sea"}], "metadata": {"a": 1}}
    )
    assert (changed.cover_key, changed.tags, changed.metadata) == (KEY, (TagWish(name="sea"),), '{"a":1}')
    save = writes.read_save(
        {
            "imageId": 9,
            "type": "Image",
            "collections": [{"collectionId": 3001, "tagId": None}],
            "removeFromCollectionIds": ["7"],
        }
    )
    assert (save.item, save.into, save.out_of) == (ItemRef(type="Image", id=9), (SaveTarget(collection_id=3001),), (7,))
    assert writes.read_remove({"collectionId": "3", "itemId": 9}) == RemoveItem(collection_id=3, item_id=9)
    assert writes.read_bulk_save({"collectionId": 3, "postIds": [1, 2]}) == SaveItems(
        collection_id=3, type="Post", ids=(1, 2)
    )
    assert writes.read_follow_collection({"collectionId": 3}) == FollowCollection(collection_id=3)
    assert writes.read_item({"modelId": 3}) == ItemRef(type="Model", id=3)


def test_posts() -> None:
    made = writes.read_new_post({"title": "Harbour", "tags": "Sea, ink,", "publishedAt": NOON})
    assert (made.title, made.tags, made.published_at) == ("Harbour", ("sea", "ink"), NOON_MS)
    assert writes.read_new_post({}).published_at is None
    changed = writes.read_post_changes({"id": 7, "title": "", "publishedAt": "2026-02-03T10:21:00.000Z"})
    assert (changed.title, changed.published_at) == (None, NOON_MS)
    image = writes.read_new_image({"postId": 7, "url": KEY, "width": 832, "meta": {"prompt": "x"}, "sizeKB": 1.5})
    assert (image.key, image.width, image.meta, image.size_kb) == (KEY.lower(), 832, '{"prompt":"x"}', 1.5)
    assert writes.read_image_changes({"id": 7, "hideMeta": True}).hide_meta is True
    assert writes.read_order({"id": 7, "imageIds": [3, 1, 2]}).image_ids == (3, 1, 2)
    assert writes.read_post_tag({"id": 7, "name": "sea"}, adding=True) == TagPost(post_id=7, name="sea")
    assert writes.read_post_tag({"id": 7, "tagId": 5}, adding=False) == TagPost(post_id=7, tag_id=5)


@pytest.mark.parametrize(
    ("read", "given_", "path"),
    [
        (writes.read_reaction, {"entityId": 1, "entityType": "image", "reaction": "Wow"}, ["reaction"]),
        (writes.read_votes, {"type": "image", "id": 9, "tags": ["a"], "vote": 2}, ["vote"]),
        (writes.read_votes, {"type": "image", "id": 9, "tags": ["a", 1], "vote": 1}, ["tags", 0]),
        (writes.read_hidden, {"kind": "user", "data": [{"id": 1}, {"id": 2}]}, ["data"]),
        (writes.read_hidden, {"kind": "tag", "data": [{"id": "1"}]}, ["data", 0, "id"]),
        (writes.read_collection, {"name": "x" * 31}, ["name"]),
        (writes.read_collection, {"name": " "}, ["name"]),
        (writes.read_save, {"imageId": 1, "postId": 2, "collections": []}, ["item"]),
        (writes.read_save, {"imageId": 1, "type": "Post", "collections": []}, ["type"]),
        (writes.read_save, {"imageId": 1}, ["collections"]),
        (writes.read_bulk_save, {"collectionId": 1}, ["item"]),
        (writes.read_new_image, {"postId": 7, "url": "../etc"}, ["url"]),
        (writes.read_new_post, {"publishedAt": "soon"}, ["publishedAt"]),
        (writes.read_order, {"id": 7}, ["imageIds"]),
    ],
)
def test_bad_inputs_are_told_by_their_place(read: Any, given_: Any, path: list[Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        read(given_)
    assert json.loads(caught.value.message)[0]["path"] == path


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "url"]), inner, max_size=2)
    ),
    max_leaves=6,
)
INPUTS = st.dictionaries(
    st.sampled_from(["id", "name", "type", "imageId", "collections", "tags", "vote", "data", "kind", "url", "postId", "meta",
                     "publishedAt", "entityId", "entityType", "reaction", "imageIds", "collectionId", "itemId", "image"]),
    ANY, max_size=6,
)  # fmt: skip


@given(ANY | INPUTS)
def test_any_input_gives_a_command_or_one_of_our_errors(value: Any) -> None:
    readers: list[Any] = [
        writes.read_reaction, writes.read_votes, writes.read_hidden, writes.read_collection, writes.read_save,
        writes.read_remove, writes.read_bulk_save, writes.read_follow_collection, writes.read_item, writes.read_new_post,
        writes.read_new_image, writes.read_post_changes, writes.read_image_changes, writes.read_order,
        lambda v: writes.read_post_tag(v, adding=True),
    ]  # fmt: skip
    for read in readers:
        try:
            read(value)
        except PinakoError as error:
            assert error.status == 400  # noqa: PT017 - the other outcome is a command, so nothing can be expected to raise
