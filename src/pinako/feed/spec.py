"""What an entity declares to the engine: its key columns, sorts and fields; and the nouns that go in and out."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

UP = 1
DOWN = -1

UNRATED_BIT = 64
"""Level 0 has no bit of its own, so the engine files unrated rows under this one (domain.md c: it matches no mask)."""


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """One total order: key columns with their ways, then the id. Two sorts that mirror each other share their tiers."""

    name: str
    by: tuple[tuple[str, int], ...]
    id_way: int = DOWN


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The table of one entity. `owner` names the field that holds the row's owner; `random` the sort word of chance."""

    name: str
    columns: tuple[str, ...]
    sorts: tuple[Sort, ...]
    fields: tuple[str, ...]
    owner: str = ""
    random: str = ""

    def fingerprint(self) -> str:
        """Changes whenever a snapshot made under another declaration could no longer be read."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row to file. `keys` follow `Spec.columns`, `values` follow `Spec.fields`.

    `level` is a level bit or a union of them, 0 for unrated. `room` 0 is public; any other small number names a
    reason to hide the row from the public, whose meaning is the entity's own.
    """

    id: int
    keys: tuple[int, ...]
    values: tuple[tuple[int, ...], ...]
    level: int
    room: int = 0


class Put(msgspec.Struct, frozen=True):
    """File a row, in place of an older one of the same id."""

    row: Row


class Drop(msgspec.Struct, frozen=True):
    """Forget a row; unknown ids are no error."""

    id: int


class Move(msgspec.Struct, frozen=True):
    """Set one key of a row (a counter, a time)."""

    id: int
    column: str
    value: int


class Mark(msgspec.Struct, frozen=True):
    """Give a row one more value of a field, or take it away."""

    id: int
    field: str
    value: int
    present: bool = True


class Show(msgspec.Struct, frozen=True):
    """Set a row's level and room."""

    id: int
    level: int
    room: int = 0


Change = Put | Drop | Move | Mark | Show


class Sight(msgspec.Struct, frozen=True):
    """What a viewer may see: public rows that share a bit with `mask`, and some private ones.

    `own` are pairs (room, mask; UNRATED_BIT for level 0) that count for the rows of `owner`; `all` for everybody's.
    """

    mask: int
    owner: int = 0
    own: tuple[tuple[int, int], ...] = ()
    all: tuple[tuple[int, int], ...] = ()


class AnyOf(msgspec.Struct, frozen=True):
    """Rows that hold at least one of the (field, value) pairs. Several of these are all-of."""

    pairs: tuple[tuple[str, int], ...]


class NoneOf(msgspec.Struct, frozen=True):
    """Rows that hold none of the pairs, or that hold one of `spare` (a viewer's own rows, where a rule exempts them)."""

    pairs: tuple[tuple[str, int], ...]
    spare: tuple[tuple[str, int], ...] = ()


class Between(msgspec.Struct, frozen=True):
    """Rows whose key lies in low <= key < high; None leaves a side open."""

    column: str
    low: int | None = None
    high: int | None = None


class Ids:
    """Ids from outside the index (a collection), rising. Equal only to itself.

    Keep one as long as it holds good: an index looks its rows up once, and later only those that were filed since.
    """

    __slots__ = ("looked_up", "values")

    def __init__(self, values: npt.NDArray[np.int64]) -> None:
        self.values = np.sort(values)
        self.looked_up: tuple[object, int, BitMap] | None = None
        """Whose rows, how many there were, and those that these ids name; replaced ones stay among them."""


class Among(msgspec.Struct, frozen=True):
    """Rows named by id, or (`inside` False) all others. Unknown ids are no error."""

    ids: tuple[int, ...] | Ids
    inside: bool = True


Term = AnyOf | NoneOf | Between | Among


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of one page, in order, and the place of the row that follows (None at the end)."""

    ids: list[int]
    next: tuple[int, ...] | None = None


def pairs(field: str, values: tuple[int, ...] | list[int]) -> tuple[tuple[str, int], ...]:
    """The pairs of one field, in an order that does not depend on how the values were asked."""
    return tuple((field, value) for value in sorted(set(values)))
