"""Headers that every answer has, the address of the host that was asked, and ETags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from pinako.errors import SettingsError
from pinako.web.answers import Header
from pinako.web.ask import Ask

_HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_EXPOSED = (
    b"ETag, Content-Disposition, Content-Range, Accept-Ranges, Retry-After, X-Pinako-Level, X-Request-Id, Location"
)

SAFETY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
)


def standing_headers(allowed: str) -> tuple[Header, ...]:
    """What every answer of one route carries: cross-origin leave for everybody, never with cookies, and safety."""
    return (
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-headers", b"*"),
        (b"access-control-allow-methods", allowed.encode()),
        (b"access-control-expose-headers", _EXPOSED),
        *SAFETY,
    )


def preflight_headers(allowed: str) -> tuple[Header, ...]:
    """The answer to OPTIONS. `*` does not cover Authorization in browsers, so that is named."""
    return (
        (b"allow", allowed.encode()),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-headers", b"*, Authorization"),
        (b"access-control-allow-methods", allowed.encode()),
        (b"access-control-max-age", b"86400"),
        *SAFETY,
    )


def etag_of(body: bytes) -> bytes:
    """A tag of a body. Python's keyed 64-bit hash: quick, the same in all workers, new at each start."""
    return b'"%x-%x"' % (len(body), hash(body) & 0xFFFFFFFFFFFFFFFF)


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an `If-None-Match` names this tag; weak and strong ones are alike here."""
    if if_none_match.strip() == b"*":
        return True
    return any(tag.strip().removeprefix(b"W/") == etag for tag in if_none_match.split(b","))


class Network:
    """Says where a request was sent to, as links must say it, and where it came from.

    The public address of the settings wins. Forwarded headers count only from proxies that the settings trust: anybody can
    send them. A `Host` that is no host name gives the address that the server itself listens on.
    """

    def __init__(self, public_url: str = "", proxies: Iterable[str] = ()) -> None:
        self._public = public_url.rstrip("/")
        self._proxies = tuple(_network(text) for text in proxies)

    def origin(self, ask: Ask) -> str:
        """`http://host:port` for absolute links."""
        if self._public:
            return self._public
        scheme, host = ask.scope["scheme"], ask.headers.get(b"host", b"")
        if self._proxies and self.trusts(_peer(ask)):
            scheme = _last(ask.headers.get(b"x-forwarded-proto", b"")).decode("latin-1").lower() or scheme
            host = _last(ask.headers.get(b"x-forwarded-host", b"")) or host
        scheme = scheme if scheme in {"http", "https"} else "http"
        if _HOST.fullmatch(host):
            return f"{scheme}://{host.decode('ascii')}"
        return f"{scheme}://{_listening(ask)}"

    def client(self, ask: Ask) -> str:
        """The caller's network address: the connection's, or the last one a trusted proxy did not add itself."""
        peer = _peer(ask)
        if not self._proxies or not self.trusts(peer):
            return peer
        hops = [hop.strip() for hop in ask.header("x-forwarded-for").split(",") if hop.strip()]
        return next((hop for hop in reversed(hops) if not self.trusts(hop)), peer)

    def trusts(self, address: str) -> bool:
        """Whether an address is one of the configured proxies."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise SettingsError(f"trusted proxy {text!r} is neither an address nor a network") from error


def _last(value: bytes) -> bytes:
    """What the nearest proxy added: earlier parts are whatever the client wrote."""
    return value.rpartition(b",")[2].strip()


def _peer(ask: Ask) -> str:
    client = ask.scope.get("client")
    return str(client[0]) if client else ""


def _listening(ask: Ask) -> str:
    server = ask.scope.get("server")
    if not server:
        return "localhost"
    host, port = server
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else str(host)
