"""The one place where whatever a file does to its reader becomes a sentence about this file, so that the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pinako.errors import PinakoError, StorageError
from pinako.intake.jobs import Refused

T = TypeVar("T")


def guarded(work: Callable[[], T]) -> T | Refused:
    """What a piece of work gives; its error as a refusal, fatal where the library's own disk refused."""
    try:
        found, error = attempt(work)
    except StorageError as refusal:
        return Refused(reason=refusal.message, fatal=True)
    return found if found is not None else Refused(reason=error)


def attempt(work: Callable[[], T]) -> tuple[T | None, str]:
    """What a look into a file gives, or None and why not. StorageError passes: it is not about the file."""
    try:
        return work(), ""
    except StorageError:
        raise
    except PinakoError as error:
        return None, error.message
    except MemoryError:
        return None, "it needs more memory than there is"
    except Exception as error:
        # A reader's mistake about one file must not end a run over a hundred thousand.
        return None, f"its reader failed: {type(error).__name__}: {error}"[:300]
