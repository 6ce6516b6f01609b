"""A1111's "parameters" text taken apart: prompt lines, negative lines and the settings pairs (domain.md g)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pinako.metadata.jsontext import loads, loads_at, mend_text

_MAX_SETTINGS = 1 << 18
_MAX_PAIRS = 500
_MAX_BLOCKS = 16
_GAP = re.compile(r"[\s,]*")
_PAIR = re.compile(r'([^\W_][^:,\n"{}]{0,98}):[ \t]*([^,\n"{\[]*)')
_SIMPLE = re.compile(
    r'(\s*+([^\W_][^:,\n"{}]{0,97}[^:,\n"{}\s]):[ \t]*+("(?:[^"\\]|\\.)*+"|[^,\n"]*+)(?:,|\n|\Z))', re.DOTALL
)
_PLAIN = re.compile(r"[^,\n]*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NESTED = re.compile(r"\w[\w \-/]{1,60}: ")
_BREAK = re.compile(r"[,\n]")
_SETTINGS = re.compile(r"Steps: ?\d")
_JAMMED = re.compile(r"[.,\s]{0,4}\b(?=Negative prompt:|Steps: ?\d)")
_TEMPLATE = re.compile(r"^(?:Negative )?Template:.*?(?=^(?:Steps|Negative prompt|Negative Template):|\Z)", re.M | re.S)
LABELS = {
    label: label
    for label in (
        "Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model hash", "Model", "VAE hash", "VAE",
        "Clip skip", "Denoising strength", "Hires upscale", "Hires upscaler", "Hires steps", "Lora hashes", "TI hashes",
        "Version", "Refiner", "Face restoration", "ENSD", "RNG", "Module 1", "Created Date",
    )
}  # fmt: skip
"""One string per usual label: later look-ups then find the very same object, which is much quicker than an equal one."""
_STOPPERS = frozenset({"Resources", "Hashed prompt", "Hashed Negative prompt"})
_NEGATIVE = "Negative prompt:"
_NEXT_NEGATIVE = "\nNegative prompt:"


class Infotext(msgspec.Struct, frozen=True, kw_only=True):
    """The three parts. Values of `settings` are text, or what a JSON block held, or pairs for a quoted list of pairs."""

    prompt: str
    negative: str
    settings: dict[str, Any]


def parse_infotext(text: str) -> Infotext:
    """The parts of one "parameters" text; a part that is not there is empty."""
    at = settings_at(text)
    if at > 0:
        prompt, negative = split_prompts(text[:at].strip())
        return Infotext(prompt=prompt, negative=negative, settings=parse_settings(text[at:].rstrip()))
    return _parse_odd(text)


def settings_at(text: str) -> int:
    """Where the settings line of a text begins that is as the web UI writes it; -1 for one that other hands have changed."""
    at = text.rfind("\nSteps: ") + 1
    if at > 1 and text[at + 7 : at + 8].isdigit() and not _is_odd(text):
        return at
    return -1


def _is_odd(text: str) -> bool:
    return "\r" in text or "\0" in text or "Template:" in text or "Parameters:" in text


def _parse_odd(text: str) -> Infotext:
    """The same for texts that other hands have changed: line ends, prefixes, templates, all on one line."""
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
    simple = _parse_simple(line) if "{" not in line and "[" not in line else None
    return _parse_blocks(line) if simple is None else simple


def _parse_simple(line: str) -> dict[str, Any] | None:
    """The pairs of a line without blocks in one sweep; None where the sweep does not cover it all."""
    found = _SIMPLE.findall(line)
    if sum([len(whole) for whole, _key, _value in found]) != len(line):
        return None
    pairs: dict[str, Any] = {}
    for _whole, label, value in found[:_MAX_PAIRS]:
        key = LABELS.get(label, label)
        if key in _STOPPERS:  # an old extension's hashes of everything; what follows is no pair
            break
        if key not in pairs:
            pairs[key] = value.strip() if value[:1] != '"' else _quoted_value(key, value)
    return pairs


def _parse_blocks(line: str) -> dict[str, Any]:
    """The same pair by pair, for lines with JSON in them and for damaged ones."""
    pairs: dict[str, Any] = {}
    position, quotes, blocks = 0, True, 0
    while len(pairs) < _MAX_PAIRS:
        gap = _GAP.match(line, position)
        position = gap.end() if gap else position
        pair = _PAIR.match(line, position)
        if pair is None:
            following = _BREAK.search(line, position + 1)
            if following is None:
                break
            position = following.start()
            continue
        key, plain, position = pair[1], pair[2], pair.end()
        if key in _STOPPERS:
            break
        mark = line[position : position + 1]
        value: Any = None
        if mark == '"' and quotes and not plain:
            value, position, quotes = _quoted(line, position)
            value = _quoted_value(key.rstrip(), value) if value is not None else None
        elif mark and mark in "{[" and blocks < _MAX_BLOCKS and not plain:
            blocks += 1
            value, position = loads_at(line, position)
        if value is None:
            rest = _PLAIN.match(line, pair.start(2))
            position = rest.end() if rest else position
            value = line[pair.start(2) : position].strip()
        pairs.setdefault(key.rstrip(), value)
    return pairs


def _quoted_value(key: str, text: str) -> Any:
    """A quoted value: pairs where it begins like one (`ControlNet 0: "Module: canny, …"`), else its text."""
    plain = _unquoted(text)
    if key in LABELS or not _NESTED.match(plain):
        return plain
    return {inner: value for inner, value in parse_settings(plain).items() if isinstance(value, str)} or plain


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    value = loads(text)
    return value if isinstance(value, str) else text[1:-1]


def _quoted(line: str, position: int) -> tuple[Any, int, bool]:
    # A quote that never closes is looked for once: else a line of them would cost its square.
    match = _QUOTED.match(line, position)
    if match is None:
        return None, position, False
    end = match.end()
    if line[end : end + 1] not in (",", "\n", "", " "):
        return None, position, True
    return match[0], end, True


def _settings_line(lines: list[str]) -> int | None:
    # The last such line: a prompt may quote another picture's settings, the writer's own line always follows it.
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith("Steps:") and _SETTINGS.match(lines[index]):
            return index
    last = len(lines) - 1
    line = lines[last] if lines else ""
    if "Steps: " not in line or _NEGATIVE in line or not _PAIR.match(line):
        return None
    return last if len(parse_settings(line)) >= 3 else None


def split_prompts(text: str) -> tuple[str, str]:
    """(prompt, negative prompt) of what stands before the settings; further negative parts are joined by a space."""
    if text.startswith(_NEGATIVE):
        positive, parts = "", [text[len(_NEGATIVE) :]]
    else:
        positive, _mark, rest = text.partition(_NEXT_NEGATIVE)
        if _NEXT_NEGATIVE not in rest:
            return positive.strip(), rest.strip()
        parts = rest.split(_NEXT_NEGATIVE)
    negative = " ".join([part.strip() for part in parts if part.strip()])
    return positive.strip(), negative
