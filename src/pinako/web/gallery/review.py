"""What waits for a moderator: the page, and the door that decisions come in by."""

from __future__ import annotations

import msgspec

from pinako.catalog import levels
from pinako.catalog.people import User
from pinako.errors import BadRequest
from pinako.services import review
from pinako.services.review import Deed, Held
from pinako.storage.records import fetch
from pinako.web.answers import NO_STORE, Answer, json_answer
from pinako.web.ask import Ask
from pinako.web.gallery import shown
from pinako.web.gallery.asked import number_of
from pinako.web.gallery.image import Fact
from pinako.web.gallery.owner import guarded
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import Tile, tiles
from pinako.web.routes import Route
from pinako.web.threads import Threads


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a moderator sends."""

    deed: Deed


class ShownHeld(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that waits. No tile: it is withheld, and only its numbers are told."""

    id: int
    blocked: bool
    facts: list[Fact]
    tile: Tile | None


class Review:
    """The doors, for moderators only."""

    def __init__(self, pages: Pages, threads: Threads) -> None:
        self._pages = pages
        self._library = pages.library
        self._threads = threads

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            self._pages.route("/review", guarded(self.show)),
            Route(path="/review/{}", handler=self.decide, methods=frozenset({"POST"}), writes=True),
        ]

    async def show(self, ask: Ask) -> Answer:
        """What waits."""
        held = await self._threads.run(review.list_held, self._library, ask.viewer)
        answer = self._pages.show(ask, "review.html", held=self._shown(ask, held))
        answer.cache = NO_STORE
        return answer

    def _shown(self, ask: Ask, held: list[Held]) -> list[ShownHeld]:
        seen = [one.id for one in held if not one.withheld]
        pictures = {tile.id: tile for tile in tiles(self._library, seen, ask.viewer)}
        users = fetch(self._library.database.read(), User, {one.user_id for one in held})
        return [
            ShownHeld(
                id=one.id,
                blocked=bool(one.blocked_for or one.level & levels.BLOCKED),
                facts=facts_of(one, users[one.user_id].username if one.user_id in users else None),
                tile=pictures.get(one.id),
            )
            for one in held
        ]

    async def decide(self, ask: Ask) -> Answer:
        """`POST /review/ID` with `{"deed": "accept" | "block" | "purge"}`."""
        id = number_of(ask.args[0])
        try:
            decision = msgspec.json.decode(await ask.body(), type=Decision)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadRequest(str(error) or "The body is not JSON") from None
        await self._threads.run(review.decide, self._library, ask.viewer, id or 0, decision.deed)
        return json_answer({}, cache=NO_STORE)


def facts_of(one: Held, username: str | None) -> list[Fact]:
    """What may be told of a thing that is held back."""
    flags = [say("review.minor")] * one.minor + [say("review.poi")] * one.poi
    flags += [say("review.withheld")] * one.withheld
    flags += [say("review.not.scanned")] * (one.ingestion != "Scanned")
    values = (
        ("review.id", str(one.id)),
        ("review.reason", one.needs_review or ""),
        ("review.blocked", one.blocked_for or ""),
        ("image.level", levels.NAMES.get(one.level, "?")),
        ("review.flags", ", ".join(flags)),
        ("review.user", username or ""),
        ("image.added", shown.moment(one.created_at)),
        ("review.source", " ".join(filter(None, (one.source, str(one.source_id or ""))))),
    )
    found = [Fact(say(key), value) for key, value in values if value]
    return [*found, Fact(say("image.sha256"), one.blob, long=True)] if one.blob else found
