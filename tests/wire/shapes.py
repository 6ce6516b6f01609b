"""Whether an answer has every field, type and nesting of an example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def kind(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def missing(answer: Any, example: Any, at: str = "") -> Iterator[str]:
    """What the answer lacks of the example. A null in the example asks for the key only; a list for its first element."""
    if example is None:
        return
    if kind(answer) != kind(example):
        yield f"{at or 'root'}: {kind(answer)} where {kind(example)} is documented"
    elif isinstance(example, dict):
        for key, inner in example.items():
            if key in answer:
                yield from missing(answer[key], inner, f"{at}.{key}")
            else:
                yield f"{at}.{key}: absent"
    elif isinstance(example, list) and example:
        if not answer:
            yield f"{at}: empty"
        for i, item in enumerate(answer):
            yield from missing(item, example[0], f"{at}[{i}]")
