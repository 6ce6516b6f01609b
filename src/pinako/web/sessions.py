"""Logging in and out, and what a signed-in visitor may do about logins and keys: list them, make keys, end either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from pinako.catalog.people import Scope, Viewer
from pinako.errors import BadRequest, Forbidden, PinakoError, TooManyRequests, Unauthorized
from pinako.services import access
from pinako.services.library import Library
from pinako.web import csrf
from pinako.web.answers import NO_STORE, Answer, Header, json_answer, redirect_answer
from pinako.web.ask import Ask, read_pairs
from pinako.web.identity import COOKIES, session_token
from pinako.web.limits import Rates
from pinako.web.routes import Route
from pinako.web.threads import Threads

DAY_S = 86_400
NAME_LENGTH, PASSWORD_LENGTH = 100, 1000
T = TypeVar("T")
POST, DELETE = frozenset({"POST"}), frozenset({"DELETE"})


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a login sends. `return_url`: where a form goes on to."""

    username: str
    password: str
    return_url: str = msgspec.field(default="", name="returnUrl")


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be."""

    name: str
    scope: Scope = Scope.READ


class Sessions:
    """The doors. `forget` makes this process ask the database again who a credential belongs to."""

    def __init__(
        self, library: Library, threads: Threads, forget: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._library = library
        self._threads = threads
        self._forget = forget
        self._rates = Rates(library.settings.login_attempts_per_minute, clock)

    def routes(self) -> list[Route]:
        """The doors. `/login` and `/logout` take forms as well as JSON."""
        return [
            Route(path="/login", handler=self.enter, methods=POST),
            Route(path="/logout", handler=self.leave, methods=POST),
            Route(path="/api/v1/pinako/sessions", handler=self.list_logins),
            Route(path="/api/v1/pinako/sessions/{}", handler=self.end_login, methods=DELETE, writes=True),
            Route(path="/api/v1/pinako/keys", handler=self.list_keys),
            Route(path="/api/v1/pinako/keys", handler=self.make_key, methods=POST, writes=True),
            Route(path="/api/v1/pinako/keys/{}", handler=self.end_key, methods=DELETE, writes=True),
        ]

    # --- in and out

    async def enter(self, ask: Ask) -> Answer:
        """`POST /login`: a cookie for name and password. A form goes on to a page, JSON gets the page's word."""
        csrf.check_origin(ask)
        form = not ask.is_json()
        given = _credentials(await ask.body(), form=form)
        try:
            token = await self._open(ask, given)
        except (Unauthorized, TooManyRequests) as error:
            if not form:
                raise
            return _back_to_form(given, error)
        self._forget()
        headers = [_cookie(ask, token, self._library.settings.session_days * DAY_S)]
        if form:
            return _onward(given.return_url, headers)
        body = {"username": given.username, "csrfToken": csrf.word_of(token)}
        return json_answer(body, headers=headers, cache=NO_STORE)

    async def _open(self, ask: Ask, given: Credentials) -> str:
        counted = (f"login from {ask.client}", f"login of {given.username.lower()}")
        for who in counted:
            self._rates.count(who)
        if len(given.username) > NAME_LENGTH or len(given.password) > PASSWORD_LENGTH:
            raise Unauthorized("Wrong name or password")
        token = await self._threads.run(self._write_session, given, ask.header("user-agent"))
        for who in counted:
            self._rates.take_back(who)
        return token

    def _write_session(self, given: Credentials, agent: str) -> str:
        library = self._library
        user = access.check_password(library.database, given.username, given.password)
        if user is None:
            raise Unauthorized("Wrong name or password")
        with library.database.write() as w:
            return access.open_session(w, user.id, library.now(), library.settings.session_days, agent)

    async def leave(self, ask: Ask) -> Answer:
        """`POST /logout`: the cookie is worth nothing from now on, here and in every copy of it."""
        form = "form" in ask.header("content-type")
        pairs = dict(read_pairs(await ask.body())) if form else {}
        csrf.check(ask, pairs.get(csrf.FIELD) if form else None)
        token = session_token(ask.header("cookie"))
        if token is not None:
            await self._threads.run(self._close, token)
            self._forget()
        headers = [_gone(name) for name in COOKIES]
        if form:
            return _onward(pairs.get("returnUrl", ""), headers)
        return json_answer({}, headers=headers, cache=NO_STORE)

    def _close(self, token: str) -> None:
        with self._library.database.write() as w:
            access.close_session(w, token)

    # --- logins

    def list_logins(self, ask: Ask) -> Answer:
        """The caller's logins."""
        token = session_token(ask.header("cookie")) or ""
        found = access.list_sessions(self._library.database.read(), _known(ask.viewer), self._library.now(), token)
        return json_answer({"items": found}, cache=NO_STORE)

    async def end_login(self, ask: Ask) -> Answer:
        """End one of the caller's logins."""
        await self._threads.run(self._revoke_session, _writer(ask.viewer), ask.args[0])
        self._forget()
        return json_answer({}, cache=NO_STORE)

    def _revoke_session(self, user_id: int, id: str) -> None:
        with self._library.database.write() as w:
            access.revoke_session(w, user_id, id)

    # --- keys

    def list_keys(self, ask: Ask) -> Answer:
        """The caller's keys, without the keys themselves."""
        found = access.list_keys(self._library.database.read(), _known(ask.viewer))
        return json_answer({"items": [_shown(key) for key in found if key.revoked_at is None]}, cache=NO_STORE)

    async def make_key(self, ask: Ask) -> Answer:
        """A new key: this answer is the only place where it can be read."""
        user_id = _writer(ask.viewer)
        given = _decoded(await ask.body(), NewKey)
        name = given.name.strip()
        if not 0 < len(name) <= NAME_LENGTH:
            raise BadRequest(f"A key has a name of 1 to {NAME_LENGTH} characters")
        key = await self._threads.run(self._add_key, user_id, name, given.scope)
        return json_answer({"name": name, "scope": given.scope, "key": key}, status=201, cache=NO_STORE)

    def _add_key(self, user_id: int, name: str, scope: Scope) -> str:
        with self._library.database.write() as w:
            return access.add_key(w, user_id, name, scope, self._library.now())

    async def end_key(self, ask: Ask) -> Answer:
        """Revoke one of the caller's keys, by its id."""
        await self._threads.run(self._revoke_key, _writer(ask.viewer), ask.args[0])
        self._forget()
        return json_answer({}, cache=NO_STORE)

    def _revoke_key(self, user_id: int, which: str) -> None:
        with self._library.database.write() as w:
            access.revoke_key(w, which, self._library.now(), user_id)


def _known(viewer: Viewer) -> int:
    if viewer.user_id is None:
        raise Unauthorized("Unauthorized")
    return viewer.user_id


def _writer(viewer: Viewer) -> int:
    user_id = _known(viewer)
    if not viewer.may_write:
        raise Forbidden("Your API key does not have the required scope for this action")
    return user_id


def _shown(key: access.Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
    }


def _credentials(body: bytes, *, form: bool) -> Credentials:
    if not form:
        return _decoded(body, Credentials)
    pairs = dict(read_pairs(body))
    return Credentials(
        username=pairs.get("username", ""), password=pairs.get("password", ""), return_url=pairs.get("returnUrl", "")
    )


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRequest(str(error) or "The body is not JSON") from None


def _back_to_form(given: Credentials, error: PinakoError) -> Answer:
    """The form again, by its own address: reloading it sends nothing twice."""
    why = "busy" if isinstance(error, TooManyRequests) else "wrong"
    address = f"/login?failed={why}&returnUrl={quote(safe_return(given.return_url), safe='')}"
    return redirect_answer(address, 303)


def _onward(address: str, headers: list[Header]) -> Answer:
    answer = redirect_answer(quote(safe_return(address), safe="/?&=%#:,+~!$'()*;@[]"), 303)
    answer.headers = (*answer.headers, *headers)
    return answer


def safe_return(address: str) -> str:
    """An address of this library to go on to, or the first page: never another host."""
    if not address.startswith("/") or address.startswith(("//", "/\\")) or not address.isprintable():
        return "/"
    return address


def _cookie(ask: Ask, token: str, seconds: int) -> Header:
    """The session's cookie; browsers keep the prefixed name to TLS."""
    secure = ask.origin.startswith("https://")
    name = COOKIES[0] if secure else COOKIES[1]
    text = f"{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    return b"set-cookie", text.encode("ascii")


def _gone(name: str) -> Header:
    secure = "; Secure" if name.startswith("__Secure-") else ""
    return b"set-cookie", f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}".encode("ascii")
