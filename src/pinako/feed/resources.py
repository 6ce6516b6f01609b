"""Lists of models: what each filter and sort word of a ModelQuery means to the engine; who made them, and their tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pinako.catalog.people import Viewer
from pinako.catalog.queries import ModelQuery, ModelSort
from pinako.catalog.visibility import BLOCKED_TAGS
from pinako.errors import Unauthorized
from pinako.feed import lookups
from pinako.feed.asking import Asked, Empty, collected, flagged, in_collection, people, window
from pinako.feed.codes import code_of
from pinako.feed.index import Index
from pinako.feed.listing import EMPTY, Listing, Question, ask, ask_in_order
from pinako.feed.model_rows import Flag
from pinako.feed.names import Names
from pinako.feed.sights import guards, sight_of
from pinako.feed.spec import Among, AnyOf, NoneOf, Sight, Term, pairs
from pinako.storage import text

DATED = (ModelSort.NEWEST, ModelSort.OLDEST)


def _safety(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query = asked.query
    yield from guards(
        asked.viewer,
        asked.mask,
        minor=Flag.MINOR,
        poi=Flag.POI,
        hide_minor=query.hide_minor,
        hide_poi=query.hide_poi,
    )


def _views(asked: Asked[ModelQuery]) -> Iterator[Term]:
    wanted = ((asked.query.minor_only, Flag.MINOR), (asked.query.poi_only, Flag.POI))
    return flagged(asked, [flag for said, flag in wanted if said])


def _state(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query = asked.query
    statuses = query.status if query.status and asked.viewer.moderator else ("Published",)
    yield AnyOf(_coded("status", statuses))
    if not query.archived:
        yield NoneOf((("flag", Flag.ARCHIVED),))
    if query.availability:
        yield AnyOf(_coded("availability", (query.availability,)))
    if query.public_versions:
        yield NoneOf((("flag", Flag.CLOSED),))


def _coded(field: str, words: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return pairs(field, [code_of(word) for word in words])


def _things(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query = asked.query
    if query.ids:
        yield Among(query.ids)
    if query.excluded_models:
        yield Among(query.excluded_models, inside=False)
    if query.version_ids:
        yield AnyOf(pairs("version", query.version_ids))
    yield from in_collection(asked, "Model")


def _tags(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query = asked.query
    if query.tag and query.tag.strip():
        tag = asked.read.value("SELECT id FROM tags WHERE name_key = ?", (text.fold(query.tag.strip()),))
        if tag is None or (tag in BLOCKED_TAGS and not asked.viewer.moderator):
            raise Empty
        yield AnyOf((("tag", tag),))
    if query.excluded_tags:
        yield NoneOf(pairs("tag", query.excluded_tags))


def _kinds(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query = asked.query
    if query.types:
        yield AnyOf(_coded("kind", query.types))
    if query.base_models:
        yield AnyOf(_coded("base", query.base_models))
    if query.file_formats:
        yield AnyOf(_coded("format", query.file_formats))
    if query.checkpoint_type:
        # Narrows checkpoints only: other types have no such word (rest.md 11).
        yield AnyOf(_coded("checkpoint", (query.checkpoint_type, "")))


def _license(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query = asked.query
    asked_flags = (
        (Flag.GENERATES, query.supports_generation),
        (Flag.TRAINED_HERE, query.from_platform),
        (Flag.NO_CREDIT, query.allow_no_credit),
        (Flag.DERIVATIVES, query.allow_derivatives),
        (Flag.OTHER_LICENSE, query.allow_different_license),
    )
    for flag, wanted in asked_flags:
        if wanted is not None:
            pair = (("flag", int(flag)),)
            yield AnyOf(pair) if wanted else NoneOf(pair)
    if query.allow_commercial_use:
        yield AnyOf(_coded("use", query.allow_commercial_use))


def _gate(asked: Asked[ModelQuery]) -> Iterator[Term]:
    """Early access ends by itself, so it is looked up: gates are few."""
    if asked.query.early_access is None:
        return
    sql = "SELECT DISTINCT model_id FROM model_versions WHERE status = 'Published' AND gate_ends_at > ?"
    gated = tuple(row[0] for row in asked.read.rows(sql, (asked.now,)))
    yield Among(gated, inside=asked.query.early_access)


def _mine(asked: Asked[ModelQuery]) -> Iterator[Term]:
    query, viewer = asked.query, asked.viewer
    if (query.hidden or query.favorites) and not viewer.known:
        raise Unauthorized("UNAUTHORIZED")
    if query.hidden:
        yield Among(tuple(lookups.engaged(asked.read, viewer, "model", ("Hide",))))
    if query.favorites:
        yield Among(tuple(lookups.favorite_models(asked.read, viewer)))


Meaning = Callable[[Asked[ModelQuery]], Iterator[Term]]

MEANINGS: tuple[Meaning, ...] = (
    _safety,
    _views,
    people,
    _state,
    _things,
    _tags,
    _kinds,
    _license,
    _gate,
    _mine,
    window,
)


def question_of(asked: Asked[ModelQuery], names: Names) -> Question:
    """The filters as the engine takes them. Empty when nothing can match; NotFound for an unknown user name;
    Unauthorized for `favorites` and `hidden` without a login."""
    query = asked.query
    terms = [term for meaning in MEANINGS for term in meaning(asked)]
    if query.text and query.text.strip():
        terms.append(Among(names.holding(query.text)))
    private = query.availability == "Private" or bool(query.status and asked.viewer.moderator)
    sort = query.sort or ModelSort.HIGHEST_RATED
    sight = sight_of(asked.viewer, asked.mask, drafts=private)
    return Question(sight=sight, terms=tuple(terms), sort=sort, dated=sort in DATED)


def list_models(index: Index, asked: Asked[ModelQuery], names: Names) -> Listing:
    """One page of models. As `question_of`, and BadRequest for a cursor of another sort."""
    query = asked.query
    asked.on_shelf = query.sort is None and query.collection_id is not None
    try:
        question = question_of(asked, names)
    except Empty:
        return EMPTY
    if asked.on_shelf:
        return ask_in_order(index, question, query, collected(asked, "Model"))
    return ask(index, question, query)


def listed(viewer: Viewer, mask: int) -> tuple[Sight, tuple[Term, ...]]:
    """The models that count for their maker and their tags: published ones that this caller may see."""
    flags = guards(viewer, mask, minor=Flag.MINOR, poi=Flag.POI, hide_minor=False, hide_poi=False)
    return Sight(mask), (*flags, AnyOf(_coded("status", ("Published",))))
