"""NovelAI: PNG text of its own, the same as JSON in EXIF, or hidden in the alpha channel (found by containers/stealth)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pinako.catalog.generation import Generation, UsedModel, UsedTool
from pinako.metadata.jsontext import loads_dict
from pinako.metadata.objects import dict_of, dicts_of, numbers, texts
from pinako.metadata.record import from_meta
from pinako.metadata.values import text_of

_NUMBERS = {"scale": "cfgScale", "steps": "steps", "seed": "seed", "width": "width", "height": "height"}
_TEXTS = {"prompt": "prompt", "uc": "negativePrompt", "sampler": "sampler", "noise_schedule": "scheduler"}
_SOURCE = re.compile(r"(.{1,200}?)\s+([0-9A-Fa-f]{8})\s*")


def read(fields: Mapping[str, str]) -> Generation | None:
    """The record of a file that says NovelAI in its `Software` and has the settings as JSON in its `Comment`."""
    said: Mapping[str, Any] = fields
    if "NovelAI" not in fields.get("Software", "") or "Comment" not in fields:
        said = _nested(fields)
    settings = dict_of(said.get("Comment"))
    return _record(said, settings) if settings else None


def _nested(fields: Mapping[str, str]) -> dict[str, Any]:
    for name in ("stealth", "UserComment", "parameters", "Comment"):
        text = fields.get(name, "")
        if "NovelAI" in text or '"Comment"' in text:
            found = loads_dict(text)
            if "Comment" in found and ("NovelAI" in str(found.get("Software", "")) or "Source" in found):
                return found
    return {}


def _record(said: Mapping[str, Any], settings: dict[str, Any]) -> Generation:
    meta = texts(settings, _TEXTS) | numbers(settings, _NUMBERS)
    if "prompt" not in meta:
        meta |= texts(said, {"Description": "prompt"}) | _captions(settings, "v4_prompt", "prompt")
    if "negativePrompt" not in meta:
        meta |= _captions(settings, "v4_negative_prompt", "negativePrompt")
    characters = _characters(settings.get("v4_prompt"))
    if characters:
        meta["characterPrompts"] = characters
    request = str(settings.get("request_type", ""))
    process = "inpainting" if "Infill" in request else "img2img" if "Img2Img" in request else None
    if process:
        meta |= numbers(settings, {"strength": "Denoising strength"})
    model = _model(text_of(said.get("Source")))
    if model is not None and model.name:
        digest = {"hash": model.hash} if model.hash else {}
        meta |= {"Model": model.name, "resources": [{"type": "model", "name": model.name, **digest}]}
    meta["software"] = "NovelAI"
    native = text_of(settings.get("sampler"))
    return from_meta(
        meta, generator="novelai", tool=UsedTool(name="NovelAI"), process=process, model=model, native_sampler=native
    )


def _model(source: str | None) -> UsedModel | None:
    match = _SOURCE.fullmatch(source or "")
    if match is not None:
        return UsedModel(name=match[1], hash=match[2])
    return UsedModel(name=source.strip()) if source else None


def _captions(settings: dict[str, Any], place: str, key: str) -> dict[str, Any]:
    text = text_of(dict_of(dict_of(settings.get(place)).get("caption")).get("base_caption"))
    return {key: text} if text else {}


def _characters(value: Any) -> list[str]:
    rows = dicts_of(dict_of(dict_of(value).get("caption")).get("char_captions"), 20)
    return [row["char_caption"] for row in rows if text_of(row.get("char_caption"))]
