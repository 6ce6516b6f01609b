"""Documents that another version of the program wrote, found and made anew beside everything else, a little at a time.

Readers make such a document from its rows whenever they meet it cold; here it is stored again, so that they need not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from pinako.feed import documents
from pinako.feed.documents import DOORS, Door
from pinako.feed.verify import old_documents
from pinako.storage.database import Database

BATCH = 100
"""Documents that are looked at in one piece of work: some 40 ms of it."""
_PLACES, _IN_A_PLACE = 8, 5


def renewals(database: Database, chance: Random) -> Iterator[int]:
    """How many documents were made anew, after each piece of work. Nothing where a sample of each kind is as made today.

    No transaction is open between two pieces, and what is stored meanwhile is never overwritten by something older.
    """
    if not any(old_documents(database, door, _sample(database, door, chance)) for door in DOORS.values()):
        return
    for door in DOORS.values():
        last = 0
        while ids := _next(database, door, last, BATCH):
            old = old_documents(database, door, ids)
            remake(database, door.entity, old)
            yield len(old)
            last = ids[-1]


def remake(database: Database, entity: str, ids: Sequence[int]) -> None:
    """Make the documents of these things anew; every process hears of each through the change log."""
    if not ids:
        return
    with database.write() as w:
        documents.remake(w, entity, ids, database.now())
        for id in ids:
            w.note(entity, id, "u")


def _next(database: Database, door: Door, after: int, most: int) -> list[int]:
    sql = f"SELECT id FROM {door.table} WHERE id > ? ORDER BY id LIMIT ?"
    return [row[0] for row in database.read().rows(sql, (after, most))]


def _sample(database: Database, door: Door, chance: Random) -> list[int]:
    """The ids of some documents, a few in each of several places."""
    lowest, highest = database.read().rows(f"SELECT min(id), max(id) FROM {door.table}")[0]
    if lowest is None:
        return []
    places = [chance.randint(lowest, highest) for _ in range(_PLACES)]
    return sorted({id for place in places for id in _next(database, door, place - 1, _IN_A_PLACE)})
