"""Images that wait for a moderator are found by their own index, however many others there are."""

from __future__ import annotations

from pinako.services.review import HELD_ROWS
from pinako.storage.database import Database


def test_what_waits_is_found_by_its_index(database: Database, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        plan = database.read().rows("EXPLAIN QUERY PLAN " + HELD_ROWS)
    else:
        with database.write() as w:
            w.run("SET LOCAL enable_seqscan = off")  # an empty table is read whole, where that is allowed
            plan = w.rows("EXPLAIN " + HELD_ROWS)
    assert any("images_held" in str(row) for row in plan), plan
