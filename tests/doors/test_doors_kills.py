"""kill -9 during writes: a tenth of the rounds of `scripts/soak kill-writes`."""

from __future__ import annotations

import kill_writes
import pytest


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_writers_are_killed() -> None:
    assert kill_writes.run(rounds=5, seed=11) == []
