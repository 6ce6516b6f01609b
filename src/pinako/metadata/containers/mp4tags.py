"""Tags of MP4 and MOV files: iTunes lists, QuickTime keys (`use_metadata_tags`), and the old international text atoms."""

from __future__ import annotations

from collections.abc import Iterator

from pinako.metadata.containers.source import Notes
from pinako.metadata.containers.text import decode_loose

_NAMES = {b"\xa9cmt": "comment", b"\xa9nam": "title", b"\xa9too": "encoder", b"\xa9ART": "artist", b"desc": "description",
          b"\xa9des": "description", b"ldes": "synopsis", b"\xa9swr": "Software", b"\xa9inf": "information",
          b"\xa9cpy": "copyright", b"\xa9gen": "genre", b"\xa9day": "date"}  # fmt: skip
_MAX_ATOMS = 2000
_NESTED = frozenset({b"meta", b"ilst", b"udta"})
_MAX_DEPTH = 6


def read_tags(body: bytes, notes: Notes, depth: int = 0) -> None:
    """Add the tags found in a `udta` or `meta` body. Atoms inside are untrusted and only stepped over when unknown."""
    keys: list[str] = []
    for kind, start, end in _atoms(body):
        inner = body[start:end]
        if kind == b"keys":
            keys = _key_names(inner)
        elif kind == b"ilst":
            _read_list(inner, keys, notes)
        elif kind in _NESTED and depth < _MAX_DEPTH:
            # `meta` is a full box in MP4 (four more bytes) and a plain one in QuickTime.
            read_tags(inner[4:] if kind == b"meta" and inner[4:8] != b"hdlr" else inner, notes, depth + 1)
        elif kind in _NAMES and kind[:1] == b"\xa9":
            _read_old_text(kind, inner, notes)


def _atoms(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    position = 0
    for _ in range(_MAX_ATOMS):
        size = int.from_bytes(body[position : position + 4], "big")
        if position + 8 > len(body):
            return
        if size < 8:
            position += 4  # the version field of a full box, or padding
            continue
        yield body[position + 4 : position + 8], position + 8, min(position + size, len(body))
        position += size


def _key_names(body: bytes) -> list[str]:
    entries = body[8:]
    return [decode_loose(entries[start:end]) for _kind, start, end in _atoms(entries)]


def _read_list(body: bytes, keys: list[str], notes: Notes) -> None:
    for kind, start, end in _atoms(body):
        value, name = "", ""
        for inner, at, stop in _atoms(body[start:end]):
            part = body[start + at : start + stop]
            if inner == b"data":
                if part[3:4] in (b"\1", b"\0"):  # UTF-8 or unsaid; others are pictures and numbers
                    value = decode_loose(part[8:])
            elif inner == b"name":
                name = decode_loose(part[4:])
        number = int.from_bytes(kind, "big")
        if not name:
            name = keys[number - 1] if 0 < number <= len(keys) else _NAMES.get(kind, "")
        if name and value:
            notes.add(_short(name), value)


def _short(name: str) -> str:
    # QuickTime's keys are reverse domains: com.apple.quicktime.comment.
    return name.removeprefix("com.apple.quicktime.")


def _read_old_text(kind: bytes, body: bytes, notes: Notes) -> None:
    length = int.from_bytes(body[:2], "big")
    if 0 < length <= len(body) - 4:
        notes.add(_NAMES[kind], decode_loose(body[4 : 4 + length]))
    else:
        _read_list((len(body) + 8).to_bytes(4, "big") + kind + body, [], notes)
