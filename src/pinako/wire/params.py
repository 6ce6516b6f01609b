"""Query strings of REST v1 into query records: people, tags, collections, downloads, hashes, ids in paths.

Images and models have their own files. Every reader takes the pairs in their order and raises ValidationError with the
original's issues; unknown keys are ignored. Where the ages disagree, rest.md 20 decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from pinako.catalog import enums, levels
from pinako.catalog.primary import FileWishes
from pinako.catalog.queries import CollectionQuery, CollectionSort, CreatorQuery, TagQuery, TagSort, UserQuery
from pinako.errors import BadRequest, TooManyRequests
from pinako.wire import coerce, issues
from pinako.wire.coerce import Fields, Pair
from pinako.wire.failures import PlainRefusal, TextRefusal
from pinako.wire.issues import Issue, issues_text

PAGE_CAP = 1000
PAGE_CAP_TEXT = "You've requested too many pages, please use cursors instead"

_ROWS = coerce.whole(0, 200)
_MASK = coerce.given(coerce.whole(0))


class CreatorsAsk(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /creators`. `page` is the number asked for, which the answer repeats: 0 is served as the first page."""

    query: CreatorQuery
    page: int = 1


class TagsAsk(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /tags`."""

    query: TagQuery
    page: int = 1


class DownloadAsk(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/download/models/:id`: an exact file, or wishes."""

    file_id: int | None = None
    wishes: FileWishes = FileWishes()


class MiniAsk(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /model-versions/mini/:id`: a file of the version, an epoch of its training."""

    file_id: int | None = None
    epoch: int | None = None


def read_creators(pairs: Iterable[Pair]) -> CreatorsAsk:
    """Creators; `limit=0` asks for all (rest.md 20.1)."""
    fields = Fields(pairs)
    limit = fields.take("limit", _ROWS, 20)
    page = fields.take("page", coerce.whole(0), 1)
    text = fields.take("query", coerce.said, None)
    fields.check()
    return CreatorsAsk(query=CreatorQuery(limit=limit, page=max(page, 1), text=text, every_owner=True), page=page)


def read_tags(pairs: Iterable[Pair]) -> TagsAsk:
    """Tags that models carry; `limit=0` asks for all."""
    fields = Fields(pairs)
    limit = fields.take("limit", _ROWS, 20)
    page = fields.take("page", coerce.whole(0), 1)
    text = fields.take("query", coerce.said, None)
    sort = fields.take("sort", coerce.word_of([*TagSort]), TagSort.MOST_MODELS.value)
    for key in ("modelId", "excludedTagIds", "unlisted", "nsfwLevel", "moderation"):
        fields.take(key, coerce.never("number"), None)
    categories = fields.take("categories", coerce.boolean, None)
    fields.check()
    query = TagQuery(limit=limit, page=max(page, 1), text=text, sort=TagSort(sort), categories=categories)
    return TagsAsk(query=query, page=page)


def read_users(pairs: Iterable[Pair]) -> UserQuery:
    """Users by id or by name; `limit` and `page` are checked and have no effect, as upstream."""
    fields = Fields(pairs)
    user_ids = fields.take("ids", coerce.ids, ())
    text = fields.take("query", coerce.said, None)
    fields.take("limit", coerce.whole(1, 200), None)
    fields.take("page", coerce.whole(0), None)
    fields.take("include", coerce.words_of(("status", "avatar")), None)
    for key in ("email", "excludedUserIds", "contestBanned"):
        fields.take(key, coerce.never("object"), None)
    fields.check()
    return UserQuery(ids=user_ids, text=text, limit=len(user_ids) or 5)


_FOLLOWERS_CURSOR = (
    "Cursor pagination is only supported for the default (Newest) sort. "
    "Leave the cursor out, or list by Newest, to walk all collections."
)


def read_collections(pairs: Iterable[Pair]) -> CollectionQuery:
    """Public collections. The cursor is a collection's id."""
    fields = Fields(pairs)
    limit = fields.take("limit", coerce.whole(1, 100), 100)
    cursor = fields.take("cursor", coerce.whole(above=0), None)
    text = fields.take("query", coerce.short(100), None)
    sort = fields.take("sort", coerce.word_of([*CollectionSort]), CollectionSort.NEWEST.value)
    nsfw = fields.take("nsfw", coerce.boolean, None)
    fields.check()
    if cursor is not None and sort == CollectionSort.MOST_FOLLOWERS:
        raise PlainRefusal(_FOLLOWERS_CURSOR)
    return CollectionQuery(
        limit=limit,
        cursor=None if cursor is None else str(cursor),
        text=text,
        sort=CollectionSort(sort),
        level=level_of(nsfw),
    )


def level_of(nsfw: bool | None) -> int | None:
    """What a boolean `nsfw` asks for on models and collections: true everything, false PG, absent the default."""
    if nsfw is None:
        return None
    return levels.ALL if nsfw else levels.PG


def read_download(pairs: Iterable[Pair]) -> DownloadAsk:
    """Which file of a version to download. File types of 2022 (`PrunedModel`) are understood."""
    fields = Fields(pairs)
    types = (*enums.FILE_TYPES, *enums.LEGACY_FILE_TYPES)
    file_type = fields.take("type", coerce.word_of(types), None)
    wishes = FileWishes(
        type=None if file_type is None else enums.file_type_word(file_type),
        format=fields.take("format", coerce.word_of(enums.FILE_FORMATS), None),
        size=fields.take("size", coerce.word_of(enums.FILE_SIZES), None),
        fp=fields.take("fp", coerce.short(64), None),
        quant_type=fields.take("quantType", coerce.short(64), None),
    )
    file_id = fields.take("fileId", coerce.given(coerce.whole(0)), None)
    fields.check()
    return DownloadAsk(file_id=file_id, wishes=wishes)


def read_mini(pairs: Iterable[Pair]) -> MiniAsk:
    """The parameters of the small version body."""
    fields = Fields(pairs)
    file_id = fields.take("modelFileId", coerce.whole(above=0), None)
    epoch = fields.take("epoch", coerce.whole(0), None)
    fields.check()
    return MiniAsk(file_id=file_id, epoch=epoch)


def read_path_id(text: str) -> int:
    """An id in a path, 1 to 2147483647; ValidationError otherwise."""
    return coerce.path_id(text)


def read_version_id(text: str) -> int:
    """A version's id in a path, where 0 has a text of its own."""
    if coerce.js_number(text) == 0:
        raise BadRequest("Missing modelVersionId")
    return coerce.path_id(text)


def read_hashes(body: bytes, *, is_json: bool, most: int) -> tuple[str, ...]:
    """The body of the batch calls: a JSON list of SHA-256 texts, upper-cased; at most `most` of them.

    `is_json`: whether the content type says so; otherwise the body is text and fails like text.
    """
    value = _decoded(body) if is_json else ""
    items = value if isinstance(value, list) else []
    found = _list_issues(value, most) or [issue for i, item in enumerate(items) if (issue := _hash_issue(item, i))]
    if found:
        raise PlainRefusal(f"Request must include an array of SHA256 Hashes. {issues_text(found[:10])}")
    return tuple(text.upper() for text in items)


def _decoded(body: bytes) -> object:
    if not body.strip():
        return UNSET
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TextRefusal("Invalid JSON") from None


def _list_issues(value: object, most: int) -> list[Issue]:
    if not isinstance(value, list):
        return [issues.wrong_type("array", "undefined" if value is UNSET else issues.kind_of(value))]
    if len(value) > most:
        return [msgspec.structs.replace(issues.too_big(most, origin="array", unit="items"), message="Too many hashes")]
    return []


def _hash_issue(item: object, place: int) -> Issue | None:
    if not isinstance(item, str):
        return issues.wrong_type("string", issues.kind_of(item)).under(place)
    if len(item) == 64:
        return None
    bound = issues.too_small if len(item) < 64 else issues.too_big
    return msgspec.structs.replace(bound(64, origin="string", unit="characters"), message="Invalid hash").under(place)


def mask_of(fields: Fields, key: str = "browsingLevel") -> int | None:
    """An asked level mask; 0 and blank count as not asked."""
    return fields.take(key, _MASK, None)


def check_base_models(fields: Fields, key: str, asked: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a base model that nobody knows, and list those that are known: programs read their lists from here."""
    if all(name in known for name in asked):
        return
    issue = issues.unknown_word(known)
    branches = [issue], [issues.wrong_type("array", "string")]
    fields.refuse(key, issues.no_branch(*branches))


def check_page(page: int | None, limit: int, cursor: str | None) -> None:
    """Deep walks by page number are refused at the same depth as upstream."""
    if page is not None and cursor is None and page * limit > PAGE_CAP:
        raise TooManyRequests(PAGE_CAP_TEXT)
