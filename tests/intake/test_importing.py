"""Folders become posts and images: once, whatever is moved, renamed or run again; each file with a fate of its own."""

from __future__ import annotations

import multiprocessing
import os
import socket
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest
from importing_files import picture_bytes, write_pictures
from importing_home import Home

from pinako.intake.groups import LARGEST
from pinako.intake.walk import LEADS_BACK, walk
from pinako.services.check import check_contents


def test_pictures_come_in_with_how_they_were_made(home: Home, outputs: Path) -> None:
    paths = write_pictures(outputs, 3)
    report = home.bring(outputs)
    assert (report.images, report.posts, report.refused_count) == (3, 1, 0)
    [row] = home.rows(
        "SELECT i.blob, i.size, i.width, i.height, i.mime, i.generator, i.process, i.has_prompt, i.level, i.name "
        "FROM images i WHERE i.idx = 0"
    )
    assert row[1:] == (paths[0].stat().st_size, 96, 64, "image/png", "a1111", "txt2img", 1, 0, paths[0].name)
    assert b"".join(home.store.read(row[0])) == paths[0].read_bytes()
    sql = "SELECT m.file_meta FROM image_meta m JOIN images i ON i.id = m.image_id WHERE i.idx = 0"
    meta = msgspec.json.decode(home.value(sql))
    assert meta["prompt"] == "a quiet harbor at dawn, view 1"
    assert meta["seed"] == 1
    assert home.value("SELECT COUNT(*) FROM images WHERE blurhash IS NULL OR phash IS NULL OR pixel_hash IS NULL") == 0
    assert list(check_contents(home.database, home.store, hashes=True)) == []


def test_a_second_run_reads_nothing(home: Home, outputs: Path) -> None:
    write_pictures(outputs, 5)
    home.bring(outputs)
    before = home.rows("SELECT id, blob, post_id FROM images ORDER BY id")
    for path in outputs.iterdir():
        status = path.stat()
        path.write_bytes(b"x" * status.st_size)  # whoever reads one of them now finds no picture
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = home.bring(outputs)
    assert (report.images, report.already, report.refused_count) == (0, 5, 0)
    assert home.rows("SELECT id, blob, post_id FROM images ORDER BY id") == before


def test_moved_and_renamed_files_keep_what_they_are(home: Home, outputs: Path) -> None:
    write_pictures(outputs / "a", 3)
    home.bring(outputs)
    before = home.rows("SELECT id, media_key FROM images ORDER BY id")
    (outputs / "a").rename(outputs / "b")
    first = next(iter(sorted((outputs / "b").iterdir())))
    first.rename(outputs / "renamed.png")
    report = home.bring(outputs)
    assert (report.moved, report.images, report.already) == (3, 0, 0)
    assert home.rows("SELECT id, media_key FROM images ORDER BY id") == before
    assert home.value("SELECT COUNT(*) FROM imported_files") == 3


def test_a_copy_elsewhere_is_the_same_image(home: Home, outputs: Path) -> None:
    [path] = write_pictures(outputs / "a", 1)
    home.bring(outputs)
    (outputs / "b").mkdir()
    (outputs / "b" / "copy.png").write_bytes(path.read_bytes())
    report = home.bring(outputs)
    assert (report.images, report.already) == (0, 2)
    assert home.value("SELECT COUNT(*) FROM images") == 1
    assert home.value("SELECT COUNT(*) FROM imported_files") == 2
    # Both are known by their places now, so nobody reads them again.
    assert home.bring(outputs).already == 2


def test_equal_files_of_one_run_are_one_image(home: Home, outputs: Path) -> None:
    for name in ("one.png", "two.png", "three.png"):
        (outputs / name).write_bytes(picture_bytes(1))
    report = home.bring(outputs)
    assert (report.images, report.already, report.done) == (1, 2, 3)


def test_a_changed_file_is_another_image(home: Home, outputs: Path) -> None:
    [path] = write_pictures(outputs, 1)
    home.bring(outputs)
    path.write_bytes(picture_bytes(2, prompt="another"))
    report = home.bring(outputs)
    assert report.images == 1
    assert home.value("SELECT COUNT(*) FROM images") == 2


def test_every_kind_of_file_has_its_fate(sqlite_home: Home, outputs: Path) -> None:
    whole = picture_bytes(1)
    (outputs / "good.png").write_bytes(whole)
    (outputs / "really a jpeg.png").write_bytes(picture_bytes(2, form="JPEG"))
    (outputs / "cut.png").write_bytes(picture_bytes(3)[:-900])
    (outputs / "empty.png").touch()
    (outputs / "notes.txt").write_text("nothing to see")
    (outputs / ".hidden.png").write_bytes(picture_bytes(4))
    (outputs / "nowhere.png").symlink_to(outputs / "gone.png")
    (outputs / "loop").symlink_to(outputs)
    (outputs / "out").symlink_to(outputs.parent)
    (outputs.parent / "around.png").write_bytes(picture_bytes(5))
    os.mkfifo(outputs / "pipe.png")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(outputs / "plug"))
    report = sqlite_home.bring(outputs)
    assert report.images == 2
    assert (report.hidden, report.foreign) == (1, 1)
    reasons = {refusal.path.name: refusal.reason for refusal in report.refused}
    assert set(reasons) == {"cut.png", "empty.png", "nowhere.png", "pipe.png", "plug"}
    assert reasons["empty.png"] == "the file is empty"
    assert [(note.path.name, note.reason) for note in report.notes] == [("loop", LEADS_BACK), ("out", LEADS_BACK)]
    assert report.done == report.found == 8
    assert "2 of 7 brought in; 5 unreadable" in report.sentence()
    assert {row[0] for row in sqlite_home.rows("SELECT mime FROM images")} == {"image/png", "image/jpeg"}


def list_as_somebody(pipe: Connection, root: Path) -> None:
    """Walk a folder in a process without root's rights, which may read everything."""
    if os.geteuid() == 0:
        os.setuid(65534)
    for folder in walk([root]):
        pipe.send((folder.path.name, len(folder.files), [refusal.reason for refusal in folder.refused]))
    pipe.close()


def test_an_unreadable_folder_is_reported() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        write_pictures(root / "open", 1)
        (root / "closed").mkdir(mode=0o000)
        mine, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=list_as_somebody, args=(theirs, root))
        process.start()
        told = [mine.recv() for _ in range(3)]
        process.join()
    closed = ("closed", 0, ["the folder cannot be read: permission denied"])
    assert told == [(root.name, 0, []), closed, ("open", 1, [])]


@pytest.mark.parametrize(
    "name", [b"na\xefve \xff.png", "harbour é 港.png".encode(), b"new\nline.png", b"back\\slash.png"]
)
def test_names_in_any_encoding(home: Home, outputs: Path, name: bytes) -> None:
    path = outputs / os.fsdecode(name)
    path.write_bytes(picture_bytes(1, prompt="a harbor"))
    assert home.bring(outputs).images == 1
    assert home.bring(outputs).already == 1
    shown = home.value("SELECT name FROM images")
    shown.encode()
    assert shown.endswith(".png")
    assert "\n" not in shown


def test_posts_hold_twenty_at_most_in_the_order_of_names(sqlite_home: Home, outputs: Path) -> None:
    paths = write_pictures(outputs / "many", LARGEST + 3)
    write_pictures(outputs / "few", 2, first=100)
    sqlite_home.bring(outputs, processes=2)
    posts = sqlite_home.rows("SELECT title, image_count FROM posts ORDER BY title, image_count DESC")
    assert posts == [("few", 2), ("many", LARGEST), ("many", 3)]
    big = sqlite_home.value("SELECT id FROM posts ORDER BY image_count DESC LIMIT 1")
    names = [row[0] for row in sqlite_home.rows("SELECT name FROM images WHERE post_id = ? ORDER BY idx", big)]
    assert names == [path.name for path in paths[:LARGEST]]


@pytest.mark.parametrize(("grouping", "posts"), [("folder", 1), ("day", 2), ("none", 3)])
def test_what_makes_a_post_is_a_choice(sqlite_home: Home, outputs: Path, grouping: str, posts: int) -> None:
    for place, path in enumerate(write_pictures(outputs, 3)):
        day = 1_700_000_000 + (place // 2) * 3 * 86_400
        os.utime(path, (day, day))
    assert sqlite_home.bring(outputs, grouping=grouping).posts == posts


def test_posting_time_is_the_import_or_the_file(sqlite_home: Home, outputs: Path) -> None:
    [old] = write_pictures(outputs / "old", 1)
    [ahead] = write_pictures(outputs / "ahead", 1, first=2)
    os.utime(old, (1_600_000_000, 1_600_000_000))
    os.utime(ahead, (4_000_000_000, 4_000_000_000))
    before = sqlite_home.database.now()
    sqlite_home.bring(outputs / "old", dated=True)
    sqlite_home.bring(outputs / "ahead", dated=True)
    times = [row[0] for row in sqlite_home.rows("SELECT published_at FROM images ORDER BY published_at")]
    assert times[0] == 1_600_000_000_000
    assert before <= times[1] <= sqlite_home.database.now()
    write_pictures(outputs / "now", 1, first=3)
    sqlite_home.bring(outputs / "now")
    assert sqlite_home.value("SELECT COUNT(*) FROM images WHERE published_at >= ?", before) == 2


def test_films_sounds_and_animations_keep_their_kind(sqlite_home: Home, outputs: Path) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (32, 24), colour) for colour in ("teal", "navy", "gold")]
    for name in ("move.gif", "move.webp", "move.png"):
        frames[0].save(outputs / name, save_all=True, append_images=frames[1:], duration=80)
    report = sqlite_home.bring(outputs)
    assert report.images == 3
    assert sqlite_home.rows("SELECT DISTINCT type FROM images") == [("image",)]


def test_the_library_itself_is_not_imported(sqlite_home: Home, tmp_path: Path, outputs: Path) -> None:
    write_pictures(outputs, 2)
    sqlite_home.bring(tmp_path)
    report = sqlite_home.bring(tmp_path)
    assert (report.found, report.already) == (2, 2)


def test_one_file_may_be_named(sqlite_home: Home, outputs: Path) -> None:
    paths = write_pictures(outputs, 3)
    report = sqlite_home.bring(paths[1], paths[2], paths[1])
    assert (report.images, report.found) == (2, 2)
    assert sqlite_home.bring(outputs / "nothing.png").refused_count == 1


def test_a_trashed_image_does_not_come_back(sqlite_home: Home, outputs: Path) -> None:
    [path] = write_pictures(outputs, 1)
    sqlite_home.bring(outputs)
    with sqlite_home.database.write() as w:
        w.run("UPDATE images SET deleted_at = 1")
    path.rename(outputs / "again.png")
    os.utime(outputs / "again.png")
    report = sqlite_home.bring(outputs)
    assert (report.trashed, report.images) == (1, 0)
    assert sqlite_home.value("SELECT COUNT(*) FROM images") == 1


def test_an_image_that_lost_its_bytes_gets_them_back(sqlite_home: Home, outputs: Path) -> None:
    from pinako.services.check import check_contents, repair

    write_pictures(outputs, 1)
    sqlite_home.bring(outputs)
    sha256 = sqlite_home.value("SELECT blob FROM images")
    sqlite_home.store.delete(sha256)
    for finding in list(check_contents(sqlite_home.database, sqlite_home.store)):
        repair(sqlite_home.database, sqlite_home.store, finding)
    assert sqlite_home.value("SELECT blob FROM images") is None
    assert sqlite_home.bring(outputs).restored == 1
    assert sqlite_home.rows("SELECT blob FROM images") == [(sha256,)]
    assert list(check_contents(sqlite_home.database, sqlite_home.store)) == []
