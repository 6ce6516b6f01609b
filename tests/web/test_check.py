"""`pinako check`: every trouble is found, mended where it can be, and found no more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from web_library import add_image, add_model, add_user, key_of, png

from pinako.feed import documents
from pinako.services import check, sweep
from pinako.services.check import Trouble
from pinako.services.library import Library
from pinako.services.upkeep import Upkeep
from pinako.storage import changes


@pytest.fixture
def full(library: Library) -> Library:
    """Two images and a model file."""
    user = add_user(library, "inkharbor")
    add_image(library, user, 7, png())
    add_image(library, user, 8, png("navy"))
    add_model(library, user, 4411)
    return library


def blob_of(library: Library, image: int) -> str:
    return str(library.database.read().value("SELECT blob FROM images WHERE id = ?", (image,)))


def path_of(library: Library, sha256: str) -> Path:
    path = library.media.locate(sha256)
    assert path is not None
    return path


def findings(library: Library, *, hashes: bool = False) -> list[check.Finding]:
    return list(check.check_contents(library.database, library.media, hashes=hashes))


def test_a_whole_library_has_no_findings(full: Library) -> None:
    assert findings(full, hashes=True) == []
    assert [*check.check_lists(full.feeds), *check.check_documents(full.database)] == []


@pytest.mark.parametrize("trouble", [*Trouble])
def test_each_trouble_is_found_and_mended(full: Library, trouble: Trouble) -> None:
    sha256 = blob_of(full, 7)
    users: tuple[str, ...] = ("image 7",)
    match trouble:
        case Trouble.MISSING:
            path_of(full, sha256).unlink()
        case Trouble.OTHER_SIZE:
            path_of(full, sha256).write_bytes(b"cut")
        case Trouble.DAMAGED:
            path = path_of(full, sha256)
            path.write_bytes(bytes(reversed(path.read_bytes())))
        case Trouble.UNRECORDED:
            with full.database.write() as w:
                w.run("DELETE FROM blobs WHERE sha256 = ?", (sha256,))
        case Trouble.UNUSED:
            users = ()
            with full.database.write() as w:
                w.run("UPDATE images SET blob = NULL WHERE id = 7")
    (found,) = findings(full, hashes=True)
    assert (found.sha256, found.trouble, found.used_by) == (sha256, trouble, users)
    assert sha256 in found.text()
    check.repair(full.database, full.media, found)
    assert findings(full, hashes=True) == []
    kept = blob_of(full, 7) == sha256
    assert kept == (trouble is Trouble.UNRECORDED)
    assert blob_of(full, 8) != "None"


def test_what_a_killed_run_left_is_swept_and_no_finding(full: Library, clock: Any) -> None:
    old = full.media.put_bytes(b"kept, but its row was never written")
    young = full.media.put_bytes(b"an import is about to write its row")
    now = full.now() / 1000
    os.utime(path_of(full, old.sha256), (now - 4000, now - 4000))
    os.utime(path_of(full, young.sha256), (now - 60, now - 60))
    assert findings(full) == []
    swept = sweep.sweep(full.database, full.media, full.settings.derivatives, thorough=True)
    assert swept.unknown == 1
    assert full.media.stat(old.sha256) is None
    assert full.media.stat(young.sha256) is not None
    assert findings(full) == []


def renderings(library: Library) -> list[Path]:
    return [path for path in library.settings.derivatives.glob("[0-9a-f][0-9a-f]/*") if path.is_file()]


def test_bytes_of_withheld_things_go_unless_something_visible_has_them(full: Library, client: Any) -> None:
    user = add_user(full, "papercrane")
    add_image(full, user, 9, png("navy"))  # the same bytes as image 8
    gone, shared = blob_of(full, 7), blob_of(full, 8)
    for id in (7, 8):
        for width in (96, 320):
            assert client.get(f"/xG1nkqKTMzGDvpLrqFT7WA/{key_of(id)}/width={width}/x.jpeg").status_code == 200
    assert len(renderings(full)) == 4
    from pinako.services.settle import Touched, settle

    with full.database.write() as w:
        touched = Touched()
        for id in (7, 8):
            w.update("images", id, {"minor": 1, "level": 4})
            touched.images.add(id)
        settle(w, touched, full.now())
    assert sweep.purge(full.database, full.media, full.settings.derivatives) == 1
    assert full.media.stat(gone) is None
    assert full.media.stat(shared) is not None
    assert len(renderings(full)) == 2
    assert client.get(f"/xG1nkqKTMzGDvpLrqFT7WA/{key_of(9)}").status_code == 200
    assert client.get(f"/xG1nkqKTMzGDvpLrqFT7WA/{key_of(8)}").status_code == 404
    assert sweep.purge(full.database, full.media, full.settings.derivatives) == 0
    assert findings(full) == []


def test_a_list_that_lies_is_found_and_mended(full: Library) -> None:
    index = full.feeds.index("image")
    from pinako.feed.spec import Drop, Move

    index.apply([Drop(7), Move(8, index.spec.columns[0], 12345)])
    with full.database.write() as w:
        w.run("UPDATE image_rest SET body = ? WHERE id = 8", (b"{}",))
    found = [*check.check_lists(full.feeds), *check.check_documents(full.database)]
    assert {(each.what.split(" ")[0], each.ids) for each in found} >= {("in", (7,)), ("with", (8,))}
    assert all(each.text().startswith("image ") for each in found)
    check.repair_lists(full.feeds, full.database, found)
    assert [*check.check_lists(full.feeds), *check.check_documents(full.database)] == []


def test_counts_beside_a_document_are_checked_and_carried_over(full: Library) -> None:
    with full.database.write() as w:
        w.run("UPDATE images SET heart_count = 4, collected_count = 2 WHERE id = 8")
    found = [*check.check_documents(full.database)]
    assert [each.ids for each in found] == [(8,), (8,)]
    assert {each.what.split()[-1] for each in found} == {"image_rest", "image_trpc"}
    with full.database.write() as w:
        documents.recount(w, "image", [8, 8])
    assert [*check.check_documents(full.database)] == []


@pytest.mark.parametrize("table", ["image_rest", "image_trpc", "model_rest"])
def test_documents_of_another_version_are_stored_anew_by_a_running_server(full: Library, table: str) -> None:
    upkeep = Upkeep(full)
    with full.database.write() as w:
        w.run(f"UPDATE {table} SET body = ?", (b"{}",))
    assert [*check.check_documents(full.database)]
    newest = changes.newest(full.database.read()).seq
    upkeep.run_once()
    assert [*check.check_documents(full.database)] == []
    told = changes.newest(full.database.read()).seq
    assert told > newest
    Upkeep(full).run_once()
    assert changes.newest(full.database.read()).seq == told
