"""`/api/health`: 200 as soon as the library answers questions."""

from __future__ import annotations

from pinako import installed_version
from pinako.web.answers import NO_STORE, Answer, json_answer
from pinako.web.ask import Ask
from pinako.web.routes import Route

VERSION = installed_version()


def health(ask: Ask) -> Answer:
    """That the server is up and its database answers; a database that does not makes this an error."""
    ask.library.database.read().value("SELECT 1")
    return json_answer({"status": "ok", "version": VERSION}, cache=NO_STORE, tagged=False)


ROUTES = (Route(path="/api/health", handler=health, limited=False),)
