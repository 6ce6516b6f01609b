"""Who is calling, and what they may do."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from pinako.catalog import levels


class Scope(StrEnum):
    """What an API key may do. Cookie sessions and logins have WRITE."""

    READ = "read"
    WRITE = "write"


class User(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """An account, as its table has it, secrets apart. `image` is a whole URL or a media key. Times in milliseconds."""

    id: int
    created_at: int = 0
    username: str | None = None
    username_key: str | None = None
    email: str | None = None
    image: str | None = None
    profile_picture_id: int | None = None
    is_owner: bool = False
    is_moderator: bool = False
    max_level: int = levels.ALL
    browsing_level: int | None = None
    muted: bool = False
    banned_at: int | None = None
    deleted_at: int | None = None
    settings: str = "{}"
    public_settings: str = "{}"
    links: str = "[]"
    file_preferences: str = "{}"
    follower_count: int = 0
    following_count: int = 0
    source: str = ""
    source_id: int | None = None
    fetched_at: int | None = None


class Creator(msgspec.Struct, frozen=True, kw_only=True):
    """A user of `/creators`: somebody who owns a model. `model_count` counts the published ones."""

    user: User
    model_count: int = 0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What `user.getCreator` says about one user, counted over what the caller may see."""

    user: User
    model_count: int = 0
    download_count: int = 0
    thumbs_up_count: int = 0
    reaction_count: int = 0
    upload_count: int = 0
    generation_count: int = 0


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What a share link shows beside all else: one collection's things, within these levels."""

    collection_id: int
    level: int


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
    shared: Shared | None = None
    """The share link that came along, if it holds. What it opens is looked at with `through`."""

    def through(self) -> Viewer:
        """The same caller as the link's collection knows them. Only for what is in it: services/shares.py says what is."""
        if self.shared is None:
            return self
        level = self.shared.level & levels.ALL
        return msgspec.structs.replace(self, cap=self.cap | level, browsing=(self.browsing or levels.PUBLIC) | level)

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
        """Whether the answer must carry `X-Pinako-Level`: the caller asked for selectable bits that the cap took away,
        or for nothing but bits that nobody may select."""
        return bool(asked) and ((asked or 0) & levels.ALL & ~self.cap != 0 or self.mask(asked) == 0)


ANONYMOUS = Viewer()
