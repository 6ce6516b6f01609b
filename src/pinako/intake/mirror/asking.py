"""The asking side's ground: one host and one run, what the journal knows, and the way to those who keep what is found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from pinako.client import Client
from pinako.client.asks import Call
from pinako.client.calls import feeds
from pinako.client.paging import Listed
from pinako.errors import BudgetSpent, UpstreamError
from pinako.intake import journal
from pinako.intake.journal import Item, State
from pinako.intake.mirror.findings import Finding, ListBroken, Page, PageClosed, StateFound
from pinako.intake.mirror.ids import local_ids
from pinako.intake.mirror.terms import Flying, Stopped, Terms, is_fault, reason_of, state_of
from pinako.services.history import TABLES
from pinako.storage.database import Database
from pinako.storage.scopes import Read

T = TypeVar("T")

NOWHERE = 2**31 - 2
"""A number that no host has given to anything."""


class Asking:
    """Asks one host for one run, and hands over what it finds in an order in which it can be written."""

    def __init__(
        self,
        client: Client,
        database: Database,
        terms: Terms,
        flying: Flying,
        give: Callable[[Finding], None],
        stopping: threading.Event,
    ) -> None:
        self.client, self.terms, self.options = client, terms, terms.options
        self._database, self._flying, self._send, self._stopping = database, flying, give, stopping
        self._found = 0
        self._heeded: dict[str, bool] = {}

    def give(self, finding: Finding) -> None:
        """Hand over a finding; waits while the keeping side is behind."""
        self.check()
        self._send(finding)

    def check(self) -> None:
        """Raise Stopped when the run is to end."""
        if self._stopping.is_set():
            raise Stopped

    def note(
        self, page: Page, entity: str, id: int | None, state: State, reason: str, retry_at: int | None = None
    ) -> None:
        """Give a mere note."""
        page.give()
        self.give(StateFound(page=page, entity=entity, id=id, state=state, reason=reason, retry_at=retry_at))

    def launch(self, entity: str, id: int, page: Page) -> bool:
        """Whether a thing is to be sent with this page."""
        return self._flying.launch(entity, id, page)

    def landed(self, entity: str, id: int) -> None:
        """A thing that was launched turned out not to be sent."""
        self._flying.land(entity, id)

    def limited(self, found: Sequence[T]) -> list[T]:
        """As many of these as the run still wants; they count."""
        limit = self.options.limit
        chosen = list(found) if limit is None else list(found[: max(limit - self._found, 0)])
        self._found += len(chosen)
        return chosen

    def close(self, page: Page) -> None:
        """Everything of a page has been given."""
        page.closed = True
        self.give(PageClosed(page=page))

    def known(self, entity: str, ids: Iterable[int]) -> dict[int, Item]:
        """What the journal says of these."""
        return journal.items(self._database.read(), self.terms.source, entity, list(ids))

    def is_fresh(self, item: Item | None) -> bool:
        """Whether a thing was dealt with in this very run; what failed before it was interrupted was not."""
        if item is None:
            return False
        since = self.terms.started_at if item.state in journal.FAULTS else self.terms.begun_at
        return item.checked_at >= since

    def opens(self, item: Item) -> bool:
        """Whether a thing that needed a login may be had now."""
        return item.state is State.LOGIN and self.client.host.credential is not None

    def is_dealt_with(self, walk: str) -> bool:
        """Whether everything below a thing was dealt with in this run: that it is noted itself says nothing of its images."""
        place = journal.place_of(self._database.read(), self.terms.source, self.terms.key, walk)
        return place is not None and place.ended

    def local_user(self, name: str) -> int | None:
        """The host's number of an account that is here."""
        sql = "SELECT source_id FROM users WHERE source = ? AND username_key = ? AND source_id IS NOT NULL"
        found = self._database.read().value(sql, (self.terms.source, name.lower()))
        return None if found is None else int(found)

    def models_of_files(self, files: Sequence[int]) -> list[int]:
        """The host's numbers of the models to which these files belong."""
        sql = (
            "SELECT DISTINCT m.source_id FROM model_files f JOIN model_versions v ON v.id = f.version_id "
            "JOIN models m ON m.id = v.model_id WHERE f.source = ? AND f.source_id IN (?*)"
        )
        return [int(row[0]) for row in self._database.read().by_ids(sql, list(files), (self.terms.source,))]

    def read(self) -> Read:
        """What is here."""
        return self._database.read()

    @property
    def now(self) -> int:
        """The clock."""
        return self._database.now()

    @property
    def is_full(self) -> bool:
        """Whether as many things were found as were asked for."""
        limit = self.options.limit
        return limit is not None and self._found >= limit

    def batch(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Several questions in one request; each answer or its error. A request that fails as a whole is every one's error."""
        self.check()
        if not calls:
            return []
        try:
            return list(self.client.batch(calls))
        except BudgetSpent:
            raise
        except UpstreamError as error:
            return [error] * len(calls)

    def broken(self, page: Page, reason: str) -> None:
        """Say that a list ended early."""
        page.give()
        self.give(ListBroken(page=page, reason=reason))

    def refused(self, page: Page, entity: str, id: int, error: UpstreamError) -> None:
        """Note that upstream did not give a thing."""
        state = state_of(error)
        if state is State.NEVER:
            state = self.gone_or(state, entity, id)
        page.members.append((entity, id))
        self.note(page, entity, id, state, reason_of(error), None)

    def gone_or(self, state: State, entity: str, id: int) -> State:
        """The state of what upstream no longer shows: gone where it is here, else `state`."""
        here = local_ids(self._database.read(), TABLES[entity], self.terms.source, [id])
        return State.GONE if here else state

    def heeds(self, name: str, nowhere: Listed[Any] | None = None) -> bool:
        """Whether the host's lists heed such a filter: rows do not show it, and a host that drops it gives everything.

        `nowhere`: a list that is empty where it is heeded; of images, if nothing is said. Raises UpstreamError where the host
        failed to answer: nothing is known then.
        """
        if name not in self._heeded:
            asked = nowhere or feeds.image_feed(limit=1, **{name: NOWHERE})  # type: ignore[arg-type]
            try:
                self._heeded[name] = not self.client.run(asked.page(None)).items
            except UpstreamError as error:
                if is_fault(error):
                    raise
                self._heeded[name] = True  # refused: it counts
        return self._heeded[name]
