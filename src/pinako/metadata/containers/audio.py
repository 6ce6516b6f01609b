"""Audio: ID3 of MP3 files, INFO lists of WAV, comments of FLAC and Ogg."""

from __future__ import annotations

import struct

from pinako.metadata.containers.source import Notes, Source
from pinako.metadata.containers.text import decode_loose, decode_utf16
from pinako.metadata.containers.webp import riff_chunks
from pinako.metadata.reading import Facts

_FRAMES = {"TIT2": "title", "TPE1": "artist", "TALB": "album", "TSSE": "encoder", "TENC": "encoder", "TCON": "genre"}
_INFO = {b"ICMT": "comment", b"INAM": "title", b"IART": "artist", b"ISFT": "Software", b"IGNR": "genre"}
_MAX_TAG = 1 << 25
_MAX_FRAMES = 2000
_MAX_LABEL = 2000
_MAX_COMMENTS = 2000


def read_mp3(source: Source, notes: Notes) -> Facts:
    """An MP3 with or without a tag in front."""
    head = source.at(0, 10)
    if head[:3] == b"ID3":
        read_id3(head, source.at(10, min(_synchsafe(head[6:10]), _MAX_TAG)), notes)
    tail = source.tail(128)
    if tail[:3] == b"TAG" and not notes.fields:
        for name, part in (("title", tail[3:33]), ("artist", tail[33:63]), ("comment", tail[97:125])):
            notes.add(name, decode_loose(part).strip())
    return Facts(kind="audio", mime="audio/mpeg")


def read_wav(source: Source, notes: Notes) -> Facts:
    """A WAV: duration from its format and data chunks."""
    rate, size = 0, 0
    for kind, start, length in riff_chunks(source):
        if kind == b"fmt ":
            rate = int.from_bytes(source.at(start, 12)[8:12], "little")
        elif kind == b"data":
            size = min(length, source.size - start)
        elif kind == b"LIST" and source.at(start, 4) == b"INFO":
            _read_info(source.at(start + 4, min(length - 4, _MAX_TAG)), notes)
        elif kind in (b"id3 ", b"ID3 "):
            tag = source.at(start, min(length, _MAX_TAG))
            read_id3(tag[:10], tag[10:], notes)
    return Facts(kind="audio", mime="audio/wav", duration=size / rate if rate else None)


def read_flac(source: Source, notes: Notes) -> Facts:
    """A FLAC: its blocks before the sound."""
    position, duration = 4, None
    for _ in range(256):
        head = source.at(position, 4)
        if len(head) < 4:
            break
        length = int.from_bytes(head[1:4], "big")
        if head[0] & 127 == 0:
            packed = int.from_bytes(source.at(position + 14, 8), "big")
            rate, samples = packed >> 44, packed & (1 << 36) - 1
            duration = samples / rate if rate else None
        elif head[0] & 127 == 4:
            read_comments(source.at(position + 4, length), notes)
        position += 4 + length
        if head[0] & 128:
            break
    return Facts(kind="audio", mime="audio/flac", duration=duration)


def read_ogg(source: Source, notes: Notes) -> Facts:
    """An Ogg file: the comments are its second packet, which may span pages."""
    parts: list[bytes] = []
    position = gathered = 0
    for _ in range(4096):
        head = source.at(position, 27)
        if head[:4] != b"OggS" or len(head) < 27:
            break
        table = source.at(position + 27, head[26])
        length = sum(table)
        if position:
            parts.append(source.at(position + 27 + len(table), length))
            gathered += length
            if any(size < 255 for size in table) or gathered > _MAX_TAG:
                break
        position += 27 + len(table) + length
    data = b"".join(parts)
    for mark in (b"OpusTags", b"\x03vorbis", b"\x81theora"):
        if data.startswith(mark):
            read_comments(data[len(mark) :], notes)
    return Facts(kind="audio", mime="audio/ogg")


def read_comments(body: bytes, notes: Notes) -> None:
    """Vorbis comments: `NAME=text`, lengths in front, all untrusted."""
    position = 4 + int.from_bytes(body[:4], "little")
    count = int.from_bytes(body[position : position + 4], "little")
    position += 4
    for _ in range(min(count, _MAX_COMMENTS)):
        length = int.from_bytes(body[position : position + 4], "little")
        entry = body[position + 4 : position + 4 + length]
        position += 4 + length
        name, equals, text = decode_loose(entry).partition("=")
        if not equals:
            break
        notes.add(name.lower() if name.isupper() else name, text)


def read_id3(head: bytes, body: bytes, notes: Notes) -> None:
    """Frames of ID3 2.2 to 2.4 that hold text; named ones (TXXX, COMM) under their own name."""
    version = head[3] if len(head) > 5 else 0
    if len(head) > 5 and head[5] & 0x80 and version < 4:
        body = body.replace(b"\xff\0", b"\xff")
    wide = version >= 3
    position = 0
    for _ in range(_MAX_FRAMES):
        name = body[position : position + (4 if wide else 3)]
        if len(name) < 3 or name[:1] == b"\0":
            break
        if wide:
            size = (
                _synchsafe(body[position + 4 : position + 8])
                if version == 4
                else _big(body[position + 4 : position + 8])
            )
            start = position + 10
        else:
            size, start = _big(body[position + 3 : position + 6]), position + 6
        _read_frame(decode_loose(name), body[start : start + size], notes)
        position = start + size


def _read_frame(name: str, data: bytes, notes: Notes) -> None:
    if name in ("TXXX", "TXX"):
        label, text = _split(data[:1], data[1:])
        notes.add(label or "comment", text)
    elif name in ("COMM", "COM", "USLT"):
        label, text = _split(data[:1], data[4:])
        notes.add(label or ("lyrics" if name == "USLT" else "comment"), text)
    elif name in _FRAMES:
        notes.add(_FRAMES[name], _decode(data[:1], data[1:]))


def _split(code: bytes, data: bytes) -> tuple[str, str]:
    """A name and a text with a NUL of the encoding's width between them."""
    if code in (b"\1", b"\2"):
        for at in range(0, min(len(data) - 1, _MAX_LABEL), 2):
            if data[at : at + 2] == b"\0\0":
                return _decode(code, data[:at]), _decode(code, data[at + 2 :])
        return "", _decode(code, data)
    label, nul, text = data.partition(b"\0")
    return (_decode(code, label), _decode(code, text)) if nul else ("", _decode(code, data))


def _decode(code: bytes, data: bytes) -> str:
    return decode_utf16(data) if code in (b"\1", b"\2") else decode_loose(data)


def _read_info(body: bytes, notes: Notes) -> None:
    position = 0
    while position + 8 <= len(body):
        kind, length = struct.unpack_from("<4sI", body, position)
        if kind in _INFO:
            notes.add(_INFO[kind], decode_loose(body[position + 8 : position + 8 + length]).strip())
        position += 8 + length + (length & 1)


def _synchsafe(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 7 | byte & 127
    return value


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")
