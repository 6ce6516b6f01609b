"""The change log: its order is the order of commits, also between processes; a follower knows when it has missed something."""

from __future__ import annotations

import subprocess
import sys
import threading

from pinako.errors import Conflict
from pinako.storage import changes
from pinako.storage.changes import Place
from pinako.storage.database import Database
from pinako.storage.scopes import Write

WRITER = """
import sys
from pinako.storage.database import utc_now
from pinako.storage.opening import open_database
url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_database(url, clock=utc_now) as database:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        with database.write() as write:
            id = write.next_id("tags")
            write.insert("tags", {"id": id, "name": f"{name}{id}", "name_key": f"{name}{id}"})
            write.note("tag", id, name)
"""


def note(database: Database, *ids: int) -> None:
    with database.write() as write:
        for id in ids:
            write.note("image", id, "new")


def test_notes_are_numbered_without_holes_and_once_each(database: Database) -> None:
    assert changes.newest(database.read()) == Place()
    assert changes.since(database.read(), 0) == []
    with database.write() as write:
        for id in (5, 6, 5):
            write.note("image", id, "new")
    note(database, 7)
    news = changes.since(database.read(), 0)
    assert news is not None
    assert [(change.seq, change.id) for change in news] == [(1, 5), (2, 6), (3, 7)]
    assert {change.at for change in news} == {database.now()}
    assert changes.newest(database.read()) == Place(seq=3, at=database.now())
    assert [change.seq for change in changes.since(database.read(), 1, limit=1) or []] == [2]
    assert changes.since(database.read(), 3) == []


def test_a_follower_behind_the_oldest_note_is_told(database: Database) -> None:
    note(database, *range(1, 11))
    places = [Place(seq=seq, at=database.now() if seq else 0) for seq in range(11)]
    with database.write() as write:
        assert changes.trim(write, keep=4) == 6
    read = database.read()
    assert [changes.since(read, seq) is None for seq in (0, 5, 6, 10, 11)] == [True, True, False, False, True]
    assert [place.seq for place in places if changes.holds(read, place)] == [7, 8, 9, 10]
    assert not changes.holds(read, Place(seq=10, at=1))
    with database.write() as write:
        changes.trim(write, keep=0)
    note(database, 99)
    assert [change.seq for change in changes.since(read, 10) or []] == [11]


def test_a_new_log_holds_its_beginning(database: Database) -> None:
    assert changes.holds(database.read(), Place())
    note(database, 1)
    assert changes.holds(database.read(), Place())


def test_order_is_commit_order_between_processes(database: Database, database_url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, name, "60"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    seen: list[int] = []
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    while any(writer.poll() is None for writer in writers) or changes.newest(database.read()).seq > len(seen):
        news = changes.since(database.read(), len(seen))
        assert news is not None, "a later note was visible before an earlier one"
        seen.extend(change.seq for change in news)
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert seen == list(range(1, 121))
    assert database.read().value("SELECT count(DISTINCT id) FROM tags") == 120
    news = changes.since(database.read(), 0) or []
    assert {change.what for change in news} == {"a", "b"}


def test_threads_share_transactions_and_lose_nothing(database: Database) -> None:
    with database.write() as write:
        write.insert("tags", {"id": 1, "name": "x", "name_key": "x"})
    commits: list[None] = []
    database.listen(lambda: commits.append(None))
    refused: list[int] = []

    def react(user: int) -> None:
        def work(write: Write) -> int:
            write.note("image", user, "reactions")
            row = {"entity_type": "image", "entity_id": 1, "user_id": user, "reaction": "Like", "created_at": 0}
            write.insert("reactions", row)
            write.run("UPDATE tags SET level = level + 1 WHERE id = 1")
            if user % 10 == 0:
                raise Conflict("not this one")
            return user

        try:
            assert database.write_batched(work) == user
        except Conflict:
            refused.append(user)

    def many(start: int) -> None:
        for user in range(start, start + 25):
            react(user)

    threads = [threading.Thread(target=many, args=(start,)) for start in range(0, 200, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refused) == list(range(0, 200, 10))
    assert database.read().value("SELECT count(*) FROM reactions") == 180
    assert database.read().value("SELECT level FROM tags") == 1 + 180
    noted = changes.since(database.read(), 0)
    assert noted is not None
    assert sorted(change.id for change in noted) == [user for user in range(200) if user % 10]
    assert len(commits) <= 180
