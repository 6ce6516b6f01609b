"""The A1111 family: one "parameters" text, written by web UIs, sites and saver nodes alike (domain.md g).

Forge, reForge, SD.Next, Civitai on-site, Stability Matrix, Easy savers of ComfyUI: they differ in a few keys only, so they
share this reader and are told apart in `_tool`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from pinako.catalog.generation import Generation, UsedTool
from pinako.metadata.a1111_resources import gather_resources, usual_files
from pinako.metadata.a1111_settings import Infotext, parse_infotext, parse_settings, settings_at, split_prompts
from pinako.metadata.jsontext import loads_dict
from pinako.metadata.record import TAG, from_meta, plain_pieces, plain_prompt
from pinako.metadata.values import int_of, number_of, size_of

_FIELDS = ("parameters", "UserComment", "stealth", "Comment", "comment", "xmp:UserComment", "ImageDescription",
           "xmp:parameters", "description", "xmp:description", "Parameters", "XPComment")  # fmt: skip
_MAX_TEXT = 1 << 21
_MEMORABLE = 2000
_MAX_TAGS = 60
_HEAD = re.compile(
    r"Steps: ([1-9]\d{0,5})(, Sampler: [^,:\n\"{\[]{1,60}(?:, Schedule type: [^,:\n\"{\[]{1,60})?), "
    r"CFG scale: (\d{1,4}(?:\.\d{1,6})?), Seed: (\d{1,19}), Size: ([1-9]\d{0,4})x([1-9]\d{0,4})(?=,|\Z)",
    re.ASCII,
)
"""How the web UI and most others begin a settings line; what the numbers are changes nothing in how the rest is read."""
_OWN = frozenset({"prompt", "negativePrompt", "seed", "steps", "cfgScale", "width", "height"})

_RENAMED = {"Steps": "steps", "CFG scale": "cfgScale", "Seed": "seed", "Clip skip": "clipSkip", "Sampler": "sampler"}
_TAKEN = frozenset({"Hashes", "Civitai resources", "Civitai metadata", "Lora hashes", "TI hashes"})
_FORGE = re.compile(r"f\d[\d.]*v")
_REFORGE = re.compile(r"f\d[\w.]*-v\d|.*\breforge\b", re.IGNORECASE)


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record of the first field that holds such a text; JSON that merely quotes one is left to its own reader."""
    text = find_text(fields)
    return None if text is None else read_text(text, fields)


def find_text(fields: Mapping[str, str]) -> str | None:
    """The "parameters" text among a file's fields, by its `Steps: `."""
    for name in _FIELDS:
        text = fields.get(name)
        if text is not None and "Steps: " in text and len(text) <= _MAX_TEXT and not _is_object(text):
            return text
    return None


def _is_object(text: str) -> bool:
    """Whether a text is a JSON object. A brace alone says little: prompts begin so for emphasis and for choices, `{red|blue}`."""
    return text.lstrip()[:1] == "{" and ("\nSteps: " not in text or bool(loads_dict(text)))


def read_text(text: str, fields: Mapping[str, str] | None = None) -> Generation | None:
    """The record of one text; None when it has no settings at all. `fields` tells apart who else left a trace."""
    alike = _read_alike(text) if fields is None or len(fields) == 1 else None
    if alike is not None:
        return alike
    parts = parse_infotext(text)
    return _record(parts, fields or {}) if parts.settings else None


def _record(parts: Infotext, fields: Mapping[str, str]) -> Generation:
    meta = _meta(parts)
    tool = _tool(parts.settings, fields)
    files = usual_files(parts, meta)
    if files is not None:
        return from_meta(meta, generator="a1111", tool=tool, resources=files.resources, model=files.model)
    names = gather_resources(parts, meta)
    on_site = ("Civitai resources" in parts.settings and "Version" not in meta) or fields.get("Artist") == "ai"
    return from_meta(meta, generator="civitai" if on_site else "a1111", tool=tool, names=names)


# --- runs of pictures made alike -----------------------------------------------------------------------------------


class _Run(msgspec.Struct, frozen=True):
    """What pictures with the same settings and networks have in common; `nested` are those values of its `meta` that can be
    changed, and how each is copied."""

    record: Generation
    nested: tuple[tuple[str, Any, Callable[[Any], Any]], ...]


def _read_alike(text: str) -> Generation | None:
    """The record, of a text that differs from others in prompts and numbers only; None where it must be read by itself.

    Folders hold long runs of pictures with the same settings, so what a settings line comes to is remembered.
    """
    at = settings_at(text)
    if at < 0:
        return None
    line = text[at:].rstrip()
    head = _HEAD.match(line)
    if head is None or len(line) > _MEMORABLE:
        return None
    prompt, negative = split_prompts(text[:at].strip())
    pieces = TAG.split(prompt) if "<" in prompt else [prompt]
    tags = pieces[1:]
    del tags[3::4]  # what is left are word, name and weight of each
    if len(tags) > _MAX_TAGS:
        return None
    run = _run_of(head[2], line[head.end() :], tuple(tags))
    return None if run is None else _one_of(run, head, prompt, pieces, negative)


@lru_cache(maxsize=1024)
def _run_of(sampler: str, rest: str, tags: tuple[str, ...]) -> _Run | None:
    settings = parse_settings(f"Steps: 1{sampler}, CFG scale: 1, Seed: 1, Size: 1x1{rest}")
    if not _OWN.isdisjoint(settings):
        return None  # labels that are the keys of what differs
    prompt = "".join([f"<{word}:{name}{weight}>" for word, name, weight in zip(*[iter(tags)] * 3, strict=True)])
    record = _record(Infotext(prompt=prompt, negative="", settings=settings), {})
    record.meta.pop("prompt", None)
    nested = [(key, value) for key, value in record.meta.items() if type(value) in (dict, list)]
    return _Run(record, tuple([(key, value, _copier(value)) for key, value in nested]))


def _one_of(run: _Run, head: re.Match[str], prompt: str, pieces: list[str], negative: str) -> Generation:
    steps, _sampler, cfg, seed, width, height = head.groups()
    meta: dict[str, Any] = {}
    if prompt:
        meta["prompt"] = prompt
    if negative:
        meta["negativePrompt"] = negative
    meta |= run.record.meta
    for key, value, copy in run.nested:
        meta[key] = copy(value)
    meta["steps"], meta["cfgScale"], meta["seed"] = int(steps), number_of(cfg), int(seed)
    meta["Size"], meta["width"], meta["height"] = f"{width}x{height}", int(width), int(height)
    return msgspec.structs.replace(
        run.record, prompt=plain_pieces(pieces), negative_prompt=plain_prompt(negative), steps=meta["steps"],
        cfg_scale=float(cfg), seed=meta["seed"], width=meta["width"], height=meta["height"], meta=meta,
    )  # fmt: skip


def _copier(value: Any) -> Callable[[Any], Any]:
    """How a value is best copied: most are a dictionary of texts or a list of such."""
    if type(value) is dict and _is_flat(value):
        return dict.copy
    if type(value) is list and all(type(entry) is dict and _is_flat(entry) for entry in value):
        return _copied_rows
    return _copied


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(type(inner) in (dict, list) for inner in value.values())


def _copied_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row.copy() for row in rows]


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if type(value) is list else value


# --- the record ----------------------------------------------------------------------------------------------------


def _meta(parts: Infotext) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if parts.prompt:
        meta["prompt"] = parts.prompt
    if parts.negative:
        meta["negativePrompt"] = parts.negative
    for key, value in parts.settings.items():
        if key in _TAKEN:
            continue
        if (renamed := _RENAMED.get(key)) is None:
            meta[key] = value
        elif renamed == "sampler":
            meta[renamed] = value
        else:
            number = number_of(value)
            meta[renamed] = value if number is None else number
    size = size_of(parts.settings.get("Size"))
    if size:
        meta["width"], meta["height"] = size
    if isinstance(parts.settings.get("Created Date"), str):
        meta["Created Date"] = _mend_date(meta["Created Date"])
    if "Civitai metadata" in parts.settings:
        _read_site_block(parts.settings["Civitai metadata"], meta)
    return meta


def _read_site_block(block: Any, meta: dict[str, Any]) -> None:
    if not isinstance(block, dict) or not block:
        return
    meta["extra"] = block
    for key in ("width", "height"):
        if key not in meta and int_of(block.get(key)):
            meta[key] = int_of(block[key])
    if isinstance(block.get("workflow"), str):
        meta.setdefault("workflow", block["workflow"])


def _mend_date(text: str) -> str:
    # A scanner of the site lost the colon between hour and minute: 2026-02-25T2209:08.8Z.
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d)(\d\d:.*)", text[:64])
    return f"{match[1]}:{match[2]}" if match else text


def _tool(settings: Mapping[str, Any], fields: Mapping[str, str]) -> UsedTool | None:
    version = settings.get("Version") if isinstance(settings.get("Version"), str) else None
    app = settings.get("App")
    if isinstance(app, str) and app:
        return UsedTool(name=app, version=version)
    if "parameters-json" in fields or "smproj" in fields:
        return UsedTool(name="Stability Matrix")
    if version:
        return _versioned_tool(version)
    if "Civitai resources" in settings:
        return UsedTool(name="Civitai")
    if "prompt" in fields or "workflow" in fields:
        return UsedTool(name="ComfyUI")
    return None


def _versioned_tool(version: str) -> UsedTool:
    word, _, rest = version.partition(" ")
    if word.lower() in ("comfyui", "fooocus", "easydiffusion", "forge", "neo", "swarmui"):
        return UsedTool(name={"neo": "Forge Neo", "comfyui": "ComfyUI"}.get(word.lower(), word), version=rest or None)
    if _REFORGE.match(version):
        return UsedTool(name="reForge", version=version)
    if _FORGE.match(version):
        return UsedTool(name="Forge", version=version)
    return UsedTool(name="AUTOMATIC1111", version=version)
