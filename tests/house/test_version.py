"""The version that is told: never a missing one spelled as a word."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import PackageNotFoundError, version

import pytest

import pinako


def test_the_version_of_this_installation_is_told() -> None:
    assert pinako.installed_version() == version("pinako")


def test_an_installation_that_is_cut_short_has_no_version_called_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    for told in (lambda name: None, absent):
        monkeypatch.setattr(importlib.metadata, "version", told)
        assert pinako.installed_version() == pinako.UNKNOWN_VERSION
