"""A clock that runs as all clocks do until a test stops or moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovableClock:
    """Gives aware UTC times. What the server calls 'now': periods, new rows, rates, expiry."""

    def __init__(self) -> None:
        self._frozen: datetime | None = None
        self._shift = timedelta()

    def __call__(self) -> datetime:
        return self._frozen if self._frozen is not None else datetime.now(UTC) + self._shift

    def seconds(self) -> float:
        """The same moment as seconds since 1970."""
        return self().timestamp()

    def freeze(self, moment: datetime | None = None) -> None:
        """Stand still, at `moment` (aware) or now."""
        self._frozen = moment.astimezone(UTC) if moment is not None else self()

    def advance(self, **parts: float) -> None:
        """Let time pass at once: `advance(days=2)`; frozen or not."""
        if self._frozen is not None:
            self._frozen += timedelta(**parts)
        else:
            self._shift += timedelta(**parts)

    def run(self) -> None:
        """Be an ordinary clock again."""
        self._frozen, self._shift = None, timedelta()
