"""EXIF (a small TIFF tree) to named texts. Offsets are untrusted: everything is checked against the block's length."""

from __future__ import annotations

import re
import struct

from pinako.metadata.containers.source import Notes
from pinako.metadata.containers.text import decode_loose, decode_user_comment, decode_utf16
from pinako.metadata.containers.xmp import read_xmp

NAMES = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software", 0x013B: "Artist",
    0x8298: "Copyright", 0x010D: "DocumentName", 0x02BC: "XMP", 0x9286: "UserComment",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject",
}  # fmt: skip
_POINTERS = frozenset({0x8769, 0x014A})
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_DIRECTORIES = 16
_MAX_ENTRIES = 512

# ComfyUI's savers write `prompt:{…}` and `workflow:{…}` into whatever text tag is at hand.
_PREFIXED = re.compile(r"\s*(prompt|workflow|parameters|generation_data)\s*:\s*(?=[{\[])", re.IGNORECASE)


def read_exif(block: bytes, notes: Notes) -> None:
    """Add the texts of an EXIF block (with or without its `Exif` mark) to `notes`. Damage ends the walk silently."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return
    queue = [struct.unpack_from(order + "I", block, 4)[0]]
    seen: set[int] = set()
    # Entries may share bytes; all together they say at most twice what the block holds.
    room = _Room(2 * len(block))
    while queue and len(seen) < _MAX_DIRECTORIES:
        offset = queue.pop(0)
        if offset in seen:
            continue
        seen.add(offset)
        queue += _read_directory(block, offset, order, notes, room)


def add_text(notes: Notes, name: str, text: str) -> None:
    """Keep a tag's text, under the name that a saver wrote in front of it where there is one."""
    text = text.strip("\0 ") if name != "UserComment" else text
    match = _PREFIXED.match(text)
    if match:
        notes.add(match[1].lower(), text[match.end() :])
    else:
        notes.add(name, text)


def size_of(block: bytes) -> tuple[int | None, int | None]:
    """Width and height that the first directory states (TIFF pictures)."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return None, None
    found: dict[int, int] = {}
    for tag, kind, count, place in _entries(block, struct.unpack_from(order + "I", block, 4)[0], order):
        if tag in (0x100, 0x101) and count == 1 and kind in (3, 4):
            found[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), block, place)[0]
    return found.get(0x100), found.get(0x101)


def _entries(block: bytes, offset: int, order: str) -> list[tuple[int, int, int, int]]:
    if offset + 2 > len(block):
        return []
    count = min(struct.unpack_from(order + "H", block, offset)[0], _MAX_ENTRIES, (len(block) - offset - 2) // 12)
    entries = []
    for index in range(count):
        place = offset + 2 + 12 * index
        tag, kind, length = struct.unpack_from(order + "HHI", block, place)
        size = _WIDTHS.get(kind, 1) * length
        start = place + 8 if size <= 4 else struct.unpack_from(order + "I", block, place + 8)[0]
        entries.append((tag, kind, length, start))
    return entries


class _Room:
    """Bytes that may still be decoded."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> bool:
        self.left -= size
        return self.left >= 0


def _read_directory(block: bytes, offset: int, order: str, notes: Notes, room: _Room) -> list[int]:
    entries = _entries(block, offset, order)
    pointers = []
    for tag, kind, length, start in entries:
        if tag in _POINTERS and kind in (4, 13) and start + 4 <= len(block):
            pointers.append(struct.unpack_from(order + "I", block, start)[0])
        elif tag in NAMES:
            size = min(_WIDTHS.get(kind, 1) * length, len(block) - start)
            if size > 0 and room.take(size):
                text = _decode(tag, kind, block[start : start + size])
                if tag == 0x02BC:
                    read_xmp(text, notes)
                add_text(notes, NAMES[tag], text)
    after = offset + 2 + 12 * len(entries)
    if entries and after + 4 <= len(block):
        following = struct.unpack_from(order + "I", block, after)[0]
        if following:
            pointers.append(following)
    return pointers


def _decode(tag: int, kind: int, data: bytes) -> str:
    if tag == 0x9286 and kind != 2:
        return decode_user_comment(data)
    if tag >= 0x9C9B:
        return decode_utf16(data)
    return decode_loose(data)
