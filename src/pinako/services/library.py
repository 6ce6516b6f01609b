"""What a service needs of an open library. Opened once, in `app.py`; one value, passed on, nothing global."""

from __future__ import annotations

import msgspec

from pinako.catalog.basemodels import BASE_MODELS
from pinako.feed.feeds import Feeds
from pinako.media.store import MediaStore
from pinako.services.access import Caps
from pinako.settings import Settings
from pinako.storage.database import Database


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """An open library: its settings, database, feeds (lists and documents) and originals."""

    settings: Settings
    database: Database
    feeds: Feeds
    media: MediaStore
    caps: Caps

    def base_models(self) -> frozenset[str]:
        """Every base model that is known: the field's own and those that versions here name."""
        return self.feeds.base_models.all().union(BASE_MODELS)

    def now(self) -> int:
        """The clock, in milliseconds since the epoch."""
        return self.database.now()
