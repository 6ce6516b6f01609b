"""Reads the `devalue` text in which newer tRPC servers may answer (trpc.md 1.5)."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.errors import UpstreamNonsense

_SENTINELS: dict[int, Any] = {-1: None, -2: None, -3: float("nan"), -4: float("inf"), -5: float("-inf"), -6: -0.0}
_DEEPEST = 500


def read_devalue(text: str) -> Any:
    """The plain value: undefined and holes become None, dates stay ISO text, sets become lists, maps become pairs.

    Raises UpstreamNonsense for text that is not devalue, or that nests deeper than any answer does.
    """
    try:
        slots = msgspec.json.decode(text)
        if isinstance(slots, int) and slots in _SENTINELS:
            return _SENTINELS[slots]
        if not isinstance(slots, list) or not slots:
            raise UpstreamNonsense("The answer is a text that is not in the devalue format.")
        return _Slots(slots).value(0, 0)
    except (msgspec.DecodeError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise UpstreamNonsense("The answer is a text that is not in the devalue format.") from error


class _Slots:
    """The flat array. Each slot is read once, so that shared values stay shared and cycles end."""

    def __init__(self, slots: list[Any]) -> None:
        self._slots = slots
        self._known: dict[int, Any] = {}

    def value(self, index: int, depth: int) -> Any:
        if index < 0:
            return _SENTINELS[index] if index in _SENTINELS else self._refuse()
        if index in self._known:
            return self._known[index]
        if depth > _DEEPEST:
            self._refuse()
        return self._read(index, self._slots[index], depth + 1)

    def _read(self, index: int, slot: Any, depth: int) -> Any:
        if isinstance(slot, dict):
            found: dict[str, Any] = {}
            self._known[index] = found
            found.update((name, self.value(at, depth)) for name, at in slot.items())
            return found
        if isinstance(slot, list):
            return (
                self._read_typed(index, slot, depth)
                if slot and isinstance(slot[0], str)
                else self._list(index, slot, depth)
            )
        self._known[index] = slot
        return slot

    def _list(self, index: int, slots: list[Any], depth: int) -> list[Any]:
        found: list[Any] = []
        self._known[index] = found
        found.extend(self.value(at, depth) for at in slots)
        return found

    def _read_typed(self, index: int, slot: list[Any], depth: int) -> Any:
        kind, inside = slot[0], slot[1:]
        if kind == "Set":
            return self._list(index, inside, depth)
        if kind == "Map":
            flat = self._list(index, inside, depth)
            return [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)]
        value = int(inside[0]) if kind == "BigInt" else (inside[0] if inside else None)
        self._known[index] = value
        return value

    def _refuse(self) -> Any:
        raise UpstreamNonsense("The answer is a text that is not in the devalue format.")
