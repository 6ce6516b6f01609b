"""The gallery: the library as pages, at the original's addresses, for any browser with or without scripts."""

from __future__ import annotations

from pinako.services.library import Library
from pinako.web.gallery.assets import Assets
from pinako.web.gallery.collections import Collections
from pinako.web.gallery.entrance import Entrance
from pinako.web.gallery.home import Home
from pinako.web.gallery.image import ImagePage
from pinako.web.gallery.images import Images
from pinako.web.gallery.models import Models
from pinako.web.gallery.owner import Owner
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.people import People
from pinako.web.gallery.posts import Posts
from pinako.web.gallery.review import Review
from pinako.web.gallery.search import Search
from pinako.web.gallery.tags import Tags
from pinako.web.routes import Route
from pinako.web.threads import Threads


def routes(library: Library, threads: Threads) -> tuple[list[Route], Route]:
    """Every page of a library and the files that pages are made of; and what an address meets that is none."""
    assets = Assets()
    pages = Pages(library, assets)
    images, posts, models = Images(pages, threads), Posts(pages), Models(pages)
    collections = Collections(pages, images, posts, models)
    rooms = (
        Home(pages, collections),
        images,
        ImagePage(pages, threads),
        posts,
        models,
        collections,
        People(pages, images, posts, models, collections),
        Tags(pages, images),
        Owner(pages, threads),
        Review(pages, threads),
        Entrance(pages),
        Search(pages, images, posts, models, collections),
    )
    return [*assets.routes(), *(route for room in rooms for route in room.routes())], pages.route("/{*}", pages.nowhere)
