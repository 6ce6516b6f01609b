"""Any value goes in and comes out the same, any text is found, whatever the engine."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinako.storage.database import Database
from pinako.storage.text import fold, prefix, starts

ordinary = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
letters = st.text("aAbBzZ éÉßüÜжЖλΛ%_\\'\"?*[]0", max_size=8)
numbers = st.integers(-(2**63), 2**63 - 1)
SQL = (
    "INSERT INTO model_versions (id, model_id, name, status, licensing_fee, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, 0)"
)


@ordinary
@given(texts, numbers, st.floats(allow_nan=False), st.binary(max_size=300), st.booleans())
def test_values_come_back(database: Database, text: str, number: int, real: float, body: bytes, flag: bool) -> None:
    with database.write() as write:
        write.run("DELETE FROM model_versions")
        write.run(SQL, (number, flag, text, "s", real, -number - 1))
        write.upsert("image_rest", {"id": 1, "body": body})
    row = database.read().row("SELECT id, model_id, name, licensing_fee, created_at FROM model_versions")
    kept = text.replace("\x00", "\ufffd") if database.engine.name == "postgres" else text
    assert row == (number, int(flag), kept, real, -number - 1)
    assert database.read().by_ids("SELECT body FROM image_rest WHERE id IN (?*)", [1]) == [(body,)]
    assert database.read().by_ids("SELECT id FROM model_versions WHERE id IN (?*)", [number]) == [(number,)]
    assert database.read().by_ids("SELECT id FROM model_versions WHERE name IN (?*)", [text, "x"]) == [(number,)]


@ordinary
@given(st.lists(letters, max_size=6), letters)
def test_text_is_found_as_python_finds_it(database: Database, names: list[str], asked: str) -> None:
    names = list({fold(name): name for name in names}.values())
    with database.write() as write:
        write.run("DELETE FROM tags")
        write.run_many(
            "INSERT INTO tags (id, name, name_key) VALUES (?, ?, ?)",
            [(id, name, fold(name)) for id, name in enumerate(names)],
        )
    read = database.read()
    containing = read.rows(f"SELECT name FROM tags WHERE {database.contains('name')}", (fold(asked),))
    assert {name for (name,) in containing} == {name for name in names if fold(asked) in fold(name)}
    starting = read.rows(f"SELECT name FROM tags WHERE {starts('name_key')} ORDER BY name_key", prefix(asked))
    assert [name for (name,) in starting] == sorted((n for n in names if fold(n).startswith(fold(asked))), key=fold)
