"""The fixtures that tool authors get, lent the session's demo library so that no second one is made."""

from __future__ import annotations

from pathlib import Path

import pytest

import demo_library
from pinako.testing.plugin import pinako_server as pinako_server
from pinako.testing.plugin import start_pinako as start_pinako


@pytest.fixture(scope="session")
def pinako_library(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    base = tmp_path_factory.getbasetemp()
    return demo_library.pristine((base.parent if hasattr(pytestconfig, "workerinput") else base) / "shared")
