"""The query language answered: a parsed text with its names looked up, as one caller may know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pinako.catalog import enums, levels
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ModelQuery, Sought, Used
from pinako.catalog.searching import Choice, Search, Span, parse_search
from pinako.catalog.tags import Tag
from pinako.catalog.visibility import BLOCKED_TAGS
from pinako.errors import BadRequest
from pinako.services import browse, collections
from pinako.services.library import Library
from pinako.storage import text
from pinako.storage.records import select

LORA_TYPES = ("LORA", "LoCon", "DoRA")
_MOST_MODELS = 200


def narrow_images(library: Library, viewer: Viewer, query: ImageQuery, asked: str) -> ImageQuery:
    """`query` narrowed by a text of the query language. BadRequest, in words for people, where it cannot be read.

    A name that nobody has is met by nothing. Names of models and collections are looked up among those that the caller may see.
    """
    search = parse_search(asked)
    changes: dict[str, object] = {"sought": sought_of(library, viewer, search)}
    if search.words:
        changes["text"] = " ".join(filter(None, (query.text, search.text)))
    if search.level is not None:
        changes["level"] = _common_level(search.level, query.level)
    if search.has_meta:
        changes["has_meta"] = True
    if search.on_site:
        changes["on_site"] = True
    if search.collections:
        changes["collection_id"] = _collection(library, viewer, search.collections)
    excluded = _excluded(library, search)
    changes["excluded_tags"] = (*query.excluded_tags, *excluded[0])
    changes["excluded_users"] = (*query.excluded_users, *excluded[1])
    return msgspec.structs.replace(query, **changes)


def _common_level(sought: int, asked: int | None) -> int:
    """The levels that the text and the list both ask for. Where there are none it is one that nobody may select: 0 would say
    that nothing was asked."""
    return sought & (asked or levels.ALL) or levels.BLOCKED


def sought_of(library: Library, viewer: Viewer, search: Search) -> Sought:
    """What the other filters have no words for."""
    models = [_used(library, viewer, choice, ("Checkpoint",)) for choice in search.models]
    loras = [_used(library, viewer, choice, LORA_TYPES) for choice in search.loras]
    return Sought(
        without_words=search.without_words,
        used=(*models, *loras),
        tags=tuple(_tag_ids(library, viewer, choice.names) for choice in search.tags if not choice.out),
        users=tuple(_user_ids(library, choice.names) for choice in search.users if not choice.out),
        bases=tuple(_spelled(choice, library.base_models()) for choice in search.bases),
        types=tuple(_spelled(choice, enums.MEDIA_TYPES) for choice in search.types),
        samplers=search.samplers,
        seed=_one_seed(search),
        steps=search.steps,
        cfg=search.cfg,
        width=search.width,
        height=search.height,
        date=search.date,
    )


def _one_seed(search: Search) -> Span | None:
    span = search.seed
    if span is not None and (span.low is None or span.low != span.high):
        raise BadRequest("A seed is one number: seed:412288061")
    return span


def _used(library: Library, viewer: Viewer, choice: Choice, types: tuple[str, ...]) -> Used:
    found: dict[int, None] = {}
    for name in choice.names:
        query = ModelQuery(text=name, types=types, limit=_MOST_MODELS, level=viewer.cap, archived=True)
        found |= dict.fromkeys(browse.models(library, query, viewer).ids)
    return Used(model_ids=tuple(found), names=choice.names, out=choice.out)


def tags_named(library: Library, names: Iterable[str]) -> list[Tag]:
    """The tags of these names, whatever their case; unknown ones are left out."""
    keys = list(dict.fromkeys(text.fold(name.strip()) for name in names))
    if not keys:
        return []
    marks = ", ".join("?" * len(keys))
    return select(library.database.read(), Tag, f"name_key IN ({marks})", keys)


def _tag_ids(library: Library, viewer: Viewer, names: Sequence[str]) -> tuple[int, ...]:
    ids = (tag.id for tag in tags_named(library, names))
    return tuple(id for id in ids if viewer.moderator or id not in BLOCKED_TAGS)


def _user_ids(library: Library, names: Sequence[str]) -> tuple[int, ...]:
    marks = ", ".join("?" * len(names))
    sql = f"SELECT id FROM users WHERE deleted_at IS NULL AND username_key IN ({marks})"
    return tuple(row[0] for row in library.database.read().rows(sql, [text.fold(name) for name in names]))


def _excluded(library: Library, search: Search) -> tuple[tuple[int, ...], tuple[int, ...]]:
    tags = [name for choice in search.tags if choice.out for name in choice.names]
    users = [name for choice in search.users if choice.out for name in choice.names]
    return tuple(tag.id for tag in tags_named(library, tags)), _user_ids(library, users) if users else ()


def _spelled(choice: Choice, known: Iterable[str]) -> Choice:
    """Names in the spelling that the library knows; others stay as typed."""
    spelling = {text.fold(name): name for name in known}
    return Choice(tuple(spelling.get(text.fold(name), name) for name in choice.names), choice.out)


def _collection(library: Library, viewer: Viewer, choices: Sequence[Choice]) -> int:
    """The one collection of a name or id. Of several with one name, the caller's own, then the oldest."""
    if len(choices) > 1 or len(choices[0].names) > 1 or choices[0].out:
        raise BadRequest('A search looks in one collection: collection:"Quiet harbours"')
    name = choices[0].names[0]
    sql = "SELECT id, user_id FROM collections WHERE deleted_at IS NULL AND (LOWER(name) = ? OR id = ?) ORDER BY id"
    number = int(name) if name.isascii() and name.isdecimal() and len(name) < 19 else -1
    read = library.database.read()
    rows = read.rows(sql, (text.fold(name), number))
    rows.sort(key=lambda row: row[1] != viewer.user_id)
    return next((row[0] for row in rows if collections.may_read(read, row[0], viewer)), -1)
