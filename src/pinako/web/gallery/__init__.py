"""The gallery: the library as pages, at the original's addresses, for any browser with or without scripts."""

from __future__ import annotations

from pinako.services.library import Library
from pinako.web.gallery.assets import Assets
from pinako.web.gallery.home import Home
from pinako.web.gallery.image import ImagePage
from pinako.web.gallery.images import Images
from pinako.web.gallery.pages import Pages
from pinako.web.routes import Route
from pinako.web.threads import Threads


def routes(library: Library, threads: Threads) -> tuple[list[Route], Route]:
    """Every page of a library and the files that pages are made of; and what an address meets that is none."""
    assets = Assets()
    pages = Pages(library, assets)
    rooms = (Home(pages), Images(pages, threads), ImagePage(pages, threads))
    return [*assets.routes(), *(route for room in rooms for route in room.routes())], pages.route("/{*}", pages.nowhere)
