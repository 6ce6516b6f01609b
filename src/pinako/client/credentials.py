"""Secrets towards other hosts: kept in the system's key store or a private file, never shown."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

import msgspec

from pinako.client.records.people import Me
from pinako.errors import BadRequest, StorageError, UpstreamNonsense, UpstreamNotFound

Kind: TypeAlias = Literal["key", "cookie", "query"]

LEGACY_COOKIE = "__Secure-civitai-token"
NEW_COOKIE = "__Secure-civ-token"
_SERVICE = "pinako"
_COOKIES = (LEGACY_COOKIE, NEW_COOKIE, "civitai-token", "civ-token")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One secret for one host: an API key (sent as `Bearer`, or as `?token=` for kind `query`) or a session cookie.

    Only one is ever sent: a stale key beside a good cookie makes the caller anonymous (trpc.md 12.1, rule 4).
    """

    kind: Kind
    secret: str
    cookie_name: str = LEGACY_COOKIE

    def __repr__(self) -> str:
        return f"Credential(kind={self.kind!r}, secret=…)"

    __str__ = __repr__

    def headers(self) -> dict[str, str]:
        """The request headers that carry it."""
        if self.kind == "key":
            return {"authorization": f"Bearer {self.secret}"}
        return {"cookie": f"{self.cookie_name}={self.secret}"} if self.kind == "cookie" else {}

    def params(self) -> tuple[tuple[str, str], ...]:
        """The query parameters that carry it."""
        return (("token", self.secret),) if self.kind == "query" else ()


def read_credential(text: str) -> Credential:
    """What a person pasted: an API key, `NAME=VALUE` of a session cookie, a whole `Cookie:` line, or the cookie's value.

    Session values are recognised by their `eyJ` beginning or length; everything else is a key. Raises BadRequest for text
    that cannot be either; the text itself is never in the message.
    """
    pasted = text.strip().removeprefix("Cookie:").removeprefix("cookie:").strip()
    for part in pasted.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and name in _COOKIES:
            return _checked(Credential(kind="cookie", secret=value.strip(), cookie_name=name))
    word = pasted.removeprefix("Bearer ").strip()
    if word.startswith("eyJ") or len(word) > 200:
        return _checked(Credential(kind="cookie", secret=word))
    return _checked(Credential(kind="key", secret=word))


def _checked(credential: Credential) -> Credential:
    secret = credential.secret
    if not secret or not secret.isascii() or any(c.isspace() or not c.isprintable() or c in ";," for c in secret):
        raise BadRequest("This is neither an API key nor a session cookie.")
    return credential


def host_of(origin: str) -> str:
    """The name under which a host's secret is kept: host and port in lower case, without scheme and `www.`."""
    parts = urlsplit(origin if "//" in origin else f"//{origin}")
    if not parts.hostname:
        raise BadRequest(f"{origin!r} names no host.")
    port = f":{parts.port}" if parts.port and parts.port not in {80, 443} else ""
    return parts.hostname.lower().removeprefix("www.") + port


class CredentialStore:
    """Keeps one credential per host: in the system's keyring, or in a file of mode 0600 where there is none.

    `file` is the fallback's path; its folder is made private too. `keyring` may be False to use only the file, or a module
    with keyring's three functions.
    """

    def __init__(self, file: Path, *, keyring: ModuleType | bool = True) -> None:
        self._file = file
        self._keyring = _find_keyring() if keyring is True else (keyring or None)

    def keep(self, host: str, credential: Credential) -> Literal["keyring", "file"]:
        """Store it, replacing an older one; answers where it lies. Raises StorageError where neither place takes it."""
        name, text = host_of(host), msgspec.json.encode(credential).decode()
        if self._in_keyring(lambda ring: ring.set_password(_SERVICE, name, text)):
            self._drop_from_file(name)
            return "keyring"
        self._write({**self._read(), name: text})
        return "file"

    def find(self, host: str) -> Credential | None:
        """The credential of a host, None where there is none."""
        name = host_of(host)
        found: list[str | None] = []
        self._in_keyring(lambda ring: found.append(ring.get_password(_SERVICE, name)))
        text = (found[0] if found else None) or self._read().get(name)
        try:
            return msgspec.json.decode(text, type=Credential) if text else None
        except msgspec.MsgspecError as error:
            raise StorageError(f"The stored credential for {name} is damaged; log in again.") from error

    def forget(self, host: str) -> bool:
        """Take it out of both places; whether there was one."""
        known = self.find(host) is not None
        name = host_of(host)
        self._in_keyring(lambda ring: ring.delete_password(_SERVICE, name))
        self._drop_from_file(name)
        return known

    def _in_keyring(self, use: Callable[[ModuleType], object]) -> bool:
        """Whether the keyring did it. A locked, absent or refusing one is the normal case on servers, not an error."""
        ring = self._keyring
        if ring is None:
            return False
        try:
            use(ring)
        except ring.errors.KeyringError:
            return False
        return True

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            raise StorageError(f"The credentials file {self._file} cannot be read.") from error

    def _drop_from_file(self, name: str) -> None:
        kept = self._read()
        if kept.pop(name, None) is not None:
            self._write(kept)

    def _write(self, kept: dict[str, str]) -> None:
        """Made anew under a private name and renamed: at no moment can another user of the machine read it."""
        fresh = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(msgspec.json.encode(kept))
            os.replace(fresh, self._file)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise StorageError(f"The credentials file {self._file} cannot be written.") from error


def _find_keyring() -> ModuleType | None:
    """The keyring library with a store behind it; it is not part of the base install."""
    try:
        ring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        return None
    try:
        return ring if ring.get_keyring().priority > 0 else None
    except (errors.KeyringError, RuntimeError, ImportError, AttributeError):
        return None  # AttributeError, ImportError: a backend is named that is not there


class _Asks(Protocol):
    """What checking needs of a client."""

    def me(self) -> Me:
        """Whose credential it is."""
        ...

    def settings(self) -> object:
        """Anything that only somebody logged in gets."""
        ...


def check_credential(client: _Asks) -> str | None:
    """The name of the account behind a client's credential, None where the host accepts it but does not say whose.

    Raises UpstreamUnauthorized where the host does not know it: hosts treat a bad one as nobody, so only calls that need
    a login can tell. Other errors are those of the call.
    """
    try:
        return client.me().username
    except (UpstreamNotFound, UpstreamNonsense):
        client.settings()  # a host that speaks tRPC alone
        return None
