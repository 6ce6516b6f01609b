"""JPEG: the segments before the picture data; EXIF and XMP may each be spread over several."""

from __future__ import annotations

from pinako import errors
from pinako.metadata.containers.exif import read_exif
from pinako.metadata.containers.source import MAX_TEXT, Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.containers.xmp import read_xmp
from pinako.metadata.reading import Facts

_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_MAX_SEGMENTS = 4096


def read_jpeg(source: Source, notes: Notes) -> Facts:
    """Facts and texts; COM segments become `Comment`. A file that ends before its data: `complete` False."""
    gathered = _Segments()
    position, complete = 2, False
    for _ in range(_MAX_SEGMENTS):
        piece = source.at(position, 4)
        if len(piece) < 4:
            break
        if piece[0] != 0xFF:
            position += 1  # stray bytes between segments: resynchronise
            continue
        marker = piece[1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            complete = marker == 0xDA
            break
        length = int.from_bytes(piece[2:4], "big")
        if length < 2:
            break
        if (marker in _SIZES or marker in (0xE1, 0xEB, 0xFE)) and gathered.bytes < MAX_TEXT:
            gathered.take(marker, source.at(position + 4, length - 2))
        position += length + 2
    if gathered.size is None and not gathered.any:
        raise errors.UnreadableFile("a JPEG without a single segment")
    gathered.give(notes)
    width, height = gathered.size or (None, None)
    return Facts(
        kind="image", mime="image/jpeg", width=width, height=height, c2pa=gathered.c2pa, complete=complete
    )  # fmt: skip


class _Segments:
    """What the walk has met so far, joined at its end."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.c2pa = self.any = False
        self.bytes = 0
        self._exif: list[bytes] = []
        self._xmp = b""
        self._xmp_more: dict[int, bytes] = {}
        self._comments: list[bytes] = []

    def take(self, marker: int, body: bytes) -> None:
        self.any = True
        self.bytes += len(body)
        if marker == 0xFE:
            self._comments.append(body)
        elif marker == 0xEB:
            self.c2pa = self.c2pa or b"c2pa" in body[:256] or b"jumb" in body[:64]
        elif marker != 0xE1:
            self.size = self.size or (int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
        elif body.startswith(b"Exif\0"):
            self._exif.append(body[6:])
        elif body.startswith(_XMP):
            self._xmp = self._xmp or body[len(_XMP) :]
        elif body.startswith(_XMP_MORE):
            start = len(_XMP_MORE) + 32  # a digest, then total length and offset of this part
            self._xmp_more[int.from_bytes(body[start + 4 : start + 8], "big")] = body[start + 8 :]

    def give(self, notes: Notes) -> None:
        for block in self._exif_blocks():
            read_exif(block, notes)
        for packet in (self._xmp, b"".join(self._xmp_more[offset] for offset in sorted(self._xmp_more))):
            if packet:
                text = decode_loose(packet)
                read_xmp(text, notes)
                notes.add("XMP", text)
        for comment in self._comments:
            notes.add("Comment", decode_loose(comment))

    def _exif_blocks(self) -> list[bytes]:
        # A block over 64 KB goes on in the next segment, which then lacks the byte-order mark of a TIFF start.
        blocks: list[bytes] = []
        for body in self._exif:
            if blocks and body[:2] not in (b"II", b"MM"):
                blocks[-1] += body
            else:
                blocks.append(body)
        return blocks
