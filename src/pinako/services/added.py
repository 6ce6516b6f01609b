"""What people of this library added to the counters of a mirrored thing.

Upstream's numbers come anew with each refresh, and would take the reactions that were given here out of them: those are counted
from their rows and put on top.
"""

from __future__ import annotations

from collections.abc import Mapping

from pinako.catalog.enums import COUNTED_REACTIONS
from pinako.storage.scopes import Statements

_REACTIONS = "SELECT reaction, COUNT(*) FROM reactions WHERE entity_type = ? AND entity_id = ? GROUP BY reaction"
_COLLECTED = (
    # Who a mirrored collection's own things were put in by is nobody here: upstream has counted them.
    "SELECT COUNT(*) FROM collection_items i JOIN collections c ON c.id = i.collection_id "
    "WHERE i.entity_type = ? AND i.entity_id = ? AND (i.added_by_id IS NOT NULL OR c.source = '')"
)


def added_here(read: Statements, entity: str, id: int) -> Mapping[str, int]:
    """How much of each counter of an image, post or model is this library's own. Counters without any are left out."""
    own: dict[str, int] = {}
    for reaction, count in read.rows(_REACTIONS, (entity, id)):
        own[f"{reaction.lower()}_count"] = count
        if reaction in COUNTED_REACTIONS:
            own["reaction_count"] = own.get("reaction_count", 0) + count
    collected = read.value(_COLLECTED, (entity.capitalize(), id))
    return {**own, "collected_count": collected} if collected else own


def with_own(counts: Mapping[str, int], own: Mapping[str, int]) -> dict[str, int]:
    """Upstream's counters with this library's own on top."""
    return {name: count + own.get(name, 0) for name, count in counts.items()}
