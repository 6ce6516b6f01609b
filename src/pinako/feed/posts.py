"""Lists of posts: what each filter and sort word of a PostQuery means to the engine.

The sorts by a count keep posts that have none, unlike upstream (trpc.md 11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pinako.catalog import levels
from pinako.catalog.queries import PostQuery, PostSort
from pinako.catalog.visibility import Standing
from pinako.errors import NotFound
from pinako.feed.asking import Asked, Empty, any_tags, collected, in_collection, people, window
from pinako.feed.index import Index
from pinako.feed.listing import EMPTY, Listing, Question, ask, ask_in_order, below_value
from pinako.feed.sights import sight_of
from pinako.feed.spec import UNRATED_BIT, Among, AnyOf, NoneOf, Sight, Term, pairs
from pinako.storage import text


def _things(asked: Asked[PostQuery]) -> Iterator[Term]:
    query = asked.query
    if query.ids:
        yield Among(query.ids)
    if query.version_id is not None:
        yield AnyOf((("version", query.version_id),))
    if query.model_id is not None:
        yield AnyOf((("model", query.model_id),))
    yield from in_collection(asked, "Post")


def _tags(asked: Asked[PostQuery]) -> Iterator[Term]:
    yield from any_tags(asked, asked.query.any_tags)
    if asked.query.excluded_tags:
        yield NoneOf(pairs("tag", asked.query.excluded_tags))


def _unpublished(asked: Asked[PostQuery]) -> Iterator[Term]:
    """One's own posts without a publishing time, or with one to come. They are few, so they are looked up."""
    query, mine = asked.query, "SELECT id FROM posts WHERE user_id = ? AND "
    if query.unpublished:
        yield Among(tuple(row[0] for row in asked.read.rows(mine + "published_at IS NULL", (asked.viewer.user_id,))))
    if query.scheduled:
        rows = asked.read.rows(mine + "published_at > ?", (asked.viewer.user_id, asked.now))
        yield Among(tuple(row[0] for row in rows))


def _title(asked: Asked[PostQuery]) -> Iterator[Term]:
    wanted = text.fold((asked.query.text or "").strip())
    if wanted:
        sql = f"SELECT id, title FROM posts WHERE {asked.database.contains('title')}"
        found = asked.read.rows(sql, (wanted,))
        yield Among(tuple(id for id, title in found if text.fold(title).startswith(wanted)))


Meaning = Callable[[Asked[PostQuery]], Iterator[Term]]

MEANINGS: tuple[Meaning, ...] = (people, _things, _tags, _unpublished, _title, window)


def _sight(asked: Asked[PostQuery]) -> Sight:
    query = asked.query
    if not (query.unpublished or query.scheduled):
        return sight_of(asked.viewer, asked.mask, drafts=query.drafts, unrated=query.drafts)
    private = asked.mask | (levels.BLOCKED if asked.mask & levels.MATURE_BITS else 0)
    private |= UNRATED_BIT if asked.mask and asked.viewer.cap & levels.MATURE_BITS else 0
    return Sight(0, asked.viewer.user_id or 0, ((int(Standing.DRAFT), private),))


def question_of(asked: Asked[PostQuery]) -> Question:
    """The filters as the engine takes them. Empty when nothing can match."""
    terms = tuple(term for meaning in MEANINGS for term in meaning(asked))
    sort = asked.query.sort or PostSort.NEWEST
    return Question(sight=_sight(asked), terms=terms, sort=sort, dated=sort == PostSort.NEWEST)


def list_posts(index: Index, asked: Asked[PostQuery]) -> Listing:
    """One page of posts; an unknown user name has none. BadRequest for a cursor of another sort."""
    query = asked.query
    asked.on_shelf = query.sort is None and query.collection_id is not None
    try:
        question = question_of(asked)
    except (Empty, NotFound):
        return EMPTY
    if asked.on_shelf:
        return ask_in_order(index, question, query, collected(asked, "Post"))
    return ask(index, question, query, below_value)
