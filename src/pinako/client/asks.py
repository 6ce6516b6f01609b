"""What a call generator yields and is sent: descriptions of a request and of its answer, with no HTTP library in sight."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

T = TypeVar("T")

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters in order; a repeated name is a list, as the wire has it."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the client's host.

    `path` starts with a slash. `query` is raw text that goes out as it is (a followed `nextPage`); otherwise `params` are
    encoded. `repeatable` says that doing it twice does no harm, which decides whether a timeout is retried.
    `procedure` and `input` are set for tRPC only, so that several can be folded into one batch.
    """

    method: str = "GET"
    path: str
    params: Pairs = ()
    query: str | None = None
    body: bytes | None = None
    headers: Pairs = ()
    repeatable: bool = True
    procedure: str = ""
    input: Any = None
    mutation: bool = False

    def target(self) -> str:
        """Path and query as they go on the request line."""
        query = encode_query(self.params) if self.query is None else self.query
        return f"{self.path}?{query}" if query else self.path


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. Header names are lower-case. `call` names the request for errors, its secrets already out."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    call: str = ""


Call: TypeAlias = Generator[Ask, Answer, T]
"""A call: yields each `Ask`, is sent its `Answer`, returns the typed result. Runners live in `clients.py`."""

_SECRETS = frozenset({"token", "key", "api_key", "apikey", "access_token", "x-amz-signature", "signature", "sig"})


def encode_query(pairs: Pairs) -> str:
    """Strict RFC 3986 text (a blank is `%20`), as the upstream's own links have it."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


_QUOTED = {code: quote(chr(code), safe="") for code in range(128)}


def _quoted(text: str) -> str:
    """A batch's input is thousands of letters, which a table replaces in a fraction of the time."""
    return text.translate(_QUOTED) if text.isascii() else quote(text, safe="")


def without_secrets(url: str) -> str:
    """The address with credentials and signatures out and long inputs cut: fit for errors and logs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    kept = [(n, v) for n, v in parse_qsl(parts.query, keep_blank_values=True) if n.lower() not in _SECRETS]
    query = encode_query(tuple(kept))
    query = query if len(query) <= 300 else query[:300] + "…"
    start = f"{parts.scheme}://{host}" if host else ""
    return f"{start}{parts.path}{'?' + query if query else ''}"


def without_token(query: str) -> str:
    """A followed link's query without the caller's key, which today's server copies into `nextPage`."""
    return "&".join(part for part in query.split("&") if part and not re.match(r"token(=|$)", part, re.IGNORECASE))
