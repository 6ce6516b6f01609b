"""Open pages follow what others do, within a second: lists of cards, the pages of things, what waits for a moderator."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browsing import until
from curator import Opener, Place, new_shelf, said, upload

from pinako.app import open_library
from pinako.catalog.resources import Model
from pinako.services.settle import Touched, settle
from pinako.settings import load_settings
from pinako.storage.records import select

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def edit(page: Any, button: Any, **values: str) -> None:
    """Change words in the form that a button opens."""
    button.click()
    for name, value in values.items():
        page.fill(f'dialog [name="{name}"]', value)
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()


def shows(page: Any, selector: str, text: str) -> None:
    """Wait until a place says this."""
    until(page, f"document.querySelector({selector!r})?.innerText.includes({text!r})")


@pytest.fixture
def model(place: Place) -> int:
    """The newest published model of the library."""
    with open_library(load_settings({}, given={"library": str(place.folder)})) as library:
        read = library.database.read()
        return select(read, Model, "status = 'Published' AND nsfw = 0 ORDER BY sort_at DESC, id DESC LIMIT 1")[0].id


def test_a_model_and_its_version_are_edited_and_other_pages_follow(tab: Opener, place: Place, model: int) -> None:
    shelf = tab("/models?sort=Newest", who=None, listens=True)
    other = tab(f"/models/{model}", who="fox", listens=True)
    other.locator(".fold summary").last.click()
    page = tab(f"/models/{model}")
    edit(
        page,
        page.locator('[data-edit="model.upsert"]'),
        name="Lamps of the harbour",
        description="Made for <b>evenings</b>.",
    )
    assert page.locator("h1").inner_text() == "Lamps of the harbour"
    shows(other, "h1", "Lamps of the harbour")
    assert other.locator(".rich b").first.inner_text() == "evenings"
    shows(shelf, f'.card[data-id="{model}"]', "Lamps of the harbour")
    edit(page, page.locator('[data-edit="modelVersion.upsert"]'), name="v9 quiet", trainedWords="lamp light, harbour")
    assert page.locator(".panel h2").first.inner_text() == "v9 quiet"
    assert page.locator('.tag [data-copy="harbour"]').count() == 1
    shows(other, ".panel h2", "v9 quiet")
    assert other.locator('.tag [data-copy="lamp light"]').count() == 1
    assert other.locator(".fold").last.get_attribute("open") is not None, "what somebody opened stays open"
    page.locator('[data-edit="modelVersion.upsert"]').click()
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog')")


def test_lists_of_posts_and_collections_grow_and_shrink_by_themselves(tab: Opener, place: Place) -> None:
    posts, home = tab("/posts?sort=Newest", who=None, listens=True), tab("/", who=None, listens=True)
    shelves = tab("/collections?mine=true", listens=True)
    page = tab("/upload")
    address = upload(page, place, [41, 42], "Two by the window")
    id = address.rsplit("/", 1)[1]
    shows(posts, f'.card[data-id="{id}"] h3', "Two by the window")
    first = page.locator(".tile").first.get_attribute("data-id")
    home.wait_for_selector(f'.tile[data-id="{first}"]')
    watched = tab(f"/posts/{id}", who="fox", listens=True)
    edit(page, page.locator('[data-edit="post.update"]'), title="Two by the door")
    shows(posts, f'.card[data-id="{id}"] h3', "Two by the door")
    shows(watched, "h1", "Two by the door")
    new = new_shelf(page, place, int(str(first)), "By the window")
    shelf = new.rsplit("/", 1)[1]
    shows(shelves, f'.card[data-id="{shelf}"]', "By the window")
    shows(shelves, f'.card[data-id="{shelf}"]', "1 item")
    page.goto(address)
    page.get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    posts.wait_for_selector(f'.card[data-id="{id}"]', state="detached")
    said(watched, "deleted or hidden meanwhile")


def test_the_head_of_a_collection_and_of_a_person_follow(tab: Opener, place: Place) -> None:
    page = tab("/")
    address = new_shelf(page, place, place.images[10], "Slow evenings")
    other = tab(re.sub(r"^https?://[^/]+", "", address), listens=True)
    edit(page, page.locator('[data-edit="collection.upsert"]'), name="Slower evenings", description="One a day.")
    shows(other, "h1", "Slower evenings")
    shows(other, "main", "One a day.")
    person = tab("/user/inkharbor/posts", who=None, listens=True)
    before = person.locator(".person .counts").inner_text()
    follower = tab("/user/inkharbor", who="fox")
    follower.get_by_role("button", name="Follow").click()
    until(person, f"document.querySelector('.person .counts').innerText !== {before!r}")


def test_what_is_hidden_from_strangers_leaves_their_open_pages(tab: Opener, place: Place, model: int) -> None:
    page = tab("/")
    address = new_shelf(page, place, place.images[11], "For everybody")
    edit_shelf = page.locator('[data-edit="collection.upsert"]')
    edit(page, edit_shelf, name="For everybody at first")
    id = address.rsplit("/", 1)[1]
    read = page.evaluate(READ, [id, "Public"])
    assert read == 200
    here, shelves = tab(f"/collections/{id}", who=None, listens=True), tab("/collections", who=None, listens=True)
    models = tab("/models?sort=Newest", who="fox", listens=True)
    assert shelves.locator(f'.card[data-id="{id}"]').count() == 1
    page.wait_for_timeout(500)
    assert page.evaluate(READ, [id, "Private"]) == 200
    said(here, "deleted or hidden meanwhile")
    shelves.wait_for_selector(f'.card[data-id="{id}"]', state="detached")
    status(place, model, "Unpublished")
    models.wait_for_selector(f'.card[data-id="{model}"]', state="detached")
    status(place, model, "Published")


READ = """([id, read]) => fetch('/api/trpc/collection.upsert', {method: 'POST', headers: {'content-type': 'application/json',
    'x-csrf-token': document.querySelector('meta[name=csrf-token]').content},
    body: JSON.stringify({json: {id: Number(id), name: 'For everybody', type: 'Image', read}})}).then(answer => answer.status)"""


def status(place: Place, model: int, word: str) -> None:
    """Publish or unpublish a model, as an import would."""
    with (
        open_library(load_settings({}, given={"library": str(place.folder)})) as library,
        library.database.write() as w,
    ):
        w.update("models", model, {"status": word})
        touched = Touched()
        touched.models.add(model)
        settle(w, touched, library.now())


def test_what_waits_for_a_moderator_follows(tab: Opener, place: Place) -> None:
    one, two = tab("/review"), tab("/review", listens=True)
    held = one.locator("[data-held]").filter(has=one.locator(f'[data-id="{place.held}"]'))
    held.get_by_role("button", name="Let it be seen").click()
    said(one, "Decided")
    two.wait_for_selector(f'[data-held][data-id="{place.held}"]', state="detached")
