"""The page that asks for name and password, and what a signed-in visitor has: keys, levels, the instance's rules."""

from __future__ import annotations

import msgspec

from pinako.catalog import levels
from pinako.catalog.images import Image
from pinako.catalog.people import Viewer
from pinako.errors import Unauthorized
from pinako.services import access, discard, hiding
from pinako.web.answers import NO_STORE, Answer
from pinako.web.ask import Ask
from pinako.web.gallery.asked import Address
from pinako.web.gallery.image import Fact
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import Tile
from pinako.web.identity import session_token
from pinako.web.limits import WINDOW_S
from pinako.web.routes import Route
from pinako.web.sessions import safe_return

MOST_TRASH = 1000


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account in the list of them."""

    id: int
    username: str
    level: str
    moderator: bool
    owner: bool
    password: bool
    keys: int


class Entrance:
    """`/login` and `/settings`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._library = pages.library

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            self._pages.route("/login", self.login),
            self._pages.route("/settings", self.settings),
            self._pages.route("/upload", self.upload),
            self._pages.route("/trash", self.trash),
        ]

    def login(self, ask: Ask) -> Answer:
        """The login form, after a failure (`failed`) with a line that says so. It goes on to `returnUrl`, if that is ours.

        What it is sent to is web/sessions.py.
        """
        address = Address(ask.path, ask.pairs)
        failed = address.first("failed")
        status = {"wrong": 401, "busy": 429}.get(failed, 200)
        answer = self._pages.show(
            ask,
            "login.html",
            status=status,
            wrong=status == 401,
            busy=status == 429,
            onward=safe_return(address.first("returnUrl")),
        )
        answer.cache = NO_STORE
        if status == 429:
            answer.headers = (*answer.headers, (b"retry-after", b"%d" % WINDOW_S))
        return answer

    def upload(self, ask: Ask) -> Answer:
        """Where pictures are dropped. What is dropped goes through the wire's own doors."""
        if not ask.viewer.known:
            raise Unauthorized("Sign in first")
        return self._pages.show(ask, "upload.html")

    def trash(self, ask: Ask) -> Answer:
        """What the caller deleted; for moderators what everybody did. Shown are pictures of the levels that lists show."""
        if not ask.viewer.known:
            raise Unauthorized("Sign in first")
        rows = discard.list_trash(self._library, ask.viewer)[:MOST_TRASH]
        shown = discard.trashed_pictures(self._library, self._pages.viewer_of(ask), rows)
        pictures = {id: _picture(image) for id, image in shown.items() if image.blob and image.type != "audio"}
        answer = self._pages.show(ask, "trash.html", rows=rows, pictures=pictures)
        answer.cache = NO_STORE
        return answer

    def settings(self, ask: Ask) -> Answer:
        """Keys of the caller; for moderators also accounts and the rules of this instance."""
        viewer = ask.viewer
        if viewer.user_id is None:
            raise Unauthorized("Sign in first")
        read = self._library.database.read()
        answer = self._pages.show(
            ask,
            "settings.html",
            keys=[key for key in access.list_keys(read, viewer.user_id) if key.revoked_at is None],
            me=[
                Fact(say("settings.cap"), words_of(viewer.cap)),
                Fact(say("settings.browsing"), words_of(viewer.mask(None))),
            ],
            logins=access.list_sessions(
                read, viewer.user_id, self._library.now(), session_token(ask.header("cookie")) or ""
            ),
            wanted=[(bit, levels.NAMES[bit], bool(viewer.mask(None) & bit)) for bit in levels.BITS if viewer.cap & bit],
            hidden=self._hidden(viewer),
            accounts=self._accounts() if viewer.moderator else [],
            rules=self._rules() if viewer.moderator else [],
        )
        answer.cache = NO_STORE
        return answer

    def _hidden(self, viewer: Viewer) -> list[tuple[str, int, str]]:
        """What the caller hides: kind, id, name."""
        found = hiding.hidden_of(self._library, viewer)
        kinds = (("user", found.users), ("blockedUser", found.blocked), ("tag", found.tags))
        return [(kind, one.id, one.name or say("user.unnamed")) for kind, things in kinds for one in things]

    def _accounts(self) -> list[Account]:
        """Accounts that can enter: those with a password or a key."""
        sql = (
            "SELECT u.id, u.username, u.max_level, u.is_moderator, u.is_owner, u.password_hash IS NOT NULL, "
            "(SELECT COUNT(*) FROM api_keys k WHERE k.user_id = u.id AND k.revoked_at IS NULL) FROM users u "
            "WHERE u.deleted_at IS NULL AND (u.is_owner = 1 OR u.password_hash IS NOT NULL OR EXISTS "
            "(SELECT 1 FROM api_keys k WHERE k.user_id = u.id)) ORDER BY u.is_owner DESC, u.username_key LIMIT 500"
        )
        return [
            Account(
                id=row[0],
                username=row[1] or say("user.unnamed"),
                level=words_of(int(row[2])),
                moderator=bool(row[3]),
                owner=bool(row[4]),
                password=bool(row[5]),
                keys=int(row[6]),
            )
            for row in self._library.database.read().rows(sql)
        ]

    def _rules(self) -> list[Fact]:
        settings = self._library.settings
        limit = settings.rate_limit_per_minute
        return [
            Fact(say("settings.public"), words_of(settings.public_level)),
            Fact(say("settings.account"), words_of(settings.account_level)),
            Fact(say("settings.rate"), say("settings.rate.value", count=limit) if limit else say("settings.rate.none")),
            Fact(say("settings.sessions"), say("settings.sessions.value", days=settings.session_days)),
            Fact(say("settings.file"), str(settings.folder / "pinako.toml"), long=True),
        ]


def _picture(image: Image) -> Tile:
    """The picture of an image that has no documents any more."""
    return Tile(id=image.id, url=image.media_key, nsfw_level=image.level, type=image.type)


def words_of(mask: int) -> str:
    """A mask in words."""
    return ", ".join(levels.NAMES[bit] for bit in levels.BITS if mask & bit) or say("settings.nothing")
