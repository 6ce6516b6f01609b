"""Pages as HTML: templates, what every page has around it, and what a page that cannot be shown says instead."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from pinako import UNKNOWN_VERSION
from pinako.catalog import levels
from pinako.catalog.people import Viewer
from pinako.errors import NotFound, PinakoError
from pinako.services.library import Library
from pinako.web import csrf
from pinako.web.answers import HTML_TYPE, PRIVATE, Answer, Header, json_answer, text_answer
from pinako.web.ask import Ask
from pinako.web.gallery import shown
from pinako.web.gallery.assets import Assets
from pinako.web.gallery.drawing import Drawing
from pinako.web.gallery.strings import WORDS, say, say_many
from pinako.web.health import VERSION
from pinako.web.identity import session_token
from pinako.web.routes import Route
from pinako.wire.failures import ErrorAnswer

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent.parent / "templates"

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    b"connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    b"frame-ancestors 'none'"
)
"""No script and no style but our own files, nothing from elsewhere, no frames."""

SAFE: tuple[Header, ...] = (
    (b"content-security-policy", POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
)
THEMES = ("light", "dark")
THEME_COOKIE, LEVEL_COOKIE = "pinako-theme", "pinako-level"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is around every page."""

    viewer: Viewer
    level: int
    """The mask that lists use."""
    theme: str
    path: str
    query: str
    """What stands in the search box."""
    csrf: str
    origin: str
    seq: int
    """How far in the change log the page is: what happens after that is told to it by events."""

    @property
    def levels(self) -> list[tuple[int, str, bool]]:
        """The levels that this caller may choose: bit, name, whether lists show it."""
        return self.levels_in(self.level)

    def levels_in(self, mask: int | None) -> list[tuple[int, str, bool]]:
        """The same with whether each is in `mask`."""
        on = mask or 0
        return [(bit, levels.NAMES[bit], bool(on & bit)) for bit in levels.BITS if self.viewer.cap & bit]


class Pages:
    """Renders the pages of one library."""

    def __init__(self, library: Library, assets: Assets) -> None:
        self.library = library
        self.assets = assets
        self.account = library.settings.media_account
        self.draw = Drawing(self.account, assets.address)
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals |= {
            "t": say,
            "tn": say_many,
            "asset": assets.address,
            "draw": self.draw,
            "account": self.account,
            "site_version": "" if VERSION == UNKNOWN_VERSION else VERSION,
            "day": shown.day,
            "moment": shown.moment,
            "iso": shown.iso,
            "size": shown.size,
            "number": shown.number,
            "short": shown.short_number,
        }

    def viewer_of(self, ask: Ask) -> Viewer:
        """The caller with the levels chosen in this browser: they narrow or widen lists, and never beyond the cap."""
        chosen = cookie_of(ask, LEVEL_COOKIE)
        if not chosen.isdecimal() or len(chosen) > 2 or not int(chosen) & ask.viewer.cap:
            return ask.viewer
        return msgspec.structs.replace(ask.viewer, browsing=int(chosen) & ask.viewer.cap)

    def frame(self, ask: Ask) -> Frame:
        """What is around the page that was asked for."""
        viewer, theme = self.viewer_of(ask), cookie_of(ask, THEME_COOKIE)
        return Frame(
            viewer=viewer,
            level=viewer.mask(None),
            theme=theme if theme in THEMES else "",
            path=ask.path,
            query=next((value for key, value in ask.pairs if key == "query"), ""),
            csrf=csrf_of(ask),
            origin=ask.origin,
            seq=self.library.feeds.follower.place.seq,
        )

    def show(self, ask: Ask, template: str, *, status: int = 200, **context: Any) -> Answer:
        """A page. It is the caller's own: what it shows depends on who looks."""
        body = self._templates.get_template(template).render(frame=self.frame(ask), **context).encode()
        return Answer(body, status=status, content_type=HTML_TYPE, headers=SAFE, cache=PRIVATE)

    def give(self, value: Any) -> Answer:
        """Data for a page's own script."""
        return json_answer(value, cache=PRIVATE)

    def refuse(self, ask: Ask, error: PinakoError) -> Answer:
        """The page that says why there is no page."""
        if error.status >= 500:
            log.error("%s %s: %s", ask.method, ask.path, error)
        key = f"error.{error.status}" if f"error.{error.status}.title" in WORDS else "error.other"
        detail = error.message if error.status in (400, 403) else ""
        return self.show(ask, "error.html", status=error.status, key=key, detail=detail)

    def nowhere(self, ask: Ask) -> Answer:
        """What an address that is no page meets: a page for people, a line for programs."""
        if "text/html" in ask.header("accept"):
            raise NotFound("Not found")
        return text_answer("Not found", status=404)

    def failed(self, error: PinakoError) -> ErrorAnswer:
        """The page of an accident, when nothing is known but that it happened."""
        body = self._templates.get_template("plain_error.html").render(key="error.500")
        return ErrorAnswer(error.status, body.encode(), HTML_TYPE.decode())

    def route(self, path: str, handler: Callable[[Ask], Answer] | Callable[[Ask], Awaitable[Answer]]) -> Route:
        """A route whose refusals are pages too."""

        async def guarded(ask: Ask) -> Answer:
            try:
                answer = handler(ask)
                return answer if isinstance(answer, Answer) else await answer
            except PinakoError as error:
                return self.refuse(ask, error)

        return Route(path=path, handler=guarded, errors=self.failed)


def cookie_of(ask: Ask, name: str) -> str:
    """One cookie's value; empty where it was not sent."""
    for part in ask.header("cookie").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return ""


def csrf_of(ask: Ask) -> str:
    """The word that this session's page sends along with writes; empty without a session."""
    token = session_token(ask.header("cookie"))
    return csrf.word_of(token) if token else ""
