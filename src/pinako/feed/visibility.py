"""Who may see which rows: public ones by level mask, pre-united; private ones by room and owner."""

from __future__ import annotations

from collections.abc import Sequence

from pyroaring import BitMap

from pinako.feed.bits import united
from pinako.feed.postings import NOTHING, Postings
from pinako.feed.spec import UNRATED_BIT, Sight

_BITS = (1, 2, 4, 8, 16, 32, UNRATED_BIT)


class Visibility:
    """Levels of the living rows. A row in no room is dead, wherever else its ordinal may still be found."""

    def __init__(self, rooms: dict[int, dict[int, BitMap]], alive: BitMap) -> None:
        self.rooms = rooms  # room -> level bit -> rows
        self.alive = alive
        self._public: dict[int, BitMap] = {}
        self._private: dict[Sight, BitMap] = {}

    def show(self, ordinals: Sequence[int], level: int, room: int) -> None:
        """Living rows get this level and room."""
        self.alive.update(ordinals)
        shelves = self.rooms.setdefault(room, {})
        for bit in _BITS:
            if level & bit or (bit == UNRATED_BIT and not level):
                shelves.setdefault(bit, BitMap()).update(ordinals)
        if room:
            self._private.clear()
            return
        for mask, bitmap in self._public.items():
            if mask & level:
                bitmap.update(ordinals)

    def hide(self, ordinal: int) -> None:
        """The row leaves every level, as before its death or its next `show`."""
        self.alive.discard(ordinal)
        for room, shelves in self.rooms.items():
            for bitmap in shelves.values():
                bitmap.discard(ordinal)
            if room and self._private:
                self._private.clear()
        for bitmap in self._public.values():
            bitmap.discard(ordinal)

    def public(self, mask: int) -> BitMap:
        """Public rows that share a bit with the mask."""
        known = self._public.get(mask)
        if known is None:
            shelves = self.rooms.get(0, {})
            known = united([shelves[bit] for bit in _BITS if bit & mask and bit in shelves])
            self._public[mask] = known
        return known

    def private(self, sight: Sight, owned: Postings | None) -> BitMap:
        """Private rows that the sight opens. `owned` is the owner field of the entity."""
        if not (sight.all or (sight.own and sight.owner)) or not any(self.rooms.keys() - {0}):
            return NOTHING
        known = self._private.get(sight)
        if known is None:
            if len(self._private) >= 64:
                self._private.clear()
            known = self._private[sight] = self._open(sight, owned)
        return known

    def forget_private(self) -> None:
        """An owner has changed: private sights are worked out anew when next asked."""
        self._private.clear()

    def _open(self, sight: Sight, owned: Postings | None) -> BitMap:
        own = owned.get(sight.owner) if owned is not None and sight.owner else NOTHING
        return united([*self._shelves(sight.all), *(own & bitmap for bitmap in self._shelves(sight.own))])

    def _shelves(self, rooms: tuple[tuple[int, int], ...]) -> list[BitMap]:
        shelves = [(self.rooms.get(room, {}), mask) for room, mask in rooms]
        return [bitmap for held, mask in shelves for bit, bitmap in held.items() if bit & mask and bitmap]
