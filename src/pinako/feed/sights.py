"""What a list shows to a caller, in the engine's terms: the same rule as catalog/visibility.py `sees`, for whole lists.

Lists show a caller's own held and unrated things, drafts only where asked for; a moderator who asks for drafts meets
everybody's. By id, `sees` decides; a list never shows what it hides.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinako.catalog import levels
from pinako.catalog.people import Viewer
from pinako.catalog.visibility import Standing
from pinako.feed.spec import UNRATED_BIT, NoneOf, Sight


def sight_of(viewer: Viewer, mask: int, *, drafts: bool = False, unrated: bool = False) -> Sight:
    """What `viewer` sees in a list of this mask. Blocked and unrated things ask for a mature bit.

    `unrated`: own unrated things need none in the mask, as long as the account may see mature ones at all.
    """
    mine = viewer.user_id or 0
    private = mask | (levels.BLOCKED | UNRATED_BIT if mask & levels.MATURE_BITS else 0)
    if unrated and viewer.cap & levels.MATURE_BITS:
        private |= UNRATED_BIT
    if not mine or not mask:
        return Sight(mask)
    own = [(int(Standing.HELD), private), (int(Standing.UNRATED), private)]
    everybody = []
    if drafts:
        own.append((int(Standing.DRAFT), private))
    if drafts and viewer.moderator:
        everybodys = private if mask & levels.MATURE_BITS else mask
        everybody = [(int(Standing.HELD), everybodys), (int(Standing.DRAFT), everybodys)]
    return Sight(mask, mine, tuple(own), tuple(everybody))


def guards(viewer: Viewer, mask: int, *, minor: int, poi: int, hide_minor: bool, hide_poi: bool) -> list[NoneOf]:
    """The terms that keep flagged things away. `minor` and `poi` are the entity's values of the field `flag`.

    A minor's image vanishes for everybody whose mask has a mature bit, owner included; a real person's for all but its
    owner. A caller's own wish (`hide_…`) exempts nobody.
    """
    terms: list[NoneOf] = []
    if hide_minor or (mask & levels.MATURE_BITS and not viewer.moderator):
        terms.append(NoneOf((("flag", minor),)))
    if hide_poi:
        terms.append(NoneOf((("flag", poi),)))
    elif not viewer.moderator:
        spare = (("user", viewer.user_id),) if viewer.user_id is not None else ()
        terms.append(NoneOf((("flag", poi),), spare))
    return terms


def merged(terms: Sequence[NoneOf]) -> list[NoneOf]:
    """The same with one term for each set of exempted rows: every term costs each candidate a look."""
    together: dict[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]] = {}
    for term in terms:
        together[term.spare] = (*together.get(term.spare, ()), *term.pairs)
    return [NoneOf(pairs, spare) for spare, pairs in together.items()]
