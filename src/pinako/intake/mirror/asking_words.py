"""The asking side for searches by words: which lists take any, and images by the search box of another Pinako."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pinako.catalog import levels
from pinako.client.asks import Call
from pinako.client.calls import feeds, rest
from pinako.client.hosts import Entity, Target
from pinako.client.paging import Listed, Mark, Page
from pinako.client.records.images import Image
from pinako.errors import BadRequest
from pinako.intake.mirror.asker import Asker

NO_WORD = "qzvxkwjqpz"
"""A word that nothing is called by."""
NAMED = frozenset({"model", "lora", "user", "collection"})
"""Filters of our own image pages that are words of the search box."""
SWITCHES = {"withMeta": "has:meta", "fromPlatform": "has:site"}
"""Those of every image page, in such words."""
TOGETHER = 100
"""Images whose rows are asked for by their numbers at once."""


def words_of(target: Target) -> str:
    """What a page looks for, in the words of its search box."""
    if target.entity not in {Entity.IMAGES, Entity.VIDEOS}:
        return target.name or ""
    named = (f'{name}:"{value}"' for name in sorted(NAMED & target.filters.keys()) for value in target.filters[name])
    return " ".join(filter(None, (target.name, *named)))


def of_no_words(entity: Entity) -> Listed[Any]:
    """The list of a kind where nothing is found, if the host looks at words at all."""
    lists: Mapping[Entity, Listed[Any]] = {
        Entity.MODELS: feeds.model_feed(limit=1, query=NO_WORD),
        Entity.POSTS: feeds.post_feed(limit=1, query=NO_WORD),
        Entity.COLLECTIONS: feeds.collection_feed(limit=1, query=NO_WORD),
        Entity.USERS: Listed(page=lambda mark: _users(NO_WORD), key=lambda row: row.id),
    }
    return lists.get(entity) or rest.image_list(limit=1, level=levels.ALL, more={"q": NO_WORD})


def _users(words: str) -> Call[Page[Any]]:
    return Page(items=tuple((yield from rest.find_users(words))))


def images_by_words(asker: Asker, words: str, asked: Mapping[str, Any]) -> Listed[Image]:
    """Images as REST's `q` finds them, in that order; each row as the list of images by number has it, as in every other list."""
    given = {"level": asker.options.levels, "base_models": asker.options.base_models, **asked}
    types, switches = given.pop("types", ()), given.pop("more", {})
    if unsaid := sorted(switches.keys() - SWITCHES.keys()):
        raise BadRequest(f"The page's filter {unsaid[0]!r} cannot be asked of the host together with words.")
    more = {"q": " ".join((words, *(SWITCHES[name] for name in sorted(switches))))}
    found = rest.image_list(limit=TOGETHER, with_meta=False, type=next(iter(types), None), more=more, **given)

    def page(mark: Mark | None) -> Call[Page[Image]]:
        listed = yield from found.page(mark)
        ids = [row.id for row in listed.items]
        if not ids:
            return listed
        by_number = asker.image_list(ids=ids, level=levels.ALL, types=(), base_models=())
        rows = {row.id: row for row in (yield from by_number.page(None)).items}
        return msgspec.structs.replace(listed, items=tuple(rows.get(row.id, row) for row in listed.items))

    return Listed(page=page, key=lambda row: row.id, what="search for images")
