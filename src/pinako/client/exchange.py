"""One request from start to end without any I/O: pace, retries, redirects. The runners only wait and send."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import msgspec

from pinako.client.addresses import is_internal
from pinako.client.answers import retry_after
from pinako.client.asks import Answer, Ask, encode_query, without_secrets
from pinako.client.credentials import Credential
from pinako.client.pace import Pace
from pinako.errors import UpstreamNonsense, UpstreamUnauthorized, UpstreamUnreachable

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOO_MUCH = frozenset({429, 503})
"""The host did nothing: even a write may be sent again."""
_FINAL_FAULTS = frozenset({501, 505, 508, 511})


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long to try. Delays double from `first` to `longest` seconds, each drawn anew from half of it up.

    A `Retry-After` beyond `most_patience` seconds is not sat out: the error carries it.
    """

    attempts: int = 5
    first: float = 1.0
    longest: float = 30.0
    most_patience: float = 300.0

    def delay(self, attempt: int, draw: Callable[[], float]) -> float:
        """Seconds before the attempt after number `attempt` (from 0)."""
        whole = min(self.longest, self.first * float(2**attempt))
        return whole / 2 + whole / 2 * draw()


DEFAULT_RETRIES = Retries()


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests go and as whom. `origin` is scheme, host and port; `path` a prefix for a host below a folder."""

    origin: str
    path: str = ""
    credential: Credential | None = None
    user_agent: str = ""

    @property
    def _front(self) -> str:
        return f"{self.origin}/"

    def url(self, ask: Ask) -> str:
        """The full address, with the key in it where it travels so."""
        target = self.origin + self.path + ask.target()
        return self.with_token(target)

    def with_token(self, url: str) -> str:
        """The address with `?token=` where the credential is of that kind."""
        pairs = self.credential.params() if self.credential else ()
        return f"{url}{'&' if '?' in url else '?'}{encode_query(pairs)}" if pairs else url

    def owns(self, url: str) -> bool:
        """Whether an address is of this very origin."""
        return url.startswith(self._front) or origin_of(url) == self.origin

    def headers(self, url: str) -> dict[str, str]:
        """Headers for an address: the credential only for this very origin, never for where a redirect leads."""
        common = {"user-agent": self.user_agent, "accept": "*/*"}
        if not self.owns(url):
            return common
        own = self.credential.headers() if self.credential else {}
        return {**common, "referer": f"{self.origin}/", "origin": self.origin, **own}


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Do this request now."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Wait(msgspec.Struct, frozen=True):
    """Do nothing for so many seconds."""

    seconds: float


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The request had no answer. `unsent`: it certainly did not reach the host."""

    reason: str
    unsent: bool = False


Steps: TypeAlias = Generator[Send | Wait, Answer | Failed | None, Answer]


def exchange(
    host: Host, ask: Ask, pace: Pace, retries: Retries = DEFAULT_RETRIES, draw: Callable[[], float] = random.random
) -> Steps:
    """The steps of one call's request; returns its answer, which may be an error status that is not worth a retry.

    Raises UpstreamUnreachable after the last attempt without an answer, BudgetSpent from the pace.
    """
    attempt = 0
    while True:
        result = yield from _once(host, ask, pace)
        delay = _retry_delay(ask, result, attempt, retries, draw)
        if delay is None:
            break
        attempt += 1
        if isinstance(result, Answer) and result.status in _TOO_MUCH:
            pace.hold(delay)
        else:
            yield Wait(delay)
    if isinstance(result, Failed):
        raise UpstreamUnreachable(
            f"No answer: {result.reason}.",
            call=_name(ask.method, host.url(ask)),
            advice="Check the address and the network, then try again.",
        )
    return result


def _once(host: Host, ask: Ask, pace: Pace) -> Generator[Send | Wait, Answer | Failed | None, Answer | Failed]:
    """Send and follow redirects; every hop is a request and is paced as one."""
    send = Send(method=ask.method, url=host.url(ask), headers={}, body=ask.body)
    for _ in range(_MOST_REDIRECTS + 1):
        if seconds := pace.take(send.url):
            yield Wait(seconds)
        headers = {**host.headers(send.url), **dict(ask.headers if send.body is not None else ())}
        result = yield msgspec.structs.replace(send, headers=headers)
        if not isinstance(result, Answer):
            return result or Failed(reason="nothing was sent")
        result = msgspec.structs.replace(result, call=_name(send.method, send.url))
        if result.status not in _REDIRECTS or "location" not in result.headers:
            return result
        send = _redirected(host, send, result)
    raise UpstreamNonsense("The host redirects in a circle.", call=_name(ask.method, host.url(ask)))


def _redirected(host: Host, send: Send, answer: Answer) -> Send:
    url = redirect_target(host, send.url, answer)
    if answer.status in {307, 308} or send.method == "GET":
        if send.method != "GET" and not host.owns(url):
            raise UpstreamNonsense(
                f"The host redirects a write to another one, {origin_of(url)}.",
                call=answer.call,
                advice="Use that address as the host's own if it is the right one.",
            )
        return msgspec.structs.replace(send, url=url)
    return Send(method="GET", url=url, headers={})


def redirect_target(host: Host, url: str, answer: Answer) -> str:
    """Where a redirect leads, the key put back only on the host's own origin. Raises UpstreamUnauthorized for a login."""
    try:
        target = urljoin(url, answer.headers["location"])
        parts = urlsplit(target)
        readable = parts.scheme in {"http", "https"} and bool(origin_of(target))
    except ValueError:
        readable = False
    if not readable:
        raise UpstreamNonsense("The host redirects to something that is no web address.", call=answer.call)
    if is_internal(target) and not is_internal(host.origin):
        raise UpstreamNonsense("The host redirects into this machine's own network.", call=answer.call)
    if parts.path.rstrip("/").endswith("/login"):
        raise UpstreamUnauthorized(
            "The host sends to its login page.", call=answer.call, answered=401, advice="Log in for this host first."
        )
    if host.owns(target) and "token=" not in parts.query:
        return host.with_token(target)
    return target


def origin_of(url: str) -> str:
    """Scheme, host and port in one spelling; default ports left out."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme.lower())
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme.lower()}://{host}{port}"


def is_retryable(status: int) -> bool:
    """Whether a status may be another the next time: 429 and the host's own failures, never any other 4xx."""
    return status == 429 or (status >= 500 and status not in _FINAL_FAULTS)


def _retry_delay(
    ask: Ask, result: Answer | Failed, attempt: int, retries: Retries, draw: Callable[[], float]
) -> float | None:
    """Seconds until the next attempt, None for no further one."""
    if attempt + 1 >= retries.attempts:
        return None
    if isinstance(result, Failed):
        return retries.delay(attempt, draw) if ask.repeatable or result.unsent else None
    if not is_retryable(result.status) or not (ask.repeatable or result.status in _TOO_MUCH):
        return None
    asked = retry_after(result)
    if asked is not None:
        return asked + draw() if asked <= retries.most_patience else None
    return retries.delay(attempt, draw)


def _name(method: str, url: str) -> str:
    return f"{method} {without_secrets(url)}"
