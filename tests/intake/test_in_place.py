"""Linked files: the library refers to them and never writes where they lie."""

from __future__ import annotations

import os
from pathlib import Path

from importing_files import picture_bytes, write_lora, write_pictures
from importing_home import Home

from pinako.services.check import Trouble, check_contents


def state_of(folder: Path) -> dict[str, tuple[int, ...] | bytes]:
    """Everything that a write into a folder would change, access times apart."""
    found: dict[str, tuple[int, ...] | bytes] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if path.is_file():
            found[f"{path} content"] = path.read_bytes()
    return found


def test_nothing_is_written_into_the_users_folder(home: Home, outputs: Path) -> None:
    write_pictures(outputs / "pictures", 3)
    write_lora(outputs / "models" / "harbor.safetensors")
    (outputs / "models" / "harbor.preview.png").write_bytes(picture_bytes(9))
    before = state_of(outputs)
    report = home.bring(outputs, in_place=True)
    assert (report.images, report.model_files, report.previews) == (3, 1, 1)
    home.bring(outputs, in_place=True)
    assert state_of(outputs) == before
    copies = [path for path in Path(home.settings.folder / "media").glob("??/*") if path.suffix != ".link"]
    assert copies == []
    for sha256, link in home.rows("SELECT sha256, link_path FROM blobs"):
        assert Path(link).is_relative_to(outputs)
        assert b"".join(home.store.read(sha256)) == Path(link).read_bytes()
    assert list(check_contents(home.database, home.store, hashes=True)) == []


def test_a_moved_file_is_found_again(home: Home, outputs: Path) -> None:
    [path] = write_pictures(outputs, 1)
    home.bring(outputs, in_place=True)
    [finding_id] = home.rows("SELECT id FROM images")
    (outputs / "deeper").mkdir()
    path.rename(outputs / "deeper" / "elsewhere.png")
    assert [each.trouble for each in check_contents(home.database, home.store)] == [Trouble.MISSING]
    assert home.bring(outputs, in_place=True).moved == 1
    assert list(check_contents(home.database, home.store)) == []
    assert home.rows("SELECT id FROM images") == [finding_id]
    assert home.value("SELECT link_path FROM blobs") == str(outputs / "deeper" / "elsewhere.png")


def test_a_moved_and_touched_file_is_found_by_its_content(home: Home, outputs: Path) -> None:
    [path] = write_pictures(outputs, 1)
    home.bring(outputs, in_place=True)
    path.rename(outputs / "elsewhere.png")
    os.utime(outputs / "elsewhere.png", (1, 1))
    assert home.bring(outputs, in_place=True).already == 1
    assert list(check_contents(home.database, home.store)) == []
    assert home.value("SELECT COUNT(*) FROM images") == 1
    assert home.value("SELECT link_path FROM blobs") == str(outputs / "elsewhere.png")
    assert home.value("SELECT COUNT(*) FROM imported_files") == 1


def test_a_copy_of_ours_takes_over_from_a_link(home: Home, outputs: Path) -> None:
    [path] = write_pictures(outputs / "first", 1)
    home.bring(outputs, in_place=True)
    (outputs / "second").mkdir()
    (outputs / "second" / "copy.png").write_bytes(path.read_bytes())
    assert home.bring(outputs / "second").already == 1
    path.unlink()
    assert list(check_contents(home.database, home.store)) == []
    assert home.value("SELECT link_path FROM blobs") is None
