"""The six hashes against their definitions, for every length that matters and every number of threads."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import zlib
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles.hashing import (
    CHUNK,
    ModelHashes,
    crc32_spellings,
    hash_file,
    lookup_spellings,
    payload_offset,
)


def _by_definition(data: bytes) -> dict[str, str]:
    sha256 = hashlib.sha256(data).hexdigest().upper()
    hashes = {"AutoV2": sha256[:10], "SHA256": sha256, "CRC32": f"{zlib.crc32(data):08X}"}
    hashes["BLAKE3"] = blake3(data).hexdigest().upper()
    if len(data) >= 2 << 20:
        hashes["AutoV1"] = hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8].upper()
    if len(data) > 8 and data[8:9] == b"{":
        offset = int.from_bytes(data[:8], "little") + 8
        if offset <= len(data):
            hashes["AutoV3"] = hashlib.sha256(data[offset:]).hexdigest()[:12].upper()
    return hashes


def _safetensors_like(payload: bytes) -> bytes:
    header = b'{"x":{}}' + b" " * 100
    return len(header).to_bytes(8, "little") + header + payload


_LENGTHS = [0, 1, 9, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 4 * CHUNK - 1, 4 * CHUNK, 9 * CHUNK + 17, 21 * CHUNK]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("length", _LENGTHS)
def test_hashes_follow_their_definitions(tmp_path: Path, length: int, threads: int) -> None:
    payload = random.Random(length).randbytes(length)
    for data in (payload, _safetensors_like(payload)):
        path = tmp_path / "model"
        path.write_bytes(data)
        assert hash_file(path, threads=threads) == _by_definition(data)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6), st.booleans())
def test_a_stream_in_any_pieces_hashes_alike(payload: bytes, cuts: list[int], headed: bool) -> None:
    data = _safetensors_like(payload) if headed else payload
    hashes = ModelHashes()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        hashes.add(data[begin:end])
    assert hashes.hexes() == _by_definition(data)
    assert hashes.size_bytes == len(data)


def test_autov1_across_pieces_of_a_stream() -> None:
    data = random.Random(7).randbytes(3 << 20)
    hashes = ModelHashes()
    for at in range(0, len(data), 99_991):
        hashes.add(data[at : at + 99_991])
    assert hashes.hexes() == _by_definition(data)


def test_hashes_come_in_the_order_of_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(_safetensors_like(bytes(3 << 20)))
    assert list(hash_file(path)) == ["AutoV1", "AutoV2", "AutoV3", "SHA256", "CRC32", "BLAKE3"]


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_grows_to_the_whole(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "m"
    path.write_bytes(bytes(6 * CHUNK + 5))
    seen: list[int] = []
    hash_file(path, progress=seen.append, threads=threads)
    assert seen == sorted(seen)
    assert seen[-1] == 6 * CHUNK + 5


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_progress_raises_ends_the_work(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "m"
    path.write_bytes(bytes(20 * CHUNK))

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hash_file(path, progress=stop, threads=threads)


def test_a_file_that_grows_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(bytes(CHUNK))

    def grow(done: int) -> None:
        if done == CHUNK:
            with path.open("ab") as file:
                file.write(b"more")

    with pytest.raises(UnreadableFile, match="changed"):
        hash_file(path, progress=grow)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "missing"):
        with pytest.raises(UnreadableFile):
            hash_file(path)


def test_crc32_is_found_in_both_byte_orders() -> None:
    assert f"{zlib.crc32(b'hello world'):08X}" == "0D4A1185"
    assert crc32_spellings("85114a0d") == ("85114A0D", "0D4A1185")
    assert crc32_spellings("AAAAAAAA") == ("AAAAAAAA",)


def test_lookup_spellings() -> None:
    whole = "ab" * 32
    assert lookup_spellings("0x" + whole) == (whole.upper(), whole.upper()[:12])
    assert lookup_spellings(" abcdef0123 ") == ("ABCDEF0123",)
    assert lookup_spellings("85114a0d") == ("85114A0D", "0D4A1185")


@pytest.mark.parametrize("start", [b"", b"12345678", b"\xff" * 8 + b"{", bytes(8) + b"{", b"\x05" + bytes(7) + b"x"])
def test_what_is_no_safetensors_start(start: bytes) -> None:
    assert payload_offset(start) is None
