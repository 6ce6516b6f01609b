"""Many rows in one call are what they would be one by one, whatever the engine makes of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinako.errors import BadRequest, Conflict
from pinako.storage import arrays
from pinako.storage.database import Database
from pinako.storage.engine import Value

ordinary = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
whole = st.integers(-(2**63), 2**63 - 1)
held = st.tuples(
    st.integers(0, 12),
    whole,
    st.one_of(st.none(), texts),
    st.one_of(st.none(), st.floats(allow_nan=False)),
    st.booleans(),
)
COLUMNS = ("id", "model_id", "name", "licensing_fee", "flags", "published_at", "status", "created_at", "updated_at")
KEPT = "SELECT id, model_id, name, licensing_fee, flags, published_at FROM model_versions ORDER BY id"


@ordinary
@given(
    st.lists(held, max_size=40),
    st.lists(st.tuples(st.integers(0, 14), whole), max_size=20),
    st.lists(st.integers(0, 12)),
)
def test_upserts_updates_and_deletes_of_many(
    database: Database,
    rows: list[tuple[int, int, str | None, float | None, bool]],
    moved: list[tuple[int, int]],
    gone: list[int],
) -> None:
    """Keys that come twice among them, too: the last one stays."""
    expected: dict[int, list[Value]] = {}
    for id, model, name, fee, flag in rows:
        expected[id] = [id, model, name or "", fee, int(flag), None]
    for id, at in moved:
        if id in expected:
            expected[id][5] = at
    with database.write() as write:
        write.run("DELETE FROM model_versions")
        write.upsert_many(
            "model_versions",
            COLUMNS,
            [(id, model, name or "", fee, flag, None, "s", 0, 0) for id, model, name, fee, flag in rows],
        )
        write.run_many("UPDATE model_versions SET published_at = ? WHERE id = ?", [(at, id) for id, at in moved])
        write.run_many("DELETE FROM model_versions WHERE id = ?", [(id,) for id in gone])
    found = [list(row) for row in database.read().rows(KEPT)]
    for row in expected.values():
        if database.engine.name == "postgres":
            row[2] = str(row[2]).replace("\x00", "\ufffd")
    assert found == [expected[id] for id in sorted(expected.keys() - set(gone))]


def test_words_of_the_statement_stand_beside_values(database: Database) -> None:
    with database.write() as write:
        sql = (
            "INSERT INTO reactions (entity_type, entity_id, user_id, reaction, created_at) "
            "VALUES ('image', ?, ?, 'Heart', -7) ON CONFLICT DO NOTHING"
        )
        write.run_many(sql, [(id % 1500, 3) for id in range(3000)])
        write.run_many(sql, [(id, 3) for id in range(6)])
    found = database.read().rows("SELECT DISTINCT entity_type, user_id, reaction, created_at FROM reactions")
    assert found == [("image", 3, "Heart", -7)]
    assert database.read().value("SELECT count(*) FROM reactions") == 1500


def test_sums_over_one_row_add_up(database: Database) -> None:
    with database.write() as write:
        write.run("INSERT INTO sequences (entity, next_id) VALUES ('a', 1), ('b', 1)")
        write.run_many(
            "UPDATE sequences SET next_id = next_id + ? WHERE entity = ?", [(at, "ab"[at % 2]) for at in range(10)]
        )
    assert database.read().rows("SELECT entity, next_id FROM sequences WHERE entity IN ('a', 'b') ORDER BY entity") == [
        ("a", 21),
        ("b", 26),
    ]


@pytest.mark.parametrize(
    ("name", "next_id", "error"), [("\ud800", 1, BadRequest), ("x", 2**63, BadRequest), ("one", 1, Conflict)]
)
def test_one_bad_row_refuses_all(database: Database, name: str, next_id: int, error: type[Exception]) -> None:
    rows = [(f"n{at}", at) for at in range(30)]
    with database.write() as write:
        write.run("INSERT INTO sequences (entity, next_id) VALUES ('one', 1)")
    with pytest.raises(error), database.write() as write:
        write.run_many("INSERT INTO sequences (entity, next_id) VALUES (?, ?)", [*rows, (name, next_id)])
    assert database.read().value("SELECT count(*) FROM sequences WHERE entity LIKE 'n%'") == 0


def test_which_statements_take_many_rows_at_once() -> None:
    upsert = "INSERT INTO image_rest (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
    rows: list[tuple[Value, ...]] = [(id, b"x") for id in range(5)]
    assert arrays.together(upsert, rows) is not None
    assert arrays.together(upsert, [*rows, (4, b"y")]) is None
    assert arrays.together(upsert, [*rows, (9, "text")]) is None
    assert arrays.together(upsert, rows[:2]) is None
    assert arrays.form("UPDATE images SET heart_count = heart_count + 1 WHERE id = ?") is None
    assert arrays.form("INSERT INTO image_rest (id, body) VALUES (?, lower(?))") is None
    assert arrays.form("INSERT INTO elsewhere (id) VALUES (?)") is None
