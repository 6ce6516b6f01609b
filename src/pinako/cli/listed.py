"""The ends of reports: the first few things that did not go as asked, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

SHOWN = 20


def listed(word: str, told: Iterable[str], count: int) -> Iterator[str]:
    """`told` are those that a report keeps, of which the first are shown; `count` is how many there are in all."""
    yield from (f"{word}: {one}" for one in islice(told, SHOWN))
    if count > SHOWN:
        yield f"{word}: {count - SHOWN:,} more (--json lists them)"
