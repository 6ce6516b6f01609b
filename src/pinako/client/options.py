"""What a client is opened with, and what follows from it: the host, the one credential, the pace."""

from __future__ import annotations

import functools
from typing import TypedDict
from urllib.parse import urlsplit

import msgspec

from pinako import installed_version
from pinako.client.credentials import Credential, read_credential
from pinako.client.exchange import DEFAULT_RETRIES, Host, Retries, origin_of
from pinako.client.pace import POLITE, UNPACED, Pace, Politeness
from pinako.client.sending import Network, Timeouts, is_loopback
from pinako.errors import BadRequest

CIVITAI = "https://civitai.com"


_SECRET = frozenset({"api_key", "session", "token", "proxy"})
"""A proxy's address may hold a password."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What both clients are opened with.

    `base_url` is any compatible host. Give one of `api_key`, `session` (the value of the session cookie, or
    `NAME=value`), `token` (an API key that travels as `?token=`, for tools that cannot set headers), or `credential`.
    `media_base` is the address before a media key where it cannot be told from the host. `pace` None means polite
    (`POLITE`), and unpaced towards this machine itself.
    """

    base_url: str = CIVITAI
    api_key: str | None = None
    session: str | None = None
    token: str | None = None
    credential: Credential | None = None
    media_base: str | None = None
    politeness: Politeness | None = None
    pace: Pace | None = None
    retries: Retries = DEFAULT_RETRIES
    timeouts: Timeouts = Timeouts()
    proxy: str | None = None
    trust_env: bool = True
    user_agent: str | None = None

    def __repr__(self) -> str:
        given = ((f.name, getattr(self, f.name)) for f in msgspec.structs.fields(self))
        shown = (f"{name}={'…' if name in _SECRET and value else repr(value)}" for name, value in given)
        return f"Options({', '.join(shown)})"

    @property
    def network(self) -> Network:
        """The part that concerns how requests leave this machine."""
        return Network(timeouts=self.timeouts, proxy=self.proxy, trust_env=self.trust_env)


class Given(TypedDict, total=False):
    """The same fields, but for the first, as keywords of the clients."""

    api_key: str | None
    session: str | None
    token: str | None
    credential: Credential | None
    media_base: str | None
    politeness: Politeness | None
    pace: Pace | None
    retries: Retries
    timeouts: Timeouts
    proxy: str | None
    trust_env: bool
    user_agent: str | None


@functools.cache
def user_agent() -> str:
    """The honest name under which the client goes."""
    return f"pinako/{installed_version()} (+https://pinako.readthedocs.io)"


def host_for(options: Options) -> Host:
    """Where an options record points and as whom. Raises BadRequest for an address or credential that cannot be one."""
    text = options.base_url if "//" in options.base_url else f"https://{options.base_url}"
    try:
        parts = urlsplit(text)
        origin = origin_of(text)
    except ValueError as error:
        raise BadRequest("The host's address cannot be read.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequest("The host's address must begin with http:// or https:// and name a host.")
    return Host(
        origin=origin,
        path=parts.path.rstrip("/"),
        credential=_credential(options),
        user_agent=options.user_agent or user_agent(),
    )


def _credential(options: Options) -> Credential | None:
    given = [options.api_key, options.session, options.token, options.credential]
    if sum(one is not None for one in given) > 1:
        raise BadRequest("Give one credential: a stale key beside a good cookie makes the caller anonymous.")
    if options.api_key is not None:
        return msgspec.structs.replace(read_credential(options.api_key), kind="key")
    if options.session is not None:
        return msgspec.structs.replace(read_credential(options.session), kind="cookie")
    if options.token is not None:
        return msgspec.structs.replace(read_credential(options.token), kind="query")
    return options.credential


def pace_for(options: Options, host: Host) -> Pace:
    """The pace that was given, or a new one: polite to others, none towards this machine itself."""
    if options.pace is not None:
        return options.pace
    return Pace(options.politeness or (UNPACED if is_loopback(host.origin) else POLITE))
