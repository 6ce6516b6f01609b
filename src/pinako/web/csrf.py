"""The word that a page sends along with its writes, so that no other site can make a signed-in browser write."""

from __future__ import annotations

import hashlib
import hmac

from pinako.errors import Forbidden
from pinako.web.ask import Ask
from pinako.web.identity import session_token

HEADER = "x-csrf-token"
FIELD = "csrf"
"""Where the word stands in a form without scripts."""

REFUSAL = "This page is out of date: load it again"


def word_of(session_token: str) -> str:
    """The word of a session. It is made of the cookie that no script and no other site can read; pages carry it."""
    return hashlib.sha256(b"csrf " + session_token.encode("utf-8", "surrogatepass")).hexdigest()


def is_word(session_token: str, shown: str) -> bool:
    """Whether `shown` is the word of this session."""
    return hmac.compare_digest(word_of(session_token).encode(), shown.encode("utf-8", "replace"))


def check(ask: Ask, shown: str | None = None) -> None:
    """Refuse a write that comes with a login's cookie from another site, or without the login's word. Keys need neither: no
    browser adds them by itself.

    `shown`: the word where it came in a form; else the header is looked at.
    """
    if not ask.viewer.via_session:
        return
    check_origin(ask)
    token = session_token(ask.header("cookie")) or ""
    if not is_word(token, ask.header(HEADER) if shown is None else shown):
        raise Forbidden(REFUSAL)


def check_origin(ask: Ask) -> None:
    """Refuse what a page of another site sent. Logging in has only this: there is no session yet whose word could be asked."""
    origin, kind = ask.header("origin"), ask.header("sec-fetch-site")
    if kind in ("cross-site", "same-site") or (origin and not kind and origin != ask.origin):
        raise Forbidden("Another site cannot act for you here")
