"""The JSON objects among a file's texts, for the readers of generators that write one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pinako.metadata.jsontext import loads_dict
from pinako.metadata.values import number_of, text_of

NAMES = ("parameters", "UserComment", "stealth", "Comment", "comment", "xmp:UserComment", "ImageDescription", "Model",
         "Description", "description", "generation_data", "Parameters", "xmp:description", "XPComment")  # fmt: skip
"""Where generators put their text, by the names that containers give the places."""


def find_objects(fields: Mapping[str, str], *marks: str) -> Iterator[dict[str, Any]]:
    """Objects of fields whose text has one of the marks, so that nothing is parsed in vain."""
    for name in NAMES:
        text = fields.get(name)
        if text and any(mark in text for mark in marks):
            found = loads_dict(text)
            if found:
                yield found


def numbers(source: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """The numeric values of `source` under the names that `keys` gives them; what is no number is left out."""
    found = [(new, number_of(source[old])) for old, new in keys.items() if old in source]
    return {key: value for key, value in found if value is not None}


def texts(source: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """The same for texts that say something."""
    found = [(new, text_of(source[old])) for old, new in keys.items() if old in source]
    return {key: value for key, value in found if value is not None}


def spelled(source: Mapping[str, Any]) -> dict[str, Any]:
    """The object with its keys in one spelling: `Guidance Scale` and `guidance-scale` are `guidance_scale`."""
    return {str(key).strip().lower().replace(" ", "_").replace("-", "_"): value for key, value in source.items()}


def dict_of(value: Any) -> dict[str, Any]:
    """An object, also one that was written as JSON text inside the JSON."""
    if isinstance(value, str):
        return loads_dict(value)
    return value if isinstance(value, dict) else {}


def dicts_of(value: Any, limit: int = 200) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [entry for entry in value[:limit] if isinstance(entry, dict)] if isinstance(value, list) else []
