"""A real Chromium before a real server, and a library of thousands of pictures to scroll through."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import npm
from pinako.app import open_library
from pinako.catalog.images import Image, Post
from pinako.services import access, publish
from pinako.services.library import Library
from pinako.services.settle import Touched, settle
from pinako.settings import load_settings
from pinako.storage.records import select

AXE = "axe-core@4.14.1"
TOOLS = Path(__file__).parent.parent.parent / ".bench" / "axe"
FIRST, IN_A_POST = 100_000_000, 20
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 90.0
"""What should happen has so long: a busy machine may take its time, and who waits for a condition goes on once it is so."""
HEARD = """(() => {
    window.heard = [];
    const note = one => one.classList?.contains('note') && window.heard.push(one.textContent);
    new MutationObserver(seen => seen.forEach(({addedNodes}) => addedNodes.forEach(note)))
        .observe(document, {childList: true, subtree: true});
})()"""
"""Writes down the notes of a page, which go after seconds."""
IN_VIEW = """[...document.images].filter(one => { const box = one.getBoundingClientRect();
    return box.width > 0 && box.top < innerHeight && box.bottom > 0; })"""


def lacking(reason: str) -> None:
    """Skip the test for this reason, or fail where nothing may be skipped."""
    if os.environ.get("TESTS_NEVER_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)


def visitor(browser: Any, **given: Any) -> Any:
    """A browser's profile of its own, patient with a busy machine."""
    context = browser.new_context(**given)
    context.set_default_timeout(PATIENCE_S * 1000)
    context.add_init_script(HEARD)
    return context


@contextmanager
def chromium() -> Iterator[Any]:
    """The system's browser, driven by Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("playwright is not installed")
    program = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if program is None:
        lacking("there is no Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


def axe_script() -> str:
    """axe-core's program, fetched once with npm into an ignored folder."""
    script = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        if shutil.which("npm") is None:
            lacking("axe-core needs npm to be fetched")
        place = TOOLS.with_name(
            f"axe-{os.getpid()}"
        )  # whole before it has its name: another process may be fetching it too
        place.mkdir(parents=True, exist_ok=True)
        try:
            npm.install(place, AXE)
        except subprocess.CalledProcessError:
            lacking("axe-core could not be fetched with npm")
        script.parent.mkdir(parents=True, exist_ok=True)
        (place / script.relative_to(TOOLS)).replace(script)
        shutil.rmtree(place, ignore_errors=True)
    return script.read_text()


def until(page: Any, truth: str) -> None:
    """Wait until an expression is true in the page. The page's policy forbids the evaluating that Playwright's own does."""
    give_up = time.monotonic() + PATIENCE_S
    while not _is_true(page, truth):
        assert time.monotonic() < give_up, f"never true: {truth}"
        page.wait_for_timeout(50)


def _is_true(page: Any, truth: str) -> bool:
    from playwright.sync_api import Error

    try:
        return bool(page.evaluate(f"() => Boolean({truth})"))
    except Error as error:
        if "context was destroyed" in str(error):  # the page is being loaded anew
            return False
        raise


def painted(page: Any) -> None:
    """Wait until the pictures in view are there."""
    until(page, f"{IN_VIEW}.every(one => one.complete)")


def serious(page: Any, script: str) -> list[str]:
    """What axe calls serious or critical, and headings that are out of order."""
    page.evaluate(script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical") or one["id"] == "heading-order"
        for node in one["nodes"][:4]
    ]


def largest_tab(browser: Any) -> float:
    """Megabytes of memory of the largest tab, what processes share counted by its share."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max(_share(one["id"]) for one in processes if one["type"] == "renderer")


def _share(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        lacking("memory by its share is told by Linux only")
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def session_of_owner(folder: Path) -> str:
    """A login of the library's owner."""
    with open_library(load_settings({}, given={"library": str(folder)})) as library:
        owner = access.owner_of(library.database.read())
        assert owner is not None
        with library.database.write() as w:
            return access.open_session(w, owner.id, library.now(), 30)


def multiply(folder: Path, wanted: int, kinds: int = 40) -> None:
    """Fill a demo library up to about this many public pictures: more rows over this many of its files."""
    with open_library(load_settings({}, given={"library": str(folder)})) as library:
        originals = select(
            library.database.read(), Image, "level = 1 AND type = 'image' AND needs_review IS NULL AND blob IS NOT NULL "
            "AND published_at IS NOT NULL AND published_at < ? AND minor = 0 AND poi = 0 LIMIT ?", (library.now(), kinds)
        )  # fmt: skip
        _add(library, originals, wanted)


def _add(library: Library, originals: list[Image], wanted: int) -> None:
    now = library.now()
    with library.database.write() as w:
        touched = Touched()
        for number in range(wanted):
            model, post, at = originals[number % len(originals)], FIRST + number // IN_A_POST, now - 1000 - number
            if number % IN_A_POST == 0:
                stamps = {"sort_at": at, "published_at": at, "created_at": at, "updated_at": at}
                publish.keep_post(w, touched, Post(id=post, user_id=model.user_id, **stamps))
            image = msgspec.structs.replace(
                model,
                id=FIRST + number,
                post_id=post,
                idx=number % IN_A_POST,
                media_key=f"{number:08x}-90c3-4411-a4b0-{number:012x}",
                source="",
                source_id=None,
            )
            publish.keep_image(w, touched, image)
        settle(w, touched, now)
