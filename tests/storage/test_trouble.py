"""Bad days: killed programs, full disks, read-only files, locks, lost connections, forks. Nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import pytest

from pinako.errors import PinakoError, StorageError
from pinako.storage import changes, postgres, sqlite
from pinako.storage.database import Database, utc_now
from pinako.storage.opening import open_database

START = """
import os, resource, sys
from pinako.errors import StorageError
from pinako.storage.database import utc_now
from pinako.storage.opening import open_database

def keep(database, id, size=10):
    with database.write() as write:
        write.insert("image_rest", {"id": id, "body": os.urandom(size)})
        write.insert("tags", {"id": id, "name": str(id), "name_key": str(id)})
        write.note("tag", id, "new")

database = open_database(sys.argv[1], clock=utc_now)
"""

KILLED = """
first = int(sys.argv[2])
for id in range(first, first + 100_000):
    keep(database, id, 3000)
    print(id, flush=True)
"""

FILE_LIMIT = """
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        keep(database, kept, 5000)
        kept += 1
except StorageError as error:
    print(error)
count = database.read().value("SELECT count(*) FROM image_rest")
assert kept == count > 20, (kept, count)
assert database.read().value("SELECT count(*) FROM tags") == kept
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keep(database, kept)
assert database.read().value("SELECT count(*) FROM image_rest") == kept + 1
assert database.read().value("PRAGMA integrity_check") == "ok"
"""

POWERLESS = """
database.close()
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    database = open_database(sys.argv[1], clock=utc_now)
    print("opened", database.read().value("SELECT count(*) FROM tags"))
    keep(database, 77)
except StorageError as error:
    print("refused", error)
"""

FORKED = """
keep(database, 1)
assert database.read().value("SELECT count(*) FROM tags") == 1
child = os.fork()
if child == 0:
    assert database.read().value("SELECT count(*) FROM tags") == 1
    keep(database, 2)
    database.close()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert database.read().value("SELECT count(*) FROM tags") == 2
keep(database, 3)
database.close()
"""


def python(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script in a program of its own."""
    command = [sys.executable, "-W", "error", "-c", START + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def keep(database: Database, id: int) -> None:
    with database.write() as write:
        write.insert("tags", {"id": id, "name": str(id), "name_key": str(id)})
        write.note("tag", id, "new")


def keep_until(database: Database, id: int, happening: Callable[[], None]) -> None:
    with database.write() as write:
        write.insert("tags", {"id": id, "name": str(id), "name_key": str(id)})
        happening()


def count(database: Database) -> int:
    return int(database.read().value("SELECT count(*) FROM tags"))


def test_what_was_acknowledged_survives_kill_9(database: Database, database_url: str) -> None:
    acknowledged: list[int] = []
    for round in range(3):
        command = [sys.executable, "-c", START + KILLED, database_url, str(round * 1_000_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged += [int(writer.stdout.readline()) for _ in range(40 + 31 * round)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line]
        with database.read() as read:  # a server may still be keeping what the killed program asked for last
            there = {id for (id,) in read.rows("SELECT id FROM tags")}
            assert there >= set(acknowledged)
            assert len(there) <= len(acknowledged) + round + 1  # at most one a round was kept and not yet reported
            assert {id for (id,) in read.rows("SELECT id FROM image_rest")} == there
            assert changes.newest(read).seq == len(there)
        keep(database, -round - 1)
        with database.write() as write:
            write.insert("image_rest", {"id": -round - 1, "body": b""})
        acknowledged.append(-round - 1)
    if database.engine.name == "sqlite":
        assert database.read().value("PRAGMA integrity_check") == "ok"


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_disk_that_refuses_leaves_the_library_whole(database_url: str) -> None:
    done = python(FILE_LIMIT, database_url)
    assert "library.db: the disk " in done.stdout


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_full_database_is_said_and_overcome(database: Database) -> None:
    keep(database, 1)
    with database.write() as write:
        pages = write.value("PRAGMA page_count")
        write.rows(f"PRAGMA max_page_count = {pages + 20}")

    def fill() -> None:
        with database.write() as write:
            for id in range(1000):
                write.insert("image_rest", {"id": id, "body": bytes(4000)})

    with pytest.raises(StorageError, match=r"library\.db: the disk is full"):
        fill()
    assert database.read().value("SELECT count(*) FROM image_rest") == 0
    with database.write() as write:
        write.rows("PRAGMA max_page_count = 4294967294")
    fill()
    assert database.read().value("SELECT count(*) FROM image_rest") == 1000


def test_a_read_only_library_is_said() -> None:
    with TemporaryDirectory() as place:
        folder = Path(place) / "library"
        url = sqlite.sqlite_url(folder / "library.db")
        Path(place).chmod(0o755)  # another user has to get there
        with open_database(url, clock=utc_now) as database:
            keep(database, 1)
            for file in folder.iterdir():
                file.chmod(0o444)
            folder.chmod(0o555)
            done = python(POWERLESS, url)
            assert "refused" in done.stdout
            assert "read-only" in done.stdout
            folder.chmod(0o755)
            keep(database, 2)
            assert count(database) == 2


def test_a_lock_that_stays_is_said_and_overcome(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_S", 0.02)
    monkeypatch.setattr(postgres, "PATIENCE_S", 0.02)
    with open_database(database_url, clock=utc_now) as other:
        with database.write() as write:
            write.run("UPDATE tags SET level = 2")
            with pytest.raises(StorageError, match="kept it locked"):
                keep(other, 1)
            assert count(other) == 0
        keep(other, 1)
        assert count(database) == 1


def test_writers_of_one_program_wait_for_each_other(database: Database) -> None:
    inside, go_on = Event(), Event()

    def hold() -> None:
        with database.write() as write:
            write.insert("tags", {"id": 1, "name": "1", "name_key": "1"})
            inside.set()
            assert go_on.wait(60)

    holder = Thread(target=hold)
    holder.start()
    assert inside.wait(60)
    assert count(database) == 0  # a reader never waits
    second = Thread(target=keep, args=(database, 2))
    second.start()
    go_on.set()
    holder.join()
    second.join()
    assert count(database) == 2


def test_each_thread_reads_by_itself(database: Database) -> None:
    keep(database, 1)
    counts: list[int] = []

    def look() -> None:
        with database.read():
            counts.append(count(database))

    with database.read() as read:
        assert read.value("SELECT count(*) FROM tags") == 1
        keep(database, 2)
        threads = [Thread(target=look) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert count(database) == 1  # this thread's snapshot
    assert counts == [2] * 5


@pytest.mark.parametrize("engine_name", ["postgres"])
def test_a_lost_connection_is_replaced(database: Database, database_url: str) -> None:
    import psycopg

    def cut() -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    keep(database, 1)
    assert count(database) == 1
    cut()
    assert count(database) == 1
    cut()
    keep(database, 2)
    with pytest.raises(StorageError):
        keep_until(database, 3, cut)
    keep(database, 4)
    with database.read() as read:
        cut()
        with pytest.raises(StorageError):
            read.value("SELECT 1")
    assert [id for (id,) in database.read().rows("SELECT id FROM tags ORDER BY id")] == [1, 2, 4]


def test_a_forked_child_has_connections_of_its_own(database_url: str) -> None:
    python(FORKED, database_url)
    with open_database(database_url, clock=utc_now) as database:
        assert count(database) == 3


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://host/name", "'mysql:…' is not known"),
        ("library.db", "is not known"),
        ("sqlite:///", "names no file"),
        ("sqlite:///dev/null/x.db", "its folder cannot be made"),
        ("postgresql://localhost:1/x", "the connection failed"),
    ],
)
def test_an_address_that_leads_nowhere_is_said(address: str, says: str) -> None:
    with pytest.raises(StorageError, match=says):
        open_database(address, clock=utc_now)


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be looked at" * 50, b"SQLite format 3\x00" + bytes(5000)]
)
def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "library.db"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"library\.db"):
        open_database(sqlite.sqlite_url(path), clock=utc_now)
    assert path.read_bytes() == content


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_database(sqlite.sqlite_url(path), clock=utc_now) as database, database.write() as write:
        write.run_many("INSERT INTO image_rest (id, body) VALUES (?, ?)", [(id, os.urandom(900)) for id in range(2000)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    def use() -> None:
        with open_database(sqlite.sqlite_url(path), clock=utc_now) as database:
            database.read().rows("SELECT body FROM image_rest")

    with pytest.raises(StorageError, match="damaged"):
        use()


def test_the_pieces_of_a_broken_batch_are_told(database: Database) -> None:
    class Mistake(Exception):
        """An error that no door knows."""

    def blunder(_: object) -> None:
        raise Mistake

    with pytest.raises(Mistake):
        database.write_batched(blunder)
    with suppress(PinakoError):
        database.write_batched(lambda write: write.insert("tags", {"id": 1}))
    database.write_batched(lambda write: write.insert("tags", {"id": 1, "name": "1", "name_key": "1"}))
    assert count(database) == 1
