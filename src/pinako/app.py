"""Opens a library once, as settings say: database, originals, feeds, caps. One value, handed down; nothing global."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pinako.feed.feeds import open_feeds
from pinako.media.store import open_store
from pinako.services import access, sweep
from pinako.services.access import Caps
from pinako.services.library import Library
from pinako.settings import Settings
from pinako.storage.database import Clock, Database, utc_now
from pinako.storage.opening import open_database

log = logging.getLogger(__name__)

INDEX_FOLDER = "index"
"""Where the saved index lies in the library's folder."""


def open_catalogue(settings: Settings, *, clock: Clock = utc_now, first_id: int | None = None) -> Database:
    """The database alone, made or upgraded where need be, with its owner: for verbs that need no index.

    `first_id`: where local ids begin in a new library; drawn when None. The caller closes it.
    """
    with ExitStack() as undoing:
        database = open_database(settings.database_address, clock=clock, first_id=first_id)
        undoing.callback(database.close)
        access.ensure_owner(database, database.now())
        undoing.pop_all()
    return database


@contextmanager
def open_library(settings: Settings, *, clock: Clock = utc_now) -> Iterator[Library]:
    """The whole library, for as long as the block lasts. What killed runs left behind is swept.

    The feeds follow this process's own writes; `library.feeds.follow()` follows those of others, after any fork.
    """
    with ExitStack() as closing:
        database = open_catalogue(settings, clock=clock)
        closing.callback(database.close)
        media = open_store(settings.media_address)
        closing.callback(media.close)
        swept = sweep.sweep(database, media, settings.derivatives)
        if swept:
            log.info("swept: %s", swept)
        feeds = open_feeds(database, settings.folder / INDEX_FOLDER, entries=settings.document_cache_entries)
        closing.callback(feeds.close)
        yield Library(
            settings=settings,
            database=database,
            feeds=feeds,
            media=media,
            caps=Caps(public_level=settings.public_level, account_level=settings.account_level),
        )
