"""Pinako: a self-hosted library for AI-generated media, wire-compatible with Civitai."""

from __future__ import annotations

UNKNOWN_VERSION = "0+unknown"


def installed_version() -> str:
    """The version of this installation, or `0+unknown`.

    Of an installation that is being replaced, or was cut short, importlib says None; of a bare checkout, that it is none.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        found: str | None = version("pinako")
    except PackageNotFoundError:
        found = None
    return found or UNKNOWN_VERSION
