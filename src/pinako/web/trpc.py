"""tRPC: the procedure table, and the one handler that takes calls apart and puts outcomes together (trpc.md).

A new procedure is one function and one line in the table. Queries run on the event loop, as short as REST's handlers;
mutations, which wait for the database's writer, run on a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from pinako.catalog.queries import ImageSort
from pinako.errors import Forbidden, PinakoError, Unauthorized
from pinako.services import browse, collections, contents, detail, hiding, votes
from pinako.services.library import Library
from pinako.web import csrf, trpc_writes
from pinako.web.answers import NO_STORE, Answer, Header, redirect_answer
from pinako.web.ask import Ask
from pinako.web.calling import Calling, Procedure
from pinako.web.routes import ANY, Route
from pinako.web.threads import Threads
from pinako.web.trpc_lists import gallery_posts, held_things, images, models_by_id, posts_by_id
from pinako.wire import trpc, trpc_collections, trpc_images, trpc_lists, trpc_model_body, trpc_models, trpc_posts
from pinako.wire import trpc_input_queries as inputs
from pinako.wire.failures import ErrorAnswer, is_internal, trpc_failure
from pinako.wire.trpc import Call, Outcome, Reply, TrpcRequest
from pinako.wire.trpc_input_images import read_images

log = logging.getLogger(__name__)

GENERATION = "image.getGenerationData"


def image_get(calling: Calling, value: Any) -> Reply:
    id, without_post = inputs.read_image(value)
    full, reacted = detail.image(calling.library, calling.viewer, id)
    return trpc_images.image_reply(full, reacted, without_post=without_post)


def image_generation_data(calling: Calling, value: Any) -> Reply:
    id = inputs.read_id(value)
    return trpc_images.generation_reply(
        calling.made.get(id) or detail.generation_data(calling.library, calling.viewer, id)
    )


def image_infinite(calling: Calling, value: Any) -> Reply:
    given = read_images(value, default_sort=ImageSort(calling.library.settings.image_sort))
    page = calling.listed(browse.images(calling.library, given.query, calling.viewer))
    items = images(
        calling.library,
        page.ids,
        calling.viewer,
        meta=given.with_meta,
        tags=given.with_tags,
        collection_id=given.query.collection_id,
    )
    return trpc.join_list(items, page.next_cursor)


def images_as_posts(calling: Calling, value: Any) -> Reply:
    given = read_images(value, as_posts=True, default_sort=ImageSort(calling.library.settings.image_sort))
    items, cursor, page = gallery_posts(calling.library, given, calling.viewer)
    calling.listed(page)
    return trpc.join_list(items, cursor)


def post_get(calling: Calling, value: Any) -> Reply:
    return trpc_posts.post_reply(detail.post(calling.library, calling.viewer, inputs.read_id(value)))


def post_infinite(calling: Calling, value: Any) -> Reply:
    query = inputs.read_posts(value)
    if calling.viewer.known:
        # Of all lists only this one leaves hidden people out itself (trpc.md 9); the others leave it to the client.
        hidden = hiding.hidden_users(calling.library, calling.viewer)
        query = msgspec.structs.replace(query, excluded_users=(*query.excluded_users, *sorted(hidden)))
    page = calling.listed(browse.posts(calling.library, query, calling.viewer))
    items = posts_by_id(calling.library, page, query, calling.viewer)
    return trpc.join_list(list(items.values()), page.next_cursor)


def model_get(calling: Calling, value: Any) -> Reply:
    full = detail.model(calling.library, calling.viewer, inputs.read_id(value))
    return trpc_model_body.model_reply(full, calling.library.now())


def model_all(calling: Calling, value: Any) -> Reply:
    query = inputs.read_models(value)
    page = calling.listed(browse.models(calling.library, query, calling.viewer))
    items = models_by_id(calling.library, page, public_only=query.public_versions)
    return trpc.join_list(list(items.values()), page.next_cursor)


def version_get(calling: Calling, value: Any) -> Reply:
    item = detail.version_as_it_was(calling.library, calling.viewer, inputs.read_id(value))
    return trpc_models.version_reply(item, calling.library.now())


def collection_get(calling: Calling, value: Any) -> Reply:
    full, may = collections.by_id(calling.library, calling.viewer, inputs.read_id(value))
    return trpc_collections.collection_reply(full, may)


def collections_of_user(calling: Calling, value: Any) -> Reply:
    if calling.viewer.user_id is None:
        raise Unauthorized("UNAUTHORIZED")
    query = inputs.read_own_collections(value)
    found = collections.of_user(
        calling.library,
        calling.viewer,
        wanted=frozenset(query.permissions),
        type=query.type,
        contributing_only=query.contributing_only,
    )
    return trpc_collections.own_collections_reply(found, calling.viewer.user_id)


def collection_infinite(calling: Calling, value: Any) -> Reply:
    page = browse.public_collections(calling.library, inputs.read_collections(value), calling.viewer, covers=True)
    calling.cut = page.cut
    return trpc_collections.collections_reply(page.items, page.next_cursor)


def collection_contents(calling: Calling, value: Any) -> Reply:
    page = contents.page(calling.library, calling.viewer, inputs.read_contents(value))
    return trpc_collections.contents_reply(held_things(calling.library, page.items, calling.viewer), page.next_cursor)


def votable_tags(calling: Calling, value: Any) -> Reply:
    given = inputs.read_votable_tags(value)
    found = votes.votable_tags(calling.library, calling.viewer, given.kind, given.id, given.take)
    return trpc_lists.votable_tags_reply(found, given.kind)


def tag_get(calling: Calling, value: Any) -> Reply:
    return trpc_lists.tag_reply(detail.tag(calling.library, inputs.read_id(value)))


def tag_all(calling: Calling, value: Any) -> Reply:
    query = inputs.read_tags(value)
    page = browse.tags(calling.library, query, calling.viewer, all_counts=True)
    return trpc_lists.tags_reply(page.items, total=page.total, page=query.page or 1, limit=query.limit)


def creator_get(calling: Calling, value: Any) -> Reply:
    given = inputs.read_creator(value)
    return trpc_lists.creator_reply(browse.profile(calling.library, calling.viewer, given.id, given.username))


def user_get(calling: Calling, value: Any) -> Reply:
    return trpc_lists.user_reply(browse.user(calling.library, inputs.read_id(value), None))


PROCEDURES: dict[str, Procedure] = {
    name: Procedure(kind="query", run=run)
    for name, run in {
        "image.get": image_get,
        "image.getInfinite": image_infinite,
        GENERATION: image_generation_data,
        "image.getImagesAsPostsInfinite": images_as_posts,
        "post.get": post_get,
        "post.getInfinite": post_infinite,
        "model.getById": model_get,
        "model.getAll": model_all,
        "modelVersion.getById": version_get,
        "collection.getById": collection_get,
        "collection.getAllUser": collections_of_user,
        "collection.getInfinite": collection_infinite,
        "collection.getAllCollectionItems": collection_contents,
        "tag.getVotableTags": votable_tags,
        "tag.getById": tag_get,
        "tag.getAll": tag_all,
        "user.getCreator": creator_get,
        "user.getById": user_get,
    }.items()
}
PROCEDURES |= trpc_writes.PROCEDURES


def routes(library: Library, threads: Threads, forget: Callable[[], None]) -> list[Route]:
    """The one address of every procedure. `forget`: who callers are is asked anew, since one changed the own account."""

    async def handle(ask: Ask) -> Answer:
        if ask.path.endswith("/"):
            return _without_slash(ask)
        if ask.method == "HEAD":  # the original keeps its server warm by it, and answers nothing (trpc.md 1.1)
            return Answer(status=204, content_type=b"")
        method = ask.method
        body = await ask.body() if method != "GET" else b""
        request = trpc.read_request(
            ask.args[0],
            method,
            ask.pairs,
            body=body,
            content_type=ask.header("content-type"),
            accept=ask.header("trpc-accept"),
        )
        if request.batch:
            trpc.check_kinds(_kind(call.path) for call in request.calls)
        calling = Calling(ask)
        if any(_kind(call.path) == "mutation" for call in request.calls):
            outcomes = await threads.run(_run_all, calling, request, method)
            if any(call.path.startswith("user.") for call in request.calls):
                forget()
        elif len(request.calls) == 1:
            outcomes = [_run(calling, request.calls[0], method)]
        else:
            outcomes = await _run_queries(calling, request, method)
        return _told(ask, trpc.answer(request, outcomes), calling)

    # The errors of a request that fails as a whole have the envelope too.
    limit = library.settings.trpc_body_limit_bytes
    return [
        Route(path="/api/trpc/{}", handler=handle, methods=ANY, errors=_refusal, body_limit=limit, plain_options=True)
    ]


def _without_slash(ask: Ask) -> Answer:
    """The same address without the slash at its end; 308 keeps method and body."""
    path = quote(f"/api/trpc/{ask.args[0]}", safe="/,")
    query = ask.query.decode("latin-1")
    return redirect_answer(f"{path}?{query}" if query else path, 308)


def _kind(path: str) -> trpc.Kind | None:
    procedure = PROCEDURES.get(path)
    return procedure.kind if procedure is not None else None


def _run_all(calling: Calling, request: TrpcRequest, method: str) -> list[Outcome]:
    return [_run(calling, call, method) for call in request.calls]


async def _run_queries(calling: Calling, request: TrpcRequest, method: str) -> list[Outcome]:
    """One after the other, and everybody else's requests in between: a batch may be a hundred long pages."""
    _look_ahead(calling, request)
    outcomes = []
    for call in request.calls:
        outcomes.append(_run(calling, call, method))
        await asyncio.sleep(0)
    return outcomes


def _look_ahead(calling: Calling, request: TrpcRequest) -> None:
    """Read together what many calls ask of one kind: who mirrors asks for the generation data of forty images at once."""
    asked = [_id_of(call) for call in request.calls if call.path == GENERATION]
    ids = [id for id in asked if 0 < id < 1 << 31]
    if len(ids) > 1:
        calling.made = detail.generation_data_of(calling.library, calling.viewer, ids)


def _id_of(call: Call) -> int:
    """The id that a call asks about; 0 where it asks for something that its own turn will refuse."""
    try:
        return inputs.read_id(call.input) if call.failure is None else 0
    except PinakoError:
        return 0


def _run(calling: Calling, call: Call, method: str) -> Outcome:
    """One call's outcome, in the original's order of checks: path and method, envelope, scope, login, input."""
    try:
        trpc.check_method(method, _kind(call.path), call.path)
        if call.failure is not None:
            raise call.failure
        procedure = PROCEDURES[call.path]
        if procedure.kind == "mutation":
            _check_writer(calling)
        return procedure.run(calling, call.input)
    except PinakoError as error:
        if is_internal(error):
            log.error("%s %s", method, call.path, exc_info=error)
        return trpc_failure(error, call.path)


def _check_writer(calling: Calling) -> None:
    """Keys that only read, callers whom nobody knows, and pages without their word write nothing."""
    viewer = calling.viewer
    if viewer.known and not viewer.may_write:
        raise Forbidden("Your API key does not have the required scope for this action")
    if not viewer.known:
        raise Unauthorized("UNAUTHORIZED")
    csrf.check(calling.ask)


def _told(ask: Ask, answer: trpc.TrpcAnswer, calling: Calling) -> Answer:
    headers: list[Header] = [(b"vary", trpc.VARY.encode())]
    if calling.cut is not None:
        headers.append((b"x-pinako-level", b"%d" % calling.cut))
    cache = NO_STORE if answer.failed else None
    return Answer(answer.body, status=answer.status, content_type=trpc.JSON.encode(), headers=headers, cache=cache)


def _refusal(error: PinakoError) -> ErrorAnswer:
    refused = trpc.refusal(error)
    return ErrorAnswer(refused.status, refused.body, trpc.JSON)
