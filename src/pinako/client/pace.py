"""How fast a host may be asked: a gap between API requests, holds that it asked for itself, and a number for the day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import msgspec

from pinako.client.asks import without_secrets
from pinako.errors import BudgetSpent


class Politeness(msgspec.Struct, frozen=True, kw_only=True):
    """The limits towards one host. None switches one off.

    `requests_per_second` binds API calls, `api_at_once` and `transfers_at_once` how many of each run together,
    `requests_per_day` both kinds together, by the UTC day.
    """

    requests_per_second: float | None = 2.0
    api_at_once: int = 4
    transfers_at_once: int = 4
    requests_per_day: int | None = 20_000


POLITE = Politeness()
UNPACED = Politeness(requests_per_second=None, api_at_once=16, transfers_at_once=32, requests_per_day=None)
"""For loopback: nobody else is there to be disturbed."""

Spent = tuple[date, int]
"""A UTC day and how many requests were made on it."""

_SAVE_EVERY = 25


class Pace:
    """Deals out the moments at which requests may go. Safe to share between threads.

    It never sleeps itself: `take` says how long to wait. `spent` is the count saved earlier; `save` is called with the
    new one every 25 requests and from `flush`, so that a budget outlives the process.
    """

    def __init__(
        self,
        politeness: Politeness = POLITE,
        *,
        spent: Spent | None = None,
        save: Callable[[Spent], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.politeness = politeness
        self._save = save
        self._clock = clock
        self._today = today
        self._lock = threading.Lock()
        self._next = 0.0
        self._held_until = 0.0
        self._day, self._count = spent or (today().date(), 0)
        self._unsaved = 0

    def take(self, url: str = "", *, api: bool = True) -> float:
        """Reserve a moment for a request and answer how many seconds away it is.

        Raises BudgetSpent when the day's number is used up; `url` is what it names.
        """
        with self._lock:
            self._spend(url)
            now = self._clock()
            rate = self.politeness.requests_per_second
            start = max(now, self._held_until)
            if api and rate:
                start = max(start, self._next)
                self._next = start + 1 / rate
            return start - now

    def hold(self, seconds: float) -> None:
        """Let no request start for that long: the host said that it is too much."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def spent(self) -> Spent:
        """The day and its count so far."""
        return self._day, self._count

    def flush(self) -> None:
        """Hand the count to `save` now."""
        if self._save and self._unsaved:
            self._unsaved = 0
            self._save((self._day, self._count))

    def _spend(self, url: str) -> None:
        limit = self.politeness.requests_per_day
        if limit is None:
            return
        now = self._today()
        if now.date() != self._day:
            self._day, self._count = now.date(), 0
        if self._count >= limit:
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
            raise BudgetSpent(
                f"All {limit} requests of today to this host are used.",
                call=without_secrets(url),
                advice="Go on tomorrow (UTC), or raise requests_per_day.",
                retry_after=(midnight - now).total_seconds(),
            )
        self._count += 1
        self._unsaved += 1
        if self._unsaved >= _SAVE_EVERY:
            self.flush()
