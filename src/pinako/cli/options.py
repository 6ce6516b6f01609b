"""Options that verbs share: which library, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pinako.catalog import levels
from pinako.cli.waiting import waiting
from pinako.errors import NotFound
from pinako.settings import Settings, load_settings

if TYPE_CHECKING:
    from pinako.services.library import Library
    from pinako.storage.database import Database

Verb = TypeVar("Verb", bound=Callable[..., Any])

OPENING = "opening the library"
"""What is said while an older library is brought to this version's format, or an index is read or built."""

_OPTIONS = (
    click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Settings file. Default: pinako.toml in the library.",
    ),
    click.option(
        "--database-url",
        metavar="URL",
        help="sqlite:///PATH or postgresql://… Default: library.db in the library.",
    ),
    click.option(
        "--library",
        "-l",
        metavar="DIR",
        type=click.Path(file_okay=False),
        help="The library's folder. Default: $PINAKO_LIBRARY, else your data folder.",
    ),
)


def library_options(verb: Verb) -> Verb:
    """`--library`, `--database-url` and `--config`, as keyword arguments for `settings_of`."""
    for option in _OPTIONS:
        verb = option(verb)
    return verb


def settings_of(library: str | None, database_url: str | None, config: Path | None, **given: object) -> Settings:
    """The settings of this call: defaults, file, environment, command line."""
    said = {"library": library, "database_url": database_url, **given}
    return load_settings(os.environ, config=config, given=said)


@contextmanager
def opened_database(settings: Settings, *, make: bool = True) -> Iterator[Database]:
    """The library's database alone, for verbs that need no index. Without `make`, NotFound where there is none yet."""
    from pinako.app import open_catalogue

    if not make:
        _need_library(settings)
    with waiting(OPENING):
        database = open_catalogue(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def opened_library(settings: Settings) -> Iterator[Library]:
    """The whole library, for verbs that look at what is there. NotFound where there is none yet: nothing is made."""
    from pinako.app import open_library

    _need_library(settings)
    with ExitStack() as closing:
        with waiting(OPENING):
            library = closing.enter_context(open_library(settings))
        yield library


def _need_library(settings: Settings) -> None:
    from pinako.storage.opening import has_library

    if not has_library(settings.database_address):
        place = "the given database" if settings.database_url else settings.folder
        raise NotFound(f"there is no library in {place}: `pinako import` makes one, --library names another")


_BITS = {name.replace("-", "").upper(): bit for bit, name in levels.NAMES.items() if bit in levels.BITS}


def one_level(text: str) -> int:
    """An option's type: one level by name (`PG`, `PG-13`, `R`, `X`, `XXX`) or number."""
    found = _BITS.get(_word(text), _number(text))
    if found not in levels.BITS:
        raise click.BadParameter(f"{text!r} is no level: PG, PG-13, R, X, XXX")
    return found


def level_mask(text: str) -> int:
    """An option's type: the levels up to a name, `all`, or a sum of numbers."""
    known = {name: 2 * bit - 1 for name, bit in _BITS.items()} | {"SFW": levels.SFW, "ALL": levels.ALL}
    found = known.get(_word(text), _number(text))
    if not 0 < found <= levels.ALL:
        raise click.BadParameter(f"{text!r} is no level: PG, PG-13, R, X, XXX, all, or a sum of 1, 2, 4, 8, 16")
    return found


def _word(text: str) -> str:
    return text.replace("-", "").upper()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0
