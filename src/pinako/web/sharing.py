"""Share links: made, listed and ended by who manages a collection, and opened by whoever has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pinako.errors import BadRequest, Forbidden, NotFound, Unauthorized
from pinako.services import shares
from pinako.services.library import Library
from pinako.services.shares import Share
from pinako.web.answers import NO_STORE, Answer, json_answer, redirect_answer
from pinako.web.ask import Ask, read_id
from pinako.web.identity import SHARE_COOKIE
from pinako.web.routes import Route
from pinako.web.threads import Threads

PATH = "/api/v1/pinako/shares"
LINK = "/share"
DAYS = 30


class Wish(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The link that is wanted. `level`: levels added up."""

    collection_id: int
    level: int = 1
    days: int = DAYS


class Sharing:
    """The doors. `forget` makes this process look at links anew."""

    def __init__(self, library: Library, threads: Threads, forget: Callable[[], None]) -> None:
        self._library = library
        self._threads = threads
        self._forget = forget

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            Route(path=PATH, handler=self.make, methods=frozenset({"POST"}), writes=True),
            Route(path=PATH, handler=self.listed),
            Route(path=f"{PATH}/{{}}", handler=self.end, methods=frozenset({"DELETE"}), writes=True),
            Route(path=f"{LINK}/{{}}", handler=self.open),
        ]

    async def make(self, ask: Ask) -> Answer:
        """A new link."""
        _check_writer(ask)
        try:
            wish = msgspec.json.decode(await ask.body(), type=Wish)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadRequest(str(error) or "The body is not JSON") from None
        made = await self._threads.run(
            shares.make, self._library, ask.viewer, read_id(str(wish.collection_id)), wish.level, wish.days
        )
        return json_answer(self._shown(ask, made), status=201, cache=NO_STORE)

    async def listed(self, ask: Ask) -> Answer:
        """The links of `?collectionId=`."""
        wanted = next((value for key, value in ask.pairs if key == "collectionId"), "")
        found = await self._threads.run(shares.list_shares, self._library, ask.viewer, read_id(wanted))
        return json_answer({"items": [self._shown(ask, share) for share in found]}, cache=NO_STORE)

    async def end(self, ask: Ask) -> Answer:
        """End a link, wherever it has gone."""
        _check_writer(ask)
        await self._threads.run(shares.revoke, self._library, ask.viewer, read_id(ask.args[0]))
        self._forget()
        return json_answer({}, cache=NO_STORE)

    async def open(self, ask: Ask) -> Answer:
        """`/share/TOKEN`: remembers the link in a cookie and goes on to the collection's page."""
        share = await self._threads.run(shares.open_token, self._library, ask.args[0])
        if share is None:
            raise NotFound("This link has ended")
        answer = redirect_answer(f"/collections/{share.collection_id}", 303)
        seconds = max(share.expires_at - self._library.now(), 0) // 1000
        secure = "; Secure" if ask.origin.startswith("https://") else ""
        cookie = f"{SHARE_COOKIE}={ask.args[0]}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        answer.headers = (*answer.headers, (b"set-cookie", cookie.encode("ascii")))
        return answer

    def _shown(self, ask: Ask, share: Share) -> dict[str, Any]:
        token = shares.token_of(self._library.database.library.link_secret, share)
        return {
            "id": share.id,
            "collectionId": share.collection_id,
            "level": share.level,
            "url": f"{ask.origin}{LINK}/{token}",
            "token": token,
            "createdAt": share.created_at,
            "expiresAt": share.expires_at,
        }


def _check_writer(ask: Ask) -> None:
    if not ask.viewer.known:
        raise Unauthorized("Unauthorized")
    if not ask.viewer.may_write:
        raise Forbidden("Your API key does not have the required scope for this action")
