"""The gallery in a real browser: first visit, search, thousands of pictures, viewer, keyboard, phone, no scripts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    PATIENCE_S,
    axe_script,
    chromium,
    largest_tab,
    multiply,
    painted,
    serious,
    session_of_owner,
    until,
    visitor,
)

import demo_library
import real_server

MANY = 5000
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
MOST_NODES = 4000
MOST_HEAP = 300 * 1024 * 1024
MOST_TAB_MB = 300
SCROLLED = 1200
VIEW_WHOLE = """async () => {
    const began = performance.now();
    scrollBy(0, 700);
    const waits = () => [...document.querySelectorAll('.wall .tile')].some(one => {
        const box = one.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight && !one.querySelector('.drawn, img:not(.waiting)');
    });
    do await new Promise(done => setTimeout(done, 20)); while (waits() && performance.now() - began < 8000);
    return [...document.querySelectorAll('.wall .tile')].map(one => one.dataset.id);
}"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(browser: Any, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server over a demo library with thousands of pictures: its address and a login of its owner."""
    folder = demo_library.copy_of(demo_library.pristine(shared), tmp_path_factory.mktemp("served") / "demo")
    multiply(folder, MANY)
    session = session_of_owner(folder)
    with real_server.serving(folder) as server:
        yield server.address, session


Opener = Callable[..., Any]


@pytest.fixture
def tab(browser: Any, served: tuple[str, str]) -> Iterator[Opener]:
    """Opens pages; at the end nothing may have been complained about, and nothing asked of any other host."""
    address, session = served
    with ExitStack() as closing:
        troubles: list[str] = []

        def make(path: str, *, owner: bool = False, viewport: dict[str, int] | None = None, **given: Any) -> Any:
            context = visitor(browser, viewport=viewport or WIDE, **given)
            closing.callback(context.close)
            if owner:
                context.add_cookies([{"name": "civ-token", "value": session, "url": address}])
            page = context.new_page()
            page.on("pageerror", lambda error: troubles.append(f"{path}: {error}"))
            page.on("console", lambda said: said.type == "error" and troubles.append(f"{path}: {said.text}"))
            page.on("request", lambda asked: _foreign(asked.url, address) and troubles.append(f"asked {asked.url}"))
            page.goto(address + path)
            return page

        yield make
        assert not troubles


def _foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:", "about:"))


def top_tile(page: Any) -> tuple[str, float]:
    """The first tile whose lower edge is below the bar, and where it is."""
    found = page.evaluate(
        """() => { for (const tile of document.querySelectorAll('.wall .tile')) {
            const box = tile.getBoundingClientRect();
            if (box.bottom > 130) return [tile.dataset.id, box.top];
        } }"""
    )
    return found[0], found[1]


def settled(page: Any) -> None:
    """Wait until the page has scrolled as far as it was asked to, and what it fetches for that is there."""
    before = None
    while before != (now := page.evaluate("[scrollY, document.documentElement.scrollHeight]")):
        before = now
        page.wait_for_timeout(300)


def test_a_first_visit_shows_pictures_and_stands_still(tab: Opener) -> None:
    page = tab("/")
    until(page, "document.querySelector('.tile img').naturalWidth > 100")
    assert page.locator("main h2").first.inner_text() == "New pictures"
    page = tab("/images")
    painted(page)
    shifted = page.evaluate(
        """() => new Promise(done => { let sum = 0;
            new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; })
                .observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(sum), 300); })"""
    )
    assert shifted < 0.02


def test_rows_are_full_and_of_one_height(tab: Opener) -> None:
    page = tab("/images")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('.wall .tile')].map(tile => {
            const box = tile.getBoundingClientRect(); return [Math.round(box.top), box.left, box.right, box.height]; })"""
    )
    rows: dict[int, list[list[float]]] = {}
    for box in boxes:
        rows.setdefault(box[0], []).append(box)
    whole = list(rows.values())[:-1]
    assert len(whole) > 3  # two views of rows, whatever their pictures
    for row in whole:
        assert abs(row[0][1] - whole[0][0][1]) < 1
        assert abs(row[-1][2] - whole[0][-1][2]) < 1.5
        assert max(box[3] for box in row) - min(box[3] for box in row) < 1


def test_a_search_is_suggested_made_kept_and_taken_back(tab: Opener) -> None:
    page = tab("/images")
    page.keyboard.press("/")
    page.keyboard.insert_text("tag:se")  # at once: what is suggested for half of it would be put into its place
    page.wait_for_selector('.suggestions [role="option"]')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#query").strip() == "tag:sea"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/images\?query=tag%3Asea"))
    assert "tag:sea" in page.locator(".chip").first.inner_text()
    page.locator("#query").focus()
    page.keyboard.insert_text(" ")
    page.get_by_role("option", name="Save this search").click()
    page.fill("#query", "")
    page.wait_for_selector('.suggestions [role="option"]:has-text("tag:sea")')
    page.keyboard.press("Escape")
    page.locator(".chip").first.click()
    page.wait_for_url(re.compile(r"/images$"))


def test_filters_apply_at_once_and_stand_in_the_address(tab: Opener) -> None:
    page = tab("/images")
    page.select_option('[name="sort"]', "Oldest")
    page.wait_for_url(re.compile(r"sort=Oldest"))
    page.get_by_text("Filters", exact=True).first.click()
    page.get_by_label("SDXL 1.0").check()
    page.get_by_role("button", name="Apply").last.click()
    page.wait_for_url(re.compile(r"baseModels=SDXL\+1\.0"))
    assert "sort=Oldest" in page.url
    assert "SDXL 1.0" in page.locator(".chip").first.inner_text()


def test_going_back_shows_the_filters_of_that_page(tab: Opener) -> None:
    page = tab("/images")
    fields = "[...document.querySelectorAll('[data-filters] select')].map(one => one.value).join()"
    served = page.evaluate(fields)
    page.select_option('[data-filters] [name="sort"]', "Most Reactions")
    page.wait_for_url(re.compile("sort=Most"))
    page.select_option('[data-filters] [name="period"]', "Year")
    page.wait_for_url(re.compile("period=Year"))
    page.go_back()
    until(page, f"{fields} === 'Most Reactions,AllTime'")
    page.go_back()
    until(page, f"{fields} === {served!r}")
    page.reload()
    assert page.evaluate(fields) == served


def test_thousands_of_pictures_in_a_bounded_page(tab: Opener) -> None:
    page = tab("/images?sort=Newest")
    first = page.locator(".wall .tile").first.get_attribute("data-id")
    most, ids, over = 0, set(), False
    while not over:
        nodes, over, shown = page.evaluate(
            """() => { scrollBy(0, 2000); return [document.querySelectorAll('*').length,
                scrollY + innerHeight >= document.documentElement.scrollHeight - 2
                    && !!document.querySelector('.wall-end')?.textContent,
                [...document.querySelectorAll('.wall .tile')].map(tile => tile.dataset.id)]; }"""
        )
        page.wait_for_timeout(25)
        ids.update(shown)
        most = max(most, nodes)
    assert len(ids) >= MANY
    assert most < MOST_NODES
    heap = page.evaluate("performance.memory.usedJSHeapSize")
    assert heap < MOST_HEAP
    page.evaluate("scrollTo(0, 0)")
    until(page, f"document.querySelector('.wall .tile[data-id=\"{first}\"]')")
    assert page.locator(".wall .tile").count() < 400


def test_pictures_that_scrolled_away_leave_the_tab_small(tab: Opener, browser: Any) -> None:
    page = tab("/images?types=image&sort=Newest")
    seen: set[str] = set()
    while len(seen) < SCROLLED:
        seen.update(page.evaluate(VIEW_WHOLE))
    tile = page.locator(".wall .tile:has(.drawn)").first
    image = tile.locator("img")  # drawn on a canvas, and still there for menus, readers and the viewer
    assert image.evaluate("one => [one.complete, one.naturalWidth > 100, one.alt.length > 0]") == [True, True, True]
    middle = image.evaluate(
        "one => { const box = one.getBoundingClientRect(); one.scrollIntoView({block: 'center'}); "
        "const now = one.getBoundingClientRect(); "
        "return document.elementFromPoint(now.x + box.width / 2, now.y + box.height / 2) === one; }"
    )
    assert middle
    assert largest_tab(browser) < MOST_TAB_MB


def test_what_is_blurred_is_blurred_however_it_is_drawn(tab: Opener) -> None:
    page = tab("/images?sort=Newest")
    page.mouse.wheel(0, 9000)
    settled(page)
    until(page, "document.querySelector('.wall .tile .drawn')")
    page.mouse.move(0, 0)
    page.evaluate(
        """() => { document.documentElement.setAttribute('data-blur', '');
        const tile = document.querySelector('.wall .tile:has(.drawn)'); tile.dataset.level = 4; tile.id = 'mature'; }"""
    )
    assert "blur" in page.locator("#mature .drawn").evaluate("one => getComputedStyle(one).filter")


def test_going_back_stands_where_one_left(tab: Opener) -> None:
    page = tab("/images?sort=Newest")
    for _ in range(40):
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(40)
    settled(page)
    before = top_tile(page)
    page.evaluate("location.href = '/search/help'")
    page.wait_for_url(re.compile("/search/help"))
    page.go_back()
    page.wait_for_selector(f'.wall .tile[data-id="{before[0]}"] img')
    settled(page)
    after = top_tile(page)
    assert after[0] == before[0]
    assert abs(after[1] - before[1]) < 3


def test_a_narrower_window_keeps_the_place(tab: Opener) -> None:
    page = tab("/images?sort=Newest")
    for _ in range(15):
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(40)
    settled(page)
    before = top_tile(page)
    page.set_viewport_size({"width": 900, "height": 900})
    page.wait_for_timeout(300)
    where = f"document.querySelector('.wall .tile[data-id=\"{before[0]}\"]')?.getBoundingClientRect().top"
    until(page, f"{where} > -400 && {where} < 850")


def test_the_viewer_by_keyboard(tab: Opener) -> None:
    page = tab("/images?sort=Newest")
    ids = page.evaluate("[...document.querySelectorAll('.wall .tile')].map(tile => tile.dataset.id)")
    page.locator(".wall .tile a").nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.viewer[open]")
    until(page, f"location.pathname === '/images/{ids[1]}'")
    page.keyboard.press("ArrowRight")
    until(page, f"location.pathname === '/images/{ids[2]}'")
    until(page, "document.querySelector('.slide img')?.naturalWidth > 100")
    page.keyboard.press("+")
    page.keyboard.press("+")
    until(page, "document.querySelector('.slide img').style.transform.includes('scale')")
    page.keyboard.press("0")
    page.keyboard.press("i")
    page.wait_for_selector(".viewer .side .facts")
    assert page.locator(".viewer .side h2").first.is_visible()
    page.keyboard.press("s")
    until(page, f"location.pathname !== '/images/{ids[2]}'")
    page.keyboard.press("s")
    shown = page.evaluate(
        "document.querySelector('dialog.viewer').dataset.id"
    )  # a slow machine may have stopped it later
    assert shown in ids[3:]
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.viewer:not([open])", state="attached")
    until(page, "(location.pathname + location.search).endsWith('/images?sort=Newest')")
    assert page.evaluate("document.activeElement.closest('.tile').dataset.id") == shown


def test_the_viewer_goes_on_past_what_was_loaded(tab: Opener) -> None:
    page = tab("/images?sort=Newest")
    page.locator(".wall .tile a").first.click()
    page.wait_for_selector("dialog.viewer[open]")
    seen: set[str] = set()
    give_up = time.monotonic() + PATIENCE_S
    while len(seen) <= 90:
        assert time.monotonic() < give_up
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(20)
        seen.add(page.url)
    page.go_back()
    until(page, "!document.querySelector('dialog[open]')")
    until(page, "(location.pathname + location.search).endsWith('/images?sort=Newest')")
    until(page, "document.activeElement.closest('.tile')")
    shown = page.evaluate("document.activeElement.closest('.tile').getBoundingClientRect().top")
    assert 0 <= shown <= 900


def test_an_image_page_opens_its_own_viewer(tab: Opener) -> None:
    page = tab("/images")
    id = page.locator(".wall .tile").first.get_attribute("data-id")
    page.goto(page.url.replace("/images", f"/images/{id}"))
    page.get_by_role("button", name="Open the viewer").click()
    page.wait_for_selector("dialog.viewer[open] .slide img")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog[open]')")
    until(page, f"location.pathname === '/images/{id}'")


def test_a_video_plays_while_it_is_pointed_at(tab: Opener) -> None:
    page = tab("/videos")
    tile = page.locator(".tile[data-video]").first
    tile.hover()
    until(page, "document.querySelector('.tile video')?.readyState >= 2")
    page.mouse.move(2, 2)
    until(page, "!document.querySelector('.tile video')")


@pytest.mark.parametrize(
    "path", ["/", "/images", "/models", "/posts", "/collections", "/tags", "/user/inkharbor", "/search/help", "/login"]
)
def test_a_phone_shows_all_of_it_without_sideways_scrolling(tab: Opener, path: str) -> None:
    page = tab(path, viewport=PHONE, has_touch=True, is_mobile=True)
    painted(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    bar = page.locator(".sections").bounding_box()
    assert bar is not None
    assert bar["y"] + bar["height"] == pytest.approx(PHONE["height"], abs=2)


def test_a_finger_turns_pages_and_puts_the_viewer_away(tab: Opener) -> None:
    page = tab("/images?sort=Newest", viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator(".wall .tile a").first.tap()
    page.wait_for_selector("dialog.viewer[open]")
    first = page.evaluate("location.href")
    swipe(page, (320, 400), (60, 410))
    until(page, f"location.href !== {first!r}")
    swipe(page, (200, 200), (205, 600))
    until(page, "!document.querySelector('dialog[open]')")


def swipe(page: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """One finger from here to there."""
    touch = page.context.new_cdp_session(page)
    points = [(start[0] + (end[0] - start[0]) * i / 8, start[1] + (end[1] - start[1]) * i / 8) for i in range(9)]
    touch.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": points[0][0], "y": points[0][1]}]}
    )
    for x, y in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(150)


def test_without_scripts_everything_can_be_read(tab: Opener) -> None:
    page = tab("/images", java_script_enabled=False)
    assert page.locator(".wall .tile img").count() >= 40
    until(page, "document.querySelector('.wall .tile img').naturalWidth > 100")
    page.locator(".more a").click()
    page.wait_for_url(re.compile("cursor="))
    page.locator(".wall .tile a").first.click()
    page.wait_for_url(re.compile(r"/images/\d+"))
    assert page.locator("h1").count() == 1
    assert page.locator(".facts h2").first.is_visible()


def test_light_and_dark_are_remembered(tab: Opener) -> None:
    page = tab("/", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(247, 245, 241)"
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 21, 23)"


def test_levels_are_chosen_for_this_browser(tab: Opener) -> None:
    page = tab("/images", owner=True)
    page.locator(".level-now").click()
    page.locator("[data-levels]").get_by_label("PG-13").check()
    with page.expect_navigation():
        page.locator("[data-levels] button").click()
    assert page.locator(".level-now").inner_text() == "PG–PG-13"


def test_picking_many_survives_scrolling_away(tab: Opener) -> None:
    page = tab("/images?sort=Newest", owner=True)
    page.get_by_role("button", name="Select").click()
    ids = page.evaluate("[...document.querySelectorAll('.wall .tile')].slice(0, 6).map(tile => tile.dataset.id)")
    page.locator(f'.tile[data-id="{ids[0]}"] a').first.click()
    page.locator(f'.tile[data-id="{ids[4]}"] a').first.click(modifiers=["Shift"])
    assert "5 selected" in page.locator(".picks").inner_text()
    for _ in range(12):
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(50)
    until(page, f"!document.querySelector('.tile[data-id=\"{ids[0]}\"]')")
    settled(page)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_selector(f'.tile.picked[data-id="{ids[0]}"]')
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('.picks')")


PAGES = {
    "walls": ("/", "/images", "/images?query=steps%3Emany", "/videos", "/search/images", "/tag/nothing", "/nothing"),
    "lists": ("/models", "/posts", "/collections", "/tags", "/search/help", "/login"),
    "found": ("/search/models", "/search/posts", "/search/collections", "/search/users", "/search/tags"),
    "people": ("/user/inkharbor", "/user/inkharbor/posts", "/user/inkharbor/models", "/user/inkharbor/collections"),
    "things": (),
    "curating": ("/upload", "/trash", "/review", "/duplicates", "/settings"),
    "keeping": ("/missing", "/mirrors", "/imports", "/storage"),
}


@pytest.fixture(params=["light", "dark"])
def examined(browser: Any, served: tuple[str, str], request: pytest.FixtureRequest) -> Iterator[Any]:
    """The owner's page in either scheme, where axe may be run."""
    address, session = served
    context = visitor(
        browser, viewport=WIDE, color_scheme=request.param, bypass_csp=True, base_url=address, reduced_motion="reduce"
    )
    context.add_cookies([{"name": "civ-token", "value": session, "url": address}])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("kind", PAGES)
def test_axe_finds_nothing_serious(examined: Any, kind: str) -> None:
    script = axe_script()
    paths = list(PAGES[kind])
    for shelf, link in (("/images", ".wall .tile a"), ("/models", ".card.model a"), ("/posts", ".card.post a")):
        if kind == "things":
            examined.goto(shelf)
            paths.append(examined.locator(link).first.get_attribute("href"))
    for path in paths:
        examined.goto(path)
        assert not serious(examined, script), path


def test_axe_finds_nothing_serious_in_the_viewer(examined: Any) -> None:
    examined.goto("/images")
    examined.locator(".wall .tile a").first.click()
    examined.wait_for_selector("dialog.viewer[open]")
    examined.keyboard.press("i")
    examined.wait_for_selector(".viewer .side .facts")
    assert not serious(examined, axe_script())
