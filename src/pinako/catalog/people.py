"""Who is calling, and what they may do."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from pinako.catalog import levels


class Scope(StrEnum):
    """What an API key may do. Cookie sessions and logins have WRITE."""

    READ = "read"
    WRITE = "write"


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of one request, as every rule sees them.

    `cap` is the most this caller may see (anonymous: the instance's public level; signed in: the account's level).
    `browsing` is what lists use when no level is asked: the caller's own choice, or None for PG.
    """

    cap: int = levels.PUBLIC
    user_id: int | None = None
    username: str | None = None
    moderator: bool = False
    scope: Scope = Scope.READ
    browsing: int | None = None
    key_id: int | None = None
    via_session: bool = False

    @property
    def known(self) -> bool:
        """Whether somebody is logged in, by key or cookie."""
        return self.user_id is not None

    @property
    def may_write(self) -> bool:
        """Whether mutations are open to this caller."""
        return self.known and self.scope is Scope.WRITE

    def mask(self, asked: int | None) -> int:
        """The effective mask of a list: asked (0 and None count as not asked), cut to the cap (rest.md 20)."""
        wanted = asked or self.browsing or levels.PUBLIC
        return levels.cut(wanted, self.cap)

    def was_cut(self, asked: int | None) -> bool:
        """Whether the answer must carry `X-Pinako-Level`: the caller asked for selectable bits that the cap took away."""
        return bool(asked) and (asked or 0) & levels.ALL & ~self.cap != 0


ANONYMOUS = Viewer()
