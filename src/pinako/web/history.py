"""`GET /api/v1/pinako/history/{entity}/{id}`, an extension: every revision of a mirrored thing's record, as received."""

from __future__ import annotations

from pinako.services import history
from pinako.web.answers import Answer, json_answer
from pinako.web.ask import Ask, read_id
from pinako.web.routes import Route
from pinako.web.threads import Threads


def routes(threads: Threads) -> tuple[Route, ...]:
    """The extension's one route."""

    async def answer(ask: Ask) -> Answer:
        entity, text = ask.args
        return json_answer(await threads.run(_past, ask, entity, read_id(text)))

    return (Route(path="/api/v1/pinako/history/{}/{}", handler=answer),)


def _past(ask: Ask, entity: str, id: int) -> dict[str, object]:
    return history.past(ask.library, ask.viewer, entity, id).as_data()
