"""What both sides of one run over one target share: its terms, and what is on its way between them."""

from __future__ import annotations

import threading

import msgspec

from pinako.errors import UpstreamError, UpstreamRefused
from pinako.intake.journal import FAULTS, State
from pinako.intake.mirror.findings import Page
from pinako.intake.mirror.options import Options


class Stopped(Exception):
    """The run is to end: nothing more is asked."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What one run over one target is bound to. `source` names the host in the library, `key` the target."""

    source: str
    key: str
    options: Options
    begun_at: int
    started_at: int = 0
    """When this program took it up, which is later than `begun_at` where the run was interrupted."""
    again: bool = False
    """Nobody asked for this very thing now: what upstream has said no to is let alone until it may open."""
    dry: bool = False
    """Only what the lists say is asked: nothing will be kept."""


class Flying:
    """Things that are on their way from the asking to the keeping side, so that none is sent twice. For both threads."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, int], list[Page]] = {}
        self._unwritten: set[tuple[str, int]] = set()
        self._lock = threading.Condition()

    def launch(self, entity: str, id: int, page: Page) -> bool:
        """Whether the thing is to be sent. One that is on its way already holds this page too.

        What the journal says of it is true if it is read after this: a transaction that has it is waited for.
        """
        with self._lock:
            self._lock.wait_for(lambda: (entity, id) not in self._unwritten)
            page.give()
            waiting = self._pages.get((entity, id))
            if waiting is None:
                self._pages[entity, id] = [page]
                return True
            waiting.append(page)
            return False

    def land(self, entity: str, id: int, *, unwritten: bool = False) -> None:
        """The thing is dealt with; `unwritten`: by a transaction that is still open, until `written`."""
        with self._lock:
            if unwritten:
                self._unwritten.add((entity, id))
            for page in self._pages.pop((entity, id), ()):
                page.tick()

    def written(self) -> None:
        """The transaction is over."""
        with self._lock:
            self._unwritten.clear()
            self._lock.notify_all()


def reason_of(error: UpstreamError) -> str:
    """Why a thing is not here, for people: its number stands beside it, so the call would only repeat it at length."""
    return " ".join(f"{part.strip().rstrip('.')}." for part in (error.message, error.advice) if part.strip())


def state_of(error: UpstreamError) -> State:
    """Which state an error of the host puts a thing into."""
    return _STATES.get(type(error).__name__, State.FAILED)


def is_fault(answer: object) -> bool:
    """Whether an answer is an error that says nothing about what was asked for: not "no", but no answer."""
    return isinstance(answer, UpstreamError) and not isinstance(answer, UpstreamRefused) and state_of(answer) in FAULTS


_STATES = {
    "UpstreamNotFound": State.NEVER,
    "UpstreamUnauthorized": State.LOGIN,
    "UpstreamForbidden": State.PRIVATE,
    "UpstreamGone": State.TAKEN_DOWN,
    "DamagedDownload": State.DAMAGED,
}
