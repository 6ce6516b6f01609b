"""The word that a page sends along with its writes, so that no other site can make a signed-in browser write."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "x-csrf-token"
FIELD = "csrf"
"""Where the word stands in a form without scripts."""


def word_of(session_token: str) -> str:
    """The word of a session. It is made of the cookie that no script and no other site can read; pages carry it."""
    return hashlib.sha256(b"csrf " + session_token.encode("utf-8", "surrogatepass")).hexdigest()


def is_word(session_token: str, shown: str) -> bool:
    """Whether `shown` is the word of this session."""
    return hmac.compare_digest(word_of(session_token), shown.encode("ascii", "replace").decode())
