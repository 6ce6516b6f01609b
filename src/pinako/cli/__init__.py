"""The command line: `pinako VERB`. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import sys


def main() -> None:
    """The `pinako` program."""
    try:
        from pinako.cli.main import run
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        sys.exit(
            f"pinako: the command line needs the 'server' extra ({missing} is missing): pip install 'pinako[server]'"
        )
    sys.exit(run(sys.argv[1:]))
