"""JSON as generators write it: strict first and fast, then with the known damage repaired (NaN, `undefined`, cut strings)."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

MAX_JSON = 1 << 23
"""Texts over 8 MiB are kept and shown, not parsed."""

_MAX_REPAIR = 1 << 21
_decoder = msgspec.json.Decoder()
_lenient = json.JSONDecoder(strict=False, parse_constant=lambda _name: None)
# A string that never closes goes to the end, so that its quotes are not tried again one by one.
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
_TOKENS = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_UNDEFINED = re.compile(rf"({_STRING})|\b(?:undefined|NaN|-?Infinity)\b", re.DOTALL)


def loads(text: str) -> Any:
    """The value, or None where even the repaired text is no JSON. NaN, Infinity and `undefined` become null."""
    if len(text) > MAX_JSON:
        return None
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return _loads_repaired(text)


def loads_dict(text: str) -> dict[str, Any]:
    """The object, or an empty one where the text is no JSON object."""
    value = loads(text) if text.lstrip()[:1] == "{" else None
    return value if isinstance(value, dict) else {}


def loads_at(text: str, position: int) -> tuple[Any, int]:
    """The object or list that starts at `position` and where it ends; (None, position) where none can be made out."""
    try:
        value, end = _lenient.raw_decode(text, position)
    except (ValueError, RecursionError):
        end = _balanced_end(text, position)
        value = loads(text[position:end])
    return (None, position) if value is None else (mend(value), end)


def encode(value: Any) -> str:
    """The value as compact JSON text."""
    return msgspec.json.encode(value).decode()


def mend(value: Any) -> Any:
    """The same value without what UTF-8 and PostgreSQL cannot hold: lone surrogates and NULs in its texts."""
    if isinstance(value, str):
        return mend_text(value)
    if isinstance(value, dict):
        return {mend_text(key): mend(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mend(inner) for inner in value]
    return value


def mend_text(text: str) -> str:
    """The text with lone surrogates as replacement marks and without NULs."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "")


def _loads_repaired(text: str) -> Any:
    text = text.strip().rstrip("\0")
    if len(text) > _MAX_REPAIR:
        return None
    for attempt in (text, _UNDEFINED.sub(lambda match: match[1] or "null", text)):
        try:
            return mend(_lenient.decode(attempt))
        except (ValueError, RecursionError):
            continue
    return None


def _balanced_end(text: str, position: int) -> int:
    depth = 0
    for token in _TOKENS.finditer(text, position):
        mark = token[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if depth <= 0:
                return token.end()
    return position
