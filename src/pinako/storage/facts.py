"""What a library's database says of itself."""

from __future__ import annotations

import msgspec

from pinako.errors import StorageError
from pinako.storage.scopes import Statements


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """What the database says of itself. `link_secret` signs download links; `created_at` in milliseconds."""

    library_id: str
    schema_version: int
    created_at: int
    link_secret: str
    first_id: int


def facts_of(read: Statements) -> Library:
    """The library's facts. StorageError where they are missing."""
    facts: dict[str, str] = dict(read.rows("SELECT name, value FROM library"))
    try:
        return Library(
            library_id=facts["library_id"],
            schema_version=int(facts["schema_version"]),
            created_at=int(facts["created_at"]),
            link_secret=facts["link_secret"],
            first_id=int(facts["first_id"]),
        )
    except (KeyError, ValueError) as error:
        raise StorageError(f"the library's own facts are damaged: {error}") from error
