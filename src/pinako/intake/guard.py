"""The one place where whatever a file does to its reader becomes a sentence about this file, so that the run goes on."""

from __future__ import annotations

from collections.abc import Callable

from pinako.errors import PinakoError, StorageError
from pinako.intake.jobs import Outcome, Refused


def guarded(work: Callable[[], Outcome]) -> Outcome:
    """The outcome of a piece of work; its error as a refusal."""
    try:
        return work()
    except StorageError as error:
        return Refused(reason=error.message, fatal=True)
    except PinakoError as error:
        return Refused(reason=error.message)
    except MemoryError:
        return Refused(reason="it needs more memory than there is")
    except Exception as error:
        # A reader's mistake about one file must not end a run over a hundred thousand.
        return Refused(reason=f"its reader failed: {type(error).__name__}: {error}"[:300])
