"""Bytes to text for fields whose encoding is unsaid or said wrongly, which in these files is the normal case."""

from __future__ import annotations

import re

_HAN_OR_KANA = re.compile(r"[぀-ヿ一-鿿가-힯]")


def decode_loose(data: bytes) -> str:
    """UTF-8 where it is valid, else Latin-1: `tEXt` is Latin-1 by its rules and UTF-8 in half of the files."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\0", "") if "\0" in text else text


def decode_utf16(data: bytes) -> str:
    """UTF-16 whose byte order nobody says: a BOM, else where the NULs are, else the order that reads as a prompt."""
    if data[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return _utf16(data[2:], "be" if data[0] == 0xFE else "le")
    sample = data[:1000]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even == odd == 0 and _is_utf8(data):
        return decode_loose(data)  # UTF-8 after a UNICODE code: some re-encoders do that
    little, big = _utf16(data, "le"), _utf16(data, "be")
    if "Steps:" in little and "Steps:" not in big:
        return little
    if "Steps:" in big and "Steps:" not in little:
        return big
    if abs(even - odd) * 20 > len(sample):
        return little if odd > even else big
    return little if _readable(little) > _readable(big) else big


def decode_user_comment(data: bytes) -> str:
    """EXIF UserComment: eight bytes naming the character code, then the text (domain.md g)."""
    code, rest = data[:8], data[8:]
    if code == b"UNICODE\0":
        return decode_utf16(rest)
    if code[:5] in (b"ASCII", b"UTF8\0") or code == b"\0" * 8 or code == b" " * 8:
        return decode_loose(rest) if rest.count(0) * 4 < len(rest) else decode_utf16(rest)
    if code[:4] == b"JIS\0":
        return _jis(rest)
    return decode_loose(data) if data.count(0) * 4 < len(data) else decode_utf16(data)


def _utf16(data: bytes, order: str) -> str:
    text = data[: len(data) & ~1].decode(f"utf-16-{order}", errors="replace")
    return text.replace("\0", "").removeprefix("\ufeff")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _readable(text: str) -> int:
    sample = text[:500]
    return 2 * sum(char.isascii() for char in sample) + len(_HAN_OR_KANA.findall(sample)) - 4 * sample.count("\ufffd")


def _jis(data: bytes) -> str:
    for encoding in ("iso2022_jp", "shift_jis"):
        try:
            return data.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return decode_loose(data)
