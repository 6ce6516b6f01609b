"""Opens a library once, as settings say: database, originals, feeds, caps. One value, handed down; nothing global."""

from __future__ import annotations

from pinako.services import access
from pinako.settings import Settings
from pinako.storage.database import Clock, Database, open_database, utc_now

BASE_MODELS_FOR_S = 60.0


def open_catalogue(settings: Settings, *, clock: Clock = utc_now, first_id: int | None = None) -> Database:
    """The database alone, made or upgraded where need be, with its owner: for verbs that need no index.

    `first_id`: where local ids begin in a new library; drawn when None. The caller closes it.
    """
    database = open_database(settings.database_address, clock=clock, first_id=first_id)
    try:
        access.ensure_owner(database, database.now())
    except BaseException:
        database.close()
        raise
    return database
