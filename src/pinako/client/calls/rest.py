"""The REST calls: everything under `/api/v1` (rest.md 9-18), asked as its section 21 advises."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from pinako.client.answers import read_json
from pinako.client.asks import Answer, Ask, Call, Pairs
from pinako.client.digits import number_of
from pinako.client.paging import Listed, Mark, Page, cursor_mark, link_mark
from pinako.client.reading import Record, read_record, read_records
from pinako.client.records.images import Image
from pinako.client.records.models import HashMatch, MiniVersion, Model, ModelVersion
from pinako.client.records.people import Collection, Creator, Enums, FoundUser, Me, Tag

R = TypeVar("R", bound=Record)
V1 = "/api/v1"

_JSON = (("content-type", "application/json"),)


def image_list(
    *,
    limit: int = 100,
    sort: str = "Newest",
    period: str = "AllTime",
    level: int | None = None,
    nsfw: str | bool | None = None,
    image_id: int | None = None,
    post_id: int | None = None,
    model_id: int | None = None,
    version_id: int | None = None,
    user_id: int | None = None,
    username: str | None = None,
    tags: Iterable[int] = (),
    base_models: Iterable[str] = (),
    type: str | None = None,
    with_meta: bool = True,
    with_tags: bool = False,
    page: int | None = None,
    more: Mapping[str, str | Sequence[str]] | None = None,
) -> Listed[Image]:
    """`GET /images` (rest.md 15). `limit` is rows a page, `level` a mask of browsing levels, `more` goes out as it is.

    Errors: UpstreamRefused for an unknown word, UpstreamNotFound for a user some hosts know not, UpstreamBusy.
    """
    params = _pairs(
        limit=limit,
        sort=sort,
        period=period,
        browsingLevel=level,
        nsfw=nsfw,
        imageId=image_id,
        postId=post_id,
        modelId=model_id,
        modelVersionId=version_id,
        userId=user_id,
        username=username,
        tags=_commas(tags),
        baseModels=_commas(base_models),
        type=type,
        withMeta=with_meta or None,
        withTags=with_tags or None,
        page=page,
        **(more or {}),
    )
    fits = _image_fits(image_id, post_id, username)
    return Listed(page=_pages("/images", params, Image), key=_id_of, fits=fits, what="image list")


def model_list(
    *,
    limit: int = 100,
    sort: str = "Highest Rated",
    period: str = "AllTime",
    nsfw: bool = False,
    query: str | None = None,
    ids: Iterable[int] = (),
    version_ids: Iterable[int] = (),
    tag: str | None = None,
    username: str | None = None,
    types: Iterable[str] = (),
    base_models: Iterable[str] = (),
    checkpoint_type: str | None = None,
    favorites: bool = False,
    hidden: bool = False,
    followed: bool = False,
    primary_file_only: bool = False,
    supports_generation: bool = False,
    early_access: bool = False,
    archived: bool = False,
    page: int | None = None,
    more: Mapping[str, str | Sequence[str]] | None = None,
) -> Listed[Model]:
    """`GET /models` (rest.md 11). With `query` hosts order by relevance and ignore `sort`.

    Errors: UpstreamUnauthorized for `favorites` and `hidden` without a login, UpstreamNotFound for an unknown user.
    """
    params = _pairs(
        limit=limit,
        sort=sort,
        period=period,
        nsfw=nsfw or None,
        query=query,
        ids=_commas(ids),
        modelVersionIds=_commas(version_ids),
        tag=tag,
        username=username,
        types=list(types),
        baseModels=list(base_models),
        checkpointType=checkpoint_type,
        favorites=favorites or None,
        hidden=hidden or None,
        followed=followed or None,
        primaryFileOnly=primary_file_only or None,
        supportsGeneration=supports_generation or None,
        earlyAccess=early_access or None,
        archived=archived or None,
        page=page,
        **(more or {}),
    )
    wanted = tag.casefold() if tag else ""

    def fits(model: Model) -> bool:
        return wanted in {name.casefold() for name in model.tag_names}

    return Listed(page=_pages("/models", params, Model), key=_id_of, fits=fits if tag else None, what="model list")


def creator_list(*, limit: int = 100, query: str | None = None, page: int | None = None) -> Listed[Creator]:
    """`GET /creators` (rest.md 9). Creators without a name are told apart by their link."""
    pages = _pages("/creators", _pairs(limit=limit, query=query, page=page), Creator)
    return Listed(page=pages, key=lambda row: row.username or row.link, what="creator list")


def tag_list(*, limit: int = 100, query: str | None = None, page: int | None = None) -> Listed[Tag]:
    """`GET /tags` (rest.md 10). Hosts that give no links are paged by number until a page is not full."""

    def numbered(mark: Mark | None) -> Call[Page[Tag]]:
        found = yield from linked(mark)
        if found.next is not None or limit == 0 or len(found.items) < limit:
            return found
        return msgspec.structs.replace(found, link=f"?{_query_with_page(params, _page_of(mark, page) + 1)}")

    params = _pairs(limit=limit, query=query)
    linked = _pages("/tags", (*params, *_pairs(page=page)), Tag)
    return Listed(page=numbered, key=lambda row: row.name.casefold(), what="tag list")


def collection_list(
    *, limit: int = 100, query: str | None = None, sort: str | None = None, nsfw: bool = False
) -> Listed[Collection]:
    """`GET /collections` (rest.md 18.1): public ones only, whoever asks. Some hosts page only the default order."""
    params = _pairs(limit=limit, query=query, sort=sort, nsfw=nsfw or None)
    return Listed(page=_pages("/collections", params, Collection), key=_id_of, what="collection list")


def get_model(model_id: int) -> Call[Model]:
    """`GET /models/:id` (rest.md 12). Errors: UpstreamNotFound."""
    return (yield from _one(f"/models/{model_id}", Model))


def get_version(version_id: int) -> Call[ModelVersion]:
    """`GET /model-versions/:id` (rest.md 13.1). Errors: UpstreamNotFound, also for a version without a file."""
    return (yield from _one(f"/model-versions/{version_id}", ModelVersion))


def find_version(hash: str) -> Call[ModelVersion]:
    """`GET /model-versions/by-hash/:hash` (rest.md 13.2), any hash kind, any case. Errors: UpstreamNotFound."""
    return (yield from _one(f"/model-versions/by-hash/{quote(hash.strip(), safe='')}", ModelVersion))


def find_versions(hashes: Iterable[str]) -> Call[list[ModelVersion]]:
    """`POST /model-versions/by-hash` (rest.md 13.3) for any number of SHA-256, in rounds of a hundred.

    Hashes that are unknown there are left out, and a version that several of them match comes once.
    """
    found: dict[int, ModelVersion] = {}
    for part in _rounds(hashes, 100):
        answer = yield _post("/model-versions/by-hash", part)
        rows = read_records(ModelVersion, read_json(answer), call=answer.call)
        found.update((row.id, row) for row in rows)
    return list(found.values())


def find_version_ids(hashes: Iterable[str]) -> Call[list[HashMatch]]:
    """`POST /model-versions/by-hash/ids` (rest.md 13.4), in rounds of ten thousand; one row for each matching file."""
    found: list[HashMatch] = []
    for part in _rounds(hashes, 10_000):
        answer = yield _post("/model-versions/by-hash/ids", part)
        found += read_records(HashMatch, read_json(answer), call=answer.call)
    return found


def get_mini_version(version_id: int, *, file_id: int | None = None, epoch: int | None = None) -> Call[MiniVersion]:
    """`GET /model-versions/mini/:id` (rest.md 13.5). Errors: UpstreamNotFound. Today's host refuses any `epoch`."""
    return (
        yield from _one(f"/model-versions/mini/{version_id}", MiniVersion, _pairs(modelFileId=file_id, epoch=epoch))
    )


def find_users(query: str | None = None, *, ids: Iterable[int] = ()) -> Call[list[FoundUser]]:
    """`GET /users` (rest.md 14): the best few of a name, or exactly these ids."""
    answer = yield Ask(path=f"{V1}/users", params=_pairs(query=query, ids=_commas(ids)))
    return read_records(FoundUser, _items(read_json(answer)), call=answer.call)


def get_me() -> Call[Me]:
    """`GET /me` (rest.md 16): whose key or cookie this is. Errors: UpstreamUnauthorized where it is nobody's."""
    return (yield from _one("/me", Me))


def get_enums() -> Call[Enums]:
    """`GET /enums` (rest.md 17): the host's word lists."""
    return (yield from _one("/enums", Enums))


def get_public_collection(collection_id: int) -> Call[Collection]:
    """`GET /collections/:id` (rest.md 18.2), public and unlisted ones. Errors: UpstreamNotFound, also for a private one."""
    return (yield from _one(f"/collections/{collection_id}", Collection))


def _one(path: str, kind: type[R], params: Pairs = ()) -> Call[R]:
    answer = yield Ask(path=V1 + path, params=params)
    return read_record(kind, read_json(answer), call=answer.call)


def _post(path: str, value: Any) -> Ask:
    """These two only look things up, so asking twice does no harm."""
    return Ask(method="POST", path=V1 + path, body=msgspec.json.encode(value), headers=_JSON)


def _pages(path: str, params: Pairs, kind: type[R]) -> Callable[[Mark | None], Call[Page[R]]]:
    def page(mark: Mark | None) -> Call[Page[R]]:
        answer = yield _page_ask(V1 + path, params, mark)
        body = read_json(answer)
        meta = body.get("metadata") if isinstance(body, dict) else None
        meta = meta if isinstance(meta, dict) else {}
        return Page(
            items=tuple(read_records(kind, _items(body), call=answer.call)),
            cursor=cursor_mark(meta.get("nextCursor")),
            link=link_mark(meta.get("nextPage")),
            total=_total(meta.get("totalItems")),
            level=effective_level(answer),
            call=answer.call,
        )

    return page


def _page_ask(path: str, params: Pairs, mark: Mark | None) -> Ask:
    if isinstance(mark, str) and mark.startswith("?"):
        return Ask(path=path, query=mark[1:])
    if mark is None:
        return Ask(path=path, params=params)
    kept = tuple(pair for pair in params if pair[0] not in {"page", "cursor"})
    return Ask(path=path, params=(*kept, ("cursor", str(mark))))


def effective_level(answer: Answer) -> int | None:
    """The mask that a host really used, where it cut the asked one (`X-Pinako-Level`)."""
    return number_of(answer.headers.get("x-pinako-level", ""))


def _items(body: Any) -> Any:
    return body.get("items", []) if isinstance(body, dict) else body


def _total(value: Any) -> int | None:
    """The oldest documents call it a text; 0 beside rows is how today's tags say that nobody counted."""
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _pairs(**values: Any) -> Pairs:
    """What was asked as query parameters; a list is its name repeated."""
    lists = {name: value if isinstance(value, list | tuple) else [value] for name, value in values.items()}
    return tuple((name, _spell(one)) for name, many in lists.items() for one in many if one is not None and one != "")


def _spell(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _commas(values: Iterable[Any]) -> str | None:
    return ",".join(str(value) for value in values) or None


def _rounds(values: Iterable[str], size: int) -> list[list[str]]:
    unique = list(dict.fromkeys(value.strip() for value in values))
    return [unique[at : at + size] for at in range(0, len(unique), size)]


def _page_of(mark: Mark | None, first: int | None) -> int:
    pairs = dict(part.partition("=")[::2] for part in str(mark or "").lstrip("?").split("&"))
    page = number_of(pairs.get("page", ""))
    return page if page is not None else first or 1


def _query_with_page(params: Pairs, page: int) -> str:
    return Ask(path="", params=(*params, ("page", str(page)))).target().partition("?")[2]


def _id_of(row: Image | Model | Collection) -> Hashable:
    return row.id


def _image_fits(image_id: int | None, post_id: int | None, username: str | None) -> Callable[[Image], bool] | None:
    name = username.casefold() if username else None
    if image_id is None and post_id is None and name is None:
        return None

    def fits(image: Image) -> bool:
        return (
            (image_id is None or image.id == image_id)
            and (post_id is None or image.post_id == post_id)
            and (name is None or (image.author or name).casefold() == name)
        )

    return fits
