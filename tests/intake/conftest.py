"""Fixtures of the importer's tests."""

from importing_home import home, outputs, sqlite_home

__all__ = ["home", "outputs", "sqlite_home"]
