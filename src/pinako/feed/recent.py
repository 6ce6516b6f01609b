"""What was read lately, in memory: a bounded dictionary that costs a reader one look."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The young half, and the half that came before it.

    What is asked of the old half and put back moves to the young one; when that is full it becomes the old one, and the rest is
    let go. So nothing is moved about for what everybody reads. Any thread may look at any time; `renew`, `put` and `drop` are
    for one thread at a time where a dropped thing must not come back.
    """

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def find(self, keys: Iterable[K]) -> list[V | None]:
        """What the young half has of these, in their order."""
        return list(map(self._young.get, keys))

    def get(self, key: K) -> V | None:
        """One thing of either half, as it is."""
        return self._young.get(key) or self._old.get(key)

    def renew(self, key: K) -> V | None:
        """One of the old half, young again; what is young already is the newer one."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Keep one."""
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        if self._half:
            self._young[key] = value

    def drop(self, key: K) -> None:
        """Let one go."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Let all go."""
        self._young, self._old = {}, {}
