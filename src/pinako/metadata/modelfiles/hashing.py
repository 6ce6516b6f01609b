"""All six hashes of a model file in one read (domain.md h), with the work of several hashes shared between two cores.

Every hash is a lane that must take the file's chunks in order. Each thread always takes up the lane that is furthest
behind, reading included, so that no thread idles while there is a lane to move. hashlib, blake3, isal and `readinto`
release the interpreter lock, which is what makes threads worth having here.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from blake3 import blake3
from isal import isal_zlib

from pinako.errors import UnreadableFile

CHUNK = 1 << 20
_RING = 8
_SERIAL_BELOW = 4 * CHUNK
_AUTOV1_START = 0x100000
_AUTOV1_BYTES = 0x10000
MAX_HEADER_BYTES = 100_000_000
"""The reference implementation's own cap on a safetensors header."""

Progress = Callable[[int], None]


def payload_offset(start: bytes, size_bytes: int | None = None) -> int | None:
    """Where the tensors begin, from a file's first nine or more bytes; None when it is no safetensors file."""
    if len(start) < 9 or start[8:9] != b"{":
        return None
    header_bytes = int.from_bytes(start[:8], "little")
    if not 2 <= header_bytes <= MAX_HEADER_BYTES:
        return None
    offset = header_bytes + 8
    return offset if size_bytes is None or offset <= size_bytes else None


class ModelHashes:
    """Six hashes over a stream of consecutive chunks. Feed it bytes as they arrive (`add`), then ask for `hexes`.

    Uploads and downloads use it directly, so that a file that passes by is never read again.
    """

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._payload = hashlib.sha256()
        self._blake3 = blake3()
        self._window = hashlib.sha256()
        self._crc = 0
        self._payload_offset: int | None = None
        self._start = b""
        self.size_bytes = 0

    def begin(self, start: bytes, size_bytes: int) -> None:
        """Say beforehand what the first bytes are, so that lanes may run ahead of one another."""
        self._payload_offset = payload_offset(start, size_bytes)
        self._start = start[:9]

    @property
    def lanes(self) -> tuple[Callable[[memoryview, int], None], ...]:
        """The independent parts, the slowest first; each takes (chunk, offset of the chunk) in order."""
        lanes = (self._add_whole, self._add_payload, self._add_blake3, self._add_crc)
        return lanes if self._payload_offset is not None else (lanes[0], *lanes[2:])

    def add(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the stream, of any length."""
        view = memoryview(data)
        offset = self.size_bytes
        if len(self._start) < 9:
            self._look_at_start(view)
        for lane in self.lanes:
            lane(view, offset)
        self.size_bytes = offset + len(view)

    def _look_at_start(self, view: memoryview) -> None:
        self._start += bytes(view[: 9 - len(self._start)])
        self._payload_offset = payload_offset(self._start)

    def _add_whole(self, view: memoryview, _offset: int) -> None:
        self._whole.update(view)

    def _add_payload(self, view: memoryview, offset: int) -> None:
        skipped = (self._payload_offset or 0) - offset
        if skipped < len(view):
            self._payload.update(view[max(0, skipped) :])

    def _add_blake3(self, view: memoryview, _offset: int) -> None:
        self._blake3.update(view)

    def _add_crc(self, view: memoryview, offset: int) -> None:
        self._crc = isal_zlib.crc32(view, self._crc)
        first = max(0, _AUTOV1_START - offset)
        last = min(len(view), _AUTOV1_START + _AUTOV1_BYTES - offset)
        if first < last:
            self._window.update(view[first:last])

    def hexes(self) -> dict[str, str]:
        """The hashes by wire word, upper-case, in the wire's order; AutoV1 from 2 MiB on, AutoV3 for safetensors.

        CRC32 is in zlib's byte order, the canonical one here (`crc32_spellings` has the other).
        """
        sha256 = self._whole.hexdigest().upper()
        found = {"AutoV2": sha256[:10], "SHA256": sha256, "CRC32": f"{self._crc:08X}"}
        found["BLAKE3"] = self._blake3.hexdigest().upper()
        if self.size_bytes >= 2 * _AUTOV1_START:
            found["AutoV1"] = self._window.hexdigest()[:8].upper()
        if self._payload_offset is not None and self._payload_offset <= self.size_bytes:
            found["AutoV3"] = self._payload.hexdigest()[:12].upper()
        return {word: found[word] for word in _WIRE_ORDER if word in found}


_WIRE_ORDER = ("AutoV1", "AutoV2", "AutoV3", "SHA256", "CRC32", "BLAKE3")


def crc32_spellings(crc32: str) -> tuple[str, ...]:
    """A CRC32 as asked for, and with its bytes turned round: the site's old scanner printed them little-endian."""
    upper = crc32.upper()
    turned = "".join(reversed([upper[at : at + 2] for at in range(0, len(upper), 2)]))
    return (upper,) if turned == upper or len(upper) != 8 else (upper, turned)


def lookup_spellings(hash_text: str) -> tuple[str, ...]:
    """Every stored spelling that a hash from outside may mean: upper-case, `0x` cut, CRC32 in both byte orders.

    A 64-digit hash also stands for the 12 digits that AutoV3 keeps of it, because embedded payload hashes are whole.
    """
    text = hash_text.strip().upper().removeprefix("0X")
    if len(text) == 64:
        return (text, text[:12])
    return crc32_spellings(text) if len(text) == 8 else (text,)


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[FileIO]:
    """An unbuffered reader of a regular file. Anything else (a pipe would block for ever) is an UnreadableFile."""
    try:
        with FileIO(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableFile(f"{Path(path).name} is not a regular file")
            yield file
    except OSError as cause:
        raise UnreadableFile(f"cannot read {Path(path).name}: {cause.strerror or cause}") from cause


def hash_file(path: str | os.PathLike[str], *, progress: Progress | None = None, threads: int = 2) -> dict[str, str]:
    """The hashes of a file by wire word. `progress` gets the bytes done so far, in the calling thread.

    UnreadableFile when it cannot be read or changes length meanwhile. What `progress` raises ends the work.
    """
    with open_regular(path) as file:
        return hash_open_file(file, progress=progress, threads=threads).hexes()


def hash_open_file(file: FileIO, *, progress: Progress | None = None, threads: int = 2) -> ModelHashes:
    """`hash_file` for a reader at any position of a regular file; it is left at the end."""
    before = os.fstat(file.fileno())
    size_bytes = before.st_size
    hashes = ModelHashes()
    file.seek(0)
    if size_bytes < _SERIAL_BELOW or threads < 2:
        _hash_serially(file, hashes, progress)
    else:
        hashes.begin(file.read(16), size_bytes)
        file.seek(0)
        hashes.size_bytes = _Ring(file, hashes.lanes, progress).run(threads)
    if hashes.size_bytes != size_bytes or os.fstat(file.fileno()).st_mtime_ns != before.st_mtime_ns:
        raise UnreadableFile(f"the file changed while it was read: {hashes.size_bytes} of {size_bytes} bytes")
    return hashes


def _hash_serially(file: FileIO, hashes: ModelHashes, progress: Progress | None) -> None:
    buffer = memoryview(bytearray(CHUNK))
    while count := file.readinto(buffer):
        hashes.add(buffer[:count])
        if progress is not None:
            progress(hashes.size_bytes)


class _Ring:
    """A ring of chunk buffers between one reader and the lanes, moved by a few equal threads."""

    def __init__(
        self, file: FileIO, lanes: tuple[Callable[[memoryview, int], None], ...], progress: Progress | None
    ) -> None:
        self._file = file
        self._lanes = lanes
        self._progress = progress
        self._buffers = [memoryview(bytearray(CHUNK)) for _ in range(_RING)]
        self._lengths = [0] * _RING
        self._done = [0] * len(lanes)
        self._busy = [False] * len(lanes)
        self._reading = False
        self._filled = 0
        self._ended = False
        self._stopped = False
        self._bytes = 0
        self._turn = threading.Condition()

    def run(self, threads: int) -> int:
        """Hash the whole file; answers the number of bytes read."""
        with ThreadPoolExecutor(max_workers=threads - 1, thread_name_prefix="hash") as pool:
            helpers = [pool.submit(self._work, None) for _ in range(threads - 1)]
            self._work(self._progress)
            for helper in helpers:
                helper.result()
        if self._progress is not None:
            self._progress(self._bytes)
        return self._bytes

    def _work(self, progress: Progress | None) -> None:
        finished = False
        try:
            self._take_turns(progress)
            finished = True
        finally:
            if not finished:  # an error of any thread sends the others home; `run` raises it
                with self._turn:
                    self._stopped = True
                    self._turn.notify_all()

    def _take_turns(self, progress: Progress | None) -> None:
        reported = 0
        while (lane := self._take()) is not None:
            if lane < 0:
                self._read()
            else:
                self._move(lane)
            if progress is not None and (slowest := min(self._done)) > reported:
                reported = slowest
                progress(min(reported * CHUNK, self._bytes))

    def _take(self) -> int | None:
        """The next piece of work: -1 to read, a lane's number, or None when all is done."""
        with self._turn:
            while not self._stopped:
                lane = self._pick()
                if lane is not None:
                    return lane
                if self._ended and min(self._done) >= self._filled:
                    return None
                self._turn.wait()
        return None

    def _pick(self) -> int | None:
        if not self._reading and not self._ended and self._filled - min(self._done) < _RING // 2:
            self._reading = True
            return -1
        waiting = [at for at, done in enumerate(self._done) if done < self._filled and not self._busy[at]]
        if waiting:
            lane = min(waiting, key=self._done.__getitem__)
            self._busy[lane] = True
            return lane
        if not self._reading and not self._ended and self._filled - min(self._done) < _RING:
            self._reading = True
            return -1
        return None

    def _read(self) -> None:
        slot = self._filled % _RING
        count = _fill(self._file, self._buffers[slot])
        with self._turn:
            self._reading = False
            self._lengths[slot] = count
            self._bytes += count
            self._filled += count > 0
            self._ended = count < CHUNK
            self._turn.notify_all()

    def _move(self, lane: int) -> None:
        at = self._done[lane]
        slot = at % _RING
        self._lanes[lane](self._buffers[slot][: self._lengths[slot]], at * CHUNK)
        with self._turn:
            self._done[lane] = at + 1
            self._busy[lane] = False
            self._turn.notify_all()


def _fill(file: FileIO, buffer: memoryview) -> int:
    count = 0
    while count < len(buffer):
        more = file.readinto(buffer[count:])
        if not more:
            break
        count += more
    return count
