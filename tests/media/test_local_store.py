"""The directory store on a real disk: kills, full disks, strangers' files, races, sweeps."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pinako.errors import StorageError
from pinako.media.local import DirectoryStore


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "media")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_same_content_is_kept_once(store: DirectoryStore, tmp_path: Path) -> None:
    """From bytes, a file or a stream; a second time nothing is written."""
    source = tmp_path / "a.bin"
    source.write_bytes(b"same")
    first = store.put_bytes(b"same")
    written = store.place(first.sha256).stat().st_ino
    assert store.put_file(source) == first
    with store.writer() as writer:
        writer.write(b"sa")
        writer.write(b"me")
        assert writer.keep() == first
    assert store.place(first.sha256).stat().st_ino == written
    assert list(store.blobs()) == [first]


def test_a_writer_that_does_not_keep_leaves_nothing(store: DirectoryStore) -> None:
    """A download that breaks off is no blob and no rubbish."""

    def break_off() -> None:
        with store.writer() as writer:
            writer.write(b"half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert list(store.blobs()) == []
    assert not [path for path in store.root.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_shortened_copy_is_replaced(store: DirectoryStore) -> None:
    """A disk that lost the end of a file heals when the content comes in again."""
    blob = store.put_bytes(b"whole content")
    store.place(blob.sha256).write_bytes(b"whole")
    assert store.put_bytes(b"whole content") == blob
    assert b"".join(store.read(blob.sha256)) == b"whole content"


def test_strangers_in_the_directory_are_no_blobs(store: DirectoryStore) -> None:
    """Files that others put there are left alone and not listed."""
    blob = store.put_bytes(b"x")
    (store.root / blob.sha256[:2] / "Thumbs.db").write_bytes(b"")
    (store.root / "zz").mkdir()
    assert list(store.blobs()) == [blob]


def test_a_full_disk_is_a_storage_error_and_loses_nothing(store: DirectoryStore) -> None:
    """The answer is clear, and what was there stays. A file size limit stands in for the full disk."""
    blob = store.put_bytes(b"kept")
    script = (
        "import resource, signal, sys; from pathlib import Path; from pinako.media.local import DirectoryStore\n"
        "from pinako.errors import StorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "store = DirectoryStore(Path(sys.argv[1]))\n"
        "try: store.put_bytes(b'x' * 5000)\n"
        "except StorageError: print('refused', len(list(store.blobs())))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, store.root], capture_output=True, text=True, check=True)
    assert done.stdout == "refused 1\n"
    assert list(store.blobs()) == [blob]


def test_a_root_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "media").write_bytes(b"")
    with pytest.raises(StorageError):
        DirectoryStore(tmp_path / "media")


def test_the_sweep_takes_what_the_dead_left_and_spares_the_living(store: DirectoryStore) -> None:
    """A process killed while writing leaves a temporary; one that lives keeps its own."""
    script = (
        "import sys, time; from pathlib import Path; from pinako.media.local import DirectoryStore\n"
        "writer = DirectoryStore(Path(sys.argv[1])).writer(); writer.write(b'half'); print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, store.root], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    with store.writer() as mine:
        mine.write(b"mine")
        assert DirectoryStore(store.root).sweep() == 0
        process.kill()
        process.communicate()
        assert DirectoryStore(store.root).sweep() == 1
        assert DirectoryStore(store.root).sweep() == 0
        assert mine.keep().size == 4


def test_closing_leaves_no_session(store: DirectoryStore) -> None:
    """A clean end leaves an empty `incoming`, and the store opens again."""
    store.put_bytes(b"x")
    store.close()
    assert list((store.root / "incoming").iterdir()) == []
    assert store.put_bytes(b"y").size == 1


def test_a_store_that_is_let_go_holds_nothing(store: DirectoryStore) -> None:
    """Opened many times without closing: no handle and no directory stays."""
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for number in range(200):
        DirectoryStore(store.root).put_bytes(str(number).encode())
    gc.collect()
    if before:
        assert len(os.listdir("/proc/self/fd")) < before + 50  # other threads may have opened some
    assert list((store.root / "incoming").iterdir()) == []


def test_many_threads_keep_the_same_contents(store: DirectoryStore) -> None:
    """Races on one name end with one whole file."""
    contents = [bytes([i]) * 5000 for i in range(8)]

    def work() -> None:
        for data in contents:
            store.put_bytes(data)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(b"".join(store.read(blob.sha256)) for blob in store.blobs()) == sorted(contents)


def test_kept_means_whole_at_every_moment(store: DirectoryStore) -> None:
    """A process killed at random while it keeps contents leaves only whole ones under their hash."""
    script = (
        "import os, sys; from pathlib import Path; from pinako.media.local import DirectoryStore\n"
        "store = DirectoryStore(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True: store.put_bytes(os.urandom(200_000))\n"
    )
    for round_ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script, store.root], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        _wait_for_blobs(store, 3 * round_ + 3)
        process.kill()
        process.communicate()
    store.sweep()
    blobs = list(store.blobs())
    assert len(blobs) >= 9
    assert all(sha(b"".join(store.read(blob.sha256))) == blob.sha256 for blob in blobs)
    assert not [path for path in (store.root / "incoming").rglob("*") if path.is_file()]


def _wait_for_blobs(store: DirectoryStore, count: int) -> None:
    end = time.monotonic() + 240
    while sum(1 for _ in store.blobs()) < count:
        assert time.monotonic() < end
        time.sleep(0.002)
