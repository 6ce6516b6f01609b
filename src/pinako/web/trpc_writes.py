"""The procedures that change something, and the queries that belong to them (trpc.md 9, 10).

Each is an input read, one call of a service, a reply. They run on threads: a write waits for the database's writer.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.catalog.images import Image
from pinako.services import compose, curate, describe, discard, hiding, react, voting, withheld
from pinako.services.hiding import HiddenThing
from pinako.storage.records import find
from pinako.web.calling import Calling, Procedure, Run
from pinako.wire import trpc_input_edits as edits
from pinako.wire import trpc_input_queries as inputs
from pinako.wire import trpc_input_writes as writes
from pinako.wire import trpc_lists, trpc_writes
from pinako.wire.times import iso
from pinako.wire.trpc import NOTHING, Reply

# --- reactions, votes, follows, hidden things ---------------------------------------------------------------------


def toggle_reaction(calling: Calling, value: Any) -> Reply:
    react.toggle_reaction(calling.library, calling.viewer, writes.read_reaction(value))
    return NOTHING  # since March 2026 the original says neither what it did nor what it could not do


def add_votes(calling: Calling, value: Any) -> Reply:
    voting.vote(calling.library, calling.viewer, writes.read_votes(value))
    return NOTHING


def remove_votes(calling: Calling, value: Any) -> Reply:
    voting.vote(calling.library, calling.viewer, writes.read_votes(value, taking_back=True))
    return NOTHING


def toggle_follow(calling: Calling, value: Any) -> Reply:
    following = react.toggle_follow(calling.library, calling.viewer, inputs.read_follow(value))
    return trpc_lists.follow_reply(following=following)


def toggle_hidden(calling: Calling, value: Any) -> Reply:
    command = writes.read_hidden(value)
    done = hiding.toggle(calling.library, calling.viewer, command)
    return trpc_writes.plain_reply(
        trpc_writes.ToggledLists(
            added=trpc_writes.toggled(command.kind, done.added, hidden=True),
            removed=trpc_writes.toggled(command.kind, done.removed, hidden=False),
        )
    )


def hidden_get(calling: Calling, value: Any) -> Reply:
    found = hiding.hidden_of(calling.library, calling.viewer)
    moderated = (
        trpc_writes.HiddenRow(id=tag.id, name=tag.name, nsfwLevel=tag.level)
        for tag in hiding.moderated_tags(calling.library)
    )
    return trpc_writes.plain_reply(
        trpc_writes.HiddenLists(
            hiddenImages=_rows(found.images, ""),
            hiddenModels=_rows(found.models, ""),
            hiddenUsers=_rows(found.users, "username"),
            hiddenTags=(*_rows(found.tags, "name"), *moderated),
            blockedUsers=_rows(found.blocked, "username"),
            blockedByUsers=_rows(found.blocked_by, "username"),
        )
    )


def _rows(things: tuple[HiddenThing, ...], named: str) -> tuple[trpc_writes.HiddenRow, ...]:
    names: Any = [{named: one.name} if named else {} for one in things]
    return tuple(trpc_writes.HiddenRow(id=one.id, hidden=True, **name) for one, name in zip(things, names, strict=True))


def settings_get(calling: Calling, value: Any) -> Reply:
    return trpc_writes.plain_reply(hiding.settings_of(calling.library, calling.viewer))


def settings_set(calling: Calling, value: Any) -> Reply:
    command = edits.read_settings(value)
    hiding.change_settings(calling.library, calling.viewer, msgspec.json.decode(command.given), command.browsing)
    return NOTHING


# --- collections --------------------------------------------------------------------------------------------------


def keep_collection(calling: Calling, value: Any) -> Reply:
    kept = curate.keep(calling.library, calling.viewer, writes.read_collection(value))
    read = calling.library.database.read()
    cover = None if kept.image_id is None else find(read, Image, kept.image_id)
    return trpc_writes.collection_reply(kept, cover, calling.viewer.user_id or 0)


def save_item(calling: Calling, value: Any) -> Reply:
    saved = curate.save(calling.library, calling.viewer, writes.read_save(value))
    return trpc_writes.plain_reply(trpc_writes.SavedItem(status=saved.status, is_owner=saved.is_owner))


def save_items(calling: Calling, value: Any) -> Reply:
    count = curate.save_many(calling.library, calling.viewer, writes.read_bulk_save(value))
    return trpc_writes.plain_reply(trpc_writes.SavedCount(count=count))


def remove_item(calling: Calling, value: Any) -> Reply:
    command = writes.read_remove(value)
    kind = curate.remove(calling.library, calling.viewer, command)
    return trpc_writes.plain_reply(
        trpc_writes.RemovedItem(collection_id=command.collection_id, item_id=command.item_id, type=kind)
    )


def follow_collection(calling: Calling, value: Any) -> Reply:
    return trpc_writes.contributor_reply(
        curate.follow(calling.library, calling.viewer, writes.read_follow_collection(value))
    )


def unfollow_collection(calling: Calling, value: Any) -> Reply:
    row = curate.unfollow(calling.library, calling.viewer, writes.read_follow_collection(value))
    return NOTHING if row is None else trpc_writes.contributor_reply(row)


def set_contributor(calling: Calling, value: Any) -> Reply:
    given = edits.read_grant(value)
    row = curate.grant(calling.library, calling.viewer, given.collection_id, given.user_id, given.rights)
    return trpc_writes.contributor_reply(row)


def delete_collection(calling: Calling, value: Any) -> Reply:
    curate.delete(calling.library, calling.viewer, inputs.read_id(value))
    return NOTHING


def collections_of_item(calling: Calling, value: Any) -> Reply:
    found = curate.holding(calling.library, calling.viewer, writes.read_item(value))
    return trpc_writes.memberships_reply([
        trpc_writes.HeldIn(
            collection_id=one.collection.id, added_by_id=one.added_by_id, tag_id=one.tag_id,
            collection=trpc_writes.HeldBy(user_id=one.collection.user_id, read=one.collection.read),
            can_remove_item=one.may_remove,
        )
        for one in found
    ])  # fmt: skip


# --- posts --------------------------------------------------------------------------------------------------------


def create_post(calling: Calling, value: Any) -> Reply:
    return trpc_writes.new_post_reply(compose.create(calling.library, calling.viewer, writes.read_new_post(value)))


def add_image(calling: Calling, value: Any) -> Reply:
    return trpc_writes.edit_image_reply(
        compose.add_image(calling.library, calling.viewer, writes.read_new_image(value))
    )


def update_post(calling: Calling, value: Any) -> Reply:
    compose.change(calling.library, calling.viewer, writes.read_post_changes(value))
    return NOTHING


def update_image(calling: Calling, value: Any) -> Reply:
    compose.change_image(calling.library, calling.viewer, writes.read_image_changes(value))
    return NOTHING


def reorder_images(calling: Calling, value: Any) -> Reply:
    return trpc_writes.edit_images_reply(compose.reorder(calling.library, calling.viewer, writes.read_order(value)))


def add_post_tag(calling: Calling, value: Any) -> Reply:
    return trpc_writes.post_tag_reply(
        compose.tag(calling.library, calling.viewer, writes.read_post_tag(value, adding=True))
    )


def remove_post_tag(calling: Calling, value: Any) -> Reply:
    compose.untag(calling.library, calling.viewer, writes.read_post_tag(value, adding=False))
    return NOTHING


def delete_post(calling: Calling, value: Any) -> Reply:
    return trpc_writes.gone_post_reply(compose.delete(calling.library, calling.viewer, inputs.read_id(value)))


def restore_post(calling: Calling, value: Any) -> Reply:
    return trpc_writes.gone_post_reply(compose.restore(calling.library, calling.viewer, inputs.read_id(value)))


# --- images and the trash -----------------------------------------------------------------------------------------


def delete_image(calling: Calling, value: Any) -> Reply:
    gone = discard.discard(calling.library, calling.viewer, [inputs.read_id(value)])
    return trpc_writes.plain_reply(trpc_writes.gone_image(gone[0]))


def delete_images(calling: Calling, value: Any) -> Reply:
    gone = discard.discard(calling.library, calling.viewer, edits.read_some_ids(value))
    return trpc_writes.plain_reply(trpc_writes.SomeIds(ids=tuple(image.id for image in gone)))


def restore_images(calling: Calling, value: Any) -> Reply:
    back = discard.restore(calling.library, calling.viewer, edits.read_some_ids(value))
    return trpc_writes.plain_reply(trpc_writes.SomeIds(ids=tuple(back)))


def trash_get(calling: Calling, value: Any) -> Reply:
    return trpc_writes.plain_reply(
        trpc_writes.Trash(
            items=tuple(
                trpc_writes.TrashItem(
                    id=one.id, name=one.name, size=one.size, width=one.width, height=one.height,
                    deleted_at=iso(one.deleted_at),
                )
                for one in discard.list_trash(calling.library, calling.viewer)
            )
        )
    )  # fmt: skip


def empty_trash(calling: Calling, value: Any) -> Reply:
    count = discard.empty(calling.library, calling.viewer, edits.read_ids_or_all(value))
    return trpc_writes.plain_reply(trpc_writes.SavedCount(count=count))


def rate_images(calling: Calling, value: Any) -> Reply:
    rated = discard.rate(calling.library, calling.viewer, edits.read_rating(value))
    return trpc_writes.plain_reply(trpc_writes.SomeIds(ids=tuple(rated)))


def withheld_get(calling: Calling, value: Any) -> Reply:
    found = withheld.list_withheld(calling.library, calling.viewer)
    return Reply(json=msgspec.json.encode({"items": found}))


def purge_withheld(calling: Calling, value: Any) -> Reply:
    count = withheld.purge(calling.library, calling.viewer, edits.read_ids_or_all(value))
    return trpc_writes.plain_reply(trpc_writes.SavedCount(count=count))


# --- models -------------------------------------------------------------------------------------------------------


def change_model(calling: Calling, value: Any) -> Reply:
    return trpc_writes.model_reply(
        describe.change_model(calling.library, calling.viewer, edits.read_model_changes(value))
    )


def change_version(calling: Calling, value: Any) -> Reply:
    return trpc_writes.version_reply(
        describe.change_version(calling.library, calling.viewer, edits.read_version_changes(value))
    )


MUTATIONS: dict[str, Run] = {
    "reaction.toggle": toggle_reaction,
    "tag.addTagVotes": add_votes,
    "tag.removeTagVotes": remove_votes,
    "user.toggleFollow": toggle_follow,
    "user.setSettings": settings_set,
    "user.updateContentSettings": settings_set,
    "hiddenPreferences.toggleHidden": toggle_hidden,
    "collection.upsert": keep_collection,
    "collection.saveItem": save_item,
    "collection.bulkSaveItems": save_items,
    "collection.removeFromCollection": remove_item,
    "collection.follow": follow_collection,
    "collection.unfollow": unfollow_collection,
    "collection.setContributor": set_contributor,
    "collection.delete": delete_collection,
    "post.create": create_post,
    "post.addImage": add_image,
    "post.update": update_post,
    "post.updateImage": update_image,
    "post.reorderImages": reorder_images,
    "post.addTag": add_post_tag,
    "post.removeTag": remove_post_tag,
    "post.delete": delete_post,
    "post.restore": restore_post,
    "image.delete": delete_image,
    "image.bulkDelete": delete_images,
    "image.restore": restore_images,
    "image.emptyTrash": empty_trash,
    "image.purgeWithheld": purge_withheld,
    "image.updateImageNsfwLevel": rate_images,
    "model.upsert": change_model,
    "modelVersion.upsert": change_version,
}
"""Ours: post.restore, image.bulkDelete, image.restore, image.emptyTrash, image.getTrash,
image.getWithheld, image.purgeWithheld, collection.setContributor."""

QUERIES: dict[str, Run] = {
    "collection.getUserCollectionItemsByItem": collections_of_item,
    "hiddenPreferences.getHidden": hidden_get,
    "user.getSettings": settings_get,
    "image.getTrash": trash_get,
    "image.getWithheld": withheld_get,
}

PROCEDURES: dict[str, Procedure] = {
    **{name: Procedure(kind="mutation", run=run) for name, run in MUTATIONS.items()},
    **{name: Procedure(kind="query", run=run) for name, run in QUERIES.items()},
}
