"""kill -9 while mirroring: a tenth of the rounds of `scripts/soak kill-mirror`."""

from __future__ import annotations

from pathlib import Path

import kill_mirror
import pytest

import demo_library


@pytest.mark.slow
def test_a_killed_mirror_ends_as_one_that_was_not(shared: Path, tmp_path: Path) -> None:
    library = demo_library.copy_of(demo_library.pristine(shared), tmp_path / "host")
    assert kill_mirror.run(library, rounds=10, seed=13) == []
