"""GIF: comments and XMP between its blocks; more than one picture is an animation."""

from __future__ import annotations

from pinako import errors
from pinako.metadata.containers.source import MAX_TEXT, Notes, Source
from pinako.metadata.containers.text import decode_loose
from pinako.metadata.containers.xmp import read_xmp
from pinako.metadata.reading import Facts

_MAX_BLOCKS = 200_000
_WINDOW = 1 << 18


def read_gif(source: Source, notes: Notes) -> Facts:
    """Facts and texts. A file whose blocks end too early is `complete` False; one over the bound is read to there."""
    head = source.at(0, 13)
    if len(head) < 13:
        raise errors.UnreadableFile("a GIF without its screen")
    walk = _Walk(source)
    walk.position = 13 + _colours(head[10])
    pictures, complete = 0, False
    while walk.blocks < _MAX_BLOCKS:
        mark = walk.take(1)
        if mark == b";":
            complete = True
            break
        if mark == b"!":
            _extension(walk, notes)
        elif mark == b",":
            pictures += 1
            descriptor = walk.take(9)
            walk.position += _colours(descriptor[8]) + 1 if len(descriptor) == 9 else 0
            walk.skip()
        else:
            break
    complete = complete or walk.blocks >= _MAX_BLOCKS
    return Facts(
        kind="image", mime="image/gif", width=int.from_bytes(head[6:8], "little"),
        height=int.from_bytes(head[8:10], "little"), animated=pictures > 1, complete=complete,
    )  # fmt: skip


class _Walk:
    """A place in the file with a window around it: blocks have 255 bytes at most and come by the thousand."""

    def __init__(self, source: Source) -> None:
        self.source, self.position, self.blocks = source, 0, 0
        self._start, self._window = 0, source.head

    def take(self, length: int) -> bytes:
        start = self.position - self._start
        if start < 0 or start + length > len(self._window):
            self._start, self._window, start = self.position, self.source.at(self.position, _WINDOW), 0
        self.position += length
        return self._window[start : start + length]

    def gather(self) -> bytes:
        """The data of a chain of sub-blocks."""
        parts, size = [], 0
        while (length := self._next()) and size < MAX_TEXT:
            parts.append(self.take(length))
            size += length
        return b"".join(parts)

    def skip(self) -> None:
        """Past a chain of sub-blocks."""
        while length := self._next():
            self.position += length

    def _next(self) -> int:
        self.blocks += 1
        place = self.position - self._start
        if 0 <= place < len(self._window) and self.blocks < _MAX_BLOCKS:
            self.position += 1
            return self._window[place]
        piece = self.take(1) if self.blocks < _MAX_BLOCKS else b""
        return piece[0] if piece else 0


def _extension(walk: _Walk, notes: Notes) -> None:
    label = walk.take(1)
    if label == b"\xfe":
        notes.add("Comment", decode_loose(walk.gather()))
    elif label == b"\xff":
        length = walk.take(1)
        name = walk.take(length[0]) if length else b""
        if name == b"XMP DataXMP":
            _xmp(walk, notes)
        else:
            walk.skip()
    else:
        walk.skip()


def _xmp(walk: _Walk, notes: Notes) -> None:
    # The packet stands there plain; a trailer of counting bytes makes it look like sub-blocks.
    start = walk.position
    walk.skip()
    packet = walk.source.at(start, walk.position - start)
    text = decode_loose(packet[: packet.rfind(b">") + 1])
    read_xmp(text, notes)
    notes.add("XMP", text)


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
