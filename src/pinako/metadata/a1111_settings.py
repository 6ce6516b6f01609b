"""A1111's "parameters" text taken apart: prompt lines, negative lines and the settings pairs (domain.md g)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pinako.metadata.jsontext import loads, loads_at, mend_text

_MAX_SETTINGS = 1 << 18
_MAX_PAIRS = 500
_MAX_BLOCKS = 16
_KEY = re.compile(r'[\s,]*([^\W_][^:,\n"{}]{0,98}?)\s{0,4}:[ \t]*')
_PLAIN = re.compile(r"[^,\n]*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BREAK = re.compile(r"[,\n]")
_SETTINGS = re.compile(r"Steps: ?\d")
_JAMMED = re.compile(r"[.,\s]{0,4}\b(?=Negative prompt:|Steps: ?\d)")
_TEMPLATE = re.compile(r"^(?:Negative )?Template:.*?(?=^(?:Steps|Negative prompt|Negative Template):|\Z)", re.M | re.S)
_STOPPERS = frozenset({"Resources", "Hashed prompt", "Hashed Negative prompt"})
_NEGATIVE = "Negative prompt:"


class Infotext(msgspec.Struct, frozen=True, kw_only=True):
    """The three parts. Values of `settings` are text, or what a JSON block held, or pairs for a quoted list of pairs."""

    prompt: str
    negative: str
    settings: dict[str, Any]


def parse_infotext(text: str) -> Infotext:
    """The parts of one "parameters" text; a part that is not there is empty."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = mend_text(text).strip().removeprefix("Parameters:").lstrip()
    if "Template:" in text:
        text = _TEMPLATE.sub("", text)
    lines = text.split("\n")
    at = _settings_line(lines)
    if at is None and "Steps: " in text:
        lines = _JAMMED.sub("\n", text, count=20).split("\n")
        at = _settings_line(lines)
    prompts = lines if at is None else lines[:at]
    prompt, negative = split_prompts("\n".join(prompts).strip())
    settings = {} if at is None else parse_settings("\n".join(lines[at:]))
    return Infotext(prompt=prompt, negative=negative, settings=settings)


def parse_settings(line: str) -> dict[str, Any]:
    """The pairs of a settings line: JSON-quoted texts unquoted, JSON blocks read, the first of a repeated key kept."""
    line = line[:_MAX_SETTINGS]
    pairs: dict[str, Any] = {}
    position, quotes, blocks = 0, True, 0
    while position < len(line) and len(pairs) < _MAX_PAIRS:
        key = _KEY.match(line, position)
        if key is None:
            following = _BREAK.search(line, position + 1)
            if following is None:
                break
            position = following.start()
            continue
        if key[1] in _STOPPERS:  # an old extension's hashes of everything; what follows is no pair
            break
        position = key.end()
        mark = line[position : position + 1]
        value: Any = None
        if mark == '"' and quotes:
            value, end, quotes = _quoted(line, position)
        elif mark and mark in "{[" and blocks < _MAX_BLOCKS:
            blocks += 1
            value, end = loads_at(line, position)
        if value is None:
            plain = _PLAIN.match(line, position)
            end = plain.end() if plain else position
            value = line[position:end].strip()
        pairs.setdefault(key[1], value)
        position = end
    return pairs


def _quoted(line: str, position: int) -> tuple[Any, int, bool]:
    # A quote that never closes is looked for once: else a line of them would cost its square.
    match = _QUOTED.match(line, position)
    if match is None:
        return None, position, False
    end = match.end()
    if line[end : end + 1] not in (",", "\n", "", " "):
        return None, position, True
    text = loads(match[0])
    if not isinstance(text, str):
        text = match[0][1:-1]
    return text, end, True


def nested_pairs(text: Any) -> dict[str, Any]:
    """The pairs inside a quoted value that begins like one (`ControlNet 0: "Module: canny, …"`); else nothing."""
    if not isinstance(text, str) or not _KEY.match(text):
        return {}
    return parse_settings(text)


def _settings_line(lines: list[str]) -> int | None:
    # The last such line: a prompt may quote another picture's settings, the writer's own line always follows it.
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith("Steps:") and _SETTINGS.match(lines[index]):
            return index
    last = len(lines) - 1
    if last >= 0 and "Steps: " in lines[last] and not _NEGATIVE_INSIDE.search(lines[last]):
        start = _KEY.match(lines[last])
        if start and start.start() == 0 and len(parse_settings(lines[last])) >= 3:
            return last
    return None


_NEGATIVE_INSIDE = re.compile(r"Negative prompt:")


def split_prompts(text: str) -> tuple[str, str]:
    if text.startswith(_NEGATIVE):
        positive, parts = "", [text[len(_NEGATIVE) :]]
    else:
        positive, *parts = text.split("\n" + _NEGATIVE)
    negative = " ".join(part.strip() for part in parts if part.strip())
    return positive.strip(), negative
