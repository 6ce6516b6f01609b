"""Demo libraries behind the gallery's doors, in process and served to a real browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from visiting import Visit, opened

import demo_library

sys.path.append(str(Path(__file__).parent.parent / "doors"))  # random libraries with marks in everything: worlds.py


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder that all processes of this session see."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared"


@pytest.fixture(scope="module")
def visit(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """The demo, open to read for a whole module."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("gallery") / "demo")
    with opened(folder) as found:
        yield found
