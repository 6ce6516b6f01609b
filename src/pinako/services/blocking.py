"""Whoever has blocked somebody: to them, what is theirs is not here, thing by thing (trpc.md 4.1, 5.2, 8.2).

Of the wires only those three doors ask: lists leave it to the client (trpc.md 9), which reads who it is in
`hiddenPreferences.getHidden`, and REST has no such clients. The library's own pages are one. A block keeps no secret: whoever is
not logged in sees what everybody sees.
"""

from __future__ import annotations

from pinako.catalog.people import Viewer
from pinako.errors import NotFound
from pinako.storage.scopes import Statements

ENTITY_MISSING = "Could not find entity"
_BLOCKS = "SELECT 1 FROM engagements WHERE user_id = ? AND target_type = 'user' AND target_id = ? AND kind = 'Block'"


def heed_block(read: Statements, viewer: Viewer, owner_id: int) -> None:
    """NotFound where the owner of a thing has blocked the caller. Moderators meet everything."""
    if viewer.user_id is None or viewer.user_id == owner_id or viewer.moderator:
        return
    if read.row(_BLOCKS, (owner_id, viewer.user_id)) is not None:
        raise NotFound(ENTITY_MISSING)
