"""Which file of a version is the primary one (rest.md 8.4), and whether a file answers a download's wishes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec

from pinako.catalog.enums import MAIN_FILE_TYPES


class FileTraits(Protocol):
    """What the choice looks at; a model file's record has these and more."""

    @property
    def type(self) -> str: ...
    @property
    def format(self) -> str | None: ...
    @property
    def size(self) -> str | None: ...
    @property
    def fp(self) -> str | None: ...
    @property
    def quant_type(self) -> str | None: ...


class FilePreferences(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a viewer likes best. The defaults are the site's; an account or a download's parameters override them."""

    format: str = "SafeTensor"
    size: str = "pruned"
    fp: str = "fp16"
    quant_type: str = "Q4_K_M"


class FileWishes(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of one download; None was not given."""

    type: str | None = None
    format: str | None = None
    size: str | None = None
    fp: str | None = None
    quant_type: str | None = None


DEFAULT_PREFERENCES = FilePreferences()
_WEIGHTS = (("format", 100.0), ("size", 10.0), ("fp", 1.0), ("quant_type", 0.5))

File = TypeVar("File", bound=FileTraits)


def score(
    file: FileTraits, preferences: FilePreferences = DEFAULT_PREFERENCES, *, missing_is_mismatch: bool = False
) -> float:
    """A file's score; higher is more primary.

    `missing_is_mismatch` is the site's second variant (its model lists count an absent key against the file, its
    version pages do not, so the two can name different files). This library uses the neutral one on every door:
    one version has one primary file.
    """
    total = 2000.0 if file.type in MAIN_FILE_TYPES else 1000.0
    for key, weight in _WEIGHTS:
        value = getattr(file, key)
        if value is None and not missing_is_mismatch:
            continue
        total += weight if value == getattr(preferences, key) else -weight
    return total


def primary_file(files: Iterable[File], preferences: FilePreferences = DEFAULT_PREFERENCES) -> File | None:
    """The primary of all files of a version, the first among equals; None where there are no files."""
    return max(files, key=lambda file: score(file, preferences), default=None)


def preferences_with(wishes: FileWishes, preferences: FilePreferences = DEFAULT_PREFERENCES) -> FilePreferences:
    """The preferences with a download's own parameters laid over them."""
    return FilePreferences(
        format=wishes.format or preferences.format,
        size=wishes.size or preferences.size,
        fp=wishes.fp or preferences.fp,
        quant_type=wishes.quant_type or preferences.quant_type,
    )


def contradicts(file: FileTraits, wishes: FileWishes) -> bool:
    """Whether the file has a value that differs from one asked for; a file that lacks the value passes (rest.md 19)."""
    for key, _weight in _WEIGHTS:
        asked, has = getattr(wishes, key), getattr(file, key)
        if asked and has and asked != has:
            return True
    return False


def chosen_file(
    files: Iterable[File], wishes: FileWishes, preferences: FilePreferences = DEFAULT_PREFERENCES
) -> File | None:
    """The file that a download without `fileId` gets, or None where the wire answers 404."""
    fitting = [file for file in files if wishes.type is None or file.type == wishes.type]
    best = primary_file(fitting, preferences_with(wishes, preferences))
    return None if best is None or contradicts(best, wishes) else best
