"""Curating in a real browser: signing in, reacting, voting, collecting, uploading, deleting, sharing, keys, following."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browsing import axe_script, serious, until
from curator import PASSWORD, PHONE, Opener, Place, new_shelf, said, upload

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


# --- in and out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_signing_in_and_out_with_and_without_scripts(tab: Opener, scripts: bool) -> None:
    page = tab("/login?returnUrl=%2Fsettings", who=None, java_script_enabled=scripts)
    for password, where in (("wrong", r"/login\?failed=wrong"), (PASSWORD, r"/settings$")):
        page.locator('[name="username"]').fill("fox")
        page.locator('[name="password"]').fill(password)
        page.locator("main form button").click()
        page.wait_for_url(re.compile(where))
    assert "fox" in page.locator("main h2").first.inner_text()
    page.locator("summary.avatar").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(r"/$"))
    assert page.get_by_role("link", name="Sign in").is_visible()
    page.go_back()
    page.reload()
    assert "Sign in first" in page.locator("main h1, main h2").first.inner_text()


# --- reacting, voting, collecting ---------------------------------------------------------------------------------


def test_a_reaction_counts_at_once_and_on_other_open_pages_within_a_second(tab: Opener, place: Place) -> None:
    image = place.images[0]
    other = tab(f"/images/{image}", who=None, listens=True)
    seen = other.locator('[data-count="heart"]')
    before = int(seen.inner_text())
    page = tab(f"/images/{image}", who="fox")
    button = page.locator('[data-reaction="Heart"]')
    button.click()
    until(page, "document.querySelector('[data-reaction=\"Heart\"]').getAttribute('aria-pressed') === 'true'")
    assert button.locator("[data-count]").inner_text() == str(before + 1)
    until(other, f"document.querySelector('[data-count=\"heart\"]').textContent === '{before + 1}'")
    page.reload()
    assert button.get_attribute("aria-pressed") == "true"
    button.focus()
    page.keyboard.press("Enter")
    until(other, f"document.querySelector('[data-count=\"heart\"]').textContent === '{before}'")


def test_a_reaction_that_is_told_of_before_it_is_answered_counts_once(tab: Opener, place: Place) -> None:
    page = tab(f"/images/{place.images[8]}", who="fox", listens=True)
    count = "document.querySelector('[data-reaction=\"Cry\"] [data-count]').textContent"
    after = str(int(page.evaluate(count)) + 1)

    def answer_late(route: Any) -> None:
        answer = route.fetch()
        until(page, f"{count} === '{after}'")
        route.fulfill(response=answer)

    page.route("**/api/trpc/reaction.toggle", answer_late)
    page.locator('[data-reaction="Cry"]').click()
    until(page, "document.querySelector('[data-reaction=\"Cry\"]').getAttribute('aria-pressed') === 'true'")
    assert page.evaluate(count) == after


def test_tags_are_voted_on_added_and_taken_off(tab: Opener, place: Place) -> None:
    page = tab(f"/images/{place.images[1]}")
    block = page.locator("[data-tags]")
    field = block.get_by_placeholder("Add a tag")
    field.fill("a lamp nobody tagged")
    page.keyboard.press("Enter")
    said(page, "Tagged")
    added = block.locator(".tag", has_text="a lamp nobody tagged")
    assert added.locator('[data-way="1"]').get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.name") == "tag"
    added.locator('[data-way="-1"]').click()
    added.wait_for(state="detached")
    up = block.locator('[data-way="1"]').first
    up.click()
    until(page, "document.querySelector('[data-tags] [data-way=\"1\"]').getAttribute('aria-pressed') === 'true'")
    up.click()
    until(page, "document.querySelector('[data-tags] [data-way=\"1\"]').getAttribute('aria-pressed') === 'false'")


def test_a_picture_goes_into_a_new_collection_and_into_that_one_again(tab: Opener, place: Place) -> None:
    page = tab("/")
    address = new_shelf(page, place, place.images[2], "Quiet lamps")
    assert page.locator(f'.tile[data-id="{place.images[2]}"]').count() == 1
    page.goto(f"{place.address}/images/{place.images[3]}")
    page.get_by_role("button", name="Add to a collection").click()
    page.select_option('dialog [name="collection"]', label="Quiet lamps")
    page.get_by_role("button", name="Add", exact=True).last.click()
    said(page, "Saved")
    page.goto(address)
    assert page.locator(".tile").count() == 2
    page.get_by_role("button", name="Edit").click()
    page.fill('dialog [name="name"]', "Loud lamps")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector('h1:has-text("Loud lamps")')
    page.get_by_role("button", name="Select").click()
    page.locator(f'.tile[data-id="{place.images[3]}"] a').first.click()
    page.get_by_role("button", name="Take out of here").click()
    said(page, "Taken out")
    until(page, "document.querySelectorAll('.tile').length === 1")


def test_people_and_tags_are_followed_and_hidden(tab: Opener, place: Place) -> None:
    page = tab("/user/inkharbor", who="fox")
    page.get_by_role("button", name="Follow").click()
    until(page, "document.querySelector('[data-follow]').getAttribute('aria-pressed') === 'true'")
    page.goto(f"{place.address}/tag/{place.tag}")
    page.get_by_role("button", name="Hide this tag").click()
    said(page, "is hidden from your lists")
    page.goto(place.address + "/settings")
    page.locator(f'[data-hide="tag"][data-name="{place.tag}"]').click()
    said(page, "is shown again")
    page.reload()
    assert page.locator("[data-hide]").count() == 0


# --- uploading, deleting ------------------------------------------------------------------------------------------


def test_many_files_are_uploaded_published_and_found_on_an_open_wall(tab: Opener, place: Place) -> None:
    wall = tab("/images?sort=Newest", who=None)
    until(wall, "document.body.dataset.seq")
    page = tab("/upload")
    address = upload(page, place, list(range(1, 6)), "Five lamps")
    assert page.locator(".tile").count() == 5
    assert page.locator("h1").inner_text() == "Five lamps"
    first = page.locator(".tile").first.get_attribute("data-id")
    wall.wait_for_selector(f'.wall .tile[data-id="{first}"]')
    page.get_by_role("button", name="Edit").click()
    page.fill('dialog [name="title"]', "Five quiet lamps")
    page.fill('dialog [name="detail"]', "Each one alone.")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector('h1:has-text("Five quiet lamps")')
    assert "Each one alone." in page.locator(".rich").inner_text()
    page.get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    page.get_by_role("button", name="Undo").click()  # it is offered for seconds
    said(page, "Back again")
    page.goto(address)
    assert page.locator(".tile").count() == 5
    page.get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    wall.wait_for_selector(f'.wall .tile[data-id="{first}"]', state="detached")


DROP = """async name => {
    const canvas = new OffscreenCanvas(1600, 1600), ink = canvas.getContext('2d');
    const noise = ink.createImageData(1600, 1600);
    for (let i = 0; i < noise.data.length; i += 65536) crypto.getRandomValues(noise.data.subarray(i, i + 65536));
    ink.putImageData(noise, 0, 0);
    const blob = await canvas.convertToBlob({type: 'image/png'});
    window.dropped ??= new File([blob], name, {type: 'image/png', lastModified: 1});
    const given = new DataTransfer();
    given.items.add(window.dropped);
    document.dispatchEvent(new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}));
    return blob.size; }"""


def test_a_dropped_file_that_breaks_off_goes_on_where_it_stopped(tab: Opener, place: Place) -> None:
    page = tab("/upload")
    sent: list[str] = []

    def pass_on(route: Any) -> None:
        asked = route.request
        if asked.method == "PUT":
            sent.append(asked.headers.get("content-range", ""))
            if len(sent) == 2:
                route.abort()
                return
        route.continue_()

    page.route("**/api/v1/image-upload/**", pass_on)
    size = page.evaluate(DROP, "noise.png")
    assert size > 8 << 20
    until(page, "document.querySelector('[data-files] p')?.textContent === 'Here'")
    assert sent == [
        f"bytes 0-{(8 << 20) - 1}/{size}",
        f"bytes {8 << 20}-{size - 1}/{size}",
        f"bytes {8 << 20}-{size - 1}/{size}",
    ]


def test_a_picture_is_deleted_undone_and_brought_back_from_the_trash(tab: Opener, place: Place) -> None:
    page = tab("/upload")
    upload(page, place, [11], "One to lose")
    page.locator(".tile a").first.click()
    page.wait_for_selector("dialog.viewer[open]")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog[open]')")
    id = page.locator(".tile").first.get_attribute("data-id")
    page.goto(f"{place.address}/images/{id}")
    page.get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(".facts [data-delete]:enabled")
    page.get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    page.goto(place.address + "/trash")
    page.locator(f'[data-trash="restore"][data-ids="{id}"]').click()
    said(page, "Back again")
    page.goto(f"{place.address}/images/{id}")
    assert page.locator("[data-stage] img").count() == 1
    page.get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    page.goto(place.address + "/trash")
    page.locator(f'[data-trash="remove"][data-ids="{id}"]').click()
    page.locator("dialog .danger").click()
    page.locator(f'[data-ids="{id}"]').first.wait_for(state="detached")


def test_many_are_rated_by_keyboard_and_deleted_together(tab: Opener, place: Place) -> None:
    page = tab("/upload")
    upload(page, place, [21, 22, 23], "Three to rate")
    ids = page.evaluate("[...document.querySelectorAll('.tile')].map(tile => tile.dataset.id)")
    page.locator(".tile a").first.click()
    page.wait_for_selector("dialog.viewer[open]")
    page.keyboard.press("2")
    said(page, "Rated PG-13")
    page.get_by_role("button", name="Undo").click()
    until(page, "document.querySelector('.viewer').dataset.level === '1'")
    page.goto(f"{place.address}/user/{place.owner}?sort=Newest")
    page.get_by_role("button", name="Select").click()
    for id in ids:
        page.locator(f'.tile[data-id="{id}"] a').first.click()
    page.keyboard.press("2")
    said(page, "Rated PG-13")
    assert page.locator('.tile.picked[data-level="2"]').count() == 3
    page.locator(".picks").get_by_role("button", name="Delete").click()
    said(page, "Moved to the trash")
    until(page, f"!document.querySelector('.tile[data-id=\"{ids[0]}\"], .picks')")


# --- sharing, keys, review ----------------------------------------------------------------------------------------


def test_a_stranger_opens_a_share_link_until_it_is_ended(tab: Opener, place: Place) -> None:
    page = tab("/")
    address = new_shelf(page, place, place.images[4], "For a friend")
    stranger = tab("/", who=None)
    assert stranger.goto(address).status == 404
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    page.wait_for_selector("dialog .share input")
    link = page.input_value("dialog .share input")
    stranger.goto(link)
    assert stranger.url == address
    assert stranger.locator("h1").inner_text() == "For a friend"
    until(stranger, "document.querySelector('.tile img').naturalWidth > 10")
    assert stranger.get_by_role("button", name="Share").count() == 0
    page.get_by_role("button", name="End it").click()
    page.locator("dialog .share").wait_for(state="detached")
    assert stranger.goto(address).status == 404
    assert stranger.goto(link).status == 404


def test_a_key_is_shown_once_works_and_is_revoked(tab: Opener, place: Place) -> None:
    page = tab("/settings")
    page.get_by_role("button", name="New key").click()
    page.fill('dialog [name="name"]', "my script")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_selector('dialog h2:has-text("Your new key")')
    key = page.input_value("dialog .box")
    page.get_by_role("button", name="Close").click()
    row = page.locator("tr", has_text="my script")
    row.wait_for()
    assert key not in page.content()

    def works() -> bool:
        answer = page.context.request.get(place.address + "/api/v1/me", headers={"authorization": f"Bearer {key}"})
        return bool(answer.ok)

    assert works()
    row.get_by_role("button", name="Revoke").click()
    said(page, "worth nothing")
    assert not works()
    assert page.locator("tr", has_text="this one").count() == 1


def test_a_moderator_decides_on_what_is_held(tab: Opener, place: Place) -> None:
    page = tab("/review")
    held = page.locator("[data-held]").filter(has=page.locator(f'[data-id="{place.held}"]'))
    stranger = tab("/", who=None)
    assert stranger.goto(f"{place.address}/images/{place.held}").status == 404
    held.get_by_role("button", name="Let it be seen").click()
    said(page, "Decided")
    assert stranger.goto(f"{place.address}/images/{place.held}").status == 200
    assert tab("/", who="fox").goto(place.address + "/review").status == 403


# --- everywhere ---------------------------------------------------------------------------------------------------


def test_a_page_that_is_hidden_lets_go_and_catches_up(tab: Opener, place: Place) -> None:
    image = place.images[5]
    page = tab(f"/images/{image}", who=None, listens=True)
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    with page.expect_event("requestfailed", lambda asked: "/api/events" in asked.url):
        page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", True)
    before = int(page.locator('[data-count="like"]').inner_text())
    other = tab(f"/images/{image}", who="fox")
    other.locator('[data-reaction="Like"]').click()
    until(other, "document.querySelector('[data-reaction=\"Like\"]').getAttribute('aria-pressed') === 'true'")
    assert page.locator('[data-count="like"]').inner_text() == str(before)
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", False)
    until(page, f"document.querySelector('[data-count=\"like\"]').textContent === '{before + 1}'")


def test_a_phone_curates_too(tab: Opener, place: Place) -> None:
    page = tab(f"/images/{place.images[6]}", viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator('[data-reaction="Like"]').tap()
    until(page, "document.querySelector('[data-reaction=\"Like\"]').getAttribute('aria-pressed') === 'true'")
    page.get_by_role("button", name="Add to a collection").tap()
    box = page.locator("dialog.ask").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    page.get_by_role("button", name="Close").tap()
    for path in ("/settings", "/upload", "/trash", "/review", f"/images/{place.images[6]}"):
        page.goto(place.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_things_are_changed(tab: Opener, place: Place, scheme: str) -> None:
    script = axe_script()
    page = tab("/", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    for path in ("/settings", "/upload", "/trash", "/review", f"/images/{place.images[7]}"):
        page.goto(place.address + path)
        assert not serious(page, script), path
    page.get_by_role("button", name="Add to a collection").click()
    page.wait_for_selector("dialog.ask[open]")
    assert not serious(page, script), "collecting"
    page.keyboard.press("Escape")
    new_shelf(page, place, place.images[7], f"Seen in {scheme}")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    page.wait_for_selector("dialog .share input")
    assert not serious(page, script), "sharing"
