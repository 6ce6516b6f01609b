"""A demo library with people who sign in and curate it in a real browser: what they have there and what they often do."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from browsing import until, visitor
from PIL import Image as Picture

from pinako.app import open_library
from pinako.catalog.images import Image
from pinako.catalog.tags import Tag
from pinako.services import access
from pinako.services.settle import Touched, settle
from pinako.settings import load_settings
from pinako.storage.records import fetch, select

PASSWORD = "light on water"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

Opener = Callable[..., Any]
"""Opens a page, as the owner where nobody else is named; one that `listens` has opened its stream of changes by then."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A server over a demo library, its folder, and what its owner has there."""

    address: str
    folder: Path
    owner: str
    images: list[int]
    tag: str
    held: int


def prepare(folder: Path) -> Place:
    """Passwords, and what tests need to know: public pictures of others, a common tag, one picture in review."""
    with open_library(load_settings({}, given={"library": str(folder)})) as library:
        read = library.database.read()
        owner = access.owner_of(read)
        assert owner is not None
        with library.database.write() as w:
            access.set_password(w, owner.id, PASSWORD)
            fox = access.add_user(w, "fox", library.now(), max_level=31)
            access.set_password(w, fox.id, PASSWORD)
        images = select(
            read, Image, "level = 1 AND type = 'image' AND needs_review IS NULL AND blob IS NOT NULL AND minor = 0 AND poi = 0 "
            "AND published_at < ? AND deleted_at IS NULL ORDER BY published_at DESC LIMIT 40", (library.now(),)
        )  # fmt: skip
        tag = read.value("SELECT tag_id FROM image_tags GROUP BY tag_id ORDER BY COUNT(*) DESC, tag_id LIMIT 1")
        with library.database.write() as w:
            held, touched = images.pop().id, Touched()
            w.update("images", held, {"needs_review": "reported"})
            touched.images.add(held)
            settle(w, touched, library.now())
        return Place(
            address="", folder=folder, owner=owner.username or "", images=[image.id for image in images],
            tag=fetch(read, Tag, [tag])[tag].name, held=held,
        )  # fmt: skip


def signed_in(browser: Any, place: Place, name: str) -> Any:
    """Sign in by the form; what the browser keeps of it."""
    context = visitor(browser)
    page = context.new_page()
    page.goto(f"{place.address}/login?returnUrl=%2Fimages")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(place.address + "/images")
    kept = context.storage_state()
    context.close()
    return kept


def picture(number: int, size: tuple[int, int] = (320, 240)) -> dict[str, Any]:
    """A file to upload, unlike all others."""
    out = io.BytesIO()
    Picture.new("RGB", size, (number * 37 % 256, number * 91 % 256, 120)).save(out, "PNG")
    return {"name": f"upload-{number}.png", "mimeType": "image/png", "buffer": out.getvalue()}


def said(page: Any, text: str) -> None:
    """Wait until the page has said this, however long ago: a note goes after seconds. What was waited for is said once."""
    said = f"heard.findIndex(one => one.includes({json.dumps(text)}))"
    until(page, f"(at => at >= 0 && heard.splice(at, 1).length)({said})")


def new_shelf(page: Any, place: Place, image: int, name: str) -> str:
    """Save a picture into a new collection from its page; the collection's address."""
    page.goto(f"{place.address}/images/{image}")
    page.get_by_role("button", name="Add to a collection").click()
    page.select_option('dialog [name="collection"]', "new")
    page.fill('dialog [name="name"]', name)
    page.get_by_role("button", name="Add", exact=True).last.click()
    said(page, "Saved")
    page.get_by_role("button", name="Look").click()
    page.wait_for_url(re.compile(r"/collections/\d+$"))
    return str(page.url)


def upload(page: Any, place: Place, numbers: list[int], title: str, level: str = "PG") -> str:
    """Upload these by the file picker and publish them; the post's address."""
    page.goto(place.address + "/upload")
    page.set_input_files("input[type=file]", [picture(number) for number in numbers])
    page.get_by_label("Title of the post").fill(title)
    page.get_by_label("Level of these files").select_option(label=level)
    until(page, f"document.querySelectorAll('[data-files] p').length === {len(numbers)} && "
          "[...document.querySelectorAll('[data-files] p')].every(one => one.textContent === 'Here')")  # fmt: skip
    page.get_by_role("button", name="Publish as a post").click()
    page.wait_for_url(re.compile(r"/posts/\d+$"))
    return str(page.url)
