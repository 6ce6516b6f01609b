"""The seam, on both engines: what is asked, what is kept, what is undone."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from pinako.errors import BadRequest, Conflict, StorageError
from pinako.storage.database import Database
from pinako.storage.scopes import Statements
from pinako.storage.text import fold, prefix, starts


def tag(id: int, name: str) -> dict[str, int | str]:
    return {"id": id, "name": name, "name_key": fold(name)}


def keep_tags(database: Database, *names: str) -> list[int]:
    ids = []
    with database.write() as write:
        for name in names:
            ids.append(write.next_id("tags"))
            write.insert("tags", tag(ids[-1], name))
    return ids


def test_rows_come_back_as_written(database: Database) -> None:
    body = bytes(range(256))
    with database.write() as write:
        write.insert("image_rest", {"id": 7, "body": body})
        write.insert("model_versions", {
            "id": 1, "model_id": 2, "name": "v1 ✓ 100% 'x' ?", "status": "Published", "licensing_fee": 0.25,
            "created_at": 1_700_000_000_123, "updated_at": -1, "gate_permanent": True,
        })  # fmt: skip
    read = database.read()
    assert read.row("SELECT id, body FROM image_rest WHERE id = ?", (7,)) == (7, body)
    sql = "SELECT name, licensing_fee, created_at, updated_at, gate_permanent, meta, 'a?b%c' FROM model_versions WHERE id = ?"
    assert read.rows(sql, (1,)) == [("v1 ✓ 100% 'x' ?", 0.25, 1_700_000_000_123, -1, 1, None, "a?b%c")]
    assert read.value("SELECT count(*) FROM tags") == 0
    assert read.value("SELECT id FROM tags") is None
    assert read.row("SELECT id FROM tags") is None
    assert read.value("SELECT sum(id) FROM model_versions") == 1
    assert isinstance(read.value("SELECT sum(id) FROM model_versions"), int)


@pytest.mark.parametrize("count", [0, 1, 20, 21, 40, 500, 501, 1203])
def test_by_ids_takes_any_number(database: Database, count: int) -> None:
    with database.write() as write:
        write.run_many("INSERT INTO image_rest (id, body) VALUES (?, ?)", [(id, b"x%d" % id) for id in range(2000)])
    ids = list(range(300, 300 + count))
    rows = database.read().by_ids("SELECT id, body FROM image_rest WHERE body <> ? AND id IN (?*)", ids, (b"x301",))
    assert sorted(rows) == [(id, b"x%d" % id) for id in ids if id != 301]


def test_by_ids_takes_text(database: Database) -> None:
    keep_tags(database, "one", "two, {three}", 'fo"ur', "five")
    rows = database.read().by_ids("SELECT name FROM tags WHERE name_key IN (?*)", ["two, {three}", 'fo"ur', "six"])
    assert sorted(rows) == [('fo"ur',), ("two, {three}",)]


def test_stream_gives_everything_in_pieces(database: Database) -> None:
    with database.write() as write:
        write.run_many("INSERT INTO image_rest (id, body) VALUES (?, ?)", [(id, b"") for id in range(25)])
    pieces = list(database.read().stream("SELECT id FROM image_rest ORDER BY id", size=10))
    assert [len(piece) for piece in pieces] == [10, 10, 5]
    assert [id for piece in pieces for (id,) in piece] == list(range(25))


@pytest.mark.parametrize("scope", ["alone", "snapshot", "write"])
def test_streams_may_be_walked_within_streams(database: Database, scope: str) -> None:
    with database.write() as write:
        write.run_many("INSERT INTO image_rest (id, body) VALUES (?, ?)", [(id, b"") for id in range(6)])
    with ExitStack() as scopes:
        read: Statements = database.read()
        if scope != "alone":
            read = scopes.enter_context(database.write() if scope == "write" else database.read())
        pieces = read.stream("SELECT id FROM image_rest ORDER BY id", size=2)
        walked = [(id, _ids_below(read, id)) for piece in pieces for (id,) in piece]
    assert walked == [(id, list(range(id))) for id in range(6)]


def _ids_below(read: Statements, most: int) -> list[int]:
    pieces = read.stream("SELECT id FROM image_rest WHERE id < ? ORDER BY id", (most,), size=2)
    return [id for piece in pieces for (id,) in piece]


def test_a_failed_write_leaves_nothing(database: Database) -> None:

    def fail() -> None:
        with database.write() as write:
            write.insert("tags", tag(1, "one"))
            write.note("tag", 1, "new")
            write.after_commit(lambda: pytest.fail("called for a write that was not kept"))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert database.read().value("SELECT count(*) FROM tags") == 0
    assert database.read().value("SELECT count(*) FROM changes") == 0
    assert len(keep_tags(database, "one")) == 1


def test_taken_names_are_conflicts(database: Database) -> None:
    keep_tags(database, "one")
    with pytest.raises(Conflict), database.write() as write:
        write.insert("tags", tag(5, "ONE"))
    with database.write() as write:
        assert write.insert_new("tags", tag(5, "ONE")) is False
        assert write.insert_new("tags", tag(6, "six")) is True
    assert database.read().value("SELECT count(*) FROM tags") == 2


def test_a_swallowed_error_still_spoils_the_write(database: Database) -> None:
    keep_tags(database, "one")

    def careless() -> None:
        with database.write() as write:
            write.insert("tags", tag(2, "two"))
            try:
                write.insert("tags", tag(3, "one"))
            except Conflict:
                pass
            else:
                pytest.fail("a taken name went in")

    with pytest.raises(StorageError, match="nothing was kept"):
        careless()
    assert database.read().value("SELECT count(*) FROM tags") == 1


def test_upsert_update_delete(database: Database) -> None:
    with database.write() as write:
        write.upsert("tags", tag(1, "one"))
        write.upsert("tags", {**tag(1, "uno"), "level": 4})
        assert write.update("tags", 1, {"unlisted": 1}) is True
        assert write.update("tags", 2, {"unlisted": 1}) is False
        write.upsert("post_tags", {"post_id": 1, "tag_id": 1}, key=("post_id", "tag_id"))
        write.upsert("post_tags", {"post_id": 1, "tag_id": 1}, key=("post_id", "tag_id"))
        assert write.rows("SELECT name, level, unlisted FROM tags") == [("uno", 4, 1)]
        assert write.value("SELECT count(*) FROM post_tags") == 1
        assert write.delete("tags", 1) is True
        assert write.delete("tags", 1) is False


def test_a_write_within_a_write_is_refused(database: Database) -> None:
    with pytest.raises(StorageError, match="pass the open one on"), database.write(), database.write():
        pass
    keep_tags(database, "one")


def test_ids_are_local_go_on_and_skip_what_is_taken(database: Database) -> None:
    first = database.library.first_id
    assert 1_500_000_000 <= first < 2_100_000_000
    assert keep_tags(database, "a", "b") == [first, first + 1]
    with database.write() as write:
        write.insert("tags", tag(first + 3, "mirrored"))
    assert keep_tags(database, "c", "d") == [first + 2, first + 4]
    with database.write() as write:
        assert write.next_id("images") == first


def test_ids_that_were_not_kept_are_drawn_again(database: Database) -> None:
    def fail() -> None:
        with database.write() as write:
            write.next_id("tags")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert keep_tags(database, "a") == [database.library.first_id]


def test_ids_end_before_they_leave_32_bits(database: Database) -> None:
    with database.write() as write:
        write.insert("sequences", {"entity": "tags", "next_id": 2**31 - 1})
    assert keep_tags(database, "last") == [2**31 - 1]
    with pytest.raises(StorageError, match="used up"):
        keep_tags(database, "one too many")


def test_snapshot_holds_while_others_write(database: Database) -> None:
    with database.read() as read:
        assert read.value("SELECT count(*) FROM tags") == 0
        keep_tags(database, "one")
        assert read.value("SELECT count(*) FROM tags") == 0
        with database.read() as inner:
            assert inner.value("SELECT count(*) FROM tags") == 0
    assert database.read().value("SELECT count(*) FROM tags") == 1


def test_text_is_matched_without_regard_to_case_and_without_wildcards(database: Database) -> None:
    keep_tags(database, "Wide_Open", "wideXopen", "100% Étude", "100 percent")

    def containing(text: str) -> list[str]:
        sql = f"SELECT name FROM tags WHERE {database.contains('name')} ORDER BY name_key"
        return [name for (name,) in database.read().rows(sql, (fold(text),))]

    def starting(text: str) -> list[str]:
        sql = f"SELECT name FROM tags WHERE {starts('name_key')} ORDER BY name_key"
        return [name for (name,) in database.read().rows(sql, prefix(text))]

    assert containing("DE_O") == ["Wide_Open"]
    assert containing("% éTUDE") == ["100% Étude"]
    assert starting("WIDE") == ["Wide_Open", "wideXopen"]
    assert starting("wide_") == ["Wide_Open"]
    assert starting("100%") == ["100% Étude"]


def test_text_sorts_by_its_bytes(database: Database) -> None:
    keep_tags(database, "b", "a", "Z", "é", "_", "10", "9")
    names = [name for (name,) in database.read().rows("SELECT name FROM tags ORDER BY name")]
    assert names == ["10", "9", "Z", "_", "a", "b", "é"]


def test_values_that_no_column_takes_are_bad_requests(database: Database) -> None:
    for value in ("\ud800", 2**63, -(2**63) - 1):
        with pytest.raises(BadRequest):
            database.read().rows(
                "SELECT id FROM tags WHERE id = ? OR name = ?", (value if isinstance(value, int) else 1, str(value))
            )
        with pytest.raises(BadRequest), database.write() as write:
            write.run("UPDATE tags SET name = ? WHERE id = ?", (str(value), value if isinstance(value, int) else 1))
    assert database.read().rows("SELECT id FROM tags WHERE name = ?", ("nul\x00",)) == []


def test_callbacks_and_listeners_hear_of_what_was_kept(database: Database) -> None:
    heard: list[str] = []
    database.listen(lambda: heard.append("notes"))
    with database.write() as write:
        write.after_commit(lambda: heard.append("kept"))
        assert heard == []
    assert heard == ["kept"]
    with database.write() as write:
        write.note("tag", 1, "new")
    assert heard == ["kept", "notes"]


def test_closed_is_closed(database: Database) -> None:
    reader = database.read()
    database.close()
    with pytest.raises(StorageError):
        reader.rows("SELECT 1")
    with pytest.raises(StorageError, match="closed"):
        database.read()
    with pytest.raises(StorageError, match="closed"), database.write():
        pass


def test_a_reader_cannot_write(database: Database) -> None:
    keep_tags(database, "one")
    for statement in ("DELETE FROM tags", "UPDATE tags SET level = 2", "DROP TABLE tags"):
        with pytest.raises(StorageError):
            database.read().rows(statement)
        with pytest.raises(StorageError), database.read() as read:
            read.rows(statement)
    assert database.read().rows("SELECT level FROM tags") == [(1,)]


def test_faults_are_named(database: Database, database_url: str) -> None:
    assert database.faults() == []
    with database.write() as write:
        write.run("ALTER TABLE model_trpc RENAME TO hidden")
    assert database.faults() == ["the table model_trpc is missing"]
    with database.write() as write:
        write.run("ALTER TABLE hidden RENAME TO model_trpc")


def test_compact_and_size(database: Database) -> None:
    keep_tags(database, "one")
    database.compact()
    assert database.size() > 10_000
    assert database.read().value("SELECT count(*) FROM tags") == 1
