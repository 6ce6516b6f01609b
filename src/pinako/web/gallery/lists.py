"""Lists of cards that grow: a page as HTML, and for a script the cards of the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from pinako.catalog.queries import ImageQuery, ModelQuery, PostQuery
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import Address
from pinako.web.gallery.pages import Pages

Q = TypeVar("Q", ImageQuery, ModelQuery, PostQuery)


class CardPart(msgspec.Struct, frozen=True):
    """More cards for a script: their HTML and where the next ones are."""

    html: str
    next: str | None


def shown_address(ask: Ask) -> Address:
    """The address of a list without what only says where in it we are."""
    kept = tuple(pair for pair in ask.pairs if pair[0] not in ("cursor", "part", "page", "token") and pair[1])
    return Address(ask.path, kept)


def wants_part(ask: Ask) -> bool:
    """Whether a script asks for cards only."""
    return ("part", "items") in ask.pairs


def card_page(
    pages: Pages,
    ask: Ask,
    card: Callable[..., str],
    listed: tuple[Iterable[Any], str | None],
    template: str,
    around: Callable[[], dict[str, Any]],
) -> Answer:
    """A page of cards, or for a script only the cards. `listed`: them and where the next are; `around`: all else it shows."""
    cards, next_cursor = listed
    if wants_part(ask):
        return card_part(pages, card, cards, next_cursor)
    address = str(shown_address(ask))
    return pages.show(ask, template, cards=cards, next=next_cursor, address=address, **around())


def own_order(query: Q, *, chosen: bool) -> Q:
    """A collection has an order of its own, which stands where nobody chose another."""
    if chosen or query.collection_id is None:
        return query
    return msgspec.structs.replace(query, sort=None)


def card_part(pages: Pages, card: Callable[..., str], cards: Iterable[Any], next_cursor: str | None) -> Answer:
    """Cards only."""
    return pages.give(CardPart("".join(str(card(one)) for one in cards), next_cursor))
