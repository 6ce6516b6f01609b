"""Header, `?token=` or cookie into the Viewer that every rule sees (rest.md 3, trpc.md 1.10)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec

from pinako.catalog.people import Shared, Viewer
from pinako.errors import PinakoError
from pinako.services import access, shares
from pinako.services.access import USED_EVERY, hash_of
from pinako.services.library import Library
from pinako.web.ask import Ask
from pinako.web.threads import Threads

log = logging.getLogger(__name__)

FRESH_S = 0.1
"""How long a known credential is believed unasked: a key that another process revokes is refused within this time."""

COOKIES = ("__Secure-civ-token", "civ-token", "__Secure-civitai-token", "civitai-token")
"""Session cookies, newest first; those without the prefix are the same on plain http."""

SHARE_COOKIE = "pinako-share"
"""Where the share link that was opened last is kept."""

_NOBODY = frozenset({"", "none", "null", "undefined"})
"""What scripts send for a key that they do not have."""
_MOST = 10_000


class Identities:
    """Says who is asking. A credential that is wrong, revoked or expired makes its caller anonymous, never an error."""

    def __init__(self, library: Library, threads: Threads, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._threads = threads
        self._clock = clock
        self._anonymous = access.anonymous(library.caps)
        self._known: dict[str, tuple[float, Viewer]] = {}
        self._links: dict[str, tuple[float, Shared | None]] = {}
        self._noted: dict[int, int] = {}

    def viewer_of(self, ask: Ask) -> Viewer:
        """The caller, with the share link that came along. Sets `ask.secured` where any credential was shown."""
        viewer = self._known_by(ask)
        cookie = ask.headers.get(b"cookie", b"")
        if b"share=" not in ask.query and SHARE_COOKIE.encode() not in cookie:
            return viewer
        token = next((value for key, value in ask.pairs if key == "share"), "") or share_token(cookie.decode("latin-1"))
        shared = self._shared_by(token)
        if shared is None:
            return viewer
        ask.secured = True
        return msgspec.structs.replace(viewer, shared=shared)

    def _shared_by(self, token: str) -> Shared | None:
        now = self._clock()
        held = self._links.get(token)
        if held is not None and now - held[0] < FRESH_S:
            return held[1]
        shared = shares.shared_by(self._library, token)
        if len(self._links) >= _MOST:
            self._links.clear()
        self._links[token] = (now, shared)
        return shared

    def _known_by(self, ask: Ask) -> Viewer:
        headers = ask.headers
        authorization = headers.get(b"authorization")
        if authorization is not None:
            ask.secured = True
            return self._by_key(_second_word(authorization))
        if b"token=" in ask.query:
            tokens = [value for key, value in ask.pairs if key == "token"]
            if tokens:
                ask.secured = True
                return self._by_key(tokens[0])
        cookie = headers.get(b"cookie")
        if cookie is None:
            return self._anonymous
        token = session_token(cookie.decode("latin-1"))
        ask.secured = token is not None
        return self._anonymous if token is None else self._by_session(token)

    def forget(self) -> None:
        """Ask the database again for everybody: after this process itself changed a key, user or session."""
        self._known.clear()
        self._links.clear()

    def _by_key(self, key: str) -> Viewer:
        if key.lower() in _NOBODY:
            return self._anonymous
        return self._remembered("key " + hash_of(key), lambda: self._look_up(key))

    def _by_session(self, token: str) -> Viewer:
        return self._remembered("session " + hash_of(token), lambda: self._look_up_session(token))

    def _look_up_session(self, token: str) -> Viewer:
        library = self._library
        viewer = access.viewer_of_session(library.database.read(), token, library.now(), library.caps)
        if viewer.user_id is None:
            # Scripts that know the cookie alone carry a key in it; as with every cookie, its writes need the page's word.
            viewer = self._look_up(token)
        return msgspec.structs.replace(viewer, via_session=viewer.user_id is not None)

    def _remembered(self, name: str, look_up: Callable[[], Viewer]) -> Viewer:
        now = self._clock()
        held = self._known.get(name)
        if held is not None and now - held[0] < FRESH_S:
            return held[1]
        viewer = look_up()
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[name] = (now, viewer)
        return viewer

    def _look_up(self, key: str) -> Viewer:
        viewer, used_at = access.viewer_of_key(self._library.database.read(), key, self._library.caps)
        if viewer.key_id is not None:
            self._note(viewer.key_id, used_at or 0)
        return viewer

    def _note(self, key_id: int, used_at: int) -> None:
        """Write down that a key was used, once a minute at most and never while its caller waits."""
        now = self._library.now()
        if now - max(used_at, self._noted.get(key_id, 0)) >= USED_EVERY:
            self._noted[key_id] = now
            self._threads.start(self._write_use, key_id, now)

    def _write_use(self, key_id: int, now: int) -> None:
        try:
            access.note_use(self._library.database, key_id, now)
        except PinakoError as error:
            log.warning("the use of key %d could not be noted: %s", key_id, error)


def session_token(cookies: str) -> str | None:
    """The session token among a Cookie header's pairs, or None."""
    pairs = (part.strip().partition("=") for part in cookies.split(";"))
    jar = {name: value.strip('"') for name, _, value in pairs}
    return next((jar[name] for name in COOKIES if jar.get(name)), None)


def share_token(cookies: str) -> str:
    """The share link's token among a Cookie header's pairs; empty where there is none."""
    pairs = (part.strip().partition("=") for part in cookies.split(";"))
    return next((value.strip('"') for name, _, value in pairs if name == SHARE_COOKIE), "")


def _second_word(authorization: bytes) -> str:
    """`<any scheme> <key>`: the scheme word is not looked at."""
    words = authorization.decode("latin-1").split()
    return words[1] if len(words) > 1 else ""
