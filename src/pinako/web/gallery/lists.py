"""Lists of cards that grow: a page as HTML, and for a script the cards of the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import Address
from pinako.web.gallery.pages import Pages


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


def card_part(pages: Pages, card: Callable[..., str], cards: Iterable[Any], next_cursor: str | None) -> Answer:
    """Cards only."""
    return pages.give(CardPart("".join(str(card(one)) for one in cards), next_cursor))
