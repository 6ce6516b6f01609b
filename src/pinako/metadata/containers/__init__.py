"""From a file's bytes to quick facts and named texts. The content decides what it is, never its name."""

from __future__ import annotations

from collections.abc import Callable

from pinako import errors
from pinako.metadata.containers.audio import read_flac, read_mp3, read_ogg, read_wav
from pinako.metadata.containers.exif import read_exif, size_of
from pinako.metadata.containers.gif import read_gif
from pinako.metadata.containers.isobmff import read_boxes
from pinako.metadata.containers.jpeg import read_jpeg
from pinako.metadata.containers.matroska import read_matroska
from pinako.metadata.containers.png import SIGNATURE, read_png
from pinako.metadata.containers.source import Notes, Source
from pinako.metadata.containers.webp import read_webp
from pinako.metadata.reading import Facts

__all__ = ["Notes", "Source", "read_container"]

_MARKS: tuple[tuple[bytes, Callable[[Source, Notes], Facts]], ...] = (
    (b"\xff\xd8\xff", read_jpeg),
    (b"GIF87a", read_gif),
    (b"GIF89a", read_gif),
    (b"\x1aE\xdf\xa3", read_matroska),
    (b"\0\0\0\x0cJXL ", read_boxes),
    (b"ID3", read_mp3),
    (b"fLaC", read_flac),
    (b"OggS", read_ogg),
)
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
_MAX_TIFF = 1 << 25


def read_container(source: Source, notes: Notes) -> Facts:
    """Facts of the file, its texts added to `notes`. Content of no known kind: kind `unknown`. Empty: UnreadableFile."""
    head = source.head
    if head.startswith(SIGNATURE):
        return read_png(source, notes)
    for mark, read in _MARKS:
        if head.startswith(mark):
            return read(source, notes)
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return read_webp(source, notes) if head[8:12] == b"WEBP" else read_wav(source, notes)
    if head[4:8] in _BOXES:
        return read_boxes(source, notes)
    if head[:4] in (b"II*\0", b"MM\0*"):
        return _read_tiff(source, notes)
    if not head:
        raise errors.UnreadableFile("an empty file")
    return _simple(head)


def _read_tiff(source: Source, notes: Notes) -> Facts:
    block = source.at(0, _MAX_TIFF)
    read_exif(block, notes)
    width, height = size_of(block)
    return Facts(kind="image", mime="image/tiff", width=width, height=height)


def _simple(head: bytes) -> Facts:
    """Kinds that carry no texts."""
    if head[:2] == b"BM" and len(head) >= 26:
        width, height = (int.from_bytes(head[at : at + 4], "little", signed=True) for at in (18, 22))
        return Facts(kind="image", mime="image/bmp", width=abs(width), height=abs(height))
    if head[:2] == b"\xff\x0a":
        return Facts(kind="image", mime="image/jxl")
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6) and head[2] >> 4 not in (0, 15):
        return Facts(kind="audio", mime="audio/mpeg")
    return Facts()
