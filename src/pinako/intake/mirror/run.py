"""One run of the mirror over one target: one side asks, this side fetches and keeps, and the end is told honestly.

Order is bytes, rows, note: a run that is killed anywhere has lost nothing that was noted, and the next one goes on there.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from pinako.client import Client, Pace, Politeness
from pinako.client.credentials import Credential, host_of
from pinako.client.hosts import Target
from pinako.client.options import CIVITAI
from pinako.client.pace import UNPACED, Spent
from pinako.client.sending import is_loopback
from pinako.errors import BadRequest, PinakoError, UpstreamError
from pinako.intake import journal
from pinako.intake.jobs import Bench
from pinako.intake.journal import State
from pinako.intake.mirror.asker import LOOKED_FOR, Asker
from pinako.intake.mirror.counting import Counter
from pinako.intake.mirror.findings import FileFound, Finding, ImageFound
from pinako.intake.mirror.keeping import FileReady, ImageReady, Keeper, Medium, Ready, is_to_be_withheld
from pinako.intake.mirror.media import Hands, known_blob, remove_leftovers, remove_spent
from pinako.intake.mirror.options import Options
from pinako.intake.mirror.report import Missing, Report
from pinako.intake.mirror.targets import TargetAsker
from pinako.intake.mirror.terms import Flying, Stopped, Terms
from pinako.intake.workers import Workers
from pinako.media.store import MediaStore
from pinako.settings import Settings
from pinako.storage.database import Database

AHEAD: Final = 600
"""Findings that wait for the keeping side before the asking side does."""
MOST: Final = 100
"""Things of one transaction."""
LOOK_S: Final = 0.02
GATHER_S: Final = 0.25
"""How long what is ready waits for more: a transaction costs about as much as the writing of ten images."""
FOLDER: Final = "mirror"


def source_of(target: Target) -> str:
    """The host of a target as the library names it: Civitai's sister hosts are one."""
    return host_of(CIVITAI if target.sister else target.origin)


def open_client(
    settings: Settings,
    database: Database,
    origin: str,
    source: str,
    credential: Credential | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Client:
    """A client for a host at the pace that the settings say, its day's number remembered."""
    politeness = Politeness(
        requests_per_second=settings.mirror_requests_per_second or None,
        transfers_at_once=settings.mirror_transfers_at_once,
        requests_per_day=settings.mirror_requests_per_day or None,
    )
    if is_loopback(origin) and not settings.mirror_loopback_paced:
        politeness = UNPACED

    def save(spent: Spent) -> None:
        with database.write() as w:
            journal.keep_spent(w, source, spent)

    paced = politeness.requests_per_day is not None
    pace = Pace(
        politeness,
        spent=journal.spent(database.read(), source) if paced else None,
        save=save if paced else None,
        today=database.clock,
    )
    return Client(origin, credential=credential, pace=pace, sleep=sleep)


class Ask:
    """The asking side's thread: what it finds waits here to be taken."""

    def __init__(self, stopping: threading.Event) -> None:
        self._queue: queue.Queue[Finding | None] = queue.Queue(AHEAD)
        self.ended = False
        """Whether everything was taken and nothing more will come."""
        self._stopping = stopping
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="pinako-ask")
        self._work: Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Run the questions on the thread."""
        self._work = self._pool.submit(work)
        self._work.add_done_callback(lambda _: self._put(None))

    def outcome(self) -> BaseException | None:
        """What ended the questions before their time, once everything found before it is taken."""
        self._pool.shutdown()
        error = self._work.exception() if self._work is not None else None
        return None if isinstance(error, Stopped) else error

    def give(self, finding: Finding) -> None:
        """From the asking side: waits while too much is waiting."""
        if not self._put(finding):
            raise Stopped

    def _put(self, finding: Finding | None) -> bool:
        while True:
            try:
                self._queue.put(finding, timeout=0.2)
            except queue.Full:
                if self._stopping.is_set() and finding is not None:
                    return False
            else:
                return True

    def take(self) -> Finding | None:
        """A finding, None where none waits."""
        try:
            found = self._queue.get_nowait()
        except queue.Empty:
            return None
        self.ended = self.ended or found is None
        return found


class Run:
    """Mirrors targets one by one. `watcher` is called often, for the display; `tell` gets each event for scripts."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: MediaStore,
        *,
        credential_of: Callable[[str], Credential | None] = lambda host: None,
        watcher: Callable[[Run], None] | None = None,
        tell: Callable[[dict[str, object]], None] | None = None,
        processes: int = 2,
        dry: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._settings, self._database, self._store = settings, database, store
        self._credential_of = credential_of
        self._watcher = watcher or (lambda run: None)
        self._tell = tell or (lambda event: None)
        self.dry = dry
        self.report = Report()
        self.counter = Counter(database, store, self.report)
        self.stopping = threading.Event()
        self.target = ""
        self._clients: dict[str, Client] = {}
        self._hands: dict[str, Hands] = {}
        bench = Bench(media_url=settings.media_address, pixel_limit=settings.pixel_limit)
        self._workers = Workers(processes, bench)

    def stop(self) -> None:
        """Ask for nothing more; what is under way is finished and kept."""
        self.stopping.set()
        self.report.interrupted = True

    def client_for(self, target: Target) -> Client:
        """The one client of a target's host."""
        source = source_of(target)
        if source not in self._clients:
            credential = self._credential_of(source)
            origin = CIVITAI if target.sister else target.origin
            self._clients[source] = open_client(self._settings, self._database, origin, source, credential, self._sleep)
        return self._clients[source]

    def hands_for(self, target: Target) -> Hands:
        """What fetches from a target's host."""
        source = source_of(target)
        if source not in self._hands:
            client = self.client_for(target)
            folder = self._settings.folder / FOLDER / source.replace(":", "_")
            remove_leftovers(folder, self._database.read(), source)
            at_once = client.pace.politeness.transfers_at_once
            self._hands[source] = Hands(client, self._store, self._workers, folder, at_once=at_once)
        return self._hands[source]

    def mirror(self, target: Target, options: Options, *, again: bool = False) -> None:
        """Bring a target here, or refresh it (`again`: as one of all). What the host did not give is in the report."""
        source, key = source_of(target), journal.key_of(target)
        self.target = f"{target.kind} {target.name or target.id or ''}".strip()
        if not self.dry:
            with self._database.write() as w:
                journal.begin(w, source, target, options, self._database.now())
        _OneTarget(self, source, key, target, options, again=again).run()

    def kept_targets(self) -> list[journal.Kept]:
        """Everything that was ever mirrored."""
        return journal.targets(self._database.read())

    def failed(self, target: Target, error: PinakoError) -> None:
        """Note that a target could not be mirrored at all."""
        self.report.whole = False
        missing = Missing(
            source=source_of(target), entity=str(target.kind), id=target.id, state=str(State.FAILED), reason=str(error)
        )
        self.report.miss(missing)

    def close(self) -> None:
        """Let go of connections, and remember the day's number."""
        for hands in self._hands.values():
            hands.close()
        self._workers.close()
        for client in self._clients.values():
            client.close()


class _OneTarget:
    """The state of one target's run."""

    def __init__(self, run: Run, source: str, key: str, target: Target, options: Options, *, again: bool) -> None:
        self._all, self._source, self._key, self._target = run, source, key, target
        self._database, self._report = run._database, run.report
        self._client = run.client_for(target)
        self._flying = Flying()
        self._ask = Ask(run.stopping)
        begun = self._database.now() if run.dry else journal.begun_at(self._database.read(), source, key)
        self._begun = begun
        self._started = self._database.now()
        terms = Terms(
            source=source,
            key=key,
            options=options,
            begun_at=begun,
            started_at=self._started,
            again=again,
            dry=run.dry,
        )
        self._asker = Asker(self._client, self._database, terms, self._flying, self._give, run.stopping)
        days = run._settings.mirror_retry_days
        self._keeper = Keeper(self._database, source, key, self._flying, self._report, retry_days=days, begun_at=begun)
        self._hands = run.hands_for(target)
        self._ready: deque[Ready] = deque()
        self._waited_since = time.monotonic()
        self._whole_before = self._report.whole

    def run(self) -> None:
        """From the first question to the last row."""
        self._report.whole = True
        asker = TargetAsker(self._asker)
        self._phase(lambda: asker.ask(self._target))
        overdue = journal.overdue(self._database.read(), self._source, self._begun, self._started)
        if overdue and self._is_whole:
            self._phase(lambda: asker.again(overdue))
        if self._is_whole:
            self._phase(self._look_for_gone)  # only now is it written down what the lists have named
        if self._is_whole:
            with self._database.write() as w:
                journal.finish(w, self._source, self._key, self._database.now())
        self._report.whole = self._report.whole and self._whole_before

    def _give(self, finding: Finding) -> None:
        self._ask.give(finding)

    @property
    def _is_whole(self) -> bool:
        return self._report.whole and not self._all.stopping.is_set() and not self._all.dry

    def _phase(self, work: Callable[[], None]) -> None:
        """Ask, fetch and keep until there is nothing more. Whatever ends it, what is finished is kept."""
        self._ask = Ask(self._all.stopping)
        with ExitStack() as ending:
            ending.callback(self._all.stopping.set)  # lets the asking side go, should this side be thrown out
            ending.callback(self._write_all)
            self._ask.start(work)
            while not (self._ask.ended and self._hands.is_idle and not self._ready):
                self._turn()
            ending.pop_all()
        self._look_at_error()

    def _turn(self) -> None:
        moved = self._take_findings()
        for ready in self._hands.collect(0.0 if moved else LOOK_S):
            self._ready.append(ready)
        if self._is_time_to_write(moved):
            self._write()
        self._report.bytes += self._hands.bytes
        self._hands.bytes = 0
        self._all._watcher(self._all)

    def _is_time_to_write(self, moved: bool) -> bool:
        if not self._ready:
            self._waited_since = time.monotonic()
            return False
        if len(self._ready) >= MOST or (self._ask.ended and self._hands.is_idle):
            return True
        return not moved and time.monotonic() - self._waited_since > GATHER_S

    def _write_all(self) -> None:
        while self._ready:
            self._write()

    def _look_for_gone(self) -> None:
        missing = journal.unseen(self._database.read(), self._source, self._key, self._begun)
        for entity in LOOKED_FOR:
            ids = [id for name, id in missing if name == entity]
            if ids and self._asker.options.limit is None:
                self._asker.check_gone(entity, ids)

    def _take_findings(self) -> bool:
        """Take what was found, as much as there is room for; whether there was anything."""
        moved = False
        while self._hands.has_room and len(self._ready) < MOST:
            finding = self._ask.take()
            if finding is None:
                break
            moved = True
            self._place(finding)
        return moved

    def _place(self, finding: Finding) -> None:
        """What needs bytes goes to the hands, everything else is ready. A dry run only counts."""
        if self._all.dry:
            self._all.counter.count(self._source, finding)
            return
        if isinstance(finding, ImageFound):
            self._report.found += 1
            self._place_image(finding)
        elif isinstance(finding, FileFound):
            self._place_file(finding)
        else:
            self._ready.append(finding)

    def _place_image(self, found: ImageFound) -> None:
        read = self._database.read()
        if not found.fetch or is_to_be_withheld(read, self._source, found):
            self._ready.append(ImageReady(found=found))
            return
        blob = known_blob(read, self._source, found)
        if blob is not None:
            self._ready.append(ImageReady(found=found, medium=Medium(blob=blob)))
            return
        refused = self._hands.wish(found)
        if refused is not None:
            self._ready.append(refused)

    def _place_file(self, found: FileFound) -> None:
        if found.refused is not None:
            self._ready.append(
                FileReady(found=found, state=found.refused, reason=found.reason, retry_at=found.retry_at)
            )
            return
        refused = self._hands.wish(found)
        if refused is not None:
            self._ready.append(refused)

    def _write(self) -> None:
        batch = [self._ready.popleft() for _ in range(min(len(self._ready), 2 * MOST))]
        self._keeper.write(batch)
        remove_spent(batch)
        for event in self._keeper.events:
            self._all._tell(event)
        self._keeper.events.clear()

    def _look_at_error(self) -> None:
        """What ended the questions early: the host's trouble is part of the report, anything else is raised."""
        error = self._ask.outcome()
        if isinstance(error, UpstreamError):
            self._keeper.break_list(str(error))
        elif error is not None:
            if isinstance(error, BadRequest) and not self._all.dry:
                with self._database.write() as w:
                    journal.forget_target(w, self._source, self._key)
            raise error
