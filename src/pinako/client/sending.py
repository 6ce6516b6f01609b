"""The HTTP library: sends one request, sync or async, and turns its failures into `Failed`.

It is loaded when it is needed, for proxies and for the asynchronous client: loading it is half of what a client needs to start.
"""

from __future__ import annotations

import logging
import ssl
import urllib.request
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from pinako.client.asks import Answer, without_secrets
from pinako.client.exchange import Failed, Send
from pinako.errors import BadRequest

if TYPE_CHECKING:
    import httpx2

LONGEST_ANSWER = 128 * 1024 * 1024
"""Bytes of a JSON answer that are read at most; a host that sends more is not sending an answer."""


class _Discreet(logging.Filter):
    """Takes keys out of the addresses that the library writes into its log: `?token=` is one of the ways to log in."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(without_secrets(str(a)) if type(a).__name__ == "URL" else a for a in record.args)
        return True


logging.getLogger("httpx2").addFilter(_Discreet())


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to connect, and at most between two pieces of an answer."""

    connect: float = 10.0
    read: float = 60.0


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How requests leave this machine. `trust_env`: take proxies from the environment where none is given."""

    timeouts: Timeouts = Timeouts()
    proxy: str | None = None
    trust_env: bool = True
    connections: int = 8


def open_http(network: Network, origin: str, transport: httpx2.BaseTransport | None) -> httpx2.Client:
    """The synchronous library client, with every behaviour off that `exchange` does itself.

    Raises BadRequest for a proxy that cannot be used.
    """
    import httpx2

    try:
        return httpx2.Client(transport=transport, **_settings(network, origin))
    except (ValueError, ImportError) as error:
        raise _no_proxy() from error


def open_async_http(network: Network, origin: str, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    """The asynchronous twin of `open_http`."""
    import httpx2

    try:
        return httpx2.AsyncClient(transport=transport, **_settings(network, origin))
    except (ValueError, ImportError) as error:
        raise _no_proxy() from error


def _no_proxy() -> BadRequest:
    """Given or of the environment; its address is not told, there may be a password in it."""
    return BadRequest(
        "The proxy's address must begin with http:// or https://, or socks5:// where socksio is installed."
    )


def uses_proxy(network: Network, origin: str) -> bool:
    """Whether requests to a host may go through a proxy, given or of the environment; never to this machine itself."""
    if network.proxy is not None:
        return True
    return network.trust_env and not is_loopback(origin) and bool(urllib.request.getproxies())


def _settings(network: Network, origin: str) -> dict[str, Any]:
    import httpx2

    return {
        "timeout": httpx2.Timeout(network.timeouts.read, connect=network.timeouts.connect),
        "verify": tls(),
        "proxy": network.proxy,
        "trust_env": network.trust_env and not is_loopback(origin),
        "follow_redirects": False,
        "cookies": _no_cookies(),
        "limits": httpx2.Limits(max_connections=None, max_keepalive_connections=network.connections),
    }


@cache
def tls() -> ssl.SSLContext:
    """The one context for all connections of the process."""
    return _LateContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def authorities() -> ssl.SSLContext:
    """The library's own context with whom it trusts. Reading them takes more than all else that a client needs to start."""
    import httpx2

    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _LateContext(ssl.SSLContext):
    """Wraps connections with `authorities`, which are read when the first one is encrypted: to this machine none is."""

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        return authorities().wrap_socket(*given, **named)

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        return authorities().wrap_bio(*given, **named)


def _no_cookies() -> CookieJar:
    """Only the credential that was given is sent: cookies that a host sets are not kept."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def send(http: httpx2.Client, what: Send) -> Answer | Failed:
    """Do one request and read its whole answer."""
    import httpx2

    try:
        with http.stream(what.method, what.url, headers=dict(what.headers), content=what.body) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    return Failed(reason="the answer has no end")
            return _answer(response, bytes(body))
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        return _failed(error)


async def send_async(http: httpx2.AsyncClient, what: Send) -> Answer | Failed:
    """Do one request and read its whole answer."""
    import httpx2

    try:
        async with http.stream(what.method, what.url, headers=dict(what.headers), content=what.body) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    return Failed(reason="the answer has no end")
            return _answer(response, bytes(body))
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        return _failed(error)


def _answer(response: httpx2.Response, body: bytes) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=body)


def _failed(error: Exception) -> Failed:
    """Class names only: the library's own texts can hold addresses, and addresses can hold keys."""
    import httpx2

    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    words: dict[type[Exception], str] = {
        httpx2.ConnectTimeout: "connecting took too long",
        httpx2.ReadTimeout: "the host took too long",
        httpx2.ConnectError: "no connection",
        httpx2.RemoteProtocolError: "the connection was cut or the answer broken",
        httpx2.ReadError: "the connection was cut",
        httpx2.ProxyError: "the proxy refused",
    }
    return Failed(reason=words.get(type(error), type(error).__name__), unsent=isinstance(error, unsent))


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own: nobody there needs politeness, and no proxy can reach it."""
    host = (urlsplit(url).hostname or "").lower()
    return host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localhost")
