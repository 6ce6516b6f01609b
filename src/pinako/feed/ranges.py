"""Key ranges (period windows, minimum counts) as bitmaps, kept between requests and moved along by the writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from pyroaring import BitMap

from pinako.feed.spec import Between

_KEPT = 16


class Ranges:
    """Bitmaps by range. `make` builds a missing one from the tiers."""

    def __init__(self, make: Callable[[Between], BitMap]) -> None:
        self._make = make
        self._kept: OrderedDict[Between, BitMap] = OrderedDict()

    def get(self, term: Between) -> BitMap:
        """Rows whose key lies in the range; stale ones may be among them."""
        known = self._kept.get(term)
        if known is None:
            if len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)
            known = self._kept[term] = self._make(term)
        else:
            self._kept.move_to_end(term)
        return known

    def moved(self, column: str, ordinal: int, key: int) -> None:
        """A row has this key from now on."""
        for term, bitmap in self._kept.items():
            if term.column == column:
                if holds(term, key):
                    bitmap.add(ordinal)
                else:
                    bitmap.discard(ordinal)

    def arrived(self, columns: Sequence[str], ordinals: Sequence[int], keys: Sequence[tuple[int, ...]]) -> None:
        """New rows have these keys, one for each of the columns."""
        for term, bitmap in self._kept.items():
            at = columns.index(term.column)
            bitmap.update([ordinal for ordinal, held in zip(ordinals, keys, strict=True) if holds(term, held[at])])


def holds(term: Between, key: int) -> bool:
    """Whether one key lies in the range."""
    return (term.low is None or key >= term.low) and (term.high is None or key < term.high)
