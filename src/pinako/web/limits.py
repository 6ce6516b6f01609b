"""How often one caller may ask. Counts lie in memory that forked workers share, so a limit is the server's, not a worker's."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from hashlib import blake2b

from pinako.errors import TooManyRequests

WINDOW_S = 60
_SLOTS = 1 << 16
_PROBES = 4
_SLOT = struct.Struct("<QII")
"""Who (64 bits of a hash), which window, how many."""


class Rates:
    """Requests of each caller in fixed windows of a minute. `clock` gives seconds since the epoch.

    A fixed table: memory stays the same whoever comes. Two workers may lose a count to one another, and strangers share a slot
    in a crowd of tens of thousands; both only make the limit a little softer.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._table = mmap.mmap(-1, _SLOTS * _SLOT.size) if per_minute > 0 else None

    def count(self, caller: str) -> None:
        """Count one request. TooManyRequests, with the seconds to wait, when it is one too many."""
        if self._table is None:
            return
        now = int(self._clock())
        window, passed = divmod(now, WINDOW_S)
        if self._add(self._table, caller, window) > self.per_minute:
            wait = WINDOW_S - passed
            raise TooManyRequests("Rate limit exceeded, please retry shortly.", retry_after=wait)

    def take_back(self, caller: str) -> None:
        """Count one request of this window less: it was none of those that the limit is for."""
        if self._table is not None:
            self._add(self._table, caller, int(self._clock()) // WINDOW_S, -1)

    def _add(self, table: mmap.mmap, caller: str, window: int, step: int = 1) -> int:
        who = int.from_bytes(blake2b(caller.encode("utf-8", "replace"), digest_size=8).digest(), "little")
        places = [((who + probe) % _SLOTS) * _SLOT.size for probe in range(_PROBES)]
        held = [(place, *_SLOT.unpack_from(table, place)) for place in places]
        mine = next((slot for slot in held if slot[1] == who), None)
        mine = mine or next((slot for slot in held if not slot[3] or slot[2] < window), None) or held[-1]
        count = max((mine[3] if mine[1] == who and mine[2] == window else 0) + step, 0)
        _SLOT.pack_into(table, mine[0], who, window, count)
        return int(count)
