"""REST v1: thin adapters from query strings to services and from nouns to bodies (rest.md).

A new endpoint is one handler here and one line in `routes`. Handlers are plain functions on the event loop: each costs a
page of the index and one `IN (…)`, well under 5 ms; text search and batches go to a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.people import ANONYMOUS, Viewer
from pinako.catalog.queries import CollectionSort
from pinako.errors import Unauthorized
from pinako.services import browse, collections, detail
from pinako.services.items import image_items
from pinako.services.library import Library
from pinako.services.searching import narrow_images
from pinako.web.answers import Answer, Header
from pinako.web.ask import Ask
from pinako.web.limits import Rates
from pinako.web.routes import ANY, Route, rest_errors
from pinako.web.threads import Threads
from pinako.wire import failures, fragments, links, params, rest_lists, rest_models, rest_versions
from pinako.wire.params_images import read_images
from pinako.wire.params_models import read_models

COLLECTION_RATE = 60
"""Requests a minute of one address; a signed-in caller has twice as many (rest.md 18)."""
SMALL_HASHES, MANY_HASHES = 100, 10_000


def bases(ask: Ask) -> fragments.Bases:
    """What the marks in fragments become for this request."""
    return fragments.bases(ask.origin, f"{ask.origin}/{ask.library.settings.media_account}")


def told(ask: Ask, body: bytes, cut: int | None = None) -> Answer:
    """A JSON answer with its addresses set, and the level header where the mask was cut."""
    headers: list[Header] = [] if cut is None else [(b"x-pinako-level", b"%d" % cut)]
    return Answer(fragments.splice(body, bases(ask)), headers=headers)


def asked(ask: Ask) -> links.Asked:
    """The request as links continue it."""
    return links.Asked(origin=ask.origin, path=ask.path, pairs=ask.pairs)


def names_here(library: Library) -> tuple[str, ...]:
    """The base models that versions here name beside the field's own list."""
    return tuple(sorted(library.base_models().difference(BASE_MODELS)))


LARGEST_KEPT = 32 << 10
"""Bytes of a page that is kept whole: some two thousand of them are."""


def images(ask: Ask) -> Answer:
    """`GET /images`. A page that was written lately, for the same caller, is as it was while nothing changed."""
    feeds = ask.library.feeds
    key, state = (ask.query, ask.path, ask.origin, ask.viewer), feeds.state()
    kept = feeds.written.get(key)
    if kept is not None and kept[0] == state:
        body, headers = cast(tuple[bytes, Sequence[Header]], kept[1])
        return Answer(body, headers=headers)
    answer, follows = written_images(ask)
    if follows and len(answer.body) <= LARGEST_KEPT:
        feeds.written.put(key, (state, (answer.body, answer.headers)))
    return answer


def written_images(ask: Ask) -> tuple[Answer, bool]:
    """A page of images, and whether it follows from the index and the documents alone.

    Minors and real persons are never in this list, whatever the mask (domain.md d).
    """
    library, viewer = ask.library, ask.viewer
    given = read_images(ask.pairs, lambda: names_here(library))
    level = given.query.level
    if level is None:
        level = browse.default_images_level(library, viewer)
    query = msgspec.structs.replace(given.query, hide_minor=True, hide_poi=True, level=level)
    words = next((text for key, text in ask.pairs if key == "q" and text.strip()), "")
    if words:
        # Ours: the gallery's query language; the original ignores the word as it does every unknown one.
        query = narrow_images(library, viewer, query, words)
    page = browse.images(library, query, viewer)
    items = image_items(
        library, page.ids, viewer, meta=given.with_meta, nested=not given.flat_meta, tags=given.with_tags
    )
    metadata = links.images_metadata(
        asked(ask), next_cursor=page.next_cursor, limit=query.limit, page=given.page, first=query.cursor is None
    )
    # What a link opens and who may read a collection is asked each time.
    follows = not words and viewer.shared is None and query.collection_id is None and library.feeds.keeps(query, viewer)
    return told(ask, links.listed(items.values(), metadata.json()), page.cut), follows


def models(ask: Ask) -> Answer:
    """`GET /models`."""
    library, viewer = ask.library, ask.viewer
    given = read_models(ask.pairs, known=viewer.known, base_models=lambda: names_here(library))
    query = given.query
    page = browse.models(library, query, viewer, counted=True)
    narrowing = rest_models.narrowed(query)
    items = [
        item
        for one in library.feeds.documents.fetch("model_rest", page.ids)
        if (item := library_model(library, one.parts, page.viewer, page.mask, narrowing))
    ]
    metadata = links.models_metadata(
        asked(ask), next_cursor=page.next_cursor, limit=query.limit, page=given.page, total=page.total
    )
    return told(ask, links.listed(items, metadata.json()), page.cut)


def library_model(
    library: Library, parts: rest_models.ModelParts, viewer: Viewer, mask: int, narrowing: rest_models.Narrowing
) -> bytes:
    """One item of models, cut to the viewer: versions by the predicate, previews by sight."""
    sight = fragments.sight_of(mask, mask, moderator=viewer.moderator, owner=False)
    return rest_models.join_model(parts, sight=sight, now=library.now(), narrowing=narrowing, viewer=viewer)


def model(ask: Ask) -> Answer:
    """`GET /models/:id`."""
    full = detail.listed_model(ask.library, ask.viewer, params.read_path_id(ask.args[0]))
    return told(ask, rest_models.model_body(full, ask.library.now()))


def version(ask: Ask) -> Answer:
    """`GET /model-versions/:id`."""
    item = detail.version(ask.library, ask.viewer, params.read_version_id(ask.args[0]))
    return told(ask, rest_versions.version_body(item, ask.library.now()))


def version_by_hash(ask: Ask) -> Answer:
    """`GET /model-versions/by-hash/:hash`."""
    item = detail.version_by_hash(ask.library, ask.viewer, ask.args[0])
    return told(ask, rest_versions.version_body(item, ask.library.now()))


def mini(ask: Ask) -> Answer:
    """`GET /model-versions/mini/:id`."""
    id, given = params.read_path_id(ask.args[0]), params.read_mini(ask.pairs)
    item = detail.version(ask.library, ask.viewer, id)
    return told(ask, rest_versions.mini_body(item, ask.library.now(), given.file_id))


def creators(ask: Ask) -> Answer:
    """`GET /creators`."""
    given = params.read_creators(ask.pairs)
    page = browse.creators(ask.library, given.query, ask.viewer)
    metadata = links.paged_metadata(
        asked(ask), total=page.total, limit=given.query.limit, page=given.page, has_more=given_more(given, page.total)
    )
    return told(ask, links.listed(rest_lists.creator_items(page.items), metadata.json()))


def given_more(given: params.CreatorsAsk, total: int) -> bool | None:
    """`hasMore` is sent with a `query` only (rest.md 6)."""
    if not given.query.text:
        return None
    return bool(given.query.limit) and max(given.page, 1) * given.query.limit < total


def tags(ask: Ask) -> Answer:
    """`GET /tags`."""
    given = params.read_tags(ask.pairs)
    page = browse.tags(ask.library, given.query, ask.viewer)
    metadata = links.paged_metadata(asked(ask), total=page.total, limit=given.query.limit, page=given.page)
    return told(ask, links.listed(rest_lists.tag_items(page.items), metadata.json()))


def users(ask: Ask) -> Answer:
    """`GET /users`."""
    return told(ask, rest_lists.users_body(browse.users(ask.library, params.read_users(ask.pairs))))


def me(ask: Ask) -> Answer:
    """`GET /me`."""
    if ask.viewer.user_id is None:
        raise Unauthorized("Unauthorized")
    return told(ask, rest_lists.me_body(browse.user(ask.library, ask.viewer.user_id, None), ask.viewer))


def enums(ask: Ask) -> Answer:
    """`GET /enums`, by any method."""
    return told(ask, rest_lists.enums_body(names_here(ask.library)))


def public_collections(ask: Ask) -> Answer:
    """`GET /collections`."""
    query = params.read_collections(ask.pairs)
    page = browse.public_collections(ask.library, query, nobody(ask))
    # A cursor with Most Followers is refused, so none is given out: a link that is followed must lead somewhere.
    walked = query.sort is CollectionSort.NEWEST
    metadata = links.collections_metadata(asked(ask), next_cursor=page.next_cursor if walked else None)
    return told(ask, links.listed(rest_lists.collection_items(page.items), metadata.json()), page.cut)


def nobody(ask: Ask) -> Viewer:
    """Collections look with anonymous eyes, a key only raising the cap and the rate (rest.md 18)."""
    return msgspec.structs.replace(ANONYMOUS, cap=ask.viewer.cap)


def collection(ask: Ask) -> Answer:
    """`GET /collections/:id`."""
    full = collections.listed_by_id(ask.library, nobody(ask), params.read_path_id(ask.args[0]))
    return told(ask, rest_lists.collection_body(full))


def routes(library: Library, threads: Threads, clock: Callable[[], float]) -> list[Route]:
    """Every endpoint of REST v1 with its error shapes."""
    found = [
        Route(path="/api/v1/creators", handler=creators, methods=ANY, errors=rest_errors(failures.CREATORS)),
        Route(path="/api/v1/tags", handler=tags, methods=ANY, errors=rest_errors(failures.TAGS)),
        Route(path="/api/v1/models", handler=models, errors=rest_errors(failures.MODELS)),
        Route(path="/api/v1/models/{}", handler=model, methods=ANY, errors=rest_errors(failures.MODEL)),
        Route(path="/api/v1/images", handler=images, methods=ANY, errors=rest_errors(failures.IMAGES)),
        Route(path="/api/v1/users", handler=users, methods=ANY, errors=rest_errors(failures.USERS)),
        Route(path="/api/v1/me", handler=me, errors=rest_errors()),
        Route(path="/api/v1/enums", handler=enums, methods=ANY, errors=rest_errors()),
    ]
    # Three spellings of one path have been documented (rest.md 20.28).
    for name in ("model-versions", "models-versions", "modelVersions"):
        found += _version_routes(f"/api/v1/{name}", threads)
    return found + _collection_routes(Rates(COLLECTION_RATE, clock), Rates(2 * COLLECTION_RATE, clock))


def _version_routes(base: str, threads: Threads) -> list[Route]:
    errors = rest_errors(failures.VERSION)

    async def by_hashes(ask: Ask) -> Answer:
        hashes = params.read_hashes(await ask.body(), is_json=ask.is_json(), most=SMALL_HASHES)
        items = await threads.run(detail.versions_by_sha256, ask.library, ask.viewer, hashes)
        return told(ask, rest_versions.versions_body(items, ask.library.now()))

    async def ids_by_hashes(ask: Ask) -> Answer:
        hashes = params.read_hashes(await ask.body(), is_json=ask.is_json(), most=MANY_HASHES)
        matches = await threads.run(detail.matches_of, ask.library, ask.viewer, hashes)
        return told(ask, rest_versions.pairs_body(matches))

    return [
        Route(path=f"{base}/by-hash", handler=by_hashes, methods=frozenset({"POST"}), errors=errors),
        Route(path=f"{base}/by-hash/ids", handler=ids_by_hashes, methods=frozenset({"POST"}), errors=errors),
        Route(path=f"{base}/by-hash/{{}}", handler=version_by_hash, methods=ANY, errors=errors),
        Route(path=f"{base}/mini/{{}}", handler=mini, errors=errors),
        Route(path=f"{base}/{{}}", handler=version, errors=errors),
    ]


def _collection_routes(strangers: Rates, known: Rates) -> list[Route]:
    """The limiter runs before validation, as upstream: by address, twice as generous to who is known."""

    def limited(handler: Callable[[Ask], Answer]) -> Callable[[Ask], Answer]:
        def answer(ask: Ask) -> Answer:
            user_id = ask.viewer.user_id
            if user_id is None:
                strangers.count(f"from {ask.client}")
            else:
                known.count(f"user {user_id}")
            return handler(ask)

        return answer

    return [
        Route(
            path="/api/v1/collections", handler=limited(public_collections), errors=rest_errors(failures.COLLECTIONS)
        ),
        Route(path="/api/v1/collections/{}", handler=limited(collection), errors=rest_errors(failures.COLLECTION)),
    ]
