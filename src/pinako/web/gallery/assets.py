"""Style sheets, scripts and pictures of the pages: read once, named after their content, so that browsers may keep them.

A script that imports another one names it plainly (`./tiles.js`); here that becomes the other's full name. So a change of any
file changes the names of all that lead to it, and nothing needs a build step.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from pinako.errors import NotFound
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.files import PUBLIC_FOREVER
from pinako.web.gallery.strings import WORDS
from pinako.web.routes import Route

FOLDER = Path(__file__).parent.parent / "static"
BASE = "/static/"
WORDS_FILE = "words.js"
"""Made here: what scripts say, out of the same list as everything that the pages say."""
STYLE_FILE = "gallery.css"
STYLE_PARTS = (
    "ground",
    "controls",
    "frame",
    "lists",
    "wall",
    "cards",
    "image",
    "things",
    "notes",
    "viewer",
    "narrow",
)
"""Made here too: the parts of the folder `style` one after another, what may be overridden first. A page asks for one file."""

_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".json": b"application/manifest+json",
}
_IMPORT = re.compile(r'(from |import )"\./([a-z_]+\.js)"')


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it is sent."""

    name: str
    body: bytes
    content_type: bytes


class Assets:
    """Every file under its plain name and under its full one."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._sources = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
        self._sources[WORDS_FILE] = words_script()
        self._sources[STYLE_FILE] = b"\n".join((folder / "style" / f"{part}.css").read_bytes() for part in STYLE_PARTS)
        self._named: dict[str, Asset] = {}
        for name in self._sources:
            self._name(name)
        self._full = {asset.name: asset for asset in self._named.values()}

    def address(self, name: str) -> str:
        """Where the file of this plain name is. NotFound for a name that no file has."""
        if name not in self._named:
            raise NotFound(f"no asset is called {name}")
        return BASE + self._named[name].name

    def send(self, ask: Ask) -> Answer:
        """The file of a full name: it never changes."""
        asset = self._full.get(ask.args[0])
        if asset is None:
            raise NotFound("Not found")
        return Answer(asset.body, content_type=asset.content_type, cache=PUBLIC_FOREVER)

    def send_icon(self, ask: Ask) -> Answer:
        """`/favicon.ico`, which browsers ask for whatever a page says."""
        asset = self._named["pinako.svg"]
        return Answer(asset.body, content_type=asset.content_type, cache=b"public, max-age=86400")

    def routes(self) -> list[Route]:
        """The doors of the files."""
        return [
            Route(path=BASE + "{}", handler=self.send, limited=False),
            Route(path="/favicon.ico", handler=self.send_icon, limited=False),
        ]

    def _name(self, name: str) -> Asset:
        if name not in self._named:
            body = self._sources[name]
            if name.endswith(".js"):
                body = _IMPORT.sub(lambda found: f'{found[1]}"./{self._name(found[2]).name}"', body.decode()).encode()
            stem, _, ending = name.rpartition(".")
            full = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
            self._named[name] = Asset(name=full, body=body, content_type=_TYPES[f".{ending}"])
        return self._named[name]


def words_script() -> bytes:
    """What scripts say, as a module."""
    said = {key.removeprefix("js."): text for key, text in WORDS.items() if key.startswith("js.")}
    return b"export const words = " + msgspec.json.encode(said) + b";\n"
