"""Lists of images: what each filter and sort word of an ImageQuery means to the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ImageSort
from pinako.catalog.visibility import BLOCKED_TAGS
from pinako.errors import BadRequest, Unauthorized
from pinako.feed import lookups
from pinako.feed.asking import HOUR, Asked, Empty, any_tags, collected, flagged, in_collection, people, window
from pinako.feed.codes import code_of, prompt_codes
from pinako.feed.image_rows import Flag
from pinako.feed.index import Index
from pinako.feed.listing import EMPTY, KnownOrder, Listing, Question, ask, ask_in_order, from_id
from pinako.feed.made import sought_terms
from pinako.feed.sights import guards, merged, sight_of
from pinako.feed.spec import Among, AnyOf, NoneOf, Term, pairs

Meaning = Callable[[Asked[ImageQuery]], Iterable[Term]]


def _safety(asked: Asked[ImageQuery]) -> Iterable[Term]:
    query = asked.query
    return _guarded(asked.viewer, asked.mask, query.hide_minor, query.hide_poi, query.collection_id is None)


@lru_cache(maxsize=256)
def _guarded(viewer: Viewer, mask: int, hide_minor: bool, hide_poi: bool, in_feed: bool) -> tuple[Term, ...]:
    """Kept: every list asks, and callers are few."""
    hidden = guards(viewer, mask, minor=Flag.MINOR, poi=Flag.POI, hide_minor=hide_minor, hide_poi=hide_poi)
    if in_feed and not viewer.moderator:
        # A confirmed harmless picture of a child stays out of feeds but not out of collections (domain.md d).
        own = (("user", viewer.user_id),) if viewer.user_id is not None else ()
        hidden.append(NoneOf((("flag", Flag.ACCEPTABLE_MINOR),), own))
    return tuple(merged(hidden))


def _people(asked: Asked[ImageQuery]) -> Iterator[Term]:
    yield from people(asked)
    if asked.query.prioritized_users:
        yield AnyOf(pairs("user", asked.query.prioritized_users))


def _things(asked: Asked[ImageQuery]) -> Iterator[Term]:
    query = asked.query
    if query.ids:
        yield Among(query.ids)
    if query.excluded_images:
        yield Among(query.excluded_images, inside=False)
    if query.post_ids:
        yield Among(tuple(id for *_, id in in_posts(asked)))
    if query.credited and (query.model_id is not None or query.version_id is not None):
        yield Among(tuple(lookups.credited(asked.read, query.model_id, query.version_id)))
    if query.model_id is not None:
        yield AnyOf((("model", query.model_id),))
    if query.version_id is not None:
        yield AnyOf((("version", query.version_id),))
    yield from in_collection(asked, "Image")
    if query.remix_of is not None:
        yield AnyOf((("remix", query.remix_of),))


def _tags(asked: Asked[ImageQuery]) -> Iterator[Term]:
    query = asked.query
    for tag in dict.fromkeys(query.all_tags):
        if tag in BLOCKED_TAGS and not asked.viewer.moderator:
            raise Empty
        yield AnyOf((("tag", tag),))
    yield from any_tags(asked, query.any_tags)
    if query.excluded_tags:
        yield NoneOf(pairs("tag", query.excluded_tags))


def _kinds(asked: Asked[ImageQuery]) -> Iterator[Term]:
    query = asked.query
    if query.types:
        yield AnyOf(pairs("kind", [code_of(word) for word in query.types]))
    if query.base_models:
        yield AnyOf(pairs("base", [code_of(word) for word in query.base_models]))
    if query.processes:
        yield AnyOf(pairs("process", [code_of(word) for word in query.processes]))
    if query.text and query.text.strip():
        codes = prompt_codes(query.text)
        if not codes:
            raise Empty
        yield from (AnyOf((("word", code),)) for code in sorted(codes))


def _facts(asked: Asked[ImageQuery]) -> Iterator[Term]:
    query = asked.query
    if not (query.has_meta or query.on_site or query.remixes is not None):
        return
    wanted = (
        (query.has_meta, Flag.META),
        (query.on_site, Flag.ON_SITE),
        (query.remixes, Flag.REMIX),
    )
    yield from (AnyOf((("flag", flag),)) for said, flag in wanted if said)
    if query.remixes is False:
        yield NoneOf((("flag", Flag.REMIX),))


def _views(asked: Asked[ImageQuery]) -> Iterable[Term]:
    query = asked.query
    if not (query.minor_only or query.poi_only or query.unpublished or query.scheduled or query.in_review):
        return ()
    wanted = (
        (query.minor_only, Flag.MINOR),
        (query.poi_only, Flag.POI),
        (query.unpublished, Flag.UNPUBLISHED),
        (query.scheduled, Flag.SCHEDULED),
        (query.in_review, Flag.IN_REVIEW),
    )
    return flagged(asked, [flag for said, flag in wanted if said])


def _mine(asked: Asked[ImageQuery]) -> Iterator[Term]:
    query, viewer = asked.query, asked.viewer
    if query.hidden:
        if not viewer.known:
            raise Unauthorized("UNAUTHORIZED")
        yield Among(tuple(lookups.engaged(asked.read, viewer, "image", ("Hide",))))
    if query.reactions and viewer.known:
        yield Among(tuple(lookups.reacted(asked.read, viewer, "image", query.reactions)))


def _sought(asked: Asked[ImageQuery]) -> Iterator[Term]:
    if asked.query.sought is None:
        return
    for term in sought_terms(asked.query.sought):
        if isinstance(term, AnyOf) and not term.pairs:
            raise Empty
        yield term


MEANINGS: tuple[Meaning, ...] = (_safety, _people, _things, _tags, _kinds, _facts, _views, window, _mine, _sought)


def in_posts(asked: Asked[ImageQuery]) -> list[tuple[int, int]]:
    """(index, id) of the images of the asked posts, in the order of the posts."""
    sql = "SELECT idx, id FROM images WHERE post_id IN (?*)"
    return sorted((row[0], row[1]) for row in asked.read.by_ids(sql, asked.query.post_ids))


def question_of(asked: Asked[ImageQuery]) -> Question:
    """The filters as the engine takes them. Empty when nothing can match; Unauthorized for `hidden` without a login."""
    terms: list[Term] = []
    for meaning in MEANINGS:
        terms += meaning(asked)
    query = asked.query
    drafts = query.drafts or query.unpublished or query.scheduled or query.in_review
    # Who asks for what is pending has just put it there, and rates it next (trpc.md 3).
    sight = sight_of(asked.viewer, asked.mask, drafts=drafts, unrated=query.drafts)
    sort = query.sort or ImageSort.NEWEST
    # Pages that are asked by number know of no seed: for an hour they are those of one order, as the original's (trpc.md 3.2).
    numbered = sort == ImageSort.RANDOM and bool(query.page or query.skip)
    return Question(sight=sight, terms=tuple(terms), sort=sort, seed=asked.now // HOUR if numbered else None)


def list_images(index: Index, asked: Asked[ImageQuery]) -> Listing:
    """One page of images. BadRequest for a cursor of another sort; NotFound for an unknown user name; Unauthorized
    where `hidden` is asked and nobody is logged in."""
    query = asked.query
    if query.collection_tag_id is not None and query.collection_id is None:
        raise BadRequest("collectionTagId requires a collectionId")
    asked.on_shelf = query.sort is None and not query.post_ids and query.collection_id is not None
    try:
        question = question_of(asked)
    except Empty:
        return EMPTY
    if query.prioritized_users:
        return _showcase(index, asked, question)
    if query.sort is None and query.post_ids:
        order = in_posts(asked)
        return ask_in_order(index, question, query, KnownOrder("post", [(place, place[1]) for place in order]))
    if asked.on_shelf:
        return ask_in_order(index, question, query, collected(asked, "Image"))
    return ask(index, question, query, from_id)


def _showcase(index: Index, asked: Asked[ImageQuery], question: Question) -> Listing:
    """A model page's showcase: the oldest post first, in the order of each post. One page, no cursor (trpc.md 3)."""
    if asked.query.cursor:
        raise BadRequest("Cannot use cursor with prioritizedUserIds")
    ids = index.page(question.sight, question.terms, ImageSort.OLDEST, 5000).ids
    rows = asked.read.by_ids("SELECT COALESCE(post_id, 0), idx, id FROM images WHERE id IN (?*)", ids)
    return Listing(ids=[row[2] for row in sorted(map(tuple, rows))][: asked.query.limit])
